"""Steps that cannot be taken now, because the engine that replicas share does not answer."""

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio

from trax_mcp.consent.records import Away, ResultT

_LOG = logging.getLogger(__name__)

LaterStep = Callable[[], Awaitable[object]]


class LaterSteps:
    """Takes steps as soon as the engine answers, in order."""

    def __init__(self) -> None:
        self._steps: deque[LaterStep] = deque()
        self._taking = anyio.Lock()

    async def now_or_later(
        self, step: Callable[[], Awaitable[ResultT]], *, seconds: float | None = None
    ) -> ResultT | None:
        """Take a step now, or as soon as the engine answers. None if later."""
        with anyio.move_on_after(seconds), suppress(Away):
            return await step()
        self.add(step)
        return None

    def add(self, step: LaterStep) -> None:
        """Take a step as soon as the engine answers."""
        self._steps.append(step)

    async def take_all(self) -> None:
        """Take them in order, one after the other, however many watch."""
        async with self._taking:
            while self._steps:
                try:
                    await self._steps[0]()
                except Away:
                    raise
                except Exception:  # noqa: BLE001  a bug must not end the server, and with it stops
                    _LOG.exception("a step that waited for the engine failed")
                self._steps.popleft()
