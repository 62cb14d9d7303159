"""How many confirmations a `ConsentStore` keeps, and which of them go first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.store_steps import (
    CHANGE,
    DELETE,
    GO_LIVE,
    GO_OFFLINE,
    ME,
    UNACCEPTED,
    YOU,
    add,
    finish,
    in_memory,
    kept,
    left_of,
    look,
    make,
    try_to_begin,
)
from trax_mcp.api.operations import GoOffline
from trax_mcp.consent.confirmations import LIFETIME_SECONDS, MAX_CONFIRMATIONS, MAX_PER_OWNER
from trax_mcp.consent.evidence import UsedConfirmation
from trax_mcp.consent.store import ConsentStore, Place, Stale, Started

if TYPE_CHECKING:
    from tests.support.product.shared_clock import HandClock
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation

ALSO_UNACCEPTED: Final = replace(UNACCEPTED, caller="fingerprint-of-another")


def limit_total(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Keep so many confirmations in all."""
    monkeypatch.setattr("trax_mcp.consent.confirmations.MAX_CONFIRMATIONS", most)


def caller(name: str) -> Place:
    """A place of a caller that TRaX has accepted."""
    return replace(ME, caller=name, owner=name)


# Of one owner


@pytest.mark.parametrize("operation", [GO_LIVE, GO_OFFLINE], ids=lambda it: it.tool_name)
@pytest.mark.parametrize("count", [1, 2, MAX_PER_OWNER - 1, MAX_PER_OWNER])
async def test_32_confirmations_of_a_caller_are_kept(
    store: ConsentStore, count: int, operation: Operation[Model]
) -> None:
    """None is evicted up to that number."""
    confirmations = [await add(store, operation) for _ in range(count)]
    assert [await kept(store, it) for it in confirmations] == confirmations


@pytest.mark.parametrize("operation", [GO_LIVE, GO_OFFLINE], ids=lambda it: it.tool_name)
async def test_the_oldest_unused_confirmation_of_the_same_caller_is_evicted(
    store: ConsentStore, operation: Operation[Model]
) -> None:
    """A caller with many confirmations does not evict those of others."""
    yours = await add(store, operation, place=YOU)
    mine = [await add(store, operation) for _ in range(MAX_PER_OWNER + 3)]
    left = await left_of(store, mine)
    assert left == mine[3:]
    assert len(left) == 32
    assert await kept(store, yours, place=YOU) == yours


async def test_confirmations_for_stops_and_for_other_calls_are_counted_separately(
    store: ConsentStore,
) -> None:
    """A person who has agreed to a stop can stop, whatever else was asked since."""
    stops = [await add(store, GO_OFFLINE) for _ in range(MAX_PER_OWNER)]
    others = [
        await add(store, operation)
        for operation in (GO_LIVE, DELETE)
        for _ in range(MAX_PER_OWNER // 2)
    ]
    for it in (DELETE, CHANGE, GO_LIVE):
        await make(store, it, await add(store, it))
    assert await left_of(store, stops) == stops
    assert await left_of(store, others) == others[1:]


async def test_a_used_confirmation_is_not_evicted_by_unused_ones(store: ConsentStore) -> None:
    """Otherwise a second press after many previews would look like an unknown id."""
    confirmation = await add(store)
    await make(store, GO_LIVE, confirmation)
    others = [await add(store) for _ in range(MAX_PER_OWNER)]
    assert await kept(store, confirmation) == UsedConfirmation(confirmation)
    assert [await kept(store, it) for it in others] == others


@pytest.mark.parametrize("operation", [DELETE, GO_OFFLINE], ids=lambda it: it.tool_name)
async def test_a_used_confirmation_that_is_evicted_is_unknown_and_cannot_be_used(
    store: ConsentStore, operation: Operation[Model]
) -> None:
    """The 33rd that is used evicts it. A call that saw it unused cannot use it either."""
    first = await add(store, operation)
    before = await look(store, first.id)
    await make(store, operation, first)
    for number in range(MAX_PER_OWNER):
        assert await kept(store, first) == UsedConfirmation(first), number
        await make(store, operation, await add(store, operation))
    assert await kept(store, first) is None
    now = await look(store)
    for seen in (before, replace(before, version=now.version), now):
        assert isinstance(await try_to_begin(store, operation, first, seen=seen), Stale)


async def test_a_used_confirmation_that_is_evicted_is_not_given_back(store: ConsentStore) -> None:
    """Its call ends as usual."""
    first = await add(store, GO_OFFLINE)
    started = await try_to_begin(store, GO_OFFLINE, first)
    assert isinstance(started, Started)
    for _ in range(MAX_PER_OWNER):
        await make(store, GO_OFFLINE, await add(store, GO_OFFLINE))
    await finish(store, started, "not_applied")
    await store.record(started, "the call did not run", on_air=False)
    assert await kept(store, first) is None


async def test_a_confirmation_that_is_given_back_counts_as_unused_again(
    store: ConsentStore,
) -> None:
    """Of 33 unused ones, the oldest other one goes: a person has just agreed to this one."""
    first = await add(store, DELETE)
    started = await try_to_begin(store, DELETE, first)
    assert isinstance(started, Started)
    others = [await add(store, GO_LIVE) for _ in range(MAX_PER_OWNER)]
    await finish(store, started, "not_applied")
    assert await left_of(store, [first, *others]) == [first, *others[1:]]


async def test_unaccepted_callers_share_one_limit(store: ConsentStore) -> None:
    """Anybody can invent keys, so all of them have the limit of one caller, but for stops."""
    mine = [await add(store, it) for it in (GO_LIVE, GO_OFFLINE)]
    theirs = [
        await add(store, it, place=place)
        for _ in range(MAX_PER_OWNER)
        for place in (UNACCEPTED, ALSO_UNACCEPTED)
        for it in (DELETE, GO_OFFLINE)
    ]
    deletions = [it for it in theirs if not it.stops_broadcast]
    gone = deletions[:-MAX_PER_OWNER]
    assert await left_of(store, theirs) == [it for it in theirs if it not in gone]
    assert await left_of(store, mine) == mine


async def test_a_confirmation_counts_for_the_owner_it_was_added_for(store: ConsentStore) -> None:
    """A caller that TRaX accepts later can still use theirs, and has a limit of their own."""
    early = await add(store, DELETE, place=UNACCEPTED)
    accepted = caller(UNACCEPTED.caller)
    for _ in range(MAX_PER_OWNER):
        await add(store, DELETE, place=accepted)
    assert await kept(store, early, place=accepted) == early
    for _ in range(MAX_PER_OWNER):
        await add(store, DELETE, place=ALSO_UNACCEPTED)
    assert await kept(store, early, place=accepted) is None


# Of all together


@in_memory
async def test_4096_confirmations_are_kept_in_all(
    store: ConsentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unused and used ones of all callers count; the oldest is evicted. Tried with ten here."""
    assert MAX_CONFIRMATIONS == 4096
    limit_total(monkeypatch, 10)
    callers = [caller(f"caller {it}") for it in range(13)]
    confirmations = [await add(store, DELETE, place=it) for it in callers[:10]]
    for place, it in zip(callers[:10:2], confirmations[::2], strict=True):
        await make(store, DELETE, it, place=place)
    assert await left_of(store, confirmations) == confirmations
    everything = [*confirmations, *[await add(store, DELETE, place=it) for it in callers[10:]]]
    assert await left_of(store, everything) == everything[3:]


@in_memory
async def test_a_new_one_evicts_the_oldest_of_the_owner_with_the_most(
    store: ConsentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller with few keeps theirs, although they are older."""
    limit_total(monkeypatch, 8)
    few = [await add(store, DELETE, place=YOU) for _ in range(2)]
    many = [await add(store, it, place=UNACCEPTED) for it in (GO_LIVE, DELETE) for _ in range(3)]
    new = [await add(store, DELETE, place=caller(f"caller {it}")) for it in range(3)]
    assert await left_of(store, [*few, *many, *new]) == [*few, *many[3:], *new]


@in_memory
async def test_stops_and_other_calls_do_not_evict_each_other(
    store: ConsentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are of the other kind, and whether those are used or not."""
    limit_total(monkeypatch, 4)
    stops = [await add(store, GO_OFFLINE, place=UNACCEPTED) for _ in range(4)]
    unused, used = await add(store, DELETE), await add(store, DELETE)
    await make(store, DELETE, used)
    new = [await add(store, DELETE, place=caller(f"caller {it}")) for it in range(4)]
    assert await left_of(store, [*stops, unused, used, *new]) == [*stops, *new]


async def test_one_caller_with_stops_in_many_studios_evicts_no_go_live_of_others(
    store: ConsentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not checked whether these studios exist. Each one has a limit of its own."""
    limit_total(monkeypatch, 100)
    mine, yours = await add(store, GO_LIVE), await add(store, GO_LIVE, place=YOU)
    my_stop = await add(store, GO_OFFLINE)
    for number in range(10):
        place = replace(UNACCEPTED, id=f"studio {number}")
        for _ in range(MAX_PER_OWNER):
            await add(store, GoOffline(studio_id=place.id), place=place)
    new = await add(store, GO_LIVE, place=YOU)
    assert await left_of(store, [mine, yours, my_stop, new]) == [mine, yours, my_stop, new]


@in_memory
async def test_a_used_stop_can_be_evicted_for_another_call(
    store: ConsentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has done its work."""
    limit_total(monkeypatch, 3)
    used, *stops = [await add(store, GO_OFFLINE) for _ in range(3)]
    await make(store, GO_OFFLINE, used)
    new = [await add(store, DELETE, place=YOU) for _ in range(3)]
    assert await left_of(store, [used, *stops, *new]) == [used, *stops, *new[1:]]
    newest = [await add(store, DELETE, place=caller(f"caller {it}")) for it in range(3)]
    assert await left_of(store, [used, *stops, *new, *newest]) == [*stops, *newest]


@in_memory
async def test_a_stop_is_evicted_for_a_stop(
    store: ConsentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest of the owner with the most."""
    limit_total(monkeypatch, 5)
    mine = [await add(store, GO_OFFLINE) for _ in range(2)]
    theirs = [await add(store, GO_OFFLINE, place=UNACCEPTED) for _ in range(3)]
    new = [await add(store, it, place=YOU) for it in (GO_OFFLINE, DELETE, CHANGE)]
    assert await left_of(store, [*mine, *theirs, *new]) == [*mine, *theirs[1:], *new]


@pytest.mark.parametrize("used", [False, True], ids=["unused", "used"])
async def test_expired_confirmations_do_not_count(
    store: ConsentStore, clock: HandClock, monkeypatch: pytest.MonkeyPatch, *, used: bool
) -> None:
    """Neither for the limit of a caller, nor for the limit in all."""
    limit_total(monkeypatch, MAX_PER_OWNER)
    for place in (ME, YOU):
        for _ in range(MAX_PER_OWNER // 2):
            confirmation = await add(store, place=place)
            if used:
                await make(store, GO_LIVE, confirmation, place=place)
    clock.advance(2 * LIFETIME_SECONDS)
    confirmations = [await add(store) for _ in range(MAX_PER_OWNER)]
    assert [await kept(store, it) for it in confirmations] == confirmations
