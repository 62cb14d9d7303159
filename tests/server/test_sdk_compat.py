"""Faults of the SDK that users would notice are still there, and our server works around them.

A test that fails here names a workaround that can be deleted, and its own test with it. The SDK is
asked alone, without our server.
"""

from __future__ import annotations

from typing import Any

import anyio
import httpx
import mcp_types as types
import pytest
from mcp import Client
from mcp.server import Server, ServerRequestContext
from mcp.server.connection import Connection

from tests.support.server_process import PATIENCE_SECONDS
from tests.world.wire import LEGACY, MODERN, HttpWire

Context = ServerRequestContext[Any, Any]


def unneeded(what: str) -> str:
    """The message of a test that finds the SDK without the fault."""
    return f"The SDK does this by itself now: our server need not {what}."


async def list_no_tools(_ctx: Context, _params: object) -> types.ListToolsResult:
    """A handler that answers at once."""
    return types.ListToolsResult(tools=[])


async def test_a_server_with_streams_still_promises_that_its_lists_change() -> None:
    """In the later era, where list changes come on the stream that resource updates need."""

    async def listen(_ctx: Context, _params: object) -> types.SubscriptionsListenResult:
        return types.SubscriptionsListenResult()

    server = Server("bare", on_list_tools=list_no_tools, on_subscriptions_listen=listen)
    promised = server.get_capabilities(protocol_version=MODERN).tools
    assert promised is not None
    assert promised.list_changed, unneeded("take the promise back")


async def test_a_handler_still_has_no_public_way_to_its_connection() -> None:
    """On which the subscriptions of a session are kept, and which ends them with it."""
    seen: list[object] = []

    async def look(ctx: Context, _params: object) -> types.ListToolsResult:
        for part in (ctx, ctx.session):
            seen.extend(getattr(part, it) for it in dir(part) if not it.startswith("_"))
        return types.ListToolsResult(tools=[])

    async with Client(Server("bare", on_list_tools=look), mode=LEGACY, cache=None) as client:
        await client.list_tools()
    assert seen
    found = [it for it in seen if isinstance(it, Connection)]
    assert not found, unneeded("use a private attribute")


async def test_a_stream_that_names_the_event_seen_last_is_still_not_answered() -> None:
    """Where the server stores no events."""
    app = Server("bare", on_list_tools=list_no_tools).streamable_http_app()
    transport = httpx.ASGITransport(app)
    http = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")
    async with app.router.lifespan_context(app), http:
        wire = HttpWire(http, LEGACY)
        await wire.open()
        headers = wire.all_headers() | {"last-event-id": "7"}
        # An open stream does not end: then our server need not leave the header out.
        with anyio.fail_after(PATIENCE_SECONDS), pytest.raises(AssertionError):
            await http.get("/mcp", headers=headers)
