"""Servers on real sockets in this process, and a fault that holds requests."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

import anyio
import uvicorn

from tests.support.product.dropped_connections import ConnectionDropped
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import frozen_sandbox
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.http.run import configure, listen, url_of

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from anyio.from_thread import BlockingPortal
    from starlette.types import ASGIApp

    from tests.support.product.exchanges import Request, RequestHandler, Response
    from tests.support.product.sandbox import Sandbox

OpenedT = TypeVar("OpenedT")

NO_CERTIFICATES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of plain HTTP, which would each read the certificates of all authorities."""


@asynccontextmanager
async def listening(
    app: ASGIApp,
    *,
    listener: socket.socket | None = None,
    trusted_proxies: Sequence[str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[str]:
    """Serve an app on a port of loopback, by default a free one; yields its address.

    With `tls` it speaks HTTPS there, and its address is that of `localhost`.
    """
    listener = listener or listen_on_loopback()[0]
    config = configure(app, trusted_proxies=trusted_proxies)
    config.load()
    config.ssl = tls
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    try:
        yield https_of(url_of(listener)) if tls else url_of(listener)
    finally:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await server.shutdown(sockets=[listener])


def listen_on_loopback() -> tuple[socket.socket, str]:
    """Open a free port; returns it and its URL without a path.

    As the server does: without its socket options every response would wait 40 ms.
    """
    listener = listen("127.0.0.1", 0)
    return listener, url_of(listener)


@asynccontextmanager
async def upstream(tls: ssl.SSLContext | None = None) -> AsyncIterator[Sandbox]:
    """A sandbox with a frozen clock on a port; `base_url` is its address."""
    sandbox = frozen_sandbox()
    async with listening(sandbox.app, tls=tls) as address:
        sandbox.base_url = address
        yield sandbox


def https_of(address: str) -> str:
    """The address of the same port over TLS, by the name for which certificates are issued."""
    return address.replace("http://127.0.0.1", "https://localhost")


@contextmanager
def open_in_portal(
    portal: BlockingPortal, manager: AbstractAsyncContextManager[OpenedT]
) -> Iterator[OpenedT]:
    """Enter an async context manager in the portal's event loop.

    An exception of the block is not passed to it: a task group would wrap it in an exception group.
    """
    wrapped = portal.wrap_async_context_manager(manager)
    with ExitStack() as stack:
        resource = wrapped.__enter__()
        stack.callback(wrapped.__exit__, None, None, None)
        yield resource


class Held:
    """A fault that holds requests: `arrived` waits for the first, `release` ends them all."""

    def __init__(self) -> None:
        self._arrived = anyio.Event()
        self._released = anyio.Event()
        self.fault = Fault("held", self._hold)

    async def arrived(self) -> None:
        """Wait until a request is held."""
        with anyio.fail_after(PATIENCE_SECONDS):
            await self._arrived.wait()

    def release(self) -> None:
        """Drop the held requests."""
        self._released.set()

    async def _hold(self, _request: Request, _next_handler: RequestHandler) -> Response:
        self._arrived.set()
        await self._released.wait()
        raise ConnectionDropped
