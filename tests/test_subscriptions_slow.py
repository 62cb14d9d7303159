"""Clients that do not read what they are told: they delay nobody, and little is kept for them.

The SDK's client always reads, so that here one stands on a bare socket. The buffers of both ends
are made small: what is in them is told, as far as a server can see.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest

from tests.audience import CHAT, moments, say, spellings, staging, viewer_of
from tests.hand import settled
from tests.jsonrpc import LEGACY, MODERN, request
from tests.processes import PATIENCE_SECONDS, STOP_SECONDS
from tests.streams import Session
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.server.http_server import listen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tests.audience import Viewer
    from tests.front import Front
    from tests.jsonrpc import HttpCaller

ADDRESSES = tuple(islice(spellings(), 100))
"""One chat in a hundred spellings: one look at TRaX makes a hundred notifications."""

MESSAGES = 40
SMALL = 4096


@dataclass(frozen=True)
class Slow:
    """A client that reads nothing but what it is made to."""

    connection: socket.socket
    caller: HttpCaller

    def read_some(self, size: int) -> bytes:
        """Read at most so many bytes of what is there."""
        try:
            return self.connection.recv(size)
        except BlockingIOError:
            return b""

    async def read_all(self, last: set[str]) -> Sequence[str]:
        """Read on until these came last and nothing more comes; what it was told of, in order."""
        read, quiet = b"", 0
        told: list[str] = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            # On a busy machine what was sent may take longer to arrive than anybody here is busy.
            while quiet < 5 or set(told[-len(last) :]) != last:
                await settled()
                more = self.read_some(1 << 16)
                read, quiet = read + more, 0 if more else quiet + 1
                told = re.findall(r'"uri":\s*"([^"]+)"', read.decode(errors="replace"))
        return told


@asynccontextmanager
async def narrow_stage() -> AsyncIterator[Front]:
    """A server of which little is under way to anybody."""

    def narrow(host: str, port: int) -> socket.socket:
        listener = listen(host, port)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        return listener

    with patch("tests.ports.listen", narrow):
        async with staging() as front:
            yield front


@asynccontextmanager
async def slow_client(front: Front, era: str) -> AsyncIterator[Slow]:
    """One that is subscribed to a hundred addresses."""
    caller = await front.opened(era, x_api_key=SANDBOX_KEY)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        connection.setblocking(False)  # noqa: FBT003  its only parameter
        where = urlsplit(front.address)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(connection, (where.hostname, where.port))
        await loop.sock_sendall(connection, opening(caller))
        await settled()
        if era == LEGACY:
            await Session(caller).subscribe(*ADDRESSES)
        yield Slow(connection, caller)


def opening(caller: HttpCaller) -> bytes:
    """The request whose answer is the stream, as bytes."""
    message, body = None, b""
    if caller.era == MODERN:
        wanted = {"notifications": {"resourceSubscriptions": ADDRESSES}}
        message = request(MODERN, "subscriptions/listen", wanted)
        body = json.dumps(message).encode()
    headers = {
        **caller.all_headers(message),
        "host": caller.http.base_url.netloc.decode(),
        "content-type": "application/json",
        "content-length": str(len(body)),
    }
    lines = [
        f"{'POST' if body else 'GET'} /mcp HTTP/1.1",
        *(f"{it}: {headers[it]}" for it in headers),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.mark.parametrize("size", [0, 500], ids=["reads nothing", "reads little"])
async def test_a_client_that_reads_slowly_delays_nobody_and_little_waits_for_it(
    era: str, size: int
) -> None:
    """Another is told of each message; this one, once it reads, of each address and not of each.

    What was in buffers comes first: a few hundred of the four thousand notifications.
    """
    async with (
        narrow_stage() as front,
        viewer_of(front, era) as viewer,
        slow_client(front, era) as slow,
    ):
        await viewer.subscribe(CHAT)
        cursor = await viewer.cursor()
        for number in range(MESSAGES):
            say(front, f"Message {number}")
            await front.clock.pass_until(partial(was_told, viewer, number + 1), most=12)
            slow.read_some(size)
        told = await slow.read_all(set(ADDRESSES))
        assert viewer.told == [CHAT] * MESSAGES
        assert await viewer.texts(after=cursor) == [f"Message {it}" for it in range(MESSAGES)]
        assert len(told) < MESSAGES * len(ADDRESSES) / 4


async def test_a_client_that_is_stuck_and_hangs_up_is_looked_for_no_more(era: str) -> None:
    """Although its last notification could not be sent."""
    async with narrow_stage() as front:
        async with slow_client(front, era) as slow:
            await fill(front)
            if era == LEGACY:
                await Session(slow.caller).end()
        assert await moments(front, 60) == []


async def test_a_server_that_stops_does_not_wait_for_a_client_that_is_stuck(era: str) -> None:
    """It cannot be told the end, and so is not."""
    async with AsyncExitStack() as leaves_last:
        async with narrow_stage() as front:
            await leaves_last.enter_async_context(slow_client(front, era))
            await fill(front)
            await front.house.stop()
            stopping = time.monotonic()
        assert time.monotonic() - stopping < STOP_SECONDS


def was_told(viewer: Viewer, times: int) -> bool:
    """Whether a client was told so many times."""
    return len(viewer.told) >= times


async def fill(front: Front) -> None:
    """Tell of so much that the buffers of whoever reads nothing are full."""
    for number in range(MESSAGES // 2):
        say(front, f"Message {number}")
        await front.clock.pass_by(5)
