"""How long a call waits for an answer on the page, and when its question ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.approval_setup import state_of, status_of
from tests.support.guarded_calls import GO_LIVE, YES
from tests.support.product.shared_clock import settled

if TYPE_CHECKING:
    from tests.support.approval_setup import OpenSetup


async def test_equal_calls_share_one_question_and_one_result(open_setup: OpenSetup) -> None:
    """Also if the one that asked is cancelled."""
    async with open_setup() as it:
        first, second, cancelled = it.start(), it.start(), it.start()
        question = await it.page.next()
        await settled()
        cancelled.scope.cancel()
        await settled()
        assert len(await it.page.questions()) == 1
        it.clock.advance(1)
        await question.press(YES)
        assert state_of(await first.result()) == state_of(await second.result()) == "on_air"
        assert it.sent == [GO_LIVE.sent]


async def test_a_call_waits_fifty_seconds_and_a_later_click_still_counts_once(
    open_setup: OpenSetup,
) -> None:
    async with open_setup() as it:
        call = it.start()
        question = await it.page.next()
        await it.clock.pass_by(49.5)
        assert not call.has_ended
        await it.clock.pass_by(1)
        result = await call.result()
        assert status_of(result) == ("asking", None)
        assert not result.is_error
        content = result.structured_content or {}
        assert (content["executed"], content["channel"]) == (False, "page")
        assert content["message"].startswith("Not done yet: ")

        await question.press(YES)
        assert it.sent == [GO_LIVE.sent]
        assert state_of(await it.call("go_live")) == "on_air"
        again = await it.call("go_live")
        assert status_of(again) == ("nothing_to_do", None), "the outcome is returned once"
        assert it.sent == [GO_LIVE.sent]


async def test_the_wait_for_a_slow_browser_is_part_of_the_fifty_seconds(
    open_setup: OpenSetup,
) -> None:
    async with open_setup() as it:
        call = it.start()
        await it.page.next(report=False)
        await it.clock.pass_by(9)
        await it.page.next()
        await it.clock.pass_by(42)
        assert call.has_ended
        assert status_of(await call.result()) == ("asking", None)


async def test_a_question_without_an_answer_ends_after_five_minutes(open_setup: OpenSetup) -> None:
    """A call that waits for it waits no longer."""
    async with open_setup() as it:
        call = it.start()
        question = await it.page.next()
        await it.clock.pass_by(51)
        await call.result()
        it.clock.advance(239)
        late = it.start()
        await it.clock.pass_by(10.5)
        assert status_of(await late.result()) == ("declined", "timed_out")
        await question.press(YES)
        assert (await question.phase(), it.sent) == ("ended", [])


async def test_an_outcome_is_still_told_after_another_question_in_the_studio(
    open_setup: OpenSetup,
) -> None:
    async with open_setup() as it:
        call = it.start()
        question = await it.page.next()
        await it.clock.pass_by(51)
        await call.result()
        await question.press(YES)
        it.start("delete_source", sourceId="source_1")
        await it.page.next(2)
        assert state_of(await it.call("go_live")) == "on_air"


async def test_a_cancelled_call_withdraws_its_question(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        call = it.start()
        question = await it.page.next()
        it.clock.advance(1)
        await settled()
        call.scope.cancel()
        await settled()
        assert await question.phase() == "ended"
        await question.press(YES)
        assert (await question.phase(), it.sent) == ("ended", [])
        assert question.data["outcome"] == (
            "This is no longer asked: the call was cancelled. Nothing was sent."
        )
        it.start()
        assert await (await it.page.next(2)).phase() == "open"


async def test_a_server_that_stops_while_a_person_is_asked_sends_nothing(
    open_setup: OpenSetup,
) -> None:
    async with open_setup() as it:
        call = it.start()
        question = await it.page.next()
        it.clock.advance(1)
        await it.product.shut_down()
        await question.press(YES)
        assert "shutting down" in call.error
        assert it.sent == []


@pytest.mark.parametrize("is_shown", [True, False])
async def test_a_fourth_question_withdraws_the_oldest(
    open_setup: OpenSetup, *, is_shown: bool
) -> None:
    """Its call is told so, and may ask anew."""
    async with open_setup() as it:
        call = it.start()
        oldest = await it.page.next(report=is_shown)
        others = []
        for number in (1, 2, 3):
            it.start("delete_source", sourceId=f"source_{number}")
            others.append(await it.page.next(number + 1))
        assert [await other.phase() for other in others] == ["open"] * 3
        result = await call.result()
        assert result.is_error
        assert result.structured_content == {
            "executed": False,
            "status": "declined",
            "reason": "cancelled",
            "message": "Nothing was sent: the question was withdrawn: others were asked since."
            " Do not call again unless the person asks for it.",
        }
        it.clock.advance(1)
        await oldest.press(YES)
        assert it.sent == []
        it.start()
        assert await (await it.page.next(5)).phase() == "open"
