"""Sessions of the earlier era: nobody takes the room of others, and idle ones end.

Over real sockets. docs/http.md has the limits: 50 for each key that TRaX accepts, 100 for all other
callers together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.support.jsonrpc import LEGACY, HttpCaller, tool_call
from tests.support.product.faults import Fault
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY, READONLY_KEY
from tests.support.product.shared_clock import settled
from tests.support.served_app import serving

if TYPE_CHECKING:
    from tests.support.served_app import Front

SESSIONS_OF_A_KEY: Final = 50
SESSIONS_OF_OTHERS: Final = 100
NARROW_KEY: Final = "sk_live_sandbox_narrow"
UNKNOWN_KEY: Final = "sk_live_unknown"
MINUTE: Final = 60


async def is_open(caller: HttpCaller) -> bool:
    """Whether its session is open; the answer to a call otherwise is 404."""
    answer = await caller.post(tool_call(LEGACY, "get_health"))
    assert answer.status_code in {200, 404}
    return answer.status_code == 200


async def flood(front: Front, count: int = SESSIONS_OF_OTHERS) -> list[HttpCaller]:
    """Open sessions without a key."""
    return [await front.opened(LEGACY) for _ in range(count)]


async def test_many_sessions_without_a_key_end_no_session_of_an_accepted_key() -> None:
    """Nor one with an open stream. A session that its client ends no longer counts."""
    async with serving() as front:
        customer = await front.opened(LEGACY, x_api_key=SANDBOX_KEY)
        await customer.call("list_studios")
        streaming = await front.opened(LEGACY)
        async with front.http.stream("GET", "/mcp", headers=streaming.all_headers()) as stream:
            assert stream.status_code == 200
            front.clock.advance(1)
            oldest, second, third, *_ = await flood(front)
            assert not await is_open(oldest)
            assert await is_open(streaming)
            assert await is_open(second)
            assert await third.statuses() == (200, 200)
            await front.opened(LEGACY)
            assert await is_open(second)
            assert await is_open(customer)


async def test_new_keys_are_served_while_too_many_sessions_are_open() -> None:
    """Others end those of a key that TRaX refuses, or says nothing about, and of no other key."""
    async with serving() as front:
        front.trax.add_key(NARROW_KEY, scopes=())
        opened = await flood(front)
        customers = [
            await front.opened(LEGACY, x_api_key=key)
            for key in (SANDBOX_KEY, ANOTHER_ACCOUNT_KEY, NARROW_KEY)
        ]
        refused = await front.opened(LEGACY, x_api_key=UNKNOWN_KEY)
        front.trax.faults.add(Fault.status(500))
        unanswered = await front.opened(LEGACY, x_api_key=READONLY_KEY)
        assert await is_open(refused)
        assert await is_open(unanswered)
        assert not await is_open(opened[0])
        await flood(front)
        assert not await is_open(refused)
        assert not await is_open(unanswered)
        assert [await is_open(it) for it in customers] == [True] * 3


async def test_a_key_above_its_limit_loses_its_longest_unused_session() -> None:
    """Sessions of others stay."""
    async with serving() as front:
        keyless = await front.opened(LEGACY)
        other = await front.opened(LEGACY, x_api_key=ANOTHER_ACCOUNT_KEY)
        first = await front.opened(LEGACY, x_api_key=SANDBOX_KEY)
        await first.call("list_studios")
        second, *_ = [
            await front.opened(LEGACY, x_api_key=SANDBOX_KEY) for _ in range(SESSIONS_OF_A_KEY - 1)
        ]
        front.clock.advance(1)
        assert await is_open(first)
        await front.opened(LEGACY, x_api_key=SANDBOX_KEY)
        await settled()
        assert not await is_open(second)
        assert [await is_open(it) for it in (first, other, keyless)] == [True] * 3


async def test_an_idle_session_ends_after_5_minutes_or_30_with_an_accepted_key() -> None:
    """Not while a stream is open."""
    async with serving(short_seconds=0) as front:
        keyless = await front.opened(LEGACY)
        streaming = await front.opened(LEGACY)
        customer = await front.opened(LEGACY, x_api_key=SANDBOX_KEY)
        await customer.call("list_studios")
        async with front.http.stream("GET", "/mcp", headers=streaming.all_headers()):

            async def open_after(caller: HttpCaller, seconds: float) -> bool:
                await settled()
                front.clock.advance(seconds)
                await settled()
                return await is_open(caller)

            assert await open_after(keyless, 5 * MINUTE - 1)
            assert await open_after(keyless, 5 * MINUTE - 1)
            assert not await open_after(keyless, 5 * MINUTE)
            assert await open_after(customer, 15 * MINUTE)
            assert await open_after(customer, 30 * MINUTE - 1)
            assert not await open_after(customer, 30 * MINUTE)
            assert await is_open(streaming)


async def test_a_request_of_another_caller_does_not_keep_a_session_open() -> None:
    """It is answered with 404, and is no use of the session."""
    async with serving(short_seconds=0) as front:
        owner = await front.opened(LEGACY)
        front.clock.advance(5 * MINUTE - 1)
        intruder = front.caller(LEGACY, x_api_key=SANDBOX_KEY)
        intruder.session = owner.session
        assert not await is_open(intruder)
        front.clock.advance(1)
        await settled()
        assert not await is_open(owner)


async def test_a_caller_of_the_sandbox_without_a_key_counts_as_accepted() -> None:
    """`trax-mcp http --sandbox` calls with its own key."""
    async with serving(short_seconds=0, TRAX_SANDBOX="1") as front:
        caller = await front.opened(LEGACY)
        await caller.call("list_studios")
        front.clock.advance(10 * MINUTE)
        await settled()
        assert await is_open(caller)
