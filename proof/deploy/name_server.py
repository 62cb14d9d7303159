"""A name server (DNS) of a test's own, whose addresses the test changes."""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio

from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_HEAD: Final = struct.Struct(">HHHHHH")
_KIND: Final = struct.Struct(">HH")
_ADDRESS: Final = struct.Struct(">HHHIH4s")
_ANSWERS, _KNOWS_NO_SUCH_NAME = 0x8580, 0x8583
_A, _IN, _NAME_OF_QUESTION = 1, 1, 0xC00C


class NameServer(asyncio.DatagramProtocol):
    """Answers with the address in `names`, and that there is none for any other name."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.port = 0
        self._questions = 0
        self._asked = anyio.Event()

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401  a `DatagramTransport`, in all but its class
        """Listen."""
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer the one question in it (RFC 1035, 4.1)."""
        labels, end = [], _HEAD.size
        while length := data[end]:
            labels.append(data[end + 1 : end + 1 + length].decode())
            end += 1 + length
        kind, _ = _KIND.unpack_from(data, end + 1)
        question = data[_HEAD.size : end + 1 + _KIND.size]
        address = self.names.get(".".join(labels).lower())
        flags = _KNOWS_NO_SUCH_NAME if address is None else _ANSWERS
        records = b""
        if address is not None and kind == _A:
            packed = ipaddress.ip_address(address).packed
            records = _ADDRESS.pack(_NAME_OF_QUESTION, _A, _IN, 0, len(packed), packed)
        number = int.from_bytes(data[:2], "big")
        head = _HEAD.pack(number, flags, 1, 1 if records else 0, 0, 0)
        self._transport.sendto(head + question + records, addr)
        self._questions += 1
        self._asked.set()

    async def wait_for_questions(self, count: int) -> None:
        """Wait until so many more questions were answered."""
        wanted = self._questions + count
        with anyio.fail_after(PATIENCE_SECONDS):
            while self._questions < wanted:
                self._asked = anyio.Event()
                await self._asked.wait()


@asynccontextmanager
async def name_server() -> AsyncIterator[NameServer]:
    """A name server that knows no name yet, until the end of the block."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, ("127.0.0.1", 0))
    try:
        yield server
    finally:
        transport.close()
