"""A call is one trace, as a collector of OpenTelemetry gets it that is not ours."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import get_tracer, set_tracer_provider

from proof.operations.programs import SECRETS, TEXT, collector, until
from tests.support.guarded_calls import GO_LIVE
from tests.support.product.sandbox import Sandbox
from tests.support.simulated_person import Person, agreeing
from tests.world.answers import has_run
from tests.world.world import Over, open_world

if TYPE_CHECKING:
    from pathlib import Path

    from proof.operations.programs import Span

PROVIDER: Final = TracerProvider(shutdown_on_exit=False)
"""Of this process, which is the client. There can be one alone."""
FIRST: Final = "the evening of a streamer"


@pytest.fixture(scope="module", autouse=True)
def _traced() -> None:
    """The SDK's client makes spans, and tells the server of them."""
    set_tracer_provider(PROVIDER)


@pytest.mark.parametrize("over", [Over.PROCESS, Over.STDIO])
async def test_a_go_live_by_form_is_one_trace_from_the_client_to_trax(
    over: Over, tmp_path: Path
) -> None:
    """It is two requests: one that asks, and one with the answer. Only the second reaches TRaX.

    The collector learns no key, no studio, nothing that somebody wrote, and how long it took.
    """
    async with collector(tmp_path) as to:
        spans_of_client = BatchSpanProcessor(OTLPSpanExporter(f"{to.address}/v1/traces"))
        PROVIDER.add_span_processor(spans_of_client)
        async with open_world(
            over=over,
            trax=Sandbox(),
            OTEL_TRACES_EXPORTER="otlp",
            OTEL_METRICS_EXPORTER="otlp",
            OTEL_EXPORTER_OTLP_ENDPOINT=to.address,
        ) as it:
            async with it.visitor(person=Person(agreeing)) as caller:
                with get_tracer("a-client").start_as_current_span(FIRST):
                    assert has_run(await caller.call(GO_LIVE))
                await caller.call("send_chat_message", text=TEXT)
            for replica in it.replicas:
                assert replica.process is not None
                assert await replica.process.stop(signal.SIGTERM) == 0
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
