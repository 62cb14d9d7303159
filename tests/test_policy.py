"""Whether a call may run: the whole table of verdicts, and the only ways to a yes.

The table is written from what users are promised, a row for each thing that can come along with a
call, a column for each way in which an operator and a client can decide. It is the promise, not
the code.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple, get_args

import pytest

from trax_mcp.api.operations import DeleteDestination, GoLive, GoOffline
from trax_mcp.consent.evidence import Confirmation, Evidence, PersonAnswer, Said, UsedConfirmation
from trax_mcp.consent.policy import (
    DO_NOT,
    Case,
    NeedsAnswer,
    NeedsConfirmation,
    NothingToDo,
    Proceed,
    Reason,
    Refuse,
    Verdict,
    judge,
)
from trax_mcp.consent.rules import Mode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation

GO_LIVE: Final = GoLive(studio_id="s")
GO_OFFLINE: Final = GoOffline(studio_id="s")
DELETE: Final = DeleteDestination(studio_id="s", dest_id="d")
OPERATIONS: Final = (GO_LIVE, GO_OFFLINE, DELETE)
OTHER: Final = GoLive(studio_id="another")

HANDLE: Final = "the-handle"
YES: Final = "Take it live"
SINCE: Final = "it is live already."

PLACES: Final[dict[tuple[Mode, bool], str]] = {
    (Mode.AUTO, True): "person",
    (Mode.AUTO, False): "confirmation",
    (Mode.HUMAN, True): "person",
    (Mode.HUMAN, False): "nobody",
    (Mode.PREVIEW, True): "confirmation",
    (Mode.PREVIEW, False): "confirmation",
    (Mode.FLAG, True): "flag",
    (Mode.FLAG, False): "flag",
}
"""What decides in a mode, by whether the client can show a form. A stop has no `nobody`."""


class Row(NamedTuple):
    """What came along, what is kept under its handle, and the verdict in each place."""

    evidence: Evidence
    held: str
    person: Verdict
    nobody: Verdict
    confirmation: Verdict
    flag: Verdict


CANNOT: Final = Refuse("cannot_ask")
SHOW: Final = NeedsConfirmation()
FREE: Final = Proceed()
RUN: Final = Proceed(HANDLE)
USED: Final = Refuse("confirmation_invalid", "used")


def carried(evidence: Evidence, held: str, confirmation: Verdict, flag: Verdict) -> Row:
    """No person has answered yet: where one can be asked they are, whatever came along."""
    return Row(evidence, held, NeedsAnswer(), CANNOT, confirmation, flag)


def answered(evidence: Evidence, held: str, verdict: Verdict) -> Row:
    """A person has answered: what they said counts, wherever it is heard."""
    return Row(evidence, held, verdict, verdict, verdict, verdict)


def said(said: Said, choice: str | None = None) -> Evidence:
    """What comes back from a person."""
    return Evidence(answer=PersonAnswer(HANDLE, said, choice))


def invalid(reason: Reason) -> Refuse:
    """An answer that is worth nothing."""
    return Refuse("confirmation_invalid", reason)


def no(reason: Reason) -> Refuse:
    """A person has not said yes."""
    return Refuse("declined", reason)


ALONE: Final = Evidence(confirm=True)
COPIED: Final = Evidence(confirm=False, confirmation=HANDLE)
BOTH: Final = Evidence(confirm=True, confirmation=HANDLE)
CHOSE: Final = said("chosen", YES)

TABLE: Final[dict[str, Row]] = {
    # Nobody has answered. Columns: by confirmation, by flag.
    "nothing": carried(Evidence(), "nothing", SHOW, SHOW),
    "confirm alone": carried(ALONE, "nothing", SHOW, FREE),
    "a confirmation without confirm": carried(COPIED, "confirmation", SHOW, SHOW),
    "confirm and its confirmation": carried(BOTH, "confirmation", RUN, FREE),
    "one invented or expired": carried(BOTH, "nothing", NeedsConfirmation("expired"), FREE),
    "one of another call": carried(BOTH, "of another call", NeedsConfirmation("mismatch"), FREE),
    "one of a world that is gone": carried(BOTH, "changed", NeedsConfirmation("changed"), FREE),
    "one of another call in a gone world": carried(
        BOTH, "of another call, changed", NeedsConfirmation("mismatch"), FREE
    ),
    "a person's question as a confirmation": carried(
        BOTH, "question", NeedsConfirmation("mismatch"), FREE
    ),
    "a used confirmation": Row(BOTH, "used", USED, USED, USED, USED),
    "a used confirmation without confirm": Row(COPIED, "used", USED, USED, USED, USED),
    "a used confirmation of another call": Row(
        BOTH, "used by another call", USED, USED, USED, USED
    ),
    # A person has answered.
    "the offered choice": answered(CHOSE, "question", RUN),
    "the offered choice, asked again": answered(CHOSE, "question, again", RUN),
    "the other choice": answered(said("chosen", DO_NOT), "question", no("declined")),
    "a choice that was not offered": answered(
        said("chosen", "Take it live!"), "question", no("malformed")
    ),
    "a choice of nothing": answered(said("chosen"), "question", no("malformed")),
    "declined": answered(said("declined"), "question", no("declined")),
    "declined, with the choice filled in": answered(
        said("declined", YES), "question", no("declined")
    ),
    "cancelled": answered(said("cancelled"), "question", no("cancelled")),
    "timed out": answered(said("timed_out"), "question", no("timed_out")),
    "timed out as the question expired": answered(said("timed_out"), "nothing", no("timed_out")),
    "malformed": answered(said("malformed"), "question", no("malformed")),
    "client error": answered(said("client_error"), "question", no("client_error")),
    "declined, and the world has changed": answered(
        said("declined"), "question, changed", no("declined")
    ),
    "yes, and the world has changed": answered(CHOSE, "question, changed", NeedsAnswer(again=True)),
    "yes, and it has changed once more": answered(
        CHOSE, "question, again, changed", invalid("changed")
    ),
    "yes to nothing that we asked": answered(CHOSE, "nothing", invalid("expired")),
    "no to nothing that we asked": answered(said("declined"), "nothing", invalid("expired")),
    "yes to another question": answered(CHOSE, "question of another call", invalid("mismatch")),
    "yes under a model's confirmation": answered(CHOSE, "confirmation", invalid("mismatch")),
    "yes a second time": answered(CHOSE, "question, used", USED),
}

WAYS: Final = {
    ("confirm and its confirmation", "confirmation"),
    *(("the offered choice", place) for place in PLACES.values()),
    *(("the offered choice, asked again", place) for place in PLACES.values()),
    ("confirm alone", "flag"),
    *((row, "flag") for row, it in TABLE.items() if it.evidence == BOTH and "used" not in it.held),
}
"""All ways to run: what came along, and where."""

every_row = pytest.mark.parametrize("row", TABLE)
ANSWERED: Final = tuple(row for row, it in TABLE.items() if it.evidence.answer)
EVERYWHERE: Final = tuple((mode, can_ask, it) for (mode, can_ask) in PLACES for it in OPERATIONS)


def held(words: str, operation: Operation[Model]) -> Confirmation | UsedConfirmation | None:
    """What is kept, from the table's words for it."""
    if words == "nothing":
        return None
    entry = Confirmation(
        handle=HANDLE,
        caller="caller",
        operation=OTHER if "another call" in words else operation,
        digest="before" if "changed" in words else "now",
        expires=0,
        choice=YES if "question" in words else None,
        asked_again="again" in words,
    )
    return UsedConfirmation(entry) if "used" in words else entry


def decider(mode: Mode, operation: Operation[Model], *, can_ask: bool) -> str:
    """What decides: a stop can always be confirmed."""
    place = PLACES[mode, can_ask]
    return "confirmation" if place == "nobody" and operation is GO_OFFLINE else place


@every_row
def test_the_table_of_verdicts(row: str) -> None:
    """What came along and what decides here: that is all there is to a verdict."""
    it = TABLE[row]
    for mode, can_ask, operation in EVERYWHERE:
        case = Case(operation, "now", it.evidence, held(it.held, operation), mode, can_ask)
        expected = getattr(it, decider(mode, operation, can_ask=can_ask))
        assert (judge(case), mode, can_ask, operation) == (expected, mode, can_ask, operation)


@every_row
def test_a_live_studio_needs_no_going_live(row: str) -> None:
    """With a yes or without; only what was used up says what came of it instead."""
    it = TABLE[row]
    kept = held(it.held, GO_LIVE)
    expected = USED if isinstance(kept, UsedConfirmation) else NothingToDo(SINCE)
    for mode, can_ask in PLACES:
        case = Case(GO_LIVE, "now", it.evidence, kept, mode, can_ask, on_air_since=SINCE)
        assert judge(case) == expected


@pytest.mark.parametrize("row", ANSWERED)
def test_a_filled_in_confirm_does_not_outweigh_a_person(row: str) -> None:
    """Beside an answer, `confirm` and any `confirmation` change nothing."""
    it = TABLE[row]
    loud = replace(it.evidence, confirm=True, confirmation="another-handle")
    for mode, can_ask, operation in EVERYWHERE:
        case = Case(operation, "now", it.evidence, held(it.held, operation), mode, can_ask)
        assert judge(replace(case, evidence=loud)) == judge(case)


def test_the_table_leaves_nothing_out() -> None:
    """Every mode, every kind of answer and every reason stands in it."""
    assert {mode for mode, _ in PLACES} == set(Mode)
    assert len(PLACES) == 2 * len(Mode)
    answers = [it.evidence.answer for it in TABLE.values() if it.evidence.answer]
    assert {it.said for it in answers} == set(get_args(Said))
    verdicts = [verdict for it in TABLE.values() for verdict in it[2:]]
    reasons = {it.reason for it in verdicts if isinstance(it, NeedsConfirmation | Refuse)}
    assert reasons - {None} == set(get_args(Reason))


def test_the_ways_to_run_are_the_listed_ones() -> None:
    """And only where a flag is enough does a call run without taking a handle."""
    places = ("person", "nobody", "confirmation", "flag")
    running = {
        (row, place)
        for (row, it), place in product(TABLE.items(), places)
        if isinstance(getattr(it, place), Proceed)
    }
    by_answer = {row for row, it in TABLE.items() if it.person == RUN}
    assert by_answer == {"the offered choice", "the offered choice, asked again"}
    assert running == WAYS
    assert {place for row, place in WAYS if getattr(TABLE[row], place) == FREE} == {"flag"}


def test_nothing_else_is_a_yes() -> None:
    """Over every combination of everything that a verdict could look at, likely or not."""
    runs = 0
    for case in cases():
        verdict = judge(case)
        assert isinstance(verdict, Proceed | NeedsAnswer | NeedsConfirmation | Refuse | NothingToDo)
        if isinstance(verdict, Proceed):
            runs += 1
            assert is_agreed(case, verdict)
    assert runs > 0


def cases() -> Iterator[Case]:
    """The product of all that can differ, sensible or not."""
    carried = [Evidence(yes, handle) for yes in (True, False) for handle in (None, HANDLE)]
    choices = (None, YES, DO_NOT, "Something else")
    answers = [None, *(PersonAnswer(HANDLE, *it) for it in product(get_args(Said), choices))]
    kept: list[Confirmation | UsedConfirmation | None] = [None]
    for agreed, digest, choice, again in product(
        (GO_LIVE, OTHER), ("now", "before"), (None, YES), (True, False)
    ):
        entry = Confirmation(HANDLE, "caller", agreed, digest, 0, choice=choice, asked_again=again)
        kept += [entry, UsedConfirmation(entry)]
    for operation, evidence, answer, one, (mode, can_ask), since in product(
        OPERATIONS, carried, answers, kept, PLACES, (None, SINCE)
    ):
        given = replace(evidence, answer=answer)
        yield Case(operation, "now", given, one, mode, can_ask, on_air_since=since)


def is_agreed(case: Case, verdict: Proceed) -> bool:
    """Whether somebody agreed to exactly this call in exactly this world, or a flag is enough."""
    if isinstance(case.held, UsedConfirmation) or case.on_air_since is not None:
        return False
    answer = case.evidence.answer
    if answer is None and case.mode is Mode.FLAG:
        return case.evidence.confirm and verdict.handle is None
    if case.held is None or verdict.handle != case.held.handle:
        return False
    if (case.held.operation, case.held.digest) != (case.operation, case.digest):
        return False
    if answer is not None:
        return answer.said == "chosen" and answer.choice == case.held.choice == YES
    stop_anyway = isinstance(case.operation, GoOffline) and not case.can_ask
    by_model = case.held.choice is None and case.evidence.confirm
    may = case.mode is Mode.PREVIEW or (case.mode is Mode.AUTO and not case.can_ask)
    return by_model and (may or stop_anyway) and case.evidence.confirmation == case.held.handle
