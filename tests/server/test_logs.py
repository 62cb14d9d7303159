"""The log has no id of a session, and an exception once.

`test_canaries` searches it for every other secret.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import TYPE_CHECKING

import mcp_types as types
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from tests.conftest import OWNER
from tests.support.jsonrpc import LEGACY, HttpCaller, tool_call
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY
from tests.support.served_app import plain_http
from tests.support.server_process import PATIENCE_SECONDS, running
from trax_mcp.server.app import build_server

if TYPE_CHECKING:
    from trax_mcp.api.client import Client as TraxClient

SECRET = "canary-in-an-exception"


async def test_the_id_of_a_session_is_not_logged() -> None:
    """With open streams, a disconnect, a deleted session, a request with another key, a stop."""
    settings = {"TRAX_LOG_LEVEL": "DEBUG"}
    async with (
        running("http", "--sandbox", "--port", "0", settings=settings) as server,
        plain_http(await server.address()) as http,
    ):
        dropped, deleted, open_session = (HttpCaller(http, LEGACY) for _ in range(3))
        for caller in (dropped, deleted, open_session):
            await caller.open()
        async with http.stream("GET", "/mcp", headers=dropped.all_headers()):
            pass
        await http.delete("/mcp", headers=deleted.all_headers())
        await deleted.post(tool_call(LEGACY, "list_studios"))
        await open_session.post(tool_call(LEGACY, "list_studios"), x_api_key=ANOTHER_ACCOUNT_KEY)
        async with http.stream("GET", "/mcp", headers=open_session.all_headers()) as stream:
            async with http.stream("GET", "/mcp", headers=open_session.all_headers()) as second:
                assert second.status_code == 409
            assert await server.stop(signal.SIGINT) == 0
            await stream.aread()
    sessions = [caller.session for caller in (dropped, deleted, open_session)]
    assert all(sessions)
    assert "Rejecting request for session ...:" in server.stderr.text
    assert [it for it in sessions if it is not None and it in server.stderr.text] == []


async def test_the_text_of_an_exception_is_logged_but_not_sent(
    trax: TraxClient,
    *,
    era: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log has it once."""

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(trax, "send", fail)
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        Client(build_server(trax, own=OWNER), mode=era, cache=None) as client,
    ):
        with pytest.raises(MCPError) as caught:
            await client.call_tool("list_studios", {})
    assert (caught.value.code, str(caught.value)) == (types.INTERNAL_ERROR, "Internal error")
    assert caught.value.data is None
    (logged,) = [it for it in caplog.records if it.levelno >= logging.ERROR]
    assert logged.exc_info is not None
    assert SECRET in str(logged.exc_info[1])
