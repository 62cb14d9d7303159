"""A control room in an app or on its page, on a TRaX that a test breaks."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import mcp_types as types
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from proof.browser.opened_pages import follow
from proof.browser.rooms import open_room
from tests.support.http_clients import plain_http
from tests.support.product.sandbox import Sandbox
from tests.support.server_process import PATIENCE_SECONDS, running
from tests.world.wire import MODERN, HttpWire, credentials, read_answer, request
from tests.world.world import MINE, Over, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, FrameLocator, Page

    from tests.support.opened_addresses import OpenedAddresses
    from tests.support.server_process import Running
    from tests.world.world import World

Where = Literal["app", "page"]
WHERE: Final[tuple[Where, ...]] = ("app", "page")
_DRAWS_APPS: Final = {"extensions": {EXTENSION_ID: {"mimeTypes": [APP_MIME_TYPE]}}}


@dataclass
class RoomView:
    """What a person sees of a room, the page that it is in, and the process behind it."""

    world: World
    page: Page
    room: Page | FrameLocator
    process: Running

    async def shows(self, selector: str, text: str = "") -> None:
        """Wait until something is visible, with this text in it."""
        found = self.room.locator(selector)
        await (found.filter(has_text=text) if text else found).first.wait_for()

    async def is_gone(self, selector: str) -> None:
        """Wait until something is not visible."""
        await self.room.locator(selector).wait_for(state="hidden")

    async def text(self, selector: str) -> str:
        """What something says now, in one line."""
        return " ".join((await self.room.locator(selector).inner_text()).split())

    async def click(self, selector: str) -> None:
        """Click."""
        await self.room.locator(selector).click()


@asynccontextmanager
async def open_view(
    browser: Browser,
    opened: OpenedAddresses,
    where: Where,
    *,
    theme: Literal["light", "dark"] = "light",
    width: int = 760,
) -> AsyncIterator[RoomView]:
    """A room of the Friday Night Show, which is on air."""
    opening = (
        _app(browser, theme, width) if where == "app" else _page(browser, opened, theme, width)
    )
    async with opening as view:
        view.world.trax.go_live()
        await view.shows("#light", "ON AIR 0:")
        yield view


@asynccontextmanager
async def _app(browser: Browser, theme: str, width: int) -> AsyncIterator[RoomView]:
    async with open_room(browser, theme=theme, width=width, padding=0) as room:
        process = room.world.replicas[0].process
        assert process is not None
        room.client = _PlainClient(room.world)
        yield RoomView(room.world, room.app.page, room.frame, process)


@dataclass
class _PlainClient:
    """A client that outlives its server: it calls the one that was started last."""

    world: World

    async def call_tool(self, name: str, arguments: dict[str, Any]) -> types.CallToolResult:
        """Call a tool."""
        params = {"name": name, "arguments": arguments}
        message = request(MODERN, "tools/call", params, capabilities=_DRAWS_APPS)
        async with plain_http(self.world.replicas[-1].address) as http:
            answer = await HttpWire(http, MODERN, **credentials(MINE)).post(message)
        return types.CallToolResult.model_validate(read_answer(answer)["result"])


@asynccontextmanager
async def _page(
    browser: Browser, opened: OpenedAddresses, theme: Literal["light", "dark"], width: int
) -> AsyncIterator[RoomView]:
    async with open_world(trax=Sandbox(rate_limit=None), over=Over.STDIO) as world:
        settings = {**opened.environment, **world.settings, "TRAX_API_KEY": MINE}
        del settings["TRAX_SANDBOX"]
        async with running("room", "studio_42", settings=settings) as process:
            context = await browser.new_context(
                color_scheme=theme, viewport={"width": width, "height": 600}
            )
            page = await context.new_page()
            page.set_default_timeout(PATIENCE_SECONDS * 1000)
            await follow(page, opened)
            await page.wait_for_selector("main:not([hidden])")
            yield RoomView(world, page, page, process)
            await context.close()
