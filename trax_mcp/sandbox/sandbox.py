"""The sandbox as one thing to hold: its world, clock and faults, what reached it, and its ASGI app.

Nothing is global: two sandboxes in one process share nothing. It knows no port and no server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trax_mcp.sandbox.app import create_app
from trax_mcp.sandbox.clock import Clock
from trax_mcp.sandbox.deployment import BASE_URL, GENEROUS, Deployment, RateLimit
from trax_mcp.sandbox.faults import Faults
from trax_mcp.sandbox.log import Log, Received
from trax_mcp.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp


class Sandbox(Deployment):
    """A small TRaX. `app` is its ASGI application; the rest is for whoever plays with it."""

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        empty: bool = False,
        base_url: str = BASE_URL,
        rate_limit: RateLimit | None = GENEROUS,
    ) -> None:
        super().__init__(base_url=base_url, rate_limit=rate_limit)
        self.clock = clock or Clock()
        self.world = World(self.clock, self) if empty else World.seeded(self.clock, self)
        self.faults = Faults()
        log = Log(self.world)
        self.requests: Sequence[Received] = log.requests
        """What reached the sandbox, oldest first; the last ten thousand."""
        self.app: ASGIApp = create_app(self.world, faults=self.faults, log=log)

    @property
    def mutations(self) -> Sequence[Received]:
        """Those of `requests` that are not GET."""
        return [received for received in self.requests if received.method != "GET"]
