"""What two replicas know together of one question. Pure."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Final

import pytest

from trax_mcp.api.errors import Failure
from trax_mcp.consent.calls import Done, NotRun, Question
from trax_mcp.consent.preview import Preview, Target
from trax_mcp.consent.question_state import QuestionState, merged, question_id

NOW: Final = 109.0
LATE: Final = 110.0
PREVIEW: Final = Preview("go_live", Target("studio_42"), (), (), (), "Go live")


def question(confirmation_id: str) -> Question:
    """A question with this confirmation."""
    return Question(confirmation_id, PREVIEW, PREVIEW.choice, "Do not")


def ended(result: Done | NotRun | Failure | None, since: float = 105.0) -> QuestionState:
    """The first question, with this end."""
    return replace(SHOWN, over_since=since, result=result)


OPEN: Final = QuestionState(question=question("first"), number=1, opened_at=100.0)
SHOWN: Final = replace(OPEN, shown_at=103.0)
CHANGED: Final = replace(OPEN, question=question("second"), number=2)
CHANGED_SHOWN: Final = replace(CHANGED, shown_at=108.0)
DECLINED: Final = ended(NotRun("go_live", "declined", "declined"))
REFUSED: Final = ended(Failure(code="forbidden", message="No.", retryable=False))
UNREPORTED: Final = ended(None)
DONE: Final = ended(Done(None), since=107.0)
UNKNOWN: Final = ended(
    Failure(code="timeout", message="Lost.", retryable=False, outcome="unknown"), since=107.0
)

ONE_COUNTS: Final = {
    "a question that was shown, over the same one": (SHOWN, OPEN),
    "a later question, over an earlier one": (CHANGED, SHOWN),
    "an end, over an open question": (DECLINED, SHOWN),
    "an end, over a later question": (DECLINED, CHANGED),
    "a question that nobody was shown, over an open one": (UNREPORTED, OPEN),
    "a call that ran, over a no": (DONE, DECLINED),
    "a call that ran, over one that was refused": (DONE, REFUSED),
    "a call that may have run, over a question that nobody was shown": (UNKNOWN, UNREPORTED),
    "a call that may have run, over a later question": (UNKNOWN, CHANGED_SHOWN),
}


@pytest.mark.parametrize(("counts", "other"), ONE_COUNTS.values(), ids=ONE_COUNTS)
def test_both_replicas_come_to_know_the_same(counts: QuestionState, other: QuestionState) -> None:
    for kept, mine in permutations((counts, other)):
        assert merged(kept, mine, now=NOW) == counts


KEPT_COUNTS: Final = {
    "when a question was shown": (SHOWN, replace(SHOWN, shown_at=101.0)),
    "when it was asked": (OPEN, replace(OPEN, opened_at=90.0)),
    "which question follows another": (CHANGED, replace(CHANGED, question=question("third"))),
    "which question was shown": (
        CHANGED,
        replace(CHANGED_SHOWN, question=question("third")),
    ),
    "how it ended": (DECLINED, REFUSED),
    "how its call ended": (DONE, UNKNOWN),
}


@pytest.mark.parametrize(("kept", "mine"), KEPT_COUNTS.values(), ids=KEPT_COUNTS)
def test_where_both_know_it_the_first_counts(kept: QuestionState, mine: QuestionState) -> None:
    assert merged(kept, mine, now=NOW) == kept


def test_a_call_that_was_told_the_result_is_known_to_all() -> None:
    known = replace(DONE, is_known=True)
    for kept, mine in permutations((DONE, known)):
        assert merged(kept, mine, now=NOW) == known


def test_a_question_that_was_not_shown_within_ten_seconds_is_over() -> None:
    assert merged(OPEN, OPEN, now=LATE) == replace(OPEN, over_since=LATE)
    for it in (SHOWN, CHANGED, DECLINED):
        assert merged(it, OPEN, now=LATE) == it


def test_a_question_keeps_its_times_on_another_clock() -> None:
    moved = replace(DONE, opened_at=1100.0, shown_at=1103.0, over_since=1107.0)
    assert DONE.shifted(1000) == moved
    assert moved.shifted(-1000) == DONE
    assert OPEN.shifted(1000) == replace(OPEN, opened_at=1100.0)


def test_two_questions_that_replicas_ask_again_at_once_have_two_ids() -> None:
    """A yes to one must not count for the other. The first question is the same at all."""
    ids = {question_id(question(it), number) for it in ("second", "third") for number in (2, 3)}
    assert len(ids) == 4
    assert question_id(question("first"), 1) == "1"
