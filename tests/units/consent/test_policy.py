"""Whether a call may run: the whole table of verdicts, and the only ways to a yes.

The table is written from the promises to users, not from the code. It has a row for each kind of
evidence and a column for each way in which an operator and a client can decide.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple, get_args

import pytest

from trax_mcp.api.models import StreamStatus
from trax_mcp.api.operations import DeleteDestination, GoLive, GoOffline
from trax_mcp.consent.evidence import (
    Confirmation,
    Evidence,
    PersonAnswer,
    Reason,
    Reply,
    UsedConfirmation,
    call_digest,
)
from trax_mcp.consent.policy import (
    DO_NOT,
    Case,
    NeedsAnswer,
    NeedsConfirmation,
    NothingToDo,
    Proceed,
    Refuse,
    Verdict,
    confirmation_to_use,
    judge,
    nothing_to_do,
)
from trax_mcp.consent.rules import Mode
from trax_mcp.studio.facts import Facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation

GO_LIVE: Final = GoLive(studio_id="s")
GO_OFFLINE: Final = GoOffline(studio_id="s")
DELETE: Final = DeleteDestination(studio_id="s", dest_id="d")
OPERATIONS: Final = (GO_LIVE, GO_OFFLINE, DELETE)
OTHER: Final = GoLive(studio_id="another")

ID: Final = "the-confirmation"
YES: Final = "Take it live"
LIVE_ALREADY: Final = "it is on air already."

DECIDERS: Final[dict[tuple[Mode, bool], str]] = {
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
    """The evidence, what the store keeps under its id, and the verdict of each decider."""

    evidence: Evidence
    kept: str
    person: Verdict
    nobody: Verdict
    confirmation: Verdict
    flag: Verdict


CANNOT: Final = Refuse("cannot_ask")
SHOW: Final = NeedsConfirmation()
FREE: Final = Proceed()
RUN: Final = Proceed(ID)
USED: Final = Refuse("confirmation_invalid", "used")


def carried(evidence: Evidence, kept: str, confirmation: Verdict, flag: Verdict) -> Row:
    """No person has answered yet. If one can be asked, they are asked."""
    return Row(evidence, kept, NeedsAnswer(), CANNOT, confirmation, flag)


def answered(evidence: Evidence, kept: str, verdict: Verdict) -> Row:
    """A person has answered. Their answer counts in every mode."""
    return Row(evidence, kept, verdict, verdict, verdict, verdict)


def answer(reply: Reply, choice: str | None = None) -> Evidence:
    """The answer of a person."""
    return Evidence(answer=PersonAnswer(ID, reply, choice))


def invalid(reason: Reason) -> Refuse:
    """An answer that is not valid."""
    return Refuse("confirmation_invalid", reason)


def no(reason: Reason) -> Refuse:
    """A person has not said yes."""
    return Refuse("declined", reason)


ALONE: Final = Evidence(confirm=True)
COPIED: Final = Evidence(confirm=False, confirmation=ID)
BOTH: Final = Evidence(confirm=True, confirmation=ID)
CHOSE: Final = answer("chosen", YES)

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
    "the other choice": answered(answer("chosen", DO_NOT), "question", no("declined")),
    "a choice that was not offered": answered(
        answer("chosen", "Take it live!"), "question", no("malformed")
    ),
    "a choice of nothing": answered(answer("chosen"), "question", no("malformed")),
    "declined": answered(answer("declined"), "question", no("declined")),
    "declined, with the choice filled in": answered(
        answer("declined", YES), "question", no("declined")
    ),
    "cancelled": answered(answer("cancelled"), "question", no("cancelled")),
    "timed out": answered(answer("timed_out"), "question", no("timed_out")),
    "timed out as the question expired": answered(answer("timed_out"), "nothing", no("timed_out")),
    "malformed": answered(answer("malformed"), "question", no("malformed")),
    "client error": answered(answer("client_error"), "question", no("client_error")),
    "declined, and the world has changed": answered(
        answer("declined"), "question, changed", no("declined")
    ),
    "yes, and the world has changed": answered(CHOSE, "question, changed", NeedsAnswer(again=True)),
    "yes, and it has changed once more": answered(
        CHOSE, "question, again, changed", invalid("changed")
    ),
    "yes to nothing that we asked": answered(CHOSE, "nothing", invalid("expired")),
    "no to nothing that we asked": answered(answer("declined"), "nothing", invalid("expired")),
    "yes to another question": answered(CHOSE, "question of another call", invalid("mismatch")),
    "yes under a model's confirmation": answered(CHOSE, "confirmation", invalid("mismatch")),
    "yes a second time": answered(CHOSE, "question, used", USED),
}

WAYS: Final = {
    ("confirm and its confirmation", "confirmation"),
    *(("the offered choice", decider) for decider in DECIDERS.values()),
    *(("the offered choice, asked again", decider) for decider in DECIDERS.values()),
    ("confirm alone", "flag"),
    *((row, "flag") for row, it in TABLE.items() if it.evidence == BOTH and "used" not in it.kept),
}
"""All ways to run: a row of the table, and a decider."""

every_row = pytest.mark.parametrize("row", TABLE)
ANSWERED: Final = tuple(row for row, it in TABLE.items() if it.evidence.answer)
EVERYWHERE: Final = tuple((mode, can_ask, it) for (mode, can_ask) in DECIDERS for it in OPERATIONS)


def kept_as(words: str, operation: Operation[Model]) -> Confirmation | UsedConfirmation | None:
    """Make what the store keeps, from the table's words for it."""
    if words == "nothing":
        return None
    confirmation = Confirmation(
        id=ID,
        caller="caller",
        owner="caller",
        studio=operation.studio(),
        call=call_digest(OTHER if "another call" in words else operation, ID),
        digest="before" if "changed" in words else "now",
        expires=0,
        expires_at=datetime.fromtimestamp(0, UTC),
        choice=YES if "question" in words else None,
        asked_again="again" in words,
    )
    return UsedConfirmation(confirmation) if "used" in words else confirmation


def decider_of(mode: Mode, operation: Operation[Model], *, can_ask: bool) -> str:
    """Return what decides. A stop can always be confirmed."""
    decider = DECIDERS[mode, can_ask]
    return "confirmation" if decider == "nobody" and operation is GO_OFFLINE else decider


@every_row
def test_each_verdict_is_as_the_table_says(row: str) -> None:
    """Only the evidence and the decider matter."""
    it = TABLE[row]
    for mode, can_ask, operation in EVERYWHERE:
        case = Case(operation, "now", it.evidence, kept_as(it.kept, operation), mode, can_ask)
        expected = getattr(it, decider_of(mode, operation, can_ask=can_ask))
        assert (judge(case), mode, can_ask, operation) == (expected, mode, can_ask, operation)


@every_row
def test_a_go_live_of_a_live_studio_is_never_sent(row: str) -> None:
    """This holds with a yes and without. Only a used confirmation returns its outcome instead."""
    it = TABLE[row]
    kept = kept_as(it.kept, GO_LIVE)
    expected = USED if isinstance(kept, UsedConfirmation) else NothingToDo(LIVE_ALREADY)
    for mode, can_ask in DECIDERS:
        case = Case(GO_LIVE, "now", it.evidence, kept, mode, can_ask, nothing_to_do=LIVE_ALREADY)
        assert judge(case) == expected


@pytest.mark.parametrize("row", ANSWERED)
def test_the_answer_of_a_person_counts_more_than_confirm(row: str) -> None:
    """Beside an answer, `confirm` and `confirmation` change nothing."""
    it = TABLE[row]
    loud = replace(it.evidence, confirm=True, confirmation="another-confirmation")
    for mode, can_ask, operation in EVERYWHERE:
        case = Case(operation, "now", it.evidence, kept_as(it.kept, operation), mode, can_ask)
        assert judge(replace(case, evidence=loud)) == judge(case)


def test_the_table_is_complete() -> None:
    """It has every mode, every reply and every reason."""
    assert {mode for mode, _ in DECIDERS} == set(Mode)
    assert len(DECIDERS) == 2 * len(Mode)
    answers = [it.evidence.answer for it in TABLE.values() if it.evidence.answer]
    assert {it.reply for it in answers} == set(get_args(Reply))
    verdicts = [verdict for it in TABLE.values() for verdict in it[2:]]
    reasons = {it.reason for it in verdicts if isinstance(it, NeedsConfirmation | Refuse)}
    assert reasons - {None} == set(get_args(Reason)) - {"recently_declined"}


@every_row
def test_after_a_no_the_same_call_is_refused_unless_it_brings_an_answer(row: str) -> None:
    """Only for a while. A used confirmation still returns its outcome."""
    it = TABLE[row]
    for mode, can_ask in DECIDERS:
        case = Case(GO_LIVE, "now", it.evidence, kept_as(it.kept, GO_LIVE), mode, can_ask)
        verdict = judge(replace(case, declined_seconds=59.2))
        if isinstance(case.confirmation, UsedConfirmation) or it.evidence.answer:
            assert verdict == judge(case)
        else:
            assert verdict == Refuse("declined", "recently_declined", retry_after_seconds=60)


def test_no_other_way_to_run_is_listed() -> None:
    """A call runs without a confirmation only if a flag is enough."""
    deciders = ("person", "nobody", "confirmation", "flag")
    running = {
        (row, decider)
        for (row, it), decider in product(TABLE.items(), deciders)
        if isinstance(getattr(it, decider), Proceed)
    }
    by_answer = {row for row, it in TABLE.items() if it.person == RUN}
    assert by_answer == {"the offered choice", "the offered choice, asked again"}
    assert running == WAYS
    free = {decider for row, decider in WAYS if getattr(TABLE[row], decider) == FREE}
    assert free == {"flag"}


def test_a_call_runs_only_with_a_yes_in_every_combination() -> None:
    """The combinations cover everything that a verdict can depend on, likely or not."""
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
    models = [Evidence(yes, which) for yes in (True, False) for which in (None, ID)]
    choices = (None, YES, DO_NOT, "Something else")
    answers = [None, *(PersonAnswer(ID, *it) for it in product(get_args(Reply), choices))]
    kept: list[Confirmation | UsedConfirmation | None] = [None]
    for agreed, digest, choice, again in product(
        (GO_LIVE, OTHER), ("now", "before"), (None, YES), (True, False)
    ):
        confirmation = Confirmation(
            id=ID,
            caller="caller",
            owner="caller",
            studio=agreed.studio(),
            call=call_digest(agreed, ID),
            digest=digest,
            expires=0,
            expires_at=datetime.fromtimestamp(0, UTC),
            choice=choice,
            asked_again=again,
        )
        kept += [confirmation, UsedConfirmation(confirmation)]
    for operation, model, person, one, (mode, can_ask), why in product(
        OPERATIONS, models, answers, kept, DECIDERS, (None, LIVE_ALREADY)
    ):
        evidence = replace(model, answer=person)
        yield Case(operation, "now", evidence, one, mode, can_ask, nothing_to_do=why)


def is_agreed(case: Case, verdict: Proceed) -> bool:
    """Whether there is a yes to this call in this world, or a flag is enough."""
    kept, evidence = case.confirmation, case.evidence
    if isinstance(kept, UsedConfirmation) or case.nothing_to_do is not None:
        return False
    if evidence.answer is None and case.mode is Mode.FLAG:
        return evidence.confirm and verdict.confirmation_id is None
    if kept is None or verdict.confirmation_id != kept.id:
        return False
    if not kept.is_for(case.operation) or kept.digest != case.digest:
        return False
    if evidence.answer is not None:
        return evidence.answer.reply == "chosen" and evidence.answer.choice == kept.choice == YES
    stop_anyway = isinstance(case.operation, GoOffline) and not case.can_ask
    by_model = kept.choice is None and evidence.confirm
    may = case.mode is Mode.PREVIEW or (case.mode is Mode.AUTO and not case.can_ask)
    return by_model and (may or stop_anyway) and evidence.confirmation == kept.id


SINCE: Final = "2026-06-05T18:00:00Z"
NOW: Final = datetime(2026, 6, 5, 18, 12, 30, tzinfo=UTC)
OFF_AIR: Final = Facts(status=StreamStatus(live=False))
ON_AIR: Final = Facts(status=StreamStatus(live=True))
ON_AIR_SINCE: Final = Facts(
    status=StreamStatus.model_validate({"live": True, "liveStartedAt": SINCE})
)
NOT_KNOWN: Final = Facts()

LIVE_SINCE: Final = "it has been on air for 12 minutes (since 18:00 UTC) already."
PENDING: Final = "a go-live was sent within the last minute and has not been seen on air yet."


@pytest.mark.parametrize(
    ("facts", "go_live_pending", "why"),
    [
        (OFF_AIR, False, None),
        (NOT_KNOWN, False, None),
        (ON_AIR, False, LIVE_ALREADY),
        (OFF_AIR, True, PENDING),
        (NOT_KNOWN, True, PENDING),
        (ON_AIR_SINCE, True, LIVE_SINCE),
    ],
)
def test_a_go_live_is_not_needed_while_live_or_starting(
    *, facts: Facts, go_live_pending: bool, why: str | None
) -> None:
    """The reason names the start time if TRaX gave one."""
    assert nothing_to_do(GO_LIVE, facts, go_live_pending=go_live_pending, now=NOW) == why


@pytest.mark.parametrize("facts", [OFF_AIR, ON_AIR, NOT_KNOWN], ids=["off", "on", "not known"])
def test_there_is_always_something_to_do_for_other_operations(facts: Facts) -> None:
    """Above all, a stop is sent in every state of the studio."""
    for operation, pending in product((GO_OFFLINE, DELETE), (False, True)):
        assert nothing_to_do(operation, facts, go_live_pending=pending, now=NOW) is None


# The confirmation of a call that needs none any more


@pytest.mark.parametrize(
    ("evidence", "kept", "spent"),
    [
        (BOTH, "confirmation", ID),
        (BOTH, "changed", ID),
        (BOTH, "question", ID),
        (BOTH, "nothing", None),
        (BOTH, "of another call", None),
        (BOTH, "used", None),
        (COPIED, "confirmation", None),
        (ALONE, "nothing", None),
        (Evidence(), "nothing", None),
    ],
)
def test_a_call_that_needs_no_consent_uses_its_own_confirmation(
    evidence: Evidence, kept: str, spent: str | None
) -> None:
    """The digest does not matter: the call would run without a confirmation too."""
    assert confirmation_to_use(DELETE, evidence, kept_as(kept, DELETE)) == spent
