"""A control room in a client that draws apps, on a TRaX whose time is real."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from proof.browser.panels import ALL, BRIDGE, ShownApp, calls_of, show_app
from tests.support.product.sandbox import Sandbox
from tests.world.world import MINE, Over, World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, FrameLocator

STUDIO: Final = {"studioId": "studio_42"}
URI: Final = "ui://trax/room.html"
_AXE: Final = Path(BRIDGE).parent / "node_modules/axe-core/axe.min.js"


@dataclass
class ShownRoom:
    """A room, its world, and what the client around it saw."""

    world: World
    client: Any
    """The client that passes the calls of the room on. Without one, it has lost its server."""
    app: ShownApp = field(init=False)

    @property
    def frame(self) -> FrameLocator:
        """What the room draws."""
        return self.app.frame

    async def shows(self, selector: str, text: str = "") -> None:
        """Wait until something is visible, with this text in it."""
        found = self.frame.locator(selector)
        await (found.filter(has_text=text) if text else found).first.wait_for()

    async def violations(self) -> list[str]:
        """What axe-core finds wrong in the room."""
        (frame,) = self.app.page.frames[1:]
        await frame.evaluate(_AXE.read_text(encoding="utf-8"))
        found = await frame.evaluate("axe.run(document)")
        return [f"{it['id']}: {it['nodes'][0]['html']}" for it in found["violations"]]


@asynccontextmanager
async def open_room(
    browser: Browser,
    *,
    theme: str = "light",
    width: int = 760,
    padding: int = 16,
    modes: tuple[str, ...] = ("inline",),
    capabilities: dict[str, Any] = ALL,
) -> AsyncIterator[ShownRoom]:
    """Open a room of the Friday Night Show, in a world of its own."""
    trax = Sandbox(rate_limit=None)
    opened = open_world(MINE, trax=trax, over=Over.PROCESS, apps=True)
    async with opened as world:
        client = world[MINE].client
        result = await client.call_tool("open_control_room", STUDIO)
        (contents,) = (await client.read_resource(URI)).contents
        room = ShownRoom(world, client)

        async def call_tool(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
            if room.client is None:
                raise ConnectionError
            return await calls_of(room.client)(name, arguments)

        room.app = await show_app(
            browser,
            contents.text,  # type: ignore[union-attr]
            result.model_dump(mode="json", by_alias=True, exclude_none=True),
            call_tool,
            theme=theme,
            width=width,
            padding=padding,
            modes=modes,
            capabilities=capabilities,
        )
        await room.frame.locator("main:not([hidden])").wait_for()
        yield room
        await room.app.page.context.close()
