"""The TRaX behind the servers: the sandbox on a port, with time as hasty as theirs.

It makes new keys, lets viewers talk and trouble happen, and is tidied after each show: what grows
must grow in the servers. It knows nothing of MCP.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from itertools import count, cycle
from typing import TYPE_CHECKING, Final

import uvicorn

from trax_mcp.sandbox import Clock, Fault, Sandbox
from trax_mcp.sandbox.keys import ACCOUNT, SCOPES
from trax_mcp.sandbox.records import Key
from trax_mcp.server.listening import listen, url_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, MutableMapping
    from typing import Any

CHAT: Final = "/v1/studios/*/chat/messages"
ACCOUNTS: Final = "/v1/connections"
_TROUBLES: Final = cycle(
    (
        Fault.status(503, "<h1>Back soon</h1>", content_type="text/html"),
        Fault.error(429, "rate_limited", Retry_After="1"),
        Fault.dropped(),
        Fault.truncated(),
        Fault.broken_off(),
        Fault.error(500, "internal"),
        Fault.status(200, "{}", headers={"content-encoding": "gzip"}),
        Fault.delay(0.1),
    )
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

    def __init__(self, pace: float, address: str) -> None:
        self.address = address
        self.sandbox = Sandbox(HastyClock(pace), base_url=address)
        self._numbers = count(1)
        world = self.sandbox.world
        self._changing: list[MutableMapping[str, Any]] = [
            world.studios,
            world.destinations,
            world.sources,
            world.connections,
            world.library.assets,
            world.streams,
            world.chats,
        ]
        self._from_the_start = [dict(it) for it in self._changing]

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
        self.sandbox.faults.add(next(_TROUBLES), method="GET", path=path)

    def calm(self) -> None:
        """Let nothing go wrong that has not yet."""
        self.sandbox.faults.clear()

    def leap(self, seconds: float) -> None:
        """Let so much time be gone."""
        self.sandbox.clock.advance(seconds)

    def clear(self) -> None:
        """Tidy up: studios and files are gone as if they had never been; keys stay good."""
        self.calm()
        for now, then in zip(self._changing, self._from_the_start, strict=True):
            now.clear()
            now.update(then)


@asynccontextmanager
async def upstream(pace: float) -> AsyncIterator[Stage]:
    """Have it on a free port of loopback until the block ends."""
    listener = listen("127.0.0.1", 0)
    stage = Stage(pace, url_of(listener))
    config = uvicorn.Config(
        stage.sandbox.app, log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    try:
        yield stage
    finally:
        await server.shutdown(sockets=[listener])
