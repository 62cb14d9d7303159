"""The sandbox as one object. Two sandboxes in one process share nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trax_mcp.sandbox.asgi_app import create_app
from trax_mcp.sandbox.deployment import BASE_URL, GENEROUS, Deployment, RateLimit
from trax_mcp.sandbox.faults import Faults
from trax_mcp.sandbox.request_log import ReceivedRequest, RequestLog
from trax_mcp.sandbox.virtual_clock import Clock
from trax_mcp.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp


class Sandbox(Deployment):
    """A small TRaX. `app` is its ASGI application; the rest is for demos and tests."""

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
        log = RequestLog(self.world)
        self.requests: Sequence[ReceivedRequest] = log.requests
        """The requests that arrived, oldest first; the last ten thousand."""
        self.app: ASGIApp = create_app(self.world, faults=self.faults, log=log)

    @property
    def mutations(self) -> Sequence[ReceivedRequest]:
        """The requests that are not GET."""
        return [it for it in self.requests if it.method != "GET"]
