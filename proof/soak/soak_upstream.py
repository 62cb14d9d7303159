"""The sandbox behind the servers, on a port and on fast time.

It is restored after each show, so that only the servers can grow.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from itertools import count, cycle
from typing import TYPE_CHECKING, Final

from tests.support.faults import Fault
from tests.support.frozen_sandbox import restore, world_of
from tests.support.local_servers import listening
from tests.support.manual_clock import ManualClock
from tests.support.recorded_sandbox import Sandbox
from trax_mcp.sandbox.keys import ACCOUNT, SCOPES
from trax_mcp.sandbox.records import Key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHAT: Final = "/v1/studios/*/chat/messages"
ACCOUNTS: Final = "/v1/connections"
_FAULTS: Final = (
    Fault.status(503, "<h1>Back soon</h1>", content_type="text/html"),
    Fault.error(429, "rate_limited", Retry_After="1"),
    Fault.dropped(),
    Fault.truncated(),
    Fault.broken_off(),
    Fault.error(500, "internal"),
    Fault.status(200, "{}", headers={"content-encoding": "gzip"}),
    Fault.delay(0.1),
)


class FastClock(ManualClock):
    """The sandbox's clock, `pace` times as fast as the system's."""

    def __init__(self, pace: float) -> None:
        super().__init__()
        self._pace = pace
        self._started_at = super().now()

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._started_at + (super().now() - self._started_at) * self._pace

    def advance(self, seconds: float) -> None:
        """Jump ahead by `seconds`."""
        super().advance(seconds / self._pace)


class SoakUpstream:
    """One sandbox, which `restore` resets to its initial records."""

    def __init__(self, pace: float) -> None:
        self.sandbox = Sandbox(FastClock(pace))
        self._numbers = count(1)
        self._faults = cycle(_FAULTS)
        self._initial_world = world_of(self.sandbox)

    @property
    def address(self) -> str:
        """Its base URL."""
        return self.sandbox.base_url

    def new_key(self) -> str:
        """Add a key with all scopes."""
        number = next(self._numbers)
        secret = f"sk_live_sandbox_guest_{number}"
        self.sandbox.world.keys[secret] = Key(secret, f"guest {number}", ACCOUNT, SCOPES)
        return secret

    def add_message(self, studio: str) -> None:
        """Add a chat message."""
        self.sandbox.world.say(studio, f"Number {next(self._numbers)}", author="Ann")

    def is_live(self, studio: str) -> bool:
        """Whether a studio is live."""
        world = self.sandbox.world
        return bool(world.stream_status(world.studios[studio])["live"])

    def add_fault(self, path: str) -> None:
        """Make the next GET of this path fail, each time with another fault."""
        self.sandbox.faults.add(next(self._faults), method="GET", path=path)

    def skip(self, seconds: float) -> None:
        """Move the clock ahead."""
        self.sandbox.clock.advance(seconds)

    def restore(self) -> None:
        """Remove faults and restore the initial records; keys stay."""
        self.sandbox.faults.clear()
        restore(self.sandbox, self._initial_world)


@asynccontextmanager
async def serve_upstream(pace: float) -> AsyncIterator[SoakUpstream]:
    """Serve a sandbox on a free loopback port until the block ends."""
    upstream = SoakUpstream(pace)
    async with listening(upstream.sandbox.app) as address:
        upstream.sandbox.base_url = address
        yield upstream
