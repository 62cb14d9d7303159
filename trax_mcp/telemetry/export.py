"""Where measurements go: a port for Prometheus, and a collector that is spoken to by OTLP/HTTP.

The exporters read the rest from the standard variables `OTEL_EXPORTER_OTLP_...`, and the SDK from
`OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER` and so on. Nothing is ever written to stdout.
"""

import logging
import os
from collections.abc import Collection, Sequence
from threading import Thread
from typing import Any, Final
from uuid import uuid4

import anyio
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
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import (
    ProxyTracerProvider,
    SpanContext,
    Status,
    get_tracer_provider,
    set_tracer_provider,
)

from trax_mcp import __version__
from trax_mcp.instruments import SCOPE

_FLUSH_SECONDS: Final = 0.3
_ATTRIBUTES: Final = frozenset(
    (
        *("mcp.method.name", "mcp.protocol.version", "mcp.session.id", "network.transport"),
        *("gen_ai.operation.name", "gen_ai.tool.name", "gen_ai.prompt.name", "enduser.pseudo.id"),
        *("error.type", "rpc.response.status_code", "http.request.method", "url.template"),
        *("http.response.status_code", "server.address", "trax_mcp.request.id"),
    )
)
"""What a span may say. Others may hold what a client has sent."""
_QUIET: Final = "urllib3"  # as the exporters do, it logs whole addresses, which may hold a secret
_LOG: Final = logging.getLogger(__name__)


class Export:
    """What is exported. `metrics_url` is where Prometheus finds the metrics, if anywhere."""

    def __init__(
        self, *providers: TracerProvider | MeterProvider, metrics_url: str | None = None
    ) -> None:
        self._providers = providers
        self.metrics_url = metrics_url

    async def flush(self) -> None:
        """Send the rest, in a thread that nobody waits for if it takes longer."""
        with anyio.move_on_after(_FLUSH_SECONDS):
            await anyio.to_thread.run_sync(self._send_rest, abandon_on_cancel=True)

    def _send_rest(self) -> None:
        """Both at once: one that hangs must not cost the other its moment."""
        threads = [Thread(target=it.force_flush, daemon=True) for it in self._providers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def export(*, address: tuple[str, int] | None, signals: Collection[str]) -> Export:
    """Begin to export what this process measures.

    `address` is where the port for Prometheus is to be; `signals` are sent to a collector:
    "traces", "metrics".

    Raises:
        OSError: the port cannot be opened.
        ValueError: a standard variable is wrong.
    """
    logging.getLogger(_QUIET).setLevel(logging.CRITICAL)
    ours = {"service.version": __version__, "service.instance.id": str(uuid4())}
    resource = Resource.create({"service.name": SCOPE, **ours})
    resource = resource.merge(OTELResourceDetector().detect())  # what the operator says counts more
    readers: list[MetricReader] = []
    url = None
    if address is not None:
        reader, url = _open_port(*address)
        readers.append(reader)
    if "metrics" in signals:
        readers.append(_metrics_to_collector())
    # Exemplars cost in each call, and Prometheus is shown none.
    exemplars = None if OTEL_METRICS_EXEMPLAR_FILTER in os.environ else AlwaysOffExemplarFilter()
    providers: list[TracerProvider | MeterProvider] = []
    if readers:
        meters = MeterProvider(readers, resource, shutdown_on_exit=False, exemplar_filter=exemplars)
        set_meter_provider(meters)
        providers.append(meters)
    # Else somebody traces this process already, as `opentelemetry-instrument` does.
    if "traces" in signals and isinstance(get_tracer_provider(), ProxyTracerProvider):
        traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        traces.add_span_processor(_spans_to_collector())
        set_tracer_provider(traces)
        providers.append(traces)
    return Export(*providers, metrics_url=url)


# Each is imported only where it is used: that of a collector brings an HTTP client.


def _open_port(host: str, port: int) -> tuple[MetricReader, str]:
    """Open the port for Prometheus. Returns its address too."""
    from opentelemetry.exporter.prometheus import PrometheusMetricReader  # noqa: PLC0415  as above

    from trax_mcp.telemetry.metrics_port import open_metrics_port  # noqa: PLC0415  as above

    url = open_metrics_port(host, port)
    return PrometheusMetricReader(scope_info_enabled=False), url


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

    return BatchSpanProcessor(_PlainSpans(OTLPSpanExporter()))


class _Collector:
    """Says in the log when a collector is away and when it is back, but not where it is."""

    def __init__(self, signal: str) -> None:
        self._signal = signal
        self._takes = True

    def note(self, *, takes: bool) -> None:
        """Note whether it has taken what was sent."""
        if takes is not self._takes:
            how = "takes %s again" if takes else "does not take %s, and those are lost"
            _LOG.warning(f"The collector at OTEL_EXPORTER_OTLP_ENDPOINT {how}.", self._signal)
        self._takes = takes


class _PlainSpans(SpanExporter):
    """Exports spans without anything that a client, a streamer or a viewer may have written."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._collector = _Collector("spans")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export them."""
        result = self._exporter.export([_plain(it) for it in spans])
        self._collector.note(takes=result is SpanExportResult.SUCCESS)
        return result

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
    if context is None or not context.trace_state:
        return context
    return SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags)
