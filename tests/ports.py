"""Real sockets in this process: an app on a port, and a TRaX that can be held up.

It knows ASGI and the sandbox, and nothing of MCP.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeVar

import anyio
import uvicorn

from tests.processes import PATIENCE_SECONDS
from tests.witness import still
from trax_mcp.sandbox import ConnectionDropped, Fault
from trax_mcp.server.http_server import listen, url_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from contextlib import AbstractAsyncContextManager

    from anyio.from_thread import BlockingPortal
    from starlette.types import ASGIApp

    from trax_mcp.sandbox import Sandbox
    from trax_mcp.sandbox.messages import Answer, Answerer, Request

OpenedT = TypeVar("OpenedT")


@asynccontextmanager
async def listening(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an app on a free port of loopback; gives its address."""
    # The product's own way: on a socket that is merely opened, every answer would wait 40 ms.
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    try:
        yield url_of(listener)
    finally:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await server.shutdown(sockets=[listener])


@asynccontextmanager
async def upstream() -> AsyncIterator[Sandbox]:
    """A TRaX on a port: a sandbox whose clock stands still; `base_url` is its address."""
    sandbox = still()
    async with listening(sandbox.app) as address:
        sandbox.base_url = address
        yield sandbox


@contextmanager
def held(
    portal: BlockingPortal, manager: AbstractAsyncContextManager[OpenedT]
) -> Iterator[OpenedT]:
    """Something of the loop's, open for the length of a block.

    A failed example is nothing to it: task groups would make a group of the failure.
    """
    wrapped = portal.wrap_async_context_manager(manager)
    with ExitStack() as closing:
        opened = wrapped.__enter__()
        closing.callback(wrapped.__exit__, None, None, None)
        yield opened


class Held:
    """A fault that holds a request up: `arrived` says that one has come, `release` lets it go."""

    def __init__(self) -> None:
        self._arrived = anyio.Event()
        self._released = anyio.Event()
        self.fault = Fault("held", self._strike)

    async def arrived(self) -> None:
        """Wait until a request is being held."""
        with anyio.fail_after(PATIENCE_SECONDS):
            await self._arrived.wait()

    def release(self) -> None:
        """Drop what is held."""
        self._released.set()

    async def _strike(self, _asked: Request, _onward: Answerer) -> Answer:
        self._arrived.set()
        await self._released.wait()
        raise ConnectionDropped
