"""A start imports only what it needs, since a client waits for it."""

from __future__ import annotations

import re

import pytest

from tests.support.jsonrpc import MODERN, request
from tests.support.served_app import plain_http
from tests.support.server_process import Running, running

PROGRAM = ("-X", "importtime", "-m", "trax_mcp")
"""The command, which prints each import."""


def imported(process: Running) -> set[str]:
    """The packages that were imported."""
    names = re.findall(r"^import time:.*\| +([\w.]+)$", process.stderr.text, re.MULTILINE)
    return {name.partition(".")[0] for name in names}


async def test_a_server_on_stdio_imports_nothing_for_signing_in_or_a_search() -> None:
    """It has answered by then."""
    async with running("--sandbox", program=PROGRAM) as server:
        await server.ask(request(MODERN, "tools/list"))
        assert await server.hang_up() == 0
    assert "mcp" in imported(server)
    assert imported(server) & {"sqlite3", "rapidfuzz"} == set()


@pytest.mark.parametrize(
    ("command", "unneeded"),
    [("http", {"sqlite3", "rapidfuzz", "valkey"}), ("sandbox", {"mcp", "mcp_types", "sqlite3"})],
)
async def test_a_server_over_http_imports_nothing_that_it_was_not_asked_for(
    command: str, unneeded: set[str]
) -> None:
    """Nobody signs in there, and the sandbox speaks no MCP."""
    async with running(command, "--port", "0", program=PROGRAM) as server:
        address = (await server.stderr.match(r"(http://[\d.]+:\d+)"))[1]
        async with plain_http(address) as http:
            await http.get("/healthz")
        assert await server.stop(2) == 0
    assert "uvicorn" in imported(server)
    assert imported(server) & unneeded == set()
