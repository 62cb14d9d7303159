"""The steps of a `ConsentStore`: what a stop invalidates, and which go-lives it waits for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.support.concurrency import settle
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.store_steps import (
    AUTO_GO_LIVE,
    CHANGE,
    DELETE,
    GO_LIVE,
    GO_OFFLINE,
    LEADING_TO_AIR,
    ME,
    OTHER_STUDIO,
    OUTCOMES,
    YOU,
    add,
    begin,
    every_outcome,
    finish,
    kept,
    look,
    make,
    possibly_applied,
    running,
    stops_counted,
    try_to_begin,
    waiting,
)
from trax_mcp.api.operations import GoLive, GoOffline
from trax_mcp.consent.evidence import Confirmation, UsedConfirmation
from trax_mcp.consent.store import ConsentStore, Stale, Started

if TYPE_CHECKING:
    from trax_mcp.api.errors import Outcome
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation


async def go_live_may_follow(store: ConsentStore, stop: Started) -> bool:
    """Whether a go-live may have taken effect after a stop, which must be known at once."""
    with anyio.fail_after(PATIENCE_SECONDS):
        return await store.go_live_may_follow(stop)


# Stops


@possibly_applied
async def test_a_go_live_learns_of_a_stop_that_came_after_it(
    store: ConsentStore, outcome: Outcome
) -> None:
    """Whether it has ended by then or not, and whoever stopped it."""
    for is_over in (False, True):
        started = await begin(store)
        if is_over:
            await finish(store, started)
        await make(store, GO_OFFLINE, place=YOU, outcome=outcome)
        with anyio.fail_after(PATIENCE_SECONDS):
            await store.wait_for_stop(started)
        if not is_over:
            await finish(store, started)


async def test_a_go_live_learns_of_no_other_stop(store: ConsentStore) -> None:
    """One from before, one elsewhere, one that TRaX refused, and one that is being sent."""
    await make(store, GO_OFFLINE)
    started = await make(store)
    await make(store, GoOffline(studio_id=OTHER_STUDIO))
    await make(store, GO_OFFLINE, outcome="not_applied")
    stop = await begin(store, GO_OFFLINE)
    async with running(store.wait_for_stop, started) as results:
        assert results == []
        await finish(store, stop)
        with anyio.fail_after(PATIENCE_SECONDS):
            while not results:
                await settle()
        assert results == [None]


@possibly_applied
async def test_a_stop_invalidates_every_confirmation_that_leads_to_air_in_its_studio(
    store: ConsentStore, outcome: Outcome
) -> None:
    """Those of all callers are void. Others stay: of other studios, other calls, and used ones."""
    used = await add(store)
    await make(store, GO_LIVE, used)
    void = [await add(store, it, place=place) for it in LEADING_TO_AIR for place in (ME, YOU)]
    others = [
        await add(store, GoLive(studio_id=OTHER_STUDIO)),
        await add(store, GO_OFFLINE),
        await add(store, DELETE),
        await add(store, CHANGE),
    ]
    await make(store, GO_OFFLINE, outcome=outcome)
    for it in void:
        assert await kept(store, it, place=replace(ME, caller=it.caller)) is None
    assert [await kept(store, it) for it in others] == others
    assert await kept(store, used) == UsedConfirmation(used)
    assert await stops_counted(store) == 1
    assert await stops_counted(store, studio=OTHER_STUDIO) == 0


@pytest.mark.parametrize("operation", LEADING_TO_AIR, ids=lambda it: it.tool_name)
async def test_a_stop_that_was_not_applied_invalidates_nothing(
    store: ConsentStore, operation: Operation[Model]
) -> None:
    """Nor is it counted."""
    confirmation = await add(store, operation)
    await make(store, GO_OFFLINE, outcome="not_applied")
    assert await kept(store, confirmation) == confirmation
    assert await stops_counted(store) == 0


@possibly_applied
async def test_a_stop_invalidates_a_confirmation_that_was_added_while_it_was_sent(
    store: ConsentStore, outcome: Outcome
) -> None:
    """The yes is older than the end of the stop."""
    stop = await begin(store, GO_OFFLINE)
    confirmation = await add(store)
    await finish(store, stop, outcome)
    assert await kept(store, confirmation) is None


async def test_a_confirmation_that_is_given_back_during_a_stop_is_invalid_after_it(
    store: ConsentStore,
) -> None:
    """The stop is sent beside the go-live, which is not applied."""
    confirmation = await add(store)
    started = await begin(store, GO_LIVE, confirmation)
    stop = await begin(store, GO_OFFLINE)
    await finish(store, started, "not_applied")
    assert await kept(store, confirmation) == confirmation
    await finish(store, stop)
    assert await kept(store, confirmation) is None


@pytest.mark.parametrize("operation", LEADING_TO_AIR, ids=lambda it: it.tool_name)
async def test_a_confirmation_that_is_given_back_after_a_stop_is_invalid(
    store: ConsentStore, operation: Operation[Model]
) -> None:
    """The yes is older than the stop, which was sent beside the call that TRaX refused."""
    confirmation = await add(store, operation)
    started = await begin(store, operation, confirmation)
    await make(store, GO_OFFLINE)
    await finish(store, started, "not_applied")
    assert not isinstance(await kept(store, confirmation), Confirmation)
    assert isinstance(await try_to_begin(store, operation, confirmation), Stale)


@every_outcome
async def test_a_stop_is_not_stale_after_calls_of_others(
    store: ConsentStore, outcome: Outcome
) -> None:
    """It begins, and it can be asked about, whatever happened since its look."""
    confirmation = await add(store, GO_OFFLINE)
    seen = await look(store, confirmation.id)
    for operation in (GO_LIVE, DELETE, GO_OFFLINE):
        await make(store, operation, outcome=outcome)
    added = await add(store, GO_OFFLINE, seen=seen)
    for it, then in ((confirmation, seen), (added, replace(seen, confirmation=added))):
        started = await try_to_begin(store, GO_OFFLINE, it, seen=then)
        assert isinstance(started, Started)
        await finish(store, started)


async def test_a_stop_needs_its_confirmation(store: ConsentStore) -> None:
    """It is stale if the confirmation is used or gone."""
    used, gone = await add(store, GO_OFFLINE), await add(store, GO_OFFLINE)
    looks = [await look(store, it.id) for it in (used, gone)]
    await make(store, GO_OFFLINE, used)
    await store.discard(gone.id)
    for it, seen in zip((used, gone), looks, strict=True):
        assert isinstance(await try_to_begin(store, GO_OFFLINE, it, seen=seen), Stale)
        assert isinstance(await try_to_begin(store, GO_OFFLINE, it), Stale)


# Stops and the go-lives that are being sent


async def test_a_stop_waits_for_the_go_live_that_is_being_sent(store: ConsentStore) -> None:
    """`wait_for_go_live` ends when the go-live has ended, whatever came of it."""
    for outcome in OUTCOMES:
        started = await begin(store)
        async with running(store.wait_for_go_live, ME) as results:
            assert results == []
            await finish(store, started, outcome)
            await settle()
            assert results == [None]
        await make(store, GO_OFFLINE)


async def test_a_stop_waits_again_for_a_later_go_live(store: ConsentStore) -> None:
    """The first one was stopped, and has ended."""
    await make(store)
    await make(store, GO_OFFLINE)
    started = await begin(store)
    async with running(store.wait_for_go_live, ME) as results:
        assert results == []
        await finish(store, started)
        await settle()
        assert results == [None]


@pytest.mark.parametrize(
    "operation", [DELETE, CHANGE, AUTO_GO_LIVE, GO_OFFLINE], ids=lambda it: it.tool_name
)
async def test_a_stop_waits_for_no_other_call(
    store: ConsentStore, operation: Operation[Model]
) -> None:
    """Neither for a go-live that has its answer and is only pending, nor for one elsewhere."""
    await make(store)
    await begin(store, GoLive(studio_id=OTHER_STUDIO))
    await begin(store, operation)
    with anyio.fail_after(PATIENCE_SECONDS):
        await store.wait_for_go_live(ME)


async def test_a_stop_does_not_wait_for_a_go_live_that_waits_for_its_turn(
    store: ConsentStore,
) -> None:
    """It has not begun, so TRaX cannot receive it after the stop."""
    started = await begin(store, DELETE)
    async with waiting(store, GO_LIVE):
        with anyio.fail_after(PATIENCE_SECONDS):
            await store.wait_for_go_live(ME)
        stop = await begin(store, GO_OFFLINE)
        assert (await store.note_overlap(stop)).overlapping_go_lives == ()
        await finish(store, started)
        await finish(store, stop)


async def test_a_wait_for_a_go_live_that_is_cancelled_changes_nothing(store: ConsentStore) -> None:
    """A stop waits for a limited time."""
    started = await begin(store)
    before = await look(store)
    async with running(store.wait_for_go_live, ME) as results:
        pass
    assert results == []
    assert await look(store) == before
    await finish(store, started)


@pytest.mark.parametrize(
    ("outcome", "may_follow"), [("applied", True), ("unknown", True), ("not_applied", False)]
)
async def test_a_go_live_may_follow_a_stop_unless_it_was_not_applied(
    store: ConsentStore, outcome: Outcome, *, may_follow: bool
) -> None:
    """It was being sent when the stop began, so TRaX may have received it last."""
    started = await begin(store)
    stop = await begin(store, GO_OFFLINE)
    stop = await store.note_overlap(stop)
    assert stop.overlapping_go_lives == (started.number,)
    async with running(store.go_live_may_follow, stop) as results:
        assert results == []
        await finish(store, started, outcome)
        await settle()
        assert results == [may_follow]
    await finish(store, stop)


@every_outcome
async def test_a_go_live_that_ended_during_a_stop_may_follow_it(
    store: ConsentStore, outcome: Outcome
) -> None:
    """Which of the two TRaX received first is not known."""
    started = await begin(store)
    stop = await store.note_overlap(await begin(store, GO_OFFLINE))
    await finish(store, started, outcome)
    assert await go_live_may_follow(store, stop) is (outcome != "not_applied")


async def test_both_of_two_stops_learn_that_a_go_live_may_follow_them(store: ConsentStore) -> None:
    """The first one that is finished does not hide it from the other."""
    started = await begin(store)
    stops = [await store.note_overlap(await begin(store, GO_OFFLINE)) for _ in range(2)]
    await finish(store, started)
    for stop in stops:
        assert await go_live_may_follow(store, stop)
        await finish(store, stop)


@every_outcome
async def test_a_go_live_that_ended_before_a_stop_does_not_follow_it(
    store: ConsentStore, outcome: Outcome
) -> None:
    """TRaX received the stop last."""
    await make(store, outcome=outcome)
    stop = await store.note_overlap(await begin(store, GO_OFFLINE))
    assert not await go_live_may_follow(store, stop)


@pytest.mark.parametrize(
    "operation", [DELETE, AUTO_GO_LIVE, GO_OFFLINE], ids=lambda it: it.tool_name
)
async def test_other_calls_do_not_follow_a_stop(
    store: ConsentStore, operation: Operation[Model]
) -> None:
    """Nor does a go-live in another studio."""
    await begin(store, GoLive(studio_id=OTHER_STUDIO))
    await begin(store, operation)
    stop = await store.note_overlap(await begin(store, GO_OFFLINE))
    assert not await go_live_may_follow(store, stop)
