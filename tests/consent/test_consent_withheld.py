"""Nothing is sent without consent: each way in which a yes can come, and what is none.

`tests/units/consent/test_policy.py` has every row of evidence. The page is in
`tests/web/test_approval_page.py`, the panel in `tests/server/test_panel.py`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp_types as types
import pytest

from tests.support.concurrency import settle
from tests.support.guarded_calls import DELETE_SOURCE, GO_LIVE, GO_OFFLINE, NO
from tests.support.product.shared_clock import settled
from tests.support.simulated_person import (
    Person,
    agreeing,
    altering,
    cancelling,
    choices,
    declining,
    failing,
    filling_in,
    form_of,
    refusing,
    yes_to,
)
from tests.world.answers import data_of, outcome, text_of
from tests.world.wire import LEGACY, MODERN
from tests.world.world import COLLEAGUE, MINE, World, open_world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.guarded_calls import GuardedOperation
    from tests.support.simulated_person import Form, FormAnswer, Responder

FIVE_MINUTES: Final = 300.0
UNCONFIRMED: Final = ("confirmation_required", None)
EXPIRED: Final = ("confirmation_invalid", "expired")
MISMATCH: Final = ("confirmation_invalid", "mismatch")
MALFORMED: Final = ("declined", "malformed")
TOO_SOON: Final = ("confirmation_invalid", "too_soon")
NOT_MINE: Final = ("a stop's is for another call, and others are unknown", "")
UNSEEN: Final = ("cannot_ask", "unseen")


# A confirmation


async def expired(it: World, operation: GuardedOperation) -> str:
    confirmation = await it[MINE].confirmation(operation)
    it.hand_clock.advance(FIVE_MINUTES)
    return confirmation


async def of_another_call(it: World, operation: GuardedOperation) -> str:
    return await it[MINE].confirmation(DELETE_SOURCE if operation is GO_OFFLINE else GO_OFFLINE)


async def state_of_a_form(it: World, operation: GuardedOperation) -> str:
    asking = await it.caller(person=Person(), era=MODERN)
    return (await asking.question(operation)).request_state or ""


async def id_of_a_form(it: World, operation: GuardedOperation) -> str:
    return (await state_of_a_form(it, operation)).partition(":")[0]


async def invented(_it: World, _operation: GuardedOperation) -> str:
    return "an invented confirmation"


CONFIRMATIONS: Final[
    dict[str, tuple[Callable[[World, GuardedOperation], Awaitable[str]], tuple[str, str]]]
] = {
    "invented": (invented, EXPIRED),
    "expired": (expired, EXPIRED),
    "another caller's": (lambda it, operation: it[COLLEAGUE].confirmation(operation), NOT_MINE),
    "of other arguments": (lambda it, operation: it[MINE].confirmation(operation.other), MISMATCH),
    "of another call": (of_another_call, MISMATCH),
    "the state of a form": (state_of_a_form, EXPIRED),
    "the id of a form": (id_of_a_form, MISMATCH),
}
"""What is sent as a confirmation, and the outcome. A stop's is of another kind than others'."""


@pytest.mark.parametrize("operation", [GO_LIVE, GO_OFFLINE], ids=lambda it: it.tool)
@pytest.mark.parametrize("name", CONFIRMATIONS)
async def test_a_confirmation_that_is_not_of_this_call_sends_nothing(
    name: str, operation: GuardedOperation
) -> None:
    find, expected = CONFIRMATIONS[name]
    if expected is NOT_MINE:
        expected = MISMATCH if operation is GO_OFFLINE else EXPIRED
    async with open_world(MINE, COLLEAGUE) as it:
        confirmation = await find(it, operation)
        assert outcome(await it[MINE].use(operation, confirmation)) == expected
        assert it.sent == []


async def test_the_id_of_a_persons_question_brings_no_preview_of_it(era: str) -> None:
    """Whoever has come by it: the person decides."""
    async with open_world(MINE, era=era) as it:
        result = await it[MINE].use(GO_LIVE, await id_of_a_form(it, GO_LIVE))
        assert outcome(result) == MISMATCH
        assert "confirmation" not in data_of(result)
        assert text_of(result).startswith(
            "Nothing was sent: this `confirmation` is for another call"
        )


async def test_a_confirmation_without_confirm_sends_nothing(era: str) -> None:
    async with open_world(MINE, era=era) as it:
        confirmation = await it[MINE].confirmation(GO_LIVE)
        evidence: tuple[dict[str, object], ...] = (
            {"confirm": True},
            {"confirmation": confirmation},
            {"confirmation": confirmation, "confirm": False},
        )
        for given in evidence:
            assert outcome(await it[MINE].call(GO_LIVE, **given)) == UNCONFIRMED
        assert it.sent == []


async def test_a_confirmation_that_comes_at_once_runs_nothing_and_the_third_withdraws_it() -> None:
    """Each begins the five seconds anew. Over replicas too: the second comes to another."""
    async with open_world(MINE, replicas=2) as it:
        here, there = it[MINE], await it.caller(at=1)
        confirmation = (await here.preview(GO_LIVE))["confirmation"]
        it.hand_clock.advance(4.9)
        first = await here.use(GO_LIVE, confirmation)
        it.hand_clock.advance(4.9)
        second = await there.use(GO_LIVE, confirmation)
        assert [outcome(first), outcome(second)] == [TOO_SOON, TOO_SOON]
        assert text_of(first).startswith("Nobody can have read that yet. Show it, end your turn")
        assert (first.is_error, {"confirmation", "preview"} & set(data_of(first))) == (False, set())
        third = await here.use(GO_LIVE, confirmation)
        assert "it's withdrawn" in text_of(third)
        it.hand_clock.advance(5)
        assert outcome(await here.use(GO_LIVE, confirmation)) == EXPIRED
        assert it.sent == []


async def test_a_confirmation_that_came_at_once_counts_once_it_can_have_been_read() -> None:
    async with open_world(MINE) as it:
        confirmation = (await it[MINE].preview(GO_LIVE))["confirmation"]
        assert outcome(await it[MINE].use(GO_LIVE, confirmation)) == TOO_SOON
        await it[MINE].read_preview()
        assert outcome(await it[MINE].use(GO_LIVE, confirmation)) == ("ran", None)
        assert it.sent == [GO_LIVE.sent]


# A form


FORMS: Final[dict[str, tuple[Responder, tuple[str, str]]]] = {
    "no choice": (filling_in({}), MALFORMED),
    "the choice in capitals": (altering(str.upper), MALFORMED),
    "declined": (declining, UNSEEN),
    "cancelled": (cancelling, UNSEEN),
    "the other choice": (refusing, UNSEEN),
}


@pytest.mark.parametrize("name", FORMS)
async def test_a_form_without_the_offered_choice_sends_nothing(name: str, era: str) -> None:
    """At once: a no that nobody can have read is none."""
    respond, expected = FORMS[name]
    async with open_world(MINE, era=era, person=Person(respond)) as it:
        assert outcome(await it[MINE].call(GO_LIVE, confirm=True)) == expected
        assert it.sent == []


async def test_a_client_that_fails_to_show_its_form_sends_nothing() -> None:
    """In the earlier era, in which the server asks."""
    async with open_world(MINE, era=LEGACY, person=Person(failing)) as it:
        assert outcome(await it[MINE].call(GO_LIVE)) == ("declined", "client_error")
        assert it.sent == []


async def test_a_yes_after_the_call_was_cancelled_sends_nothing(era: str) -> None:
    late = anyio.Event()

    async def respond(form: Form) -> FormAnswer:
        await late.wait()
        return await agreeing(form)

    person = Person(respond)
    async with open_world(MINE, era=era, person=person) as it:
        call = it[MINE].start(GO_LIVE)
        await person.asked()
        call.scope.cancel()
        await settled()
        late.set()
        await settle()
        await it[MINE].client.list_tools()
        assert it.sent == []


async def test_a_person_is_asked_once_in_a_call(era: str) -> None:
    """Something changes before they agree."""
    person = Person()
    async with open_world(MINE, era=era, person=person) as it:

        async def respond(form: Form) -> FormAnswer:
            it.trax.change("studio_42", name=f"Show {len(person.forms)}")
            return await agreeing(form)

        person.answer_with(respond)
        assert outcome(await it[MINE].call(GO_LIVE)) == ("confirmation_invalid", "changed")
        assert (len(person.forms), it.sent) == (1, [])


# A form that is a result, and an answer that is a call of its own (2026-07-28)


async def test_an_answer_that_is_not_to_this_question_sends_nothing() -> None:
    """Another state, name, kind, caller or time. The right answer runs the call."""
    async with open_world(MINE, COLLEAGUE, person=Person()) as it:
        mine = it[MINE]
        question, other = await mine.question(GO_LIVE), await mine.question(DELETE_SOURCE)
        confirmation = await (await it.caller()).confirmation(GO_LIVE)
        state, yes = question.request_state, yes_to(question)
        answers: list[tuple[str | None, dict[str, Any], tuple[str, str]]] = [
            (None, {"consent": yes}, EXPIRED),
            ("", {"consent": yes}, EXPIRED),
            ("an invented state", {"consent": yes}, EXPIRED),
            (other.request_state, {"consent": yes_to(other)}, MISMATCH),
            (confirmation, {"consent": yes}, EXPIRED),
            (state, {}, MALFORMED),
            (state, {"something": yes}, MALFORMED),
            (state, {"consent": types.ListRootsResult(roots=[])}, MALFORMED),
        ]
        for its_state, responses, expected in answers:
            answered = await mine.answer(GO_LIVE, its_state, responses)
            assert (its_state, responses, outcome(answered)) == (its_state, responses, expected)
        answer = partial(it[COLLEAGUE].answer, GO_LIVE, state, {"consent": yes})
        assert outcome(await answer()) == EXPIRED
        assert it.sent == []
        assert outcome(await mine.answer(GO_LIVE, state, {"consent": yes})) == ("ran", None)
        assert it.sent == [GO_LIVE.sent]


async def test_an_answer_after_five_minutes_sends_nothing() -> None:
    async with open_world(MINE, person=Person()) as it:
        question = await it[MINE].question(GO_LIVE)
        assert choices(form_of(question))
        it.hand_clock.advance(FIVE_MINUTES)
        yes: types.InputResponses = {"consent": yes_to(question)}
        assert outcome(await it[MINE].answer(GO_LIVE, question.request_state, yes)) == EXPIRED
        assert it.sent == []


@pytest.mark.parametrize("no", ["decline, filled in", "cancel", "the no"])
async def test_a_question_that_was_declined_takes_no_yes(no: str) -> None:
    """A new call asks again at once."""
    person = Person(agreeing)
    async with open_world(MINE, person=person) as it:
        question = await it[MINE].question(GO_LIVE)
        yes = yes_to(question)
        said = {
            "decline, filled in": types.ElicitResult(action="decline", content=yes.content),
            "cancel": types.ElicitResult(action="cancel"),
            "the no": types.ElicitResult(action="accept", content={"choice": NO}),
        }[no]
        answer = partial(it[MINE].answer, GO_LIVE, question.request_state)
        it.hand_clock.advance(1)
        assert outcome(await answer({"consent": said}))[0] == "declined"
        assert outcome(await answer({"consent": yes})) == EXPIRED
        assert it.sent == []
        assert outcome(await it[MINE].call(GO_LIVE)) == ("ran", None)
