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
    assert "wasn't complete within 10 s" in json.loads(body)["error"]["message"]


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


async def refusal(caller: HttpWire) -> dict[str, Any]:
    """The error with which a call is refused, in HTTP 200."""
    error: dict[str, Any] = (await caller.call("list_studios"))["structuredContent"]["error"]
    assert error["message"].startswith("Too many requests are open with this key")
    assert (error["code"], error["retryAfterSeconds"]) == ("rate_limited", 5)
    return error


async def test_a_key_has_its_own_limit_and_no_stream_ends_for_another() -> None:
    """All callers without an accepted key share one."""
    async with limited(requests=3) as here:
        mine, another = [await here.accepted(key) for key in (MINE, READONLY_KEY)]
        streams = [*await here.streams(mine, 3), *await here.streams(here.caller(), 3)]
        for full in (mine, here.caller()):
            await refusal(full)
        streams += await here.streams(another)
        assert not (await another.call("list_studios")).get("isError")
        await check_open(streams)


async def test_no_key_takes_the_last_place_of_all() -> None:
    """It has no more places than are free: so there is always one for another key."""
    async with limited(requests_of_all=4) as here:
        many, few = [await here.accepted(key) for key in (MINE, READONLY_KEY)]
        streams = await here.streams(many, 2)
        await refusal(many)
        assert not (await few.call("list_studios")).get("isError")
        await check_open(streams)


async def test_the_oldest_unfinished_request_ends_at_the_limit() -> None:
    """The oldest is refused, and a client that sends a whole request gets in."""
    async with limited(requests_of_all=12) as here, AsyncExitStack() as stack:
        unfinished = [await stack.enter_async_context(connected(here.it.address)) for _ in range(3)]
        for it in unfinished:
            it.send(begin(more=CONTINUE))
            assert await it.status() == 100
        assert (await here.caller().call("get_health"))["structuredContent"]
        refused = await unfinished[0].response()
        assert b" 503 " in refused
        assert b"retry-after: 5" in refused.lower()


async def test_a_stop_needs_no_place_and_a_call_that_waits_for_a_person_keeps_its_own() -> None:
    """Nor does the answer of the person, which the client sends as a request of its own."""
    answered = anyio.Event()

    async def agree_late(form: Form) -> FormAnswer:
        await answered.wait()
        return await agreeing(form)

    person = Person(agree_late)
    async with limited(requests=2) as here:
        caller = await here.accepted(MINE)
        asking = await here.it.caller(era=LEGACY, person=person)  # its stream has a place
        waiting = asking.start(DELETE_DESTINATION)
        await person.asked()
        await refusal(caller)
        shown = await caller.call("go_offline", studioId=STUDIO)
        yes = {"confirm": True, "confirmation": shown["structuredContent"]["confirmation"]}
        assert not (await caller.call("go_offline", studioId=STUDIO, **yes)).get("isError")
        answered.set()
        assert has_run(await waiting.result())


async def test_the_stop_of_a_key_that_is_new_has_a_place_of_its_own() -> None:
    """Stops that strangers send with other new keys don't take it."""
    held, keys = Held(), [f"sk_live_sandbox_new_{number}" for number in range(3)]
    async with limited(requests=1) as here, anyio.create_task_group() as tasks:
        for key in keys:
            here.it.trax.add_key(key)
        here.it.trax.faults.add(held.fault, times=None)
        for key in keys:
            tasks.start_soon(
                here.caller(key).post, tool_call(MODERN, "go_offline", studioId=STUDIO)
            )
        await held.arrived()
        await settled()
        assert {*here.it.keys} == {*keys}
        held.release()


# What was read is answered in HTTP 200: several libraries hang at an error of HTTP


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_that_is_refused_for_load_is_a_failed_call(era: str) -> None:
    """It has reached nobody, a change neither."""
    held = Held()
    async with limited(requests=1) as here:
        await here.accepted(MINE)
        caller = HttpWire(here.it.http, era, x_api_key=MINE)
        await caller.open()
        here.it.trax.faults.add(held.fault, times=None)
        waiting = asyncio.create_task(caller.post(tool_call(era, "list_studios", number=6)))
        await held.arrived()
        messages = [
            tool_call(era, "list_studios", number=7),
            tool_call(era, "send_chat_message", number=8, studioId=STUDIO, text="Hello"),
            request(era, "resources/read", {"uri": "trax://studios"}, number=9),
        ]
        answers = [await caller.post(it) for it in messages]
        held.release()
        await waiting
        assert here.it.trax.mutations == []
    assert [it.status_code for it in answers] == [200] * 3
    read, change, resource = map(read_answer, answers)
    assert [it["id"] for it in (read, change, resource)] == [7, 8, 9]
    assert ("resultType" in read["result"]) is (era == MODERN)
    assert change["result"] == read["result"]
    error = read["result"]["structuredContent"]["error"]
    assert error["message"].endswith("Call again in 5 s.")
    assert error == {
        "code": "rate_limited",
        "message": read["result"]["content"][0]["text"],
        "retryAfterSeconds": 5,
        "retryable": True,
        "outcome": "not_applied",
    }
    assert resource["error"]["data"]["error"]["code"] == "rate_limited"


@pytest.mark.parametrize("era", ERAS)
async def test_the_limit_of_trax_is_a_failed_call(era: str) -> None:
    async with limited() as here:
        await here.accepted(MINE)
        caller = await here.it.wire(era=era)
        here.it.trax.faults.add(Fault.error(429, "rate_limited", Retry_After="30"))
        answer = await caller.post(tool_call(era, "list_studios"))
    assert answer.status_code == 200
    error = read_answer(answer)["result"]["structuredContent"]["error"]
    assert (error["code"], error["retryAfterSeconds"]) == ("rate_limited", 30)
