"""Whether a call may run: the whole table of verdicts, and the only ways to a yes.

The table is written from the promises to users, not from the code. It has a row for each kind of
evidence and a column for each way in which an operator and a client can decide.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple, get_args

import pytest

from tests.units.consent.asked_questions import ID, YES, asked
from tests.units.studio_facts import known
from trax_mcp.api.models import StreamStatus
from trax_mcp.api.operations import DeleteDestination, GoLive, GoOffline
from trax_mcp.consent.calls import DO_NOT, Evidence, PersonAnswer, Reason, Reply
from trax_mcp.consent.policy import (
    Case,
    NeedsAnswer,
    NeedsConfirmation,
    NothingToDo,
    Proceed,
    Refuse,
    Verdict,
    is_unseen,
    judge,
    judge_stop,
    nothing_to_do,
    question_to_use,
    refusal_by_person,
)
from trax_mcp.consent.rules import Mode
from trax_mcp.consent.stop_token import StopToken, sign_stop
from trax_mcp.studio.facts import Facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation
    from trax_mcp.consent.questions import Question

GO_LIVE: Final = GoLive(studio_id="s")
GO_OFFLINE: Final = GoOffline(studio_id="s")
DELETE: Final = DeleteDestination(studio_id="s", dest_id="d")
OPERATIONS: Final = (GO_LIVE, DELETE)
OTHER: Final = GoLive(studio_id="another")

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
"""What decides in a mode, by whether the client can show a form."""


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
AGAIN: Final = NeedsAnswer(again=True)
"""Where the person cannot be asked again, the answer is refused as `changed`."""


def carried(evidence: Evidence, kept: str, confirmation: Verdict, flag: Verdict) -> Row:
    """No person has answered yet. If one can be asked, they are asked."""
    return Row(evidence, kept, NeedsAnswer(), CANNOT, confirmation, flag)


def answered(evidence: Evidence, kept: str, verdict: Verdict) -> Row:
    """A person has answered. Their answer counts in every mode."""
    return Row(evidence, kept, verdict, verdict, verdict, verdict)


def answer(reply: Reply, choice: str | None = None, number: int = 1) -> Evidence:
    """The answer of a person."""
    return Evidence(answer=PersonAnswer(ID, reply, choice, number))


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
CHOSE_AGAIN: Final = answer("chosen", YES, number=2)

TABLE: Final[dict[str, Row]] = {
    # Nobody has answered. Columns: by confirmation, by flag.
    "nothing": carried(Evidence(), "nothing", SHOW, SHOW),
    "confirm alone": carried(ALONE, "nothing", SHOW, FREE),
    "a confirmation without confirm": carried(COPIED, "confirmation", SHOW, SHOW),
    "confirm and its confirmation": carried(BOTH, "confirmation", RUN, FREE),
    "one invented or expired": carried(BOTH, "nothing", NeedsConfirmation("expired"), FREE),
    "one of a stop": carried(BOTH, "nothing, for a stop", NeedsConfirmation("mismatch"), FREE),
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
    "the offered choice, asked again": answered(CHOSE_AGAIN, "question, again", RUN),
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
    "yes, and the world has changed": answered(CHOSE, "question, changed", AGAIN),
    "yes, and it has changed once more": answered(
        CHOSE_AGAIN, "question, again, changed", invalid("changed")
    ),
    "yes from before it was asked again": answered(CHOSE, "question, again", invalid("expired")),
    "yes to nothing that we asked": answered(CHOSE, "nothing", invalid("expired")),
    "no to nothing that we asked": answered(answer("declined"), "nothing", invalid("expired")),
    "yes to a stop": answered(CHOSE, "nothing, for a stop", invalid("mismatch")),
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


def kept_as(words: str, operation: Operation[Model]) -> Question | None:
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


def case_of(row: str, operation: Operation[Model], mode: Mode, *, can_ask: bool) -> Case:
    """The case of a row, in a mode."""
    it = TABLE[row]
    kept = kept_as(it.kept, operation)
    for_stop = "for a stop" in it.kept
    return Case(operation, "now", it.evidence, kept, mode, can_ask, is_for_stop=for_stop)


@every_row
def test_each_verdict_is_as_the_table_says(row: str) -> None:
    """Only the evidence and the decider matter."""
    for mode, can_ask, operation in EVERYWHERE:
        case = case_of(row, operation, mode, can_ask=can_ask)
        expected = getattr(TABLE[row], DECIDERS[mode, can_ask])
        if expected == AGAIN and not can_ask:
            expected = invalid("changed")
        assert (judge(case), mode, can_ask, operation) == (expected, mode, can_ask, operation)


@every_row
def test_a_go_live_of_a_live_studio_is_never_sent(row: str) -> None:
    """This holds with a yes and without. Only a used confirmation returns its outcome instead."""
    expected = USED if "used" in TABLE[row].kept else NothingToDo(LIVE_ALREADY)
    for mode, can_ask in DECIDERS:
        case = case_of(row, GO_LIVE, mode, can_ask=can_ask)
        assert judge(case._replace(nothing_to_do=LIVE_ALREADY)) == expected


@pytest.mark.parametrize("row", ANSWERED)
def test_the_answer_of_a_person_counts_more_than_confirm(row: str) -> None:
    """Beside an answer, `confirm` and `confirmation` change nothing."""
    loud = TABLE[row].evidence._replace(confirm=True, confirmation="another-confirmation")
    for mode, can_ask, operation in EVERYWHERE:
        case = case_of(row, operation, mode, can_ask=can_ask)
        assert judge(case._replace(evidence=loud)) == judge(case)


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
    for mode, can_ask in DECIDERS:
        case = case_of(row, GO_LIVE, mode, can_ask=can_ask)
        verdict = judge(case._replace(declined_seconds=59.2))
        if "used" in TABLE[row].kept or case.evidence.answer:
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


MODELS: Final = [Evidence(yes, which) for yes in (True, False) for which in (None, ID)]
CHOICES: Final = (None, YES, DO_NOT, "Something else")
ANSWERS: Final = [
    None,
    *(PersonAnswer(ID, *it) for it in product(get_args(Reply), CHOICES, (1, 2))),
]


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
    for operation, model, person, one, (mode, can_ask), why, for_stop in product(
        OPERATIONS, MODELS, ANSWERS, kept, DECIDERS, (None, LIVE_ALREADY), (False, True)
    ):
        evidence = model._replace(answer=person)
        yield Case(operation, "now", evidence, one, mode, can_ask, why, is_for_stop=for_stop)


def is_agreed(case: Case, verdict: Proceed) -> bool:
    """Whether there is a yes to this call in this world, or a flag is enough."""
    kept, evidence = case.question, case.evidence
    if (kept and kept.used_by is not None) or case.nothing_to_do is not None:
        return False
    if evidence.answer is None and case.mode is Mode.FLAG:
        return evidence.confirm and verdict.question_id is None
    if kept is None or verdict.question_id != kept.id:
        return False
    if kept.operation != case.operation or kept.preview.digest != case.digest:
        return False
    if evidence.answer is not None:
        has_chosen = evidence.answer.reply == "chosen" and evidence.answer.choice == YES
        return has_chosen and kept.channel == "form" and evidence.answer.number == kept.number
    may = case.mode is Mode.PREVIEW or (case.mode is Mode.AUTO and not case.can_ask)
    is_confirmed = evidence.confirm and evidence.confirmation == kept.id
    return kept.channel == "model" and is_confirmed and may


# Stops


KEY: Final = "a key"
STUDIO: Final = GO_OFFLINE.studio_id
GIVEN: Final = 1000.0
"""When a token ends, in Unix seconds."""


class StopRow(NamedTuple):
    """The evidence for a stop, the token that it brings, and the verdict of each decider.

    Nobody needs a form for a stop, so it has no `nobody`.
    """

    evidence: Evidence
    token: str
    person: Verdict
    confirmation: Verdict
    flag: Verdict


def carried_to_stop(
    evidence: Evidence, token: str, confirmation: Verdict, flag: Verdict
) -> StopRow:
    """No person has answered yet."""
    return StopRow(evidence, token, NeedsAnswer(), confirmation, flag)


def answered_about_stop(evidence: Evidence, token: str, verdict: Verdict) -> StopRow:
    """A person has answered."""
    return StopRow(evidence, token, verdict, verdict, verdict)


STOPS: Final[dict[str, StopRow]] = {
    "nothing": carried_to_stop(Evidence(), "nothing", SHOW, SHOW),
    "confirm alone": carried_to_stop(ALONE, "nothing", SHOW, FREE),
    "a token without confirm": carried_to_stop(COPIED, "token", SHOW, SHOW),
    "confirm and its token": carried_to_stop(BOTH, "token", FREE, FREE),
    "one that has expired": carried_to_stop(
        BOTH, "token, expired", NeedsConfirmation("expired"), FREE
    ),
    "one invented": carried_to_stop(BOTH, "nothing", NeedsConfirmation("expired"), FREE),
    "one of another call": carried_to_stop(
        BOTH, "nothing, for another", NeedsConfirmation("mismatch"), FREE
    ),
    "a person's question as a token": carried_to_stop(
        BOTH, "question", NeedsConfirmation("mismatch"), FREE
    ),
    "the offered choice": answered_about_stop(CHOSE, "question", FREE),
    "the offered choice, too late": answered_about_stop(
        CHOSE, "question, expired", invalid("expired")
    ),
    "the other choice": answered_about_stop(answer("chosen", DO_NOT), "question", no("declined")),
    "a choice that was not offered": answered_about_stop(
        answer("chosen", "Stop!"), "question", no("malformed")
    ),
    "a choice of nothing": answered_about_stop(answer("chosen"), "question", no("malformed")),
    **{
        f"{reply}, with the choice filled in": answered_about_stop(
            answer(reply, YES), "question", no(reply)
        )
        for reply in get_args(Reply)
        if reply != "chosen"
    },
    "timed out as the question expired": answered_about_stop(
        answer("timed_out"), "question, expired", no("timed_out")
    ),
    "declined after it expired": answered_about_stop(
        answer("declined"), "question, expired", invalid("expired")
    ),
    "yes to nothing that we asked": answered_about_stop(CHOSE, "nothing", invalid("expired")),
    "yes to another question": answered_about_stop(
        CHOSE, "nothing, for another", invalid("mismatch")
    ),
    "yes under a model's token": answered_about_stop(CHOSE, "token", invalid("mismatch")),
}


def token_as(words: str) -> StopToken | None:
    """Make the token, from the table's words for it."""
    if "nothing" in words:
        return None
    until = GIVEN - 1 if "expired" in words else GIVEN + 1
    for_model = "question" not in words
    text = sign_stop(key=KEY, studio_id=STUDIO, until=until, choice=YES, is_for_model=for_model)
    return StopToken.read(text, key=KEY)


@pytest.mark.parametrize("row", STOPS)
def test_each_verdict_about_a_stop_is_as_the_table_says(row: str) -> None:
    """No fact matters, and a stop can be confirmed where no person can be asked."""
    it = STOPS[row]
    for mode, can_ask in DECIDERS:
        decider = DECIDERS[mode, can_ask].replace("nobody", "confirmation")
        verdict = judge_stop(
            it.evidence,
            token_as(it.token),
            mode=mode,
            can_ask=can_ask,
            is_for_another="for another" in it.token,
            now=GIVEN,
        )
        assert (verdict, mode, can_ask) == (getattr(it, decider), mode, can_ask)


def test_a_stop_runs_only_with_a_yes_in_every_combination() -> None:
    """A token that was offered to a person needs their choice, and one for a model needs none."""
    kinds = ("nothing", "token", "token, expired", "question", "question, expired")
    runs = 0
    for model, person, kind, (mode, can_ask), for_another in product(
        MODELS, ANSWERS, kinds, DECIDERS, (False, True)
    ):
        evidence = model._replace(answer=person)
        verdict = judge_stop(
            evidence,
            token_as(kind),
            mode=mode,
            can_ask=can_ask,
            is_for_another=for_another,
            now=GIVEN,
        )
        if isinstance(verdict, Proceed):
            runs += 1
            assert is_stop_agreed(evidence, kind, mode, can_ask=can_ask)
    assert runs > 0


def is_stop_agreed(evidence: Evidence, kind: str, mode: Mode, *, can_ask: bool) -> bool:
    """Whether there is a yes to this stop, or a flag is enough."""
    if evidence.answer is not None:
        has_chosen = evidence.answer.reply == "chosen" and evidence.answer.choice == YES
        return has_chosen and kind == "question"
    if mode is Mode.FLAG:
        return evidence.confirm
    may = mode is Mode.PREVIEW or not can_ask
    return may and evidence.confirm and evidence.confirmation == ID and kind == "token"


# A no


@pytest.mark.parametrize(
    ("given", "kept", "refusal"),
    [
        (answer("declined"), "question", no("declined")),
        (answer("cancelled"), "question", no("cancelled")),
        (answer("chosen", DO_NOT), "question", no("declined")),
        (answer("declined"), "question, changed", no("declined")),
        (CHOSE, "question", None),
        (answer("timed_out"), "question", None),
        (answer("malformed"), "question", None),
        (answer("declined"), "question of another call", None),
        (answer("declined"), "confirmation", None),
        (answer("declined"), "nothing", None),
        (BOTH, "confirmation", None),
    ],
)
def test_a_person_who_says_no_is_believed_before_any_fact_is_read(
    given: Evidence, kept: str, refusal: Refuse | None
) -> None:
    """A reply that says nothing is judged with the facts."""
    assert refusal_by_person(DELETE, given.answer, kept_as(kept, DELETE)) == refusal


@pytest.mark.parametrize(
    ("given", "age", "unseen"),
    [
        (answer("declined"), 0.99, True),
        (answer("cancelled"), 0.99, True),
        (answer("declined"), 1.0, False),
        (answer("chosen", DO_NOT), 0.0, False),
        (CHOSE, 0.0, False),
        (BOTH, 0.0, False),
    ],
)
def test_a_form_that_is_declined_at_once_was_not_seen(
    given: Evidence, age: float, *, unseen: bool
) -> None:
    """Clients without forms decline by themselves."""
    assert is_unseen(given.answer, age=age) is unseen


SINCE: Final = "2026-06-05T18:00:00Z"
NOW: Final = datetime(2026, 6, 5, 18, 12, 30, tzinfo=UTC)
OFF_AIR: Final = known(status=StreamStatus(live=False))
ON_AIR: Final = known(status=StreamStatus(live=True))
ON_AIR_SINCE: Final = known(
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


# The question of a call that needs none any more


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
def test_a_call_that_needs_no_consent_uses_its_own_question(
    evidence: Evidence, kept: str, spent: str | None
) -> None:
    """The digest does not matter: the call would run without a yes too."""
    assert question_to_use(DELETE, evidence, kept_as(kept, DELETE)) == spent
