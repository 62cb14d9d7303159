"""The way to a TRaX on a port, as a small TCP proxy that can mistreat what passes it.

It passes on one exchange after the other and does with some of them what it is told: say half,
say nothing, reset. Waiting takes no time: where it falls silent, the event loop's clock leaps. It
knows HTTP's outlines, and nothing of TRaX or of MCP.
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

    Leap = Callable[[float], None]
    Mischief = Callable[["Exchange"], Awaitable[None]]

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_REQUEST_ID = re.compile(r"(?i)\r\nx-request-id: *(\S+)")
_RESET: Final = struct.pack("ii", 1, 0)
_END: Final = b"\r\n\r\n"
_BREATH = 10  # rounds of the event loop in which whoever waits for a byte has got it


@dataclass
class Exchange:
    """One request that has come from the caller, and what the caller is told in return."""

    request: bytes = field(repr=False)
    proxy: Proxy = field(repr=False)
    _reader: StreamReader = field(repr=False)
    _writer: StreamWriter = field(repr=False)
    began: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    said: int = 0
    """How many bytes the caller was told."""

    @property
    def method(self) -> str:
        """Of the request."""
        return self._words[0]

    @property
    def path(self) -> str:
        """Still percent-encoded, without the query."""
        return self._words[1].partition("?")[0]

    @property
    def request_id(self) -> str:
        """The id that the caller gave it."""
        found = _REQUEST_ID.search(self.request.decode("latin-1"))
        return found[1] if found else ""

    async def answer(self) -> bytes:
        """Let the request reach TRaX; its whole answer, which the caller has not got yet."""
        reader, writer = await asyncio.open_connection(*self.proxy.behind)
        try:
            writer.write(self.request)
            return await _read_message(reader)
        finally:
            writer.close()
            await writer.wait_closed()

    async def say(self, words: bytes) -> None:
        """Tell the caller something; raises ConnectionError if nobody is there any more."""
        self._writer.write(words)
        self.said += len(words)
        await self._writer.drain()

    def close(self) -> None:
        """End the connection in order."""
        self._writer.close()

    def reset(self) -> None:
        """End the connection at once, with a reset."""
        held: socket.socket = self._writer.get_extra_info("socket")
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._writer.transport.abort()

    async def fall_silent(self) -> None:
        """Say nothing more until the caller has given up, for which no time is needed."""
        over = self.began + self.proxy.patience
        self.proxy.leap(max(0, over - asyncio.get_running_loop().time()))
        await self._reader.read()

    async def breathe(self) -> None:
        """Let others go on; raises ConnectionError if the caller has left."""
        for _ in range(_BREATH):
            await asyncio.sleep(0)
        if self._reader.at_eof():
            raise ConnectionResetError

    @property
    def _words(self) -> list[str]:
        return self.request.partition(b"\r\n")[0].decode("ascii").split(" ")


async def pass_on(exchange: Exchange) -> None:
    """What happens to an exchange for which nothing else was set."""
    await exchange.say(await exchange.answer())


@dataclass
class Proxy:
    """A way to TRaX. `patience` is how long a silence lasts, in seconds of the loop's clock."""

    behind: tuple[str, int]
    leap: Leap
    patience: float
    url: str = ""
    exchanges: list[Exchange] = field(default_factory=list)
    """All that has come from callers, oldest first."""
    _set: list[tuple[Mischief, str, str]] = field(default_factory=list)
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    def mistreat(self, mischief: Mischief, *, method: str = "*", path: str = "*") -> None:
        """From now on, do this to such requests instead of passing them on."""
        self._set.append((mischief, method, path))

    def relent(self) -> None:
        """From now on, pass everything on."""
        self._set.clear()

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one connection until either side ends it."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            while not writer.is_closing():
                exchange = Exchange(await _read_message(reader), self, reader, writer)
                self.exchanges.append(exchange)
                await self._treat(exchange)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the caller has left, or the test has ended
        finally:
            self._open.discard(task)
            writer.close()

    async def hang_up(self) -> None:
        """End all connections."""
        for task in (left := tuple(self._open)):
            task.cancel()
        await asyncio.gather(*left)

    async def _treat(self, exchange: Exchange) -> None:
        for mischief, method, path in self._set:
            if fnmatchcase(exchange.method, method) and fnmatchcase(exchange.path, path):
                return await mischief(exchange)
        return await pass_on(exchange)


@asynccontextmanager
async def between(address: str, *, patience: float) -> AsyncIterator[Proxy]:
    """A proxy in front of what serves at an address, `http://host:port`."""
    host, _, port = address.removeprefix("http://").partition(":")
    with leaping() as leap:
        proxy = Proxy((host, int(port)), leap, patience)
        server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
        proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            try:
                yield proxy
            finally:
                await proxy.hang_up()


@contextmanager
def leaping() -> Iterator[Leap]:
    """The clock of this event loop in the test's hand: every time-out of the process goes by it."""
    loop, ahead = asyncio.get_running_loop(), 0.0
    real = loop.time

    def leap(seconds: float) -> None:
        nonlocal ahead
        ahead += seconds

    loop.time = lambda: real() + ahead  # type: ignore[method-assign]  # there is no other way in
    try:
        yield leap
    finally:
        loop.time = real  # type: ignore[method-assign]


async def _read_message(reader: StreamReader) -> bytes:
    """A whole request or answer, whose body, if there is one, has its length with_notice."""
    head = await reader.readuntil(_END)
    length = _LENGTH.search(head)
    return head + (await reader.readexactly(int(length[1])) if length else b"")
