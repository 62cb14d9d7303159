"""Serve any ASGI app on a port, and shut down within a second of a signal, or after a drain.

Slow heads and idle connections are left to a proxy in front: `deploy/` has two.

Does not import the MCP SDK, which `trax-mcp sandbox` does not need.
"""

import errno
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn

import anyio
import uvicorn
from starlette.types import ASGIApp

from trax_mcp.server.readiness import Readiness, ShutDown
from trax_mcp.settings import CannotStart

ExitProcess = Callable[[int], NoReturn]
"""Ends the process at once, with this code."""


class ServingEnded(Exception):
    """Serving has ended, and no signal had come."""


_BACKLOG: Final = 128
"""asyncio accepts up to this number of connections before a request on one of them ends another."""
_KEEP_ALIVE_SECONDS: Final = 75
"""Longer than most clients keep an idle connection. A request that meets its end is lost.

uvicorn's own 5 s are those of httpx, too, so under load their requests met it.
"""
_LAST_REQUESTS_SECONDS: Final = 0.05
"""What was sent on a new connection before the shutdown arrives within this."""
_GRACE_SECONDS: Final = 0.3
_SHUTDOWN_SECONDS: Final = 0.85
"""uvicorn notices a signal after at most 0.1 s, so the shutdown takes less than one second."""
_ON_POSIX: Final = [signal.SIGHUP] if hasattr(signal, "SIGHUP") else []
_SIGNALS: Final = [signal.SIGINT, signal.SIGTERM, *_ON_POSIX]


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
        option = "--port" if error.errno in {errno.EADDRINUSE, errno.EACCES} else "--host"
        raise CannotStart(
            f"Cannot listen on {_address(host, port)}: {reason}. Choose another with {option}."
        ) from None
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
    readiness: Readiness | None = None,
    drain_seconds: float = 0,
    on_start: Callable[[], None] | None = None,
    trusted_proxies: Sequence[str] | None = None,
) -> None:
    """Serve on an open port until a signal comes, then call `shut_down` and close.

    `on_start` is called once requests are answered and signals are heard.
    `exit_process` is called if closing takes too long, as it does with thousands of sessions.
    SIGTERM and SIGHUP begin a drain of `drain_seconds`, and the shutdown follows at its end or at
    the next signal. SIGINT is a person's, and is never delayed.

    Raises:
        ServingEnded: no signal has come, and it serves no more.
    """
    config = configure(app, trusted_proxies=trusted_proxies)
    server = _HttpServer(
        config,
        shut_down,
        exit_process,
        readiness or Readiness(),
        drain_seconds=drain_seconds,
        on_start=on_start,
    )
    await server.serve(sockets=[listener])
    if not server.was_signalled:
        raise ServingEnded


def configure(app: ASGIApp, *, trusted_proxies: Sequence[str] | None = None) -> uvicorn.Config:
    """Uvicorn's configuration for an app.

    `trusted_proxies` may say, in `X-Forwarded-For`, which address a request comes from. None where
    nothing depends on it: then it is left to uvicorn.
    """
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        backlog=_BACKLOG,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,  # type: ignore[arg-type]  # given to wait_for
        proxy_headers=trusted_proxies is None or bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies) if trusted_proxies else None,
    )


class _HttpServer(uvicorn.Server):
    """uvicorn, but a signal is not raised again after the shutdown, so the exit code is 0."""

    def __init__(
        self,
        config: uvicorn.Config,
        shut_down: ShutDown | None,
        exit_process: ExitProcess | None,
        readiness: Readiness,
        *,
        drain_seconds: float,
        on_start: Callable[[], None] | None,
    ) -> None:
        super().__init__(config)
        self._shut_down = shut_down
        self._exit_process = exit_process
        self._readiness = readiness
        self._drain_seconds = drain_seconds
        self._on_start = on_start
        self.was_signalled = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin the drain, or the shutdown."""
        self.was_signalled = True
        if sig == signal.SIGINT or self._readiness.is_draining:
            super().handle_exit(sig, frame)
        else:
            self._readiness.begin_drain(self._drain_seconds)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        if self.started and self._on_start is not None:
            self._on_start()

    async def on_tick(self, counter: int) -> bool:
        """Whether to shut down. uvicorn asks ten times a second."""
        return await super().on_tick(counter) or self._readiness.is_drained()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, end running calls, so that they are answered, and shut down."""
        for listening in self.servers:
            listening.close()
        if self._exit_process is not None:
            # A thread, since closing keeps the event loop busy.
            code = 0 if self.was_signalled else 1
            timer = threading.Timer(_SHUTDOWN_SECONDS, self._exit_process, (code,))
            timer.daemon = True
            timer.start()
        await anyio.sleep(_LAST_REQUESTS_SECONDS)
        if self._shut_down is not None:
            await self._shut_down()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # `nohup` ignores SIGHUP, and that stays.
        handled = [it for it in _SIGNALS if signal.getsignal(it) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self.handle_exit) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
