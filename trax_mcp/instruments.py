"""What is measured, by OpenTelemetry's API, which does nothing until a process exports it.

The names are those of its conventions where there are some. Sources: semantic conventions for MCP,
HTTP and generative AI. What a stranger can invent, such as the name of a method, and what is a
secret never become labels.
"""

import time
import weakref
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from opentelemetry.metrics import CallbackOptions, Histogram, Observation, get_meter
from opentelemetry.trace import SpanKind, StatusCode, get_tracer

from trax_mcp import __version__

SCOPE: Final = "trax-mcp"
OTHER: Final = "_OTHER"
"""The label for all unknown names. Source: semantic conventions for HTTP."""
FAILED: Final = 400
"""The lowest HTTP status of an error."""

_METER: Final = get_meter(SCOPE, __version__)
TRACER: Final = get_tracer(SCOPE, __version__)
_OF_MCP: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
_OF_HTTP: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""The limits of the buckets that the conventions recommend, in seconds."""
_OF_SESSIONS: Final = (*_OF_MCP, 1800, 3600, 14400)
"""And longer: a session that nobody uses lasts half an hour."""
_OF_STOPS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 5, 10)
_T = TypeVar("_T")


def _histogram(name: str, description: str, limits: tuple[float, ...]) -> Histogram:
    return _METER.create_histogram(
        name, "s", description, explicit_bucket_boundaries_advisory=limits
    )


class _Gauge(Generic[_T]):
    """A number that is read, from any thread, whenever somebody looks."""

    def __init__(self, name: str, description: str) -> None:
        self._owner: Callable[[], Any] = lambda: None
        self._read: Callable[[Any], int] = int
        _METER.create_observable_gauge(name, [self._look], description=description)

    def watch(self, owner: _T, read: Callable[[_T], int]) -> None:
        """Read this object, as long as it lives."""
        self._owner, self._read = weakref.ref(owner), read

    def _look(self, _options: CallbackOptions) -> Iterable[Observation]:
        if (owner := self._owner()) is not None:
            yield Observation(self._read(owner))


OPERATIONS: Final = _histogram(
    "mcp.server.operation.duration", "How long messages of clients took", _OF_MCP
)
SESSIONS: Final = _histogram(
    "mcp.server.session.duration", "How long sessions of clients lasted", _OF_SESSIONS
)
HTTP_REQUESTS: Final = _histogram(
    "http.server.request.duration", "How long requests to this server took", _OF_HTTP
)
STOPS: Final = _histogram(
    "trax_mcp.stop.duration",
    "How long going offline took, from its approval until it was sent",
    _OF_STOPS,
)
DECISIONS: Final = _METER.create_counter(
    "trax_mcp.consent.decisions", "{decision}", "What was decided about guarded calls"
)
REFUSED: Final = _METER.create_counter(
    "trax_mcp.refused_requests", "{request}", "Requests that got an error's HTTP status"
)
ENGINE_UP: Final = _Gauge[Any](
    "trax_mcp.engine.up", "Whether the Valkey that replicas share answers"
)
OPEN_QUESTIONS: Final = _Gauge[Any](
    "trax_mcp.questions.open", "Questions in a panel or on the page that a call waits for"
)
WATCHERS: Final = _Gauge[Any](
    "trax_mcp.watchers", "Chats and stream statuses that are kept up to date"
)
_TO_TRAX: Final = _histogram(
    "http.client.request.duration", "How long requests to TRaX took", _OF_HTTP
)


class RequestToTrax:
    """A request to TRaX that begins: it is measured, and a span. `path` is that of the contract."""

    def __init__(self, method: str, path: str, host: str) -> None:
        self._labels: dict[str, str | int] = {
            "http.request.method": method,
            "url.template": path,
            "server.address": host,
        }
        self._span = TRACER.start_span(f"{method} {path}", kind=SpanKind.CLIENT)
        self._status = 0
        self._request_id: str | None = None
        self._began = time.perf_counter()

    def __enter__(self) -> Self:
        return self

    def note_answer(self, status: int, request_id: str) -> None:
        """Note the status and the request id of TRaX's answer."""
        self._status = self._labels["http.response.status_code"] = status
        self._request_id = request_id

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._status >= FAILED:
            self._labels["error.type"] = str(self._status)
        elif error is not None:  # errors of ours have a code
            self._labels["error.type"] = str(getattr(error, "code", type(error).__name__))
        _TO_TRAX.record(time.perf_counter() - self._began, self._labels)
        if self._span.is_recording():
            self._describe_span()
        self._span.end()

    def _describe_span(self) -> None:
        answered = {} if self._request_id is None else {"trax_mcp.request.id": self._request_id}
        self._span.set_attributes({**self._labels, **answered})  # all at once: each time costs
        if "error.type" in self._labels:
            self._span.set_status(StatusCode.ERROR)
