"""Time, as something that is handed in: whoever waits or dates anything is given a clock.

A test hands in one that moves only when told, so that no test ever sleeps.
"""

import time
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


def iso(moment: datetime) -> str:
    """A moment as TRaX writes it: ISO 8601 in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
