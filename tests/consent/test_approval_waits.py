"""How long a call waits for an answer on the page, and when its question ends."""

from __future__ import annotations

from functools import partial
from typing import Final

import pytest

from tests.support.guarded_calls import DELETE_SOURCE, GO_LIVE, YES
from tests.support.product.shared_clock import settled
from tests.world.answers import data_of, outcome, state_in
from tests.world.world import MINE, open_world

asking: Final = partial(open_world, MINE, page=True, TRAX_ASK="page,preview")


async def test_equal_calls_share_one_question_and_one_result() -> None:
    """Even if the one that asked is cancelled."""
    async with asking() as it:
        first, second, cancelled = [it[MINE].start(GO_LIVE) for _ in range(3)]
        question = await it.open_page.next()
        await settled()
        cancelled.scope.cancel()
        await settled()
        assert len(await it.open_page.questions()) == 1
        it.hand_clock.advance(1)
        await question.press(YES)
        assert [state_in(await call.result()) for call in (first, second)] == ["on_air"] * 2
        assert it.sent == [GO_LIVE.sent]


async def test_a_call_waits_fifty_seconds_and_a_later_click_still_counts_once() -> None:
    async with asking() as it:
        call = it[MINE].start(GO_LIVE)
        question = await it.open_page.next()
        await it.hand_clock.pass_by(49.5)
        assert not call.has_ended
        await it.hand_clock.pass_by(1)
        result = await call.result()
        assert (outcome(result), result.is_error) == (("asking", None), False)
        data = data_of(result)
        assert (data["executed"], data["channel"]) == (False, "page")
        assert data["message"].startswith("Not done yet: ")
        await question.press(YES)
        assert it.sent == [GO_LIVE.sent]
        it[MINE].start(DELETE_SOURCE)  # another question in the studio changes nothing
        await it.open_page.next(2)
        assert state_in(await it[MINE].call(GO_LIVE)) == "on_air"
        again = await it[MINE].call(GO_LIVE)
        assert outcome(again) == ("nothing_to_do", None), "the outcome is returned once"
        assert it.sent == [GO_LIVE.sent]


async def test_a_question_without_an_answer_ends_after_five_minutes() -> None:
    """A call that waits for it waits no longer."""
    async with asking() as it:
        call = it[MINE].start(GO_LIVE)
        question = await it.open_page.next()
        await it.hand_clock.pass_by(51)
        await call.result()
        it.hand_clock.advance(239)
        late = it[MINE].start(GO_LIVE)
        await it.hand_clock.pass_by(10.5)
        assert outcome(await late.result()) == ("declined", "timed_out")
        await question.press(YES)
        assert (await question.phase(), it.sent) == ("ended", [])


@pytest.mark.parametrize("is_pressed_between", [True, False])
async def test_an_approval_counts_although_each_call_is_cancelled_after_five_seconds(
    *, is_pressed_between: bool
) -> None:
    """Some clients have such time-outs. The same call joins the question, in the same tab."""
    async with asking() as it:
        question = None
        for _ in range(4):
            call = it[MINE].start(GO_LIVE)
            question = question or await it.open_page.next()
            await it.hand_clock.pass_by(5)
            call.scope.cancel()
            await settled()
        assert question is not None
        if is_pressed_between:
            await question.press(YES)
            last = it[MINE].start(GO_LIVE)
        else:
            last = it[MINE].start(GO_LIVE)
            await settled()
            await question.press(YES)
        assert state_in(await last.result()) == "on_air"
        assert it.sent == [GO_LIVE.sent]
        assert len(it.open_page.browser.opened) == 1
        assert len(await it.open_page.questions()) == 1


async def test_a_question_ends_a_minute_after_its_last_call_was_cancelled() -> None:
    async with asking() as it:
        call = it[MINE].start(GO_LIVE)
        question = await it.open_page.next()
        it.hand_clock.advance(1)
        await settled()
        call.scope.cancel()
        await settled()
        assert await question.phase() == "open"
        it.hand_clock.advance(60)
        await question.press(YES)
        assert (await question.phase(), it.sent) == ("ended", [])
        assert question.data["outcome"] == (
            "This isn't asked any more. The call was cancelled. Nothing was sent."
        )
        it[MINE].start(GO_LIVE)
        assert await (await it.open_page.next(2)).phase() == "open"


async def test_an_outcome_that_no_call_learnt_is_told_for_a_minute_alone() -> None:
    """The show may have ended meanwhile. Then the same call asks again."""
    async with asking() as it:
        call = it[MINE].start(GO_LIVE)
        question = await it.open_page.next()
        it.hand_clock.advance(1)
        await settled()
        call.scope.cancel()
        await settled()
        await question.press(YES)
        assert it.sent == [GO_LIVE.sent]
        it.trax.go_offline("studio_42")
        it.hand_clock.advance(61)
        it[MINE].start(GO_LIVE)
        assert await (await it.open_page.next(2)).phase() == "open"


async def test_a_server_that_stops_while_a_person_is_asked_sends_nothing() -> None:
    async with asking() as it:
        call = it[MINE].start(GO_LIVE)
        question = await it.open_page.next()
        it.hand_clock.advance(1)
        await it.product.shut_down()
        await question.press(YES)
        assert "shutting down" in await call.failure()
        assert it.sent == []


@pytest.mark.parametrize("is_shown", [True, False])
async def test_a_fourth_question_withdraws_the_oldest(*, is_shown: bool) -> None:
    """Its call is told so, and may ask again."""
    async with asking() as it:
        call = it[MINE].start(GO_LIVE)
        oldest = await it.open_page.next(report=is_shown)
        others = []
        for number in (1, 2, 3):
            it[MINE].start("delete_source", sourceId=f"source_{number}")
            others.append(await it.open_page.next(number + 1))
        assert [await other.phase() for other in others] == ["open"] * 3
        result = await call.result()
        assert result.is_error
        assert data_of(result) == {
            "summary": "This isn't asked any more. Others were asked since. Nothing was sent.",
            "executed": False,
            "status": "declined",
            "reason": "cancelled",
            "message": "The question was withdrawn: others were asked since. Nothing was sent."
            " Don't call again unless the user asks for it.",
        }
        it.hand_clock.advance(1)
        await oldest.press(YES)
        assert it.sent == []
        it[MINE].start(GO_LIVE)
        assert await (await it.open_page.next(5)).phase() == "open"
