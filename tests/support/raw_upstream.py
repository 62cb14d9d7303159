"""A raw TCP upstream, for responses that no web server would send."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

After = Literal["close", "wait", "drip"]


@dataclass
class Upstream:
    """Its URL, and the number of requests."""

    url: str = ""
    requests: int = 0


@asynccontextmanager
async def answering(response: bytes, *, after: After = "close") -> AsyncIterator[Upstream]:
    """Answer each request with these bytes, then close, wait, or send spaces."""
    upstream, done = Upstream(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        upstream.requests += 1
        writer.write(response)
        if after == "drip":
            await _drip(writer, done)
        elif after == "wait":
            await done.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    upstream.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        try:
            yield upstream
        finally:
            done.set()


async def _drip(writer: asyncio.StreamWriter, done: asyncio.Event) -> None:
    while not done.is_set() and not writer.is_closing():
        writer.write(b" ")
        try:
            await asyncio.wait_for(done.wait(), timeout=0.02)
        except TimeoutError:
            continue


def closed_port() -> int:
    """A port of this machine on which no server listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
