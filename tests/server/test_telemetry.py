"""Metrics and traces: what operators see of a server, and that it names nobody.

Real processes, a real scrape by HTTP, and a collector on loopback.
"""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import struct
import sys
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

import pytest

from tests.support.markdown_pages import docs
from tests.support.otlp_collector import METRICS, TRACES, Collector, Span, collector
from tests.support.product.commands import Outcome, run_command
from tests.support.product.local_servers import upstream
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.server import fingerprint
from tests.support.served_app import plain_http
from tests.support.server_process import PATIENCE_SECONDS, Running, running
from tests.world.wire import (
    LEGACY,
    MODERN,
    HttpWire,
    Message,
    opening,
    read_answer,
    request,
    tool_call,
)

if TYPE_CHECKING:
    import httpx

HTTP: Final = ("http", "--port", "0")
STUDIO: Final = "studio_42"
CLIENTS_TRACE: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
CLIENTS_SPAN: Final = "00f067aa0ba902b7"
TRACEPARENT: Final = f"00-{CLIENTS_TRACE}-{CLIENTS_SPAN}-01"
SESSIONS: Final = "mcp_server_session_duration_seconds_count"
APPS: Final = {
    "extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}}
}
TICKET: Final = "live.traxstreaming/ticket"
MISSING: Final = "In the folder of trax-mcp, run .venv/bin/python -m pip install '.[telemetry]'."


async def scrape(server: Running, http: httpx.AsyncClient) -> str:
    """What Prometheus reads."""
    url = (await server.stderr.match(r"metrics at (http://127\.0\.0\.1:\d+/metrics)"))[1]
    response = await http.get(url)
    assert response.status_code == 200
    return response.text


def count(metrics: str, name: str, **labels: str) -> int:
    """The sum of all lines of a metric with these labels."""
    lines = re.findall(rf"^{name}(?:\{{(.*)\}})? ([\d.e+]+)$", metrics, re.MULTILINE)
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    return sum(int(float(value)) for found, value in lines if all(it in found for it in wanted))


async def confirm(caller: HttpWire, tool: str) -> None:
    """Call a guarded tool, and once more with its confirmation."""
    preview = (await caller.call(tool, studioId=STUDIO))["structuredContent"]
    yes = {"confirm": True, "confirmation": preview["confirmation"]}
    result = await caller.call(tool, studioId=STUDIO, **yes)
    assert "error" not in result["structuredContent"]


async def test_prometheus_finds_each_metric_that_the_page_names() -> None:
    """After a show: two guarded calls with their yes, a mistake, and requests that are refused.

    A client of the earlier era came and went before it.
    """
    settings = {"TRAX_METRICS_PORT": "0"}
    async with running(*HTTP, "--sandbox", settings=settings) as server:
        async with plain_http(await server.address()) as http:
            earlier = HttpWire(http, LEGACY)
            await earlier.open()
            assert (await http.delete("/mcp", headers=earlier.all_headers())).status_code == 200
            caller = HttpWire(http, MODERN)
            await confirm(caller, "go_live")
            await confirm(caller, "go_offline")
            await caller.call("get_studio", studioId="none")
            elsewhere = await caller.post(tool_call(MODERN, "list_studios"), host="elsewhere")
            assert elsewhere.status_code == 421
            assert (await http.get("/elsewhere")).status_code == 404
            metrics = await scrape(server, http)
        assert await server.stop(signal.SIGTERM) == 0
    named = re.findall(
        r"^\| `([a-z_.]+)` \|", docs("http").section("Metrics and traces"), re.MULTILINE
    )
    in_prometheus = {it.replace(".", "_") for it in named} - {"trax_mcp_engine_up"}
    assert len(in_prometheus) == 9
    assert [it for it in in_prometheus if f"\n{it}" not in metrics] == []

    operations = "mcp_server_operation_duration_seconds_count"
    decisions = "trax_mcp_consent_decisions_total"
    to_trax = "http_client_request_duration_seconds_count"
    assert count(metrics, operations, gen_ai_tool_name="go_live", network_transport="tcp") == 2
    assert count(metrics, operations, gen_ai_tool_name="get_studio", error_type="tool_error") == 1
    for tool in ("go_live", "go_offline"):
        assert count(metrics, decisions, gen_ai_tool_name=tool, verdict="Preview") == 1
        assert count(metrics, decisions, gen_ai_tool_name=tool, channel="confirmation") == 1
        path = f"/v1/studios/{{id}}/{tool.replace('_', '-')}"
        assert count(metrics, to_trax, url_template=path, http_response_status_code="200") == 1
    assert count(metrics, "trax_mcp_stop_duration_seconds_count") == 1
    for status in ("404", "421"):
        refused = {"http_response_status_code": status}
        assert count(metrics, "trax_mcp_refused_requests_total", **refused) == 1
        assert count(metrics, "http_server_request_duration_seconds_count", **refused) == 1
    assert count(metrics, "http_server_request_duration_seconds_count", http_route="/mcp") == 9
    assert count(metrics, SESSIONS, network_transport="tcp") == 1


async def test_a_client_that_left_was_not_refused() -> None:
    """It got no status, so none is told: a person who closes a client is no fault of the server."""
    settings, took = {"TRAX_METRICS_PORT": "0"}, "http_server_request_duration_seconds_count"
    async with running(*HTTP, "--sandbox", settings=settings) as server:
        async with plain_http(await server.address()) as http:
            _, client = await asyncio.open_connection(http.base_url.host, http.base_url.port)
            client.write(b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
            client.close()
            await client.wait_closed()
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not count(metrics := await scrape(server, http), took, http_route="/mcp"):
                    continue
        assert await server.stop(signal.SIGTERM) == 0
    assert "http_response_status_code" not in metrics
    assert "trax_mcp_refused_requests_total{" not in metrics


async def test_who_says_nothing_at_the_port_of_the_metrics_takes_nothing_from_the_server() -> None:
    """Their connections end, and the log stays one of whole lines."""
    settings = {"TRAX_METRICS_PORT": "0", "TRAX_LOG_FORMAT": "json"}
    async with running(*HTTP, "--sandbox", settings=settings) as server:
        port = int((await server.stderr.match(r"metrics at http://127\.0\.0\.1:(\d+)/metrics"))[1])
        with socket.create_connection(("127.0.0.1", port)) as broken:
            broken.sendall(b"GET /met")
            reset_at_once = struct.pack("ii", 1, 0)
            broken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset_at_once)
        silent, client = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await silent.read() == b""
        client.close()
        await server.address()
        async with plain_http(f"http://127.0.0.1:{port}") as http:
            await scrape(server, http)
        assert await server.stop(signal.SIGTERM) == 0
    assert all(it.startswith('{"time"') for it in server.stderr.all)


async def test_a_session_that_is_open_at_the_end_has_lasted_until_then() -> None:
    """Over HTTP, in the earlier era. One without a session, of the later era, adds none."""
    settings = {"TRAX_METRICS_PORT": "0"}
    async with (
        collector() as to,
        running(*HTTP, "--sandbox", settings=settings | to.settings("metrics")) as server,
    ):
        async with plain_http(await server.address()) as http:
            await HttpWire(http, MODERN).call("list_studios")
            await HttpWire(http, LEGACY).open()
            assert count(await scrape(server, http), SESSIONS) == 0
        assert await server.stop(signal.SIGTERM) == 0
    assert to.has_metric("mcp.server.session.duration")


async def questions_open(server: Running, http: httpx.AsyncClient, number: int) -> None:
    """Wait until so many are open, as Prometheus would see."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while count(await scrape(server, http), "trax_mcp_questions_open") != number:
            continue


async def test_a_question_is_open_while_a_call_waits_for_its_panel() -> None:
    """Until a person has answered."""
    async with running(*HTTP, "--sandbox", settings={"TRAX_METRICS_PORT": "0"}) as server:
        async with plain_http(await server.address()) as http:
            caller = HttpWire(http, MODERN)

            async def call(tool: str, **arguments: object) -> Message:
                params = {"name": tool, "arguments": arguments}
                message = request(MODERN, "tools/call", params, capabilities=APPS)
                result: Message = read_answer(await caller.post(message))["result"]
                return result

            asked = await call("go_live", studioId=STUDIO)
            ticket = asked["_meta"][TICKET]
            shown = (await call("answer_approval", ticket=ticket))["structuredContent"]
            await questions_open(server, http, 0)
            waiting = asyncio.create_task(call("go_live", studioId=STUDIO))
            await questions_open(server, http, 1)
            no = {"question": shown["question"], "choice": shown["no"]}
            await call("answer_approval", ticket=ticket, **no)
            assert (await waiting)["structuredContent"]["reason"] == "declined"
            await questions_open(server, http, 0)
        assert await server.stop(signal.SIGTERM) == 0


async def show(
    server: Running, http: httpx.AsyncClient, name: str, text: str
) -> tuple[str, str, str]:
    """Send all that must not be told. Returns the metrics, a session's id and a confirmation."""
    caller = HttpWire(http, LEGACY, x_api_key=SANDBOX_KEY)
    await caller.open()
    session = str(caller.session)
    await caller.call("update_studio", studioId=STUDIO, name=name)
    await caller.call("send_chat_message", studioId=STUDIO, text=text)
    await caller.call("find_studio", query=name)
    await caller.call("get_studio", studioId=text)
    preview = (await caller.call("go_live", studioId=STUDIO))["structuredContent"]
    await caller.post(tool_call(LEGACY, text))
    await caller.post(request(LEGACY, text.replace(" ", "/")))
    uri = {"uri": f"trax://studios/{text}/chat"}
    await caller.post(request(LEGACY, "resources/read", uri, number=77))
    await caller.post({**request(LEGACY, "ping"), "id": text})
    await http.request("INVENTED", f"/{text}")
    modern = HttpWire(http, MODERN, x_api_key=SANDBOX_KEY)
    traced = tool_call(MODERN, "list_studios")
    traced["params"]["_meta"] |= {"traceparent": TRACEPARENT, "tracestate": f"us={text}"}
    assert (await modern.post(traced)).status_code == 200
    return await scrape(server, http), session, preview["confirmation"]


async def test_no_key_name_text_or_id_is_in_metrics_or_traces() -> None:
    """Nor anything that a client invents: a tool, a method, an id, a state of its trace."""
    name, text = "Canary Show", "canary text"
    async with upstream() as trax, collector() as to:
        settings = {
            "TRAX_BASE_URL": trax.base_url,
            "TRAX_METRICS_PORT": "0",
            **to.settings("traces", "metrics"),
        }
        async with running(*HTTP, settings=settings) as server:
            async with plain_http(await server.address()) as http:
                metrics, session, confirmation = await show(server, http, name, text)
            assert await server.stop(signal.SIGTERM) == 0
    assert {path for path, _ in to.posts} == {TRACES, METRICS}
    told = metrics + "".join(body.decode(errors="replace") for _, body in to.posts)
    assert "get_studio" in told
    secrets = (
        SANDBOX_KEY,
        STUDIO,
        session,
        confirmation,
        name,
        text,
        text.replace(" ", "/"),
        "INVENTED",
    )
    assert [it for it in secrets if it in told] == []
    assert fingerprint(SANDBOX_KEY) not in metrics  # only spans tell callers apart


async def test_a_call_is_one_trace_from_the_clients_span_to_trax() -> None:
    """With the transport, the caller and the session by their hashes, and TRaX's request id."""
    message = tool_call(LEGACY, "get_studio", studioId=STUDIO)
    message["params"]["_meta"] = {"traceparent": TRACEPARENT}
    async with upstream() as trax, collector() as to:
        settings = {"TRAX_BASE_URL": trax.base_url, **to.settings("traces")}
        async with running(*HTTP, settings=settings) as server:
            async with plain_http(await server.address()) as http:
                caller = HttpWire(http, LEGACY, x_api_key=SANDBOX_KEY)
                await caller.open()
                await caller.post(message)
            assert await server.stop(signal.SIGTERM) == 0
        (received,) = trax.requests
    call, sent = spans_of_the_client(to)
    assert (call.name, call.parent) == ("tools/call get_studio", CLIENTS_SPAN)
    session = str(call.attributes["mcp.session.id"])
    assert re.fullmatch(r"[0-9a-f]{16}", session)
    assert session not in str(caller.session)
    assert call.attributes["network.transport"] == "tcp"
    assert call.attributes["enduser.pseudo.id"] == fingerprint(SANDBOX_KEY)
    assert (sent.name, sent.parent) == ("GET /v1/studios/{id}", call.id)
    assert sent.attributes["trax_mcp.request.id"] == received.request_id
    assert sent.attributes["http.response.status_code"] == 200
    assert not call.has_failed


def spans_of_the_client(to: Collector) -> list[Span]:
    """The spans of the client's trace, the first before those that it caused."""
    return sorted(
        (it for it in to.spans() if it.trace == CLIENTS_TRACE),
        key=lambda it: it.name[0],
        reverse=True,
    )


async def test_looking_at_a_chat_is_no_part_of_the_call_that_began_it() -> None:
    """It goes on for hours, for whoever listens."""
    tool, resource = "wait_for_chat_messages", {"uri": f"trax://studios/{STUDIO}/chat"}
    subscribe = request(LEGACY, "resources/subscribe", resource, number=9)
    subscribe["params"]["_meta"] = {"traceparent": TRACEPARENT}
    async with upstream() as trax, collector() as to:
        settings = {"TRAX_BASE_URL": trax.base_url, **to.settings("traces")}
        settings |= {
            "TRAX_METRICS_PORT": "0",
            "TRAX_CHAT_POLL_SECONDS": "0.02",
            "OTEL_SERVICE_NAME": "operators-own",
        }
        async with running(*HTTP, settings=settings) as server:
            async with plain_http(await server.address()) as http:
                caller = HttpWire(http, LEGACY, x_api_key=SANDBOX_KEY)
                await caller.open()
                assert (await caller.post(subscribe)).status_code == 200
                first = (await caller.call(tool, studioId=STUDIO))["structuredContent"]
                wait = {"after": first["cursor"], "timeoutSeconds": 1}
                await caller.call(tool, studioId=STUDIO, **wait)
                assert count(await scrape(server, http), "trax_mcp_watchers") == 1
            assert await server.stop(signal.SIGTERM) == 0
    looks = [it for it in to.spans() if it.name == "GET /v1/studios/{id}/chat/messages"]
    alone = [it.trace for it in looks if not it.parent]
    assert len(alone) > 2
    assert CLIENTS_TRACE not in alone
    assert all(b"operators-own" in body for _, body in to.posts)


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
    assert to.has_metric("mcp.server.session.duration")
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
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    settings = {
        "TRAX_LOG_LEVEL": "DEBUG",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}/canary",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_METRIC_EXPORT_INTERVAL": "50",
    }
    async with running(*HTTP, "--sandbox", settings=settings) as server:
        async with plain_http(await server.address()) as http:
            await HttpWire(http, MODERN).call("list_studios")
            for signal_name in ("spans", "metrics"):
                await server.stderr.match(
                    "WARNING .+: The collector at OTEL_EXPORTER_OTLP_ENDPOINT does not take"
                    f" {signal_name}, and those are lost."
                )
        assert await server.stop(signal.SIGTERM) == 0
    assert "canary" not in server.stderr.text


def start(*command: str, **settings: str) -> Outcome:
    """Start without the extra, also where another test has imported it."""
    imported = (it for it in sys.modules if it.startswith("opentelemetry.sdk."))
    absent = dict.fromkeys(("opentelemetry.sdk", "prometheus_client", *imported))
    telemetry = vars(sys.modules["trax_mcp.telemetry"])
    with patch.dict(sys.modules, absent), patch.dict(telemetry):
        sys.modules.pop("trax_mcp.telemetry.export", None)
        telemetry.pop("export", None)
        return run_command(*command, settings=settings)


def test_without_its_extra_a_port_for_prometheus_stops_the_start() -> None:
    ended = start(*HTTP, TRAX_METRICS_PORT="0")
    assert ended == Outcome(1, "", f"trax-mcp: TRAX_METRICS_PORT needs an extra. {MISSING}\n")


def test_without_the_extra_the_standard_variables_are_not_used() -> None:
    """A host may have set them for itself, so a server on stdio starts all the same."""
    over_http = start(*HTTP, OTEL_TRACES_EXPORTER="otlp")
    on_stdio = start("--sandbox", OTEL_TRACES_EXPORTER="otlp", TRAX_LOG_LEVEL="WARNING")
    assert over_http.code == 0
    assert f"OTEL_TRACES_EXPORTER needs an extra. {MISSING}" in over_http.err
    assert on_stdio == Outcome(0, "", "")


async def test_a_port_that_is_taken_stops_the_start_with_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = {"TRAX_METRICS_PORT": str(taken.getsockname()[1])}
        async with running(*HTTP, settings=settings) as server:
            assert await server.end() == 1
    assert server.stderr.text == (
        "trax-mcp: TRAX_METRICS_PORT cannot be listened on: Address already in use. Choose another,"
        " or another TRAX_METRICS_HOST.\n"
    )


async def test_where_the_metrics_are_is_not_told_by_a_start_that_fails() -> None:
    settings = {"TRAX_METRICS_PORT": "0", "TRAX_GUARD_ALSO": "no_such_tool"}
    async with running(*HTTP, "--sandbox", settings=settings) as server:
        assert await server.end() == 1
    assert "TRAX_GUARD_ALSO must hold" in server.stderr.text
    assert "metrics at" not in server.stderr.text


@pytest.mark.parametrize(
    "name",
    ["OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_BSP_SCHEDULE_DELAY"],
)
async def test_a_standard_variable_that_cannot_be_read_stops_the_start_and_is_named(
    name: str,
) -> None:
    """Here on stdio. No value is shown: that of another may be a secret."""
    settings = {"OTEL_TRACES_EXPORTER": "otlp", name: "-1"}
    async with running(settings=settings) as server:
        assert await server.end() == 1
    names = ", ".join(sorted(settings))
    assert server.stderr.text == (
        f"trax-mcp: One of {names} has a value that OpenTelemetry cannot read.\n"
    )


async def test_one_that_only_metrics_for_prometheus_need_is_named_too() -> None:
    settings = {"TRAX_METRICS_PORT": "0", "OTEL_METRICS_EXEMPLAR_FILTER": "canary"}
    async with running(*HTTP, "--sandbox", settings=settings) as server:
        assert await server.end() == 1
    assert server.stderr.text == (
        "trax-mcp: OTEL_METRICS_EXEMPLAR_FILTER has a value that OpenTelemetry cannot read.\n"
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "none"},
        {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"},
    ],
)
async def test_what_is_off_is_not_imported(settings: dict[str, str]) -> None:
    """`console` would write to stdout, which belongs to the protocol."""
    program = ("-X", "importtime", "-m", "trax_mcp")
    async with running("--sandbox", settings=settings, program=program) as server:
        await server.ask(request(MODERN, "tools/list"))
        assert await server.hang_up() == 0
    assert "trax_mcp.telemetry" in server.stderr.text
    assert "trax_mcp.telemetry.export" not in server.stderr.text
    assert "opentelemetry.sdk" not in server.stderr.text
