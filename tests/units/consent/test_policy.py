"""Whether a call may run: the whole table of verdicts, and the only ways to an approval.

The table is written from the promises to users, not from the code. In which way a person is asked
is decided elsewhere: `tests/units/server/test_ways.py` has that table.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final, get_args

import pytest

from tests.units.consent.policy_rows import (
    ALONE,
    ANSWERS,
    ASK,
    CHOSE,
    FITTING,
    FREE,
    ID,
    MODEL,
    PEOPLE,
    RUN,
    USED,
    Row,
    answer,
    ask,
    invalid,
    no,
)
from tests.units.consent.questions import DELETE, NO, START, STOP, YES, question_about
from tests.units.studio_facts import EVERYTHING, LIVE, NOW, but
from trax_mcp.actions.stream import GoLive
from trax_mcp.api.caller import Caller
from trax_mcp.api.models import StreamStatus
from trax_mcp.consent.calls import Answer, Call, NotRun, Reason, Reply
from trax_mcp.consent.policy import (
    TOO_SOON,
    UNSEEN,
    AskFirst,
    Case,
    Proceed,
    judge,
    nothing_to_do,
    question_to_use,
    refusal_by_person,
    unless_unseen,
)
from trax_mcp.consent.ways import Way
from trax_mcp.studio.facts import Facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trax_mcp.actions.shown import Operations
    from trax_mcp.consent.question import Question

ME: Final = Caller("sk_live_any")
CALLS: Final[tuple[Operations, ...]] = ((START,), (DELETE,), (DELETE, START))
ANOTHER: Final = (GoLive(studio_id="another"),)
LATER: Final = 5.0
"""When a preview of the table can have been read."""
LIVE_ALREADY: Final = '"Friday Show" is on air'

TABLE: Final[dict[str, Row]] = {
    # Nobody has answered, or the model says that its user has.
    "nothing": Row(None, "nothing", ASK),
    "confirm alone": Row(ALONE, "nothing", FREE),
    "a confirmation": Row(MODEL, "preview", RUN),
    "a confirmation that was invented or has expired": Row(MODEL, "nothing", ask("expired")),
    "one of another studio, or of a stop": Row(MODEL, "nothing, for another", ask("mismatch")),
    "one of another call": Row(MODEL, "preview of another call", ask("mismatch")),
    "one of a studio that has changed": Row(MODEL, "preview, changed", ask("changed")),
    "one of both": Row(MODEL, "preview of another call, changed", ask("mismatch")),
    "a used confirmation": Row(MODEL, "preview, used", USED),
    "a used confirmation of another call": Row(MODEL, "preview of another call, used", USED),
    **{
        f"the id of a {way}": Row(MODEL, way, invalid("mismatch"))
        for way in ("form", "panel", "page")
    },
    # A person has answered.
    **{
        f"the choice by {by} to a {way}": Row(
            answer("chosen", YES, by), way, RUN if (by, way) in FITTING else invalid("mismatch")
        )
        for by in PEOPLE for way in get_args(Way)
    },
    "the other choice": Row(answer("chosen", NO), "form", no("declined")),
    "a choice not offered": Row(answer("chosen", "Take it!"), "form", no("malformed")),
    "a choice of nothing": Row(answer("chosen"), "form", no("malformed")),
    **{
        f"{reply}{', with the choice filled in' if choice else ''}": Row(
            answer(reply, choice), "form", no(reply)
        )
        for reply in get_args(Reply) if reply != "chosen" for choice in (None, YES)
    },
    "timed out as it expired": Row(answer("timed_out"), "nothing", no("timed_out")),
    "no to a studio that has changed": Row(answer("declined"), "form, changed", no("declined")),
    "a studio that has changed": Row(CHOSE, "form, changed", invalid("changed")),
    "approval of nothing that we asked": Row(CHOSE, "nothing", invalid("expired")),
    "no to nothing that we asked": Row(answer("declined"), "nothing", invalid("expired")),
    "approval of another studio, or of a stop": Row(
        CHOSE, "nothing, for another", invalid("mismatch")
    ),
    "approval of another question": Row(CHOSE, "form of another call", invalid("mismatch")),
    "approval a second time": Row(CHOSE, "form, used", USED),
}  # fmt: skip

every_row = pytest.mark.parametrize("row", TABLE)


def kept_as(words: str, operations: Operations) -> Question | None:
    """Make what the record keeps, from the table's words for it."""
    if "nothing" in words:
        return None
    return question_about(
        ANOTHER if "another call" in words else operations,
        digest="before" if "changed" in words else "now",
        way=words.split(maxsplit=1)[0].strip(","),
        used_by="a call" if "used" in words else None,
    )


def case_of(row: str, operations: Operations) -> Case:
    it = TABLE[row]
    return Case(
        Call(operations, ME, it.answer),
        "now",
        kept_as(it.kept, operations),
        LATER,
        is_for_another="for another" in it.kept,
    )


@every_row
def test_each_verdict_is_as_the_table_says(row: str) -> None:
    for operations in CALLS:
        assert (judge(case_of(row, operations)), operations) == (TABLE[row].verdict, operations)


@every_row
def test_a_go_live_of_a_live_studio_is_never_sent(row: str) -> None:
    """This holds with an approval and without. Only a used one returns its outcome instead."""
    expected = USED if "used" in TABLE[row].kept else NotRun("nothing_to_do", why=LIVE_ALREADY)
    assert judge(case_of(row, (START,))._replace(nothing_to_do=LIVE_ALREADY)) == expected


def test_the_table_has_every_answer_reply_and_reason() -> None:
    given = [it.answer for it in TABLE.values() if it.answer]
    assert {it.reply for it in given} == {*get_args(Reply)}
    assert {it.by for it in given} == {*PEOPLE, "confirmation", "confirm_alone"}
    told = [it.verdict for it in TABLE.values()]
    reasons = {it.reason for it in told if isinstance(it, AskFirst | NotRun)}
    assert reasons - {None} == {*get_args(Reason)} - {"recently_declined", "too_soon", "unseen"}


@every_row
def test_after_a_no_the_same_call_is_refused_unless_it_brings_an_answer(row: str) -> None:
    """Only for a while. A used confirmation still returns its outcome."""
    case = case_of(row, (START,))
    verdict = judge(case._replace(rest_seconds=59.2))
    is_answered = case.call.answer is not None and case.call.answer.is_by_person
    if "used" in TABLE[row].kept or is_answered:
        assert verdict == judge(case)
    else:
        assert verdict == NotRun("declined", "recently_declined", retry_after_seconds=60)


def test_an_answer_is_to_a_question_that_was_asked_in_its_way() -> None:
    given = {it for it in ANSWERS if it is not None}
    fitting = {(it.by, way) for it in given for way in get_args(Way) if it.fits(way)}
    assert fitting == FITTING


def test_a_call_runs_only_with_an_approval_in_every_combination() -> None:
    runs = 0
    for case in cases():
        verdict = judge(case)
        if isinstance(verdict, Proceed):
            runs += 1
            assert is_agreed(case, verdict)
    assert runs > 0


def cases() -> Iterator[Case]:
    """Combine everything that can differ."""
    for operations, given, why, for_another in product(
        CALLS, ANSWERS, (None, LIVE_ALREADY), (False, True)
    ):
        kept = [
            None,
            *(
                question_about(it, digest=digest, way=way, used_by=sender)
                for it, digest, way, sender in product(
                    (operations, ANOTHER), ("now", "before"), get_args(Way), (None, "a call")
                )
            ),
        ]
        call = Call(operations, ME, given)
        for one in kept:
            yield Case(call, "now", one, LATER, why, is_for_another=for_another)


def is_agreed(case: Case, verdict: Proceed) -> bool:
    """Whether somebody has approved this call as it is now, or `confirm` alone is enough."""
    kept, given = case.question, case.call.answer
    if given is None or (kept and kept.is_used) or case.nothing_to_do is not None:
        return False
    if given.by == "confirm_alone":
        return verdict.question_id is None
    if kept is None or verdict.question_id != kept.id or (given.by, kept.way) not in FITTING:
        return False
    if kept.operations != case.call.operations or kept.preview.digest != case.digest:
        return False
    return given.by == "confirmation" or (given.reply == "chosen" and given.choice == YES)


# What needs no verdict


def about(given: Answer | None, operations: Operations = (DELETE,)) -> Call:
    return Call(operations, ME, given)


def test_a_person_who_says_no_is_believed_before_any_fact_is_read() -> None:
    for given, refusal in (
        (answer("declined"), no("declined")),
        (answer("cancelled"), no("cancelled")),
        (answer("chosen", NO), no("declined")),
        (CHOSE, None),
        (answer("timed_out"), None),
        (answer("malformed"), None),
    ):
        for kept in ("form", "form, changed"):
            assert refusal_by_person(about(given), kept_as(kept, (DELETE,))) == refusal
    for kept in ("form of another call", "preview", "nothing"):
        assert refusal_by_person(about(answer("declined")), kept_as(kept, (DELETE,))) is None
    assert refusal_by_person(about(MODEL), kept_as("preview", (DELETE,))) is None


def test_a_form_that_is_refused_at_once_was_not_seen() -> None:
    """Clients without forms decline by themselves, and some choose what is preselected."""
    for refusal in (no("declined"), no("cancelled")):
        said = [unless_unseen(refusal, CHOSE, age=it) for it in (0.0, 0.99, 1.0)]
        assert said == [UNSEEN, UNSEEN, refusal]
        on_page = CHOSE._replace(by="page")
        assert unless_unseen(refusal, on_page, age=0.0) == refusal
    for refusal in (no("timed_out"), no("malformed"), USED):
        assert unless_unseen(refusal, CHOSE, age=0.0) == refusal


def test_a_confirmation_runs_nothing_in_five_seconds_nor_for_five_more_after_each_try() -> None:
    """Whatever has changed meanwhile. Where `confirm` alone is enough there is nothing to read."""
    first = question_about((START,), digest="now", way="preview", asked_at=100.0)
    tried = question_about(
        (START,), digest="now", way="preview", asked_at=100.0, hurried=(101.0, 104.0)
    )
    for question, seconds in ((first, 105.0), (tried, 109.0)):
        case = case_of("a confirmation", (START,))
        case = case._replace(question=question, arrived_at=seconds - 0.01)
        assert judge(case) == judge(case._replace(digest="later")) == TOO_SOON
        assert judge(case._replace(arrived_at=seconds)) == RUN
        assert judge(case._replace(call=about(ALONE, (START,)))) == FREE


LIVE_SINCE: Final = '"Friday Show" has been on air for 12 minutes (since 18:00 UTC)'
AWAITED: Final = "a go-live was sent in the last minute and hasn't been seen on air yet"


@pytest.mark.parametrize(
    ("facts", "why", "why_if_awaited"),
    [
        (EVERYTHING, None, AWAITED),
        (Facts(), None, AWAITED),
        (but(status=StreamStatus(live=True)), LIVE_ALREADY, LIVE_ALREADY),
        (LIVE, LIVE_SINCE, LIVE_SINCE),
    ],
    ids=["off air", "not known", "on air", "on air since"],
)
def test_only_a_go_live_is_not_needed_while_live_or_starting(
    facts: Facts, why: str | None, why_if_awaited: str | None
) -> None:
    """Above all, a stop is sent in every state of the studio."""
    for is_awaited, expected in ((False, why), (True, why_if_awaited)):
        told = [
            nothing_to_do(about(None, it), facts, NOW, is_awaited=is_awaited)
            for it in ((START,), (DELETE, START), (STOP,), (DELETE,))
        ]
        assert told == [expected, expected, None, None]


def test_a_call_that_needs_no_consent_uses_its_own_question_and_no_other() -> None:
    """The digest does not matter: the call would run without an approval too."""
    kept = ("preview", "preview, changed", "form", "nothing", "preview of another call")
    used = [question_to_use(about(MODEL), kept_as(it, (DELETE,))) for it in kept]
    assert used == [ID, ID, None, None, None]
    assert question_to_use(about(MODEL), kept_as("preview, used", (DELETE,))) is None
    for given in (ALONE, None):
        assert question_to_use(about(given), None) is None
