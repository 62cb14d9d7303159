"""Serve any ASGI app on a port until a signal comes, and end in good order.

Slow heads and idle connections are left to a proxy in front: `deploy/` has two.

Does not import the MCP SDK, which `trax-mcp sandbox` does not need.
"""

import errno
import math
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from trax_mcp.process_end import exit_soon
from trax_mcp.settings import CannotStart

_BACKLOG: Final = 128
"""asyncio accepts up to this number of connections before a request on one of them ends another."""
_KEEP_ALIVE_SECONDS: Final = 75
"""Longer than most clients keep an idle connection. A request that meets its end is lost.

uvicorn's own 5 s are those of httpx, too, so under load their requests met it.
"""
_GRACE_SECONDS: Final = 1
_NOTICE_SECONDS: Final = 3.0
"""A proxy that asks once a second has noticed by then that this server isn't ready."""


@dataclass(slots=True)
class Serving:
    """Whether a server takes requests, and how it ends.

    After SIGTERM it isn't ready, but serves on for `drain_seconds` at most: until no call runs, and
    a proxy has noticed. Then `shut_down` ends and answers the calls that are left.
    `store_answers` says whether the engine of the replicas does: without it a server is ready,
    since reads, chat and stops go on.
    """

    shut_down: Callable[[], Awaitable[None]] | None = None
    calls_run: Callable[[], bool] = lambda: False
    drain_seconds: float = 0
    store_answers: Callable[[], bool] | None = None
    _stopped_at: float = math.inf

    @property
    def is_ready(self) -> bool:
        """Whether no signal has come."""
        return self._stopped_at == math.inf

    def stop(self) -> None:
        """Be ready no more."""
        self._stopped_at = min(self._stopped_at, time.monotonic())

    def is_drained(self) -> bool:
        """Whether to shut down."""
        passed = time.monotonic() - self._stopped_at
        return passed >= self.drain_seconds or (passed >= _NOTICE_SECONDS and not self.calls_run())


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
            f"Can't listen on {_address(host, port)}: {reason}. Choose another with {option}."
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
    serving: Serving | None = None,
    on_start: Callable[[], None] | None = None,
    trusted_proxies: Sequence[str] | None = None,
) -> bool:
    """Serve on an open port until a signal comes. False if it ended without one.

    `on_start` is called once requests are answered and signals are heard. SIGINT is a person's, and
    isn't delayed by a drain. Neither is a second signal.
    """
    server = _Server(
        configure(app, trusted_proxies=trusted_proxies), serving or Serving(), on_start
    )
    await server.serve(sockets=[listener])
    return not server.serving.is_ready


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
        timeout_graceful_shutdown=_GRACE_SECONDS,
        proxy_headers=trusted_proxies is None or bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies) if trusted_proxies else None,
    )


class _Server(uvicorn.Server):
    """uvicorn, but it ends calls before connections, and also when the app's lifespan has ended."""

    def __init__(
        self, config: uvicorn.Config, serving: Serving, on_start: Callable[[], None] | None
    ) -> None:
        super().__init__(config)
        self.serving = serving
        self._on_start = on_start

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002  uvicorn's
        """Begin to end. uvicorn would raise the signal again after it, and the code be no 0."""
        self.should_exit |= sig == signal.SIGINT or not self.serving.is_ready
        self.serving.stop()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        if self._on_start is not None:
            self._on_start()

    async def on_tick(self, counter: int) -> bool:
        """Whether to shut down. uvicorn asks ten times a second."""
        has_ended = self.lifespan.shutdown_event.is_set()
        return await super().on_tick(counter) or has_ended or self.serving.is_drained()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, end running calls, so that they are answered, and shut down."""
        for listening in self.servers:
            listening.close()
        exit_soon(1 if self.serving.is_ready else 0)
        if self.serving.shut_down is not None:
            await self.serving.shut_down()
        await super().shutdown(sockets)
