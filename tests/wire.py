"""A TRaX of a few bytes on a real socket, for answers that no web server would give."""

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
    """Where it listens, and how many requests came."""

    url: str = ""
    requests: int = 0


@asynccontextmanager
async def answering(said: bytes, *, after: After = "close") -> AsyncIterator[Upstream]:
    """Answer each request with exactly these bytes, then hang up, fall silent, or drip on."""
    upstream, hung_up = Upstream(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        upstream.requests += 1
        writer.write(said)
        if after == "drip":
            await _drip(writer, hung_up)
        elif after == "wait":
            await hung_up.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    upstream.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        try:
            yield upstream
        finally:
            hung_up.set()


async def _drip(writer: asyncio.StreamWriter, hung_up: asyncio.Event) -> None:
    while not hung_up.is_set() and not writer.is_closing():
        writer.write(b" ")
        try:
            await asyncio.wait_for(hung_up.wait(), timeout=0.02)
        except TimeoutError:
            continue


def closed_port() -> int:
    """A port of this machine at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
