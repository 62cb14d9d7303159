"""A stop does not wait for the page: it has a confirmation as well."""

from __future__ import annotations

from functools import partial
from typing import Final

import pytest

from tests.support.guarded_calls import DELETE_SOURCE, GO_LIVE, GO_OFFLINE, YES
from tests.world.answers import approved_in, outcome, state_in
from tests.world.world import MINE, open_world

asking: Final = partial(open_world, MINE, page=True, TRAX_ASK="page,preview")
USED: Final = ("confirmation_invalid", "used")


@pytest.mark.parametrize("ways", ["page,preview", "page"])
async def test_a_stop_returns_at_once_with_a_confirmation_beside_the_page(ways: str) -> None:
    async with asking(TRAX_ASK=ways) as it:
        asked = await it[MINE].preview(GO_OFFLINE)
        assert (asked["status"], asked["channel"]) == ("asking", "page")
        assert asked["preview"]
        question = await it.open_page.next(report=False)
        stopped = await it[MINE].use(GO_OFFLINE, asked["confirmation"])
        assert approved_in(stopped) == "confirmation"
        assert it.sent == [GO_OFFLINE.sent]
        assert await question.phase() == "ended"


async def test_a_click_stops_at_once_and_uses_the_confirmation_too() -> None:
    async with asking() as it:
        confirmation = await it[MINE].confirmation(GO_OFFLINE)
        question = await it.open_page.next()
        await question.press(question.yes)
        assert it.sent == [GO_OFFLINE.sent]
        assert outcome(await it[MINE].use(GO_OFFLINE, confirmation)) == USED
        assert it.sent == [GO_OFFLINE.sent]


async def test_further_questions_about_stops_leave_the_first_confirmation_good_once() -> None:
    """Of this studio and of others."""
    async with asking() as it:
        first = await it[MINE].confirmation(GO_OFFLINE)
        for studio in ("studio_42", "studio_43", "studio_51", "studio_60"):
            await it[MINE].preview("go_offline", studioId=studio)
        assert state_in(await it[MINE].use(GO_OFFLINE, first)) == "off_air"
        assert outcome(await it[MINE].use(GO_OFFLINE, first)) == USED
        assert it.sent == [GO_OFFLINE.sent]


async def test_after_a_stop_on_the_page_no_call_is_told_that_the_studio_is_on_air() -> None:
    async with asking() as it:
        call = it[MINE].start(GO_LIVE)
        go_live = await it.open_page.next()
        await it.hand_clock.pass_by(51)
        assert outcome(await call.result()) == ("asking", None)
        await it[MINE].preview(GO_OFFLINE)
        stop = await it.open_page.next(2)
        await go_live.press(YES)
        await stop.press(stop.yes)
        assert it.sent == [GO_LIVE.sent, GO_OFFLINE.sent]
        it[MINE].start(GO_LIVE)
        assert (await it.open_page.next(3)).yes == YES


async def test_after_a_stop_a_call_is_still_told_that_it_has_deleted_something() -> None:
    async with asking() as it:
        call = it[MINE].start(DELETE_SOURCE)
        question = await it.open_page.next()
        await it.hand_clock.pass_by(51)
        assert outcome(await call.result()) == ("asking", None)
        await question.press(question.yes)
        await it[MINE].confirmed(GO_OFFLINE)
        assert approved_in(await it[MINE].call(DELETE_SOURCE)) == "page"
        assert it.sent == [DELETE_SOURCE.sent, GO_OFFLINE.sent]


async def test_a_stop_may_be_asked_about_right_after_a_no() -> None:
    async with asking() as it:
        await it[MINE].preview(GO_OFFLINE)
        question = await it.open_page.next()
        it.hand_clock.advance(1)
        await question.press(question.no)
        assert (await question.phase(), it.sent) == ("ended", [])
        assert (await it[MINE].preview(GO_OFFLINE))["status"] == "asking"


async def test_a_stop_invalidates_the_open_question_of_a_go_live() -> None:
    async with asking() as it:
        call = it[MINE].start(GO_LIVE)
        question = await it.open_page.next()
        await it[MINE].confirmed(GO_OFFLINE)
        it.hand_clock.advance(1)
        await question.press(YES)
        assert outcome(await call.result()) == ("confirmation_invalid", "expired")
        assert it.sent == [GO_OFFLINE.sent]
