"""The clock, passed to everything that waits or reads the time, so that tests can replace it."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import anyio


class Clock:
    """The clock of the operating system. `is_local`: dates are in the zone of the computer."""

    def __init__(self, *, is_local: bool = False) -> None:
        self._zone = None if is_local else UTC

    def seconds(self) -> float:
        """Monotonic seconds, from an arbitrary start."""
        return time.monotonic()

    def now(self) -> datetime:
        """The date and time, in UTC or the zone of the computer."""
        return datetime.now(UTC).astimezone(self._zone)

    async def sleep(self, seconds: float) -> None:
        """Wait for some seconds."""
        await anyio.sleep(seconds)

    @asynccontextmanager
    async def move_on_after(self, seconds: float) -> AsyncIterator[None]:
        """Cancel the block, without an error, after some seconds."""
        async with anyio.create_task_group() as tasks:

            async def cancel() -> None:
                await self.sleep(seconds)
                tasks.cancel_scope.cancel()

            tasks.start_soon(cancel)
            yield
            tasks.cancel_scope.cancel()


def iso(moment: datetime) -> str:
    """Format a time as TRaX does: ISO 8601 in UTC, in seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
