"""Whether a call may run: the whole table of verdicts, and the only ways to a yes.

The table is written from the promises to users, not from the code. It has a row for each kind of
evidence and a column for each way in which an operator and a client can decide.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, Final, get_args

import pytest

from tests.units.consent.asked_questions import ID, NO, YES, asked
from tests.units.studio_facts import EVERYTHING, LIVE, NOW, but
from trax_mcp.actions.destinations import DeleteDestination
from trax_mcp.actions.stream import GoLive, GoOffline
from trax_mcp.api.models import StreamStatus
from trax_mcp.consent.calls import Evidence, Reason, Reply
from trax_mcp.consent.policy import (
    TOO_SOON,
    UNSEEN,
    Case,
    NeedsAnswer,
    NeedsConfirmation,
    NothingToDo,
    Proceed,
    Refuse,
    by_a_person,
    judge,
    nothing_to_do,
    question_to_use,
    refusal_by_person,
)
from trax_mcp.studio.facts import Facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trax_mcp.consent.questions import Question

    from trax_mcp.actions.change import Change
    from trax_mcp.consent.ways import WaysToAsk

from tests.units.consent.policy_rows import (
    AGAIN,
    ALONE,
    ANSWERS,
    BOTH,
    CHOSE,
    CHOSE_AGAIN,
    CONFIRM_ALONE,
    COPIED,
    DECIDERS,
    EVERY,
    FREE,
    MODELS,
    PEOPLE,
    PREVIEW,
    RUN,
    SHOW,
    USED,
    Row,
    answer,
    answered,
    ask,
    carried,
    invalid,
    no,
)

GO_LIVE: Final = GoLive(studio_id="s")
GO_OFFLINE: Final = GoOffline(studio_id="s")
DELETE: Final = DeleteDestination(studio_id="s", dest_id="d")
OPERATIONS: Final = (GO_LIVE, DELETE)
OTHER: Final = GoLive(studio_id="another")
SEVERAL: Final = (DELETE, GO_LIVE)

LATER: Final = 5.0
"""When a preview of the table can have been read."""
LIVE_ALREADY: Final = '"Friday Show" is on air already'

TABLE: Final[dict[str, Row]] = {
    # Nobody has answered. Columns: by confirmation, by `confirm` alone.
    "nothing": carried(Evidence(), "nothing", SHOW, SHOW),
    "confirm alone": carried(ALONE, "nothing", SHOW, FREE),
    "a confirmation without confirm": carried(COPIED, "confirmation", SHOW, SHOW),
    "confirm and its confirmation": carried(BOTH, "confirmation", RUN, FREE),
    "one invented or expired": carried(BOTH, "nothing", ask("expired"), FREE),
    "one of a stop": carried(BOTH, "nothing, for a stop", ask("mismatch"), FREE),
    "one of another call": carried(BOTH, "of another call", ask("mismatch"), FREE),
    "one of a world that is gone": carried(BOTH, "changed", ask("changed"), FREE),
    "one of both": carried(BOTH, "of another call, changed", ask("mismatch"), FREE),
    "a person's question as a confirmation": carried(BOTH, "question", invalid("mismatch"), FREE),
    "a used confirmation": Row(BOTH, "used", *[USED] * 4),
    "a used confirmation without confirm": Row(COPIED, "used", *[USED] * 4),
    "a used confirmation of another call": Row(BOTH, "used by another call", *[USED] * 4),
    # A person has answered.
    "the choice": answered(CHOSE, "question", RUN),
    "the choice, asked again": answered(CHOSE_AGAIN, "question, again", RUN),
    "the other choice": answered(answer("chosen", NO), "question", no("declined")),
    "a choice not offered": answered(answer("chosen", "Take it!"), "question", no("malformed")),
    "a choice of nothing": answered(answer("chosen"), "question", no("malformed")),
    **{
        f"{reply}{', with the choice filled in' if choice else ''}": answered(
            answer(reply, choice), "question", no(reply)
        )
        for reply in get_args(Reply) if reply != "chosen" for choice in (None, YES)
    },
    "timed out as it expired": answered(answer("timed_out"), "nothing", no("timed_out")),
    "no in a changed world": answered(answer("declined"), "question, changed", no("declined")),
    "yes in a changed world": answered(CHOSE, "question, changed", AGAIN),
    "yes, changed twice": answered(CHOSE_AGAIN, "question, again, changed", invalid("changed")),
    "yes from before it was asked again": answered(CHOSE, "question, again", invalid("expired")),
    "yes to nothing that we asked": answered(CHOSE, "nothing", invalid("expired")),
    "no to nothing that we asked": answered(answer("declined"), "nothing", invalid("expired")),
    "yes to a stop": answered(CHOSE, "nothing, for a stop", invalid("mismatch")),
    "yes to another question": answered(CHOSE, "question of another call", invalid("mismatch")),
    "yes under a model's confirmation": answered(CHOSE, "confirmation", invalid("mismatch")),
    "yes a second time": answered(CHOSE, "question, used", USED),
}  # fmt: skip

every_row = pytest.mark.parametrize("row", TABLE)
ANSWERED: Final = tuple(row for row, it in TABLE.items() if it.evidence.answer)
EVERYWHERE: Final = tuple((ways, can_ask, it) for (ways, can_ask) in DECIDERS for it in OPERATIONS)


def kept_as(words: str, operation: Change[Any]) -> Question | None:
    """Make what the store keeps, from the table's words for it."""
    if "nothing" in words:
        return None
    return asked(
        OTHER if "another call" in words else operation,
        digest="before" if "changed" in words else "now",
        channel="form" if "question" in words else "model",
        number=2 if "again" in words else 1,
        used_by="a call" if "used" in words else None,
    )


def case_of(row: str, operation: Change[Any], ways: WaysToAsk, *, can_ask: bool) -> Case:
    it = TABLE[row]
    kept = kept_as(it.kept, operation)
    for_stop = "for a stop" in it.kept
    return Case((operation,), "now", it.evidence, kept, ways, can_ask, LATER, is_for_stop=for_stop)


@every_row
def test_each_verdict_is_as_the_table_says(row: str) -> None:
    for ways, can_ask, operation in EVERYWHERE:
        case = case_of(row, operation, ways, can_ask=can_ask)
        expected = getattr(TABLE[row], DECIDERS[ways, can_ask])
        if expected == AGAIN and not can_ask:
            expected = invalid("changed")
        assert (judge(case), ways, can_ask, operation) == (expected, ways, can_ask, operation)


@every_row
def test_a_go_live_of_a_live_studio_is_never_sent(row: str) -> None:
    """This holds with a yes and without. Only a used confirmation returns its outcome instead."""
    expected = USED if "used" in TABLE[row].kept else NothingToDo(LIVE_ALREADY)
    for ways, can_ask in DECIDERS:
        case = case_of(row, GO_LIVE, ways, can_ask=can_ask)
        assert judge(case._replace(nothing_to_do=LIVE_ALREADY)) == expected


@pytest.mark.parametrize("row", ANSWERED)
def test_the_answer_of_a_person_counts_more_than_confirm(row: str) -> None:
    loud = TABLE[row].evidence._replace(confirm=True, confirmation="another-confirmation")
    for ways, can_ask, operation in EVERYWHERE:
        case = case_of(row, operation, ways, can_ask=can_ask)
        assert judge(case._replace(evidence=loud)) == judge(case)


def test_the_table_has_every_way_reply_and_reason() -> None:
    assert set(DECIDERS) == {*product((EVERY, PEOPLE, PREVIEW, CONFIRM_ALONE), (True, False))}
    assert {it.evidence.answer and it.evidence.answer.reply for it in TABLE.values()} == {
        None,
        *get_args(Reply),
    }
    verdicts = [verdict for it in TABLE.values() for verdict in it[2:]]
    reasons = {it.reason for it in verdicts if isinstance(it, NeedsConfirmation | Refuse)}
    assert reasons - {None} == set(get_args(Reason)) - {"recently_declined", "too_soon", "unseen"}


@every_row
def test_after_a_no_the_same_call_is_refused_unless_it_brings_an_answer(row: str) -> None:
    """Only for a while. A used confirmation still returns its outcome."""
    for ways, can_ask in DECIDERS:
        case = case_of(row, GO_LIVE, ways, can_ask=can_ask)
        verdict = judge(case._replace(declined_seconds=59.2))
        if "used" in TABLE[row].kept or case.evidence.answer:
            assert verdict == judge(case)
        else:
            assert verdict == Refuse("declined", "recently_declined", retry_after_seconds=60)


def test_a_call_runs_only_with_a_yes_in_every_combination() -> None:
    runs = 0
    for case in cases():
        verdict = judge(case)
        assert isinstance(verdict, Proceed | NeedsAnswer | NeedsConfirmation | Refuse | NothingToDo)
        if isinstance(verdict, Proceed):
            runs += 1
            assert is_agreed(case, verdict)
    assert runs > 0


def cases() -> Iterator[Case]:
    """Combine everything that can differ."""
    kept = [
        None,
        *(
            asked(agreed, digest=digest, channel=channel, number=number, used_by=sender)
            for agreed, digest, channel, number, sender in product(
                (GO_LIVE, OTHER), ("now", "before"), ("model", "form"), (1, 2), (None, "a call")
            )
        ),
    ]
    for operation, model, person, one, (ways, can_ask), why, for_stop in product(
        OPERATIONS, MODELS, ANSWERS, kept, DECIDERS, (None, LIVE_ALREADY), (False, True)
    ):
        evidence = model._replace(answer=person)
        yield Case(
            (operation,), "now", evidence, one, ways, can_ask, LATER, why, is_for_stop=for_stop
        )


def is_agreed(case: Case, verdict: Proceed) -> bool:
    """Whether there is a yes to this call in this world, or `confirm` alone is enough."""
    kept, evidence = case.question, case.evidence
    if (kept and kept.used_by is not None) or case.nothing_to_do is not None:
        return False
    if evidence.answer is None and case.ask.confirm_alone:
        return evidence.confirm and verdict.question_id is None
    if kept is None or verdict.question_id != kept.id:
        return False
    if kept.operations != case.operations or kept.preview.digest != case.digest:
        return False
    if evidence.answer is not None:
        has_chosen = evidence.answer.reply == "chosen" and evidence.answer.choice == YES
        return has_chosen and kept.channel == "form" and evidence.answer.number == kept.number
    may = case.ask == PREVIEW or (case.ask == EVERY and not case.can_ask)
    is_confirmed = evidence.confirm and evidence.confirmation == kept.id
    return kept.channel == "model" and is_confirmed and may


# What needs no verdict


def test_a_person_who_says_no_is_believed_before_any_fact_is_read() -> None:
    for given, refusal in (
        (answer("declined"), no("declined")),
        (answer("cancelled"), no("cancelled")),
        (answer("chosen", NO), no("declined")),
        (CHOSE, None),
        (answer("timed_out"), None),
        (answer("malformed"), None),
    ):
        for kept in ("question", "question, changed"):
            assert refusal_by_person((DELETE,), given.answer, kept_as(kept, DELETE)) == refusal
    for kept in ("question of another call", "confirmation", "nothing"):
        told = refusal_by_person((DELETE,), answer("declined").answer, kept_as(kept, DELETE))
        assert told is None
    assert refusal_by_person((DELETE,), BOTH.answer, kept_as("confirmation", DELETE)) is None


def test_a_form_that_is_refused_at_once_was_not_seen() -> None:
    """Clients without forms decline by themselves, and some choose what is preselected."""
    for refusal in (no("declined"), no("cancelled")):
        said = [by_a_person(refusal, CHOSE, age=it) for it in (0.0, 0.99, 1.0)]
        assert said == [UNSEEN, UNSEEN, refusal]
        on_page = CHOSE._replace(answered_in="page")
        assert by_a_person(refusal, on_page, age=0.0) == refusal
    for refusal in (no("timed_out"), no("malformed"), USED):
        assert by_a_person(refusal, CHOSE, age=0.0) == refusal


def test_a_confirmation_runs_nothing_in_five_seconds_nor_for_five_more_after_each_try() -> None:
    """Whatever has changed meanwhile, unless `confirm` alone or a form decides."""
    first = asked(GO_LIVE, asked_at=100.0)
    tried = asked(GO_LIVE, asked_at=100.0, hurried=(101.0, 104.0))
    for question, seconds in ((first, 105.0), (tried, 109.0)):
        case = case_of("confirm and its confirmation", GO_LIVE, PREVIEW, can_ask=True)
        case = case._replace(question=question, came_at=seconds - 0.01)
        assert judge(case) == judge(case._replace(digest="later")) == TOO_SOON
        assert judge(case._replace(came_at=seconds)) == RUN
        assert judge(case._replace(ask=CONFIRM_ALONE)) == FREE
        assert judge(case._replace(ask=EVERY, can_ask=True)) == NeedsAnswer()


LIVE_SINCE: Final = '"Friday Show" has been on air for 12 minutes (since 18:00 UTC) already'
PENDING: Final = "a go-live was sent within the last minute, and it hasn't been seen on air yet"


@pytest.mark.parametrize(
    ("facts", "why", "why_if_pending"),
    [
        (EVERYTHING, None, PENDING),
        (Facts(), None, PENDING),
        (but(status=StreamStatus(live=True)), LIVE_ALREADY, LIVE_ALREADY),
        (LIVE, LIVE_SINCE, LIVE_SINCE),
    ],
    ids=["off air", "not known", "on air", "on air since"],
)
def test_only_a_go_live_is_not_needed_while_live_or_starting(
    facts: Facts, why: str | None, why_if_pending: str | None
) -> None:
    """Above all, a stop is sent in every state of the studio."""
    for pending, expected in ((False, why), (True, why_if_pending)):
        told = [
            nothing_to_do(it, facts, go_live_pending=pending, now=NOW)
            for it in ((GO_LIVE,), SEVERAL, (GO_OFFLINE,), (DELETE,))
        ]
        assert told == [expected, expected, None, None]


def test_a_call_that_needs_no_consent_uses_its_own_question_and_no_other() -> None:
    """The digest does not matter: the call would run without a yes too."""
    kept = ("confirmation", "changed", "question", "nothing", "of another call", "used")
    used = [question_to_use((DELETE,), BOTH, kept_as(it, DELETE)) for it in kept]
    assert used == [ID, ID, ID, None, None, None]
    assert question_to_use((DELETE,), COPIED, kept_as("confirmation", DELETE)) is None
    for evidence in (ALONE, Evidence()):
        assert question_to_use((DELETE,), evidence, None) is None
