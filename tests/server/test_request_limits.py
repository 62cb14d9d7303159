"""Requests that never become complete, and too many of them: they end, and shut nobody out.

Attacks as they speak, over real sockets.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from tests.support.concurrency import Paused
from tests.support.guarded_calls import DELETE_DESTINATION
from tests.support.product.faults import Fault
from tests.support.product.limits import smaller_limits
from tests.support.product.local_servers import Held
from tests.support.product.sandbox_accounts import READONLY_KEY
from tests.support.product.shared_clock import settled
from tests.support.raw_connections import CONTINUE, DRIP_SECONDS, HEAD, connected
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.simulated_person import Form, Person, agreeing
from tests.world.answers import has_run
from tests.world.wire import ERAS, LEGACY, MODERN, HttpWire, read_answer, request, tool_call
from tests.world.world import MINE, Over, World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    import httpx

    from tests.support.simulated_person import FormAnswer

STUDIO: Final = "studio_42"
SHORT_SECONDS: Final = 0.1
KIB: Final = 1024


def begin(host: bytes = b"localhost", more: bytes = b"") -> bytes:
    """The head of a request for this host that announces a body."""
    return HEAD % (host, more)


class Callers:
    """A world over HTTP, and streams without a subscription that are open until it ends."""

    def __init__(self, it: World, stack: AsyncExitStack) -> None:
        self.it = it
        self._stack = stack

    def caller(self, key: str = "") -> HttpWire:
        """A caller of the later era."""
        return HttpWire(self.it.http, MODERN, x_api_key=key)

    async def accepted(self, key: str) -> HttpWire:
        """The same with a key that TRaX has accepted."""
        caller = self.caller(key)
        await caller.call("list_studios")
        return caller

    async def streams(self, caller: HttpWire, count: int = 1) -> list[httpx.Response]:
        """Open streams."""
        message = request(MODERN, "subscriptions/listen", {"notifications": {}})
        headers = caller.all_headers(message)
        return [
            await self._stack.enter_async_context(
                caller.http.stream("POST", "/mcp", json=message, headers=headers)
            )
            for _ in range(count)
        ]


@asynccontextmanager
async def limited(**limits: Any) -> AsyncIterator[Callers]:  # noqa: ANN401  as for `smaller_limits`
    """A world whose server has these limits, which are smaller."""
    with smaller_limits(**limits):
        async with open_world(over=Over.HTTP) as it, AsyncExitStack() as stack:
            yield Callers(it, stack)


# Size and time


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (begin(b"evil.example.com"), 421),
        (begin(more=b"Origin: https://evil.example.com\r\n"), 403),
        (begin().replace(b"1000", b"%d" % (64 * KIB + 1)), 413),
    ],
    ids=["host", "origin", "size"],
)
async def test_the_head_is_checked_before_the_body_arrives(head: bytes, status: int) -> None:
    """The refusal comes although no byte of the body does: its connection would be taken."""
    async with open_world(over=Over.HTTP) as it, connected(it.address) as connection:
        connection.send(head)
        assert await connection.status() == status


async def test_a_request_has_ten_seconds_for_its_body() -> None:
    """Then it is refused, with the time in words, and its connection closed."""
    short = limited(body_seconds=SHORT_SECONDS)
    async with short as here, connected(here.it.address) as connection:
        connection.send(begin() + b'{"jsonrpc"')
        head, _, body = (await connection.response()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert "not complete within 10 s" in json.loads(body)["error"]["message"]


async def test_a_request_has_at_most_64_kib() -> None:
    """To read one of 4 MiB would take seconds, in which no stop is sent."""
    async with limited() as here:
        caller = here.caller()
        empty = json.dumps(tool_call(MODERN, "get_health", x=""), separators=(",", ":"))
        for size, status in ((64 * KIB, 200), (64 * KIB + 1, 413)):
            message = tool_call(MODERN, "get_health", x="x" * (size - len(empty)))
            assert (await caller.post(message)).status_code == status


async def test_streams_and_slow_calls_are_not_cut() -> None:
    """A stream of each era, and a call that TRaX does not answer yet."""
    held = Held()
    async with limited(body_seconds=SHORT_SECONDS) as here:
        here.it.trax.faults.add(held.fault)
        legacy, modern = await here.it.wire(era=LEGACY), here.caller(MINE)
        async with legacy.stream() as earlier:
            later = await here.streams(modern)
            calling = asyncio.create_task(modern.post(tool_call(MODERN, "list_studios")))
            await held.arrived()
            for _ in range(3):  # each is refused after the short time
                async with connected(here.it.address) as connection:
                    connection.send(begin())
                    assert await connection.status() == 408
            assert (calling.done(), earlier.ended) == (False, False)
            await check_open(later)
            held.release()
            assert "result" in read_answer(await calling)


# Too many open requests


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
    async with limited(requests_of_others=3) as here:
        customer = here.caller(MINE)
        customers = await here.streams(customer)
        await customer.call("list_studios")
        customers += await here.streams(customer, 3)
        oldest, *others = await here.streams(here.caller(), 4)
        await check_end(oldest)
        await check_open([*others, *customers])


async def test_one_accepted_key_cannot_take_every_connection() -> None:
    """Its own oldest stream ends, and those of another key do not count."""
    async with limited(requests_of_a_key=3) as here:
        mine, another = [await here.accepted(key) for key in (MINE, READONLY_KEY)]
        others = await here.streams(another)
        oldest, *rest = await here.streams(mine, 4)
        await check_end(oldest)
        await check_open([*others, *rest])


async def test_the_caller_with_most_requests_loses_one_where_all_room_is_taken() -> None:
    """Its oldest stream, before any call."""
    async with limited(requests_of_all=4) as here:
        many, few = [await here.accepted(key) for key in (MINE, READONLY_KEY)]
        others = await here.streams(few)
        oldest, *rest = await here.streams(many, 3)
        assert not (await few.call("list_studios")).get("isError")
        await check_end(oldest)
        await check_open([*others, *rest])


async def test_the_oldest_unfinished_request_ends_at_the_limit() -> None:
    """The oldest is refused, and a client that sends a whole request gets in."""
    async with limited(requests_of_others=3) as here, AsyncExitStack() as stack:
        unfinished = [await stack.enter_async_context(connected(here.it.address)) for _ in range(3)]
        for it in unfinished:
            it.send(begin(more=CONTINUE))
            assert await it.status() == 100
        assert (await here.caller().call("get_health"))["structuredContent"]
        refused = await unfinished[0].response()
        assert b" 503 " in refused
        assert b"retry-after: 5" in refused.lower()


async def test_a_call_that_waits_for_a_person_and_a_stop_end_for_no_other() -> None:
    """If a key has nothing else in flight, the new request is refused."""
    held, answered = Paused(), anyio.Event()

    async def agree_late(form: Form) -> FormAnswer:
        await answered.wait()
        return await agreeing(form)

    person = Person(agree_late)
    async with limited(requests_of_a_key=3) as here:
        it, caller = here.it, here.caller(MINE)
        asking = await it.caller(era=LEGACY, person=person)
        stops = []
        for _ in range(2):
            shown = await caller.call("go_offline", studioId=STUDIO)
            yes = {"confirm": True, "confirmation": shown["structuredContent"]["confirmation"]}
            stops.append(tool_call(MODERN, "go_offline", studioId=STUDIO, **yes))
        waiting = asking.start(DELETE_DESTINATION)
        await person.asked()
        it.trax.faults.add(held.fault, times=None, path=f"/v1/studios/{STUDIO}/go-offline")
        stopping = [asyncio.create_task(caller.post(stop)) for stop in stops]
        await held.arrived()
        await settled()
        refused = await caller.post(tool_call(MODERN, "list_studios"))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert "with this key" in refused.json()["error"]["message"]
        held.release()
        assert [(await stop).status_code for stop in stopping] == [200] * 2
        answered.set()
        assert has_run(await waiting.result())


# What was read is answered in HTTP 200: several libraries hang at an error of HTTP

LOOK: Final = "Look with list_chat_messages before anything else."


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_that_ends_for_others_is_a_failed_call(era: str) -> None:
    """Of a change nobody knows whether it was made."""
    held = Held()
    async with limited(requests_of_a_key=2) as here:
        await here.accepted(MINE)
        caller = await here.it.wire(era=era)
        here.it.trax.faults.add(held.fault, times=None)
        calls = [
            tool_call(era, "list_studios", number=7),
            tool_call(era, "send_chat_message", number=8, studioId=STUDIO, text="Hello"),
            request(era, "resources/read", {"uri": "trax://studios"}, number=9),
        ]
        posted = []
        for message in (*calls, *calls[:2]):
            posted.append(asyncio.create_task(caller.post(message)))
            await settled()
        answers = [await it for it in posted[:3]]
        held.release()
        await asyncio.gather(*posted[3:])
    assert [it.status_code for it in answers] == [200] * 3
    read, change, resource = map(read_answer, answers)
    assert [it["id"] for it in (read, change, resource)] == [7, 8, 9]
    assert read["result"]["isError"]
    assert change["result"]["isError"]
    assert ("resultType" in read["result"]) is (era == MODERN)
    error = read["result"]["structuredContent"]["error"]
    assert error["message"].endswith("Call again in 5 s.")
    assert error == {
        "code": "rate_limited",
        "message": read["result"]["content"][0]["text"],
        "retryAfterSeconds": 5,
        "retryable": True,
        "outcome": "not_applied",
    }
    error = change["result"]["structuredContent"]["error"]
    assert (error["code"], error["outcome"], error["retryable"]) == (
        *("rate_limited", "unknown"),
        False,
    )
    assert error["message"].endswith(LOOK)
    assert resource["error"]["data"]["error"]["code"] == "rate_limited"


@pytest.mark.parametrize("era", ERAS)
async def test_the_limit_of_trax_is_a_failed_call(era: str) -> None:
    async with limited() as here:
        caller = await here.it.wire(era=era)
        here.it.trax.faults.add(Fault.error(429, "rate_limited", Retry_After="30"))
        answer = await caller.post(tool_call(era, "list_studios"))
    assert answer.status_code == 200
    error = read_answer(answer)["result"]["structuredContent"]["error"]
    assert (error["code"], error["retryAfterSeconds"]) == ("rate_limited", 30)
