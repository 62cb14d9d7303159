"""What is measured of messages: middleware of the MCP server.

What a client invents, such as a method, is `OTHER`.
"""

import hashlib
import time
from collections.abc import Collection
from typing import Any, Final, NamedTuple

import mcp_types as types
from mcp.server import ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER
from mcp.shared.exceptions import MCPError
from mcp_types.version import KNOWN_PROTOCOL_VERSIONS
from opentelemetry.trace import get_current_span

from trax_mcp.api.caller import Caller
from trax_mcp.instruments import OPERATIONS, OTHER
from trax_mcp.server.request import CALLER

_METHODS: Final = frozenset(
    (
        *("completion/complete", "initialize", "logging/setLevel", "ping", "server/discover"),
        *("prompts/get", "prompts/list", "tools/call", "tools/list", "subscriptions/listen"),
        *("resources/list", "resources/read", "resources/templates/list"),
        *("resources/subscribe", "resources/unsubscribe"),
        *("notifications/cancelled", "notifications/initialized", "notifications/progress"),
        "notifications/roots/list_changed",
    )
)
_NAMED: Final = frozenset({"tools/call", "prompts/get"})


class McpRequest(NamedTuple):
    """A message of a client. `target` is the tool or prompt, one of ours or `_OTHER`."""

    method: str
    target: str | None
    protocol_version: str
    transport: str
    caller: str
    session: str | None


class MeasuredMessages:
    """Middleware inside of the SDK's own, which makes a span of each message.

    `names` are those of tools and prompts. Requests without a key are made by `default_caller`.
    """

    def __init__(self, names: Collection[str], default_caller: Caller) -> None:
        self._names = frozenset(names)
        self._default_caller = default_caller

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Measure a message, and describe its span."""
        began, error = time.perf_counter(), None
        request = self._describe(ctx)
        _describe_span(request)
        try:
            result = await call_next(ctx)
        except MCPError as failure:
            error = str(failure.error.code)
            raise
        except BaseException as failure:
            error = type(failure).__name__
            raise
        else:
            if _is_tool_error(result):
                error = "tool_error"  # as the SDK names it
            return result
        finally:
            _measure(request, time.perf_counter() - began, error)

    def _describe(self, ctx: ServerRequestContext[Any, Any]) -> McpRequest:
        target, session, caller = None, None, self._default_caller
        if ctx.method in _NAMED:
            name = (ctx.params or {}).get("name")
            target = name if isinstance(name, str) and name in self._names else OTHER
        if ctx.request is not None:
            session = ctx.request.headers.get(MCP_SESSION_ID_HEADER)
            found: Caller = ctx.request.scope[CALLER]
            caller = caller if found.key is None else found
        is_known = ctx.protocol_version in KNOWN_PROTOCOL_VERSIONS
        return McpRequest(
            ctx.method if ctx.method in _METHODS else OTHER,
            target,
            ctx.protocol_version if is_known else OTHER,
            "pipe" if ctx.request is None else "tcp",
            caller.owner,  # as in the audit log
            session and _hash(session),
        )


def _describe_span(request: McpRequest) -> None:
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


def _measure(request: McpRequest, seconds: float, error: str | None) -> None:
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
    OPERATIONS.record(seconds, labels)


def _is_tool_error(result: object) -> bool:
    match result:
        case types.CallToolResult(is_error=True) | {"isError": True}:
            return True
    return False


def _hash(session_id: str) -> str:
    """64 bits of SHA-256. An id is a secret of 122 random bits, so this reveals nothing of it."""
    return hashlib.sha256(session_id.encode()).hexdigest()[:16]
