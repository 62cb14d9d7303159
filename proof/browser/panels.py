"""A client of MCP Apps that draws a panel or a control room in a real browser, by AppBridge."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    CallTool = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]

    import mcp_types as types
    from mcp import Client
    from playwright.async_api import Browser, FrameLocator, Page

APPS: Final = (advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]}),)
BRIDGE: Final = Path(os.environ.get("APP_BRIDGE", "build/browser/host.js"))
ALL: Final[dict[str, Any]] = {"serverTools": {}, "updateModelContext": {}, "message": {}}
"""What a client can do for its apps."""
_STYLE: Final = "margin: 0; padding: {}px; color-scheme: {}; background: {}"


@dataclass
class ShownApp:
    """An app in a page of a client. `told` is what the model was told, `calls` its tool calls."""

    page: Page
    told: list[Any] = field(default_factory=list)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def frame(self) -> FrameLocator:
        """What the app draws."""
        return self.page.frame_locator("iframe")


async def show_panel(
    browser: Browser,
    client: Client,
    result: types.CallToolResult,
    *,
    theme: str = "light",
    width: int = 720,
) -> tuple[Page, list[Any]]:
    """A page of a client that shows the panel of a result; and what the model is told."""
    (contents,) = (await client.read_resource("ui://trax/approval.html")).contents
    app = await show_app(
        browser,
        contents.text,  # type: ignore[union-attr]
        result.model_dump(mode="json", by_alias=True, exclude_none=True),
        calls_of(client),
        theme=theme,
        width=width,
    )
    return app.page, app.told


def calls_of(client: Client) -> CallTool:
    """The tool calls of an app, which its client passes on."""

    async def call_tool(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        answered = await client.call_tool(name, arguments)
        return answered.model_dump(mode="json", by_alias=True, exclude_none=True)

    return call_tool


async def show_app(
    browser: Browser,
    html: str,
    result: dict[str, Any],
    call_tool: CallTool,
    *,
    theme: str = "light",
    width: int = 720,
    padding: int = 16,
    modes: tuple[str, ...] = ("inline",),
    capabilities: dict[str, Any] = ALL,
) -> ShownApp:
    """An app in a page of a client, with the result of the tool that it is shown with."""
    context = await browser.new_context(viewport={"width": width, "height": 480})
    app = ShownApp(await context.new_page())
    app.page.set_default_timeout(PATIENCE_SECONDS * 1000)

    async def call(text: str) -> str:
        asked = json.loads(text)
        app.calls.append((asked["name"], asked["arguments"]))
        return json.dumps(await call_tool(asked["name"], asked["arguments"]))

    await app.page.expose_function("callServer", call)
    await app.page.expose_function("tellModel", lambda params: app.told.append(params))  # noqa: PLW0108  it looks at the signature
    background = "#fff" if theme == "light" else "#1d1d22"
    style = _STYLE.format(padding, theme, background)
    await app.page.set_content(f"<!doctype html><body style='{style}'></body>")
    await app.page.add_script_tag(path=BRIDGE)
    shown = {"theme": theme, "displayMode": "inline", "availableDisplayModes": list(modes)}
    await app.page.evaluate(
        "([html, result, context, can]) => window.showApp(html, result, context, can)",
        [html, result, shown, capabilities],
    )
    return app
