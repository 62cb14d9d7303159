"""Serve any ASGI app on a port, and shut down within a second of a signal.

Does not import the MCP SDK, which `trax-mcp sandbox` does not need.
"""

import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import uvicorn
from starlette.types import ASGIApp

from trax_mcp.server.http_protocol import HttpProtocol
from trax_mcp.settings import CannotStart

ShutDown = Callable[[], Awaitable[None]]
"""Ends calls that are running, well within a second."""

ExitProcess = Callable[[], NoReturn]
"""Ends the process at once."""

_GRACE_SECONDS = 0.3
_BACKLOG = 128
"""asyncio accepts up to this number of connections before `HttpProtocol` can close one."""
_SHUTDOWN_SECONDS = 0.85
"""uvicorn notices a signal after at most 0.1 s, so the shutdown takes less than one second."""


def listen(host: str, port: int) -> socket.socket:
    """Open a port; 0 is any free one.

    Raises:
        CannotStart: the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]  # the rest repeats the address
        raise CannotStart(f"Cannot listen on {_address(host, port)}: {reason}.") from None
    # asyncio does this only for sockets that it opens itself; without it every answer waits 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def url_of(listener: socket.socket) -> str:
    """The URL of an open port, without a path."""
    host, port, *_ = listener.getsockname()
    return f"http://{_address(host, port)}"


def _address(host: str, port: int) -> str:
    """Host and port as in URLs, where an IPv6 address has brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def serve_http(
    app: ASGIApp,
    listener: socket.socket,
    *,
    shut_down: ShutDown | None = None,
    exit_process: ExitProcess | None = None,
) -> None:
    """Serve on an open port until a signal comes, then call `shut_down` and close.

    `exit_process` is called if closing takes too long, as it does with thousands of sessions.
    """
    await _HttpServer(configure(app), shut_down, exit_process).serve(sockets=[listener])


def configure(app: ASGIApp) -> uvicorn.Config:
    """Uvicorn's configuration for an app."""
    return uvicorn.Config(
        app,
        http=HttpProtocol,
        ws="none",
        backlog=_BACKLOG,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,  # type: ignore[arg-type]  # given to wait_for
    )


class _HttpServer(uvicorn.Server):
    """uvicorn, but a signal is not raised again after the shutdown, so the exit code is 0."""

    def __init__(
        self, config: uvicorn.Config, shut_down: ShutDown | None, exit_process: ExitProcess | None
    ) -> None:
        super().__init__(config)
        self._shut_down = shut_down
        self._exit_process = exit_process

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End running calls first, so that their answers are still sent, then shut down."""
        if self._exit_process is not None:
            # A thread, since closing keeps the event loop busy.
            timer = threading.Timer(_SHUTDOWN_SECONDS, self._exit_process)
            timer.daemon = True
            timer.start()
        if self._shut_down is not None:
            await self._shut_down()
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
