"""stdio and HTTP, and how to stop: within a second, with exit code 0, whatever is still open.

The rooms above hand in a finished server. Nothing but the protocol is written to stdout on stdio.
"""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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
from starlette.types import ASGIApp

from trax_mcp import __version__
from trax_mcp.server.doorway import Doorway
from trax_mcp.settings import Settings

PATH = "/mcp"
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_GRACE_SECONDS = 0.3


async def serve_stdio(server: Server[Any]) -> None:
    """Serve one client on stdin and stdout until it hangs up or a signal comes."""
    async with stdio_server() as (read_stream, write_stream), anyio.create_task_group() as tasks:
        tasks.start_soon(_leave_on_signal)
        await server.run(read_stream, write_stream, server.create_initialization_options())
        tasks.cancel_scope.cancel()


async def _leave_on_signal() -> None:
    """End the process at once: a thread that waits for stdin can be ended in no other way."""
    if sys.platform == "win32":
        return  # no signal handlers in its event loop; Ctrl-C ends the process there
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            sys.stderr.flush()
            os._exit(0)


def http_app(server: Server[Any], settings: Settings) -> ASGIApp:
    """The MCP endpoint and the health check, behind the doorway."""
    token = settings.mcp_token
    app: ASGIApp = server.streamable_http_app(
        streamable_http_path=PATH,
        transport_security=_who_may_call(settings),
        custom_starlette_routes=[Route("/healthz", _healthz)],
    )
    app = Doorway(app, path=PATH, token=token.get_secret_value() if token else None)
    if not settings.allowed_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=settings.allowed_origins,
        allow_methods=("GET", "POST", "DELETE"),
        allow_headers=("*",),
        expose_headers=("Mcp-Session-Id",),
    )


def listen(host: str, port: int) -> socket.socket:
    """Open the port, 0 for any free one.

    Raises:
        OSError: the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


async def serve_http(app: ASGIApp, listener: socket.socket) -> None:
    """Serve on an open port until a signal comes."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,  # type: ignore[arg-type]  # given to wait_for
    )
    await _HttpServer(config).serve(sockets=[listener])


class _HttpServer(uvicorn.Server):
    """uvicorn, but a signal is a wish to stop and not an error: it is not raised again."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        handled = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


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
