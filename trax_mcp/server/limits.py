"""ASGI middleware: no caller uses up what all share, in bodies, requests in flight, and sessions.

Each key that TRaX has accepted has room of its own; all other callers share one. Where a room is
full, a stream or an unfinished request ends for whoever comes next: the oldest of the caller who
has most there. A request that waits for a person, and a stop, end for nobody.
"""

import logging
from collections import Counter
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from enum import IntEnum
from http import HTTPStatus
from itertools import count
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakValueDictionary

import anyio
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trax_mcp.api.accepted_keys import NOT_ACCEPTED
from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import TraxError
from trax_mcp.api.operations import ListStudios
from trax_mcp.open_files import max_open_files
from trax_mcp.server.app import Service
from trax_mcp.server.door import CALLER, PATH, SignInsUnavailable, Tokens, bearer_token, refuse

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

BODY_SECONDS: Final = 10.0
BODY_BYTES: Final = 64 * 1024
"""The largest body of a key that TRaX has accepted. The longest call in earnest has 12 kB."""
OTHER_BODY_BYTES: Final = 32 * 1024
"""The largest one of any other caller. To read one takes time in which no stop is sent."""
LARGE_BODY_BYTES: Final = 16 * 1024
"""Of larger bodies, one of an owner is read at a time."""
REQUESTS: Final = 600
"""The most requests in flight of a key that TRaX has accepted. An open stream is one."""
OTHER_REQUESTS: Final = 400
"""The same of all other callers together."""
ALL_REQUESTS: Final = 4096
"""The same of all, or a third of the files that may be open: calls to TRaX take another."""
SESSIONS: Final = 500
"""The most sessions of the earlier protocol era, of a key that TRaX has accepted."""
OTHER_SESSIONS: Final = 100
ALL_SESSIONS: Final = 4096
IDLE_SECONDS: Final = 1800.0
"""The SDK ends a session that was not used for so long."""
CHECK_SECONDS: Final = 30.0
"""How long a request can outlive its sign-in."""

_STOP: Final = b'"go_offline"'
_QUESTION: Final = b'"elicitation/create"'
_LISTEN: Final = "subscriptions/listen"

_LATE: Final = refuse(
    HTTPStatus.REQUEST_TIMEOUT,
    f"The request was not complete within {BODY_SECONDS:g} s. Nothing was done. Send it again.",
)
_TOO_LARGE: Final = refuse(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    f"A request has at most {BODY_BYTES // 1024} KiB, and {OTHER_BODY_BYTES // 1024} KiB without a"
    " key that TRaX has accepted here. Nothing was done.",
)
_STOPPING: Final = refuse(
    HTTPStatus.SERVICE_UNAVAILABLE, "The server is stopping. Nothing was done. Try again later."
)
_FULL: Final = refuse(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Too many requests with this key wait for a person or for TRaX. Nothing was done. Try again in"
    " a moment.",
)
_NO_SESSION: Final = refuse(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Too many sessions are open and in use. Nothing was done. End one, or try again in a moment.",
)
_ENDED_FOR_OTHERS: Final = refuse(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "This request was ended for others: too many came at once with this key, or without a key that"
    " TRaX has accepted here. If it was to change anything, look before calling again.",
)
_SIGN_IN_ENDED: Final = refuse(
    HTTPStatus.UNAUTHORIZED, "This sign-in has ended while the call ran."
)

_LOG: Final = logging.getLogger(__name__)


class _Use(IntEnum):
    """What a request does now. The smallest ends first."""

    IDLE = 0  # an open stream, or a body that has not arrived
    RUNNING = 1
    NEEDED = 2  # it waits for a person, or stops a broadcast


@dataclass(eq=False, slots=True)
class _Request:
    """A request in flight. `refusal` is the answer if none has begun when it ends."""

    number: int
    caller: Caller
    token: str | None = field(repr=False)
    is_get: bool
    use: _Use = _Use.IDLE
    session: "_Session | None" = None
    refusal: ASGIApp | None = None
    started: bool = False
    complete: bool = False
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)

    def end(self, refusal: ASGIApp) -> None:
        """Cancel it."""
        self.refusal = refusal
        self.scope.cancel()

    async def finish(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Complete a response that was cut short, so that its connection can be used again."""
        if self.started and not self.complete:
            await send({"type": "http.response.body", "body": b""})
        elif not self.started and self.refusal is not None:
            await self.refusal(scope, receive, send)


@dataclass(eq=False, slots=True)
class _Session:
    """A session of the earlier protocol era. `user` is the SDK's, who may use it."""

    id: str = field(repr=False)  # a secret
    caller: Caller
    user: Any = field(repr=False)
    last_used: float = 0
    token: str | None = field(default=None, repr=False)
    calls: int = 0
    streams: int = 0

    @property
    def is_idle(self) -> bool:
        """Whether it has no request in flight and no open stream."""
        return not self.calls and not self.streams

    def count(self, request: _Request, change: int) -> None:
        """Count a request that begins or ends."""
        if request.is_get:
            self.streams += change
        else:
            self.calls += change


_Group = dict[_Request, None]
"""The requests of one key, the oldest first."""


class Limits:
    """The limits. Ends requests whose sign-in has ended, and at the end of a drain all sessions."""

    def __init__(
        self, app: ASGIApp, *, client: Client, deps: Service, tokens: Tokens | None = None
    ) -> None:
        self._app = app
        self._client = client
        self._keys = client.accepted_keys
        self._clock = deps.clock
        self._in_flight = deps.in_flight
        self._open_streams = deps.open_streams
        self._readiness = deps.readiness
        self._tokens = tokens
        self._numbers = count()
        self._requests: dict[str, _Group] = {}
        self._most_requests = min(ALL_REQUESTS, max_open_files() // 3)
        self._large: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()
        self._sessions: dict[str, _Session] = {}
        """By id. The one that was used longest ago is the first."""
        self._is_closing = False
        self._tasks: TaskGroup

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._run_lifespan(scope, receive, send)
        elif scope["type"] == "http":
            await self._run(scope, receive, send)

    async def _run_lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._readiness.on_close, self._readiness.is_idle = self._close, self._no_call_runs
        with self._readiness.needs("the lifespan of the server"):
            async with anyio.create_task_group() as self._tasks:
                self._tasks.start_soon(self._check_again_and_again)
                await self._app(scope, receive, send)
                self._tasks.cancel_scope.cancel()

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, caller = Headers(scope=scope), scope.get(CALLER, ANONYMOUS)
        token = bearer_token(headers) if self._tokens is not None else None
        request = _Request(next(self._numbers), caller, token, is_get=scope["method"] == "GET")

        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._note_response(request, scope, message)
                request.started = True
                if request.use is _Use.IDLE:  # the end of a stream frees its connection
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
            else:
                request.complete = not message.get("more_body", False)
                if _QUESTION in message.get("body", b""):
                    request.use = _Use.NEEDED
            await send(message)

        if not self._make_room(caller):
            await _FULL(scope, receive, send)
            return
        self._begin(request, headers.get(MCP_SESSION_ID_HEADER))
        try:
            with request.scope:
                await self._receive_and_run(request, scope, receive, send_and_note)
        finally:
            self._end(request)
        await request.finish(scope, receive, send)

    async def _receive_and_run(
        self, request: _Request, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Run a request when its body is here. A client that disconnects earlier gets no answer."""
        message = await self._receive_body(request, scope, receive)
        if message is None or message["type"] == "http.disconnect":
            return
        receive, body = _replay(message, receive), message["body"]
        if request.is_get:
            with self._in_flight.track():
                await self._app(scope, receive, send)
            return
        async with self._large_one_at_a_time(request, body):
            if Headers(scope=scope).get("mcp-method") != _LISTEN:
                request.use = _Use.NEEDED if _STOP in body else _Use.RUNNING
            await self._app(scope, receive, send)

    def _large_one_at_a_time(
        self, request: _Request, body: bytes
    ) -> AbstractAsyncContextManager[None]:
        if len(body) <= LARGE_BODY_BYTES:
            return nullcontext()
        return self._large.setdefault(self._keys.owner(request.caller), anyio.Lock())

    async def _receive_body(
        self, request: _Request, scope: Scope, receive: Receive
    ) -> Message | None:
        most = BODY_BYTES if self._keys.has(request.caller) else OTHER_BODY_BYTES
        if _declared_bytes(scope) > most:
            request.refusal = _TOO_LARGE
            return None
        with self._in_flight.track(), anyio.move_on_after(BODY_SECONDS) as limit:
            message = await _whole_body(receive, most)
            request.refusal = _TOO_LARGE if message is None else None
            return message
        if request.refusal is None:
            request.refusal = _LATE if limit.cancelled_caught else _STOPPING
        return None

    # Requests in flight ---------------------------------------------------------------------------

    def _make_room(self, caller: Caller) -> bool:
        """End another request if there is no room for one more. False if none may end."""
        groups = self._requests.values()
        if self._keys.has(caller):
            room, most = [self._requests.get(caller.owner, {})], REQUESTS
        else:
            room, most = [it for it in groups if not self._is_accepted(it)], OTHER_REQUESTS
        if sum(map(len, room)) >= most:
            return self._end_another(room)
        if sum(map(len, groups)) < self._most_requests:
            return True
        rooms = [[it] for it in groups if self._is_accepted(it)]
        rooms.append([it for it in groups if not self._is_accepted(it)])
        return self._end_another(max(rooms, key=lambda it: sum(map(len, it))))

    def _end_another(self, room: Collection[_Group]) -> bool:
        """End the oldest idle request, or else the oldest, of the caller who has most."""
        sizes = {it: len(group) for group in room for it in group}
        other = min(sizes, key=lambda it: (it.use is _Use.NEEDED, -sizes[it], it.use, it.number))
        if other.use is _Use.NEEDED and self._keys.has(other.caller):
            return False
        self._forget(other)
        other.end(_ENDED_FOR_OTHERS)
        return True

    def _is_accepted(self, group: _Group) -> bool:
        return self._keys.has(next(iter(group)).caller)

    def _begin(self, request: _Request, session_id: str | None) -> None:
        self._requests.setdefault(request.caller.owner, {})[request] = None
        session = self._sessions.get(session_id or "")
        if session is not None and session.caller == request.caller:
            self._use(session, request)

    def _end(self, request: _Request) -> None:
        self._forget(request)
        if (session := request.session) is not None:
            session.count(request, -1)
            session.last_used = self._clock.seconds()
            if self._is_closing and not session.calls:
                self._end_session(session)

    def _forget(self, request: _Request) -> None:
        group = self._requests.get(request.caller.owner, {})
        group.pop(request, None)
        if not group:
            self._requests.pop(request.caller.owner, None)

    # Sessions -------------------------------------------------------------------------------------

    async def _note_response(self, request: _Request, scope: Scope, start: Message) -> None:
        """Note a session that a response opens or ends, or a stream. Errors name sessions too."""
        if start["status"] >= HTTPStatus.BAD_REQUEST:
            return
        if (session := request.session) is None:
            opened = Headers(raw=start["headers"]).get(MCP_SESSION_ID_HEADER)
            if opened is not None and not await self._open_session(opened, request, scope):
                request.end(_NO_SESSION)
                await anyio.lowlevel.checkpoint()  # the SDK discards the session
        elif scope["method"] == "DELETE":
            self._sessions.pop(session.id, None)
        elif request.is_get:
            self._open_streams.opened(session.id)

    async def _open_session(self, session_id: str, request: _Request, scope: Scope) -> bool:
        """Add a session, for which another one ends if need be. False if all others are in use."""
        caller, owners = request.caller, self._owners()
        if owners[NOT_ACCEPTED] >= OTHER_SESSIONS and not self._keys.has(caller):
            await self._try_key(caller)
            owners = self._owners()
        owner, full = self._keys.owner(caller), None
        if owners[owner] >= (OTHER_SESSIONS if owner == NOT_ACCEPTED else SESSIONS):
            full = owner
        elif owners.total() >= ALL_SESSIONS:
            [(full, _)] = owners.most_common(1)
        if full is not None:
            others = (it for it in self._sessions.values() if self._keys.owner(it.caller) == full)
            if (unused := next((it for it in others if it.is_idle), None)) is None:
                return False
            self._end_session(unused)
        self._use(_Session(session_id, caller, scope.get("user")), request)
        return True

    def _owners(self) -> Counter[str]:
        """How many sessions each owner has."""
        return Counter(self._keys.owner(it.caller) for it in self._sessions.values())

    def _use(self, session: _Session, request: _Request) -> None:
        self._sessions.pop(session.id, None)
        self._sessions[session.id] = session
        session.count(request, 1)
        session.last_used = self._clock.seconds()
        session.token = request.token
        request.session = session

    async def _try_key(self, caller: Caller) -> None:
        """Make one call, so that the client learns whether TRaX accepts the key."""
        if caller.key is not None:
            with self._in_flight.track(), suppress(TraxError):
                await self._client.send(ListStudios(limit=1), caller, retry=False)

    def _end_session(self, session: _Session) -> None:
        # Not in the request's task: that can be cancelled.
        if self._sessions.pop(session.id, None) is not None:
            self._tasks.start_soon(self._delete, session)

    async def _delete(self, session: _Session) -> None:
        """End a session as its client would: with DELETE. The client then gets 404.

        Source: MCP 2025-11-25, Transports, "Session Management": it opens a new one.
        """
        scope: Scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "DELETE",
            "path": PATH,
            "query_string": b"",
            "headers": [(MCP_SESSION_ID_HEADER.encode(), session.id.encode())],
            **({} if session.user is None else {"user": session.user}),
        }
        try:
            await self._app(scope, _receive_nothing, _send_nothing)
        except Exception:  # noqa: BLE001  a failure of one session must not end the server
            _LOG.exception("a session could not be ended")

    # What ends in time ----------------------------------------------------------------------------

    def _close(self) -> None:
        """End every session in which no call runs, so that its client opens one elsewhere."""
        self._is_closing = True
        for session in tuple(self._sessions.values()):
            if not session.calls:
                self._end_session(session)

    def _no_call_runs(self) -> bool:
        return not any(it.use for group in self._requests.values() for it in group)

    async def _check_again_and_again(self) -> None:
        while True:
            await self._clock.sleep(CHECK_SECONDS)
            for session in tuple(self._sessions.values()):
                if session.is_idle and self._clock.seconds() - session.last_used > IDLE_SECONDS:
                    del self._sessions[session.id]
            await self._end_revoked()

    async def _end_revoked(self) -> None:
        """End what belongs to sign-ins that have ended: another process may have revoked one."""
        if self._tokens is None:
            return
        requests = [it for group in self._requests.values() for it in group]
        sessions = tuple(self._sessions.values())
        for token in {it.token for it in requests} | {it.token for it in sessions}:
            if token is not None and _has_ended(token, self._tokens):
                for request in requests:
                    if request.token == token:
                        request.end(_SIGN_IN_ENDED)
                for session in sessions:
                    if session.token == token:
                        self._end_session(session)
            await anyio.lowlevel.checkpoint()  # many of them hold up no call


def _has_ended(token: str, tokens: Tokens) -> bool:
    try:
        return tokens.verify(token) is None
    except SignInsUnavailable:
        return False
    except Exception:  # noqa: BLE001  a failure here must not end the server
        _LOG.exception("a sign-in could not be looked up")
        return False


def _declared_bytes(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


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


async def _receive_nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send_nothing(_message: Message) -> None:
    pass
