"""The steps of the store for stops. `proof/replicas` runs the same tests on a real engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.units.consent.two_stores import DELETE, GUEST, SECOND_STOP, STOP
from trax_mcp.consent.questions import IN_PROGRESS, NOT_KNOWN
from trax_mcp.consent.records import Key, studio_in

if TYPE_CHECKING:
    from tests.units.consent.two_stores import TwoStores
    from trax_mcp.api.errors import Outcome


async def test_a_stop_is_begun_once(stores: TwoStores) -> None:
    assert [await stores.stop() for _ in range(2)] == [True, False]
    assert await stores.here.stop_outcome(STOP) == IN_PROGRESS
    assert await stores.here.stop_outcome(SECOND_STOP) is None


async def test_a_stop_voids_every_question_that_leads_on_air_and_no_other(
    stores: TwoStores,
) -> None:
    start, delete = await stores.ask(), await stores.ask(DELETE)
    await stores.stop()
    later = await stores.ask()
    assert [await stores.is_good(it) for it in (start, delete, later)] == [False, True, True]
    await stores.end_stop()
    assert [await stores.is_good(it) for it in (start, delete)] == [False, True]


async def test_no_call_begins_while_a_stop_is_being_sent(stores: TwoStores) -> None:
    """Whoever runs there keeps the turn: it may be on the wire."""
    async with stores.turn() as me:
        seen = await stores.look()
        await stores.stop()
        assert not await stores.begin(me, None, seen)
        assert not await stores.begin(me, None, await stores.look())
        await stores.end_stop()
        assert await stores.begin(me, None, await stores.look())
        assert (await stores.look()).studio.stop is None


@pytest.mark.parametrize(
    ("outcome", "told"),
    [("applied", "the call ran"), ("unknown", NOT_KNOWN), ("not_applied", None)],
)
async def test_the_yes_to_a_stop_is_given_back_only_if_trax_refused_it(
    stores: TwoStores, outcome: Outcome, told: str | None
) -> None:
    """Else a later use of it is told what came of the stop."""
    async with stores.sending() as end:
        await end()
    await stores.stop()
    await stores.end_stop(outcome=outcome)
    assert await stores.here.stop_outcome(STOP) == told
    assert (await stores.look()).go_live_pending is (outcome != "applied")
    await stores.there.record_stop_outcome(STOP, "it was seen")
    assert await stores.here.stop_outcome(STOP) == (told and "it was seen")
    assert await stores.stop() is (told is None)


async def test_a_go_live_finds_a_stop_that_came_while_it_was_sent(stores: TwoStores) -> None:
    for stop in (STOP, SECOND_STOP):
        async with stores.sending() as end:
            await stores.stop(stop)
            await stores.end_stop(stop)
            assert await end()


async def test_a_go_live_does_not_find_a_stop_from_before(stores: TwoStores) -> None:
    await stores.stop()
    await stores.end_stop()
    async with stores.sending() as end:
        assert not await end()


async def test_a_go_live_does_not_find_a_stop_of_a_guest_that_was_refused(
    stores: TwoStores,
) -> None:
    async with stores.sending() as end:
        await stores.stop(caller=GUEST)
        await stores.end_stop(outcome="not_applied", caller=GUEST)
        assert not await end()


async def test_a_go_live_that_a_stop_has_followed_is_pending_until_it_is_undone(
    stores: TwoStores,
) -> None:
    async with stores.sending() as end:
        await stores.stop()
        assert await end()
        assert (await stores.look(store=stores.there)).go_live_pending
        await stores.here.note_undone(stores.place())
    assert not (await stores.look(store=stores.there)).go_live_pending


async def test_a_go_live_has_its_turn_until_it_is_undone(stores: TwoStores) -> None:
    """The next go-live waits, so that the stop that undoes this one does not hit it."""
    studio = stores.place().own
    async with stores.sending() as end:
        await stores.stop()
        await stores.end_stop()
        assert await end()
        assert studio_in(await stores.records.read(studio), studio).turn is not None
    assert studio_in(await stores.records.read(studio), studio).turn is None


async def test_a_stop_that_trax_has_applied_counts_for_all_who_share_the_studio(
    stores: TwoStores,
) -> None:
    question = await stores.ask()
    await stores.stop(caller=GUEST)
    assert await stores.is_good(question)
    await stores.end_stop(caller=GUEST)
    assert not await stores.is_good(question)


async def test_a_stop_of_a_stranger_leaves_nothing(stores: TwoStores) -> None:
    """Else each invented key would fill the memory of all, for an hour."""
    await stores.stop(caller=GUEST)
    await stores.end_stop(outcome="not_applied", caller=GUEST, is_stranger=True)
    own, stop = stores.place(GUEST).own, Key("stop", STOP)
    assert (await stores.records.read(own, stop)).values == {own: None, stop: None}


async def test_a_stop_voids_though_the_key_has_just_been_withdrawn(stores: TwoStores) -> None:
    question = await stores.ask()
    await stores.stop()
    await stores.end_stop(outcome="not_applied", is_stranger=True)
    assert not await stores.is_good(question)


async def test_a_stop_that_was_refused_counts_anew_when_it_is_pressed_again(
    stores: TwoStores,
) -> None:
    await stores.stop()
    await stores.end_stop(outcome="not_applied")
    question = await stores.ask()
    async with stores.sending() as end:
        assert await stores.stop()
        await stores.end_stop()
        assert await end()
    assert not await stores.is_good(question)


async def test_the_end_of_an_earlier_stop_brings_no_yes_back(stores: TwoStores) -> None:
    await stores.stop(STOP)
    question = await stores.ask()
    await stores.stop(SECOND_STOP)
    await stores.end_stop(SECOND_STOP)
    await stores.end_stop(STOP)
    assert not await stores.is_good(question)
