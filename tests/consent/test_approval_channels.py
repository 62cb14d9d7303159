"""When a call is asked about on the page, and when it falls back to something else."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import mcp_types as types
import pytest

from tests.support.guarded_calls import DELETE_SOURCE, GO_LIVE, GO_OFFLINE, YES
from tests.support.product.shared_clock import settled
from tests.support.simulated_person import Person, agreeing, declining
from tests.world.answers import approved_in, audit_lines, data_of, outcome
from tests.world.panel import open_panel
from tests.world.world import MINE, Over, open_world

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal

    from tests.support.guarded_calls import GuardedOperation
    from tests.support.simulated_person import Form, FormAnswer
    from tests.world.world import World

asking: Final = partial(open_world, MINE, page=True, TRAX_ASK="form,page,preview")

by_ways = pytest.mark.parametrize(
    ("ways", "status"),
    [("form,page,preview", "confirmation_required"), ("form,page", "cannot_ask")],
)
asking_ways = pytest.mark.parametrize("ways", ["form,page,preview", "form,page"])


@pytest.mark.parametrize(
    "settings",
    [{"TRAX_ASK": "form,preview"}, {"TRAX_ASK": "preview"}, {"TRAX_ASK": "confirm_alone"}],
    ids=["no page", "preview", "confirm_alone"],
)
async def test_no_page_opens_where_the_operator_does_not_want_one(settings: dict[str, Any]) -> None:
    async with asking(**settings) as it:
        for operation in (GO_LIVE, GO_OFFLINE):
            assert outcome(await it[MINE].call(operation)) == ("confirmation_required", None)
        assert it.open_page.browser.opened == []


@by_ways
async def test_without_a_browser_a_call_falls_back_at_once(ways: str, status: str) -> None:
    async with asking(has_browser=False, TRAX_ASK=ways) as it:
        assert outcome(await it[MINE].call(GO_LIVE)) == (status, None)
        assert it.open_page.browser.opened == []


@by_ways
async def test_calls_fall_back_if_the_page_has_not_opened_after_ten_seconds(
    ways: str, status: str
) -> None:
    async with asking(TRAX_ASK=ways) as it:
        calls = [it[MINE].start(GO_LIVE)]
        await it.open_page.browser.next()
        calls.append(it[MINE].start(GO_LIVE))
        await it.hand_clock.pass_by(9.5)
        assert not calls[0].has_ended
        await it.hand_clock.pass_by(1)
        assert [outcome(await call.result()) for call in calls] == [(status, None)] * 2
        late = await it.open_page.next()
        it.hand_clock.advance(1)
        await late.press(YES)
        assert it.sent == [], "a page that comes later cannot answer"


async def test_a_confirmation_from_the_model_is_not_enough_if_a_page_can_ask() -> None:
    """Such as one of a client that wanted a preview."""
    async with asking(over=Over.HTTP) as it:
        wishing = await it.wire(x_trax_ask="preview")
        shown = (await wishing.call(GO_LIVE.tool, **GO_LIVE.arguments))["structuredContent"]
        it.hand_clock.advance(5)
        confirmation = shown["confirmation"]
        it[MINE].start(GO_LIVE, confirm=True, confirmation=confirmation)
        await it.open_page.next()
        await settled()
        assert it.sent == []


async def test_the_id_of_a_question_on_the_page_is_no_confirmation(era: str) -> None:
    """The call waits for the person, as the one that has asked."""
    async with asking(era=era) as it:
        first = it[MINE].start(GO_LIVE)
        question = await it.open_page.next()
        ticket = question.data["ticket"]
        late = it[MINE].start(GO_LIVE, confirm=True, confirmation=ticket)
        await it.hand_clock.pass_by(10)
        assert (late.has_ended, it.sent) == (False, [])
        await question.press(question.no)
        ends = [outcome(await call.result()) for call in (first, late)]
        assert ends == [("declined", "declined")] * 2
        assert it.sent == []


async def test_the_id_of_a_question_in_a_panel_is_no_confirmation(era: str) -> None:
    """It stays open: another client is told that the user is being asked."""
    async with open_world(MINE, era=era, TRAX_ASK="form,panel,preview") as it:
        panel = await open_panel(await it.caller(apps=True, era=era), GO_LIVE)
        told = await it[MINE].use(GO_LIVE, panel.ticket)
        assert outcome(told) == ("asking", None)
        other = await it[MINE].use(DELETE_SOURCE, panel.ticket)
        assert outcome(other) == ("confirmation_invalid", "mismatch")
        assert "confirmation" not in {*data_of(told), *data_of(other)}
        assert it.sent == []
        await panel.look()
        it.hand_clock.advance(1)
        await panel.press(panel.yes)
        assert it.sent == [GO_LIVE.sent]


# Forms that are declined


@asking_ways
async def test_after_a_form_that_is_declined_at_once_the_page_asks(
    ways: str, era: str, tmp_path: Path
) -> None:
    """The audit log says that the form was not seen."""
    world = partial(asking, era=era, person=Person(declining))
    async with world(TRAX_ASK=ways, TRAX_AUDIT_LOG=str(tmp_path / "audit")) as it:
        call = it[MINE].start(GO_LIVE)
        question = await it.open_page.next()
        it.hand_clock.advance(1)
        await question.press(YES)
        assert approved_in(await call.result()) == "page"
        assert it.sent == [GO_LIVE.sent]
    lines = [(it.get("reason"), it.get("channel")) for it in audit_lines(tmp_path / "audit")]
    assert lines[1:4] == [(None, "form"), ("unseen", None), (None, None)]
    assert (None, "page") in lines


def a_second_later(it: World, action: Literal["cancel", "decline"]) -> Person:
    """A person who reads the form before they close or decline it."""

    async def respond(_form: Form) -> FormAnswer:
        it.hand_clock.advance(1)
        return types.ElicitResult(action=action)

    return Person(respond)


async def test_after_a_form_that_was_only_closed_the_same_call_asks_again(era: str) -> None:
    """Esc is a no to this question, and says nothing of the next."""
    async with asking(era=era) as it:
        person = a_second_later(it, "cancel")
        caller = await it.caller(person=person)
        for number in (1, 2):
            assert outcome(await caller.call(GO_LIVE)) == ("declined", "cancelled")
            assert len(person.forms) == number
        assert it.sent == []


async def test_after_a_form_that_a_person_declined_no_page_asks(era: str) -> None:
    async with asking(era=era) as it:
        caller = await it.caller(person=a_second_later(it, "decline"))
        for reason in ("declined", "declined", "recently_declined"):
            assert outcome(await caller.call(GO_LIVE)) == ("declined", reason)
        assert it.open_page.browser.opened == []


# What a person is being asked


async def test_the_first_of_the_operators_ways_that_a_client_draws_is_taken(
    era: str, tmp_path: Path
) -> None:
    """The page before the form; and the form where the page shows nothing."""
    person, log = Person(agreeing), tmp_path / "audit"
    world = partial(asking, era=era, person=person, TRAX_ASK="page,form")
    async with world(TRAX_AUDIT_LOG=str(log)) as it:
        call = it[MINE].start(GO_LIVE)
        question = await it.open_page.next()
        it.hand_clock.advance(1)
        await question.press(question.no)
        assert outcome(await call.result()) == ("declined", "declined")
        assert person.forms == []
    async with world(has_browser=False) as it:
        assert approved_in(await it[MINE].call(GO_OFFLINE)) == "form"
    assert [it["event"] for it in audit_lines(log) if it["event"] == "not_asked"] == []


@pytest.mark.parametrize("other", ["another client", "a caller that wants previews"])
async def test_no_preview_is_given_of_what_a_person_is_being_asked(other: str) -> None:
    """Nor to another client with the same key. A stop's is, and so is that of another call."""
    async with open_world(MINE, over=Over.HTTP, TRAX_ASK="form,panel,preview") as it:
        panel = await open_panel(await it.caller(apps=True), GO_LIVE)
        has_wish = other == "a caller that wants previews"
        wish = "preview" if has_wish else ""
        wire = await it.wire(forms=has_wish, x_trax_ask=wish)

        async def status(operation: GuardedOperation) -> tuple[str, bool]:
            answer = await wire.call(operation.tool, **operation.arguments)
            data = answer["structuredContent"]
            return data["status"], "confirmation" in data

        assert await status(GO_LIVE) == ("asking", False)
        assert (await status(DELETE_SOURCE))[0] == "confirmation_required"
        assert await status(GO_OFFLINE) == ("confirmation_required", True)
        await panel.look()
        it.hand_clock.advance(1)
        await panel.press(panel.no)
        assert await status(GO_LIVE) == ("confirmation_required", True)
