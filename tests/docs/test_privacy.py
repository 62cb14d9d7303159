"""The server contacts only TRaX, and writes only the audit log.

Each test runs the command with a recorder of its connections, file writes and child processes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.support.http_clients import plain_http
from tests.support.product.local_servers import upstream
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.server_process import running
from tests.support.valid_calls import EVERY
from tests.world.wire import MODERN, HttpWire, opening, request, tool_call

if TYPE_CHECKING:
    from pathlib import Path


WATCHED = ("-m", "tests.support.audit_hook_server")
PROMPT = {"name": "start_stream", "arguments": {"studio": "Friday Night Show"}}
RESOURCE = {"uri": "trax://studios/studio_42/chat"}


def host_and_port(address: str) -> tuple[str, int]:
    """Host and port of a URL."""
    parts = urlsplit(address)
    return str(parts.hostname), int(parts.port or 0)


def contacted(events: list[list[Any]]) -> set[tuple[str, int]]:
    """The hosts that it has looked up or connected to."""
    looked_up = [tuple(it[1:3]) for it in events if it[0] == "socket.getaddrinfo"]
    connected = [tuple(it[1][:2]) for it in events if it[0] == "socket.connect"]
    return {(host, int(port)) for host, port in looked_up + connected}


def local_effects(events: list[list[Any]]) -> set[tuple[str, ...]]:
    """The files that it wrote and the programs that it started, without coverage's own data."""
    effects = [tuple(it) for it in events if not it[0].startswith("socket.")]
    return {it for it in effects if "/.coverage" not in it[1]}


def read_events(event_file: Path) -> list[list[Any]]:
    """The recorded events."""
    return [json.loads(line) for line in event_file.read_text(encoding="utf-8").splitlines()]


async def test_over_stdio_only_trax_is_contacted_and_only_the_audit_log_is_written(
    tmp_path: Path,
) -> None:
    """Runs all tools, a prompt and a resource."""
    event_file, audit = tmp_path / "notes", tmp_path / "audit.jsonl"
    async with upstream() as trax:
        settings = {"TRAX_API_KEY": SANDBOX_KEY, "TRAX_BASE_URL": trax.base_url}
        settings["TRAX_AUDIT_LOG"] = str(audit)
        async with running(str(event_file), settings=settings, program=WATCHED) as server:
            await server.tell(*opening(MODERN))
            for number, (tool, arguments) in enumerate(EVERY.items(), start=10):
                answer = await server.ask(tool_call(MODERN, tool, number=number, **arguments))
                assert "result" in answer, tool
            assert "result" in await server.ask(request(MODERN, "prompts/get", PROMPT, number=98))
            resource = await server.ask(request(MODERN, "resources/read", RESOURCE, number=99))
            assert "result" in resource
            assert await server.hang_up() == 0
    assert trax.requests
    assert contacted(read_events(event_file)) == {host_and_port(trax.base_url)}
    assert local_effects(read_events(event_file)) == {("open", str(audit))}


async def test_over_http_only_trax_is_contacted_and_nothing_is_written(tmp_path: Path) -> None:
    """Without an audit log nothing is written."""
    event_file = tmp_path / "notes"
    arguments = (str(event_file), "http", "--port", "0")
    async with upstream() as trax:
        settings = {"TRAX_BASE_URL": trax.base_url}
        async with running(*arguments, settings=settings, program=WATCHED) as server:
            own_address = host_and_port(await server.address())
            async with plain_http(await server.address()) as http:
                caller = HttpWire(http, MODERN, x_api_key=SANDBOX_KEY)
                await caller.open()
                for tool, tool_arguments in EVERY.items():
                    assert await caller.call(tool, **tool_arguments)
    assert trax.requests
    assert contacted(read_events(event_file)) - {(own_address[0], 0)} == {
        host_and_port(trax.base_url)
    }
    assert local_effects(read_events(event_file)) == set()


WATCHED_PROGRAM = """
import sys
from tests.support.audit_hook_server import watch
watch(sys.argv[1])
exec(sys.argv[2])
"""
PROGRAM = """
import os, socket, subprocess, sys
socket.socket().connect_ex(("127.0.0.1", 9))
socket.getaddrinfo("127.0.0.1", 9)
open(sys.argv[1] + ".too", "w").close()
os.mkdir(sys.argv[1] + ".d")
subprocess.run(["true"])
"""
RECORDED = {"socket.connect", "socket.getaddrinfo", "open", "os.mkdir", "subprocess.Popen"}


async def test_the_watcher_records_each_kind_of_event(tmp_path: Path) -> None:
    """Otherwise the tests above would prove nothing."""
    event_file = tmp_path / "notes"
    async with running(str(event_file), PROGRAM, program=("-c", WATCHED_PROGRAM)) as process:
        assert await process.end() == 0
    assert {it[0] for it in read_events(event_file)} >= RECORDED
