"""Where uploads go: a few lines on a real socket that take a file, or do something else to it.

It knows HTTP as bytes, and how one puts a file there.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.media import MP4
from tests.processes import PATIENCE_SECONDS
from trax_mcp.uploads.storage import UploadStorage

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator, Awaitable, Callable

    Treatment = Callable[["Storage", StreamReader, StreamWriter], Awaitable[None]]

SIGNATURE: Final = "canary-signature"
QUERY: Final = f"X-Amz-Credential=AKIA%2F20260101&X-Amz-Signature={SIGNATURE}"
"""What makes an address one that whoever holds it may write to."""

_AT_ONCE: Final = 1 << 16


@dataclass
class Storage:
    """What reached it: the head of each request, and how many bytes came after the last."""

    address: str = ""
    heads: list[str] = field(default_factory=list)
    taken: int = 0
    content: bytes = b""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Nobody is connected any more."""
    _closing: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """A presigned address in it."""
        return f"{self.address}/bucket/canary-object?{QUERY}"

    @property
    def headers(self) -> dict[str, str]:
        """Those of the last request, with their names in lower case."""
        lines = self.heads[-1].splitlines()[1:]
        pairs = (line.partition(": ") for line in lines if line)
        return {name.lower(): value for name, _, value in pairs}

    async def take(self, reader: StreamReader, size: int | None = None) -> None:
        """Take so much of the body, or all of it; only its beginning is kept."""
        wanted = int(self.headers["content-length"]) if size is None else size
        while self.taken < wanted and (piece := await reader.read(_AT_ONCE)):
            self.taken += len(piece)
            self.content += piece[: _AT_ONCE - len(self.content)]

    async def hold(self) -> None:
        """Do nothing until the end."""
        await self._closing.wait()

    def close(self) -> None:
        """End what is held."""
        self._closing.set()


def answering(status: str, *headers: str) -> Treatment:
    """Take all, then answer."""

    async def treat(storage: Storage, reader: StreamReader, writer: StreamWriter) -> None:
        await storage.take(reader)
        writer.write("\r\n".join((f"HTTP/1.1 {status}", *headers, "", "")).encode())

    return treat


async def refusing(storage: Storage, _reader: StreamReader, writer: StreamWriter) -> None:
    """Answer at once, take nothing, and keep the line open."""
    body = f"<Error>{storage.url}</Error>"
    writer.write(f"HTTP/1.1 403 No\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    await storage.hold()


async def hanging_up(_storage: Storage, _reader: StreamReader, _writer: StreamWriter) -> None:
    """Take nothing and say nothing."""


async def resetting(storage: Storage, reader: StreamReader, writer: StreamWriter) -> None:
    """Take some, then cut the line."""
    await storage.take(reader, _AT_ONCE)
    cut = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, cut)
    writer.transport.abort()


async def stalling(storage: Storage, reader: StreamReader, _writer: StreamWriter) -> None:
    """Take some, then no more."""
    await storage.take(reader, _AT_ONCE)
    await storage.hold()


async def silent(storage: Storage, reader: StreamReader, _writer: StreamWriter) -> None:
    """Take all, and never answer."""
    await storage.take(reader)
    await storage.hold()


async def listening_on(storage: Storage, reader: StreamReader, _writer: StreamWriter) -> None:
    """Take all, and wait for the other side to leave."""
    await storage.take(reader)
    await reader.read()


async def taking_and_hanging_up(
    storage: Storage, reader: StreamReader, _writer: StreamWriter
) -> None:
    """Take all, and hang up without a word."""
    await storage.take(reader)


async def dripping(storage: Storage, reader: StreamReader, writer: StreamWriter) -> None:
    """Take all, and answer a letter at a time, for ever."""
    await storage.take(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    with suppress(ConnectionError):
        while not storage._closing.is_set():
            writer.write(b"x")
            await writer.drain()
            with suppress(TimeoutError):
                await asyncio.wait_for(storage._closing.wait(), timeout=0.02)


@asynccontextmanager
async def storing(treat: Treatment, *, seconds: float = PATIENCE_SECONDS) -> AsyncIterator[Storage]:
    """A storage that treats every upload so, for at most so many seconds."""
    storage = Storage()

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        storage.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        storage.taken, storage.content = 0, b""
        with suppress(ConnectionError):
            await treat(storage, reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        storage.left.set()

    served: list[asyncio.Task[None]] = []
    server = await asyncio.start_server(
        lambda *ends: served.append(asyncio.create_task(serve(*ends))), "127.0.0.1", 0
    )
    storage.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, asyncio.timeout(seconds):
        try:
            yield storage
        finally:
            storage.close()
            await asyncio.gather(*served)


async def pieces_of(*pieces: bytes) -> AsyncIterator[bytes]:
    """A file in these pieces."""
    for piece in pieces:
        yield piece


async def zeros(size: int) -> AsyncIterator[bytes]:
    """A file of nothing but zeros."""
    piece = bytes(1 << 18)
    for _ in range(size // len(piece)):
        yield piece


async def put(url: str, uploads: UploadStorage | None = None, *, content: bytes = MP4) -> None:
    """Put a small file there."""
    uploads = uploads or UploadStorage(plain=True, idle_seconds=PATIENCE_SECONDS)
    pieces = pieces_of(content[:100], content[100:])
    await uploads.put(url, pieces, size=len(content), content_type="video/mp4")
