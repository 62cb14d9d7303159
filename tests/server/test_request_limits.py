"""Requests that never become complete, and too many of them: they end, and shut nobody out.

Attacks as they speak, over real sockets.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.jsonrpc import LEGACY, MODERN, HttpCaller, read_answer, request, tool_call
from tests.support.product.limits import smaller_limits
from tests.support.product.local_servers import Held
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.sandbox_accounts import READONLY_KEY
from tests.support.raw_connections import (
    BEGINNING,
    CONTINUE,
    DRIP_SECONDS,
    GET,
    HEAD,
    RawConnection,
    connected,
)
from tests.support.served_app import serving
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractAsyncContextManager

    import httpx

SHORT_SECONDS: Final = 0.1
KIB: Final = 1024


def begin(head: bytes = b"localhost", more: bytes = b"") -> bytes:
    """The head of a request for this host that announces a body."""
    return HEAD % (head, more)


# Size and time


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        (b"evil.example.com", b"", 421),
        (b"localhost", b"Origin: https://evil.example.com\r\n", 403),
    ],
    ids=["host", "origin"],
)
async def test_host_and_origin_are_checked_before_the_body_arrives(
    host: bytes, origin: bytes, status: int
) -> None:
    """The refusal comes although no byte of the body does."""
    async with serving() as front, connected(front.address) as connection:
        connection.send(begin(host, origin))
        assert await connection.status() == status


async def test_a_request_has_ten_seconds_for_its_body() -> None:
    """Then it is refused, with the time in words, and its connection closed."""
    with smaller_limits(request_seconds=SHORT_SECONDS):
        async with serving() as front, connected(front.address) as connection:
            connection.send(begin() + b'{"jsonrpc"')
            head, _, body = (await connection.response()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert "not complete within 10 s" in json.loads(body)["error"]["message"]


async def test_a_request_that_announces_over_256_kib_is_refused_before_they_arrive() -> None:
    """Its connection would be taken for ten seconds."""
    announced = begin().replace(b"1000", b"%d" % (256 * KIB + 1))
    async with serving() as front, connected(front.address) as connection:
        connection.send(announced)
        assert await connection.status() == 413


async def test_a_request_over_256_kib_is_refused() -> None:
    """To read one of 4 MiB would take seconds, in which no stop is sent."""
    async with serving() as front:
        caller = front.caller(MODERN)
        message = tool_call(MODERN, "get_health", x="")
        missing = 256 * KIB - len(json.dumps(message, separators=(",", ":")))
        for size, status in ((missing, 200), (missing + 1, 413)):
            message = tool_call(MODERN, "get_health", x="x" * size)
            assert (await caller.post(message)).status_code == status


@pytest.mark.parametrize(
    "sent", [b"", BEGINNING, GET + BEGINNING], ids=["no byte", "half a head", "a second head"]
)
async def test_a_connection_without_a_complete_request_is_closed(sent: bytes) -> None:
    """Before the first request and after a response."""
    with smaller_limits(request_seconds=SHORT_SECONDS):
        async with serving() as front, connected(front.address) as connection:
            connection.send(sent)
            assert (await connection.response()).count(b"HTTP/1.1") == sent.count(GET)


@pytest.mark.parametrize(
    ("sent", "drip"),
    [(b"", BEGINNING + b"X-Header: %b" % (b"x" * 1000)), (begin(b"evil.example.com"), b"x" * 999)],
    ids=["head", "body that was refused"],
)
async def test_a_request_that_arrives_byte_by_byte_is_cut(sent: bytes, drip: bytes) -> None:
    """Its bytes do not restart the time."""
    with smaller_limits(request_seconds=SHORT_SECONDS):
        async with serving() as front, connected(front.address) as connection:
            connection.send(sent)
            assert await connection.closed_despite(drip)


async def test_streams_and_slow_calls_are_not_cut() -> None:
    """A stream of each era, and a call that TRaX does not answer yet."""
    held = Held()
    with smaller_limits(request_seconds=SHORT_SECONDS):
        async with serving() as front, AsyncExitStack() as stack:
            front.trax.faults.add(held.fault)
            legacy = await front.opened(LEGACY, x_api_key=SANDBOX_KEY)
            stream = front.http.stream("GET", "/mcp", headers=legacy.all_headers())
            modern = front.caller(MODERN, x_api_key=SANDBOX_KEY)
            streams = [await stack.enter_async_context(it) for it in (stream, listen(modern))]
            calling = asyncio.create_task(modern.post(tool_call(MODERN, "list_studios")))
            await held.arrived()
            for _ in range(3):  # each is closed after the short time
                async with connected(front.address) as connection:
                    assert await connection.response() == b""
            assert not calling.done()
            await check_open(streams)
            held.release()
            assert "result" in read_answer(await calling)


# Too many open requests


def listen(caller: HttpCaller) -> AbstractAsyncContextManager[httpx.Response]:
    """Open a stream of the later era, with no subscription in it."""
    message = request(MODERN, "subscriptions/listen", {"notifications": {}})
    headers = caller.all_headers(message)
    return caller.http.stream("POST", "/mcp", json=message, headers=headers)


async def check_end(stream: httpx.Response) -> None:
    """Wait for the end of a stream, which must be complete."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await stream.aread()


async def check_open(streams: Iterable[httpx.Response]) -> None:
    """Check that streams do not end."""
    reads = [asyncio.create_task(check_end(it)) for it in streams]
    await asyncio.wait(reads, timeout=DRIP_SECONDS)
    assert not any(it.done() for it in reads)
    for it in reads:
        it.cancel()


async def test_the_oldest_stream_without_an_accepted_key_ends_at_the_limit() -> None:
    """Streams of an accepted key neither count nor end, even if it was accepted just now."""
    with smaller_limits(requests_of_others=3):
        async with serving() as front, AsyncExitStack() as stack:

            async def opened(caller: HttpCaller) -> httpx.Response:
                return await stack.enter_async_context(listen(caller))

            customer = front.caller(MODERN, x_api_key=SANDBOX_KEY)
            customers = [await opened(customer)]
            await customer.call("list_studios")
            customers += [await opened(customer) for _ in range(3)]
            others = [await opened(front.caller(MODERN)) for _ in range(4)]
            await check_end(others[0])
            await check_open([*others[1:], *customers])


async def test_one_accepted_key_cannot_take_every_connection() -> None:
    """Its own oldest stream ends, and those of another key do not count."""
    with smaller_limits(requests_of_a_key=3):
        async with serving() as front, AsyncExitStack() as stack:
            customers = [front.caller(MODERN, x_api_key=key) for key in (SANDBOX_KEY, READONLY_KEY)]
            for customer in customers:
                await customer.call("list_studios")
            other = await stack.enter_async_context(listen(customers[1]))
            mine = [await stack.enter_async_context(listen(customers[0])) for _ in range(4)]
            await check_end(mine[0])
            await check_open((other, *mine[1:]))


async def test_the_oldest_unfinished_request_ends_at_the_limit() -> None:
    """The oldest is refused, and a client that sends a whole request gets in."""
    with smaller_limits(requests_of_others=3):
        async with serving() as front, AsyncExitStack() as stack:
            unfinished: list[RawConnection] = [
                await stack.enter_async_context(connected(front.address)) for _ in range(3)
            ]
            for it in unfinished:
                it.send(begin(more=CONTINUE))
                assert await it.status() == 100
            assert (await front.caller(MODERN).call("get_health"))["structuredContent"]
            assert b" 503 " in await unfinished[0].response()
