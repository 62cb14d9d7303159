"""stderr: no reader can hold up the server, and what it says stays in order and readable."""

from __future__ import annotations

import asyncio
import json
import os
import re
import select
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.jsonrpc import MODERN, HttpCaller, tool_call
from tests.support.served_app import plain_http
from tests.support.server_process import PATIENCE_SECONDS, running
from trax_mcp.api.caller import Caller
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.server.queued_stderr import QueuedStderr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.server_process import Running

pytestmark = pytest.mark.slow

PIPE_BYTES = 65_536
"""What a pipe holds on Linux. macOS gives at most as much."""

POLL_SECONDS = 0.05
UNREAD = 10_000
DROPPED = re.compile(r"WARNING trax_mcp\.server\.queued_stderr: (\d+) lines dropped: .*")
LOG_BYTES, AUDIT_BYTES = 1024, 8192
AUDIT_LOGGER = "INFO trax_mcp.consent.audit: "
PREVIEWS = 200
GUARD_CHAT = {"TRAX_GUARD_ALSO": "send_chat_message"}
LONG_TEXT = "\N{CLAPPER BOARD}" * 300
"""Over 3 kB as JSON, so that twenty lines fill a pipe."""
FIRST_STUDIO = "studio_42"

IN_ORDER = """
import logging, sys, warnings
from trax_mcp.server.logs import logging_to_stderr
with logging_to_stderr("INFO"):
    logging.info("one")
    print("two", file=sys.stderr)
    warnings.warn("three\\nthree", stacklevel=1)
    print("four", end="", file=sys.stderr)
    sys.exit("five")
"""

WITH_KEYS = """
import logging
from trax_mcp.server.logs import logging_to_stderr
with logging_to_stderr("INFO"):
    try:
        raise ValueError("sk_live_in_an_exception")
    except ValueError:
        logging.exception("x" * 1_000 + "sk_live_at_the_end_of_a_line")
"""

LONG_EXCEPTION = """
import logging
from trax_mcp.server.logs import logging_to_stderr
with logging_to_stderr("INFO"):
    try:
        raise ValueError("x" * 1_000_000)
    except ValueError:
        logging.exception("y" * 1_000_000)
"""


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe: the end to read and the end to write."""
    reading, writing = os.pipe()
    try:
        yield reading, writing
    finally:
        os.close(reading)
        os.close(writing)


def read_some(descriptor: int) -> bytes:
    """What the pipe holds, as soon as it holds something."""
    assert select.select([descriptor], [], [], PATIENCE_SECONDS)[0]
    return os.read(descriptor, PIPE_BYTES)


def stream_to(writing: int) -> QueuedStderr:
    """The stream under test, on a pipe that stays open when the stream is gone."""
    return QueuedStderr(os.fdopen(writing, "w", encoding="utf-8", closefd=False), writing)


def read_to_end(stream: QueuedStderr, reading: int) -> bytes:
    """The rest that a closed stream writes. `close` itself does not wait for it."""
    text = b""
    while not stream.is_written or select.select([reading], [], [], 0)[0]:
        if select.select([reading], [], [], POLL_SECONDS)[0]:
            text += os.read(reading, PIPE_BYTES)
    return text


async def end(server: Running, how: str) -> int:
    """End the server in one of the ways, and return its exit code."""
    if how == "hang up":
        return await server.hang_up()
    return await server.stop(signal.Signals[how])


ENDS = ("SIGTERM", "SIGINT", "hang up")


@pytest.mark.parametrize("how", ENDS)
async def test_a_stop_on_stdio_is_answered_while_stderr_is_not_read(how: str) -> None:
    """After hundreds of previews, each with a line in the log; then the process still ends."""
    previews = [
        tool_call(MODERN, "send_chat_message", number=n, studioId=FIRST_STUDIO, text=LONG_TEXT)
        for n in range(PREVIEWS)
    ]
    stop = tool_call(MODERN, "go_offline", number=PREVIEWS, studioId=FIRST_STUDIO)
    with pipe() as (_, writing):
        async with running("--sandbox", settings=GUARD_CHAT, stderr=writing) as server:
            await server.tell(*previews)
            for preview in previews:
                answer = await server.answer(preview)
                assert answer["result"]["structuredContent"]["status"] == "confirmation_required"
            answer = await server.ask(stop)
            assert answer["result"]["structuredContent"]["status"] == "confirmation_required"
            assert await end(server, how) == 0


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT"])
async def test_requests_over_http_are_answered_while_stderr_is_not_read(how: str) -> None:
    """After refused requests with long `Host` headers, which the log repeats."""
    with pipe() as (reading, writing):
        async with running("http", "--sandbox", "--port", "0", stderr=writing) as server:
            address = (
                (await asyncio.to_thread(read_some, reading))
                .decode()
                .split()[-1]
                .removesuffix("/mcp")
            )
            async with plain_http(address) as http:
                caller = HttpCaller(http, MODERN)
                for _ in range(PREVIEWS):
                    message = tool_call(MODERN, "list_studios")
                    refused = await caller.post(message, host="x" * 8_000)
                    assert refused.status_code == 421
                assert (await caller.call("list_studios"))["structuredContent"]["data"]
                assert await end(server, how) == 0


async def test_a_server_continues_when_the_reader_of_its_stderr_is_gone() -> None:
    """The lines are lost; calls are answered."""
    reading, writing = os.pipe()
    async with running("--sandbox", stderr=writing) as server:
        os.close(writing)
        os.close(reading)
        for number in range(3):
            preview = tool_call(MODERN, "go_live", number=number, studioId=FIRST_STUDIO)
            answer = await server.ask(preview)
            assert answer["result"]["structuredContent"]["status"] == "confirmation_required"
        assert await server.hang_up() == 0


def test_a_report_says_how_many_lines_were_dropped_where_it_stands() -> None:
    """A report tells how many lines are missing where it stands. Later lines are kept."""
    text = b""
    with pipe() as (reading, writing):
        stream = stream_to(writing)
        for number in range(2 * UNREAD):
            stream.write(f"{number:0100}\n")
            if number >= UNREAD:
                text += read_some(reading)
            if b"dropped" in text:
                break
        stream.close()
        lines = (text + read_to_end(stream, reading)).decode().splitlines()
    found, expected = [DROPPED.fullmatch(line) for line in lines], 0
    for line, report in zip(lines, found, strict=True):
        assert report or int(line) == expected
        expected += int(report[1]) if report else 1
    assert any(found)
    assert expected == number + 1


def test_a_line_is_complete_on_a_pipe_that_is_non_blocking() -> None:
    """The process at its other end can set that; a full pipe is then waited for."""
    with pipe() as (reading, writing):
        os.set_blocking(writing, False)
        stream = stream_to(writing)
        stream.write("x" * 3 * PIPE_BYTES + "\n")
        stream.close()
        assert read_to_end(stream, reading) == b"x" * 3 * PIPE_BYTES + b"\n"


async def test_everything_that_is_written_to_stderr_stays_in_order() -> None:
    """Log, prints, a warning and the message of the exit. A warning is one line of the log."""
    async with running(program=("-c", IN_ORDER)) as process:
        assert await process.end() == 1
    one, two, three, four, five = process.stderr.all
    assert (one, two, four) == ("INFO root: one\n", "two\n", "four\n")
    assert five == "five\n"
    assert three.startswith("WARNING py.warnings: <string>:7: UserWarning: three\\u000athree")


async def test_a_line_of_the_log_ends_at_1_kb() -> None:
    """Also one of a traceback. Level, logger and the start of the message stay."""
    async with running(program=("-c", LONG_EXCEPTION)) as process:
        assert await process.end() == 0
    lines = process.stderr.all
    assert max(len(line.encode()) for line in lines) == LOG_BYTES
    assert lines[0].startswith("ERROR root: yyyy")
    assert lines[-1].startswith("ValueError: xxxx")
    assert lines[0].endswith("y…\n")


async def test_no_line_of_the_log_holds_a_key() -> None:
    """Whoever wrote it there, and wherever the line is shortened."""
    async with running(program=("-c", WITH_KEYS)) as process:
        assert await process.end() == 0
    lines = process.stderr.all
    assert "sk_" not in "".join(lines)
    assert lines[-1] == "ValueError: [key]\n"


async def test_a_long_audit_line_in_the_log_is_shortened_and_stays_json() -> None:
    """It ends at 8 kB, and says what was decided about which call of whom."""
    text = "\N{CLAPPER BOARD}" * 2_000
    preview = tool_call(MODERN, "send_chat_message", studioId=FIRST_STUDIO, text=text)
    async with running("--sandbox", settings=GUARD_CHAT) as server:
        await server.ask(preview)
        assert await server.hang_up() == 0
    (line,) = server.stderr.all
    assert LOG_BYTES < len(line.encode()) <= AUDIT_BYTES
    decided = json.loads(line.removeprefix(AUDIT_LOGGER))
    assert (decided["event"], decided["operation"]) == ("decided", "send_chat_message")
    assert decided["caller"] == Caller(SANDBOX_KEY).fingerprint
    assert decided["verdict"]
    assert decided["arguments"]["text"].endswith("\N{CLAPPER BOARD}…")
