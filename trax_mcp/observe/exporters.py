"""The exporters of OpenTelemetry's SDK: a port for Prometheus, and a collector, by OTLP/HTTP.

They read the rest from the standard variables `OTEL_EXPORTER_OTLP_...`, and the SDK from
`OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER` and so on. Nothing is ever written to stdout.
"""

import logging
import os
import socket
from collections.abc import Callable, Collection, Sequence
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any, Final
from uuid import uuid4
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from opentelemetry.metrics import set_meter_provider
from opentelemetry.sdk.environment_variables import OTEL_METRICS_EXEMPLAR_FILTER
from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExportResult,
    MetricReader,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import ProxyTracerProvider, get_tracer_provider, set_tracer_provider

from trax_mcp import __version__
from trax_mcp.instruments import SCOPE

_QUIET: Final = "urllib3"  # as the exporters do, it logs whole addresses, which may hold a secret
_LOG: Final = logging.getLogger(__name__)


def begin_export(
    *, address: tuple[str, int] | None, signals: Collection[str]
) -> tuple[str | None, list[Callable[[], object]]]:
    """Begin to export what this process measures.

    `address` is where the port for Prometheus is to be; `signals` are sent to a collector:
    "traces", "metrics". Returns where the metrics are, and what sends the rest of each signal,
    which may take long, or hang.

    Raises:
        OSError: the port cannot be opened.
        ValueError: a standard variable is wrong.
    """
    logging.getLogger(_QUIET).setLevel(logging.CRITICAL)
    ours = {"service.version": __version__, "service.instance.id": str(uuid4())}
    resource = Resource.create({"service.name": SCOPE, **ours})
    resource = resource.merge(OTELResourceDetector().detect())  # what the operator says counts more
    readers: list[MetricReader] = []
    flushes: list[Callable[[], object]] = []
    url = None
    if address is not None:
        reader, url = _open_port(*address)
        readers.append(reader)
    if "metrics" in signals:
        readers.append(_metrics_to_collector())
    # Exemplars cost in each call, and Prometheus is shown none.
    exemplars = None if OTEL_METRICS_EXEMPLAR_FILTER in os.environ else AlwaysOffExemplarFilter()
    if readers:
        meters = MeterProvider(readers, resource, shutdown_on_exit=False, exemplar_filter=exemplars)
        set_meter_provider(meters)
        flushes.append(meters.force_flush)
    # Else somebody traces this process already, as `opentelemetry-instrument` does.
    if "traces" in signals and isinstance(get_tracer_provider(), ProxyTracerProvider):
        traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        traces.add_span_processor(_spans_to_collector())
        set_tracer_provider(traces)
        flushes.append(traces.force_flush)
    return url, flushes


# Each is imported only where it is used: that of a collector brings an HTTP client.


def _open_port(host: str, port: int) -> tuple[MetricReader, str]:
    """Open the port for Prometheus. Returns its address too."""
    from opentelemetry.exporter.prometheus import PrometheusMetricReader  # noqa: PLC0415  as above
    from prometheus_client import make_wsgi_app  # noqa: PLC0415  as above

    server = (_ServerOfIPv6 if ":" in host else _Server)((host, port), _Handler)
    app: Any = make_wsgi_app()
    server.set_app(app)
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    named = f"[{host}]" if ":" in host else host
    url = f"http://{named}:{server.server_port}/metrics"
    return PrometheusMetricReader(scope_info_enabled=False), url


# Prometheus' own server keeps a thread and a file for each connection that says nothing.


class _Handler(WSGIRequestHandler):
    timeout = 2.0
    """For how many seconds a client may say nothing."""

    def log_message(self, *_: object) -> None:
        """Write no line for each scrape."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_port = False  # some Pythons would let two processes have one port in turns

    def handle_error(self, *_: object) -> None:
        """Say nothing: a client broke off, or said nothing."""


class _ServerOfIPv6(_Server):
    address_family = socket.AF_INET6


def _metrics_to_collector() -> MetricReader:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415  as above
        OTLPMetricExporter,
    )

    collector = _Collector("metrics")

    class Metrics(OTLPMetricExporter):
        def export(self, *given: Any, **named: Any) -> MetricExportResult:  # noqa: ANN401  as it is
            result = super().export(*given, **named)
            collector.note(takes=result is MetricExportResult.SUCCESS)
            return result

    return PeriodicExportingMetricReader(Metrics())


def _spans_to_collector() -> SpanProcessor:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415  as above
        OTLPSpanExporter,
    )

    collector = _Collector("spans")

    class Spans(OTLPSpanExporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            result = super().export(spans)
            collector.note(takes=result is SpanExportResult.SUCCESS)
            return result

    return _OurSpans(Spans())


class _OurSpans(BatchSpanProcessor):
    """Sends the spans of ours alone: those of the SDK may hold what a client has written."""

    def on_end(self, span: ReadableSpan) -> None:
        """Keep a span, to send it with others."""
        scope = span.instrumentation_scope
        if scope is not None and scope.name == SCOPE:
            super().on_end(span)


class _Collector:
    """Says in the log when a collector is away and when it is back, but not where it is."""

    def __init__(self, signal: str) -> None:
        self._signal = signal
        self._takes = True

    def note(self, *, takes: bool) -> None:
        """Note whether it has taken what was sent."""
        if takes is not self._takes:
            how = "takes %s again" if takes else "doesn't take %s, so they are lost"
            _LOG.warning(f"The collector at OTEL_EXPORTER_OTLP_ENDPOINT {how}.", self._signal)
        self._takes = takes
