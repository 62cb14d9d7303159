"""Sessions of the earlier era: each key has its own number of them, and none ends for another.

Over real sockets. docs/http.md has the limit: 500 for each key that TRaX accepts, and 500 for all
other callers together. Here it is smaller, so that a test reaches it.
"""

from __future__ import annotations

from asyncio import gather
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

from tests.support.product.faults import Fault
from tests.support.product.limits import smaller_limits
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY, READONLY_KEY
from tests.support.product.virtual_time import in_virtual_time
from tests.world.wire import INITIALIZE, LEGACY, HttpWire, tool_call
from tests.world.world import MINE, Over, World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SESSIONS: Final = 5
UNKNOWN_KEY: Final = "sk_live_unknown"
TEAM: Final = 60
"""The clients of a team with one key."""


@asynccontextmanager
async def small_world() -> AsyncIterator[World]:
    """A world whose server takes few sessions."""
    with smaller_limits(sessions_of_a_name=SESSIONS):
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


async def is_refused(it: World, key: str = "") -> bool:
    """Whether no session can be opened. The refusal is an answer in HTTP 200."""
    answer = await HttpWire(it.http, LEGACY, x_api_key=key).post(INITIALIZE)
    assert answer.status_code == 200
    if "mcp-session-id" in answer.headers:
        return False
    error = answer.json()["error"]
    assert error["message"].startswith("Too many sessions are open")
    assert error["data"]["error"]["code"] == "rate_limited"
    return True


async def test_a_key_with_all_its_sessions_gets_no_more_of_them() -> None:
    """Others still open theirs, and none ends. One that its client ends no longer counts."""
    async with small_world() as it:
        first, second, *rest = await opened(it, MINE, SESSIONS)
        await first.call("list_studios")
        assert await is_refused(it, MINE)
        others = [*await opened(it), *await opened(it, ANOTHER_ACCOUNT_KEY)]
        assert await second.statuses() == (200, 200)
        (newcomer,) = await opened(it, MINE)
        assert [await is_open(one) for one in (first, newcomer, *rest, *others)] == [True] * (
            SESSIONS + 2
        )


async def test_callers_whose_key_trax_has_not_accepted_share_one_limit() -> None:
    """TRaX is asked where the sessions are full. A key that it refuses, or not judges, waits."""
    async with small_world() as it:
        await opened(it, count=SESSIONS)
        assert await is_refused(it)
        assert await is_refused(it, UNKNOWN_KEY)
        customers = [(await opened(it, key))[0] for key in (MINE, ANOTHER_ACCOUNT_KEY)]
        it.trax.faults.add(Fault.status(500))
        assert await is_refused(it, READONLY_KEY)
        assert [await is_open(one) for one in customers] == [True] * 2


@in_virtual_time
async def test_the_clients_of_a_team_with_one_key_all_have_a_session() -> None:
    """60 of them, each with an open stream and its calls, at the limits that operators have."""
    async with open_world(over=Over.HTTP, virtual=True) as it, AsyncExitStack() as stack:
        clients = await opened(it, MINE, TEAM)
        for one in clients:
            stream = it.http.stream("GET", "/mcp", headers=one.all_headers())
            await stack.enter_async_context(stream)
        answers = await gather(*(one.call("list_studios") for one in clients))
        assert not any(answer.get("isError") for answer in answers)
