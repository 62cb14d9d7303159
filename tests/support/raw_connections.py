"""Connections to an HTTP server that send any bytes, also half a request."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BEGINNING: Final = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n"
"""Half a head."""

HEAD: Final = (
    b"POST /mcp HTTP/1.1\r\nHost: %b\r\n%bContent-Type: application/json\r\n"
    b"Accept: application/json, text/event-stream\r\nContent-Length: 1000\r\n\r\n"
)
"""A whole head, with a place for the host and one for more headers, that announces a body."""

CONTINUE: Final = b"Expect: 100-continue\r\n"
"""A header that lets the server say when it waits for the body."""

GET: Final = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST_GET: Final = GET.removesuffix(b"\r\n") + b"Connection: close\r\n\r\n"
"""The same, and the server closes the connection with its answer."""

DRIP_SECONDS: Final = 0.01
PIECE: Final = 1 << 20


class RawConnection:
    """A connection to the server that sends any bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        """Send some bytes."""
        self._writer.write(data)

    async def response(self) -> bytes:
        """Everything until the server closes the connection."""
        received = bytearray()
        with suppress(ConnectionError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while data := await self._reader.read(PIECE):
                    received += data
        return bytes(received)

    async def status(self) -> int:
        """The status of the next response."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return int((await self._reader.readuntil(b"\r\n\r\n")).split()[1])

    async def closed_despite(self, drip: bytes) -> bool:
        """Whether the server closes the connection while these bytes come one by one."""
        closed = asyncio.create_task(self.response())
        for byte in drip:
            self._writer.write(bytes([byte]))
            await asyncio.wait({closed}, timeout=DRIP_SECONDS)
            if closed.done():
                return True
        closed.cancel()
        return False


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[RawConnection]:
    """A raw connection to a server at an address."""
    host, port = address.removeprefix("http://").split(":")
    async with asyncio.timeout(PATIENCE_SECONDS):
        reader, writer = await asyncio.open_connection(host, int(port), limit=PIECE)
    try:
        yield RawConnection(reader, writer)
    finally:
        writer.close()
