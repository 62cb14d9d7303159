"""What a product remembers of consent: in this process and slow, or in an engine that others share.

A product without one of these remembers by itself, and no step of its memory ever waits.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, cast

import anyio

from trax_mcp.clock import Clock
from trax_mcp.consent.memory_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from trax_mcp.consent.store import ConsentStore
    from trax_mcp.replicas.shared_looks import SharedLooks
    from trax_mcp.replicas.shared_questions import QuestionsOnEngine

    Pause = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of one product, and the clock by which it ends what is old."""

    clock: Clock
    store: ConsentStore
    questions: QuestionsOnEngine | None = None
    feeds: SharedLooks | None = None


def slow_memory(clock: Clock, pause: Pause) -> Memory:
    """A memory in this process that pauses before and after each step: others may run then."""
    return Memory(clock, cast("ConsentStore", _Slow(MemoryStore(clock), pause)))


@asynccontextmanager
async def engine_memory(url: str) -> AsyncIterator[Memory]:
    """The memory of one of several products that share an engine."""
    from trax_mcp.replicas.consent_store import open_store  # noqa: PLC0415  a part of its own

    clock = Clock()
    async with open_store(url, clock) as store:
        yield Memory(clock, store, store.questions, store.feeds)


class _Slow:
    """Pauses around each step. One that is cancelled has done nothing, so its end is shielded."""

    def __init__(self, steps: object, pause: Pause) -> None:
        self._steps = steps
        self._pause = pause

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  a step
        step = getattr(self._steps, name)
        if not iscoroutinefunction(step):
            return step

        async def run(*arguments: object, **named: object) -> object:
            await self._pause()
            result = await step(*arguments, **named)
            with anyio.CancelScope(shield=True):
                await self._pause()
            return result

        return run
