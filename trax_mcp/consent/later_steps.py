"""Steps that cannot be taken now, because the engine that replicas share does not answer."""

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Never

import anyio

from trax_mcp.consent.records import Away, Records, ResultT
from trax_mcp.consent.turns import Turns

_BEAT_SECONDS: Final = 0.5
"""How often turns are renewed, where replicas share them."""

_LOG = logging.getLogger(__name__)

LaterStep = Callable[[], Awaitable[object]]


class LaterSteps:
    """Takes steps as soon as the engine answers, in order."""

    def __init__(self, records: Records, turns: Turns) -> None:
        self._records = records
        self._turns = turns
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

    async def watch(self) -> None:
        """Renew the turns of this replica, and take the steps that others have still to learn of.

        It never ends. It is needed only where replicas share the records.
        """
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._again_and_again, self._turns.renew)
            tasks.start_soon(self._again_and_again, self._take_all)

    async def _again_and_again(self, step: LaterStep) -> Never:
        while True:
            with suppress(Away):
                await self._records.read()  # to notice an engine that is away, or back
                await step()
            await anyio.sleep(_BEAT_SECONDS)

    async def _take_all(self) -> None:
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
