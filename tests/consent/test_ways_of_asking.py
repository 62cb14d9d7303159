"""How a question is asked that does not fit into one form, and what a client draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import mcp_types as types
import pytest

from tests.consent.several_changes import TWITCH_ONLY
from tests.support.guarded_calls import DELETE_DESTINATION, GO_LIVE, GO_OFFLINE
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.simulated_person import (
    Person,
    agreeing,
    choices,
    chosen,
    declining,
    form_of,
    refusing,
    silent,
)
from tests.support.terminal_rows import rows_of
from tests.world.answers import RAN, approved_in, audit_lines, outcome, text_of
from tests.world.wire import LEGACY, MODERN
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.support.guarded_calls import GuardedOperation
    from tests.support.simulated_person import Form, FormAnswer
    from tests.world.world import World

GO_ON: Final = "Go on"
DO_NOT: Final = "Don't go live"
MALFORMED: Final = ("declined", "malformed")
EXPIRED: Final = ("confirmation_invalid", "expired")
CODEX: Final = types.Implementation(name="codex-mcp-client", version="0.171.0")
CUTS: Final = types.Implementation(name="claude-code", version="2.1.267")
QWEN: Final = types.Implementation(name="qwen-cli-mcp-client-trax", version="0.0.1")


def fill(it: World) -> None:
    """Give the show so many destinations that four rows can't hold their names."""
    for number in range(9):
        it.trax.add_destination(f"A place with quite a long name, number {number}")


def acts_in(forms: Sequence[Form]) -> list[str]:
    """The choice of each form that is not the no."""
    return [choices(it)[0] for it in forms]


async def test_what_does_not_fit_is_asked_in_several_forms(era: str) -> None:
    """A client that nobody has tried. Each form has the no first, and only the last has the act."""
    person = Person(agreeing)
    async with open_world(MINE, era=era, person=person) as it:
        fill(it)
        result = await it[MINE].call(GO_LIVE)
        assert (outcome(result), approved_in(result), it.sent) == (RAN, "form", [GO_LIVE.sent])
    *earlier, last = acts_in(person.forms)
    assert len(earlier) > 1
    assert {*earlier} == {GO_ON}
    assert last.startswith("Go live on ")
    for number, form in enumerate(person.forms, start=1):
        assert len(rows_of(form.message, 74)) <= 4
        assert f"({number} of {len(person.forms)})" in form.message
        assert form.requested_schema["properties"]["choice"]["default"] == choices(form)[1]
    shown = " ".join(it.message for it in person.forms)
    assert [it for it in range(9) if f"number {it}" not in shown] == []


async def test_a_client_that_draws_more_of_a_form_is_shown_one(era: str) -> None:
    person = Person(agreeing)
    async with open_world(MINE, era=era) as it:
        fill(it)
        caller = await it.caller(person=person, named=CODEX)
        assert outcome(await caller.call(GO_LIVE)) == RAN
    assert len(person.forms) == 1


@pytest.mark.parametrize("at", [1, 2])
async def test_a_no_in_any_of_several_forms_sends_nothing(at: int, era: str) -> None:
    person = Person()
    async with open_world(MINE, era=era, person=person) as it:
        fill(it)

        async def refusing_then(form: Form) -> FormAnswer:
            it.hand_clock.advance(1)
            return await (refusing if len(person.forms) == at else agreeing)(form)

        person.answer_with(refusing_then)
        assert outcome(await it[MINE].call(GO_LIVE)) == ("declined", "declined")
        assert (len(person.forms), it.sent) == (at, [])


@pytest.mark.parametrize("choice", ["the act", "yes", ""])
async def test_an_answer_to_the_first_form_is_no_approval(choice: str, era: str) -> None:
    """That form does not offer the act, whoever sends it."""
    person = Person(agreeing)
    async with open_world(MINE, era=era) as it:
        fill(it)
        acts = Person(declining)
        asked = await it.caller(person=acts, named=CODEX)
        await asked.call(GO_LIVE)
        given = acts_in(acts.forms)[0] if choice == "the act" else choice

        async def approving(_form: Form) -> FormAnswer:
            return chosen(given)

        person.answer_with(approving)
        caller = await it.caller(person=person)
        assert outcome(await caller.call(GO_LIVE)) == MALFORMED
        assert (len(person.forms), it.sent) == (1, [])


async def test_the_last_form_counts_only_after_those_before_it() -> None:
    """Its state says so, and is signed: no client can write one, or shorten it."""
    async with open_world(MINE, era=MODERN, person=Person(agreeing)) as it:
        fill(it)
        mine = it[MINE]
        first = await mine.question(GO_LIVE)
        state = str(first.request_state)
        question_id, _part, of, _signature = state.split(":")
        act: types.InputResponses = {"consent": chosen("Go live on YouTube, Twitch and 9 more")}
        for invented in (
            question_id,
            f"{question_id}:{of}:{of}",
            state.replace(f":1:{of}:", f":{of}:{of}:"),
            state.replace(f":1:{of}:", ":1:1:"),
        ):
            assert outcome(await mine.answer(GO_LIVE, invented, act)) == EXPIRED
        assert outcome(await mine.answer(GO_LIVE, state, act)) == MALFORMED
        assert it.sent == []


async def test_each_answer_leads_to_the_next_form() -> None:
    async with open_world(MINE, era=MODERN, person=Person(agreeing)) as it:
        fill(it)
        mine, seen = it[MINE], []
        asked: Any = await mine.question(GO_LIVE)
        while isinstance(asked, types.InputRequiredResult):
            seen.append(form_of(asked))
            yes: types.InputResponses = {"consent": chosen(choices(seen[-1])[0])}
            assert it.sent == []
            asked = await mine.answer(GO_LIVE, asked.request_state, yes)
        assert (outcome(asked), it.sent) == (RAN, [GO_LIVE.sent])
        assert len(seen) > 2


@pytest.mark.parametrize("destinations", [0, 9, 60])
async def test_a_stop_is_asked_in_one_form_whatever_would_be_told(
    destinations: int, era: str
) -> None:
    """Clients give up a call after ten questions, and nobody has the time for them."""
    person = Person(agreeing)
    async with open_world(MINE, era=era, person=person) as it:
        put_on_air(it.trax)
        it.trax.change("studio_42", name="\N{MAN}" * 120)
        for number in range(destinations):
            it.trax.add_destination(f"A place with quite a long name, number {number}")
        assert outcome(await it[MINE].call(GO_OFFLINE)) == RAN
    (form,) = person.forms
    assert len(rows_of(form.message, 74)) <= 4
    assert "The show ends for all viewers." in form.message
    assert ("Streams to: " in form.message) is (destinations == 0)
    assert choices(form)[0] == "Go offline"


async def test_a_time_out_at_the_second_form_is_no_answer_either() -> None:
    """In the earlier era all forms are asked within one call, in five minutes."""
    person = Person()
    async with open_world(MINE, era=LEGACY, person=person) as it:
        fill(it)

        async def going_on_once(form: Form) -> FormAnswer:
            return await (agreeing if len(person.forms) == 1 else silent)(form)

        person.answer_with(going_on_once)
        call = it[MINE].start(GO_LIVE)
        await it.hand_clock.pass_until(lambda: call.has_ended, most=310)
        assert outcome(await call.result()) == ("declined", "timed_out")
        assert (len(person.forms), it.sent) == (2, [])


async def test_what_does_not_fit_goes_to_the_page_first(tmp_path: Path, era: str) -> None:
    person, path = Person(agreeing), tmp_path / "audit.jsonl"
    async with open_world(MINE, era=era, page=True, TRAX_AUDIT_LOG=str(path)) as it:
        fill(it)
        caller = await it.caller(person=person)
        call = caller.start(GO_LIVE)
        question = await it.open_page.next()
        it.hand_clock.advance(1)
        await question.press(question.yes)
        assert approved_in(await call.result()) == "page"
        assert person.forms == []
    fell = [it for it in audit_lines(path) if it["event"] == "not_asked"]
    assert [(it["channel"], it["reason"]) for it in fell] == [("form", "too_long")]


@pytest.mark.parametrize("there", [True, False], ids=["a browser that shows nothing", "none"])
async def test_without_a_page_it_goes_to_several_forms_and_never_to_a_preview(
    *, there: bool, era: str
) -> None:
    person = Person(agreeing)
    async with open_world(MINE, era=era, page=True, has_browser=there) as it:
        fill(it)
        caller = await it.caller(person=person)
        call = caller.start(GO_LIVE)
        await it.hand_clock.pass_until(lambda: call.has_ended, most=15)
        assert outcome(await call.result()) == RAN
        assert len(person.forms) > 2


async def test_a_form_that_is_declined_unseen_leads_to_no_preview_either(era: str) -> None:
    """The page was to ask, and no browser has shown it."""
    async with open_world(MINE, era=era, page=True) as it:
        caller = await it.caller(person=Person(declining))
        call = caller.start(GO_LIVE)
        await it.hand_clock.pass_until(lambda: call.has_ended, most=15)
        assert outcome(await call.result()) == ("cannot_ask", "unseen")


async def test_a_client_that_cuts_each_form_asks_in_none_of_them_but_about_a_stop(
    era: str,
) -> None:
    """The model can't ask instead: a confirmation of its own is none."""
    person = Person(agreeing)
    async with open_world(MINE, era=era) as it:
        caller = await it.caller(person=person, named=CUTS)
        refused = await caller.call(GO_LIVE)
        assert outcome(refused) == ("cannot_ask", None)
        assert "Tell the user to update Claude Code." in text_of(refused)
        assert (person.forms, it.sent) == ([], [])
        put_on_air(it.trax)
        assert outcome(await caller.call(GO_OFFLINE)) == RAN
    assert len(person.forms) == 1


async def test_a_client_that_cuts_each_form_asks_on_the_page(era: str) -> None:
    person = Person(agreeing)
    async with open_world(MINE, era=era, page=True) as it:
        caller = await it.caller(person=person, named=CUTS)
        call = caller.start(GO_LIVE)
        question = await it.open_page.next()
        it.hand_clock.advance(1)
        await question.press(question.yes)
        assert approved_in(await call.result()) == "page"
        call = caller.start(DELETE_DESTINATION)
        await it.hand_clock.pass_until(lambda: call.has_ended, most=15)
        assert outcome(await call.result()) == ("cannot_ask", None)
    assert person.forms == []


@pytest.mark.parametrize("operation", [GO_LIVE, TWITCH_ONLY], ids=lambda it: it.tool)
async def test_what_no_client_answers_in_forms_names_the_page(
    operation: GuardedOperation, era: str
) -> None:
    """Fewer changes help only where there are several."""
    person = Person(agreeing)
    async with open_world(MINE, era=era, person=person) as it:
        for number in range(80):
            it.trax.add_destination(f"A place with quite a long name, number {number}")
        refused = await it[MINE].call(operation)
        assert outcome(refused) == ("cannot_ask", None)
        assert "a page in the browser" in text_of(refused)
        assert ("fewer changes" in text_of(refused)) is (operation is TWITCH_ONLY)
        assert (person.forms, it.sent) == ([], [])


async def test_a_panel_that_is_declared_and_not_drawn_is_not_counted(era: str) -> None:
    """Nor is the tool listed that only a panel calls. The operator's wish draws none."""
    for ways, status in (("panel,preview", "confirmation_required"), ("panel", "cannot_ask")):
        async with open_world(MINE, era=era, TRAX_ASK=ways) as it:
            caller = await it.caller(apps=True, named=QWEN)
            listed = [tool.name for tool in (await caller.client.list_tools()).tools]
            assert "answer_approval" not in listed
            assert outcome(await caller.call(GO_LIVE)) == (status, None)
