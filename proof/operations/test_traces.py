"""A call is one trace, as a collector of OpenTelemetry gets it that is not ours."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import httpx2
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import get_tracer, set_tracer_provider

from proof.operations.programs import SECRETS, TEXT, collector, until
from tests import ROOT
from tests.support.consent_clients import has_run
from tests.support.guarded_calls import GO_LIVE, STUDIO
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.server_process import PATIENCE_SECONDS, environment, running
from tests.support.simulated_person import Person, agreeing
from tests.world.wire import MODERN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from proof.operations.programs import Collector, Span

    OpenClient = Callable[[Collector, Person], AbstractAsyncContextManager[Client]]

PROVIDER: Final = TracerProvider(shutdown_on_exit=False)
"""Of this process, which is the client. There can be one alone."""
FIRST: Final = "the evening of a streamer"


@asynccontextmanager
async def over_http(to: Collector, person: Person) -> AsyncIterator[Client]:
    """A client of `trax-mcp http`."""
    async with (
        running("http", "--port", "0", "--sandbox", settings=to.settings()) as server,
        httpx2.AsyncClient(
            headers={"X-API-Key": SANDBOX_KEY}, trust_env=False, timeout=PATIENCE_SECONDS
        ) as web,
    ):
        http = streamable_http_client(f"{await server.address()}/mcp", http_client=web)
        async with Client(http, mode=MODERN, cache=None, elicitation_callback=person) as client:
            yield client
        server.process.terminate()
        assert await server.end() == 0


@asynccontextmanager
async def over_stdio(to: Collector, person: Person) -> AsyncIterator[Client]:
    """A client of `trax-mcp`, which it starts and ends."""
    settings = {**to.settings(), "TRAX_API_KEY": SANDBOX_KEY}
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "trax_mcp", "--sandbox"],
        env=environment(settings),
        cwd=ROOT,
    )
    async with Client(command, mode=MODERN, cache=None, elicitation_callback=person) as client:
        yield client


@pytest.fixture(scope="module", autouse=True)
def _traced() -> None:
    """The SDK's client makes spans, and tells the server of them."""
    set_tracer_provider(PROVIDER)


@pytest.mark.parametrize("connect", [over_http, over_stdio])
async def test_a_go_live_by_form_is_one_trace_from_the_client_to_trax(
    connect: OpenClient, tmp_path: Path
) -> None:
    """It is two requests: one that asks, and one with the answer. Only the second reaches TRaX.

    The collector learns no key, no studio, nothing that somebody wrote, and how long it took.
    """
    person = Person()
    person.answer_with(agreeing)
    async with collector(tmp_path) as to:
        spans_of_client = BatchSpanProcessor(OTLPSpanExporter(f"{to.address}/v1/traces"))
        PROVIDER.add_span_processor(spans_of_client)
        async with connect(to, person) as client:
            with get_tracer("a-client").start_as_current_span(FIRST):
                assert has_run(await client.call_tool(GO_LIVE.tool, GO_LIVE.arguments))
            await client.call_tool("send_chat_message", {**STUDIO, "text": TEXT})
        spans_of_client.shutdown()  # type: ignore[no-untyped-call]
        wanted = (f": {FIRST}\n", "tools/call send_chat_message\n", "mcp.server.operation.duration")
        await until(lambda: to.has(*wanted))
        (first,) = [it for it in to.spans() if it.name == FIRST]
        spans = {it.id: it for it in to.spans() if it.trace == first.trace}
        received = to.received()
    sent = [it for it in spans.values() if it.name == "POST /v1/studios/{id}/go-live"]
    call = "tools/call go_live"
    assert [path(it, spans) for it in sent] == [[FIRST, f"MCP send {call}", call, sent[0].name]]
    assert [it.name for it in spans.values()].count(call) == 2
    assert "Exemplar #" not in received  # as docs/http.md says, for what they cost
    assert [it for it in SECRETS if it in received] == []


def path(span: Span, spans: dict[str, Span]) -> list[str]:
    """The names of the spans from the first of the trace to this one."""
    return [*(path(spans[span.parent], spans) if span.parent else ()), span.name]
