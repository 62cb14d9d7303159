"""A `ConsentStore` that is slow: other tasks run before and after each of its steps.

In one gap of its choice, a test lets something happen between two steps of a call.
"""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from tests.support.product.shared_clock import settled
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from trax_mcp.consent.store import ConsentStore, Started


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

    def may_send(self, started: Started) -> bool:
        """The one step that never waits."""
        return self._store.may_send(started)

    async def wait_for_stop(self, started: Started) -> None:
        """The one step that is taken beside others. It changes nothing."""
        await self._store.wait_for_stop(started)

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        """The step of this name, between two gaps."""
        step = getattr(self._store, name)

        async def run(*arguments: object, **named: object) -> object:
            async with self._step(name):
                return await step(*arguments, **named)

        return run

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
