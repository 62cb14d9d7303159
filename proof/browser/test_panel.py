"""The approval panel in the official AppBridge, with a server behind it over HTTP."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest
from mcp import Client
from mcp.client.extension import advertise
from mcp.client.streamable_http import streamable_http_client
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from tests.support.guarded_calls import STUDIO
from tests.support.jsonrpc import ERAS
from tests.support.server_process import PATIENCE_SECONDS, running

if TYPE_CHECKING:
    import mcp_types as types
    from playwright.async_api import Browser, Page

APPS: Final = (advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]}),)
TICKET: Final = "live.traxstreaming/ticket"
FRAME_HEIGHT: Final = 480
"""The height that `host.js` gives to a panel at first."""
BRIDGE: Final = Path(os.environ.get("APP_BRIDGE", "build/browser/host.js"))


async def _show_panel(
    browser: Browser,
    client: Client,
    result: types.CallToolResult,
    *,
    theme: str = "light",
) -> tuple[Page, list[Any]]:
    """A page of a client that shows the panel of a result; and what the model is told."""
    page = await (await browser.new_context(viewport={"width": 720, "height": 480})).new_page()
    page.set_default_timeout(PATIENCE_SECONDS * 1000)
    told: list[Any] = []

    async def call_tool(text: str) -> str:
        call = json.loads(text)
        answered = await client.call_tool(call["name"], call["arguments"])
        return answered.model_dump_json(by_alias=True, exclude_none=True)

    await page.expose_function("callServer", call_tool)
    await page.expose_function("tellModel", lambda params: told.append(params))  # noqa: PLW0108  it looks at the signature
    background = "#fff" if theme == "light" else "#1d1d22"
    style = f"margin: 0; padding: 16px; color-scheme: {theme}; background: {background}"
    await page.set_content(f"<!doctype html><body style='{style}'></body>")
    await page.add_script_tag(path=BRIDGE)
    (contents,) = (await client.read_resource("ui://trax/approval.html")).contents
    shown = result.model_dump(mode="json", by_alias=True, exclude_none=True)
    await page.evaluate(
        "([html, result, theme]) => window.showPanel(html, result, theme)",
        [contents.text, shown, theme],  # type: ignore[union-attr]
    )
    return page, told


@pytest.mark.parametrize("era", ERAS)
async def test_a_click_in_the_panel_takes_the_studio_live(
    browser: Browser, era: str, pictures: Path | None
) -> None:
    async with running("http", "--sandbox", "--port", "0") as process:
        address = f"{await process.address()}/mcp"
        transport = streamable_http_client(address)
        async with Client(transport, mode=era, extensions=APPS, cache=None) as client:
            result = await client.call_tool("go_live", STUDIO)
            assert (result.structured_content or {})["status"] == "asking"
            assert result.meta
            for theme in ("dark", "light"):
                page, told = await _show_panel(browser, client, result, theme=theme)
                panel = page.frame_locator("iframe")
                await panel.locator("button.yes:enabled").wait_for()
                height = await page.locator("iframe").evaluate("it => it.offsetHeight")
                assert height < FRAME_HEIGHT, "the frame is as high as the question"
                if pictures:
                    await page.locator("body").screenshot(path=pictures / f"panel-{theme}.png")
            await panel.locator("button.yes").click()
            await panel.locator(".outcome:has-text('Done. It is on air.')").wait_for()
            later = await client.call_tool("go_live", STUDIO)
            assert (later.structured_content or {})["observed"]["state"] == "on_air"
            with anyio.fail_after(PATIENCE_SECONDS):
                while not told:
                    await page.evaluate("1")
            assert "It is on air." in str(told)


async def test_a_panel_of_an_ended_question_has_no_buttons(browser: Browser) -> None:
    async with running("http", "--sandbox", "--port", "0") as process:
        transport = streamable_http_client(f"{await process.address()}/mcp")
        async with Client(transport, extensions=APPS, cache=None) as client:
            result = await client.call_tool("go_live", STUDIO)
            page, _ = await _show_panel(browser, client, result)
            panel = page.frame_locator("iframe")
            await panel.locator("button.no:enabled").click()
            await panel.locator(".outcome:has-text('You said no')").wait_for()
            again, _ = await _show_panel(browser, client, result)
            panel = again.frame_locator("iframe")
            await panel.locator(".outcome:not([hidden])").wait_for()
            assert not await panel.locator(".buttons").is_visible()
