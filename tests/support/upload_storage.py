"""An upload storage on a real socket, with several behaviours, and one without a socket."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import httpx

from tests.support.media_samples import MP4
from tests.support.product.sandbox_transport import SandboxTransport
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    import ssl
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.support.product.sandbox import Sandbox

    StorageBehaviour = Callable[["Storage", StreamReader, StreamWriter], Awaitable[None]]

SIGNATURE: Final = "canary-signature"
QUERY: Final = f"X-Amz-Credential=AKIA%2F20260101&X-Amz-Signature={SIGNATURE}"
"""The part of a presigned URL that permits writing."""

ADDRESS: Final = f"https://bucket.storage.example/canary-object?{QUERY}"

_READ_BYTES: Final = 1 << 16


@dataclass
class Storage:
    """The head of each request, and the size of the last body."""

    address: str = ""
    heads: list[str] = field(default_factory=list)
    received: int = 0
    content: bytes = b""
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a body has arrived, if the behaviour says so."""
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a connection has ended."""

    @property
    def url(self) -> str:
        """A presigned URL of this storage."""
        return f"{self.address}/bucket/canary-object?{QUERY}"

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the last request, with names in lower case."""
        lines = self.heads[-1].splitlines()[1:]
        pairs = (line.partition(": ") for line in lines if line)
        return {name.lower(): value for name, _, value in pairs}

    async def receive(self, reader: StreamReader, size: int | None = None) -> None:
        """Receive so many bytes of the body, or all; keeps only its beginning."""
        total = int(self.headers["content-length"]) if size is None else size
        while self.received < total and (chunk := await reader.read(_READ_BYTES)):
            self.received += len(chunk)
            self.content += chunk[: _READ_BYTES - len(self.content)]


def respond_with(status: str, *headers: str) -> StorageBehaviour:
    """Receive everything, then respond."""

    async def behave(storage: Storage, reader: StreamReader, writer: StreamWriter) -> None:
        await storage.receive(reader)
        writer.write("\r\n".join((f"HTTP/1.1 {status}", *headers, "", "")).encode())

    return behave


async def reset_while_reading(storage: Storage, reader: StreamReader, writer: StreamWriter) -> None:
    """Read some of the body, then reset the connection."""
    await storage.receive(reader, _READ_BYTES)
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def receive_until_disconnect(
    storage: Storage, reader: StreamReader, _writer: StreamWriter
) -> None:
    """Receive everything, and wait until the client disconnects."""
    await storage.receive(reader)
    storage.complete.set()
    await reader.read()


async def receive_and_disconnect(
    storage: Storage, reader: StreamReader, _writer: StreamWriter
) -> None:
    """Receive everything, and disconnect without a response."""
    await storage.receive(reader)


@asynccontextmanager
async def open_storage(
    behave: StorageBehaviour,
    *,
    seconds: float = PATIENCE_SECONDS,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Storage]:
    """Run a storage with this behaviour, for at most so many seconds. With `tls`, over HTTPS."""
    storage = Storage()

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        storage.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        storage.received, storage.content = 0, b""
        with suppress(ConnectionError):
            await behave(storage, reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        storage.disconnected.set()

    tasks: list[asyncio.Task[None]] = []
    server = await asyncio.start_server(
        lambda *ends: tasks.append(asyncio.create_task(serve(*ends))), "127.0.0.1", 0, ssl=tls
    )
    origin = "https://localhost" if tls else "http://127.0.0.1"
    storage.address = f"{origin}:{server.sockets[0].getsockname()[1]}"
    async with server, asyncio.timeout(seconds):
        try:
            yield storage
        finally:
            await asyncio.gather(*tasks)


@dataclass
class Answer:
    """A storage that takes some bytes of the file, and then answers or fails.

    `again` is what it does the second time, if that differs.
    """

    then: int | Exception
    takes: float = len(MP4)
    body: str = f"<Error>{QUERY}</Error>"
    again: int | Exception | None = None


class StorageTransport(SandboxTransport):
    """The sandbox, and a storage beside it."""

    def __init__(self, trax: Sandbox, answer: Answer) -> None:
        super().__init__(trax)
        self.answer = answer
        self.received: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on, or read from the file, and answer."""
        if request.method != "PUT":
            return await super().handle_async_request(request)
        self.received.append(request)
        assert isinstance(request.stream, httpx.AsyncByteStream)
        taken = 0
        if self.answer.takes:
            async for chunk in request.stream:
                taken += len(chunk)
                if taken >= self.answer.takes:
                    break
        then = self.answer.then
        if len(self.received) > 1 and self.answer.again is not None:
            then = self.answer.again
        if isinstance(then, Exception):
            raise then
        elsewhere = {"Location": "https://elsewhere.example/canary"}
        return httpx.Response(then, headers=elsewhere, text=self.answer.body)
