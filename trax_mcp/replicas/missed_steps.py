"""Steps that the engine has missed. They are repeated, in order, when it answers again."""

from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import anyio

from trax_mcp.replicas.failures import EngineAway, Unreadable

_MOST: Final = 10_000
_PAUSE_SECONDS: Final = 0.1

MissedStep = Callable[[], Awaitable[None]]


class MissedSteps:
    """The steps that this replica has still to take, each of which counts for some seconds."""

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._missed: deque[tuple[MissedStep, float]] = deque()
        self._news = anyio.Event()

    async def take(self, step: MissedStep) -> bool:
        """Take a step now, or after all those that were missed. Whether it was taken now."""
        if not self._missed:
            try:
                await step()
            except EngineAway:
                pass
            else:
                return True
        if len(self._missed) < _MOST:
            self._missed.append((step, anyio.current_time()))
            self._news.set()
        return False

    async def run(self) -> None:
        """Repeat what was missed, without an end."""
        while True:
            while self._missed:
                await self._repeat_first()
            self._news = anyio.Event()
            await self._news.wait()

    async def _repeat_first(self) -> None:
        step, since = self._missed[0]
        if anyio.current_time() - since < self._seconds:
            try:
                with suppress(Unreadable):  # it would hold up all that follow
                    await step()
            except EngineAway:
                await anyio.sleep(_PAUSE_SECONDS)
                return
        self._missed.popleft()
