"""When a call is asked about on the page, and when it falls back to something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mcp_types as types
import pytest

from tests.support.approval_setup import approved_in, status_of
from tests.support.guarded_calls import GO_LIVE, YES
from tests.support.product.shared_clock import settled

if TYPE_CHECKING:
    from tests.support.approval_setup import OpenSetup
    from tests.support.product.shared_clock import HandClock

by_mode = pytest.mark.parametrize(
    ("mode", "status"), [("auto", "confirmation_required"), ("human", "cannot_ask")]
)
asking_modes = pytest.mark.parametrize("mode", ["auto", "human"])


async def _decline(*_: object) -> types.ElicitResult:
    return types.ElicitResult(action="decline")


@pytest.mark.parametrize(
    "settings",
    [{"TRAX_ASK": "form"}, {"TRAX_CONFIRM": "preview"}, {"TRAX_CONFIRM": "flag"}],
    ids=["no page", "preview", "flag"],
)
async def test_no_page_opens_where_the_operator_does_not_want_one(
    open_setup: OpenSetup, settings: dict[str, str]
) -> None:
    async with open_setup(**settings) as it:
        for tool in ("go_live", "go_offline"):
            assert status_of(await it.call(tool)) == ("confirmation_required", None)
        assert it.page.browser.opened == []


@by_mode
async def test_without_a_browser_a_call_falls_back_at_once(
    open_setup: OpenSetup, mode: str, status: str
) -> None:
    async with open_setup(TRAX_CONFIRM=mode, browser=False) as it:
        assert status_of(await it.call("go_live")) == (status, None)
        assert it.page.browser.opened == []


@by_mode
async def test_calls_fall_back_if_the_page_has_not_opened_after_ten_seconds(
    open_setup: OpenSetup, mode: str, status: str
) -> None:
    async with open_setup(TRAX_CONFIRM=mode) as it:
        call = it.start()
        await it.page.browser.next()
        other = it.start()
        await it.clock.pass_by(9.5)
        assert not call.has_ended
        await it.clock.pass_by(1)
        assert status_of(await call.result()) == (status, None)
        assert status_of(await other.result()) == (status, None)
        late = await it.page.next()
        it.clock.advance(1)
        await late.press(YES)
        assert it.sent == [], "a page that comes later cannot answer"


async def test_a_confirmation_from_the_model_is_not_enough_if_a_page_can_ask(
    open_setup: OpenSetup,
) -> None:
    async with open_setup(browser=False) as it:
        confirmation = (await it.asked())["confirmation"]
        it.page.browser.is_there = True
        it.start(confirm=True, confirmation=confirmation)
        await it.page.next()
        await settled()
        assert it.sent == []


# Forms that are declined


@asking_modes
async def test_after_a_form_that_is_declined_at_once_the_page_asks(
    open_setup: OpenSetup, mode: str, era: str
) -> None:
    async with open_setup(TRAX_CONFIRM=mode, era=era, form=_decline) as it:
        call = it.start()
        question = await it.page.next()
        it.clock.advance(1)
        await question.press(YES)
        assert approved_in(await call.result()) == "page"
        assert it.sent == [GO_LIVE.sent]


@asking_modes
async def test_a_form_that_is_declined_at_once_gives_no_confirmation(
    open_setup: OpenSetup, mode: str, era: str
) -> None:
    async with open_setup(TRAX_CONFIRM=mode, era=era, form=_decline, browser=False) as it:
        for _ in range(2):
            answer = await it.asked()
            assert (answer["status"], answer["reason"]) == ("declined", "declined")
            assert "confirmation" not in answer
            assert "TRAX_CONFIRM=preview" in answer["message"]
        assert it.sent == []


async def test_after_a_form_that_was_only_closed_the_same_call_asks_again(
    open_setup: OpenSetup, clock: HandClock, era: str
) -> None:
    """Esc is a no to this question, and says nothing of the next."""
    shown: list[object] = []

    async def close_later(*form: object) -> types.ElicitResult:
        shown.append(form)
        clock.advance(1)
        return types.ElicitResult(action="cancel")

    async with open_setup(form=close_later, era=era) as it:
        for number in (1, 2):
            assert status_of(await it.call("go_live")) == ("declined", "cancelled")
            assert len(shown) == number
        assert it.sent == []


async def test_after_a_form_that_a_person_declined_no_page_asks(
    open_setup: OpenSetup, clock: HandClock, era: str
) -> None:
    async def decline_later(*_: object) -> types.ElicitResult:
        clock.advance(1)
        return types.ElicitResult(action="decline")

    async with open_setup(form=decline_later, era=era) as it:
        assert status_of(await it.call("go_live")) == ("declined", "declined")
        assert status_of(await it.call("go_live")) == ("declined", "recently_declined")
        assert it.page.browser.opened == []
