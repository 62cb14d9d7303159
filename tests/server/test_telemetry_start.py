"""Metrics and traces at the start and the end of a process, and a collector that fails."""

from __future__ import annotations

import signal
import socket
import sys
from typing import Final
from unittest.mock import patch

import pytest

from tests.support.http_clients import plain_http
from tests.support.loopback_ports import closed_port
from tests.support.otlp_collector import collector
from tests.support.product.commands import Outcome, run_command
from tests.support.server_process import running
from tests.world.wire import (
    LEGACY,
    MODERN,
    HttpWire,
    opening,
    tool_call,
)

HTTP: Final = ("http", "--port", "0")
MISSING: Final = "In the folder of trax-mcp, run .venv/bin/python -m pip install '.[telemetry]'."


# The end of a process


async def test_on_stdio_spans_are_sent_before_the_process_ends() -> None:
    """And how long it was used. Only the protocol is on stdout, and no port is opened."""
    async with collector() as to:
        settings = {"TRAX_METRICS_PORT": "0", **to.settings("traces", "metrics")}
        async with running("--sandbox", settings=settings) as server:
            await server.tell(*opening(LEGACY))
            await server.ask(tool_call(LEGACY, "list_studios"))
            assert await server.hang_up() == 0
    found = [it for it in to.spans() if it.name == "tools/call list_studios"]
    assert [it.attributes["network.transport"] for it in found] == ["pipe"]
    assert to.histogram_count("mcp.server.session.duration") == 1
    assert all(line.startswith('{"') for line in server.stdout.all)
    assert "metrics at" not in server.stderr.text


@pytest.mark.parametrize("command", [("--sandbox",), (*HTTP, "--sandbox")])
async def test_a_collector_that_hangs_holds_up_no_end(command: tuple[str, ...]) -> None:
    async with collector(hangs=True) as to:
        async with running(*command, settings=to.settings("traces", "metrics")) as server:
            if command[0] == "http":
                async with plain_http(await server.address()) as http:
                    await HttpWire(http, MODERN).call("list_studios")
            else:
                await server.ask(tool_call(MODERN, "list_studios"))
            assert await server.stop(signal.SIGTERM) == 0
        assert to.posts


async def test_a_collector_that_is_away_is_told_in_the_log_and_disturbs_nobody() -> None:
    """Not by its address, in which some have a secret."""
    settings = {
        "TRAX_LOG_LEVEL": "DEBUG",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{closed_port()}/canary",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_METRIC_EXPORT_INTERVAL": "50",
    }
    async with running("--sandbox", settings=settings) as server:
        await server.ask(tool_call(MODERN, "list_studios"))
        for signal_name in ("spans", "metrics"):
            await server.stderr.match(
                "WARNING .+: The collector at OTEL_EXPORTER_OTLP_ENDPOINT doesn't take"
                f" {signal_name}, so they are lost."
            )
        assert await server.hang_up() == 0
    assert "canary" not in server.stderr.text


# The start


def start_without_the_extra(*command: str, **settings: str) -> Outcome:
    """Start so, also where another test has imported it."""
    imported = (it for it in sys.modules if it.startswith("opentelemetry.sdk."))
    absent = dict.fromkeys(("opentelemetry.sdk", "prometheus_client", *imported))
    with patch.dict(sys.modules, absent):
        sys.modules.pop("trax_mcp.observe.exporters", None)
        return run_command(*command, settings=settings)


def test_without_its_extra_a_port_for_prometheus_stops_the_start_and_nothing_else_does() -> None:
    """A host may have set the standard variables for itself."""
    port = start_without_the_extra(*HTTP, TRAX_METRICS_PORT="0")
    assert port == Outcome(1, "", f"trax-mcp: TRAX_METRICS_PORT needs an extra. {MISSING}\n")
    over_http = start_without_the_extra(*HTTP, OTEL_TRACES_EXPORTER="otlp")
    assert over_http.code == 0
    assert f"OTEL_TRACES_EXPORTER needs an extra. {MISSING}" in over_http.err
    settings = {"OTEL_TRACES_EXPORTER": "otlp", "TRAX_LOG_LEVEL": "WARNING"}
    assert start_without_the_extra("--sandbox", **settings) == Outcome(0, "", "")


UNREADABLE: Final = {
    "OTEL_BSP_MAX_QUEUE_SIZE": {"OTEL_TRACES_EXPORTER": "otlp"},
    "OTEL_BSP_SCHEDULE_DELAY": {"OTEL_TRACES_EXPORTER": "otlp"},
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": {"OTEL_TRACES_EXPORTER": "otlp"},
    "OTEL_METRICS_EXEMPLAR_FILTER": {"TRAX_METRICS_PORT": "0"},
}
"""The variables, each with the setting that needs it."""


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_standard_variable_that_cannot_be_read_stops_the_start_and_is_named(name: str) -> None:
    """No value is shown: that of another may be a secret."""
    needed = UNREADABLE[name]
    ended = run_command(*HTTP, "--sandbox", settings={**needed, name: "-1"})
    names = ", ".join(sorted(it for it in {**needed, name: ""} if it.startswith("OTEL_")))
    named = names if ", " not in names else f"One of {names}"
    sentence = f"trax-mcp: {named} has a value that OpenTelemetry can't read.\n"
    assert ended == Outcome(1, "", sentence)


def test_a_start_that_fails_tells_no_place_of_metrics() -> None:
    """Such as one for which the port is taken."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run_command(*HTTP, settings={"TRAX_METRICS_PORT": port})
    assert ended == Outcome(
        1,
        "",
        "trax-mcp: TRAX_METRICS_PORT can't be used: Address already in use. Choose another,"
        " or another TRAX_METRICS_HOST.\n",
    )
    settings = {"TRAX_METRICS_PORT": "0", "TRAX_GUARD_ALSO": "no_such_tool"}
    ended = run_command(*HTTP, "--sandbox", settings=settings)
    assert ended.code == 1
    assert "TRAX_GUARD_ALSO must hold" in ended.err
    assert "metrics at" not in ended.err
