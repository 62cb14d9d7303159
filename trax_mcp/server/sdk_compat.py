"""Workarounds for faults of the MCP Python SDK; all were seen in `mcp` 2.3.0.

Each says what the SDK does and what to watch upstream. `tests/server/test_sdk_compat.py` runs the
SDK without most of them, and fails when it no longer needs one.
"""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import anyio
import mcp_types as types
from mcp.server import Server, ServerRequestContext
from mcp.server.connection import Connection
from starlette.types import ASGIApp, Receive, Scope, Send

LifespanT = TypeVar("LifespanT")

# 1. Capabilities ---------------------------------------------------------------------------------


class ServerOfFixedLists(Server[LifespanT]):
    """A server that promises no list changes: clients would hold a stream open for them.

    Seen in 2.3.0: a server with `subscriptions/listen` declares `listChanged` for every list.
    Watch: python-sdk#3493.
    """

    def get_capabilities(self, *args: Any, **named: Any) -> types.ServerCapabilities:  # noqa: ANN401
        """The capabilities; the lists of this server never change."""
        capabilities = super().get_capabilities(*args, **named)
        for capability in (capabilities.tools, capabilities.prompts, capabilities.resources):
            if capability is not None:
                capability.list_changed = False
        return capabilities


# 2. The connection of a request -------------------------------------------------------------------


def connection_of(ctx: ServerRequestContext[Any, Any]) -> Connection:
    """The connection of a request: its state, and an exit stack that runs when the session ends.

    Seen in 2.3.0: `Connection` is public, but a low-level handler has no public way to its own.
    Watch: `ServerRequestContext`, which the SDK marks as provisional.
    """
    connection: Connection = ctx.session._connection  # noqa: SLF001  see above
    return connection


# 3. Calls in flight -------------------------------------------------------------------------------


class InFlight:
    """Calls and streams that are running, so that a shutdown can end and answer them.

    Seen in 2.3.0: when the session manager shuts down, calls over HTTP get no answer; those of the
    earlier protocol era also delay the shutdown by a second.
    Watch: a way to drain `StreamableHTTPSessionManager`.
    """

    def __init__(self) -> None:
        self._scopes: set[anyio.CancelScope] = set()
        self._calls = 0

    def calls_run(self) -> bool:
        """Whether a call runs. A stream isn't one."""
        return self._calls > 0

    @contextmanager
    def call(self) -> Iterator[None]:
        """Run a block that `end` cancels. The code after the block runs then, too."""
        self._calls += 1
        try:
            with self.stream():
                yield
        finally:
            self._calls -= 1

    @contextmanager
    def stream(self) -> Iterator[None]:
        """The same, for what would never end by itself."""
        with anyio.CancelScope() as scope, self.ending(scope):
            yield

    @contextmanager
    def ending(self, scope: anyio.CancelScope) -> Iterator[None]:
        """Let `end` cancel a scope that is around this block."""
        self._scopes.add(scope)
        try:
            yield
        finally:
            self._scopes.discard(scope)

    def end(self) -> None:
        """Cancel every tracked block."""
        for scope in tuple(self._scopes):
            scope.cancel()


# 4. Open streams ----------------------------------------------------------------------------------


class OpenStreams:
    """Callbacks for when a session of the earlier protocol era opens its GET stream.

    Seen in 2.3.0: a session learns neither that its stream broke nor that it is back, and updates
    between the two are lost.
    Watch: an event of `Connection` for its standalone stream.
    """

    def __init__(self) -> None:
        self._callbacks: dict[str, Callable[[], None]] = {}

    def opened(self, session_id: str) -> None:
        """Call the callback of this session, if it has one."""
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


# 5. Session ids in the log ------------------------------------------------------------------------

_SESSION_ID = re.compile(r"\b[0-9a-f]{32}\b")


def hide_session_ids() -> None:
    """Replace session ids in the SDK's log records.

    Seen in 2.3.0: the session manager logs whole ids, up to the level ERROR. An id is a secret.
    Watch: `mcp/server/streamable_http_manager.py`.
    """
    logging.getLogger("mcp.server.streamable_http_manager").addFilter(_hide_session_ids)


def _hide_session_ids(record: logging.LogRecord) -> bool:
    record.msg, record.args = _SESSION_ID.sub("...", record.getMessage()), None
    return True


# 6. Where a stream was left off -------------------------------------------------------------------


def ignore_last_event_id(app: ASGIApp) -> ASGIApp:
    """Open a stream as a new one, whatever event its client says it saw last.

    Seen in 2.3.0: without an event store, such a GET is not answered, which is HTTP 500. This
    server gives events no ids.
    Watch: `StreamableHTTPServerTransport._replay_events`.
    """

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = [it for it in scope["headers"] if it[0] != b"last-event-id"]
            scope = {**scope, "headers": headers}
        await app(scope, receive, send)

    return run
