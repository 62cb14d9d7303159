"""Metrics and spans by OpenTelemetry, under the names of its conventions where there are some.

Sources: semantic conventions for MCP, HTTP and generative AI. What a stranger can invent, such as
the name of a method, never becomes a label.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final

import anyio
from opentelemetry.metrics import CallbackOptions, Histogram, Meter, Observation
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, get_current_span

from trax_mcp.telemetry import Gauge, McpRequest, NoteAnswer, Telemetry, Transport

_FLUSH_SECONDS: Final = 0.3
_FAILED: Final = 400
_OF_MCP: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
_OF_HTTP: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""The limits of the buckets that the conventions recommend, in seconds."""
_OF_SESSIONS: Final = (*_OF_MCP, 1800, 3600, 14400)
"""And longer: a session that nobody uses lasts half an hour."""
_OF_STOPS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 5, 10)
_GAUGES: Final[dict[Gauge, str]] = {
    "trax_mcp.engine.up": "Whether the engine that replicas share answers",
    "trax_mcp.questions.open": "Questions in a panel or on the page that a call waits for",
    "trax_mcp.watchers": "Chats and stream statuses that are kept up to date",
}


class OpenTelemetry(Telemetry):
    """Measures with a meter and a tracer. `trax_host` is where TRaX is.

    `send_rest` sends what was measured and is not sent yet; it may take long, or hang.
    `metrics_url` is where Prometheus finds the metrics.
    """

    is_on = True

    def __init__(
        self,
        meter: Meter,
        tracer: Tracer,
        *,
        trax_host: str,
        send_rest: Callable[[], None],
        metrics_url: str | None = None,
    ) -> None:
        def histogram(name: str, description: str, limits: tuple[float, ...]) -> Histogram:
            return meter.create_histogram(
                name, "s", description, explicit_bucket_boundaries_advisory=limits
            )

        self._meter = meter
        self._tracer = tracer
        self._trax_host = trax_host
        self._send_rest = send_rest
        self.metrics_url = metrics_url
        self._operations = histogram(
            "mcp.server.operation.duration", "How long messages of clients took", _OF_MCP
        )
        self._sessions = histogram(
            "mcp.server.session.duration", "How long sessions of clients lasted", _OF_SESSIONS
        )
        self._http_requests = histogram(
            "http.server.request.duration", "How long requests to this server took", _OF_HTTP
        )
        self._to_trax = histogram(
            "http.client.request.duration", "How long requests to TRaX took", _OF_HTTP
        )
        self._stops = histogram(
            "trax_mcp.stop.duration",
            "How long stops took from their yes to their sending",
            _OF_STOPS,
        )
        self._decisions = meter.create_counter(
            "trax_mcp.consent.decisions", "{decision}", "What was decided about guarded calls"
        )
        self._refused = meter.create_counter(
            "trax_mcp.refused_requests", "{request}", "Requests that got an error's HTTP status"
        )

    def describe_span(self, request: McpRequest) -> None:
        """Add to the SDK's span what it lacks, and replace what the client has invented."""
        span, target = get_current_span(), request.target
        if not span.is_recording():
            return
        span.update_name(f"{request.method} {target}" if target else request.method)
        attributes = {
            "mcp.method.name": request.method,
            "network.transport": request.transport,
            "enduser.pseudo.id": request.caller,
        }
        if target is not None:
            is_tool = request.method == "tools/call"
            attributes["gen_ai.tool.name" if is_tool else "gen_ai.prompt.name"] = target
        if request.session is not None:
            attributes["mcp.session.id"] = request.session
        span.set_attributes(attributes)  # all at once: each time costs

    def measure_operation(self, request: McpRequest, seconds: float, error: str | None) -> None:
        """Measure how long a message of a client took."""
        labels = {
            "mcp.method.name": request.method,
            "mcp.protocol.version": request.protocol_version,
            "network.transport": request.transport,
        }
        if request.target is not None:
            is_tool = request.method == "tools/call"
            labels["gen_ai.tool.name" if is_tool else "gen_ai.prompt.name"] = request.target
        if error is not None:
            labels["error.type"] = error
        self._operations.record(seconds, labels)

    def measure_session(self, seconds: float, transport: Transport) -> None:
        """Measure how long a client's session lasted, as it ends."""
        self._sessions.record(seconds, {"network.transport": transport})

    def measure_http(self, method: str, route: str, status: int | None, seconds: float) -> None:
        """Measure a request to this server."""
        labels: dict[str, str | int] = {"http.request.method": method, "http.route": route}
        if status is not None:
            labels["http.response.status_code"] = status
        self._http_requests.record(seconds, labels)
        if status is not None and status >= _FAILED:
            self._refused.add(1, {"http.response.status_code": status})

    def request_to_trax(self, method: str, path: str) -> AbstractContextManager[NoteAnswer]:
        """Measure a request to TRaX, and make a span of it."""
        labels: dict[str, str | int] = {
            "http.request.method": method,
            "url.template": path,
            "server.address": self._trax_host,
        }
        span = self._tracer.start_span(f"{method} {path}", kind=SpanKind.CLIENT, attributes=labels)
        return _RequestToTrax(self._to_trax, span, labels)

    def count_decision(
        self, tool: str, verdict: str, channel: str | None, *, reason: str | None, by_wish: bool
    ) -> None:
        """Count what was decided about a guarded call."""
        labels = {
            "gen_ai.tool.name": tool,
            "verdict": verdict,
            "channel": channel or "none",
            "reason": reason or "none",
            "asked_by": "caller" if by_wish else "server",
        }
        self._decisions.add(1, labels)

    def measure_stop(self, seconds: float) -> None:
        """Measure how long a stop took from its yes until it was sent."""
        self._stops.record(seconds)

    def observe(self, gauge: Gauge, read: Callable[[], int]) -> None:
        """Let `read` answer whenever somebody looks."""

        def look(_options: CallbackOptions) -> Iterable[Observation]:
            yield Observation(read())

        self._meter.create_observable_gauge(gauge, [look], description=_GAUGES[gauge])

    async def flush(self) -> None:
        """Send the rest, in a thread that nobody waits for if it takes longer."""
        with anyio.move_on_after(_FLUSH_SECONDS):
            await anyio.to_thread.run_sync(self._send_rest, abandon_on_cancel=True)


class _RequestToTrax:
    """A request to TRaX that is under way."""

    def __init__(self, histogram: Histogram, span: Span, labels: dict[str, str | int]) -> None:
        self._histogram = histogram
        self._span = span
        self._labels = labels
        self._status: int | None = None
        self._began = time.perf_counter()

    def __enter__(self) -> NoteAnswer:
        return self._note_answer

    def _note_answer(self, status: int, request_id: str) -> None:
        self._status = self._labels["http.response.status_code"] = status
        self._span.set_attributes(
            {"http.response.status_code": status, "trax_mcp.request.id": request_id}
        )

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        failure = None
        if self._status is not None and self._status >= _FAILED:
            failure = str(self._status)
        elif error is not None:  # errors of ours have a code
            failure = str(getattr(error, "code", type(error).__name__))
        if failure is not None:
            self._labels["error.type"] = failure
            self._span.set_attribute("error.type", failure)
            self._span.set_status(Status(StatusCode.ERROR))
        self._histogram.record(time.perf_counter() - self._began, self._labels)
        self._span.end()
