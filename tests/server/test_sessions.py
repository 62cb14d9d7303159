"""Sessions of the earlier era: nobody takes the room of others, and none in use ends for a new one.

Over real sockets. docs/http.md has the limits: 500 for each key that TRaX accepts, 100 for all
other callers together. Here they are smaller, so that a test reaches them.
"""

from __future__ import annotations

from asyncio import gather
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

from tests.support.product.faults import Fault
from tests.support.product.limits import smaller_limits
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY, READONLY_KEY
from tests.support.product.shared_clock import settled
from tests.support.product.virtual_time import in_virtual_time
from tests.world.wire import INITIALIZE, LEGACY, HttpWire, tool_call
from tests.world.world import MINE, Over, World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SESSIONS_OF_A_KEY: Final = 5
SESSIONS_OF_OTHERS: Final = 10
NARROW_KEY: Final = "sk_live_sandbox_narrow"
UNKNOWN_KEY: Final = "sk_live_unknown"
TEAM: Final = 60
"""The clients of a team with one key."""


@asynccontextmanager
async def small_world() -> AsyncIterator[World]:
    """A world whose server takes few sessions."""
    with smaller_limits(sessions_of_a_key=SESSIONS_OF_A_KEY, sessions_of_others=SESSIONS_OF_OTHERS):
        async with open_world(over=Over.HTTP) as it:
            yield it


async def opened(it: World, key: str = "", count: int = 1) -> list[HttpWire]:
    """Open sessions with this key, or without one."""
    callers = [HttpWire(it.http, LEGACY, x_api_key=key) for _ in range(count)]
    for caller in callers:
        await caller.open()
    return callers


async def is_open(caller: HttpWire) -> bool:
    """Whether its session is open; the answer to a call otherwise is 404."""
    answer = await caller.post(tool_call(LEGACY, "get_health"))
    assert answer.status_code in {200, 404}
    return answer.status_code == 200


async def test_many_sessions_without_a_key_end_no_session_of_an_accepted_key() -> None:
    """Nor one with an open stream. A session that its client ends no longer counts."""
    async with small_world() as it:
        (customer,) = await opened(it, MINE)
        await customer.call("list_studios")
        (streaming,) = await opened(it)
        async with it.http.stream("GET", "/mcp", headers=streaming.all_headers()) as stream:
            assert stream.status_code == 200
            oldest, second, third, *_ = await opened(it, count=SESSIONS_OF_OTHERS)
            assert not await is_open(oldest)
            assert await is_open(streaming)
            assert await is_open(second)
            assert await third.statuses() == (200, 200)
            await opened(it)
            assert await is_open(second)
            assert await is_open(customer)


async def test_new_keys_are_served_while_too_many_sessions_are_open() -> None:
    """Others end those of a key that TRaX refuses, or says nothing about, and of no other key."""
    async with small_world() as it:
        it.trax.add_key(NARROW_KEY, scopes=())
        oldest, *_ = await opened(it, count=SESSIONS_OF_OTHERS)
        customers = [(await opened(it, key))[0] for key in (MINE, ANOTHER_ACCOUNT_KEY, NARROW_KEY)]
        (refused,) = await opened(it, UNKNOWN_KEY)
        it.trax.faults.add(Fault.status(500))
        (unanswered,) = await opened(it, READONLY_KEY)
        assert await is_open(refused)
        assert await is_open(unanswered)
        assert not await is_open(oldest)
        await opened(it, count=SESSIONS_OF_OTHERS)
        assert not await is_open(refused)
        assert not await is_open(unanswered)
        assert [await is_open(one) for one in customers] == [True] * 3


async def test_a_key_above_its_limit_loses_its_longest_unused_session() -> None:
    """Sessions of others stay."""
    async with small_world() as it:
        others = [*await opened(it), *await opened(it, ANOTHER_ACCOUNT_KEY)]
        (first,) = await opened(it, MINE)
        await first.call("list_studios")
        second, *_ = await opened(it, MINE, SESSIONS_OF_A_KEY - 1)
        assert await is_open(first)
        await opened(it, MINE)
        await settled()
        assert not await is_open(second)
        assert [await is_open(one) for one in (first, *others)] == [True] * 3


async def test_no_session_in_use_ends_for_a_new_one() -> None:
    """If all have a stream or a call, the new one is refused, until one of them has ended."""
    async with small_world() as it, AsyncExitStack() as stack:
        callers = await opened(it, MINE, SESSIONS_OF_A_KEY)
        await callers[0].call("list_studios")
        for one in callers:
            stream = it.http.stream("GET", "/mcp", headers=one.all_headers())
            assert (await stack.enter_async_context(stream)).status_code == 200
        newcomer = HttpWire(it.http, LEGACY, x_api_key=MINE)
        refused = await newcomer.post(INITIALIZE)
        assert refused.status_code == 200
        error = refused.json()["error"]
        assert "in use" in error["message"]
        assert error["data"]["error"]["code"] == "rate_limited"
        assert "mcp-session-id" not in refused.headers
        assert [await is_open(one) for one in callers] == [True] * SESSIONS_OF_A_KEY
        assert await callers[0].statuses() == (409, 200)
        await newcomer.open()
        assert await is_open(newcomer)


@in_virtual_time
async def test_the_clients_of_a_team_with_one_key_end_no_session_of_each_other() -> None:
    """60 of them, each with an open stream and its calls, at the limits that operators have."""
    async with open_world(over=Over.HTTP, virtual=True) as it, AsyncExitStack() as stack:
        clients = await opened(it, MINE, TEAM)
        for one in clients:
            stream = it.http.stream("GET", "/mcp", headers=one.all_headers())
            await stack.enter_async_context(stream)
        answers = await gather(*(one.call("list_studios") for one in clients))
        assert not any(answer.get("isError") for answer in answers)


async def test_a_caller_of_the_sandbox_without_a_key_counts_as_accepted() -> None:
    """`trax-mcp http --sandbox` calls with its own key."""
    with smaller_limits(sessions_of_others=1):
        async with open_world(over=Over.HTTP, TRAX_SANDBOX="1") as it:
            first, *_ = await opened(it, count=2)
            await first.call("list_studios")
            await opened(it, count=2)
            assert await is_open(first)
