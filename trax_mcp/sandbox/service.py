"""The sandbox as one object. Two sandboxes in one process share nothing."""

from collections.abc import Sequence

from trax_mcp.sandbox.asgi_app import create_app
from trax_mcp.sandbox.deployment import BASE_URL, Deployment
from trax_mcp.sandbox.messages import Middleware
from trax_mcp.sandbox.system_clock import Clock
from trax_mcp.sandbox.world import World


class Sandbox(Deployment):
    """A small TRaX. `app` is its ASGI application; `middleware` wraps the handling of requests."""

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        empty: bool = False,
        base_url: str = BASE_URL,
        middleware: Sequence[Middleware] = (),
    ) -> None:
        super().__init__(base_url=base_url)
        self.clock = clock or Clock()
        self.world = World(self.clock, self) if empty else World.seeded(self.clock, self)
        self.app = create_app(self.world, middleware)
