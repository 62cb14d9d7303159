"""`ListCache` keeps the lists of a caller for half a minute, for that caller only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.conftest import OWNER
from tests.hand import settled
from tests.looks import ACCOUNTS, STUDIOS, asked, names, narrow
from tests.processes import PATIENCE_SECONDS
from tests.readings import add_studio
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import Refused, TraxError
from trax_mcp.sandbox import REVOKED_KEY, STRANGER_KEY, Fault
from trax_mcp.sandbox.keys import ACCOUNT
from trax_mcp.studio.list_cache import KEPT_SECONDS, ListCache

if TYPE_CHECKING:
    from tests.hand import HandClock
    from trax_mcp.api.client import Client
    from trax_mcp.sandbox import Sandbox

STRANGER: Final = Caller(STRANGER_KEY)
OWNED: Final = ("studio_42", "studio_43", "studio_51", "studio_60")
MOST_CALLERS: Final = 100
MOST_LISTS: Final = 20


@pytest.fixture
def cache(trax: Client, clock: HandClock) -> ListCache:
    """An empty cache."""
    return ListCache(trax, clock)


async def ids(cache: ListCache, caller: Caller = OWNER) -> tuple[str, ...]:
    """The ids of a caller's studios."""
    return tuple(studio.id for studio in (await cache.studios(caller)).items)


async def test_studios_are_read_once_in_half_a_minute(
    cache: ListCache, sandbox: Sandbox, clock: HandClock
) -> None:
    """After that the list is read again, and kept as long."""
    assert KEPT_SECONDS == 30
    first = await ids(cache)
    sandbox.world.add_studio(ACCOUNT, name="Late Show")
    clock.advance(29.9)
    assert (await ids(cache), len(sandbox.requests)) == (first, 1)
    clock.advance(0.1)
    assert await ids(cache) == ("studio_101", *first)
    clock.advance(29.9)
    assert (len(await ids(cache)), len(sandbox.requests)) == (5, 2)


async def test_all_pages_are_read(cache: ListCache, sandbox: Sandbox) -> None:
    """Here, 254 studios are on two pages."""
    for number in range(250):
        sandbox.world.add_studio(ACCOUNT, name=f"Show {number}")
    assert len(await ids(cache)) == 254
    assert len(sandbox.requests) == 2


async def test_callers_do_not_share_lists(cache: ListCache, sandbox: Sandbox) -> None:
    """Even another key of the same account reads with itself."""
    twin = narrow(sandbox)
    assert [await ids(cache, it) for it in (OWNER, STRANGER, twin)] == [
        OWNED,
        ("studio_99",),
        OWNED,
    ]
    assert [it.key_name for it in sandbox.requests] == ["full", "stranger", "narrow"]


async def test_a_failure_is_not_kept(cache: ListCache, sandbox: Sandbox) -> None:
    """The next call reads again."""
    sandbox.faults.add(Fault.status(500))
    with pytest.raises(Refused):
        await ids(cache)
    assert await ids(cache) == OWNED


async def test_a_failure_does_not_bring_back_an_old_list(
    cache: ListCache, sandbox: Sandbox, clock: HandClock
) -> None:
    """A revoked key gets nothing after half a minute."""
    await ids(cache)
    clock.advance(30)
    sandbox.faults.add(Fault.error(401, "invalid_key"))
    with pytest.raises(TraxError) as caught:
        await ids(cache)
    assert caught.value.failure.code == "invalid_key"


async def test_a_refusal_is_not_kept(cache: ListCache, sandbox: Sandbox) -> None:
    """TRaX is asked each time."""
    for _ in range(2):
        with pytest.raises(Refused):
            await ids(cache, Caller(REVOKED_KEY))
    assert len(sandbox.requests) == 2


async def test_lists_of_100_callers_are_kept_at_most(
    cache: ListCache, sandbox: Sandbox, clock: HandClock
) -> None:
    """Invented keys cannot fill the memory. The caller who read least recently is dropped."""
    callers = [Caller(f"sk_live_sandbox_{number}") for number in range(MOST_CALLERS)]
    for caller in callers:
        sandbox.faults.add(Fault.status(200, {"data": []}))
        await ids(cache, caller)
        if caller is callers[0]:
            clock.advance(1)
    clock.advance(29)
    sandbox.faults.add(Fault.status(200, {"data": []}), times=2)
    await ids(cache, callers[0])
    await ids(cache, Caller("sk_live_sandbox_new"))
    assert set(cache._lists) == {*callers, Caller("sk_live_sandbox_new")} - {callers[1]}


async def test_each_list_is_kept_by_itself(
    cache: ListCache, sandbox: Sandbox, clock: HandClock
) -> None:
    """Each list, of each studio, is kept for half a minute after it was read."""
    for seconds in (0, 20, 20):
        clock.advance(seconds)
        assert len((await cache.studios(OWNER)).items) == 4
        clock.advance(5)
        assert names((await cache.destinations(OWNER, "studio_51")).items) == [
            "Morning page",
            "Shorts",
        ]
        assert names((await cache.destinations(OWNER, "studio_43")).items) == ["Private preview"]
        assert names((await cache.sources(OWNER, "studio_51")).items) == ["Kitchen camera"]
        assert [it.id for it in (await cache.connections(OWNER)).items] == [
            "conn_1",
            "conn_2",
            "conn_3",
        ]
    assert asked(sandbox) == {
        STUDIOS: 2,
        ACCOUNTS: 2,
        "/v1/studios/studio_51/destinations": 2,
        "/v1/studios/studio_43/destinations": 2,
        "/v1/studios/studio_51/sources": 2,
    }


async def test_concurrent_calls_of_a_caller_share_one_request(
    cache: ListCache, sandbox: Sandbox
) -> None:
    """They do not wait for the list of another caller."""
    answer = anyio.Event()
    sandbox.faults.add(Fault.delay(answer))
    told: list[tuple[str, ...]] = []
    with anyio.fail_after(PATIENCE_SECONDS):
        async with anyio.create_task_group() as asking:

            async def ask() -> None:
                told.append(await ids(cache))

            for _ in range(5):
                asking.start_soon(ask)
            await settled()
            assert await ids(cache, STRANGER) == ("studio_99",)
            assert told == []
            answer.set()
    assert told == [OWNED] * 5
    assert [it.key_name for it in sandbox.requests] == ["full", "stranger"]
    assert not cache._reads


async def test_after_a_cancelled_request_the_next_call_reads_for_all_who_wait(
    cache: ListCache, sandbox: Sandbox
) -> None:
    """They share a failure too. A later call reads again."""
    answer = anyio.Event()
    sandbox.faults.add(Fault.delay(answer))
    sandbox.faults.add(Fault.error(403, "insufficient_scope"))
    outcomes: list[object] = []
    with anyio.fail_after(PATIENCE_SECONDS):
        async with anyio.create_task_group() as asking:

            async def ask(scope: anyio.CancelScope) -> None:
                with scope:
                    try:
                        outcomes.append(await ids(cache))
                    except Refused as error:
                        outcomes.append(error.failure.code)

            scopes = [anyio.CancelScope() for _ in range(3)]
            for scope in scopes:
                asking.start_soon(ask, scope)
            await settled()
            scopes[0].cancel()
    assert outcomes == ["insufficient_scope"] * 2
    assert asked(sandbox) == {STUDIOS: 2}
    assert not cache._reads
    assert await ids(cache) == OWNED


async def test_concurrent_calls_share_one_failure(cache: ListCache, sandbox: Sandbox) -> None:
    """Five calls do not wait five times. Their next calls share a new request."""
    answer = anyio.Event()
    sandbox.faults.add(Fault.delay(answer))
    failures: list[Refused] = []
    counts: list[int] = []

    async def ask() -> None:
        for _ in range(2):
            with pytest.raises(Refused) as caught:
                await ids(cache, Caller(REVOKED_KEY))
            failures.append(caught.value)
            counts.append(len(sandbox.requests))

    with anyio.fail_after(PATIENCE_SECONDS):
        async with anyio.create_task_group() as asking:
            for _ in range(5):
                asking.start_soon(ask)
            await settled()
            assert failures == []
            answer.set()
    assert {it.failure.code for it in failures} == {"invalid_key"}
    assert len({id(it) for it in failures}) == 10
    assert counts == [1] * 5 + [2] * 5


async def test_20_lists_of_a_caller_are_kept_at_most(cache: ListCache, sandbox: Sandbox) -> None:
    """A caller with many studios cannot fill the memory, or push out lists of others."""
    for number in range(MOST_LISTS):
        which = f"studio_7{number:02}"
        add_studio(sandbox, which, which)
    await ids(cache, STRANGER)
    await ids(cache)
    for number in range(MOST_LISTS):
        await cache.sources(OWNER, f"studio_7{number:02}")
    before = len(sandbox.requests)
    await cache.sources(OWNER, "studio_700")
    await ids(cache, STRANGER)
    assert len(sandbox.requests) == before
    await ids(cache)
    assert len(sandbox.requests) == before + 1
    assert {caller: len(lists) for caller, lists in cache._lists.items()} == {
        STRANGER: 1,
        OWNER: MOST_LISTS,
    }


async def test_a_caller_without_fresh_lists_is_forgotten(
    cache: ListCache, clock: HandClock
) -> None:
    """Their key is forgotten too."""
    await ids(cache, STRANGER)
    clock.advance(KEPT_SECONDS / 2)
    await ids(cache)
    clock.advance(KEPT_SECONDS / 2)
    await cache.connections(OWNER)
    assert set(cache._lists) == {OWNER}
