"""A small TCP proxy in front of a TRaX that can misbehave towards the client.

It forwards one exchange after the other; a fault may truncate, stall or reset it. A stall takes no
time: it advances the clock of the event loop.
"""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    AdvanceClock = Callable[[float], None]
    ProxyFault = Callable[["Exchange"], Awaitable[None]]

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_REQUEST_ID = re.compile(r"(?i)\r\nx-request-id: *(\S+)")
_RESET: Final = struct.pack("ii", 1, 0)
_HEAD_END: Final = b"\r\n\r\n"
_ROUNDS = 10  # rounds of the event loop until a task that waits for a byte has received it


@dataclass
class Exchange:
    """One request from the client, and the response to it."""

    request: bytes = field(repr=False)
    proxy: Proxy = field(repr=False)
    _reader: StreamReader = field(repr=False)
    _writer: StreamWriter = field(repr=False)
    began: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    bytes_sent: int = 0
    """How many bytes the client was sent."""

    @property
    def method(self) -> str:
        """The HTTP method of the request."""
        return self._request_line[0]

    @property
    def path(self) -> str:
        """Still percent-encoded, without the query."""
        return self._request_line[1].partition("?")[0]

    @property
    def request_id(self) -> str:
        """The client's own id of the request."""
        found = _REQUEST_ID.search(self.request.decode("latin-1"))
        return found[1] if found else ""

    async def forward(self) -> bytes:
        """Forward the request to TRaX; return the response without sending it to the client."""
        reader, writer = await asyncio.open_connection(*self.proxy.upstream)
        try:
            writer.write(self.request)
            return await _read_message(reader)
        finally:
            writer.close()
            await writer.wait_closed()

    async def send(self, data: bytes) -> None:
        """Send the client data; raises ConnectionError if it has disconnected."""
        self._writer.write(data)
        self.bytes_sent += len(data)
        await self._writer.drain()

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()

    def reset(self) -> None:
        """Reset the connection."""
        connection: socket.socket = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._writer.transport.abort()

    async def stall(self) -> None:
        """Send nothing until the client has timed out; the loop's clock is advanced for that."""
        stalls_until = self.began + self.proxy.stall_seconds
        self.proxy.advance_loop_clock(max(0, stalls_until - asyncio.get_running_loop().time()))
        await self._reader.read()

    async def let_caller_read(self) -> None:
        """Let the client read; raises ConnectionError if it has disconnected."""
        for _ in range(_ROUNDS):
            await asyncio.sleep(0)
        if self._reader.at_eof():
            raise ConnectionResetError

    @property
    def _request_line(self) -> list[str]:
        return self.request.partition(b"\r\n")[0].decode("ascii").split(" ")


async def forward_unchanged(exchange: Exchange) -> None:
    """The default: forward the request and send the response."""
    await exchange.send(await exchange.forward())


@dataclass
class Proxy:
    """The proxy. `stall_seconds` is how long a stall lasts, in seconds of the loop's clock."""

    upstream: tuple[str, int]
    advance_loop_clock: AdvanceClock
    stall_seconds: float
    url: str = ""
    exchanges: list[Exchange] = field(default_factory=list)
    """All exchanges, oldest first."""
    _faults: list[tuple[ProxyFault, str, str]] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _active: int = 0

    @property
    def is_busy(self) -> bool:
        """Whether a request has not been answered yet, and its client still waits."""
        return self._active > 0

    def add_fault(self, fault: ProxyFault, *, method: str = "*", path: str = "*") -> None:
        """From now on, handle matching requests with this fault."""
        self._faults.append((fault, method, path))

    def clear_faults(self) -> None:
        """From now on, forward everything."""
        self._faults.clear()

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one connection until either side closes it."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while not writer.is_closing():
                exchange = Exchange(await _read_message(reader), self, reader, writer)
                self.exchanges.append(exchange)
                await self._handle(exchange)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client has disconnected, or the test has ended
        finally:
            self._tasks.discard(task)
            writer.close()

    async def close_all(self) -> None:
        """Close all connections."""
        for task in (tasks := tuple(self._tasks)):
            task.cancel()
        await asyncio.gather(*tasks)

    async def _handle(self, exchange: Exchange) -> None:
        self._active += 1
        try:
            await self._fault_for(exchange)(exchange)
        finally:
            self._active -= 1

    def _fault_for(self, exchange: Exchange) -> ProxyFault:
        for fault, method, path in self._faults:
            if fnmatchcase(exchange.method, method) and fnmatchcase(exchange.path, path):
                return fault
        return forward_unchanged


@asynccontextmanager
async def proxy_to(address: str, *, stall_seconds: float) -> AsyncIterator[Proxy]:
    """Run a proxy in front of a server at an address, `http://host:port`."""
    host, _, port = address.removeprefix("http://").partition(":")
    with adjustable_loop_clock() as advance_loop_clock:
        proxy = Proxy((host, int(port)), advance_loop_clock, stall_seconds)
        server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
        proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            try:
                yield proxy
            finally:
                await proxy.close_all()


@contextmanager
def adjustable_loop_clock() -> Iterator[AdvanceClock]:
    """Yields a function that advances this event loop's clock, and so every time-out."""
    loop, offset = asyncio.get_running_loop(), 0.0
    real = loop.time

    def advance_loop_clock(seconds: float) -> None:
        nonlocal offset
        offset += seconds

    loop.time = lambda: real() + offset  # type: ignore[method-assign]  # no public way to set it
    try:
        yield advance_loop_clock
    finally:
        loop.time = real  # type: ignore[method-assign]


async def _read_message(reader: StreamReader) -> bytes:
    """A whole request or response; a body needs a Content-Length."""
    head = await reader.readuntil(_HEAD_END)
    length = _LENGTH.search(head)
    return head + (await reader.readexactly(int(length[1])) if length else b"")
