"""Privacy: the server speaks to TRaX and to nobody else, and keeps nothing but the audit log.

Each test runs the command itself, with an eye on all that it connects to, writes and starts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.calls import EVERY
from tests.front import plain_http
from tests.jsonrpc import HttpCaller, opening, request, tool_call
from tests.ports import upstream
from tests.processes import running
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from pathlib import Path

WATCHED = ("-m", "tests.watched_server")
PROMPT = {"name": "go_live", "arguments": {"studio": "Friday Night Show"}}
RESOURCE = {"uri": "trax://studios/studio_42/chat"}


def at(address: str) -> tuple[str, int]:
    """Host and port of an address."""
    parts = urlsplit(address)
    return str(parts.hostname), int(parts.port or 0)


def spoken_to(events: list[list[Any]]) -> set[tuple[str, int]]:
    """Whom it has looked up or connected to. On a socket of its own it only listens."""
    looked_up = [tuple(it[1:3]) for it in events if it[0] == "socket.getaddrinfo"]
    connected = [tuple(it[1][:2]) for it in events if it[0] == "socket.connect"]
    return {(host, int(port)) for host, port in looked_up + connected}


def done_here(events: list[list[Any]]) -> set[tuple[str, ...]]:
    """What it has written or started, but for coverage's own measurements of the process."""
    others = [tuple(it) for it in events if not it[0].startswith("socket.")]
    return {it for it in others if "/.coverage" not in it[1]}


def events_in(notes: Path) -> list[list[Any]]:
    """All that was seen."""
    return [json.loads(line) for line in notes.read_text().splitlines()]


async def test_on_stdio_it_speaks_to_trax_alone_and_keeps_only_the_audit_log(
    tmp_path: Path, era: str
) -> None:
    """All tools, a prompt and a resource: nothing else is looked up, written or started."""
    notes, audit = tmp_path / "notes", tmp_path / "audit.jsonl"
    async with upstream() as trax:
        settings = {"TRAX_API_KEY": SANDBOX_KEY, "TRAX_BASE_URL": trax.base_url}
        settings["TRAX_AUDIT_LOG"] = str(audit)
        async with running(str(notes), settings=settings, program=WATCHED) as server:
            await server.tell(*opening(era))
            for number, (tool, arguments) in enumerate(EVERY.items(), start=10):
                answer = await server.ask(tool_call(era, tool, number=number, **arguments))
                assert "result" in answer, tool
            assert "result" in await server.ask(request(era, "prompts/get", PROMPT, number=98))
            read = await server.ask(request(era, "resources/read", RESOURCE, number=99))
            assert "result" in read
            assert await server.hang_up() == 0
    assert trax.requests
    assert spoken_to(events_in(notes)) == {at(trax.base_url)}
    assert done_here(events_in(notes)) == {("open", str(audit))}


async def test_over_http_it_speaks_to_trax_alone_and_keeps_nothing(
    tmp_path: Path, era: str
) -> None:
    """Without an audit log nothing is written at all."""
    notes = tmp_path / "notes"
    arguments = (str(notes), "http", "--port", "0")
    async with upstream() as trax:
        settings = {"TRAX_BASE_URL": trax.base_url}
        async with running(*arguments, settings=settings, program=WATCHED) as server:
            own = at(await server.address())
            async with plain_http(await server.address()) as http:
                caller = HttpCaller(http, era, x_api_key=SANDBOX_KEY)
                await caller.open()
                for tool, given in EVERY.items():
                    assert await caller.call(tool, **given)
    assert trax.requests
    assert spoken_to(events_in(notes)) - {(own[0], 0)} == {at(trax.base_url)}
    assert done_here(events_in(notes)) == set()


PEEPHOLE = """
import sys
from tests.watched_server import watch
watch(sys.argv[1])
exec(sys.argv[2])
"""
DOING = {
    "socket.connect": "import socket; socket.socket().connect_ex(('127.0.0.1', 9))",
    "socket.getaddrinfo": "import socket; socket.getaddrinfo('127.0.0.1', 9)",
    "open": "open(sys.argv[1] + '.too', 'w').close()",
    "os.mkdir": "import os; os.mkdir(sys.argv[1] + '.d')",
    "subprocess.Popen": "import subprocess; subprocess.run([sys.executable, '-c', ''])",
}


@pytest.mark.parametrize("event", DOING)
async def test_the_eye_sees(tmp_path: Path, event: str) -> None:
    """What the tests above find nothing of would be seen: otherwise they would prove nothing."""
    notes = tmp_path / "notes"
    async with running(str(notes), DOING[event], program=("-c", PEEPHOLE)) as process:
        assert await process.end() == 0
    assert event in [it[0] for it in events_in(notes)]
