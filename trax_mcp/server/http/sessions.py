"""ASGI middleware that limits the sessions of the earlier protocol era by `SessionTable`.

A client whose session has ended gets 404 and opens a new one. Source: MCP 2025-11-25, Transports,
"Session Management".
"""

import logging
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import anyio
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import TraxError
from trax_mcp.api.operations import ListStudios
from trax_mcp.server.app import Service
from trax_mcp.server.http.auth_middleware import CALLER
from trax_mcp.server.http.session_table import Session, SessionTable

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

_LOG: Final = logging.getLogger(__name__)


class Sessions:
    """Records in the table which sessions are opened, used and ended. Ends those it removes.

    `path` is the MCP endpoint of `app`.
    """

    def __init__(self, app: ASGIApp, *, path: str, client: Client, deps: Service) -> None:
        self._app = app
        self._path = path
        self._client = client
        self._clock = deps.clock
        self._in_flight = deps.in_flight
        self._readiness = deps.readiness
        self._table = SessionTable(client.accepted_keys)
        self._tasks: TaskGroup

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run a request, or the lifespan of the app."""
        if scope["type"] == "lifespan":
            await self._run_lifespan(scope, receive, send)
            return
        session_id = Headers(scope=scope).get(MCP_SESSION_ID_HEADER)
        if session_id is None:
            await self._open(scope, receive, send)
        elif session := self._table.find(session_id, scope[CALLER]):
            await self._use(session, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _run_lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._readiness.needs("the lifespan of the server"):
            async with anyio.create_task_group() as self._tasks:
                self._tasks.start_soon(self._end_idle_sessions)
                await self._app(scope, receive, send)
                self._tasks.cancel_scope.cancel()

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run a request without a session, and add the session that it opens, if it does."""
        opened: Session | None = None
        answered = False

        async def add_and_send(message: Message) -> None:
            nonlocal opened
            if (session_id := _opened_session(message)) is not None:
                opened = await self._add(session_id, scope)
            await send(message)

        try:
            await self._app(scope, receive, add_and_send)
            answered = True
        finally:
            if opened is not None and answered:
                self._finish_request(opened)
            elif opened is not None:
                self._table.remove(opened)  # the SDK ends it too

    async def _add(self, session_id: str, scope: Scope) -> Session:
        caller: Caller = scope[CALLER]
        if caller.key is not None and self._table.is_full(caller):
            await self._try_key(caller)
        session = Session(session_id, caller, self._clock.seconds(), scope.get("user"), requests=1)
        for ended in self._table.add(session):
            # Not in the request's task: that can be cancelled.
            self._tasks.start_soon(self._end, ended)
        return session

    async def _try_key(self, caller: Caller) -> None:
        """Make one call, so that the client learns whether TRaX accepts the key."""
        if self._client.accepted_keys.has(caller):
            return
        with self._in_flight.track(), suppress(TraxError):
            await self._client.send(ListStudios(limit=1), caller, retry=False)

    async def _use(self, session: Session, scope: Scope, receive: Receive, send: Send) -> None:
        """Run a request of a session."""

        async def record_end_and_send(message: Message) -> None:
            if scope["method"] == "DELETE" and message.get("status") == HTTPStatus.OK:
                self._table.remove(session)
            await send(message)

        session.requests += 1
        session.last_used = self._clock.seconds()
        try:
            await self._app(scope, receive, record_end_and_send)
        finally:
            self._finish_request(session)

    def _finish_request(self, session: Session) -> None:
        session.requests -= 1
        session.last_used = self._clock.seconds()

    async def _end_idle_sessions(self) -> None:
        while True:
            for session in self._table.remove_idle(self._clock.seconds()):
                await self._end(session)
            now = self._clock.seconds()
            await self._clock.sleep(self._table.seconds_to_next_end(now))

    async def _end(self, session: Session) -> None:
        """End a session as its client would: with DELETE."""
        headers = [(MCP_SESSION_ID_HEADER.encode(), session.id.encode()), (b"host", b"localhost")]
        scope: Scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "DELETE",
            "path": self._path,
            "query_string": b"",
            "headers": headers,
            **({} if session.user is None else {"user": session.user}),
        }
        try:
            await self._app(scope, _receive_nothing, _send_nothing)
        except Exception:  # noqa: BLE001  a failure of one session must not end the server
            _LOG.exception("a session could not be ended")


def _opened_session(message: Message) -> str | None:
    """The id of the session that a response opens. The SDK names one in errors too."""
    if message["type"] != "http.response.start" or message["status"] >= HTTPStatus.BAD_REQUEST:
        return None
    return Headers(raw=message["headers"]).get(MCP_SESSION_ID_HEADER)


async def _receive_nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send_nothing(_message: Message) -> None:
    pass
