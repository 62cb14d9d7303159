"""How long a call waits for an answer on the page, and when its question ends."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from tests.support.approval_setup import status_of
from tests.support.guarded_calls import GO_LIVE, YES
from tests.support.product.shared_clock import settled
from tests.support.scripted_page import ScriptedPage
from trax_mcp.consent.approval import Approval
from trax_mcp.consent.calls import NotRun

if TYPE_CHECKING:
    from tests.support.approval_setup import OpenSetup


async def test_two_equal_calls_share_one_question_and_one_result(
    open_setup: OpenSetup,
) -> None:
    async with open_setup() as it:
        calls = [it.start()]
        approval = await it.page.next()
        calls.append(it.start())
        await settled()
        assert len(it.page.approvals) == 1
        it.clock.advance(1)
        await approval.answer(approval.question_id, YES)
        for call in calls:
            assert (await call.result()).structured_content["observed"]["state"] == "on_air"
        assert it.sent() == [GO_LIVE.sent]


async def test_a_call_waits_fifty_seconds_and_a_later_click_still_counts_once(
    open_setup: OpenSetup,
) -> None:
    async with open_setup() as it:
        call = it.start()
        approval = await it.page.next()
        await it.clock.pass_by(49.5)
        assert not call.has_ended
        await it.clock.pass_by(1)
        result = await call.result()
        assert status_of(result) == ("asking", None)
        assert not result.is_error
        content = result.structured_content
        assert (content["executed"], content["channel"]) == (False, "page")
        assert content["message"].startswith("Not done yet: ")

        await approval.answer(approval.question_id, YES)
        assert it.sent() == [GO_LIVE.sent]
        later = await it.start().result()
        assert later.structured_content["observed"]["state"] == "on_air"
        again = await it.start().result()
        assert status_of(again) == ("nothing_to_do", None), "the outcome is returned once"
        assert it.sent() == [GO_LIVE.sent]


async def test_the_wait_for_a_slow_browser_is_part_of_the_fifty_seconds(
    open_setup: OpenSetup,
) -> None:
    async with open_setup(page=ScriptedPage(reports=False)) as it:
        call = it.start()
        approval = await it.page.next()
        await it.clock.pass_by(9)
        approval.report(approval.question_id)
        await it.clock.pass_by(42)
        assert call.has_ended
        assert status_of(await call.result()) == ("asking", None)


async def test_a_question_without_an_answer_ends_after_five_minutes(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        call = it.start()
        approval = await it.page.next()
        await it.clock.pass_by(51)
        await call.result()
        it.clock.advance(250)
        await approval.answer(approval.question_id, YES)
        assert (approval.phase, it.sent()) == ("ended", [])
        assert status_of(await it.start().result()) == ("declined", "timed_out")


async def test_a_call_waits_no_longer_than_its_question_lives(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        call = it.start()
        await it.page.next()
        await it.clock.pass_by(51)
        await call.result()
        it.clock.advance(239)
        late = it.start()
        await it.clock.pass_by(10.5)
        assert status_of(await late.result()) == ("declined", "timed_out")


async def test_a_page_that_was_closed_leaves_the_question_until_it_expires(
    open_setup: OpenSetup,
) -> None:
    async with open_setup() as it:
        call = it.start()
        approval = await it.page.next()
        it.page.approvals.clear()  # no page shows it any more
        await it.clock.pass_by(51)
        assert status_of(await call.result()) == ("asking", None)
        it.clock.advance(250)
        assert approval.phase == "ended"
        assert it.sent() == []


async def test_an_outcome_is_still_told_after_another_question_in_the_studio(
    open_setup: OpenSetup,
) -> None:
    async with open_setup() as it:
        call = it.start()
        approval = await it.page.next()
        await it.clock.pass_by(51)
        await call.result()
        await approval.answer(approval.question_id, YES)
        it.start("delete_source", sourceId="source_1")
        await it.page.next(2)
        learnt = await it.start().result()
        assert learnt.structured_content["observed"]["state"] == "on_air"


async def test_a_cancelled_call_withdraws_its_question(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        call = it.start()
        approval = await it.page.next()
        it.clock.advance(1)
        await settled()
        call.scope.cancel()
        await settled()
        assert approval.result == NotRun(
            "go_live", "declined", "cancelled", why="the call was cancelled"
        )
        await approval.answer(approval.question_id, YES)
        assert it.sent() == []
        it.start()
        assert (await it.page.next(2)).phase == "open"


async def test_a_question_stays_while_another_call_waits_for_it(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        cancelled, waiting = it.start(), None
        approval = await it.page.next()
        waiting = it.start()
        await settled()
        cancelled.scope.cancel()
        await settled()
        it.clock.advance(1)
        await approval.answer(approval.question_id, YES)
        assert (await waiting.result()).structured_content["observed"]["state"] == "on_air"


async def test_a_server_that_stops_while_a_person_is_asked_sends_nothing(
    open_setup: OpenSetup,
) -> None:
    async with open_setup() as it:
        call = it.start()
        approval = await it.page.next()
        it.clock.advance(1)
        await it.deps.shut_down()
        await approval.answer(approval.question_id, YES)
        assert "shutting down" in call.error
        assert it.sent() == []


async def test_a_fourth_question_withdraws_the_oldest(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        acts = [
            ("go_live", {}),
            ("delete_source", {"sourceId": "source_1"}),
            ("delete_source", {"sourceId": "source_2"}),
            ("delete_destination", {"destId": "dest_1"}),
        ]
        for number, (tool, arguments) in enumerate(acts, start=1):
            it.start(tool, **arguments)
            await it.page.next(number)
        phases = [approval.phase for approval in it.page.approvals]
        assert phases == ["ended", "open", "open", "open"]


@pytest.mark.parametrize("reports", [True, False])
async def test_a_call_is_told_that_others_withdrew_its_question_and_may_ask_anew(
    open_setup: OpenSetup, *, reports: bool
) -> None:
    async with open_setup(page=ScriptedPage(reports=reports)) as it:
        call = it.start()
        await it.page.next()
        for number in (1, 2, 3):
            it.start("delete_source", sourceId=f"source_{number}")
            await it.page.next(number + 1)
        result = await call.result()
        assert result.is_error
        assert result.structured_content == {
            "executed": False,
            "status": "declined",
            "reason": "cancelled",
            "message": "Nothing was sent: the question was withdrawn: others were asked since."
            " Do not call again unless the person asks for it.",
        }
        it.start()
        assert (await it.page.next(5)).phase == "open"


async def test_few_questions_are_kept_after_their_end(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        for _ in range(40):
            await it.start("go_offline").result()
        it.page.approvals.clear()
        gc.collect()
        kept = [found for found in gc.get_objects() if isinstance(found, Approval)]
        assert len(kept) < 25
