"""A question by its age and by what has become of it: its phase, and what counts as an answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from tests.units.consent.asked_questions import NO, YES, asked
from trax_mcp.actions.destinations import DeleteDestination
from trax_mcp.actions.stream import GoLive, GoOffline
from trax_mcp.consent.calls import NotRun
from trax_mcp.consent.questions import StudioRecord, Turn, outcome_in_words

if TYPE_CHECKING:
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
AGAIN: Final = replace(SHOWN, number=2, shown_at=1100.0)

ANSWERS: Final[dict[str, tuple[Question, int, str, float, bool]]] = {
    # The question, the number and the choice of the answer, when it comes, and if it counts.
    "yes": (SHOWN, 1, YES, READ, True),
    "yes, at once": (SHOWN, 1, YES, READ - 0.1, False),
    "yes, before it was shown": (replace(SHOWN, shown_at=None), 1, YES, READ, False),
    "yes, at the last moment": (SHOWN, 1, YES, 1299.9, True),
    "yes, too late": (SHOWN, 1, YES, 1300.0, False),
    "yes to a used one": (replace(SHOWN, used_by="c", used_at=READ), 1, YES, READ, False),
    "yes to one that has ended": (replace(SHOWN, result=RESULT), 1, YES, READ, False),
    "yes to one that cannot be shown": (replace(SHOWN, is_unshown=True), 1, YES, READ, False),
    "yes to the first, asked again": (AGAIN, 1, YES, 1101.0, False),
    "yes to the second": (AGAIN, 2, YES, 1101.0, True),
    "yes to the second, at once": (AGAIN, 2, YES, 1100.9, False),
    "yes to one that nobody has asked": (SHOWN, 2, YES, READ, False),
    "another choice": (SHOWN, 1, "Go live", READ, False),
    "no choice": (SHOWN, 1, "", READ, False),
    "no": (SHOWN, 1, NO, READ, True),
    "no, before it was shown": (replace(SHOWN, shown_at=None), 1, NO, READ, True),
    "no, at once": (SHOWN, 1, NO, READ - 0.1, False),
    "no, too late": (SHOWN, 1, NO, 1300.0, False),
    "no to the first, asked again": (AGAIN, 1, NO, 1101.0, False),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_counts_if_it_is_a_choice_of_what_is_open_and_was_read(kind: str) -> None:
    """A no needs no passkey."""
    question, number, choice, at, counts = ANSWERS[kind]
    assert question.counts(number, choice, "page", at, needs_passkey=False) is counts
    assert question.counts(number, choice, "passkey", at, needs_passkey=True) is counts
    without = question.counts(number, choice, "page", at, needs_passkey=True)
    assert without is (counts and choice == NO)


@pytest.mark.parametrize("before", ["", "one"])
@pytest.mark.parametrize("now", ["", "one", "two"])
def test_a_question_leads_on_air_no_longer_after_a_stop(before: str, now: str) -> None:
    delete = DeleteDestination(studio_id="s", dest_id="d")
    assert asked(GO_LIVE, last_stop=before).is_void_after(now) is (before != now)
    assert not asked(delete, last_stop=before).is_void_after(now)


def test_a_question_is_for_exactly_one_call() -> None:
    calls = (GO_LIVE, GoLive(studio_id="t"), GoOffline(studio_id="s"))
    assert [asked(GO_LIVE).is_for((it,)) for it in calls] == [True, False, False]


def test_hidden_changes_are_counted() -> None:
    """Each by what it was, also where none was made before. What it was changed to is the last."""
    studio = StudioRecord().with_hidden({"a": "x"}).with_hidden({"a": "y", "b": ""}).with_hidden({})
    assert studio == StudioRecord(hidden={"a": 2, "b": 1}, changed_to={"a": "y", "b": ""})


def test_only_the_call_that_has_the_turn_gives_it_back() -> None:
    studio = StudioRecord(turn=Turn("one", 5.0), last_stop="x")
    assert studio.without_turn("one") == StudioRecord(last_stop="x")
    assert studio.without_turn("two") == studio
    assert StudioRecord().without_turn("one") == StudioRecord()


def test_the_outcome_of_a_used_yes_is_told_with_the_state_if_that_was_seen() -> None:
    assert outcome_in_words("applied") == "the call ran"
    assert outcome_in_words("unknown") == "whether the call ran is not known"
    assert outcome_in_words("applied", "on_air") == "the call ran, and the studio was then on air"
