"""The sandbox as one object. Two sandboxes in one process share nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trax_mcp.sandbox.asgi_app import create_app
from trax_mcp.sandbox.deployment import BASE_URL, Deployment
from trax_mcp.sandbox.system_clock import Clock
from trax_mcp.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp

    from trax_mcp.sandbox.messages import Middleware


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
        self.app: ASGIApp = create_app(self.world, middleware)
