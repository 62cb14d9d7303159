"""The steps of a `ConsentStore`: hidden changes of a place, and which places are forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.concurrency import settle
from tests.support.store_steps import (
    ADDRESS,
    CHANGE,
    DELETE,
    GO_LIVE,
    GO_OFFLINE,
    NOT_STOPS,
    OTHER_STUDIO,
    add,
    begin,
    finish,
    in_memory,
    look,
    make,
    make_elsewhere,
    stops_counted,
    try_to_begin,
    waiting,
)
from trax_mcp.api.operations import UpdateDestination
from trax_mcp.consent.memory_store import MAX_PLACES
from trax_mcp.consent.place_state import PENDING_SECONDS
from trax_mcp.consent.preview import NOTHING_HIDDEN, HiddenChange, HiddenChanges
from trax_mcp.consent.store import ConsentStore, Stale, Started

if TYPE_CHECKING:
    from tests.support.product.shared_clock import HandClock
    from trax_mcp.api.errors import Outcome


# Hidden changes


@pytest.mark.parametrize(
    ("outcome", "version"), [("applied", 1), ("unknown", 1), ("not_applied", 0)]
)
async def test_a_hidden_change_counts_unless_it_was_not_applied(
    store: ConsentStore, outcome: Outcome, version: int
) -> None:
    """It counts in its own place only."""
    await make(store, CHANGE, outcome=outcome, hidden_fields=[ADDRESS])
    hidden = (await look(store)).hidden
    assert hidden == HiddenChanges(version, (HiddenChange(1, ADDRESS, "dest_1"),) * version)
    assert (await look(store, studio=OTHER_STUDIO)).hidden == NOTHING_HIDDEN


async def test_a_call_without_hidden_fields_hides_nothing(store: ConsentStore) -> None:
    """Its changes can be read."""
    for operation in (*NOT_STOPS, GO_OFFLINE):
        await make(store, operation)
    assert (await look(store)).hidden == NOTHING_HIDDEN


async def test_each_hidden_field_is_a_change(store: ConsentStore) -> None:
    """They have versions in order, and can be asked for since one of them."""
    fields = [ADDRESS, "the stream key", "the platform"]
    await make(store, CHANGE, hidden_fields=fields[:2])
    before = (await look(store)).hidden.version
    await make(store, CHANGE, hidden_fields=fields[2:])
    hidden = (await look(store)).hidden
    assert [(it.version, it.what) for it in hidden.latest] == [*enumerate(fields, start=1)]
    assert [it.what for it in hidden.since(before)] == fields[2:]


async def test_the_latest_32_hidden_changes_are_remembered(store: ConsentStore) -> None:
    """The version counts all of them."""
    for number in range(40):
        await make(store, CHANGE, hidden_fields=[f"field {number}"])
    hidden = (await look(store)).hidden
    assert hidden.version == 40
    assert [it.what for it in hidden.latest] == [f"field {number}" for number in range(8, 40)]
    assert hidden.forgotten_version == 8


async def test_a_repeated_hidden_change_does_not_evict_another(store: ConsentStore) -> None:
    """Of the same change of the same thing the latest is remembered."""
    await make(store, CHANGE, hidden_fields=["the address"])
    for _ in range(40):
        await make(store, CHANGE, hidden_fields=["the picture format"])
    hidden = (await look(store)).hidden
    assert [(it.version, it.what) for it in hidden.latest] == [
        (1, "the address"),
        (41, "the picture format"),
    ]
    assert hidden.forgotten_version == 0


async def test_hidden_changes_elsewhere_invalidate_no_confirmation(store: ConsentStore) -> None:
    """A place that somebody was asked about is not forgotten while the confirmation lives."""
    await add(store, GO_LIVE)
    before = (await look(store)).hidden
    busy = UpdateDestination(studio_id="busy", dest_id="d", rtmp_url="rtmp://new.example")
    await make(store, busy, hidden_fields=["the address", "the stream key"])
    await make_elsewhere(store, MAX_PLACES + 5)
    assert (await look(store)).hidden == before


# Forgotten places


@in_memory
async def test_a_forgotten_place_never_looks_unchanged(store: ConsentStore) -> None:
    """A look from before the change is stale, although the place was forgotten meanwhile."""
    before = await look(store)
    await make(store, CHANGE, hidden_fields=[ADDRESS])
    await make(store, GO_OFFLINE)
    changed = await look(store)
    await make_elsewhere(store, MAX_PLACES + 5)
    now = await look(store)
    assert (now.version, now.stop_count, now.hidden.version) == (
        changed.version,
        changed.stop_count,
        changed.hidden.version,
    )
    assert now.hidden.latest == ()
    assert isinstance(await try_to_begin(store, GO_LIVE, seen=before), Stale)
    assert isinstance(await try_to_begin(store, GO_LIVE, seen=now), Started)


@in_memory
async def test_a_new_place_counts_as_the_most_changed_of_the_forgotten(store: ConsentStore) -> None:
    """Nothing is known about it: it may have been forgotten too."""
    await make(store, CHANGE, hidden_fields=[ADDRESS])
    await make(store, GO_OFFLINE)
    changed = await look(store)
    await make_elsewhere(store, MAX_PLACES + 5)
    new = await look(store, studio=OTHER_STUDIO)
    assert (new.version, new.stop_count, new.hidden.version) == (
        changed.version,
        changed.stop_count,
        changed.hidden.version,
    )


async def test_the_place_that_was_used_last_is_forgotten_last(store: ConsentStore) -> None:
    """A studio in daily use is not forgotten because of many others."""
    await make(store, CHANGE, hidden_fields=[ADDRESS])
    for number in range(3):
        await make_elsewhere(store, MAX_PLACES // 2, first=number * MAX_PLACES)
        await make(store, CHANGE, hidden_fields=[f"field {number}"])
    assert len((await look(store)).hidden.latest) == 4


async def test_a_place_with_a_running_call_is_not_forgotten(store: ConsentStore) -> None:
    """The turn is still held, and a call that waits for it gets it."""
    started = await begin(store, CHANGE)
    async with waiting(store, DELETE) as results:
        await make_elsewhere(store, MAX_PLACES + 5)
        assert results == []
        async with waiting(store, GO_LIVE):
            pass
        await finish(store, started, hidden_fields=[ADDRESS])
        await settle()
        assert [type(it) for it in results] == [Stale]
    assert (await look(store)).hidden.latest == (HiddenChange(1, ADDRESS, "dest_1"),)


async def test_a_place_with_a_running_stop_and_a_waiting_call_is_not_forgotten(
    store: ConsentStore,
) -> None:
    """A call that waits for its end is woken."""
    stop = await begin(store, GO_OFFLINE)
    async with waiting(store, DELETE) as results:
        await make_elsewhere(store, MAX_PLACES + 5)
        assert results == []
        await finish(store, stop)
        await settle()
        assert [type(it) for it in results] == [Stale]
    assert await stops_counted(store) == 1


async def test_a_place_with_a_running_stop_is_not_forgotten(store: ConsentStore) -> None:
    """A go-live still waits for it afterwards."""
    stop = await begin(store, GO_OFFLINE)
    await make_elsewhere(store, MAX_PLACES + 5)
    async with waiting(store, GO_LIVE):
        await finish(store, stop)
    assert await stops_counted(store) == 1


async def test_a_place_with_a_pending_go_live_is_not_forgotten(
    store: ConsentStore, clock: HandClock
) -> None:
    """Otherwise a second go-live could be sent."""
    await make(store)
    await make_elsewhere(store, MAX_PLACES + 5)
    assert (await look(store)).go_live_pending
    clock.advance(PENDING_SECONDS)
    assert not (await look(store)).go_live_pending
