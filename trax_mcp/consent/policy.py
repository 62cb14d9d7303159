"""Decides whether a call may run. Pure.

The label of a verdict is its name in the audit log.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Literal

from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.consent.evidence import (
    Confirmation,
    Evidence,
    PersonAnswer,
    Reason,
    Status,
    UsedConfirmation,
)
from trax_mcp.consent.rules import Mode
from trax_mcp.studio import times
from trax_mcp.studio.facts import Facts

READING_SECONDS: Final = 1.0
"""No person reads a question and answers it in less."""
DO_NOT: Final = "Do not"
"""The choice that refuses, in every question."""


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that a verdict depends on.

    `confirmation` is what the store keeps under the id in the evidence. `nothing_to_do` says in
    words why a go-live is not needed, or is None. `declined_seconds`: a person said no to this
    call, and is not asked again for so long. `broadcast_start` is when the broadcast began that is
    on air now, if that is known.
    """

    operation: Operation[Model]
    digest: str
    evidence: Evidence
    confirmation: Confirmation | UsedConfirmation | None
    mode: Mode
    can_ask: bool
    nothing_to_do: str | None = None
    declined_seconds: float | None = None
    broadcast_start: str | None = None


@dataclass(frozen=True, slots=True)
class Proceed:
    """The call may run. Its confirmation, if there is one, must be used first."""

    label: ClassVar = "Proceed"

    confirmation_id: str | None = None


@dataclass(frozen=True, slots=True)
class NeedsAnswer:
    """A person must be asked. `again` if what they were shown has changed."""

    label: ClassVar = "Ask"

    again: bool = False


@dataclass(frozen=True, slots=True)
class NeedsConfirmation:
    """Show a preview with a new confirmation. `reason` says why a given one is not valid."""

    label: ClassVar = "Preview"

    reason: Literal["expired", "mismatch", "changed"] | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    """The call does not run, and there is no confirmation for it."""

    label: ClassVar = "Refuse"

    status: Status
    reason: Reason | None = None
    retry_after_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class NothingToDo:
    """The studio is live already, or about to be."""

    label: ClassVar = "NothingToDo"

    why: str


Verdict = Proceed | NeedsAnswer | NeedsConfirmation | Refuse | NothingToDo

ALREADY_USED: Final = Refuse("confirmation_invalid", "used")


def judge(case: Case) -> Verdict:
    """Decide about a call that needs consent. It runs only with clear consent."""
    if isinstance(case.confirmation, UsedConfirmation):
        return ALREADY_USED
    if case.nothing_to_do is not None:
        return NothingToDo(case.nothing_to_do)
    if case.evidence.answer is not None:
        return _judge_answer(case, case.evidence.answer)
    if case.declined_seconds is not None:
        seconds = math.ceil(case.declined_seconds)
        return Refuse("declined", "recently_declined", retry_after_seconds=seconds)
    if case.can_ask and case.mode in {Mode.AUTO, Mode.HUMAN}:
        return NeedsAnswer()
    return _judge_without_person(case)


def nothing_to_do(
    operation: Operation[Model], facts: Facts, *, go_live_pending: bool, now: datetime
) -> str | None:
    """Why a go-live is not needed, in words. None if it is, or for other operations.

    `go_live_pending`: one was sent within the last minute, and its result has not been seen.
    """
    if not operation.starts_broadcast:
        return None
    if facts.live:
        return f"it {times.on_air(facts.since, now)} already."
    if go_live_pending:
        return "a go-live was sent within the last minute and has not been seen on air yet."
    return None


def refusal_by_person(
    operation: Operation[Model], answer: PersonAnswer | None, question: Confirmation | None
) -> Refuse | None:
    """The refusal, if a person said no to this question. No facts are needed for it."""
    if answer is None or question is None or question.choice is None:
        return None
    reason = _reason_for_no(answer, question.choice)
    is_no = question.is_for(operation) and reason in {"declined", "cancelled"}
    return Refuse("declined", reason) if is_no else None


def is_unseen(answer: PersonAnswer | None, *, age: float) -> bool:
    """Whether a form was declined sooner than a person can read it: the client did so by itself."""
    is_refused = answer is not None and answer.reply in {"declined", "cancelled"}
    return is_refused and age < READING_SECONDS


def confirmation_to_use(
    operation: Operation[Model],
    evidence: Evidence,
    confirmation: Confirmation | UsedConfirmation | None,
) -> str | None:
    """The confirmation that a call uses up although it no longer needs one."""
    if not evidence.confirm or not isinstance(confirmation, Confirmation):
        return None
    return confirmation.id if confirmation.is_for(operation) else None


def _judge_without_person(case: Case) -> Verdict:
    # Stopping must always be possible.
    if case.mode is Mode.HUMAN and not case.operation.stops_broadcast:
        return Refuse("cannot_ask")
    if not case.evidence.confirm:
        return NeedsConfirmation()
    if case.mode is Mode.FLAG:
        return Proceed()
    return _judge_confirmation(case)


def _judge_confirmation(case: Case) -> Verdict:
    kept = case.confirmation
    if case.evidence.confirmation is None:
        return NeedsConfirmation()
    if not isinstance(kept, Confirmation):
        return NeedsConfirmation("expired")
    if kept.choice is not None or not kept.is_for(case.operation):
        return NeedsConfirmation("mismatch")
    return Proceed(kept.id) if _is_as_shown(case, kept) else NeedsConfirmation("changed")


def _judge_answer(case: Case, answer: PersonAnswer) -> Verdict:
    kept = case.confirmation
    if answer.reply == "timed_out":  # the question expires at the same moment
        return Refuse("declined", "timed_out")
    if not isinstance(kept, Confirmation):
        return Refuse("confirmation_invalid", "expired")
    if kept.choice is None or not kept.is_for(case.operation):
        return Refuse("confirmation_invalid", "mismatch")
    if (reason := _reason_for_no(answer, kept.choice)) is not None:
        return Refuse("declined", reason)
    if _is_as_shown(case, kept):
        return Proceed(kept.id)
    return (
        Refuse("confirmation_invalid", "changed") if kept.asked_again else NeedsAnswer(again=True)
    )


def _is_as_shown(case: Case, kept: Confirmation) -> bool:
    """Whether nothing has changed that consent depends on."""
    return kept.digest == case.digest and kept.is_for_broadcast(case.broadcast_start)


def _reason_for_no(answer: PersonAnswer, offered: str) -> Reason | None:
    """Why an answer is not consent. None if it is the choice that was offered."""
    if answer.reply != "chosen":
        return answer.reply
    if answer.choice == DO_NOT:
        return "declined"
    return None if answer.choice == offered else "malformed"
