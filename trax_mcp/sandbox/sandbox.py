"""The sandbox as one thing to hold: its world, clock and faults, what reached it, and its ASGI app.

Nothing is global: two sandboxes in one process share nothing. It knows no port and no server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trax_mcp.sandbox.app import create_app
from trax_mcp.sandbox.clock import Clock
from trax_mcp.sandbox.faults import Faults
from trax_mcp.sandbox.gates import GENEROUS, Buckets, RateLimit
from trax_mcp.sandbox.log import Log, Received
from trax_mcp.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp

BASE_URL = "http://127.0.0.1:8766"


class Sandbox:
    """A small TRaX. `app` is its ASGI application; the rest is for whoever plays with it.

    `base_url` is where upload URLs point; `rate_limit` None means no limit.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        empty: bool = False,
        base_url: str = BASE_URL,
        rate_limit: RateLimit | None = GENEROUS,
    ) -> None:
        self.clock = clock or Clock()
        self.world = World.empty(self.clock) if empty else World.seeded(self.clock)
        self.world.base_url = base_url
        self.faults = Faults()
        self._log = Log(self.world)
        self._buckets = Buckets(self.clock, rate_limit)
        self.app: ASGIApp = create_app(
            self.world, faults=self.faults, log=self._log, buckets=self._buckets
        )

    @property
    def requests(self) -> Sequence[Received]:
        """What reached the sandbox, oldest first; the last ten thousand."""
        return self._log.requests

    @property
    def mutations(self) -> Sequence[Received]:
        """Those of `requests` that are not GET."""
        return [received for received in self.requests if received.method != "GET"]

    @property
    def write_enabled(self) -> bool:
        """The deployment's write gate, as `GET /v1/health` tells it."""
        return self.world.write_enabled

    @write_enabled.setter
    def write_enabled(self, enabled: bool) -> None:
        self.world.write_enabled = enabled

    @property
    def base_url(self) -> str:
        """Where upload URLs point; to be set once a port is known."""
        return self.world.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self.world.base_url = url

    @property
    def rate_limit(self) -> RateLimit | None:
        """The token bucket each key has; None is no limit."""
        return self._buckets.limit

    @rate_limit.setter
    def rate_limit(self, limit: RateLimit | None) -> None:
        self._buckets.limit = limit
