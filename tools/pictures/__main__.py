"""`python -m tools.pictures [FOLDER]`: draws the pages that people see, in a real Chromium.

Without a folder, those that `docs/` shows. With one, all of them. Each at 390 and 1280 pixels,
light and dark. A question's time stands still, so that the pictures are the same each time; those
of the control room have the times of their show.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio
import mcp_types as types
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from playwright.async_api import async_playwright

from proof.browser.conftest import launch
from proof.browser.panels import APPS, show_panel
from tests import ROOT
from tests.consent.several_changes import TWITCH_ONLY
from tests.support.opened_addresses import OpenedAddresses
from tests.support.server_process import running
from tools.pictures.room import draw_rooms
from tools.pictures.sign_in import draw_passkey, draw_sign_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from playwright.async_api import Browser, Page

WIDTHS: Final = (390, 1280)
THEMES: Final = ("light", "dark")
CLIENT: Final = types.Implementation(name="claude-ai", title="Claude Desktop", version="1")
_STOP_COUNTING: Final = "clearInterval(card.timer); card.left.textContent = '4:52';"
_HEIGHT: Final = 480


_IN_DOCS: Final = ("sign-in-key-390-light", "sign-in-connect-390-light")
"""The pictures of signing in that a page of `docs/` shows."""


async def draw(folder: Path | None) -> None:
    """Draw all pictures into a folder, or those of `docs/` there."""
    to = folder or ROOT / "docs"
    to.mkdir(parents=True, exist_ok=True)

    async def drawn(page: Page, name: str) -> None:
        await _draw_sizes(page, to, f"sign-in-{name}", None if folder else _IN_DOCS)

    async with async_playwright() as playwright, launch(playwright) as browser:
        await draw_sign_in(browser, drawn)
        if folder:
            await draw_passkey(browser, drawn)
        await _draw_page(browser, to)
        await _draw_panel(browser, to)
        await draw_rooms(browser, folder)


async def _draw_sizes(
    page: Page, folder: Path, name: str, only: Collection[str] | None = None
) -> None:
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": _HEIGHT})
        for theme in THEMES:
            whole = f"{name}-{width}-{theme}"
            if only is None or whole in only:
                await page.emulate_media(color_scheme=theme)
                await page.screenshot(path=folder / f"{whole}.png", full_page=True)


async def _draw_page(browser: Browser, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as opened_in:
        opened = OpenedAddresses(Path(opened_in))
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "trax_mcp"], env=opened.environment, cwd=ROOT
        )
        async with (
            Client(stdio_client(server), client_info=CLIENT) as client,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(client.call_tool, TWITCH_ONLY.tool, TWITCH_ONLY.arguments)
            page = await browser.new_page(viewport={"width": WIDTHS[0], "height": _HEIGHT})
            await page.goto(await opened.next())
            await page.locator("button.yes:enabled").wait_for()
            await page.evaluate("cards.forEach((card) => { " + _STOP_COUNTING + " })")
            await _draw_sizes(page, folder, "page")
            await page.locator("button.no").click()


async def _draw_panel(browser: Browser, folder: Path) -> None:
    async with running("http", "--sandbox", "--port", "0") as process:
        transport = streamable_http_client(f"{await process.address()}/mcp")
        async with Client(transport, extensions=APPS, cache=None, client_info=CLIENT) as client:
            result = await client.call_tool(TWITCH_ONLY.tool, TWITCH_ONLY.arguments)
            for width in WIDTHS:
                for theme in THEMES:
                    async with _panel(browser, client, result, width, theme) as page:
                        path = folder / f"panel-{width}-{theme}.png"
                        await page.screenshot(path=path)


@asynccontextmanager
async def _panel(
    browser: Browser, client: Client, result: types.CallToolResult, width: int, theme: str
) -> AsyncIterator[Page]:
    page, _ = await show_panel(browser, client, result, theme=theme, width=width)
    await page.frame_locator("iframe").locator("button.yes:enabled").wait_for()
    await page.frames[-1].evaluate(_STOP_COUNTING)
    height = await page.evaluate("document.body.scrollHeight")
    await page.set_viewport_size({"width": width, "height": height})  # else some of it is missing
    yield page
    await page.context.close()


if __name__ == "__main__":
    anyio.run(draw, Path(sys.argv[1]) if len(sys.argv) > 1 else None)
