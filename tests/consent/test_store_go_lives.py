"""The steps of a `ConsentStore`: pending go-lives, and studios that go live by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.store_steps import (
    DELETE,
    GO_OFFLINE,
    ME,
    MOMENT,
    NOT_STOPS,
    OTHER_STUDIO,
    UNACCEPTED,
    YOU,
    begin,
    every_outcome,
    finish,
    look,
    make,
    make_elsewhere,
)
from trax_mcp.api.operations import GoLive
from trax_mcp.consent.confirmations import LIFETIME_SECONDS
from trax_mcp.consent.memory_store import MAX_PLACES
from trax_mcp.consent.place_state import PENDING_SECONDS

if TYPE_CHECKING:
    from tests.support.product.shared_clock import HandClock
    from trax_mcp.api.errors import Outcome
    from trax_mcp.consent.store import ConsentStore


# Go-lives and stops


@every_outcome
async def test_a_go_live_learns_of_a_later_stop_that_did_not_wait_for_it(
    store: ConsentStore, outcome: Outcome
) -> None:
    """TRaX has not accepted the key of its caller yet. A stop that TRaX refused does not count."""
    go_live = await begin(store, place=UNACCEPTED)
    stop = await begin(store, GO_OFFLINE)
    assert not await store.was_overtaken(go_live)
    await finish(store, stop, outcome)
    assert await store.was_overtaken(go_live) is (outcome != "not_applied")


async def test_a_go_live_that_began_after_a_stop_is_not_undone(store: ConsentStore) -> None:
    """It did not wait for the end of the stop: TRaX has not accepted the key of its caller."""
    stop = await begin(store, GO_OFFLINE)
    go_live = await begin(store, place=UNACCEPTED)
    await finish(store, stop)
    assert not await store.was_overtaken(go_live)


# Pending starts


async def test_a_go_live_is_pending_for_a_minute(store: ConsentStore, clock: HandClock) -> None:
    """It is pending in its own studio only, from begin on, and again after the next go-live."""
    assert not (await look(store)).go_live_pending
    started = await begin(store)
    assert (await look(store)).go_live_pending
    await finish(store, started)
    await store.record(started, "the call ran", on_air=False)
    clock.advance(PENDING_SECONDS - MOMENT)
    assert (await look(store)).go_live_pending
    assert not (await look(store, studio=OTHER_STUDIO)).go_live_pending
    clock.advance(MOMENT)
    assert not (await look(store)).go_live_pending
    await make(store)
    assert (await look(store)).go_live_pending
    assert PENDING_SECONDS == 60


async def test_a_go_live_is_pending_for_as_long_as_it_is_being_sent(
    store: ConsentStore, clock: HandClock
) -> None:
    """The minute counts from its answer on."""
    started = await begin(store)
    clock.advance(2 * PENDING_SECONDS)
    assert (await look(store)).go_live_pending
    await finish(store, started)
    clock.advance(PENDING_SECONDS - MOMENT)
    assert (await look(store)).go_live_pending
    clock.advance(MOMENT)
    assert not (await look(store)).go_live_pending


@pytest.mark.parametrize(
    ("outcome", "is_pending"), [("applied", True), ("unknown", True), ("not_applied", False)]
)
async def test_a_go_live_is_pending_unless_it_was_not_applied(
    store: ConsentStore, outcome: Outcome, *, is_pending: bool
) -> None:
    """A lost answer may be a start."""
    await make(store, outcome=outcome)
    assert (await look(store)).go_live_pending is is_pending


@pytest.mark.parametrize(
    ("outcome", "is_pending"), [("applied", False), ("unknown", True), ("not_applied", True)]
)
async def test_a_go_live_is_not_pending_after_a_stop_that_was_applied(
    store: ConsentStore, outcome: Outcome, *, is_pending: bool
) -> None:
    """A stop whose answer was lost may not have ended it."""
    await make(store)
    await make(store, GO_OFFLINE, outcome=outcome)
    assert (await look(store)).go_live_pending is is_pending


@pytest.mark.parametrize("late", ["applied", "unknown"])
@pytest.mark.parametrize(
    ("outcome", "is_pending"), [("applied", False), ("unknown", True), ("not_applied", True)]
)
async def test_a_go_live_whose_end_comes_after_a_later_stop_is_not_pending(
    store: ConsentStore, late: Outcome, outcome: Outcome, *, is_pending: bool
) -> None:
    """Its replica slept while it was sent, so the stop did not wait for it."""
    started = await begin(store)
    await make(store, GO_OFFLINE, outcome=outcome)
    await finish(store, started, late)
    assert (await look(store)).go_live_pending is is_pending
    await make(store)
    assert (await look(store)).go_live_pending


@every_outcome
async def test_other_calls_do_not_end_a_pending_go_live(
    store: ConsentStore, outcome: Outcome
) -> None:
    """Neither with a result, nor without."""
    await make(store)
    started = await make(store, DELETE, outcome=outcome)
    await store.record(started, "the call ran", on_air=False)
    assert (await look(store)).go_live_pending


@pytest.mark.parametrize("on_air", [False, True])
async def test_a_go_live_is_not_pending_after_it_was_seen_on_air(
    store: ConsentStore, *, on_air: bool
) -> None:
    """The call itself watches, and records it."""
    started = await make(store)
    await store.record(started, "the call ran", on_air=on_air)
    assert (await look(store)).go_live_pending is not on_air


async def test_a_go_live_is_not_pending_after_another_call_saw_it_on_air(
    store: ConsentStore,
) -> None:
    """In its own studio only."""
    await make(store)
    await make(store, GoLive(studio_id=OTHER_STUDIO))
    await store.record_on_air(await look(store))
    assert not (await look(store)).go_live_pending
    assert (await look(store, studio=OTHER_STUDIO)).go_live_pending


async def test_a_go_live_that_began_after_the_look_stays_pending(store: ConsentStore) -> None:
    """The studio was on air because of something earlier."""
    await make(store)
    seen = await look(store)
    await make(store, GO_OFFLINE)
    await make(store)
    await store.record_on_air(seen)
    assert (await look(store)).go_live_pending


async def test_an_earlier_go_live_on_air_does_not_end_a_later_pending_go_live(
    store: ConsentStore,
) -> None:
    """The earlier one was seen, and then stopped, before its outcome was recorded."""
    earlier = await make(store)
    await make(store, GO_OFFLINE)
    await make(store)
    await store.record(earlier, "the call ran", on_air=True)
    assert (await look(store)).go_live_pending


async def test_a_studio_that_was_never_changed_can_be_seen_on_air(store: ConsentStore) -> None:
    """Nothing is pending there, before or after."""
    seen = await look(store)
    await store.record_on_air(seen)
    assert await look(store) == seen


# autoGoLive


async def test_auto_go_live_is_remembered_until_it_is_turned_off(store: ConsentStore) -> None:
    """Until this server turns it off. It belongs to its own studio."""
    assert not (await look(store)).auto_go_live
    for on in (True, True, False, False, True):
        await store.record_auto_go_live(ME, on=on)
        assert (await look(store)).auto_go_live is on
        assert (await look(store, place=YOU)).auto_go_live is on
        assert not (await look(store, studio=OTHER_STUDIO)).auto_go_live


@every_outcome
async def test_auto_go_live_is_remembered_after_other_calls(
    store: ConsentStore, outcome: Outcome
) -> None:
    """A studio that was stopped may go live by itself again."""
    await store.record_auto_go_live(ME, on=True)
    for operation in (*NOT_STOPS, GO_OFFLINE):
        await make(store, operation, outcome=outcome)
    assert (await look(store)).auto_go_live


async def test_a_studio_that_goes_live_by_itself_is_never_forgotten(
    store: ConsentStore, clock: HandClock
) -> None:
    """However many other places there are, and however long it takes."""
    await store.record_auto_go_live(ME, on=True)
    clock.advance(LIFETIME_SECONDS)
    await make_elsewhere(store, MAX_PLACES + 5)
    assert (await look(store)).auto_go_live
    assert not (await look(store, studio="elsewhere_0")).auto_go_live
    assert not (await look(store, studio="never_used")).auto_go_live
