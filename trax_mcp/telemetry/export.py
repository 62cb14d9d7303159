"""Where measurements go: a port for Prometheus, and a collector that is spoken to by OTLP/HTTP.

The exporters read the rest from the standard variables `OTEL_EXPORTER_OTLP_...`, and the SDK from
`OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER` and so on. Nothing is ever written to stdout.
"""

import logging
import os
from collections.abc import Collection, Sequence
from threading import Thread
from typing import Final
from uuid import uuid4

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Meter, NoOpMeter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import (
    ProxyTracerProvider,
    SpanContext,
    Status,
    get_tracer,
    get_tracer_provider,
    set_tracer_provider,
)
from prometheus_client import start_http_server

from trax_mcp import __version__
from trax_mcp.telemetry.open_telemetry import OpenTelemetry

_NAME: Final = "trax-mcp"
_ATTRIBUTES: Final = frozenset(
    (
        *("mcp.method.name", "mcp.protocol.version", "mcp.session.id", "network.transport"),
        *("gen_ai.operation.name", "gen_ai.tool.name", "gen_ai.prompt.name", "enduser.pseudo.id"),
        *("error.type", "rpc.response.status_code", "http.request.method", "url.template"),
        *("http.response.status_code", "server.address", "trax_mcp.request.id"),
    )
)
"""What a span may say. Others may hold what a client has sent."""
_EXPORTS: Final = ("opentelemetry.exporter", "opentelemetry.sdk")
_QUIET: Final = "urllib3"  # it logs whole addresses


def open_telemetry(
    *, trax_host: str, address: tuple[str, int] | None, signals: Collection[str]
) -> tuple[OpenTelemetry, str | None]:
    """Begin to export. Returns the address of the port for Prometheus too, if there is one.

    `address` is where that port is to be; `signals` are sent to a collector: "traces", "metrics".

    Raises:
        OSError: the port cannot be opened.
        ValueError: a standard variable is wrong.
    """
    for name in _EXPORTS:  # an operator must learn that the collector is not reached
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger(_QUIET).setLevel(logging.WARNING)
    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": _NAME}
    resource = Resource.create(
        {"service.version": __version__, "service.instance.id": str(uuid4()), **named}
    )
    readers: list[MetricReader] = []
    url = None
    if address is not None:
        server, _thread = start_http_server(addr=address[0], port=address[1])
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        url = f"http://{host}:{server.server_port}/metrics"
        readers.append(PrometheusMetricReader(scope_info_enabled=False))
    if "metrics" in signals:
        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter()))
    meters = MeterProvider(readers, resource, shutdown_on_exit=False) if readers else None
    traces = None
    # Else somebody traces this process already, as `opentelemetry-instrument` does.
    if "traces" in signals and isinstance(get_tracer_provider(), ProxyTracerProvider):
        traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        traces.add_span_processor(BatchSpanProcessor(_PlainSpans(OTLPSpanExporter())))
        set_tracer_provider(traces)

    def send_rest() -> None:
        """Both at once: one that hangs must not cost the other its moment."""
        flushes = [it.force_flush for it in (traces, meters) if it is not None]
        threads = [Thread(target=flush, daemon=True) for flush in flushes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    meter: Meter = meters.get_meter(_NAME, __version__) if meters else NoOpMeter(_NAME)
    tracer = get_tracer(_NAME, __version__)
    return OpenTelemetry(meter, tracer, trax_host=trax_host, send_rest=send_rest), url


class _PlainSpans(SpanExporter):
    """Exports spans without anything that a client, a streamer or a viewer may have written."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export them."""
        return self._exporter.export([_plain(it) for it in spans])

    def shutdown(self) -> None:
        """End."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is kept here."""
        return self._exporter.force_flush(timeout_millis)


def _plain(span: ReadableSpan) -> ReadableSpan:
    """The span without events, trace states and descriptions, and with known attributes only."""
    attributes = {name: it for name, it in (span.attributes or {}).items() if name in _ATTRIBUTES}
    return ReadableSpan(
        span.name,
        context=_without_state(span.context),
        parent=_without_state(span.parent),
        resource=span.resource,
        attributes=attributes,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _without_state(context: SpanContext | None) -> SpanContext | None:
    if context is None:
        return None
    return SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags)
