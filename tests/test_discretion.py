"""What clients do wrong is told to them, and to nobody else: stderr is the operator's.

None of these prints a traceback, fails the request or lets a stranger write into the log. The
process is real, and so are its pipes and sockets.
"""

from __future__ import annotations

import asyncio
import json
import signal
from itertools import product
from typing import TYPE_CHECKING

from tests.front import plain_http
from tests.jsonrpc import HttpCaller, opening, request
from tests.processes import running

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.processes import Running

LISTENING = "trax-mcp is listening on http://127.0.0.1:"
TRACES = ("traceparent", "tracestate", "baggage")
UNREADABLE = ([1], [None], {"a": 1}, 7, 1.5, True, None, "=;\nERROR trax_mcp: forged", "x" * 9_000)


async def sent(
    server: Running, headers: Mapping[str, str], body: bytes, *, all_of_it: bool
) -> None:
    """Post this on a socket; half of it, and then hang up, or all, and wait for the end."""
    host, port = (await server.address()).removeprefix("http://").split(":")
    reading, writing = await asyncio.open_connection(host, int(port))
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join(["POST /mcp HTTP/1.1", "connection: close", *lines, "", ""])
    whole = head.encode("latin-1") + body
    writing.write(whole if all_of_it else whole[:-9])
    await writing.drain()
    if all_of_it:
        await reading.read()
    writing.close()
    await writing.wait_closed()


async def test_who_hangs_up_in_the_middle_of_a_request_is_gone(era: str) -> None:
    """The request is not run, nobody is told, and the next one is answered."""
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
        await sent(server, headers, body, all_of_it=False)
        assert (await caller.call("list_studios"))["structuredContent"]["data"]
        assert await server.stop(signal.SIGTERM) == 0
    assert [line.startswith(LISTENING) for line in server.stderr.all] == [True]


async def test_what_a_caller_writes_stays_on_its_line_of_the_log() -> None:
    """The operator is told by which name the server was called, and sees no more than that."""
    async with running("http", "--sandbox", "--port", "0") as server:
        for name in ("evil.example.com\x1b[2J", "\x9b31mred"):
            headers = {"host": name, "content-type": "application/json", "content-length": "2"}
            await sent(server, headers, b"{}", all_of_it=True)
        assert await server.stop(signal.SIGTERM) == 0
    told = "WARNING mcp.server.transport_security: Invalid Host header: "
    assert server.stderr.all[1:] == [
        f"{told}evil.example.com\\u001b[2J\n",
        f"{told}\\u009b31mred\n",
    ]


async def test_a_trace_that_cannot_be_read_is_left_aside(era: str) -> None:
    """It is for tracers: the request is answered all the same, and the log does not repeat it."""
    async with running("--sandbox") as server:
        await server.tell(*opening(era))
        for number, (key, unreadable) in enumerate(product(TRACES, UNREADABLE)):
            message = request(era, "tools/list", number=number)
            message["params"].setdefault("_meta", {})[key] = unreadable
            answer = await server.ask(message)
            assert answer.get("result", {}).get("tools"), (key, unreadable, answer)
        assert await server.hang_up() == 0
    assert server.stderr.text == ""


async def test_an_id_that_cannot_be_said_again_is_null(era: str) -> None:
    """Half a surrogate pair can be read and not be written; it must not end the server."""
    async with running("--sandbox") as server:
        await server.tell(*opening(era), request(era, "tools/list") | {"id": "\ud800"})
        refused = await server.answer({"id": None})
        assert refused["error"]["code"] == -32700
        assert (await server.ask(request(era, "tools/list")))["result"]["tools"]
        assert await server.hang_up() == 0
    assert server.stderr.text == ""
