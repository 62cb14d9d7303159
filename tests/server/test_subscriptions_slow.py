"""Clients that do not read their notifications delay no other client and use little memory.

The SDK's client always reads, so these clients use a bare socket. The buffers of both ends are
small: data in them counts as sent.
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

from tests.support.event_streams import Session
from tests.support.product import local_servers
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.shared_clock import settled
from tests.support.server_process import PATIENCE_SECONDS, STOP_SECONDS
from tests.support.subscribers import (
    CHAT,
    equivalent_uris,
    manual_clock_server,
    say,
    subscriber_of,
)
from tests.world.wire import LEGACY, MODERN, request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from tests.support.served_app import Front
    from tests.support.subscribers import Subscriber
    from tests.world.wire import HttpWire

URIS = tuple(islice(equivalent_uris(), 100))
"""Equivalent URIs of one chat: one poll causes a hundred notifications."""

MESSAGES = 40
BUFFER_BYTES = 4096


@dataclass(frozen=True)
class SlowClient:
    """A client that reads only when the test tells it to."""

    connection: socket.socket
    caller: HttpWire

    def read_some(self, size: int) -> bytes:
        """Read at most `size` bytes of the received data."""
        try:
            return self.connection.recv(size)
        except BlockingIOError:
            return b""

    async def read_all(self, expected: set[str]) -> Sequence[str]:
        """Read until these URIs came last and nothing more arrives. Returns all URIs, in order."""
        read, idle_rounds = b"", 0
        updates: list[str] = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            # On a busy machine, sent data may arrive after all tasks of this process are idle.
            while idle_rounds < 5 or set(updates[-len(expected) :]) != expected:
                await settled()
                received = self.read_some(1 << 16)
                read, idle_rounds = read + received, 0 if received else idle_rounds + 1
                updates = re.findall(r'"uri":\s*"([^"]+)"', read.decode(errors="replace"))
        return updates


@asynccontextmanager
async def server_with_small_buffers() -> AsyncIterator[Front]:
    """A server with small send buffers."""
    listen: Callable[[str, int], socket.socket] = vars(local_servers)["listen"]

    def listen_with_small_buffer(host: str, port: int) -> socket.socket:
        listener = listen(host, port)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        return listener

    with patch.object(local_servers, "listen", listen_with_small_buffer):
        async with manual_clock_server() as front:
            yield front


@asynccontextmanager
async def slow_client(front: Front, era: str) -> AsyncIterator[SlowClient]:
    """A slow client that is subscribed to a hundred URIs."""
    caller = await front.opened(era, x_api_key=SANDBOX_KEY)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        connection.setblocking(False)  # noqa: FBT003  the only parameter
        address = urlsplit(front.address)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(connection, (address.hostname, address.port))
        await loop.sock_sendall(connection, opening(caller))
        await settled()
        if era == LEGACY:
            await Session(caller).subscribe(*URIS)
        yield SlowClient(connection, caller)


def opening(caller: HttpWire) -> bytes:
    """The request whose response is the stream, as bytes."""
    message, body = None, b""
    if caller.era == MODERN:
        params = {"notifications": {"resourceSubscriptions": URIS}}
        message = request(MODERN, "subscriptions/listen", params)
        body = json.dumps(message).encode()
    headers = {
        **caller.all_headers(message),
        "host": caller.http.base_url.netloc.decode(),
        "content-type": "application/json",
        "content-length": str(len(body)),
    }
    lines = [
        f"{'POST' if body else 'GET'} /mcp HTTP/1.1",
        *(f"{name}: {headers[name]}" for name in headers),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.mark.parametrize(("era", "size"), [(LEGACY, 0), (MODERN, 500)])
async def test_a_slow_client_delays_no_other_and_has_few_pending_notifications(
    era: str, size: int
) -> None:
    """Once it reads, it gets the buffered notifications, then one for each URI.

    These are a few hundred of thousands. The other client is notified of each message.
    """
    async with (
        server_with_small_buffers() as front,
        subscriber_of(front, era) as subscriber,
        slow_client(front, era) as slow,
    ):
        await subscriber.subscribe(CHAT)
        cursor = await subscriber.cursor()
        for number in range(MESSAGES):
            say(front, f"Message {number}")
            await front.clock.pass_until(partial(was_notified, subscriber, number + 1), most=12)
            slow.read_some(size)
        updates = await slow.read_all(set(URIS))
        assert subscriber.updates == [CHAT] * MESSAGES
        assert await subscriber.texts(after=cursor) == [
            f"Message {number}" for number in range(MESSAGES)
        ]
        assert len(updates) < MESSAGES * len(URIS) / 4


@pytest.mark.timing
async def test_a_stopping_server_does_not_wait_for_a_client_that_reads_nothing() -> None:
    """The end of its stream is not sent."""
    async with AsyncExitStack() as closed_last:
        async with server_with_small_buffers() as front:
            await closed_last.enter_async_context(slow_client(front, MODERN))
            await fill_buffers(front)
            await front.product.shut_down()
            stopping = time.monotonic()
        assert time.monotonic() - stopping < STOP_SECONDS


def was_notified(subscriber: Subscriber, times: int) -> bool:
    """Whether a client has received `times` notifications."""
    return len(subscriber.updates) >= times


async def fill_buffers(front: Front) -> None:
    """Cause notifications until the buffers of a client that reads nothing are full."""
    for number in range(MESSAGES // 2):
        say(front, f"Message {number}")
        await front.clock.pass_by(5)
