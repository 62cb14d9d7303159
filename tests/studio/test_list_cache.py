"""`ListCache` keeps the lists of a caller for half a minute, for that caller only."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.conftest import OWNER
from tests.support.fact_reads import ACCOUNTS, STUDIOS, asked, names, narrow
from tests.support.long_lists import long_list
from tests.support.product.faults import Fault
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY, REVOKED_KEY
from tests.support.product.shared_clock import settled
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import Refused, TraxError
from trax_mcp.api.operations import ListConnections, ListDestinations, ListSources, ListStudios
from trax_mcp.sandbox.keys import ACCOUNT
from trax_mcp.studio.facts import Fact, Facts
from trax_mcp.studio.list_cache import KEPT_SECONDS, ListCache

if TYPE_CHECKING:
    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock
    from trax_mcp.api.client import Client

OTHER_CALLER: Final = Caller(ANOTHER_ACCOUNT_KEY)
OWNED: Final = ("studio_42", "studio_43", "studio_51", "studio_60")


@pytest.fixture
def cache(trax: Client, clock: HandClock) -> ListCache:
    """An empty cache."""
    return ListCache(trax, clock)


async def ids(cache: ListCache, caller: Caller = OWNER) -> tuple[str, ...]:
    """The ids of a caller's studios."""
    return tuple(studio.id for studio in (await cache.get(ListStudios(), caller)).items)


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


async def test_what_is_kept_names_things_without_a_read(
    cache: ListCache, sandbox: Sandbox, clock: HandClock
) -> None:
    """For this caller only, and as lists that may lack something."""
    assert cache.known(OWNER, "studio_42") == Facts()
    studio = (await cache.get(ListStudios(), OWNER)).items[0]
    places = (await cache.get(ListDestinations(studio_id="studio_42"), OWNER)).items
    kept = Facts(studio=studio, destinations=places, partial=frozenset({Fact.DESTINATIONS}))
    assert cache.known(OWNER, "studio_42") == kept
    assert cache.known(OTHER_CALLER, "studio_42") == Facts()
    assert len(sandbox.requests) == 2
    clock.advance(KEPT_SECONDS)
    assert cache.known(OWNER, "studio_42") == Facts()


async def test_all_pages_are_read(cache: ListCache, sandbox: Sandbox) -> None:
    """Here, 254 studios are on two pages."""
    for number in range(250):
        sandbox.world.add_studio(ACCOUNT, name=f"Show {number}")
    assert len(await ids(cache)) == 254
    assert len(sandbox.requests) == 2


async def test_callers_do_not_share_lists(cache: ListCache, sandbox: Sandbox) -> None:
    """Even another key of the same account reads with itself."""
    twin = narrow(sandbox)
    assert [await ids(cache, it) for it in (OWNER, OTHER_CALLER, twin)] == [
        OWNED,
        ("studio_99",),
        OWNED,
    ]
    assert [it.key_name for it in sandbox.requests] == ["full", "other", "narrow"]


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


@pytest.mark.parametrize(
    ("count", "letters", "pages"), [(9, 1_150_000, 3), (9_500, 1, 1)], ids=["large", "many"]
)
async def test_all_lists_together_take_64_mib_at_most(
    cache: ListCache, sandbox: Sandbox, count: int, letters: int, pages: int
) -> None:
    """Neither large nor many items fill the memory. Six lists of 10 MiB fit, a seventh does not.

    The least recently used list makes room, whoever it belongs to.
    """

    def item(number: int) -> dict[str, object]:
        return {"id": f"s{number}", "name": "x" * letters, "ownerSub": "o", "role": "owner"}

    sandbox.faults.add(long_list(count, item, page_size=count // pages), times=None)
    first, second, *others = [Caller(f"sk_live_sandbox_{number}") for number in range(7)]
    for caller in (first, second, *others[:4], first):
        assert len(await ids(cache, caller)) == count
    assert len(sandbox.requests) == 6 * pages
    for caller in (others[4], first, *others):
        await ids(cache, caller)
    assert len(sandbox.requests) == 7 * pages
    await ids(cache, second)
    assert len(sandbox.requests) == 8 * pages


async def test_each_list_is_kept_by_itself(
    cache: ListCache, sandbox: Sandbox, clock: HandClock
) -> None:
    """Each list, of each studio, is kept for half a minute after it was read."""
    for seconds in (0, 20, 20):
        clock.advance(seconds)
        assert len((await cache.get(ListStudios(), OWNER)).items) == 4
        clock.advance(5)
        assert names((await cache.get(ListDestinations(studio_id="studio_51"), OWNER)).items) == [
            "Morning page",
            "Shorts",
        ]
        assert names((await cache.get(ListDestinations(studio_id="studio_43"), OWNER)).items) == [
            "Private preview"
        ]
        assert names((await cache.get(ListSources(studio_id="studio_51"), OWNER)).items) == [
            "Kitchen camera"
        ]
        assert [it.id for it in (await cache.get(ListConnections(), OWNER)).items] == [
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
            assert await ids(cache, OTHER_CALLER) == ("studio_99",)
            assert told == []
            answer.set()
    assert told == [OWNED] * 5
    assert [it.key_name for it in sandbox.requests] == ["full", "other"]
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


async def test_a_caller_without_fresh_lists_is_forgotten(
    cache: ListCache, sandbox: Sandbox, clock: HandClock
) -> None:
    """Their key is forgotten too, as soon as another list is read."""
    key = (twin := narrow(sandbox)).key
    await ids(cache, twin)
    del twin
    clock.advance(KEPT_SECONDS)
    assert callers_with(key) == 1
    await ids(cache)
    assert callers_with(key) == 0


def callers_with(key: str | None) -> int:
    """How many callers with this key are in memory."""
    return sum(isinstance(it, Caller) and it.key == key for it in gc.get_objects())
