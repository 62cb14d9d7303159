"""Sessions of the earlier era: nobody takes the room of others, and none in use ends for a new one.

Over real sockets. docs/http.md has the limits: 500 for each key that TRaX accepts, 100 for all
other callers together.
"""

from __future__ import annotations

from asyncio import gather
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from tests.support.product.faults import Fault
from tests.support.product.limits import smaller_limits
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY, READONLY_KEY
from tests.support.product.shared_clock import settled
from tests.support.served_app import serving
from tests.world.wire import INITIALIZE, LEGACY, HttpWire, tool_call

if TYPE_CHECKING:
    from tests.support.served_app import Front

SESSIONS_OF_A_KEY: Final = 5
"""Not 500, so that a test reaches them."""
SESSIONS_OF_OTHERS: Final = 100
NARROW_KEY: Final = "sk_live_sandbox_narrow"
UNKNOWN_KEY: Final = "sk_live_unknown"
TEAM: Final = 60
"""The clients of a team with one key."""


async def is_open(caller: HttpWire) -> bool:
    """Whether its session is open; the answer to a call otherwise is 404."""
    answer = await caller.post(tool_call(LEGACY, "get_health"))
    assert answer.status_code in {200, 404}
    return answer.status_code == 200


async def flood(front: Front, count: int = SESSIONS_OF_OTHERS) -> list[HttpWire]:
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
    with smaller_limits(sessions_of_a_key=SESSIONS_OF_A_KEY):
        async with serving() as front:
            keyless = await front.opened(LEGACY)
            other = await front.opened(LEGACY, x_api_key=ANOTHER_ACCOUNT_KEY)
            first = await front.opened(LEGACY, x_api_key=SANDBOX_KEY)
            await first.call("list_studios")
            second, *_ = [
                await front.opened(LEGACY, x_api_key=SANDBOX_KEY)
                for _ in range(SESSIONS_OF_A_KEY - 1)
            ]
            assert await is_open(first)
            await front.opened(LEGACY, x_api_key=SANDBOX_KEY)
            await settled()
            assert not await is_open(second)
            assert [await is_open(it) for it in (first, other, keyless)] == [True] * 3


async def test_no_session_in_use_ends_for_a_new_one() -> None:
    """If all have a stream or a call, the new one is refused, until one of them has ended."""
    with smaller_limits(sessions_of_a_key=SESSIONS_OF_A_KEY):
        async with serving() as front, AsyncExitStack() as stack:
            callers = [
                await front.opened(LEGACY, x_api_key=SANDBOX_KEY) for _ in range(SESSIONS_OF_A_KEY)
            ]
            await callers[0].call("list_studios")
            for it in callers:
                stream = front.http.stream("GET", "/mcp", headers=it.all_headers())
                assert (await stack.enter_async_context(stream)).status_code == 200
            newcomer = front.caller(LEGACY, x_api_key=SANDBOX_KEY)
            refused = await newcomer.post(INITIALIZE)
            assert refused.status_code == 503
            assert "in use" in refused.json()["error"]["message"]
            assert "mcp-session-id" not in refused.headers
            assert [await is_open(it) for it in callers] == [True] * SESSIONS_OF_A_KEY
            assert await callers[0].statuses() == (409, 200)
            await newcomer.open()
            assert await is_open(newcomer)


async def test_the_clients_of_a_team_with_one_key_end_no_session_of_each_other() -> None:
    """60 of them, each with an open stream and its calls."""
    async with serving() as front, AsyncExitStack() as stack:
        clients = [await front.opened(LEGACY, x_api_key=SANDBOX_KEY) for _ in range(TEAM)]
        for it in clients:
            stream = front.http.stream("GET", "/mcp", headers=it.all_headers())
            await stack.enter_async_context(stream)
        for _ in range(3):
            answers = await gather(*(it.call("list_studios") for it in clients))
            assert not any(it.get("isError") for it in answers)


async def test_a_caller_of_the_sandbox_without_a_key_counts_as_accepted() -> None:
    """`trax-mcp http --sandbox` calls with its own key."""
    async with serving(TRAX_SANDBOX="1") as front:
        caller = await front.opened(LEGACY)
        await caller.call("list_studios")
        await flood(front, SESSIONS_OF_OTHERS + 1)
        assert await is_open(caller)
