"""Places in a `ConsentStore`: callers that TRaX has accepted in a studio share one.

Every other caller has a place of their own there. They hold nobody up, and change nothing that
others depend on.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.support.server_process import PATIENCE_SECONDS
from tests.support.store_steps import (
    ACCEPTED,
    ADDRESS,
    AUTO_GO_LIVE,
    CHANGE,
    DELETE,
    GO_LIVE,
    GO_OFFLINE,
    LEADING_TO_AIR,
    ME,
    NOT_STOPS,
    UNACCEPTED,
    YOU,
    add,
    begin,
    finish,
    in_memory,
    kept,
    look,
    make,
    make_elsewhere,
    stops_counted,
    try_to_add,
    try_to_begin,
)
from trax_mcp.api.operations import GoOffline
from trax_mcp.consent.evidence import UsedConfirmation
from trax_mcp.consent.memory_store import MAX_PLACES, MemoryStore
from trax_mcp.consent.place_state import PENDING_SECONDS
from trax_mcp.consent.preview import NOTHING_HIDDEN
from trax_mcp.consent.store import ConsentStore, Stale, Started

if TYPE_CHECKING:
    from tests.support.product.shared_clock import HandClock
    from trax_mcp.api.errors import Outcome
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation
    from trax_mcp.consent.store import Place

ALSO_UNACCEPTED: Final = replace(UNACCEPTED, caller="fingerprint-of-another")
OUTCOMES: Final[tuple[Outcome, ...]] = ("applied", "unknown", "not_applied")
EVERY_OPERATION: Final = (*NOT_STOPS, AUTO_GO_LIVE, GO_OFFLINE)
every_operation = pytest.mark.parametrize("operation", EVERY_OPERATION, ids=lambda it: it.tool_name)
each_other = pytest.mark.parametrize("other", [ME, ALSO_UNACCEPTED], ids=["reached", "not reached"])
"""Another caller than the unaccepted one."""


# Two callers that TRaX has accepted


async def test_accepted_callers_share_a_place(store: ConsentStore) -> None:
    """Only confirmations are a caller's own."""
    await make(store, CHANGE, hidden_fields=[ADDRESS])
    await make(store, GO_OFFLINE, place=YOU)
    await store.record_auto_go_live(YOU, on=True)
    await begin(store, GO_LIVE)
    assert await look(store, place=YOU) == replace(await look(store), place=YOU)
    assert await stops_counted(store) == 1


# A caller that TRaX has not accepted


@each_other
@every_operation
async def test_a_call_of_an_unaccepted_caller_changes_nothing_for_others(
    store: ConsentStore, operation: Operation[Model], other: Place
) -> None:
    """While it is sent, after it, and whatever came of it."""
    await begin(store, GO_LIVE, place=other)
    before = await look(store, place=other)
    confirmations = [await add(store, it, place=other) for it in LEADING_TO_AIR]
    for outcome in OUTCOMES:
        started = await begin(store, operation, place=UNACCEPTED)
        assert await look(store, place=other) == before
        await finish(store, started, outcome, hidden_fields=[ADDRESS])
        await store.record(started, "the call ran", on_air=True)
        await store.record_auto_go_live(UNACCEPTED, on=True)
        await store.record_on_air(await look(store, place=UNACCEPTED))
    assert await look(store, place=other) == before
    assert [await kept(store, it, place=other) for it in confirmations] == confirmations


@each_other
async def test_an_unaccepted_caller_does_not_see_the_state_of_others(
    store: ConsentStore, other: Place
) -> None:
    """Neither what they did, nor their confirmations."""
    confirmation = await add(store, place=other)
    await make(store, CHANGE, place=other, hidden_fields=[ADDRESS])
    await make(store, GO_OFFLINE, place=other)
    await store.record_auto_go_live(other, on=True)
    await begin(store, GO_LIVE, place=other)
    seen = await look(store, confirmation.id, place=UNACCEPTED)
    assert seen.hidden == NOTHING_HIDDEN
    assert not seen.go_live_pending
    assert not seen.auto_go_live
    assert seen.confirmation is None


async def test_an_unaccepted_caller_sees_their_own_state(store: ConsentStore) -> None:
    """In their own place everything counts as in the shared one."""
    before = await look(store, place=UNACCEPTED)
    shared, own = before.version
    await make(store, CHANGE, place=UNACCEPTED, hidden_fields=[ADDRESS])
    await make(store, GO_OFFLINE, place=UNACCEPTED)
    await store.record_auto_go_live(UNACCEPTED, on=True)
    await make(store, GO_LIVE, place=UNACCEPTED)
    seen = await look(store, place=UNACCEPTED)
    assert (seen.version, seen.hidden.version) == ((shared, own + 6), 1)
    assert seen.stop_count == before.stop_count + 1
    assert seen.go_live_pending
    assert seen.auto_go_live


@each_other
async def test_an_unaccepted_caller_and_others_do_not_wait_for_each_other(
    store: ConsentStore, other: Place
) -> None:
    """Each has a turn of their own."""
    pairs = product(EVERY_OPERATION, EVERY_OPERATION, ((UNACCEPTED, other), (other, UNACCEPTED)))
    for held_by, operation, (first, second) in pairs:
        held = await begin(store, held_by, place=first)
        started = await begin(store, operation, place=second)
        await finish(store, started)
        await finish(store, held)


@each_other
async def test_a_stop_does_not_wait_for_the_go_live_of_an_unaccepted_caller(
    store: ConsentStore, other: Place
) -> None:
    """Nor does it ask whether it has ended."""
    await begin(store, GO_LIVE, place=UNACCEPTED)
    with anyio.fail_after(PATIENCE_SECONDS):
        await store.wait_for_go_live(other)
        stop = await begin(store, GO_OFFLINE, place=other)
        assert (await store.note_overlap(stop)).overlapping_go_lives == ()
        assert not await store.go_live_may_follow(stop)


async def test_a_step_of_an_unaccepted_caller_is_stale_after_their_own_call(
    store: ConsentStore,
) -> None:
    """A yes of theirs is stale after a call of their own."""
    seen = await look(store, place=UNACCEPTED)
    await make(store, CHANGE, place=UNACCEPTED)
    assert isinstance(await try_to_begin(store, GO_LIVE, seen=seen), Stale)
    assert isinstance(await try_to_add(store, GO_LIVE, seen=seen), Stale)


async def test_a_stop_of_an_unaccepted_caller_invalidates_only_their_own_confirmations(
    store: ConsentStore,
) -> None:
    """A stop that TRaX has accepted voids those of all callers."""
    places = (UNACCEPTED, ALSO_UNACCEPTED, ME)
    confirmations = [await add(store, it, place=place) for place in places for it in LEADING_TO_AIR]
    await make(store, GO_OFFLINE, place=UNACCEPTED)
    left = [await kept(store, it, place=replace(ME, caller=it.caller)) for it in confirmations]
    assert left == [*[None] * 3, *confirmations[3:]]
    await make(store, GO_OFFLINE, place=YOU)
    left = [await kept(store, it, place=replace(ME, caller=it.caller)) for it in confirmations]
    assert left == [None] * 9


async def test_a_forgotten_unaccepted_caller_makes_nothing_stale(store: ConsentStore) -> None:
    """One of them has changed more than anybody else, and many places are used after it."""
    seen = await look(store)
    for _ in range(3):
        await make(store, GO_OFFLINE, place=UNACCEPTED)
    await make_elsewhere(store, MAX_PLACES + 5, place=UNACCEPTED)
    assert sum((await look(store, place=UNACCEPTED)).version) >= 6
    assert isinstance(await try_to_begin(store, GO_LIVE, seen=seen), Started)


@in_memory
async def test_the_number_of_places_of_unaccepted_callers_is_limited(store: ConsentStore) -> None:
    """Anybody can invent keys and studios: only 32 of their questions are kept anyway."""
    assert isinstance(store, MemoryStore)
    for number in range(MAX_PLACES + 100):
        await add(store, GoOffline(studio_id=f"invented_{number}"), place=UNACCEPTED)
    assert len(store._states) <= MAX_PLACES


# A caller that TRaX accepts meanwhile


@every_operation
async def test_a_caller_that_becomes_accepted_between_two_looks_sees_the_same_version(
    store: ConsentStore, operation: Operation[Model]
) -> None:
    """So that what they read meanwhile is not taken for outdated."""
    await make(store, CHANGE)
    await make(store, CHANGE, place=UNACCEPTED)
    await make(store, GO_OFFLINE, place=UNACCEPTED)
    await make(store, CHANGE, place=ALSO_UNACCEPTED)
    seen = await look(store, place=UNACCEPTED)
    now = await look(store, place=ACCEPTED)
    assert now.version == seen.version
    started = await try_to_begin(store, operation, seen=now)
    assert isinstance(started, Started)


@pytest.mark.parametrize(
    "by", [UNACCEPTED, ACCEPTED, ME], ids=["not reached", "reached", "another"]
)
@every_operation
async def test_a_call_before_a_caller_becomes_accepted_moves_the_version(
    store: ConsentStore, operation: Operation[Model], by: Place
) -> None:
    """One of their own, or one in the place that they now share."""
    seen = await look(store, place=UNACCEPTED)
    started = await begin(store, operation, place=by)
    during = await look(store, place=ACCEPTED)
    await finish(store, started)
    after = await look(store, place=ACCEPTED)
    assert seen.version < during.version < after.version


async def test_a_call_of_another_unaccepted_caller_does_not_move_the_version(
    store: ConsentStore,
) -> None:
    """They do not know each other."""
    seen = await look(store, place=UNACCEPTED)
    await make(store, GO_OFFLINE, place=ALSO_UNACCEPTED)
    assert (await look(store, place=ACCEPTED)).version == seen.version


async def test_an_accepted_caller_can_use_an_earlier_confirmation(store: ConsentStore) -> None:
    """It is theirs by key."""
    confirmation = await add(store, DELETE, place=UNACCEPTED)
    assert await kept(store, confirmation, place=ACCEPTED) == confirmation
    await make(store, DELETE, confirmation, place=ACCEPTED)
    assert await kept(store, confirmation, place=UNACCEPTED) == UsedConfirmation(confirmation)


async def test_a_stop_whose_caller_becomes_accepted_counts_for_all_callers(
    store: ConsentStore,
) -> None:
    """It voids each yes that leads to air, moves the version, and ends a pending go-live."""
    await make(store)
    before = await look(store)
    void = [
        await add(store, it, place=place) for it in LEADING_TO_AIR for place in (ME, UNACCEPTED)
    ]
    stop = await begin(store, GO_OFFLINE, place=UNACCEPTED)
    await finish(store, stop, place=ACCEPTED)
    now = await look(store)
    assert now.version > before.version
    assert (now.stop_count, now.go_live_pending) == (before.stop_count + 1, False)
    for it in void:
        assert await kept(store, it, place=replace(ME, caller=it.caller)) is None


async def test_a_hidden_change_whose_caller_becomes_accepted_counts_for_all_callers(
    store: ConsentStore,
) -> None:
    """A yes of others that leads to air was to something else."""
    seen = await look(store)
    started = await begin(store, CHANGE, place=UNACCEPTED)
    await finish(store, started, place=ACCEPTED, hidden_fields=[ADDRESS])
    assert [it.what for it in (await look(store)).hidden.latest] == [ADDRESS]
    assert isinstance(await try_to_begin(store, GO_LIVE, seen=seen), Stale)


@pytest.mark.parametrize(
    ("outcome", "is_pending"), [("applied", True), ("unknown", True), ("not_applied", False)]
)
async def test_a_go_live_whose_caller_becomes_accepted_is_pending_for_all_callers(
    store: ConsentStore, clock: HandClock, outcome: Outcome, *, is_pending: bool
) -> None:
    """For a minute, or until it is seen on air."""
    started = await begin(store, GO_LIVE, place=UNACCEPTED)
    assert not (await look(store)).go_live_pending
    await finish(store, started, outcome, place=ACCEPTED)
    assert (await look(store)).go_live_pending is is_pending
    await store.record(started, "the call ran", on_air=True)
    assert not (await look(store)).go_live_pending
    again = await begin(store, GO_LIVE, place=replace(UNACCEPTED, caller="a third one"))
    await finish(store, again, outcome, place=ME)
    clock.advance(PENDING_SECONDS)
    assert not (await look(store)).go_live_pending


async def test_a_refused_go_live_of_a_caller_who_becomes_accepted_hides_no_pending_one(
    store: ConsentStore,
) -> None:
    """Otherwise a second go-live could be sent while the first one is starting."""
    refused = await begin(store, GO_LIVE, place=UNACCEPTED)
    await make(store)
    await finish(store, refused, "not_applied", place=ACCEPTED)
    assert (await look(store)).go_live_pending


async def test_a_go_live_that_becomes_shared_while_another_is_refused_is_pending(
    store: ConsentStore,
) -> None:
    """The other one was being sent as it ended."""
    mine = await begin(store)
    theirs = await begin(store, GO_LIVE, place=UNACCEPTED)
    await finish(store, theirs, place=ACCEPTED)
    await finish(store, mine, "not_applied")
    assert (await look(store)).go_live_pending


async def test_a_pending_go_live_of_a_caller_who_is_accepted_later_is_pending_for_them(
    store: ConsentStore,
) -> None:
    """Its answer was lost. Otherwise they could send a second one within the minute."""
    await make(store, GO_LIVE, place=UNACCEPTED, outcome="unknown")
    assert (await look(store, place=UNACCEPTED)).go_live_pending
    assert (await look(store, place=ACCEPTED)).go_live_pending


async def test_auto_go_live_of_a_caller_who_is_accepted_later_is_remembered_for_them(
    store: ConsentStore,
) -> None:
    """The answer to turning it on was lost."""
    await store.record_auto_go_live(UNACCEPTED, on=True)
    assert (await look(store, place=ACCEPTED)).auto_go_live


async def test_a_stop_that_began_as_shared_counts_for_all_callers(store: ConsentStore) -> None:
    """The server forgot meanwhile that TRaX had accepted the caller, or the key was revoked."""
    confirmation = await add(store)
    stop = await begin(store, GO_OFFLINE, place=ACCEPTED)
    await finish(store, stop, "unknown", place=UNACCEPTED)
    assert await stops_counted(store) == 1
    assert await kept(store, confirmation) is None


async def test_a_turn_ends_in_the_place_where_it_began(store: ConsentStore) -> None:
    """The next call of the caller, and of others, can begin."""
    for operation in EVERY_OPERATION:
        started = await begin(store, operation, place=UNACCEPTED)
        await finish(store, started, place=ACCEPTED)
        for place in (UNACCEPTED, ACCEPTED, ME):
            await make(store, DELETE, place=place)


async def test_the_stop_of_a_caller_who_becomes_accepted_learns_that_a_go_live_may_follow(
    store: ConsentStore,
) -> None:
    """It began while a go-live was being sent in the shared place."""
    started = await begin(store)
    stop = await begin(store, GO_OFFLINE, place=UNACCEPTED)
    stop = await store.note_overlap(stop)
    assert stop.overlapping_go_lives == (started.number,)
    await finish(store, started)
    with anyio.fail_after(PATIENCE_SECONDS):
        assert await store.go_live_may_follow(stop)


async def test_the_stop_of_an_unaccepted_caller_is_not_repeated_after_a_younger_go_live(
    store: ConsentStore,
) -> None:
    """A go-live in the shared place does not wait for them, and the last yes counts."""
    started = await begin(store)
    stop = await store.note_overlap(await begin(store, GO_OFFLINE, place=UNACCEPTED))
    await finish(store, started)
    later = await begin(store)
    await finish(store, later)
    with anyio.fail_after(PATIENCE_SECONDS):
        assert not await store.go_live_may_follow(stop)
