"""A stop does not wait for the page: it has a confirmation as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.approval_setup import approved_in, state_of, status_of
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE, NO, YES

if TYPE_CHECKING:
    from tests.support.approval_setup import OpenSetup


@pytest.mark.parametrize("mode", ["auto", "human"])
async def test_a_stop_returns_at_once_with_a_confirmation_beside_the_page(
    open_setup: OpenSetup, mode: str
) -> None:
    async with open_setup(TRAX_CONFIRM=mode) as it:
        asked = await it.asked("go_offline")
        assert (asked["status"], asked["channel"]) == ("asking", "page")
        assert asked["preview"]
        question = await it.page.next(report=False)
        stopped = await it.call("go_offline", confirm=True, confirmation=asked["confirmation"])
        assert approved_in(stopped) == "confirmation"
        assert it.sent == [GO_OFFLINE.sent]
        assert await question.phase() == "ended"


async def test_a_click_stops_at_once_and_uses_the_confirmation_too(
    open_setup: OpenSetup,
) -> None:
    async with open_setup() as it:
        asked = await it.asked("go_offline")
        question = await it.page.next()
        await question.press(question.yes)
        assert it.sent == [GO_OFFLINE.sent]
        again = await it.call("go_offline", confirm=True, confirmation=asked["confirmation"])
        assert status_of(again) == ("confirmation_invalid", "used")
        assert it.sent == [GO_OFFLINE.sent]


async def test_a_second_question_about_a_stop_leaves_the_first_confirmation_good_once(
    open_setup: OpenSetup,
) -> None:
    async with open_setup() as it:
        first = (await it.asked("go_offline"))["confirmation"]
        await it.asked("go_offline")
        stopped = await it.call("go_offline", confirm=True, confirmation=first)
        assert state_of(stopped) == "off_air"
        again = await it.call("go_offline", confirm=True, confirmation=first)
        assert status_of(again) == ("confirmation_invalid", "used")
        assert it.sent == [GO_OFFLINE.sent]


async def test_questions_about_stops_of_other_studios_leave_a_confirmation_good(
    open_setup: OpenSetup,
) -> None:
    async with open_setup() as it:
        asked = await it.asked("go_offline")
        for other in ("studio_43", "studio_51", "studio_60"):
            await it.asked("go_offline", studioId=other)
        await it.call("go_offline", confirm=True, confirmation=asked["confirmation"])
        assert it.sent == [GO_OFFLINE.sent]


async def test_after_a_stop_on_the_page_no_call_is_told_that_the_studio_is_on_air(
    open_setup: OpenSetup,
) -> None:
    async with open_setup() as it:
        call = it.start()
        go_live = await it.page.next()
        await it.clock.pass_by(51)
        assert status_of(await call.result()) == ("asking", None)
        await it.asked("go_offline")
        stop = await it.page.next(2)
        await go_live.press(YES)
        await stop.press(stop.yes)
        assert it.sent == [GO_LIVE.sent, GO_OFFLINE.sent]
        it.start()
        assert (await it.page.next(3)).yes == YES


async def test_a_stop_may_be_asked_about_right_after_a_no(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        await it.asked("go_offline")
        question = await it.page.next()
        await question.press(NO)
        assert (await question.phase(), it.sent) == ("ended", [])
        assert (await it.asked("go_offline"))["status"] == "asking"


async def test_a_stop_invalidates_the_open_question_of_a_go_live(open_setup: OpenSetup) -> None:
    async with open_setup() as it:
        call = it.start()
        question = await it.page.next()
        stop = await it.asked("go_offline")
        await it.call("go_offline", confirm=True, confirmation=stop["confirmation"])
        it.clock.advance(1)
        await question.press(YES)
        assert status_of(await call.result()) == ("confirmation_invalid", "expired")
        assert it.sent == [GO_OFFLINE.sent]
