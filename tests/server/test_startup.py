"""A start imports only what it needs, since a client waits for it. In processes of their own."""

from __future__ import annotations

import re
import signal

import pytest

from tests.support.http_clients import plain_http
from tests.support.server_process import Running, running
from tests.world.wire import MODERN, HttpWire, request

PROGRAM = ("-X", "importtime", "-m", "trax_mcp")
"""The command, which prints each import."""


def imported(process: Running) -> set[str]:
    """The modules that were imported, and their packages."""
    names = re.findall(r"^import time:.*\| +([\w.]+)$", process.stderr.text, re.MULTILINE)
    return {*names, *(name.partition(".")[0] for name in names)}


@pytest.mark.parametrize(
    "settings",
    [
        {"OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "none"},
        {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"},
    ],
)
async def test_a_server_on_stdio_imports_nothing_that_is_off(settings: dict[str, str]) -> None:
    """`console` would write to stdout, which belongs to the protocol."""
    async with running("--sandbox", settings=settings, program=PROGRAM) as server:
        await server.ask(request(MODERN, "tools/list"))
        assert await server.hang_up() == 0
    assert {"mcp", "trax_mcp.instruments"} <= imported(server)
    off = {"sqlite3", "rapidfuzz", "trax_mcp.observe.exporters", "opentelemetry.sdk"}
    assert imported(server) & off == set()


async def test_a_server_over_http_imports_nothing_for_signing_in_replicas_or_a_search() -> None:
    """It has answered by then, too."""
    async with running("http", "--sandbox", "--port", "0", program=PROGRAM) as server:
        async with plain_http(await server.address()) as http:
            await HttpWire(http, MODERN).call("list_studios")
        assert await server.stop(signal.SIGTERM) == 0
    assert "uvicorn" in imported(server)
    assert imported(server) & {"sqlite3", "valkey", "rapidfuzz"} == set()


async def test_install_imports_no_client_of_trax_where_no_key_is_tried() -> None:
    async with running("install", "cursor", "--sandbox", "--print", program=PROGRAM) as command:
        assert await command.finish() == 0
    assert "trax_mcp.cli.install.key" in imported(command)
    assert imported(command) & {"anyio", "httpx", "mcp", "trax_mcp.api.client"} == set()
