"""Clients that do not read their notifications delay no other client and use little memory.

The buffers of both ends are small: data in them counts as sent.
"""

from __future__ import annotations

import socket
import time
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import islice, product
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

import anyio
import httpx
import pytest

from tests.support.chat_polls import cursor_of, open_polled, texts_after
from tests.support.http_clients import plain_http
from tests.support.product import local_servers
from tests.support.product.shared_clock import settled
from tests.support.resource_reads import CHAT
from tests.support.server_process import PATIENCE_SECONDS, STOP_SECONDS
from tests.world.wire import LEGACY, MODERN, HttpWire, Stream, request
from tests.world.world import MINE, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

MESSAGES: Final = 40
BUFFER_BYTES: Final = 4096


def equivalent_uris() -> Iterator[str]:
    """URIs of one chat: any letter may be percent-encoded."""
    for spelling in product(*((it, f"%{ord(it):02X}") for it in "studio_42")):
        yield f"trax://studios/{''.join(spelling)}/chat"


URIS: Final = tuple(islice(equivalent_uris(), 100))
"""One poll causes a hundred notifications."""


@asynccontextmanager
async def small_buffers() -> AsyncIterator[World]:
    """A world whose server has small send buffers."""
    listen: Callable[[str, int], socket.socket] = vars(local_servers)["listen"]

    def listen_with_small_buffer(host: str, port: int) -> socket.socket:
        listener = listen(host, port)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        return listener

    with patch.object(local_servers, "listen", listen_with_small_buffer):
        async with open_polled(MINE) as it:
            yield it


@asynccontextmanager
async def slow_client(it: World, era: str) -> AsyncIterator[httpx.Response]:
    """A client that is subscribed to a hundred URIs. Its stream is read only by the test."""
    small = httpx.AsyncHTTPTransport(
        socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)],
        verify=local_servers.NO_CERTIFICATES,
    )
    async with plain_http(it.address, transport=small) as http:
        caller, message = HttpWire(http, era, x_api_key=MINE), None
        await caller.open()
        if era == MODERN:
            params = {"notifications": {"resourceSubscriptions": URIS}}
            message = request(MODERN, "subscriptions/listen", params)
        async with http.stream(
            "POST" if message else "GET",
            "/mcp",
            json=message,
            headers=caller.all_headers(message),
        ) as response:
            if era == LEGACY:
                await caller.subscribe(*URIS)
            yield response


@pytest.mark.parametrize("era", [LEGACY, MODERN])
async def test_a_slow_client_delays_no_other_and_has_few_pending_notifications(era: str) -> None:
    """Once it reads, it gets the buffered notifications, then one for each URI.

    These are a few hundred of thousands. The other client is notified of each message.
    """
    async with small_buffers() as it, slow_client(it, era) as slow:
        other = await it.caller(era=era)
        await other.subscribe(CHAT)
        cursor = await cursor_of(other)
        for number in range(MESSAGES):
            it.trax.say(f"Message {number}")
            await it.hand_clock.pass_until(lambda: len(other.updates) > number, most=12)  # noqa: B023
        updates = await all_updates(slow)
        assert other.updates == [CHAT] * MESSAGES
        assert await texts_after(other, cursor) == [f"Message {it}" for it in range(MESSAGES)]
        assert len(updates) < MESSAGES * len(URIS) / 4


async def all_updates(slow: httpx.Response) -> list[str]:
    """Read until each URI came last and nothing more arrives."""
    stream, before = Stream(slow.status_code), -1
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stream.read, slow)
        with anyio.fail_after(PATIENCE_SECONDS):
            while set(stream.updates[-len(URIS) :]) != set(URIS) or len(stream.updates) > before:
                before = len(stream.updates)
                await settled()
        tasks.cancel_scope.cancel()
    return stream.updates


@pytest.mark.timing
async def test_a_stopping_server_does_not_wait_for_a_client_that_reads_nothing() -> None:
    """The end of its stream is not sent."""
    async with AsyncExitStack() as closed_last:
        async with small_buffers() as it:
            await closed_last.enter_async_context(slow_client(it, MODERN))
            for number in range(MESSAGES // 2):  # until the buffers are full
                it.trax.say(f"Message {number}")
                await it.hand_clock.pass_by(5)
            await it.product.shut_down()
            stopping = time.monotonic()
        assert time.monotonic() - stopping < STOP_SECONDS
