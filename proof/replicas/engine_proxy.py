"""A proxy before the engine that stops a replica at one write: before it, or when it has happened.

A write is the script that changes what a step depends on: the first one of a call begins it.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from hashlib import sha1
from typing import TYPE_CHECKING, Final, Literal

from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.replicas.engine import _WRITE

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator

    from proof.replicas.throwaway_engine import ThrowawayEngine

Moment = Literal["before", "after"]

_WRITE_NAME: Final = sha1(_WRITE.encode(), usedforsecurity=False).hexdigest().encode()
_MOST_BYTES: Final = 1 << 20


class EngineProxy:
    """Hands on all commands and answers but one, which it holds until the end."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._held = asyncio.Event()
        self._number = 0
        self._moment: Moment = "before"
        self._forever = asyncio.Event()

    def hold(self, number: int, moment: Moment) -> None:
        """Hold a write from now on, 1 for the next one: before it, or its answer after it."""
        self._number, self._moment = number, moment

    async def is_held(self) -> None:
        """Wait until it holds that write."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._held.wait()

    async def connect(self, replica: StreamReader, to_replica: StreamWriter, socket: str) -> None:
        """Hand on what comes on one connection. The answer to a command comes before the next."""
        engine, to_engine = await asyncio.open_unix_connection(socket)
        is_held = False

        async def hand_on_answers() -> None:
            while answer := await engine.read(_MOST_BYTES):
                if is_held:
                    await self._hold()
                to_replica.write(answer)

        answering = asyncio.create_task(hand_on_answers())
        try:
            while command := await replica.read(_MOST_BYTES):
                is_held = _WRITE_NAME in command and self._is_next()
                if is_held and self._moment == "before":
                    await self._hold()
                to_engine.write(command)
        finally:
            answering.cancel()
            to_engine.close()
            to_replica.close()

    def _is_next(self) -> bool:
        self._number -= 1
        return self._number == 0

    async def _hold(self) -> None:
        self._held.set()
        await self._forever.wait()


@asynccontextmanager
async def engine_proxy(engine: ThrowawayEngine) -> AsyncIterator[EngineProxy]:
    """A proxy on a socket beside the engine's, until the end of the block."""
    socket = engine.folder / "proxy.sock"
    proxy, connections = EngineProxy(f"unix://{socket}"), set[asyncio.Task[None]]()

    async def connect(replica: StreamReader, to_replica: StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        connections.add(connection)
        with suppress(ConnectionError, asyncio.CancelledError):
            await proxy.connect(replica, to_replica, str(engine.socket))

    server = await asyncio.start_unix_server(connect, socket)
    try:
        yield proxy
    finally:
        server.close()
        for it in connections:
            it.cancel()
        await asyncio.gather(*connections)
