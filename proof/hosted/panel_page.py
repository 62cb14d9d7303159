"""A page on loopback that draws a panel as a client does, with the official AppBridge."""

from __future__ import annotations

import json
import secrets
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from tests.support.product.local_servers import listening

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import mcp_types as types
    from mcp import Client
    from starlette.requests import Request

_PAGE: Final = Path(__file__).with_suffix(".html").read_text(encoding="utf-8")


@asynccontextmanager
async def panel_page(
    client: Client, result: types.CallToolResult, bridge: str
) -> AsyncIterator[str]:
    """Serve the panel of a result until the block ends; yields the page's address.

    `bridge` is the script that draws it. The address holds a secret.
    """
    (contents,) = (await client.read_resource("ui://trax/approval.html")).contents
    shown = {"html": getattr(contents, "text", ""), "result": _plain(result)}

    async def page(_request: Request) -> Response:
        return HTMLResponse(_PAGE)

    async def script(_request: Request) -> Response:
        return Response(bridge, media_type="text/javascript")

    async def panel(_request: Request) -> Response:
        return JSONResponse(shown)

    async def call(request: Request) -> Response:
        asked = json.loads(await request.body())
        return JSONResponse(_plain(await client.call_tool(asked["name"], asked["arguments"])))

    base = f"/{secrets.token_urlsafe(16)}"
    routes = [
        Route(f"{base}/", page),
        Route(f"{base}/host.js", script),
        Route(f"{base}/panel", panel),
        Route(f"{base}/call", call, methods=["POST"]),
    ]
    async with listening(Starlette(routes=routes)) as address:
        yield f"{address}{base}/"


def _plain(result: types.CallToolResult) -> dict[str, Any]:
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)
