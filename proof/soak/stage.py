"""The TRaX behind the servers: the sandbox on a port, with time as hasty as theirs.

It makes new keys, lets viewers talk and trouble happen, and is tidied after each show: what grows
must grow in the servers. It knows nothing of MCP.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from itertools import count, cycle
from typing import TYPE_CHECKING, Final

from tests.ports import listening
from tests.witness import restore, world_of
from trax_mcp.sandbox import Clock, Fault, Sandbox
from trax_mcp.sandbox.keys import ACCOUNT, SCOPES
from trax_mcp.sandbox.records import Key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHAT: Final = "/v1/studios/*/chat/messages"
ACCOUNTS: Final = "/v1/connections"
_TROUBLES: Final = (
    Fault.status(503, "<h1>Back soon</h1>", content_type="text/html"),
    Fault.error(429, "rate_limited", Retry_After="1"),
    Fault.dropped(),
    Fault.truncated(),
    Fault.broken_off(),
    Fault.error(500, "internal"),
    Fault.status(200, "{}", headers={"content-encoding": "gzip"}),
    Fault.delay(0.1),
)


class HastyClock(Clock):
    """The sandbox's time, `pace` times as fast as the machine's."""

    def __init__(self, pace: float) -> None:
        super().__init__()
        self._pace = pace
        self._began = super().now()

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._began + (super().now() - self._began) * self._pace

    def advance(self, seconds: float) -> None:
        """Jump ahead by `seconds`."""
        super().advance(seconds / self._pace)


class Stage:
    """One sandbox. What is there from its beginning is all that is there between two shows."""

    def __init__(self, pace: float) -> None:
        self.sandbox = Sandbox(HastyClock(pace))
        self._numbers = count(1)
        self._troubles = cycle(_TROUBLES)
        self._from_the_start = world_of(self.sandbox)

    @property
    def address(self) -> str:
        """Where it is reached."""
        return self.sandbox.base_url

    def new_key(self) -> str:
        """The key of somebody who has never been here, and may do everything."""
        number = next(self._numbers)
        secret = f"sk_live_sandbox_guest_{number}"
        self.sandbox.world.keys[secret] = Key(secret, f"guest {number}", ACCOUNT, SCOPES)
        return secret

    def speak(self, studio: str) -> None:
        """Let a viewer say something."""
        self.sandbox.world.say(studio, f"Number {next(self._numbers)}", author="Ann")

    def is_live(self, studio: str) -> bool:
        """Whether viewers see a studio now."""
        world = self.sandbox.world
        return bool(world.stream_status(world.studios[studio])["live"])

    def disturb(self, path: str) -> None:
        """Let a look there go wrong, once; each time in another way."""
        self.sandbox.faults.add(next(self._troubles), method="GET", path=path)

    def leap(self, seconds: float) -> None:
        """Let so much time be gone."""
        self.sandbox.clock.advance(seconds)

    def clear(self) -> None:
        """Tidy up: studios and files are gone as if they had never been; keys stay good."""
        self.sandbox.faults.clear()
        restore(self.sandbox, self._from_the_start)


@asynccontextmanager
async def upstream(pace: float) -> AsyncIterator[Stage]:
    """Have it on a free port of loopback until the block ends."""
    stage = Stage(pace)
    async with listening(stage.sandbox.app) as address:
        stage.sandbox.base_url = address
        yield stage
