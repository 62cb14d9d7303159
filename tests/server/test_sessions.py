"""Limits of sessions over real sockets: new clients are served, and idle sessions end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.jsonrpc import LEGACY, HttpCaller, tool_call
from tests.support.product.faults import Fault
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY
from tests.support.product.shared_clock import settled
from tests.support.served_app import serving
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.sandbox.keys import ACCOUNT
from trax_mcp.sandbox.records import Key
from trax_mcp.server.http.session_table import (
    IDLE_SECONDS,
    MAX_OTHER_SESSIONS,
    MAX_SESSIONS,
    OTHER_IDLE_SECONDS,
)

if TYPE_CHECKING:
    from tests.support.served_app import Front

pytestmark = pytest.mark.slow

NARROW_KEY = "sk_live_sandbox_narrow"
UNKNOWN_KEY = "sk_live_unknown"


async def is_open(caller: HttpCaller) -> bool:
    """Whether its session is open; the answer to a call otherwise is 404."""
    answer = await caller.post(tool_call(LEGACY, "get_health"))
    assert answer.status_code in {200, 404}
    return answer.status_code == 200


async def flood(front: Front, count: int = MAX_OTHER_SESSIONS) -> list[HttpCaller]:
    """Open sessions without a key."""
    return [await front.opened(LEGACY) for _ in range(count)]


async def test_many_sessions_without_a_key_end_no_session_of_an_accepted_key() -> None:
    """The session of a key that TRaX has accepted stays open."""
    async with serving() as front:
        customer = await front.opened(LEGACY, x_api_key=SANDBOX_KEY)
        await customer.call("list_studios")
        opened = await flood(front, MAX_OTHER_SESSIONS + 1)
        assert not await is_open(opened[0])
        assert await is_open(opened[1])
        assert await is_open(opened[-1])
        assert await is_open(customer)


async def test_new_keys_are_served_while_too_many_sessions_are_open() -> None:
    """A new key is tried with one read, and what TRaX accepts is not ended by others."""
    async with serving() as front:
        front.trax.world.keys[NARROW_KEY] = Key(NARROW_KEY, "narrow", ACCOUNT, frozenset())
        await flood(front)
        customers = [
            await front.opened(LEGACY, x_api_key=key)
            for key in (SANDBOX_KEY, ANOTHER_ACCOUNT_KEY, NARROW_KEY)
        ]
        assert [it.path for it in front.trax.requests] == ["/v1/studios"] * 3
        again = await front.opened(LEGACY, x_api_key=SANDBOX_KEY)
        assert len(front.trax.requests) == 3
        await flood(front)
        assert [await is_open(it) for it in (*customers, again)] == [True] * 4


async def test_no_key_is_tried_below_the_limit_of_sessions() -> None:
    """Opening a session costs no request to TRaX."""
    async with serving() as front:
        await flood(front, MAX_OTHER_SESSIONS - 1)
        await front.opened(LEGACY, x_api_key=SANDBOX_KEY)
        assert front.keys == []


@pytest.mark.parametrize("fault", [None, Fault.status(500)], ids=["refused", "no answer"])
async def test_a_key_that_trax_does_not_accept_counts_among_all_others(
    fault: Fault | None,
) -> None:
    """Its client is served as well; the session that is unused for longest ends."""
    async with serving() as front:
        opened = await flood(front)
        if fault is not None:
            front.trax.faults.add(fault)
        with_key = await front.opened(LEGACY, x_api_key=UNKNOWN_KEY)
        assert front.keys == [UNKNOWN_KEY]
        assert await is_open(with_key)
        assert not await is_open(opened[0])
        await flood(front)
        assert not await is_open(with_key)


async def test_a_key_above_its_limit_loses_its_longest_unused_session() -> None:
    """The one that is unused for longest."""
    async with serving() as front:
        keyless = await front.opened(LEGACY)
        other = await front.opened(LEGACY, x_api_key=ANOTHER_ACCOUNT_KEY)
        first = await front.opened(LEGACY, x_api_key=SANDBOX_KEY)
        await first.call("list_studios")
        second, *_ = [
            await front.opened(LEGACY, x_api_key=SANDBOX_KEY) for _ in range(MAX_SESSIONS - 1)
        ]
        front.clock.advance(1)
        assert await is_open(first)
        await front.opened(LEGACY, x_api_key=SANDBOX_KEY)
        await settled()
        assert not await is_open(second)
        assert [await is_open(it) for it in (first, other, keyless)] == [True] * 3


async def test_an_idle_session_ends_before_one_with_an_open_stream() -> None:
    """While an idle one can. The stream goes on."""
    async with serving() as front:
        streaming = await front.opened(LEGACY)
        headers = streaming.all_headers()
        async with front.http.stream("GET", "/mcp", headers=headers) as stream:
            assert stream.status_code == 200
            front.clock.advance(1)
            first, *_ = await flood(front)
            assert not await is_open(first)
            assert await is_open(streaming)


async def test_a_client_can_end_its_session() -> None:
    """It no longer counts."""
    async with serving() as front:
        ended, *others = await flood(front)
        assert await ended.statuses() == (200, 200)
        await front.opened(LEGACY)
        assert await is_open(others[0])


async def test_an_idle_session_ends_after_5_minutes_or_30_with_an_accepted_key() -> None:
    """Not while a stream is open."""
    async with serving(short_seconds=0) as front:
        keyless = await front.opened(LEGACY)
        streaming = await front.opened(LEGACY)
        customer = await front.opened(LEGACY, x_api_key=SANDBOX_KEY)
        await customer.call("list_studios")
        async with front.http.stream("GET", "/mcp", headers=streaming.all_headers()):
            await settled()
            front.clock.advance(OTHER_IDLE_SECONDS - 1)
            assert await is_open(keyless)
            await settled()
            front.clock.advance(OTHER_IDLE_SECONDS - 1)
            await settled()
            assert await is_open(keyless)
            await settled()
            front.clock.advance(OTHER_IDLE_SECONDS)
            await settled()
            assert not await is_open(keyless)
            assert await is_open(customer)
            await settled()
            front.clock.advance(IDLE_SECONDS - 1)
            assert await is_open(customer)
            await settled()
            front.clock.advance(IDLE_SECONDS)
            await settled()
            assert not await is_open(customer)
            assert await is_open(streaming)


async def test_a_request_of_another_caller_does_not_keep_a_session_open() -> None:
    """A request of another caller is answered with 404, and is no use of the session."""
    async with serving(short_seconds=0) as front:
        owner = await front.opened(LEGACY)
        front.clock.advance(299)
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
        front.clock.advance(600)
        await settled()
        assert await is_open(caller)
