"""Workarounds for faults of the MCP Python SDK; all were seen in `mcp` 2.3.0.

Each says what the SDK does and what to watch upstream. `tests/server/test_sdk_compat.py` runs the
SDK without them, and fails when it no longer needs one.
"""

import json
import os
import re
import sys
from collections.abc import AsyncIterable, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, NoReturn, TypeVar

import anyio
import mcp_types as types
from anyio.abc import ObjectSendStream
from mcp.server import Server, ServerRequestContext
from mcp.server.connection import Connection
from mcp.server.context import CallNext, HandlerResult
from mcp.shared.message import SessionMessage
from mcp_types import SERVER_INFO_META_KEY
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

LifespanT = TypeVar("LifespanT")

# 1. Trace headers ---------------------------------------------------------------------------------

_TRACE_HEADERS: Final = ("traceparent", "tracestate", "baggage")


async def drop_unreadable_traces(
    ctx: ServerRequestContext[Any, Any], call_next: CallNext
) -> HandlerResult:
    """Middleware before the SDK's own, which fails a request over a trace header of a wrong type.

    Seen in 2.3.0: `extract_trace_context` catches only ValueError and TypeError.
    Watch: `mcp/shared/_otel.py`.
    """
    meta = ctx.meta or {}
    unreadable = {name for name in _TRACE_HEADERS if not isinstance(meta.get(name, ""), str)}
    if not unreadable:
        return await call_next(ctx)
    rest: Any = {name: value for name, value in meta.items() if name not in unreadable}
    return await call_next(replace(ctx, meta=rest))


# 2. What a server says of itself -----------------------------------------------------------------


def discover_handler(
    server: Server[Any],
) -> Callable[
    [ServerRequestContext[Any, Any], types.RequestParams], Awaitable[types.DiscoverResult]
]:
    """Handle `server/discover` without promising list changes; the lists of this server are fixed.

    Seen in 2.3.0: a server with `subscriptions/listen` declares `listChanged` for every list.
    Watch: python-sdk#3493.
    """

    async def discover(
        ctx: ServerRequestContext[Any, Any], _params: types.RequestParams
    ) -> types.DiscoverResult:
        capabilities = server.get_capabilities(protocol_version=ctx.protocol_version)
        for capability in (capabilities.tools, capabilities.prompts, capabilities.resources):
            if capability is not None:
                capability.list_changed = False
        info = server.server_info.model_dump(mode="json", by_alias=True, exclude_none=True)
        return types.DiscoverResult(
            supported_versions=list(MODERN_PROTOCOL_VERSIONS),
            capabilities=capabilities,
            instructions=server.instructions,
            _meta={SERVER_INFO_META_KEY: info},
        )

    return discover


class ServerWithIcon(Server[LifespanT]):
    """A server that sends its icon with the answer to `initialize` or `server/discover` only.

    Seen in 2.3.0: the server info, icons included, is in `_meta` of every result of the later era.
    Watch: `Server.server_info_stamp`.
    """

    @property
    def server_info_stamp(self) -> dict[str, Any]:
        """The server info without the icon."""
        return {name: it for name, it in super().server_info_stamp.items() if name != "icons"}


# 3. The connection of a request -------------------------------------------------------------------


def connection_of(ctx: ServerRequestContext[Any, Any]) -> Connection:
    """The connection of a request: its state, and an exit stack that runs when the session ends.

    Seen in 2.3.0: `Connection` is public, but a low-level handler has no public way to its own.
    Watch: `ServerRequestContext`, which the SDK marks as provisional.
    """
    connection: Connection = ctx.session._connection  # noqa: SLF001  see above
    return connection


# 4. Calls in flight -------------------------------------------------------------------------------


class InFlight:
    """Calls and streams that are running, so that a shutdown can end and answer them.

    Seen in 2.3.0: when the session manager shuts down, calls over HTTP get no answer; those of the
    earlier protocol era also delay the shutdown by a second.
    Watch: a way to drain `StreamableHTTPSessionManager`.
    """

    def __init__(self) -> None:
        self._scopes: set[anyio.CancelScope] = set()

    @contextmanager
    def track(self) -> Iterator[None]:
        """Run a block that `end` cancels. The code after the block runs then, too."""
        with anyio.CancelScope() as scope:
            self._scopes.add(scope)
            try:
                yield
            finally:
                self._scopes.discard(scope)

    def end(self) -> None:
        """Cancel every tracked block."""
        for scope in tuple(self._scopes):
            scope.cancel()


# 5. Open streams ----------------------------------------------------------------------------------


class OpenStreams:
    """Whom to tell that a session of the earlier protocol era has opened its GET stream.

    Seen in 2.3.0: a session learns neither that its stream broke nor that it is back, and updates
    between the two are lost.
    Watch: an event of `Connection` for its standalone stream.
    """

    def __init__(self) -> None:
        self._callbacks: dict[str, Callable[[], None]] = {}

    def opened(self, session_id: str) -> None:
        """Tell it."""
        if (callback := self._callbacks.get(session_id)) is not None:
            callback()

    @contextmanager
    def call_when_opened(self, session_id: str, callback: Callable[[], None]) -> Iterator[None]:
        """Call `callback` after each stream of this session that opens."""
        self._callbacks[session_id] = callback
        try:
            yield
        finally:
            del self._callbacks[session_id]


# 6. Unreadable lines on stdio ---------------------------------------------------------------------

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")  # cannot be encoded: it would end the server
_NEXT_STEP: Final = "Nothing was done. Send one JSON-RPC 2.0 message on each line."


async def answer_unreadable_lines(
    lines: AsyncIterable[SessionMessage | Exception],
    messages: ObjectSendStream[SessionMessage | Exception],
    answer: Callable[[SessionMessage], Awaitable[None]],
) -> None:
    """Pass on each message, and answer each line that is not a message.

    Seen in 2.3.0: the SDK leaves such a line without an answer, so its sender waits for ever.
    Watch: what `JSONRPCDispatcher` does with exceptions on its read stream.
    """
    async with messages:
        async for line in lines:
            if not isinstance(line, Exception):
                await messages.send(line)
            elif error := _unreadable_error(line):
                await answer(SessionMessage(error))


def _unreadable_error(reason: Exception) -> types.JSONRPCError | None:
    """The answer to a line that the SDK could not read, with nothing of the line but its id.

    Source: JSON-RPC 2.0, section 5.1: a parse error or an invalid request, with the request's id,
    or null where it cannot be read. A blank line is no message and gets no answer.
    """
    problem = reason.errors(include_url=False)[0] if isinstance(reason, ValidationError) else None
    if problem is None or problem["type"] != "json_invalid":
        message = _invalid_message(reason)
        return _jsonrpc_error(types.INVALID_REQUEST, "This is no JSON-RPC message.", message)
    line = str(problem["input"])
    if not line.strip():
        return None
    return _jsonrpc_error(types.PARSE_ERROR, f"{problem['msg']}.", _parse(line))


def _jsonrpc_error(code: int, description: str, message: object) -> types.JSONRPCError:
    error = types.ErrorData(code=code, message=f"{description} {_NEXT_STEP}")
    return types.JSONRPCError(jsonrpc="2.0", id=_request_id(message), error=error)


def _invalid_message(reason: Exception) -> object:
    """The whole message, which pydantic names as the input of the field that it misses."""
    problems = reason.errors(include_url=False) if isinstance(reason, ValidationError) else ()
    return next((it["input"] for it in problems if it["type"] == "missing"), None)


def _parse(line: str) -> object:
    """Python reads some lines that are not quite JSON, such as a lone surrogate."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _request_id(message: Any) -> types.RequestId | None:  # noqa: ANN401  any JSON
    """The id of a request. The id of a response is one of the server's own, so it is not used."""
    if not isinstance(message, dict) or "method" not in message:
        return None
    request_id = message.get("id")
    if isinstance(request_id, str):
        return None if _LONE_SURROGATE.search(request_id) else request_id
    return request_id if isinstance(request_id, int) and not isinstance(request_id, bool) else None


# 7. The end of a process --------------------------------------------------------------------------


def exit_process(code: int = 0) -> NoReturn:
    """End the process at once, whatever its threads do.

    asyncio waits for those that look a name up, and a name server may not answer.

    Seen in 2.3.0: the SDK reads stdin in a thread that cancellation does not end, so a process that
    got a signal stays until its client writes or hangs up.
    Watch: python-sdk#3551.
    """
    if sys.stderr is not None:
        sys.stderr.close()  # waits only a moment for its reader: see `QueuedStderr`
    os._exit(code)
