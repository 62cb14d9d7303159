"""The MCP server on stdio, and as an app for HTTP with all that stands around it.

The rooms above hand in a finished server; ports are `listening`'s. On stdio nothing but the
protocol is written to stdout, and a signal ends the process within a second, with exit code 0.
"""

import os
import re
import signal
import sys
from collections.abc import AsyncIterable, Awaitable, Callable
from contextlib import ExitStack, nullcontext
from http import HTTPStatus
from typing import Any

import anyio
from anyio.abc import ObjectSendStream
from mcp.server import Server
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.message import SessionMessage
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trax_mcp import __version__
from trax_mcp.server.auth_middleware import AuthMiddleware
from trax_mcp.server.http_server import Stop
from trax_mcp.server.in_flight import InFlight
from trax_mcp.server.open_streams import OpenStreams
from trax_mcp.server.unreadable import answer_to_unreadable
from trax_mcp.settings import Settings

PATH = "/mcp"
HEALTH = "/healthz"
_SESSION_ID = "mcp-session-id"
_LAST_WORDS_SECONDS = 0.05  # for the answers of what was ended
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


async def serve_stdio(server: Server[Any], *, stop: Stop) -> None:
    """Serve one client on stdin and stdout until it hangs up or a signal comes; then `stop`."""
    try:
        async with (
            stdio_server() as (lines, answers),
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(_leave_on_signal, stop)
            readable_in, readable = anyio.create_memory_object_stream[SessionMessage | Exception]()
            tasks.start_soon(_answer_unreadable, lines, readable_in, answers.send)
            await server.run(readable, answers, server.create_initialization_options())
            tasks.cancel_scope.cancel()
    except* BrokenPipeError:
        pass  # it is gone without hanging up, and nobody is left to tell


async def _answer_unreadable(
    lines: AsyncIterable[SessionMessage | Exception],
    readable: ObjectSendStream[SessionMessage | Exception],
    answer: Callable[[SessionMessage], Awaitable[None]],
) -> None:
    """Pass on what could be read, and answer what could not."""
    async with readable:
        async for line in lines:
            if not isinstance(line, Exception):
                await readable.send(line)
            elif said := answer_to_unreadable(line):
                await answer(SessionMessage(said))


async def _leave_on_signal(stop: Stop) -> None:
    """End the process at once: a thread that waits for stdin can be ended in no other way."""
    if sys.platform == "win32":  # its event loop handles no signals
        signal.signal(signal.SIGINT, lambda *_: os._exit(0))
        return
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            await stop()
            await anyio.sleep(_LAST_WORDS_SECONDS)
            sys.stderr.flush()
            os._exit(0)


def http_app(
    server: Server[Any], settings: Settings, *, in_flight: InFlight, presence: OpenStreams
) -> ASGIApp:
    """The MCP endpoint and the health check, behind the doorway.

    `in_flight` learns of every open stream, for whoever must end them; `presence` learns of which
    session it is.
    """
    token = settings.mcp_token
    app: ASGIApp = server.streamable_http_app(
        streamable_http_path=PATH,
        transport_security=_who_may_call(settings),
        custom_starlette_routes=[Route(HEALTH, _healthz)],
    )
    app = _endable(_with_presence(app, presence), in_flight)
    app = AuthMiddleware(app, open_path=HEALTH, token=token.get_secret_value() if token else None)
    if not settings.allowed_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origin_regex="|".join(
            rf"{re.escape(origin)}(:\d+)?" for origin in settings.allowed_origins
        ),
        allow_methods=("GET", "POST", "DELETE"),
        allow_headers=("*",),
        expose_headers=("Mcp-Session-Id",),
    )


def _endable(app: ASGIApp, in_flight: InFlight) -> ASGIApp:
    """Let streams be ended, and end them well: the SDK would leave them in the middle.

    Only GET: a POST ends when its call does.
    """

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        more = False

        async def watched(message: Message) -> None:
            nonlocal more
            more = message["type"] == "http.response.start" or message.get("more_body", False)
            await send(message)

        with in_flight.tracked() if scope.get("method") == "GET" else nullcontext():
            await app(scope, receive, watched)
        if more:
            await send({"type": "http.response.body", "body": b""})

    return run


def _with_presence(app: ASGIApp, presence: OpenStreams) -> ASGIApp:
    """Say which sessions have their stream open: one that was let in, and has begun."""

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        session = Headers(scope=scope).get(_SESSION_ID) if scope.get("method") == "GET" else None
        if session is None:
            await app(scope, receive, send)
            return
        with ExitStack() as stream:

            async def watched(message: Message) -> None:
                await send(message)
                if message["type"] == "http.response.start" and message["status"] == HTTPStatus.OK:
                    stream.enter_context(presence.opened(session))

            await app(scope, receive, watched)

    return run


async def _healthz(_request: Request) -> JSONResponse:
    return JSONResponse({"status": "ok", "version": __version__})


def _who_may_call(settings: Settings) -> TransportSecuritySettings:
    """Loopback always; beyond it only what is named. `:*` stands for any port."""
    names = dict.fromkeys((*_LOOPBACK, *settings.allowed_hosts))
    origins = dict.fromkeys((*(f"http://{name}" for name in _LOOPBACK), *settings.allowed_origins))
    return TransportSecuritySettings(
        allowed_hosts=[pattern for name in names for pattern in (name, f"{name}:*")],
        allowed_origins=[pattern for name in origins for pattern in (name, f"{name}:*")],
    )
