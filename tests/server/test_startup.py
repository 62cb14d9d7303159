"""A start imports only what it needs, since a client waits for it."""

from __future__ import annotations

import re
import signal

from tests.support.served_app import plain_http
from tests.support.server_process import Running, running
from tests.world.wire import MODERN, HttpWire, request

PROGRAM = ("-X", "importtime", "-m", "trax_mcp")
"""The command, which prints each import."""


def imported(process: Running) -> set[str]:
    """The packages that were imported."""
    names = re.findall(r"^import time:.*\| +([\w.]+)$", process.stderr.text, re.MULTILINE)
    return {name.partition(".")[0] for name in names}


async def test_a_server_on_stdio_imports_nothing_for_signing_in_or_a_search() -> None:
    async with running("--sandbox", program=PROGRAM) as server:
        await server.ask(request(MODERN, "tools/list"))
        assert await server.hang_up() == 0
    assert "mcp" in imported(server)
    assert imported(server) & {"sqlite3", "rapidfuzz"} == set()


async def test_a_server_over_http_imports_nothing_for_signing_in_replicas_or_a_search() -> None:
    """It has answered by then, too."""
    async with running("http", "--sandbox", "--port", "0", program=PROGRAM) as server:
        async with plain_http(await server.address()) as http:
            await HttpWire(http, MODERN).call("list_studios")
        assert await server.stop(signal.SIGTERM) == 0
    assert "uvicorn" in imported(server)
    assert imported(server) & {"sqlite3", "valkey", "rapidfuzz"} == set()
