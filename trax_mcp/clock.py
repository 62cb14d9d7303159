"""Time, as something that is handed in: whoever waits or dates anything is given a clock.

A test hands in one that moves only when told, so that no test ever sleeps.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import anyio


class Clock:
    """The real time. Seconds are monotonic and mean nothing by themselves."""

    def seconds(self) -> float:
        """Seconds since some moment, never running backwards."""
        return time.monotonic()

    def now(self) -> datetime:
        """The date and time, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await anyio.sleep(seconds)

    @asynccontextmanager
    async def move_on_after(self, seconds: float) -> AsyncIterator[None]:
        """Leave the block, without an error, once so much time has gone."""
        async with anyio.create_task_group() as tasks:

            async def leave() -> None:
                await self.sleep(seconds)
                tasks.cancel_scope.cancel()

            tasks.start_soon(leave)
            yield
            tasks.cancel_scope.cancel()


def iso(moment: datetime) -> str:
    """A moment as TRaX writes it: ISO 8601 in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
