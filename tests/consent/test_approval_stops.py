"""A stop does not wait for the page: it has a confirmation as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.approval_setup import status_of
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE, NO, YES
from tests.support.scripted_page import ScriptedPage
from trax_mcp.consent.rules import Mode

if TYPE_CHECKING:
    from tests.support.approval_setup import OpenSetup


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.HUMAN])
async def test_a_stop_returns_at_once_with_a_confirmation_beside_the_page(
    open_setup: OpenSetup, mode: Mode
) -> None:
    async with open_setup(mode=mode, page=ScriptedPage(reports=False)) as it:
        result = await it.start("go_offline").result()
        content = result.structured_content
        assert (content["status"], content["channel"]) == ("asking", "page")
        assert content["confirmation"]
        assert content["preview"]
        confirmed = it.start("go_offline", confirm=True, confirmation=content["confirmation"])
        assert ((await confirmed.result()).meta or {})[
            "live.traxstreaming/approvedIn"
        ] == "confirmation"
        assert it.sent() == [GO_OFFLINE.sent]
        assert (await it.page.next()).phase == "ended"


async def test_a_click_stops_at_once_and_uses_the_confirmation_too(
    open_setup: OpenSetup,
) -> None:
    async with open_setup() as it:
        asked = (await it.start("go_offline").result()).structured_content
        approval = await it.page.next()
        await approval.answer(approval.question_id, approval.question.yes)
        assert it.sent() == [GO_OFFLINE.sent]
        again = it.start("go_offline", confirm=True, confirmation=asked["confirmation"])
        assert status_of(await again.result()) == ("confirmation_invalid", "used")
        assert it.sent() == [GO_OFFLINE.sent]


async def test_a_second_question_about_a_stop_leaves_the_first_confirmation_good_once(
    open_setup: OpenSetup,
) -> None:
    async with open_setup() as it:
        first = (await it.start("go_offline").result()).structured_content["confirmation"]
        await it.start("go_offline").result()
        stopped = await it.start("go_offline", confirm=True, confirmation=first).result()
        assert stopped.structured_content["observed"]["state"] == "off_air"
        again = await it.start("go_offline", confirm=True, confirmation=first).result()
        assert status_of(again) == ("confirmation_invalid", "used")
        assert it.sent() == [GO_OFFLINE.sent]


async def test_questions_about_stops_of_other_studios_leave_a_confirmation_good(
    open_setup: OpenSetup,
) -> None:
    async with open_setup() as it:
        asked = (await it.start("go_offline").result()).structured_content
        for other in ("studio_43", "studio_51", "studio_60"):
            await it.start("go_offline", studioId=other).result()
        assert it.page.approvals[0].phase == "ended"
        await it.start("go_offline", confirm=True, confirmation=asked["confirmation"]).result()
        assert it.sent() == [GO_OFFLINE.sent]


async def test_after_a_stop_on_the_page_no_call_is_told_that_the_studio_is_on_air(
    open_setup: OpenSetup,
) -> None:
    async with open_setup() as it:
        call = it.start()
        go_live = await it.page.next()
        await it.clock.pass_by(51)
        assert status_of(await call.result()) == ("asking", None)
        await it.start("go_offline").result()
        stop = await it.page.next(2)
        await go_live.answer(go_live.question_id, YES)
        await stop.answer(stop.question_id, stop.question.yes)
        assert it.sent() == [GO_LIVE.sent, GO_OFFLINE.sent]
        it.start()
        assert (await it.page.next(3)).question.yes == YES


async def test_a_stop_may_be_asked_about_right_after_a_no(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        await it.start("go_offline").result()
        approval = await it.page.next()
        await approval.answer(approval.question_id, NO)
        assert approval.phase == "ended"
        assert it.sent() == []
        assert status_of(await it.start("go_offline").result()) == ("asking", None)


async def test_a_stop_invalidates_the_open_question_of_a_go_live(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        call = it.start()
        approval = await it.page.next()
        stop = (await it.start("go_offline").result()).structured_content
        await it.start("go_offline", confirm=True, confirmation=stop["confirmation"]).result()
        it.clock.advance(1)
        await approval.answer(approval.question_id, YES)
        assert status_of(await call.result()) == ("confirmation_invalid", "expired")
        assert it.sent() == [GO_OFFLINE.sent]
