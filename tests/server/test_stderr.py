"""stderr: no reader of it can hold up the server, and nobody else can write lines into it."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tests.support.http_clients import plain_http
from tests.support.product.server import fingerprint
from tests.support.raw_connections import connected
from tests.support.server_process import PATIENCE_SECONDS, running
from tests.world.wire import MODERN, HttpWire, request, tool_call
from tests.world.world import MINE

if TYPE_CHECKING:
    from collections.abc import Iterator

PIPE_BYTES: Final = 65_536
"""The size of a pipe on Linux. macOS gives at most as much."""

PREVIEWS: Final = 60
GUARD_CHAT: Final = {"TRAX_GUARD_ALSO": "send_chat_message"}
LONG_TEXT: Final = "\N{CLAPPER BOARD}" * 300
"""Over 3 kB as JSON, so that twenty lines fill a pipe."""
STUDIO: Final = "studio_42"

LONGEST_LINE: Final = 1024
LONGEST_AUDIT_LINE: Final = 8192
KEY: Final = "sk_live_in_the_name_of_a_host"


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe: the end to read and the end to write."""
    reading, writing = os.pipe()
    try:
        yield reading, writing
    finally:
        os.close(reading)
        os.close(writing)


def read_some(descriptor: int) -> str:
    """The content of the pipe, as soon as it has some."""
    assert select.select([descriptor], [], [], PATIENCE_SECONDS)[0]
    return os.read(descriptor, PIPE_BYTES).decode()


async def test_a_stop_on_stdio_is_answered_while_stderr_is_not_read() -> None:
    """After many previews, each with a line in the log. Then the process still ends."""
    previews = [
        tool_call(MODERN, "send_chat_message", number=n, studioId=STUDIO, text=LONG_TEXT)
        for n in range(PREVIEWS)
    ]
    stop = tool_call(MODERN, "go_offline", number=PREVIEWS, studioId=STUDIO)
    with pipe() as (_, writing):
        async with running("--sandbox", settings=GUARD_CHAT, stderr=writing) as server:
            await server.tell(*previews)
            for call in (*previews[1:], stop):
                answer = await (server.ask(call) if call is stop else server.answer(call))
                assert answer["result"]["structuredContent"]["status"] == "confirmation_required"
            assert await server.stop(signal.SIGTERM) == 0


async def test_requests_over_http_are_answered_while_stderr_is_not_read() -> None:
    """After refused requests with long `Host` headers, which the log repeats."""
    with pipe() as (reading, writing):
        async with running("http", "--sandbox", "--port", "0", stderr=writing) as server:
            started = await asyncio.to_thread(read_some, reading)
            async with plain_http(started.split()[-1].removesuffix("/mcp")) as http:
                caller = HttpWire(http, MODERN)
                for _ in range(2 * PIPE_BYTES // LONGEST_LINE):
                    message = tool_call(MODERN, "list_studios")
                    refused = await caller.post(message, host="x" * 8_000)
                    assert refused.status_code == 421
                assert (await caller.call("list_studios"))["structuredContent"]["data"]
                assert await server.stop(signal.SIGINT) == 0


async def test_a_server_continues_when_the_reader_of_its_stderr_is_gone() -> None:
    """The lines are lost; calls are answered."""
    reading, writing = os.pipe()
    async with running("--sandbox", stderr=writing) as server:
        os.close(writing)
        os.close(reading)
        for number in range(3):
            preview = tool_call(MODERN, "go_live", number=number, studioId=STUDIO)
            answer = await server.ask(preview)
            assert answer["result"]["structuredContent"]["status"] == "confirmation_required"
        assert await server.hang_up() == 0


async def test_a_caller_writes_no_line_of_their_own_into_the_log() -> None:
    """A wrong host is one line, at most 1 kB, without a key. A half request is none.

    A long line of the audit is shortened at 8 kB, and stays JSON.
    """
    message = request(MODERN, "tools/list")
    async with (
        running("http", "--sandbox", "--port", "0", settings=GUARD_CHAT) as server,
        plain_http(await server.address()) as http,
    ):
        caller = HttpWire(http, MODERN)
        lines = [f"{name}: {value}" for name, value in caller.all_headers(message).items()]
        head = "\r\n".join(("POST /mcp HTTP/1.1", "host: localhost", *lines, "content-length: 99"))
        async with connected(await server.address()) as connection:
            connection.send(f"{head}\r\n\r\n{{".encode())
        for host in ("evil.example.com\x1b[2J", "\x9b31mred", f"{KEY}.example", "x" * 8_000):
            raw = {**caller.all_headers(message), "host": host}.items()
            headers = [(name.encode(), value.encode("latin-1")) for name, value in raw]
            assert (await http.post("/mcp", json=message, headers=headers)).status_code == 421
        text = "\N{CLAPPER BOARD}" * 2_000
        await caller.call("send_chat_message", studioId=STUDIO, text=text)
        assert await server.stop(signal.SIGTERM) == 0
    started, escape, control, key, long, audit = server.stderr.all
    assert "listening" in started
    assert escape.endswith(": evil.example.com\\u001b[2J\n")
    assert control.endswith(": \\u009b31mred\n")
    assert (KEY in key, "[key]" in key) == (False, True)
    assert len(long.encode()) == LONGEST_LINE
    assert long.endswith("x…\n")
    assert LONGEST_LINE < len(audit.encode()) <= LONGEST_AUDIT_LINE
    decided = json.loads(audit[audit.index("{") :])
    assert (decided["event"], decided["operation"]) == ("decided", "send_chat_message")
    assert decided["caller"] == fingerprint(MINE)
    assert decided["verdict"]
    assert decided["arguments"]["text"].endswith("\N{CLAPPER BOARD}…")
