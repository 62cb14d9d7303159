"""A person answers on the page. Only what they press there counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from tests.support.approval_setup import approved_in, events_in, state_of, status_of
from tests.support.guarded_calls import GO_LIVE, NO, YES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.approval_setup import OpenSetup


async def test_a_click_on_the_page_runs_the_waiting_call(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        call = it.start()
        question = await it.page.next()
        assert (question.yes, question.data["no"]) == (YES, NO)
        it.clock.advance(1)
        await question.press(YES)
        result = await call.result()
        assert (state_of(result), approved_in(result)) == ("on_air", "page")
        assert it.sent == [GO_LIVE.sent]


async def test_a_yes_within_a_second_of_its_question_is_ignored(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        it.start()
        question = await it.page.next()
        it.clock.advance(0.9)
        await question.press(YES)
        assert (await question.phase(), it.sent) == ("open", [])
        it.clock.advance(0.1)
        await question.press(YES)
        assert it.sent == [GO_LIVE.sent]


async def test_a_yes_to_a_question_that_no_page_has_shown_is_ignored(
    open_setup: OpenSetup,
) -> None:
    async with open_setup() as it:
        it.start()
        question = await it.page.next(report=False)
        it.clock.advance(5)
        await question.press(YES)
        assert (await question.phase(), it.sent) == ("open", [])


async def test_after_a_change_the_page_shows_the_new_question_with_the_change_first(
    open_setup: OpenSetup,
) -> None:
    async with open_setup() as it:
        call = it.start()
        first = await it.page.next()
        it.clock.advance(1)
        it.sandbox.change("studio_42", name="Rehearsal")
        await first.press(YES)
        assert (await first.phase(), it.sent) == ("open", [])
        second = await first.shown_again()
        assert (
            'Now: Starts a broadcast of "Rehearsal" that anyone can watch.'
            in (second.data["changes"])
        )
        assert second.yes == 'Go live on YouTube and Twitch: "Rehearsal"'
        it.clock.advance(1)
        await first.press(second.yes)
        assert it.sent == [], "a press on the earlier question is ignored"
        await second.press(second.yes)
        assert state_of(await call.result()) == "on_air"
        assert it.sent == [GO_LIVE.sent]


async def test_twenty_presses_at_once_send_one_go_live(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        call = it.start()
        question = await it.page.next()
        it.clock.advance(1)
        async with anyio.create_task_group() as presses:
            for _ in range(20):
                presses.start_soon(question.press, YES)
        await call.result()
        assert it.sent == [GO_LIVE.sent]


async def test_after_a_no_the_same_call_is_declined_for_a_minute(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        call = it.start()
        await (await it.page.next()).press(NO)
        assert status_of(await call.result()) == ("declined", "declined")
        it.clock.advance(20)
        again = await it.call("go_live")
        assert status_of(again) == ("declined", "recently_declined")
        assert (again.structured_content or {})["retryAfterSeconds"] == 40
        assert len(await it.page.questions()) == 1
        it.start("delete_source", sourceId="source_1")
        await it.page.next(2)
        it.clock.advance(40)
        it.start()
        await it.page.next(3)
        assert it.sent == []


async def test_the_audit_log_has_the_channel_of_the_question_and_of_the_answer(
    open_setup: OpenSetup, tmp_path: Path
) -> None:
    async with open_setup() as it:
        call = it.start()
        question = await it.page.next()
        it.clock.advance(1)
        await question.press(YES)
        await call.result()
    lines = events_in(tmp_path / "audit.jsonl")
    assert [(it["event"], it.get("channel"), it.get("answeredIn")) for it in lines] == [
        ("decided", None, None),
        ("asked", "page", None),
        ("answered", None, "page"),
        ("decided", None, "page"),
        ("sending", None, None),
        ("sent", None, None),
    ]
    assert question.data["ticket"] not in (tmp_path / "audit.jsonl").read_text(encoding="utf-8")
