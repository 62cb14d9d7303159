"""ASGI middleware: no caller uses up what all share, in bodies, requests in flight and sessions.

All callers are alike, and those count as one whose key TRaX has not accepted yet. A stop waits for
nothing here.
"""

import json
import logging
import math
from collections import Counter
from collections.abc import Iterator
from contextlib import (
    AbstractAsyncContextManager,
    contextmanager,
    nullcontext,
)
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import anyio
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trax_mcp.actions import OPERATIONS
from trax_mcp.actions.stream import GoOffline
from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.http.authentication import Tokens, bearer_token, refuse
from trax_mcp.http.gate import Gate
from trax_mcp.http.refusals import overloaded
from trax_mcp.http.sessions import Sessions
from trax_mcp.http.turns import MessageTurn, Turns
from trax_mcp.open_files import max_open_files
from trax_mcp.server import panel
from trax_mcp.server.app import Service
from trax_mcp.server.request import CALLER
from trax_mcp.sign_in import SignInUnavailable
from trax_mcp.web import approval_view

BODY_SECONDS: Final = 10.0
"""How long a body may take to arrive, and how long a client may read nothing of an answer."""
AT_ONCE: Final = 2
"""How many messages are worked on at once."""
STOPS_OF_STRANGERS_AT_ONCE: Final = 16
"""The same of stops with keys that TRaX has not accepted yet."""
BODY_BYTES: Final = 64 * 1024
"""The largest body. While one is parsed, no stop is sent. The longest call in earnest has 12 kB."""
FORM_BYTES: Final = 16 * 1024
"""The largest body for an address that needs no caller, such as the pages of signing in."""
REQUESTS: Final = 600
"""The most requests of a name in flight. An open stream is one."""
ALL_REQUESTS: Final = 4096
"""The most of all, or a third of the files that may be open; calls to TRaX take another.

A quarter as many may be stops, and as many may be unread, on top of those.
"""
CHECK_SECONDS: Final = 30.0
"""How long a stream can outlive its sign-in."""

_STOPS: Final = {panel.TOOL_NAME, *(it.tool_name for it in OPERATIONS if it.stops_broadcast)}
"""The names of stops, and of the tool that brings what a person has answered in a panel."""
_STOP_BYTES: Final = 4 * 1024
"""The largest body that is read for that, before its turn."""
_PAGES: Final = "pages"
"""The name of all who open pages of signing in."""
_NEEDS_KEY: Final = (b'"tools/call"', b'"resources/', b'"completion/', b'"subscriptions/')
"""The methods that ask TRaX."""

_LATE: Final = refuse(
    HTTPStatus.REQUEST_TIMEOUT,
    f"The request wasn't complete within {BODY_SECONDS:g} s. Nothing was done. Send it again.",
)
_TOO_LARGE: Final = refuse(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "The request is too large. Nothing was done.",
)
_STOPPING: Final = refuse(
    HTTPStatus.SERVICE_UNAVAILABLE, "The server is stopping. Nothing was done. Try again later."
)
_SHUTTING_DOWN: Final = "The server is shutting down, so nothing was done"
_WHOSE: Final = "with this key, or with none that TRaX has accepted here"
_FULL: Final = f"Too many requests are open {_WHOSE}, so nothing was done"
_NO_SESSION: Final = f"Too many sessions are open {_WHOSE}, so none was opened"
_SIGN_IN_ENDED: Final = refuse(
    HTTPStatus.UNAUTHORIZED, "This sign-in has ended while the call ran."
)
_KEY_REFUSED: Final = (
    "TRaX doesn't accept the key of this sign-in any more, so nothing was done. Sign in again."
)

_LOG: Final = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Request:
    """A request. `refusal` is the response if none has begun when it ends."""

    caller: Caller
    headers: Headers = field(repr=False)
    token: str | None = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    turn: MessageTurn | None = None
    refusal: ASGIApp | None = None
    started: bool = False
    complete: bool = False
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)

    def end(self, refusal: ASGIApp) -> None:
        """Cancel it, so that `finish` answers with this refusal if no response has begun."""
        self.refusal = refusal
        self.scope.cancel()

    async def finish(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Complete a response that was cut short, so that its connection can be used again."""
        if self.started and not self.complete:
            await send({"type": "http.response.body", "body": b""})
        elif not self.started and self.refusal is not None:
            await self.refusal(scope, receive, send)


class _Places:
    """The places of requests. A name has no more of them than are free.

    So there is always one for a name that has none yet.
    """

    def __init__(self, most: int) -> None:
        self._free = most
        self._taken: Counter[str] = Counter()

    def has(self, name: str) -> bool:
        """Whether there is a place for one more of this name."""
        return self._taken[name] < min(REQUESTS, self._free)

    @contextmanager
    def take(self, name: str) -> Iterator[None]:
        """Take a place for the block."""
        self._free -= 1
        self._taken[name] += 1
        try:
            yield
        finally:
            self._free += 1
            self._taken -= Counter((name,))


class Limits:
    """Middleware. Ends also the streams of a sign-in that has ended."""

    def __init__(self, app: ASGIApp, service: Service, *, tokens: Tokens | None = None) -> None:
        self._app = app
        self._service = service
        self._clock = service.clock
        self._tokens = tokens
        self._gate = Gate(service.client, service.clock)
        self._turns, self._turns_of_strangers = Turns(AT_ONCE), Turns(STOPS_OF_STRANGERS_AT_ONCE)
        most = min(ALL_REQUESTS, max_open_files() // 3)
        self._most_unread = most // 4
        self._places = _Places(most)
        self._places_of_stops, self._places_of_strangers = _Places(most // 4), _Places(most // 4)
        self._requests: dict[_Request, None] = {}
        self._unread: dict[_Request, None] = {}
        """The requests whose body has not arrived, the oldest first."""
        self.sessions = Sessions(self._gate, service.clock)

    @property
    def open_streams(self) -> int:
        """How many streams are open that a GET has opened."""
        return sum(it.started and not it.body for it in self._requests)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run a request, or refuse it."""
        if scope["type"] == "lifespan":
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._check_regularly)
                await self._app(scope, receive, send)
                tasks.cancel_scope.cancel()
        elif scope["type"] == "http":
            await self._run(scope, receive, send)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        token = bearer_token(headers) if self._tokens is not None else None
        request = _Request(scope.get(CALLER, ANONYMOUS), headers, token)
        self.sessions.note_token(headers.get(MCP_SESSION_ID_HEADER, ""), request.caller, token)

        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._note_start(request, scope, message)
            else:
                request.complete = not message.get("more_body", False)
                if request.turn is not None:
                    request.turn.end()
            with anyio.move_on_after(BODY_SECONDS) as patience:
                await send(message)
            if patience.cancelled_caught:  # the client reads nothing, and would keep its place
                request.complete = True
                request.scope.cancel()

        self._requests[request] = None
        try:
            with request.scope:
                await self._receive_and_run(request, scope, receive, send_and_note)
        finally:
            del self._requests[request]
        if anyio.current_time() >= request.scope.deadline:
            request.refusal = _LATE
        await request.finish(scope, receive, send)

    async def _receive_and_run(
        self, request: _Request, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Run a request when its body is here. A client that disconnects earlier gets no answer."""
        message = await self._receive_body(request, scope, receive)
        if message is None or message["type"] == "http.disconnect":
            return
        receive, request.body = _replay(message, receive), message["body"]
        if CALLER in scope and is_urgent(request.body):
            await self._run_urgent(request, scope, receive, send)
            return
        if not await self._passes_gate(request, scope):
            return
        name = self._gate.name(request.caller) if CALLER in scope else _PAGES
        if not self._places.has(name):
            request.refusal = overloaded(request.body, request.headers, _FULL)
            return
        with self._places.take(name):
            if scope["method"] == "GET":
                with self._service.in_flight.ending(request.scope):
                    await self._app(scope, receive, send)
            else:
                async with self._turns.take(name, scope) as request.turn:
                    await self._app(scope, receive, send)

    async def _run_urgent(
        self, request: _Request, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Run a stop: at once, or in turns with others if TRaX has not accepted its key yet."""
        owner, places = request.caller.owner, self._places_of_stops
        turns: AbstractAsyncContextManager[MessageTurn | None] = nullcontext()
        if self._gate.name(request.caller) != owner:
            places = self._places_of_strangers
            turns = self._turns_of_strangers.take(owner, scope)
        if not places.has(owner):
            request.refusal = overloaded(request.body, request.headers, _FULL)
            return
        with places.take(owner):
            async with turns as request.turn:
                await self._app(scope, receive, send)

    async def _receive_body(
        self, request: _Request, scope: Scope, receive: Receive
    ) -> Message | None:
        most = BODY_BYTES if CALLER in scope else FORM_BYTES
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > most:
            request.refusal = _TOO_LARGE
            return None
        if len(self._unread) >= self._most_unread:
            next(iter(self._unread)).end(overloaded(b"", request.headers, _FULL))
        request.refusal = _STOPPING
        request.scope.deadline = anyio.current_time() + BODY_SECONDS
        self._unread[request] = None
        try:
            with self._service.in_flight.ending(request.scope):
                message = await _whole_body(receive, most)
        finally:
            self._unread.pop(request, None)
        request.scope.deadline = math.inf
        request.refusal = _TOO_LARGE if message is None else None
        return message

    async def _passes_gate(self, request: _Request, scope: Scope) -> bool:
        """Let TRaX be asked about a key where it is needed, or where nobody else can come in."""
        caller, gate = request.caller, self._gate
        if any(it in request.body for it in _NEEDS_KEY) or not self._places.has(ANONYMOUS.owner):
            await self._ask_gate(request)
        if gate.keeps_out(caller):
            scope[CALLER] = caller.refused()
            if self._tokens is not None and request.token is not None:
                request.refusal = self._tokens.challenge(_KEY_REFUSED, error="invalid_token")
                return False
        return True

    async def _ask_gate(self, request: _Request) -> None:
        if self._gate.has_answer(request.caller):
            return
        request.refusal = overloaded(request.body, request.headers, _SHUTTING_DOWN)
        with self._service.in_flight.ending(request.scope):
            await self._gate.ask(request.caller)
        request.refusal = None

    async def _note_start(self, request: _Request, scope: Scope, start: Message) -> None:
        """Note what a response opens. Errors name sessions too."""
        if start["status"] < HTTPStatus.BAD_REQUEST:
            session_id = request.headers.get(MCP_SESSION_ID_HEADER)
            opened = Headers(raw=start["headers"]).get(MCP_SESSION_ID_HEADER)
            if scope["method"] == "GET" and session_id is not None:
                self._service.open_streams.opened(session_id)
            elif (
                session_id is None
                and opened is not None
                and not await self.sessions.may_open(opened, request.caller, request.token)
            ):
                request.end(overloaded(request.body, request.headers, _NO_SESSION))
                await anyio.lowlevel.checkpoint()  # the SDK discards the session
        request.started = True

    # Sign-ins that have ended ---------------------------------------------------------------------

    async def _check_regularly(self) -> None:
        while True:
            await self._clock.sleep(CHECK_SECONDS)
            for token in {it.token for it in self._requests} | self.sessions.tokens():
                if self._has_ended(token):  # another process may have revoked it
                    for request in self._requests:
                        if request.token == token:
                            request.end(_SIGN_IN_ENDED)
                    await self.sessions.close_those_of(token)
                await anyio.lowlevel.checkpoint()  # many of them hold up no call

    def _has_ended(self, token: str | None) -> bool:
        if self._tokens is None or token is None:
            return False
        try:
            return self._tokens.verify(token) is None
        except SignInUnavailable:
            return False
        except Exception:  # noqa: BLE001  a failure here must not end the server
            _LOG.exception("a sign-in couldn't be looked up")
            return False


def is_urgent(body: bytes) -> bool:
    """Whether this may be a stop, or what a person has answered: it waits for no other request."""
    if len(body) > _STOP_BYTES:
        return False
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return False
    match message:
        case {
            "method": "tools/call",
            "params": {"name": approval_view.PRESS, "arguments": {"press": GoOffline.tool_name}},
        }:
            return True
        case {"method": "tools/call", "params": {"name": str(name)}}:
            return name in _STOPS
        case {"method": _}:
            return False
    return isinstance(message, dict)


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
