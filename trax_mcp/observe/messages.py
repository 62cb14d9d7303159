"""What is written down of a message of a client: a line of the log, a metric, and a span.

It holds no argument and nothing of an answer. In metrics and spans, what a client invents, such as
a method, is `_OTHER`.
"""

import hashlib
import logging
import time
from collections.abc import Mapping
from typing import Any, Final

import mcp_types as types
from mcp.server import Server, ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER
from mcp.shared.exceptions import MCPError
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import (
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    format_trace_id,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pydantic import ValidationError

from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.responses import Response
from trax_mcp.chat.watchers import Watchers
from trax_mcp.instruments import OPERATIONS, OTHER, TRACER
from trax_mcp.observe.logs import CURRENT_IDS, RequestIds
from trax_mcp.observe.requests import IDS
from trax_mcp.server.app import Service
from trax_mcp.server.request import caller_of

_CALL: Final = "tools/call"
_METHODS: Final = frozenset(
    (
        *("completion/complete", "initialize", "logging/setLevel", "ping", "server/discover"),
        *("prompts/get", "prompts/list", _CALL, "tools/list", "subscriptions/listen"),
        *("resources/list", "resources/read", "resources/templates/list"),
        *("resources/subscribe", "resources/unsubscribe"),
        *("notifications/cancelled", "notifications/initialized", "notifications/progress"),
        "notifications/roots/list_changed",
    )
)
_NAMED: Final = {_CALL: "gen_ai.tool.name", "prompts/get": "gen_ai.prompt.name"}
"""The methods that name a tool or a prompt, and the label for it."""
_METHOD: Final = "mcp.method.name"
_ERROR: Final = "error.type"
_SESSION: Final = MCP_SESSION_ID_HEADER
_TRACEPARENT: Final = "traceparent"
_W3C: Final = TraceContextTextMapPropagator()

_LOG: Final = logging.getLogger(__name__)


def observed_server(service: Service, local: Caller = ANONYMOUS) -> Server[Watchers]:
    """The server of a service, all of whose messages are observed."""
    service.client.observe(_record_answer)
    return service.server(local, Messages(service, local))


class Messages:
    """Middleware of the SDK. Who calls over another transport than HTTP is `local`."""

    def __init__(self, service: Service, local: Caller) -> None:
        self._names = service.names
        self._local = local

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Answer a message, and write down what came of it."""
        began, labels = time.perf_counter(), self._labels(ctx)
        span = self._begin_span(ctx, labels)
        _resume_ids(ctx, span.get_span_context())
        outside = attach(set_span_in_context(span))
        outcome, error = "cancelled", None
        try:
            result = await call_next(ctx)
            outcome, error = outcome_of(result), _tool_error(result)
        except Exception as failure:
            outcome = error = _code_of(failure)
            raise
        except BaseException as failure:
            error = type(failure).__name__
            raise
        else:
            return result
        finally:
            detach(outside)
            seconds = time.perf_counter() - began
            if error is not None:
                labels[_ERROR] = error
                span.set_attribute(_ERROR, error)
                span.set_status(StatusCode.ERROR)
            span.end()
            OPERATIONS.record(seconds, labels)
            self._write(ctx, outcome, seconds)

    def _labels(self, ctx: ServerRequestContext[Any, Any]) -> dict[str, str]:
        is_known = ctx.protocol_version in KNOWN_PROTOCOL_VERSIONS
        labels = {
            _METHOD: ctx.method if ctx.method in _METHODS else OTHER,
            "mcp.protocol.version": ctx.protocol_version if is_known else OTHER,
            "network.transport": "pipe" if ctx.request is None else "tcp",
        }
        if ctx.method in _NAMED:
            labels[_NAMED[ctx.method]] = self._known_name(ctx) or OTHER
        return labels

    def _known_name(self, ctx: ServerRequestContext[Any, Any]) -> str | None:
        """The tool or prompt that a message names, if there is one: another could be any text."""
        name = (ctx.params or {}).get("name")
        return name if isinstance(name, str) and name in self._names else None

    def _caller(self, ctx: ServerRequestContext[Any, Any]) -> str:
        """The caller's `owner`, as in the audit log."""
        return caller_of(ctx, self._local).owner

    def _begin_span(self, ctx: ServerRequestContext[Any, Any], labels: Mapping[str, str]) -> Span:
        """Begin a span, below that of the client if the message names one."""
        target = labels.get(_NAMED.get(ctx.method, ""))
        name = f"{labels[_METHOD]} {target}" if target else labels[_METHOD]
        parent = _parent((ctx.meta or {}).get(_TRACEPARENT))
        span = TRACER.start_span(name, parent, SpanKind.SERVER)
        if span.is_recording():
            more = {"enduser.pseudo.id": self._caller(ctx)}
            if ctx.method == _CALL:
                more["gen_ai.operation.name"] = "execute_tool"
            if ctx.request is not None and (session := ctx.request.headers.get(_SESSION)):
                more["mcp.session.id"] = _hash(session)
            span.set_attributes({**labels, **more})  # all at once: each time costs
        return span

    def _write(self, ctx: ServerRequestContext[Any, Any], outcome: str, seconds: float) -> None:
        """Write the line. Requests that call no tool are for DEBUG, and notifications have none."""
        level = logging.INFO if ctx.method == _CALL else logging.DEBUG
        if ctx.request_id is None or not _LOG.isEnabledFor(level):
            return
        tool = self._known_name(ctx) if ctx.method == _CALL else None
        ids, milliseconds = CURRENT_IDS.get(), round(1000 * seconds, 1)
        facts = {
            "method": ctx.method,
            "tool": tool,
            "outcome": outcome,
            "milliseconds": milliseconds,
            "transport": "stdio" if ctx.request is None else "http",
            "enduser.pseudo.id": self._caller(ctx),
            "trax_request_id": ids and ids.trax_request_id,
        }
        what = f"{ctx.method} {tool}" if tool else ctx.method
        _LOG.log(level, "%s: %s in %s ms", what, outcome, milliseconds, extra={"facts": facts})


def outcome_of(result: HandlerResult) -> str:
    """What came of a request, in a word: `ok`, why a call did not run, or the code of its error.

    The SDK gives middleware the result as it is sent.
    """
    match result:
        case {"resultType": "input_required"}:
            return "input_required"
        case {"structuredContent": {"executed": False, "status": str(status)}}:
            return status
        case {"isError": True, "structuredContent": {"error": {"code": str(code)}}}:
            return code
        case {"isError": True}:
            return "error"
    return "ok"


def _tool_error(result: HandlerResult) -> str | None:
    """The type of the error of a call that failed: one for all, as the conventions have it."""
    match result:
        case {"isError": True}:
            return "tool_error"
    return None


def _code_of(error: Exception) -> str:
    """The code of the JSON-RPC error that the client gets."""
    if isinstance(error, MCPError):
        return str(error.error.code)
    is_malformed = isinstance(error, ValidationError)
    return str(types.INVALID_PARAMS if is_malformed else types.INTERNAL_ERROR)


def _parent(traceparent: object) -> Context | None:
    """The context of a span of the client. None if it names none, or not as W3C has it."""
    if not isinstance(traceparent, str):
        return None
    found = _W3C.extract({_TRACEPARENT: traceparent}, Context())
    return found if get_current_span(found).get_span_context().is_valid else None


def _resume_ids(ctx: ServerRequestContext[Any, Any], span: SpanContext) -> None:
    """Make the ids of the request the current ones.

    A session of the earlier era answers in a task of its own, which began with another request.
    """
    ids = RequestIds() if ctx.request is None else ctx.request.scope[IDS]
    if not span.is_valid and ctx.request is not None:
        given = _parent(ctx.request.headers.get(_TRACEPARENT))
        span = get_current_span(given).get_span_context() if given else span
    ids.trace_id = format_trace_id(span.trace_id) if span.is_valid else None
    CURRENT_IDS.set(ids)


def _record_answer(
    _operation: Operation[Model], _caller: Caller, result: Response[Model] | TraxError | None
) -> None:
    """Note TRaX's answer to a call that the current request has made."""
    if result is not None and result.request_id and (ids := CURRENT_IDS.get()) is not None:
        ids.trax_request_id = result.request_id


def _hash(session_id: str) -> str:
    """64 bits of SHA-256. An id is a secret of 122 random bits, so this reveals nothing of it."""
    return hashlib.sha256(session_id.encode()).hexdigest()[:16]
