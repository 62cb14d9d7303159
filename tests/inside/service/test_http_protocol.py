"""Limits of single connections: a proxy in front of the server will have them instead."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.jsonrpc import LEGACY, MODERN, HttpCaller
from tests.support.product.limits import smaller_limits
from tests.support.product.local_servers import listening
from tests.support.raw_connections import DRIP_SECONDS, GET, PIECE, connected
from tests.support.served_app import plain_http
from tests.support.server_process import PATIENCE_SECONDS, running

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

SHORT_SECONDS: Final = 0.1
MUCH: Final = b"x" * (32 * PIECE)
FEW_FILES: Final = 512


async def answer_much(_scope: Scope, _receive: Receive, send: Send) -> None:
    """An app whose response does not fit into the buffers of a connection."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": MUCH})


async def read_slowly(address: str) -> int:
    """Read a response with pauses; returns its length."""
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=PIECE)
    writer.write(GET)
    length, never = 0, asyncio.Event()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while data := await reader.read(PIECE):
            length += len(data)
            with suppress(TimeoutError):
                await asyncio.wait_for(never.wait(), SHORT_SECONDS / 2)
    writer.close()
    return length


async def test_a_response_that_is_read_slowly_is_not_cut() -> None:
    """While its client reads on, even if that takes several times as long."""
    with smaller_limits(request_seconds=4 * SHORT_SECONDS):
        async with listening(answer_much) as address:
            assert await read_slowly(address) > len(MUCH)


async def test_a_response_that_is_not_read_is_cut() -> None:
    """It keeps no connection. What was sent before can be read."""
    with smaller_limits(request_seconds=SHORT_SECONDS):
        async with listening(answer_much) as address, connected(address) as connection:
            connection.send(GET)
            for _ in range(2):  # each is closed after the short time
                async with connected(address) as other:
                    assert await other.response() == b""
            assert len(await connection.response()) < len(MUCH)


@pytest.mark.skipif(sys.platform == "win32", reason="files are not limited there")
async def test_new_clients_are_served_while_too_many_connections_are_idle() -> None:
    """More of them than the process may open files: the longest waiting is closed."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({FEW_FILES},) * 2)"
    program = ("-c", f"{limit}; from trax_mcp.cli import main; main()")
    async with (
        running("http", "--sandbox", "--port", "0", program=program) as server,
        AsyncExitStack() as stack,
    ):
        address = await server.address()
        streaming = HttpCaller(await stack.enter_async_context(plain_http(address)), LEGACY)
        await streaming.open()
        headers = streaming.all_headers()
        opened = streaming.http.stream("GET", "/mcp", headers=headers)
        stream = await stack.enter_async_context(opened)
        idle = [await stack.enter_async_context(connected(address)) for _ in range(2 * FEW_FILES)]
        async with plain_http(address) as http:
            result = await HttpCaller(http, MODERN).call("list_studios")
        assert result["structuredContent"]["data"]
        assert await idle[0].response() == b""
        read = asyncio.create_task(stream.aread())
        await asyncio.wait({read}, timeout=DRIP_SECONDS)
        assert not read.done()
        read.cancel()
    assert "Too many open files" not in server.stderr.text
