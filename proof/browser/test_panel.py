"""The approval panel in the official AppBridge, with a server behind it over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from proof.browser.panels import APPS, show_panel
from tests.support.guarded_calls import STUDIO
from tests.support.server_process import PATIENCE_SECONDS, running
from tests.world.wire import ERAS

if TYPE_CHECKING:
    from playwright.async_api import Browser

TICKET: Final = "live.traxstreaming/ticket"
FRAME_HEIGHT: Final = 480
"""The height that `host.js` gives to a panel at first."""


@pytest.mark.parametrize("era", ERAS)
async def test_a_click_in_the_panel_takes_the_studio_live(browser: Browser, era: str) -> None:
    async with running("http", "--sandbox", "--port", "0") as process:
        address = f"{await process.address()}/mcp"
        transport = streamable_http_client(address)
        async with Client(transport, mode=era, extensions=APPS, cache=None) as client:
            result = await client.call_tool("go_live", STUDIO)
            assert (result.structured_content or {})["status"] == "asking"
            assert result.meta
            for theme in ("dark", "light"):
                page, told = await show_panel(browser, client, result, theme=theme)
                panel = page.frame_locator("iframe")
                await panel.locator("button.yes:enabled").wait_for()
                height = await page.locator("iframe").evaluate("it => it.offsetHeight")
                assert height < FRAME_HEIGHT, "the frame is as high as the question"
            await panel.locator("button.yes").click()
            await panel.locator('h2:has-text("You\'re live")').wait_for()
            later = await client.call_tool("go_live", STUDIO)
            assert (later.structured_content or {})["observed"]["state"] == "on_air"
            with anyio.fail_after(PATIENCE_SECONDS):
                while not told:
                    await page.evaluate("1")
            assert "You're live, since" in str(told)


async def test_a_panel_of_an_ended_question_has_no_buttons(browser: Browser) -> None:
    async with running("http", "--sandbox", "--port", "0") as process:
        transport = streamable_http_client(f"{await process.address()}/mcp")
        async with Client(transport, extensions=APPS, cache=None) as client:
            result = await client.call_tool("go_live", STUDIO)
            page, _ = await show_panel(browser, client, result)
            panel = page.frame_locator("iframe")
            await panel.locator("button.no:enabled").click()
            await panel.locator("h2:has-text('You said no')").wait_for()
            again, _ = await show_panel(browser, client, result)
            panel = again.frame_locator("iframe")
            await panel.locator(".outcome:not([hidden])").wait_for()
            assert not await panel.locator(".buttons").is_visible()


async def test_the_model_is_told_names_in_quotes(browser: Browser) -> None:
    """The panel draws them in bold, and without quotes a name could give orders."""
    async with running("http", "--sandbox", "--port", "0") as process:
        transport = streamable_http_client(f"{await process.address()}/mcp")
        async with Client(transport, extensions=APPS, cache=None) as client:
            result = await client.call_tool("delete_destination", {**STUDIO, "destId": "dest_1"})
            page, told = await show_panel(browser, client, result)
            panel = page.frame_locator("iframe")
            await panel.locator("button.yes:enabled").click()
            await panel.locator("h2:has-text('Done')").wait_for()
            with anyio.fail_after(PATIENCE_SECONDS):
                while not told:
                    await page.evaluate("1")
    assert 'Done. Deleted the destination "Main channel" (YouTube)' in str(told)
