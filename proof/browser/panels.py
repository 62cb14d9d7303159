"""A client of MCP Apps that draws a panel in a real browser, with the official AppBridge."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    import mcp_types as types
    from mcp import Client
    from playwright.async_api import Browser, Page

APPS: Final = (advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]}),)
BRIDGE: Final = Path(os.environ.get("APP_BRIDGE", "build/browser/host.js"))


async def show_panel(
    browser: Browser,
    client: Client,
    result: types.CallToolResult,
    *,
    theme: str = "light",
    width: int = 720,
) -> tuple[Page, list[Any]]:
    """A page of a client that shows the panel of a result; and what the model is told."""
    page = await (await browser.new_context(viewport={"width": width, "height": 480})).new_page()
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
