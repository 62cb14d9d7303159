"""A question by its age and by what has become of it: its phase, and what counts as an answer."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Final

import pytest

from tests.units.consent.asked_questions import YES, asked, preview_of
from trax_mcp.api.operations import DeleteDestination, GoLive, GoOffline
from trax_mcp.consent.calls import DO_NOT, NotRun
from trax_mcp.consent.questions import StudioRecord, Turn, outcome_in_words

if TYPE_CHECKING:
    from trax_mcp.consent.calls import ApprovedIn
    from trax_mcp.consent.questions import Phase, Question

GO_LIVE: Final = GoLive(studio_id="s")
GO_OFFLINE: Final = GoOffline(studio_id="s")
RESULT: Final = NotRun("go_live", "declined", "declined")

# Each is asked at 1,000.
PLAIN: Final = asked(GO_LIVE, channel="panel", asked_at=1000.0)
MUST_REPORT: Final = replace(PLAIN, must_report=True)
SHOWN: Final = replace(MUST_REPORT, shown_at=1005.0)
USED: Final = replace(PLAIN, used_by="a call", used_at=1200.0)

PHASES: Final[dict[str, tuple[Question, dict[float, Phase]]]] = {
    "asked": (PLAIN, {1000: "open", 1299.9: "open", 1300: "ended"}),
    "must be shown": (MUST_REPORT, {1009.9: "open", 1010: "unreported", 1400: "unreported"}),
    "shown in time": (SHOWN, {1010: "open", 1299.9: "open", 1300: "ended"}),
    "asked again": (replace(MUST_REPORT, number=2), {1010: "open", 1300: "ended"}),
    "cannot be shown": (replace(PLAIN, is_unshown=True), {1000: "unreported", 1400: "unreported"}),
    "used": (USED, {1200: "running", 1259.9: "running", 1260: "ended"}),
    "used just in time": (replace(USED, used_at=1299.0), {1300: "running", 1359: "ended"}),
    "used, and never shown": (
        replace(MUST_REPORT, used_by="a call", used_at=1200.0),
        {1200: "running", 1260: "ended"},
    ),
    "used, with a result": (replace(USED, result=RESULT), {1200: "ended"}),
    "withdrawn": (replace(SHOWN, result=RESULT), {1005: "ended", 1400: "ended"}),
}
"""What has become of a question, and its phase by the time."""


@pytest.mark.parametrize("kind", PHASES)
def test_the_phase_of_a_question_follows_from_the_record_and_the_time(kind: str) -> None:
    question, phases = PHASES[kind]
    assert {at: question.phase(at) for at in phases} == phases


READ: Final = 1006.0
"""A second after it was shown."""
PASSKEY: Final[ApprovedIn] = "passkey"
PAGE: Final[ApprovedIn] = "page"
AGAIN: Final = replace(SHOWN, number=2, shown_at=1100.0)

ANSWERS: Final[dict[str, tuple[Question, int, str, float, bool, bool]]] = {
    # The question, the number and the choice of the answer, and when it comes.
    # Then whether it counts from the page, and where a passkey is needed from a passkey only.
    "yes": (SHOWN, 1, YES, READ, True, True),
    "yes, at once": (SHOWN, 1, YES, READ - 0.1, False, False),
    "yes, before it was shown": (replace(SHOWN, shown_at=None), 1, YES, READ, False, False),
    "yes, at the last moment": (SHOWN, 1, YES, 1299.9, True, True),
    "yes, too late": (SHOWN, 1, YES, 1300.0, False, False),
    "yes to a used one": (replace(SHOWN, used_by="c", used_at=READ), 1, YES, READ, False, False),
    "yes to one that has ended": (replace(SHOWN, result=RESULT), 1, YES, READ, False, False),
    "yes to one that cannot be shown": (
        replace(SHOWN, is_unshown=True), 1, YES, READ, False, False
    ),
    "yes to the first, asked again": (AGAIN, 1, YES, 1101.0, False, False),
    "yes to the second": (AGAIN, 2, YES, 1101.0, True, True),
    "yes to the second, at once": (AGAIN, 2, YES, 1100.9, False, False),
    "yes to one that nobody has asked": (SHOWN, 2, YES, READ, False, False),
    "another choice": (SHOWN, 1, "Go live", READ, False, False),
    "no choice": (SHOWN, 1, "", READ, False, False),
    "no": (SHOWN, 1, DO_NOT, READ, True, True),
    "no, at once": (SHOWN, 1, DO_NOT, 1005.0, True, True),
    "no, too late": (SHOWN, 1, DO_NOT, 1300.0, False, False),
    "no to the first, asked again": (AGAIN, 1, DO_NOT, 1101.0, False, False),
}  # fmt: skip


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_counts_if_it_is_a_choice_of_what_is_open_and_was_read(kind: str) -> None:
    """A no needs neither a second nor a passkey."""
    question, number, choice, at, counts, counts_by_passkey = ANSWERS[kind]
    assert question.counts(number, choice, PAGE, at, needs_passkey=False) is counts
    by_passkey = question.counts(number, choice, PASSKEY, at, needs_passkey=True)
    assert by_passkey is counts_by_passkey
    needs_none = choice == DO_NOT
    without = question.counts(number, choice, PAGE, at, needs_passkey=True)
    assert without is (counts and needs_none)


def test_a_question_leads_on_air_no_longer_after_a_stop() -> None:
    """One that leads nowhere is good after every stop."""
    delete = DeleteDestination(studio_id="s", dest_id="d")
    for operation, before, now in product((GO_LIVE, delete), ("", "one"), ("", "one", "two")):
        question = asked(operation, last_stop=before)
        assert question.preview == preview_of(operation)
        is_void = operation is GO_LIVE and before != now
        assert question.is_void_after(now) is is_void


def test_a_question_is_for_exactly_one_call() -> None:
    question = asked(GO_LIVE)
    assert question.is_for(GoLive(studio_id="s"))
    assert not question.is_for(GoLive(studio_id="t"))
    assert not question.is_for(GO_OFFLINE)


def test_hidden_changes_are_counted() -> None:
    """Each by what it was, also where none was made before. What it was changed to is the last."""
    studio = StudioRecord().with_hidden({"a": "x"}).with_hidden({"a": "y", "b": ""}).with_hidden({})
    assert studio == StudioRecord(hidden={"a": 2, "b": 1}, changed_to={"a": "y", "b": ""})


def test_only_the_call_that_has_the_turn_gives_it_back() -> None:
    """A stop may have taken it."""
    studio = StudioRecord(turn=Turn("one", 5.0), last_stop="x")
    assert studio.without_turn("one") == StudioRecord(last_stop="x")
    assert studio.without_turn("two") == studio
    assert StudioRecord().without_turn("one") == StudioRecord()


def test_the_outcome_of_a_used_yes_is_told_in_words() -> None:
    """With the state of the studio, if that was seen."""
    assert outcome_in_words("applied") == "the call ran"
    assert outcome_in_words("unknown") == "whether the call ran is not known"
    assert outcome_in_words("applied", "on_air") == "the call ran, and the studio was then on air"
