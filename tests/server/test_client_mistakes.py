"""Client mistakes are reported to the client only; stderr belongs to the operator.

None prints a traceback, makes a valid request fail, or forges a log line. Real processes, pipes
and sockets.
"""

from __future__ import annotations

import asyncio
import json
import signal
from itertools import product
from typing import TYPE_CHECKING

import pytest

from tests.support.jsonrpc import HttpCaller, opening, request
from tests.support.served_app import plain_http
from tests.support.server_process import running

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.server_process import Running

pytestmark = pytest.mark.slow

LISTENING = "trax-mcp is listening on http://127.0.0.1:"
TRACE_FIELDS = ("traceparent", "tracestate", "baggage")
INVALID_VALUES = (
    [1],
    [None],
    {"a": 1},
    7,
    1.5,
    True,
    None,
    "=;\nERROR trax_mcp: forged",
    "x" * 9_000,
)


async def send_raw(
    server: Running, headers: Mapping[str, str], body: bytes, *, complete: bool
) -> None:
    """POST on a raw socket: the complete message, or a part of it and then disconnect."""
    host, port = (await server.address()).removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join(["POST /mcp HTTP/1.1", "connection: close", *lines, "", ""])
    message_bytes = head.encode("latin-1") + body
    writer.write(message_bytes if complete else message_bytes[:-9])
    await writer.drain()
    if complete:
        await reader.read()
    writer.close()
    await writer.wait_closed()


async def test_a_disconnect_inside_a_request_is_silent(era: str) -> None:
    """The incomplete request is not run, nothing is logged, and the next one is answered."""
    async with (
        running("http", "--sandbox", "--port", "0") as server,
        plain_http(await server.address()) as http,
    ):
        caller = HttpCaller(http, era)
        await caller.open()
        message = request(era, "tools/list")
        body = json.dumps(message).encode()
        headers = {
            "host": "127.0.0.1",
            "content-type": "application/json",
            "content-length": str(len(body)),
            **caller.all_headers(message),
        }
        await send_raw(server, headers, body, complete=False)
        assert (await caller.call("list_studios"))["structuredContent"]["data"]
        assert await server.stop(signal.SIGTERM) == 0
    assert [line.startswith(LISTENING) for line in server.stderr.all] == [True]


async def test_control_characters_of_a_client_are_escaped_in_the_log() -> None:
    """The operator sees an invalid host name on one line."""
    async with running("http", "--sandbox", "--port", "0") as server:
        for name in ("evil.example.com\x1b[2J", "\x9b31mred"):
            headers = {"host": name, "content-type": "application/json", "content-length": "2"}
            await send_raw(server, headers, b"{}", complete=True)
        assert await server.stop(signal.SIGTERM) == 0
    prefix = "WARNING mcp.server.transport_security: Invalid Host header: "
    assert server.stderr.all[1:] == [
        f"{prefix}evil.example.com\\u001b[2J\n",
        f"{prefix}\\u009b31mred\n",
    ]


async def test_an_invalid_trace_context_is_ignored(era: str) -> None:
    """The request is answered, and the log does not repeat the value."""
    async with running("--sandbox") as server:
        await server.tell(*opening(era))
        for number, (key, invalid_value) in enumerate(product(TRACE_FIELDS, INVALID_VALUES)):
            message = request(era, "tools/list", number=number)
            message["params"].setdefault("_meta", {})[key] = invalid_value
            answer = await server.ask(message)
            assert answer.get("result", {}).get("tools"), (key, invalid_value, answer)
        assert await server.hang_up() == 0
    assert server.stderr.text == ""


async def test_a_lone_surrogate_as_a_request_id_is_answered_with_a_null_id(era: str) -> None:
    """A lone surrogate can be read but not written; it must not end the server."""
    async with running("--sandbox") as server:
        await server.tell(*opening(era), request(era, "tools/list") | {"id": "\ud800"})
        refused = await server.answer({"id": None})
        assert refused["error"]["code"] == -32700
        assert (await server.ask(request(era, "tools/list")))["result"]["tools"]
        assert await server.hang_up() == 0
    assert server.stderr.text == ""
