"""stdio and HTTP, and how to stop: within a second, with exit code 0, whatever is still open.

The rooms above hand in a finished server. Nothing but the protocol is written to stdout on stdio.
"""

import os
import re
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import anyio
import uvicorn
from mcp.server import Server
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trax_mcp import __version__
from trax_mcp.server.doorway import Doorway
from trax_mcp.server.in_flight import InFlight
from trax_mcp.settings import Settings, SettingsError

PATH = "/mcp"
Stop = Callable[[], Awaitable[None]]
"""Ends what is under way, well within a second."""
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_GRACE_SECONDS = 0.3


async def serve_stdio(server: Server[Any], *, stop: Stop) -> None:
    """Serve one client on stdin and stdout until it hangs up or a signal comes; then `stop`."""
    try:
        async with (
            stdio_server() as (read_stream, write_stream),
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(_leave_on_signal, stop)
            await server.run(read_stream, write_stream, server.create_initialization_options())
            tasks.cancel_scope.cancel()
    except* BrokenPipeError:
        pass  # it is gone without hanging up, and nobody is left to tell


async def _leave_on_signal(stop: Stop) -> None:
    """End the process at once: a thread that waits for stdin can be ended in no other way."""
    if sys.platform == "win32":
        return  # no signal handlers in its event loop; Ctrl-C ends the process there
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            await stop()
            sys.stderr.flush()
            os._exit(0)


def http_app(
    server: Server[Any], settings: Settings, *, in_flight: InFlight | None = None
) -> ASGIApp:
    """The MCP endpoint and the health check, behind the doorway.

    `in_flight` learns of every open stream, for whoever must end them.
    """
    token = settings.mcp_token
    app: ASGIApp = server.streamable_http_app(
        streamable_http_path=PATH,
        transport_security=_who_may_call(settings),
        custom_starlette_routes=[Route("/healthz", _healthz)],
    )
    app = _endable(app, in_flight or InFlight())
    app = Doorway(app, path=PATH, token=token.get_secret_value() if token else None)
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


def listen(host: str, port: int) -> socket.socket:
    """Open the port, 0 for any free one.

    Raises:
        SettingsError: the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        why = str(error.strerror).partition(" (")[0]  # the rest is the address once more
        raise SettingsError(f"Cannot listen on {host}:{port}: {why}.") from None
    # asyncio does this only for sockets that it opens itself; without it every answer waits 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


async def serve_http(app: ASGIApp, listener: socket.socket, *, stop: Stop | None = None) -> None:
    """Serve on an open port until a signal comes; then `stop`, first of all."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,  # type: ignore[arg-type]  # given to wait_for
    )
    await _HttpServer(config, stop).serve(sockets=[listener])


class _HttpServer(uvicorn.Server):
    """uvicorn, but a signal is a wish to stop and not an error: it is not raised again."""

    def __init__(self, config: uvicorn.Config, stop: Stop | None) -> None:
        super().__init__(config)
        self._stop = stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop; what is under way is ended first, so that its answers still go out."""
        if self._stop is not None:
            await self._stop()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        handled = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


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
