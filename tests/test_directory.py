"""The directory keeps a caller's lists for half a minute, for that caller and no other."""

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
def directory(trax: Client, clock: HandClock) -> ListCache:
    """One that nobody has asked yet."""
    return ListCache(trax, clock)


async def ids(directory: ListCache, caller: Caller = OWNER) -> tuple[str, ...]:
    """The ids of a caller's studios."""
    return tuple(studio.id for studio in await directory.studios(caller))


async def test_studios_are_read_once_in_half_a_minute(
    directory: ListCache, sandbox: Sandbox, clock: HandClock
) -> None:
    """What is new after that is seen then, and kept as long."""
    assert KEPT_SECONDS == 30
    first = await ids(directory)
    sandbox.world.add_studio(ACCOUNT, name="Late Show")
    clock.advance(29.9)
    assert (await ids(directory), len(sandbox.requests)) == (first, 1)
    clock.advance(0.1)
    assert await ids(directory) == ("studio_101", *first)
    clock.advance(29.9)
    assert (len(await ids(directory)), len(sandbox.requests)) == (5, 2)


async def test_all_pages_are_read(directory: ListCache, sandbox: Sandbox) -> None:
    """However many studios there are."""
    for number in range(250):
        sandbox.world.add_studio(ACCOUNT, name=f"Show {number}")
    assert len(await ids(directory)) == 254
    assert len(sandbox.requests) == 2


async def test_no_caller_is_shown_what_another_was(directory: ListCache, sandbox: Sandbox) -> None:
    """Not even another key of the same account: each is asked for with its own."""
    twin = narrow(sandbox)
    assert [await ids(directory, it) for it in (OWNER, STRANGER, twin)] == [
        OWNED,
        ("studio_99",),
        OWNED,
    ]
    assert [it.key_name for it in sandbox.requests] == ["full", "stranger", "narrow"]


async def test_a_failure_is_not_kept(directory: ListCache, sandbox: Sandbox) -> None:
    """The next one asks again, and what was kept before it is not shown once its time is over."""
    sandbox.faults.add(Fault.status(500))
    with pytest.raises(Refused):
        await ids(directory)
    assert await ids(directory) == OWNED


async def test_what_has_grown_old_is_not_shown_because_trax_fails(
    directory: ListCache, sandbox: Sandbox, clock: HandClock
) -> None:
    """A key that was revoked sees nothing any more, half a minute later at the latest."""
    await ids(directory)
    clock.advance(30)
    sandbox.faults.add(Fault.error(401, "invalid_key"))
    with pytest.raises(TraxError) as caught:
        await ids(directory)
    assert caught.value.failure.code == "invalid_key"


async def test_a_key_that_may_not_list_is_refused_each_time(
    directory: ListCache, sandbox: Sandbox
) -> None:
    """By TRaX."""
    for _ in range(2):
        with pytest.raises(Refused):
            await ids(directory, Caller(REVOKED_KEY))
    assert len(sandbox.requests) == 2


async def test_of_many_callers_the_latest_are_kept(
    directory: ListCache, sandbox: Sandbox, clock: HandClock
) -> None:
    """Whoever invents keys fills no memory; who has just read again is not pushed out first."""
    callers = [Caller(f"sk_live_sandbox_{number}") for number in range(MOST_CALLERS)]
    for caller in callers:
        sandbox.faults.add(Fault.status(200, {"data": []}))
        await ids(directory, caller)
        if caller is callers[0]:
            clock.advance(1)
    clock.advance(29)
    sandbox.faults.add(Fault.status(200, {"data": []}), times=2)
    await ids(directory, callers[0])
    await ids(directory, Caller("sk_live_sandbox_new"))
    assert set(directory._kept) == {*callers, Caller("sk_live_sandbox_new")} - {callers[1]}


async def test_each_list_is_kept_by_itself(
    directory: ListCache, sandbox: Sandbox, clock: HandClock
) -> None:
    """Each for half a minute from when it was read, and each studio's apart."""
    for seconds in (0, 20, 20):
        clock.advance(seconds)
        assert len(await directory.studios(OWNER)) == 4
        clock.advance(5)
        assert names(await directory.destinations(OWNER, "studio_51")) == ["Morning page", "Shorts"]
        assert names(await directory.destinations(OWNER, "studio_43")) == ["Private preview"]
        assert names(await directory.sources(OWNER, "studio_51")) == ["Kitchen camera"]
        assert [it.id for it in await directory.connections(OWNER)] == [
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


async def test_who_asks_while_a_list_is_read_waits_for_it(
    directory: ListCache, sandbox: Sandbox
) -> None:
    """Of one caller, TRaX is asked once; nobody waits for another caller's list."""
    answer = anyio.Event()
    sandbox.faults.add(Fault.delay(answer))
    told: list[tuple[str, ...]] = []
    with anyio.fail_after(PATIENCE_SECONDS):
        async with anyio.create_task_group() as asking:

            async def ask() -> None:
                told.append(await ids(directory))

            for _ in range(5):
                asking.start_soon(ask)
            await settled()
            assert await ids(directory, STRANGER) == ("studio_99",)
            assert told == []
            answer.set()
    assert told == [OWNED] * 5
    assert [it.key_name for it in sandbox.requests] == ["full", "stranger"]
    assert not directory._reading


async def test_who_waited_for_a_reading_that_was_left_reads_and_all_share_a_failure(
    directory: ListCache, sandbox: Sandbox
) -> None:
    """TRaX is not asked once for each that waits; who comes later asks anew."""
    answer = anyio.Event()
    sandbox.faults.add(Fault.delay(answer))
    sandbox.faults.add(Fault.error(403, "insufficient_scope"))
    outcomes: list[object] = []
    with anyio.fail_after(PATIENCE_SECONDS):
        async with anyio.create_task_group() as asking:

            async def ask(scope: anyio.CancelScope) -> None:
                with scope:
                    try:
                        outcomes.append(await ids(directory))
                    except Refused as error:
                        outcomes.append(error.failure.code)

            scopes = [anyio.CancelScope() for _ in range(3)]
            for scope in scopes:
                asking.start_soon(ask, scope)
            await settled()
            scopes[0].cancel()
    assert outcomes == ["insufficient_scope"] * 2
    assert asked(sandbox) == {STUDIOS: 2}
    assert not directory._reading
    assert await ids(directory) == OWNED


async def test_while_trax_hangs_all_who_wait_share_one_failure(
    directory: ListCache, sandbox: Sandbox
) -> None:
    """Five do not wait five times; those who ask once more after it ask anew, together again."""
    answer = anyio.Event()
    sandbox.faults.add(Fault.delay(answer))
    failures: list[Refused] = []
    counts: list[int] = []

    async def ask() -> None:
        for _ in range(2):
            with pytest.raises(Refused) as caught:
                await ids(directory, Caller(REVOKED_KEY))
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


async def test_of_a_callers_many_lists_the_latest_are_kept(
    directory: ListCache, sandbox: Sandbox
) -> None:
    """Whoever has many studios fills no memory, and pushes nobody else's lists out."""
    for number in range(MOST_LISTS):
        which = f"studio_7{number:02}"
        add_studio(sandbox, which, which)
    await ids(directory, STRANGER)
    await ids(directory)
    for number in range(MOST_LISTS):
        await directory.sources(OWNER, f"studio_7{number:02}")
    before = len(sandbox.requests)
    await directory.sources(OWNER, "studio_700")
    await ids(directory, STRANGER)
    assert len(sandbox.requests) == before
    await ids(directory)
    assert len(sandbox.requests) == before + 1
    assert {caller: len(lists) for caller, lists in directory._kept.items()} == {
        STRANGER: 1,
        OWNER: MOST_LISTS,
    }


async def test_callers_who_are_gone_are_forgotten(directory: ListCache, clock: HandClock) -> None:
    """Neither their lists nor their keys are of use once all of it is too old."""
    await ids(directory, STRANGER)
    clock.advance(KEPT_SECONDS / 2)
    await ids(directory)
    clock.advance(KEPT_SECONDS / 2)
    await directory.connections(OWNER)
    assert set(directory._kept) == {OWNER}
