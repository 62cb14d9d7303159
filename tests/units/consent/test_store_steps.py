"""The steps of the store for turns and yeses.

`proof/replicas` runs the same tests on a real engine.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from tests.units.consent.two_stores import ADDRESS, GUEST, OWNER
from trax_mcp.consent.questions import IN_PROGRESS, NOT_KNOWN, PENDING_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.units.consent.two_stores import TwoStores
    from trax_mcp.api.errors import Outcome
    from trax_mcp.consent.questions import Question

# Turns


async def test_one_call_has_the_turn_of_a_studio(stores: TwoStores) -> None:
    async with stores.turn() as me:
        assert (await stores.look(store=stores.there)).studio.turn is not None
        assert await stores.begin(me, None, await stores.look())
        assert not await stores.begin("another", None, await stores.look())
    assert (await stores.look(store=stores.there)).studio.turn is None


async def test_a_guest_has_turns_of_their_own(stores: TwoStores) -> None:
    async with stores.turn(), stores.turn(stores.there, GUEST):
        assert stores.place() != stores.place(GUEST)


async def test_a_turn_is_given_back_by_a_call_that_fails(stores: TwoStores) -> None:
    with pytest.raises(ZeroDivisionError):
        async with stores.turn():
            raise ZeroDivisionError
    assert (await stores.look()).studio.turn is None


async def test_a_turn_ends_by_itself_only_where_its_holder_can_be_lost(stores: TwoStores) -> None:
    async with stores.turn():
        stores.pass_time(2.1)
        if stores.records.is_shared:
            async with stores.turn(stores.there) as other:
                assert await stores.begin(other, None, await stores.look())
        else:
            turn = (await stores.look()).studio.turn
            assert turn is not None
            assert turn.until == float("inf")


async def test_nothing_waits_where_no_go_live_is_being_sent(stores: TwoStores) -> None:
    waiting, here = stores.there.turns.wait_for_go_live, stores.place()
    await waiting(here.own)
    async with stores.turn() as me:
        assert await stores.here.begin_call(here, me, None, await stores.look(), starts=False)
        await waiting(here.own)
    async with stores.sending() as end:
        await end()
        await waiting(here.own)


# A yes


async def _refused_stop(stores: TwoStores, _: Question) -> None:
    await stores.stop()
    await stores.end_stop(outcome="not_applied")


async def _refused_stop_of_guest(stores: TwoStores, _: Question) -> None:
    await stores.stop(caller=GUEST)
    await stores.end_stop(outcome="not_applied", caller=GUEST)


async def _other_use(stores: TwoStores, question: Question) -> None:
    await stores.there.questions.change(
        question.id, lambda kept, now: replace(kept, used_by="b", used_at=now)
    )


BETWEEN: Final[dict[str, tuple[Callable[[TwoStores, Question], Awaitable[object]], bool]]] = {
    "nothing": (lambda stores, _: stores.look(), True),
    "a stop": (lambda stores, _: stores.stop(), False),
    "a stop that TRaX refused": (_refused_stop, False),
    "a stop of a guest that was refused": (_refused_stop_of_guest, True),
    "another use of the yes": (_other_use, False),
    "the question is discarded": (
        lambda stores, question: stores.there.questions.discard(question.id),
        False,
    ),
    "another question": (lambda stores, _: stores.ask(), True),
}
"""What comes between looking and beginning, and whether the call may then be sent."""


@pytest.mark.parametrize(("between", "may_begin"), BETWEEN.values(), ids=BETWEEN)
async def test_a_call_begins_only_if_nothing_has_voided_its_yes_since(
    stores: TwoStores,
    between: Callable[[TwoStores, Question], Awaitable[object]],
    *,
    may_begin: bool,
) -> None:
    question = await stores.ask()
    async with stores.turn() as me:
        seen = await stores.look(question)
        await between(stores, question)
        before = await stores.question(question)
        assert await stores.begin(me, question, seen) is may_begin
        after = await stores.question(question)
        assert (after == before) is not may_begin
        assert (after is not None and after.used_by == me) is may_begin


async def test_a_yes_is_used_once(stores: TwoStores) -> None:
    question = await stores.ask()
    async with stores.turn() as me:
        seen = await stores.look(question)
        assert [await stores.begin(me, question, seen) for _ in range(2)] == [True, False]
        used = (await stores.look(question, store=stores.there)).question
        assert used is not None
        assert (used.is_used, used.outcome) == (True, IN_PROGRESS)


async def test_a_question_whose_sender_is_gone_has_ended_and_its_outcome_is_not_known(
    stores: TwoStores,
) -> None:
    """A stop that comes meanwhile does not change that."""
    question = await stores.ask()
    async with stores.sending(question):
        await stores.stop()
        await stores.end_stop()
        assert (await stores.there.questions.read(question.id, OWNER)).phase == "running"
    assert (await stores.there.questions.read(question.id, OWNER)).phase == "ended"
    used = (await stores.look(question, store=stores.there)).question
    assert used is not None
    assert used.outcome == NOT_KNOWN


@pytest.mark.parametrize(
    ("outcome", "told", "hidden"),
    [
        ("applied", "the call ran", {ADDRESS: 1}),
        ("unknown", NOT_KNOWN, {ADDRESS: 1}),
        ("not_applied", None, {}),
    ],
)
async def test_a_yes_is_given_back_only_if_trax_refused_the_call(
    stores: TwoStores, outcome: Outcome, told: str | None, hidden: dict[str, int]
) -> None:
    """Else a later use of it is told what came of the call."""
    question = await stores.ask()
    async with stores.sending(question) as end:
        assert (await stores.look()).go_live_pending
        assert not await end(outcome)
        now = await stores.look(question, store=stores.there)
    assert now.studio.turn is None
    assert now.go_live_pending is (told is not None)
    assert now.studio.hidden == hidden
    assert now.question is not None
    assert (now.question.is_used, now.question.outcome) == (told is not None, told)


async def test_a_go_live_is_pending_for_a_minute_or_until_it_is_seen_on_air(
    stores: TwoStores,
) -> None:
    async with stores.sending() as end:
        await end()
    seen = await stores.look()
    stores.pass_time(PENDING_SECONDS - 1)
    assert (await stores.look(store=stores.there)).go_live_pending
    stores.pass_time(1.5)
    assert not (await stores.look(store=stores.there)).go_live_pending
    stores.pass_time(-1.5)
    await stores.there.record_outcome(stores.place(), None, seen, "it ran", on_air=True)
    assert not (await stores.look()).go_live_pending


async def test_what_was_observed_is_kept_with_the_yes(stores: TwoStores) -> None:
    question = await stores.ask()
    async with stores.sending(question) as end:
        seen = await stores.look(question)
        await end()
    words = "it ran, and was seen"
    await stores.here.record_outcome(stores.place(), question.id, seen, words, on_air=False)
    used = (await stores.look(question, store=stores.there)).question
    assert used is not None
    assert used.outcome == words


async def test_a_call_that_changed_nothing_disturbs_nobody(stores: TwoStores) -> None:
    question, before = await stores.ask(), await stores.look()
    async with stores.turn(stores.there) as me:
        assert not await stores.end(me, None, await stores.look(), "not_applied", starts=False)
    assert await stores.is_good(question)
    assert (await stores.look()).studio == before.studio
