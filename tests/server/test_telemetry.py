"""Metrics and traces: what operators see of a server, and that it names nobody.

One process, with a real scrape by HTTP and a collector on loopback.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.http_clients import plain_http
from tests.support.markdown_pages import docs
from tests.support.otlp_collector import METRICS, TRACES, Collector, collector
from tests.support.product.server import fingerprint
from tests.support.server_process import PATIENCE_SECONDS, Running, running
from tests.world.caller import PREVIEW_SECONDS
from tests.world.panel import TICKET
from tests.world.wire import (
    LEGACY,
    MODERN,
    HttpWire,
    Message,
    read_answer,
    request,
    tool_call,
)
from tests.world.world import MINE

if TYPE_CHECKING:
    import httpx

HTTP: Final = ("http", "--port", "0")
STUDIO: Final = "studio_42"
CALL, OTHER_CALL, LISTENING = "4bf92f3577b34da6a3ce929d0e0e4736", "1" * 32, "2" * 32
"""The traces of clients."""
SPAN: Final = "00f067aa0ba902b7"
NAME, TEXT = "Canary Show", "canary text"
TOOK: Final = "http_server_request_duration_seconds_count"
SESSIONS: Final = "mcp_server_session_duration_seconds_count"
APPS: Final = {
    "extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}}
}


def count(metrics: str, name: str, **labels: str) -> int:
    """The sum of all lines of a metric with these labels."""
    lines = re.findall(rf"^{name}(?:\{{(.*)\}})? ([\d.e+]+)$", metrics, re.MULTILINE)
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    return sum(int(float(value)) for found, value in lines if all(it in found for it in wanted))


@dataclass
class Told:
    """What one server told: to Prometheus after each step, to the collector, and to its log."""

    server: Running
    http: httpx.AsyncClient
    to: Collector
    metrics: dict[str, str] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)  # must not be told

    async def scrape(self) -> str:
        """What Prometheus reads."""
        url = (await self.server.stderr.match(r"metrics at (http://127\.0\.0\.1:\d+/metrics)"))[1]
        response = await self.http.get(url)
        assert response.status_code == 200
        return response.text

    async def scrape_until(self, name: str, number: int, **labels: str) -> str:
        """The same, once a metric has this value."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while count(metrics := await self.scrape(), name, **labels) != number:
                continue
        return metrics

    async def session(self) -> HttpWire:
        """A session of the earlier era."""
        caller = HttpWire(self.http, LEGACY, x_api_key=MINE)
        await caller.open()
        self.secrets.append(str(caller.session))
        return caller


@pytest.fixture(scope="module")
def told() -> Told:
    """What a server told that all of this was done to."""
    return asyncio.run(_told())


async def _told() -> Told:
    async with collector() as to:
        settings = {
            "TRAX_METRICS_PORT": "0",
            "TRAX_LOG_FORMAT": "json",
            "TRAX_CHAT_POLL_SECONDS": "0.02",
            "OTEL_SERVICE_NAME": "operators-own",
            **to.settings("traces", "metrics"),
        }
        async with running(*HTTP, "--sandbox", settings=settings) as server:
            async with plain_http(await server.address()) as http:
                it = Told(server, http, to)
                for act in (say_nothing, leave, play_a_show, say_secrets, trace, listen, ask):
                    await act(it)
                    it.metrics[act.__name__] = await it.scrape()
                await it.session()
                it.metrics["end"] = await it.scrape()
            assert await server.stop(signal.SIGTERM) == 0
    return it


async def say_nothing(it: Told) -> None:
    """Connect to the port of the metrics, and reset or keep the connection."""
    port = int((await it.server.stderr.match(r"metrics at http://127\.0\.0\.1:(\d+)/metrics"))[1])
    with socket.create_connection(("127.0.0.1", port)) as broken:
        broken.sendall(b"GET /met")
        broken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    silent, client = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await silent.read() == b""
    client.close()


async def leave(it: Told) -> None:
    """Go away in the middle of a request."""
    _, client = await asyncio.open_connection(it.http.base_url.host, it.http.base_url.port)
    client.write(b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
    client.close()
    await client.wait_closed()
    await it.scrape_until(TOOK, 1, http_route="/mcp")


async def play_a_show(it: Told) -> None:
    """Two guarded calls with their yes, a mistake, and requests that are refused.

    A client of the earlier era came and went before it.
    """
    await (await it.session()).end_session()
    caller = HttpWire(it.http, MODERN, x_api_key=MINE)
    for tool in ("go_live", "go_offline"):
        shown = (await caller.call(tool, studioId=STUDIO))["structuredContent"]
        it.secrets.append(shown["confirmation"])
        if tool == "go_live":
            hurried = {"confirm": True, "confirmation": shown["confirmation"]}
            early = await caller.call(tool, studioId=STUDIO, **hurried)
            assert early["structuredContent"]["reason"] == "too_soon"
            await asyncio.sleep(PREVIEW_SECONDS)
        yes = {"confirm": True, "confirmation": shown["confirmation"]}
        ran = await caller.call(tool, studioId=STUDIO, **yes)
        assert "error" not in ran["structuredContent"]
    await caller.call("get_studio", studioId="none")
    elsewhere = await caller.post(tool_call(MODERN, "list_studios"), host="elsewhere")
    assert elsewhere.status_code == 421
    assert (await it.http.get("/elsewhere")).status_code == 404


async def say_secrets(it: Told) -> None:
    """Send names and texts, and invent a tool, a method, an id and a state of a trace."""
    it.secrets += [MINE, STUDIO, NAME, TEXT, TEXT.replace(" ", "/"), "INVENTED"]
    caller = await it.session()
    await caller.call("update_studio", studioId=STUDIO, name=NAME)
    await caller.call("send_chat_message", studioId=STUDIO, text=TEXT)
    await caller.call("find_studio", query=NAME)
    await caller.call("get_studio", studioId=TEXT)
    await caller.post(tool_call(LEGACY, TEXT))
    await caller.post(request(LEGACY, TEXT.replace(" ", "/")))
    uri = {"uri": f"trax://studios/{TEXT}/chat"}
    await caller.post(request(LEGACY, "resources/read", uri, number=77))
    await caller.post({**request(LEGACY, "ping"), "id": TEXT})
    await it.http.request("INVENTED", f"/{TEXT}")
    traced = tool_call(MODERN, "list_studios")
    trace = {"traceparent": f"00-{OTHER_CALL}-{SPAN}-01", "tracestate": f"us={TEXT}"}
    traced["params"]["_meta"] |= trace
    untraced = tool_call(MODERN, "list_studios")
    untraced["params"]["_meta"] |= dict.fromkeys(("traceparent", "tracestate", "baggage"), 5)
    for message in (traced, untraced):
        answer = await HttpWire(it.http, MODERN, x_api_key=MINE).post(message)
        assert "result" in read_answer(answer)


async def trace(it: Told) -> None:
    """Call with the trace of a client."""
    message = tool_call(LEGACY, "get_studio", studioId="studio_43")
    message["params"]["_meta"] = {"traceparent": f"00-{CALL}-{SPAN}-01"}
    await (await it.session()).post(message)


async def listen(it: Told) -> None:
    """Subscribe to a chat with the trace of a client, and wait for it to be polled."""
    caller, resource = await it.session(), {"uri": f"trax://studios/{STUDIO}/chat"}
    subscribe = request(LEGACY, "resources/subscribe", resource, number=9)
    subscribe["params"]["_meta"] = {"traceparent": f"00-{LISTENING}-{SPAN}-01"}
    assert (await caller.post(subscribe)).status_code == 200
    polled = {"url_template": "/v1/studios/{id}/chat/messages"}
    async with asyncio.timeout(PATIENCE_SECONDS):
        while count(await it.scrape(), "http_client_request_duration_seconds_count", **polled) < 6:
            continue


READING_SECONDS: Final = 1.1


async def ask(it: Told) -> None:
    """Ask in a panel, whose person refuses while the call waits."""
    caller, gauge = HttpWire(it.http, MODERN, x_api_key=MINE), "trax_mcp_questions_open"

    async def call(tool: str, **arguments: object) -> Message:
        params = {"name": tool, "arguments": arguments}
        message = request(MODERN, "tools/call", params, capabilities=APPS)
        result: Message = read_answer(await caller.post(message))["result"]
        return result

    ticket = (await call("go_live", studioId=STUDIO))["_meta"][TICKET]
    shown = (await call("answer_approval", ticket=ticket))["structuredContent"]
    await it.scrape_until(gauge, 0)
    waiting = asyncio.create_task(call("go_live", studioId=STUDIO))
    it.metrics["asking"] = await it.scrape_until(gauge, 1)
    await asyncio.sleep(READING_SECONDS)  # a person cannot have read it sooner
    await call("answer_approval", ticket=ticket, choice=shown["no"])
    assert (await waiting)["structuredContent"]["reason"] == "declined"
    await it.scrape_until(gauge, 0)


def test_prometheus_finds_each_metric_that_the_page_names(told: Told) -> None:
    metrics = told.metrics["play_a_show"]
    named = re.findall(
        r"^\| `([a-z_.]+)` \|", docs("http").section("Metrics and traces"), re.MULTILINE
    )
    in_prometheus = {it.replace(".", "_") for it in named} - {"trax_mcp_engine_up"}
    assert len(in_prometheus) == 9
    assert [it for it in in_prometheus if f"\n{it}" not in metrics] == []

    operations = "mcp_server_operation_duration_seconds_count"
    decisions = "trax_mcp_consent_decisions_total"
    to_trax = "http_client_request_duration_seconds_count"
    assert count(metrics, operations, gen_ai_tool_name="go_live", network_transport="tcp") == 3
    assert count(metrics, operations, gen_ai_tool_name="get_studio", error_type="tool_error") == 1
    for tool in ("go_live", "go_offline"):
        assert count(metrics, decisions, gen_ai_tool_name=tool, verdict="Preview") == 1
        assert count(metrics, decisions, gen_ai_tool_name=tool, channel="confirmation") == 1
        too_soon = 1 if tool == "go_live" else 0
        assert count(metrics, decisions, gen_ai_tool_name=tool, reason="too_soon") == too_soon
        path = f"/v1/studios/{{id}}/{tool.replace('_', '-')}"
        assert count(metrics, to_trax, url_template=path, http_response_status_code="200") == 1
    assert count(metrics, "trax_mcp_stop_duration_seconds_count") == 1
    for status in ("404", "421"):
        refused = {"http_response_status_code": status}
        assert count(metrics, "trax_mcp_refused_requests_total", **refused) == 1
        assert count(metrics, TOOK, **refused) == 1
    assert count(metrics, TOOK, http_route="/mcp") == 10 + 1  # and the one that was left
    assert count(metrics, SESSIONS, network_transport="tcp") == 1
    assert count(told.metrics["listen"], "trax_mcp_watchers") == 1
    assert count(told.metrics["asking"], "trax_mcp_questions_open") == 1


def test_a_client_that_left_was_not_refused(told: Told) -> None:
    """It got no status, so none is told: a person who closes a client is no fault of the server."""
    assert "http_response_status_code" not in told.metrics["leave"]
    assert "trax_mcp_refused_requests_total{" not in told.metrics["leave"]


def test_who_says_nothing_at_the_port_of_the_metrics_takes_nothing_from_the_server(
    told: Told,
) -> None:
    """It is scraped afterwards, and the log stays one of whole lines."""
    assert all(it.startswith('{"time"') for it in told.server.stderr.all)


def test_a_session_that_is_open_at_the_end_has_lasted_until_then(told: Told) -> None:
    """Those of the later era are none."""
    assert count(told.metrics["end"], SESSIONS) == 1
    assert told.to.histogram_count("mcp.server.session.duration") == 5


def test_no_key_name_text_or_id_is_in_metrics_or_traces(told: Told) -> None:
    """Nor anything that a client invents."""
    assert {path for path, _ in told.to.posts} == {TRACES, METRICS}
    metrics = "".join(told.metrics.values())
    everything = metrics + "".join(body.decode(errors="replace") for _, body in told.to.posts)
    assert "get_studio" in everything
    assert [it for it in told.secrets if it in everything] == []
    assert fingerprint(MINE) not in metrics  # only spans tell callers apart
    assert all(b"operators-own" in body for _, body in told.to.posts)


def test_a_call_is_one_trace_from_the_clients_span_to_trax(told: Told) -> None:
    """With the transport, the caller and the session by their hashes, and TRaX's request id."""
    (line,) = [it for it in map(json.loads, told.server.stderr.all) if it.get("trace_id") == CALL]
    spans = [it for it in told.to.spans() if it.trace == CALL]
    call, sent = sorted(spans, key=lambda it: it.name[0], reverse=True)
    assert (call.name, call.parent) == ("tools/call get_studio", SPAN)
    session = str(call.attributes["mcp.session.id"])
    assert re.fullmatch(r"[0-9a-f]{16}", session)
    assert session not in str(told.secrets)
    assert call.attributes["network.transport"] == "tcp"
    assert call.attributes["enduser.pseudo.id"] == fingerprint(MINE)
    assert (sent.name, sent.parent) == ("GET /v1/studios/{id}", call.id)
    assert sent.attributes["trax_mcp.request.id"] == line["trax_request_id"]
    assert sent.attributes["http.response.status_code"] == 200
    assert not call.has_failed


def test_looking_at_a_chat_is_no_part_of_the_call_that_began_it(told: Told) -> None:
    """It goes on for hours, for whoever listens."""
    looks = [it for it in told.to.spans() if it.name == "GET /v1/studios/{id}/chat/messages"]
    alone = [it.trace for it in looks if not it.parent]
    assert len(alone) > 2
    assert LISTENING not in alone
