"""A `ConsentStore` that is slow: other tasks run before and after each of its steps.

In one gap of its choice, a test lets something happen between two steps of a call.
"""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from tests.support.server_process import PATIENCE_SECONDS
from tests.support.shared_clock import settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from trax_mcp.api.errors import Outcome
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation
    from trax_mcp.consent.evidence import Confirmation
    from trax_mcp.consent.preview import Preview
    from trax_mcp.consent.store import ConsentStore, Place, Seen, Stale, Started


class YieldingStore:
    """Wraps a store, and yields before and after every step.

    The gaps are named "before look 1", "after look 1", "before add 1" and so on: `watch` starts to
    count. A step that is cancelled has done nothing, so the gap after a step is shielded.
    """

    def __init__(self, store: ConsentStore) -> None:
        self._store = store
        self._count: Counter[str] = Counter()
        self._gap: str | None = None
        self._rival: Callable[[], object] = lambda: None
        self._left = anyio.Event()
        self.passed: list[str] = []
        """The gaps since `watch`, in order."""

    def watch(self, gap: str | None = None, rival: Callable[[], object] = lambda: None) -> None:
        """Count from now on. In `gap`, call `rival` once, and wait until all tasks wait.

        `rival` starts tasks and returns. It cannot be awaited here: it may need the turn that the
        call in the gap holds.
        """
        self._count.clear()
        self.passed.clear()
        self._gap, self._rival, self._left = gap, rival, anyio.Event()

    async def left(self) -> None:
        """Wait until the call has left the gap. Until then it waits for all other tasks."""
        with anyio.fail_after(PATIENCE_SECONDS):
            await self._left.wait()

    async def look(self, place: Place, confirmation_id: str | None) -> Seen:
        """As the store."""
        async with self._step("look"):
            return await self._store.look(place, confirmation_id)

    async def add(
        self,
        operation: Operation[Model],
        preview: Preview,
        *,
        seen: Seen,
        choice: str | None = None,
        asked_again: bool = False,
    ) -> Confirmation | Stale:
        """As the store."""
        async with self._step("add"):
            return await self._store.add(
                operation, preview, seen=seen, choice=choice, asked_again=asked_again
            )

    async def wait_for_go_live(self, place: Place) -> None:
        """As the store."""
        async with self._step("wait_for_go_live"):
            await self._store.wait_for_go_live(place)

    async def begin(
        self, operation: Operation[Model], *, confirmation_id: str | None, seen: Seen
    ) -> Started | Stale:
        """As the store."""
        async with self._step("begin"):
            return await self._store.begin(operation, confirmation_id=confirmation_id, seen=seen)

    async def note_overlap(self, started: Started) -> Started:
        """As the store."""
        async with self._step("note_overlap"):
            return await self._store.note_overlap(started)

    async def go_live_may_follow(self, started: Started) -> bool:
        """As the store."""
        async with self._step("go_live_may_follow"):
            return await self._store.go_live_may_follow(started)

    async def finish(
        self, started: Started, outcome: Outcome, *, place: Place, hidden_fields: Sequence[str]
    ) -> None:
        """As the store."""
        async with self._step("finish"):
            await self._store.finish(started, outcome, place=place, hidden_fields=hidden_fields)

    async def record(self, started: Started, outcome: str, *, on_air: bool) -> None:
        """As the store."""
        async with self._step("record"):
            await self._store.record(started, outcome, on_air=on_air)

    async def record_on_air(self, seen: Seen) -> None:
        """As the store."""
        async with self._step("record_on_air"):
            await self._store.record_on_air(seen)

    async def record_auto_go_live(self, place: Place, *, on: bool) -> None:
        """As the store."""
        async with self._step("record_auto_go_live"):
            await self._store.record_auto_go_live(place, on=on)

    async def discard(self, confirmation_id: str) -> None:
        """As the store."""
        async with self._step("discard"):
            await self._store.discard(confirmation_id)

    @asynccontextmanager
    async def _step(self, name: str) -> AsyncIterator[None]:
        self._count[name] += 1
        numbered = f"{name} {self._count[name]}"
        await self._pass(f"before {numbered}")
        yield
        with anyio.CancelScope(shield=True):
            await self._pass(f"after {numbered}")

    async def _pass(self, gap: str) -> None:
        self.passed.append(gap)
        await anyio.lowlevel.checkpoint()
        if gap == self._gap:
            self._gap = None
            try:
                self._rival()
                await settled()
            finally:
                self._left.set()
