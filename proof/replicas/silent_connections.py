"""Stands before an engine, so that connections can fall silent, as when its machine fails."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator

    from proof.replicas.throwaway_engine import ThrowawayEngine

_CHUNK = 65_536


class SilentConnections:
    """Forwards connections to an engine. `url` is its address."""

    def __init__(self, engine: ThrowawayEngine) -> None:
        self.socket = engine.folder / "silent.sock"
        self.url = f"unix://{self.socket}"
        self._engine = engine
        self._tasks: set[asyncio.Task[None]] = set()
        self._streams: list[StreamWriter] = []

    @property
    def connections(self) -> int:
        """How many there have been."""
        return len(self._streams) // 2

    async def silence(self) -> None:
        """Forward nothing more of the connections that there are. They stay open."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Forward a new connection."""
        there = await asyncio.open_unix_connection(self._engine.socket)
        self._streams += [writer, there[1]]
        for source, target in ((reader, there[1]), (there[0], writer)):
            task = asyncio.create_task(_forward(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Close all connections."""
        await self.silence()
        for it in self._streams:
            it.close()


async def _forward(source: StreamReader, target: StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(_CHUNK):
            target.write(data)
        target.close()


@asynccontextmanager
async def silent_connections(engine: ThrowawayEngine) -> AsyncIterator[SilentConnections]:
    """A proxy that ends with the block."""
    proxy = SilentConnections(engine)
    server = await asyncio.start_unix_server(proxy.accept, proxy.socket)
    try:
        yield proxy
    finally:
        server.close()
        await proxy.aclose()
