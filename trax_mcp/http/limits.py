"""ASGI middleware: no caller uses up what all share, in bodies, requests in flight and sessions.

Each key that TRaX has accepted has room of its own; all other callers share one. Where a room is
full, a stream or an unfinished request ends for whoever comes next: the oldest of the caller who
has most there. With an accepted key, a call that waits for a person and a stop end for nobody.
"""

import logging
import math
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from http import HTTPStatus
from itertools import count
from typing import Final

import anyio
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trax_mcp.actions import OPERATIONS
from trax_mcp.api.accepted_keys import SharedKeys
from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.http.door import Tokens, bearer_token, refuse
from trax_mcp.http.refusals import answer_to
from trax_mcp.http.sessions import Session, Sessions
from trax_mcp.http.turns import Turn, Turns
from trax_mcp.open_files import max_open_files
from trax_mcp.server import panel
from trax_mcp.server.app import Service
from trax_mcp.server.request import CALLER
from trax_mcp.sign_in import SignInUnavailable

BODY_SECONDS: Final = 10.0
BODY_BYTES: Final = 64 * 1024
"""The largest body. While one is parsed, no stop is sent. The longest call in earnest has 12 kB."""
FORM_BYTES: Final = 16 * 1024
"""The largest body for an address that needs no caller, such as the pages of signing in."""
REQUESTS: Final = 600
"""The most requests in flight of a key that TRaX has accepted. An open stream is one."""
SHARED_REQUESTS: Final = 400
"""The most of all other callers together."""
ALL_REQUESTS: Final = 4096
"""The most of all callers, or a third of the files that may be open: calls to TRaX take another."""
CHECK_SECONDS: Final = 30.0
"""How long a stream can outlive its sign-in."""
_EXCHANGE_SECONDS: Final = 2.0
"""How late replicas know of a key that TRaX has accepted or refused at another."""

NEEDED_FOR_OTHERS: Final = 32
"""So many calls of a key that wait for a person, or stop, end for nobody else either."""

_STOPS: Final = (
    *(f'"{it.tool_name}"'.encode() for it in OPERATIONS if it.stops_broadcast),
    f'"{panel.TOOL_NAME}"'.encode(),
)
"""The names of stops, and of the tool that brings what a person has answered in a panel."""
_STOP_BYTES: Final = 4 * 1024
"""The largest body of a stop. A larger one that names a stop is none, or takes its turn."""
_QUESTION: Final = b'"elicitation/create"'
_LISTEN: Final = "subscriptions/listen"

_LATE: Final = refuse(
    HTTPStatus.REQUEST_TIMEOUT,
    f"The request was not complete within {BODY_SECONDS:g} s. Nothing was done. Send it again.",
)
_TOO_LARGE: Final = refuse(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    f"A request has at most {BODY_BYTES // 1024} KiB. Nothing was done.",
)
_STOPPING: Final = refuse(
    HTTPStatus.SERVICE_UNAVAILABLE, "The server is stopping. Nothing was done. Try again later."
)
_FULL: Final = refuse(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Too many requests with this key wait for a person or for TRaX. Nothing was done. Try again in"
    " a moment.",
)
_NO_SESSION: Final = "Too many sessions are open and in use, so none was opened"
_ENDED_FOR_OTHERS: Final = (
    "This request was ended for others: too many came at once with this key, or without a key that"
    " TRaX has accepted here"
)
_SIGN_IN_ENDED: Final = refuse(
    HTTPStatus.UNAUTHORIZED, "This sign-in has ended while the call ran."
)

_LOG: Final = logging.getLogger(__name__)


class _Use(IntEnum):
    """How much an end of this request would cost. The smallest ends first."""

    IDLE = 0  # an open stream, or a body that has not arrived
    RUNNING = 1
    NEEDED = 2  # it waits for a person, or stops a broadcast


@dataclass(eq=False, slots=True)
class _Request:
    """A request in flight. `refusal` is the response if none has begun when it ends.

    `body` is there once it was read, but not of a stream. `answer` is the response to it.
    """

    number: int
    caller: Caller
    headers: Headers = field(repr=False)
    is_get: bool
    token: str | None = field(repr=False)
    use: _Use = _Use.IDLE
    body: bytes = field(default=b"", repr=False)
    session: Session | None = None
    refusal: ASGIApp | None = None
    answer: bytes = field(default=b"", repr=False)
    turn: Turn | None = None
    started: bool = False
    has_events: bool = False
    complete: bool = False
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)

    def end(self, refusal: ASGIApp) -> None:
        """Cancel it, so that `finish` answers with this refusal if no response has begun."""
        self.refusal = refusal
        self.scope.cancel()

    def end_for_load(self, happened: str) -> None:
        """The same, with an answer if its body was read: few libraries read an error of HTTP."""
        is_modern = self.headers.get("mcp-protocol-version") in MODERN_PROTOCOL_VERSIONS
        self.answer = answer_to(self.body, happened, modern=is_modern)
        message = f"{happened}. Try again in a moment."
        self.end(
            Response(self.answer, media_type="application/json")
            if self.answer
            else refuse(HTTPStatus.SERVICE_UNAVAILABLE, message)
        )

    async def finish(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Complete a response that was cut short, so that its connection can be used again."""
        if self.started and not self.complete:
            is_event = self.answer and self.has_events
            event = b"event: message\r\ndata: %b\r\n\r\n" % self.answer if is_event else b""
            await send({"type": "http.response.body", "body": event})
        elif not self.started and self.refusal is not None:
            await self.refusal(scope, receive, send)


_Group = dict[_Request, None]
"""The requests of one key, the oldest first."""


class Limits:
    """Middleware. Ends also what belongs to a sign-in that has ended."""

    def __init__(self, app: ASGIApp, service: Service, *, tokens: Tokens | None = None) -> None:
        self._app = app
        self._keys = service.client.accepted_keys
        self._service = service
        self._tokens = tokens
        self._sessions = Sessions(app, service.client, service.clock)
        self._turns = Turns()
        self._numbers = count()
        self._requests: dict[str, _Group] = {}
        self._most_requests = min(ALL_REQUESTS, max_open_files() // 3)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._run_lifespan(scope, receive, send)
        elif scope["type"] == "http":
            await self._run(scope, receive, send)

    async def _run_lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as self._sessions.tasks:
            self._sessions.tasks.start_soon(self._check_regularly)
            if (shared := self._service.deployment.shared_keys) is not None:
                await shared.exchange(self._keys)  # before the first request
                self._sessions.tasks.start_soon(self._exchange_regularly, shared)
            await self._app(scope, receive, send)
            self._sessions.forget_all()
            self._sessions.tasks.cancel_scope.cancel()

    async def _exchange_regularly(self, shared: SharedKeys) -> None:
        while True:
            await self._service.clock.sleep(_EXCHANGE_SECONDS)
            await shared.exchange(self._keys)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = self._request(scope)

        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._note_start(request, scope, message)
            else:
                request.complete = not message.get("more_body", False)
                if request.turn is not None:
                    request.turn.end()
                if _QUESTION in message.get("body", b""):
                    request.use = _Use.NEEDED
            await send(message)

        if not self._make_room(request.caller):
            await _FULL(scope, receive, send)
            return
        with self._in_flight(request), request.scope:
            await self._receive_and_run(request, scope, receive, send_and_note)
        if anyio.current_time() >= request.scope.deadline:
            request.refusal = _LATE
        await request.finish(scope, receive, send)

    def _request(self, scope: Scope) -> _Request:
        headers = Headers(scope=scope)
        return _Request(
            next(self._numbers),
            scope.get(CALLER, ANONYMOUS),
            headers,
            is_get=scope["method"] == "GET",
            token=bearer_token(headers) if self._tokens is not None else None,
        )

    async def _receive_and_run(
        self, request: _Request, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Run a request when its body is here. A client that disconnects earlier gets no answer."""
        message = await self._receive_body(request, scope, receive)
        if message is None or message["type"] == "http.disconnect":
            return
        receive, body = _replay(message, receive), message["body"]
        if request.is_get:
            with self._service.in_flight.ending(request.scope):
                await self._app(scope, receive, send)
            return
        if is_stop(body):
            request.use, request.body = _Use.NEEDED, body
            await self._app(scope, receive, send)
            return
        if request.headers.get("mcp-method") != _LISTEN:
            request.use, request.body = _Use.RUNNING, body
        async with self._turns.take(self._keys.limit_name(request.caller), scope) as request.turn:
            await self._app(scope, receive, send)

    async def _receive_body(
        self, request: _Request, scope: Scope, receive: Receive
    ) -> Message | None:
        most = BODY_BYTES if CALLER in scope else FORM_BYTES
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > most:
            request.refusal = _TOO_LARGE
            return None
        request.refusal = _STOPPING
        request.scope.deadline = anyio.current_time() + BODY_SECONDS
        with self._service.in_flight.ending(request.scope):
            message = await _whole_body(receive, most)
        request.scope.deadline = math.inf
        request.refusal = _TOO_LARGE if message is None else None
        return message

    async def _note_start(self, request: _Request, scope: Scope, start: Message) -> None:
        """Note what a response opens or ends. Errors name sessions too."""
        session = request.session
        if start["status"] >= HTTPStatus.BAD_REQUEST:
            pass
        elif session is None:
            if (opened := Headers(raw=start["headers"]).get(MCP_SESSION_ID_HEADER)) is not None:
                await self._open_session(opened, request, scope)
        elif scope["method"] == "DELETE":
            self._sessions.remove(session)
        elif request.is_get:
            self._service.open_streams.opened(session.id)
        request.started = True
        kind = Headers(raw=start["headers"]).get("content-type", "")
        request.has_events = kind.startswith("text/event-stream")
        if request.use is _Use.IDLE:  # the end of a stream frees its connection
            start["headers"] = [*start["headers"], (b"connection", b"close")]

    async def _open_session(self, session_id: str, request: _Request, scope: Scope) -> None:
        session = await self._sessions.open(session_id, request.caller, scope.get("user"))
        if session is None:
            request.end_for_load(_NO_SESSION)
            await anyio.lowlevel.checkpoint()  # the SDK discards the session
            return
        self._begin_in(session, request)

    def _begin_in(self, session: Session, request: _Request) -> None:
        request.session = session
        self._sessions.begin(session, request.token, is_stream=request.is_get)

    # Requests in flight ---------------------------------------------------------------------------

    @contextmanager
    def _in_flight(self, request: _Request) -> Iterator[None]:
        """Count a request until the block ends."""
        self._requests.setdefault(request.caller.owner, {})[request] = None
        session_id = request.headers.get(MCP_SESSION_ID_HEADER)
        if (found := self._sessions.find(session_id, request.caller)) is not None:
            self._begin_in(found, request)
        try:
            yield
        finally:
            self._forget(request)
            if request.session is not None:
                self._sessions.finish(request.session, is_stream=request.is_get)

    def _forget(self, request: _Request) -> None:
        group = self._requests.get(request.caller.owner, {})
        group.pop(request, None)
        if not group:
            self._requests.pop(request.caller.owner, None)

    def _make_room(self, caller: Caller) -> bool:
        """End another request if there is no room for one more. False if none may end."""
        groups = self._requests.values()
        if self._keys.has(caller):
            room, most = [self._requests.get(caller.owner, {})], REQUESTS
        else:
            room, most = [it for it in groups if not self._is_accepted(it)], SHARED_REQUESTS
        if _size(room) >= most:
            return self._end_another(room, kept=most)
        if _size(groups) < self._most_requests:
            return True
        rooms = [[it] for it in groups if self._is_accepted(it)]
        rooms.append([it for it in groups if not self._is_accepted(it)])
        return self._end_another(max(rooms, key=_size), kept=NEEDED_FOR_OTHERS)

    def _end_another(self, room: Collection[_Group], *, kept: int) -> bool:
        """End the oldest idle request, or else the oldest, of the caller who has most.

        Of an accepted key, so many are `kept` that wait for a person or stop: more end too.
        """
        sizes = {it: len(group) for group in room for it in group}
        other = min(sizes, key=lambda it: (-sizes[it], it.use, it.number))
        is_needed = other.use is _Use.NEEDED and self._keys.has(other.caller)
        if is_needed and sizes[other] <= kept:
            return False
        self._forget(other)
        other.end_for_load(_ENDED_FOR_OTHERS)
        return True

    def _is_accepted(self, group: _Group) -> bool:
        return self._keys.has(next(iter(group)).caller)

    # Sign-ins that have ended ---------------------------------------------------------------------

    async def _check_regularly(self) -> None:
        while True:
            await self._service.clock.sleep(CHECK_SECONDS)
            self._sessions.forget_ended()
            if self._tokens is not None:
                await self._end_revoked(self._tokens)

    async def _end_revoked(self, tokens: Tokens) -> None:
        """End what belongs to sign-ins that have ended: another process may have revoked one."""
        requests = [it for group in self._requests.values() for it in group]
        for token in {it.token for it in requests} | self._sessions.tokens():
            if token is not None and _has_ended(token, tokens):
                self._sessions.end_those_of(token)
                for it in requests:
                    if it.token == token:
                        it.end(_SIGN_IN_ENDED)
            await anyio.lowlevel.checkpoint()  # many of them hold up no call


def is_stop(body: bytes) -> bool:
    """Whether this may be the body of a stop, which waits for no other request."""
    return len(body) <= _STOP_BYTES and any(it in body for it in _STOPS)


def _has_ended(token: str, tokens: Tokens) -> bool:
    try:
        return tokens.verify(token) is None
    except SignInUnavailable:
        return False
    except Exception:  # noqa: BLE001  a failure here must not end the server
        _LOG.exception("a sign-in could not be looked up")
        return False


def _size(room: Iterable[_Group]) -> int:
    return sum(map(len, room))


async def _whole_body(receive: Receive, most: int) -> Message | None:
    """The whole body as one message. None if it is too large."""
    body, more_body = bytearray(), True
    while more_body:
        message = await receive()
        if message["type"] == "http.disconnect":
            return message
        body += message.get("body", b"")
        more_body = message.get("more_body", False)
        if len(body) > most:
            return None
    return {"type": "http.request", "body": bytes(body), "more_body": False}


def _replay(first: Message, receive: Receive) -> Receive:
    messages = [first]

    async def run() -> Message:
        return messages.pop() if messages else await receive()

    return run
