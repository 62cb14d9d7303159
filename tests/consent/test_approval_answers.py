"""A person answers on the page. Through a real MCP client; the page is scripted."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from tests.support.approval_setup import status_of
from tests.support.guarded_calls import GO_LIVE, NO, YES
from tests.support.scripted_page import ScriptedPage

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.approval_setup import OpenSetup


async def test_a_click_on_the_page_runs_the_waiting_call(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        call = it.start()
        approval = await it.page.next()
        assert (approval.question.yes, approval.question.no) == (YES, NO)
        it.clock.advance(1)
        await approval.answer(approval.question_id, YES)
        result = await call.result()
        assert result.structured_content["observed"]["state"] == "on_air"
        assert (result.meta or {})["live.traxstreaming/approvedIn"] == "page"
        assert it.sent() == [GO_LIVE.sent]


async def test_a_no_on_the_page_sends_nothing_and_ends_the_call(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        call = it.start()
        approval = await it.page.next()
        await approval.answer(approval.question_id, NO)
        assert status_of(await call.result()) == ("declined", "declined")
        assert it.sent() == []


async def test_a_yes_within_a_second_of_its_question_is_ignored(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        it.start()
        approval = await it.page.next()
        it.clock.advance(0.9)
        await approval.answer(approval.question_id, YES)
        assert (approval.phase, it.sent()) == ("open", [])
        it.clock.advance(0.1)
        await approval.answer(approval.question_id, YES)
        assert it.sent() == [GO_LIVE.sent]


async def test_a_yes_to_a_question_that_no_page_has_shown_is_ignored(
    open_setup: OpenSetup,
) -> None:
    async with open_setup(page=ScriptedPage(reports=False)) as it:
        it.start()
        approval = await it.page.next()
        it.clock.advance(5)
        await approval.answer(approval.question_id, YES)
        assert (approval.phase, it.sent()) == ("open", [])


async def test_after_a_change_the_page_shows_the_new_question_with_the_change_first(
    open_setup: OpenSetup,
) -> None:
    async with open_setup() as it:
        call = it.start()
        approval = await it.page.next()
        first = approval.question_id
        it.clock.advance(1)
        studios = it.sandbox.world.studios
        studios["studio_42"] = replace(studios["studio_42"], name="Rehearsal")
        await approval.answer(first, YES)
        assert (approval.phase, it.sent()) == ("open", [])
        assert 'Now: Starts a broadcast of "Rehearsal" that anyone can watch.' in (
            approval.question.changes
        )
        assert approval.question.yes == 'Go live on YouTube and Twitch: "Rehearsal"'

        approval.report(approval.question_id)
        it.clock.advance(1)
        await approval.answer(first, approval.question.yes)
        assert it.sent() == [], "a press on the earlier question is ignored"
        await approval.answer(approval.question_id, approval.question.yes)
        assert (await call.result()).structured_content["observed"]["state"] == "on_air"
        assert it.sent() == [GO_LIVE.sent]


async def test_twenty_presses_at_once_send_one_go_live(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        call = it.start()
        approval = await it.page.next()
        it.clock.advance(1)
        async with anyio.create_task_group() as presses:
            for _ in range(20):
                presses.start_soon(approval.answer, approval.question_id, YES)
        await call.result()
        assert it.sent() == [GO_LIVE.sent]


async def test_after_a_no_the_same_call_is_declined_for_a_minute(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        call = it.start()
        approval = await it.page.next()
        await approval.answer(approval.question_id, NO)
        await call.result()
        it.clock.advance(20)
        again = await it.start().result()
        assert status_of(again) == ("declined", "recently_declined")
        assert again.structured_content["retryAfterSeconds"] == 40
        assert len(it.page.approvals) == 1
        it.clock.advance(40)
        it.start()
        await it.page.next(2)


async def test_after_a_no_to_one_call_another_call_is_asked_about(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        call = it.start()
        approval = await it.page.next()
        await approval.answer(approval.question_id, NO)
        await call.result()
        it.start("delete_source", sourceId="source_1")
        await it.page.next(2)


async def test_the_audit_log_has_the_channel_of_the_question_and_of_the_answer(
    open_setup: OpenSetup, tmp_path: Path
) -> None:
    async with open_setup() as it:
        call = it.start()
        approval = await it.page.next()
        it.clock.advance(1)
        await approval.answer(approval.question_id, YES)
        await call.result()
    text = (tmp_path / "audit.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    events = [(it["event"], it.get("channel"), it.get("answeredIn")) for it in lines]
    assert events == [
        ("decided", None, None),
        ("asked", "page", None),
        ("answered", None, "page"),
        ("decided", None, "page"),
        ("sending", None, None),
        ("sent", None, None),
    ]
    assert approval.ticket not in text
    assert approval.question.confirmation_id not in text
