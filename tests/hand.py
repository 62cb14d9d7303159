"""Time in the test's hand: our clock, moved together with the sandbox's."""

from datetime import UTC, datetime

import anyio

from trax_mcp.clock import Clock
from trax_mcp.sandbox import Sandbox

_SHORT_SECONDS = 2.0


class HandClock(Clock):
    """A clock that moves when the test says so, and by itself only for short waits.

    The pauses between two looks pass at once; what waits for longer, such as for a person, waits
    for `advance`.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._moved = anyio.Event()

    def seconds(self) -> float:
        """The sandbox's own time, in seconds."""
        return self._sandbox.clock.now()

    def now(self) -> datetime:
        """The sandbox's own time, as a date."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def advance(self, seconds: float) -> None:
        """Let time pass, for the sandbox and for everyone who waits."""
        self._sandbox.clock.advance(seconds)
        self._moved.set()
        self._moved = anyio.Event()

    async def sleep(self, seconds: float) -> None:
        """Wait without waiting, or for the test."""
        until = self.seconds() + seconds
        if seconds <= _SHORT_SECONDS:
            self.advance(seconds)
            await anyio.lowlevel.checkpoint()
        while self.seconds() < until:
            await self._moved.wait()
