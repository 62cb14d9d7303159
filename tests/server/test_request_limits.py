"""Requests that never become complete, and too many of them: they end, and shut nobody out.

Attacks as they speak, over real sockets.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import pytest
from mcp import Client

from tests.support.concurrency import Paused
from tests.support.concurrency import begin as begin_call
from tests.support.product.limits import smaller_limits
from tests.support.product.local_servers import Held
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.sandbox_accounts import READONLY_KEY
from tests.support.product.shared_clock import settled
from tests.support.raw_connections import (
    CONTINUE,
    DRIP_SECONDS,
    HEAD,
    RawConnection,
    connected,
)
from tests.support.served_app import sdk_connection, serving
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.simulated_person import Form, Person, agreeing
from tests.world.wire import LEGACY, MODERN, HttpWire, read_answer, request, tool_call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from contextlib import AbstractAsyncContextManager

    import httpx

    from tests.support.served_app import Front
    from tests.support.simulated_person import FormAnswer
    from tests.world.wire import Message

STUDIO: Final = "studio_42"
DELETION: Final = ("delete_destination", {"studioId": STUDIO, "destId": "dest_1"})
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
    with smaller_limits(body_seconds=SHORT_SECONDS):
        async with serving() as front, connected(front.address) as connection:
            connection.send(begin() + b'{"jsonrpc"')
            head, _, body = (await connection.response()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert "not complete within 10 s" in json.loads(body)["error"]["message"]


async def test_a_request_that_announces_too_much_is_refused_before_it_arrives() -> None:
    """Its connection would be taken for ten seconds."""
    announced = begin().replace(b"1000", b"%d" % (32 * KIB + 1))
    async with serving() as front, connected(front.address) as connection:
        connection.send(announced)
        assert await connection.status() == 413


@pytest.mark.parametrize(("key", "most"), [("", 32 * KIB), (SANDBOX_KEY, 64 * KIB)])
async def test_a_request_has_32_kib_or_64_with_a_key_that_trax_accepts(key: str, most: int) -> None:
    """To read one of 4 MiB would take seconds, in which no stop is sent."""
    async with serving() as front:
        caller = front.caller(MODERN, x_api_key=key)
        await caller.call("list_studios")
        message = tool_call(MODERN, "get_health", x="")
        missing = most - len(json.dumps(message, separators=(",", ":")))
        for size, status in ((missing, 200), (missing + 1, 413)):
            message = tool_call(MODERN, "get_health", x="x" * size)
            assert (await caller.post(message)).status_code == status


async def test_streams_and_slow_calls_are_not_cut() -> None:
    """A stream of each era, and a call that TRaX does not answer yet."""
    held = Held()
    with smaller_limits(body_seconds=SHORT_SECONDS):
        async with serving() as front, AsyncExitStack() as stack:
            front.trax.faults.add(held.fault)
            legacy = await front.opened(LEGACY, x_api_key=SANDBOX_KEY)
            stream = front.http.stream("GET", "/mcp", headers=legacy.all_headers())
            modern = front.caller(MODERN, x_api_key=SANDBOX_KEY)
            streams = [await stack.enter_async_context(it) for it in (stream, listen(modern))]
            calling = asyncio.create_task(modern.post(tool_call(MODERN, "list_studios")))
            await held.arrived()
            for _ in range(3):  # each is refused after the short time
                async with connected(front.address) as connection:
                    connection.send(begin())
                    assert await connection.status() == 408
            assert not calling.done()
            await check_open(streams)
            held.release()
            assert "result" in read_answer(await calling)


# Too many open requests


def listen(caller: HttpWire) -> AbstractAsyncContextManager[httpx.Response]:
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

            async def opened(caller: HttpWire) -> httpx.Response:
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


async def test_the_caller_with_most_requests_loses_one_where_all_room_is_taken() -> None:
    """Its oldest stream, before any call."""
    with smaller_limits(requests_of_all=4):
        async with serving() as front, AsyncExitStack() as stack:
            many, few = [front.caller(MODERN, x_api_key=it) for it in (SANDBOX_KEY, READONLY_KEY)]
            for caller in (many, few):
                await caller.call("list_studios")
            other = await stack.enter_async_context(listen(few))
            mine = [await stack.enter_async_context(listen(many)) for _ in range(3)]
            assert not (await few.call("list_studios")).get("isError")
            await check_end(mine[0])
            await check_open((other, *mine[1:]))


@asynccontextmanager
async def asking_client(front: Front, person: Person) -> AsyncIterator[Client]:
    """A client of the earlier era, whose forms this person sees."""
    headers = {"X-API-Key": SANDBOX_KEY}
    async with (
        sdk_connection(front.address, headers) as connection,
        Client(
            connection,
            mode=LEGACY,
            cache=None,
            elicitation_callback=person,
        ) as client,
    ):
        yield client


async def test_a_call_that_waits_for_a_person_and_a_stop_end_for_no_other() -> None:
    """If a key has nothing else in flight, the new request is refused."""
    held, answered = Paused(), anyio.Event()
    person = Person()

    async def agree_late(form: Form) -> FormAnswer:
        await answered.wait()
        return await agreeing(form)

    person.answer_with(agree_late)
    with smaller_limits(requests_of_a_key=3):
        async with (
            serving() as front,
            asking_client(front, person) as asking,
            anyio.create_task_group() as tasks,
        ):
            caller = front.caller(MODERN, x_api_key=SANDBOX_KEY)
            confirmed = [await confirmed_stop(caller) for _ in range(2)]
            ran = begin_call(tasks, partial(asking.call_tool, *DELETION))
            await person.asked()
            front.trax.faults.add(held.fault, times=None, path=f"/v1/studios/{STUDIO}/go-offline")
            stops = [asyncio.create_task(caller.post(it)) for it in confirmed]
            await held.arrived()
            await settled()
            refused = await caller.post(tool_call(MODERN, "list_studios"))
            assert refused.status_code == 503
            assert "with this key" in refused.json()["error"]["message"]
            held.release()
            assert [(await it).status_code for it in stops] == [200] * 2
            answered.set()
        assert not ran[0].is_error, ran


async def confirmed_stop(caller: HttpWire) -> Message:
    """A stop with its yes."""
    shown = await caller.call("go_offline", studioId=STUDIO)
    confirmation = shown["structuredContent"]["confirmation"]
    return tool_call(MODERN, "go_offline", studioId=STUDIO, confirm=True, confirmation=confirmation)
