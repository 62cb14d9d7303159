"""Decides whether a call may run. Pure.

The label of a verdict is its name in the audit log.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Literal, NamedTuple

from trax_mcp.actions.shown import Operations, Preview
from trax_mcp.actions.stream import STAY_ON_AIR
from trax_mcp.consent.calls import (
    ApprovedIn,
    Evidence,
    NotRun,
    PersonAnswer,
    Reason,
    Status,
)
from trax_mcp.consent.pacing import is_too_soon
from trax_mcp.consent.questions import READING_SECONDS, Question
from trax_mcp.consent.stop_token import StopToken
from trax_mcp.consent.ways import WaysToAsk
from trax_mcp.studio import naming, times
from trax_mcp.studio.facts import Facts
from trax_mcp.studio.naming import Sentence


class Case(NamedTuple):
    """Everything that a verdict depends on.

    `question` is what the store keeps under the id in the evidence. `nothing_to_do` says in words
    why a go-live is not needed, or is None. `declined_seconds`: a person said no to this call more
    than once, and is not asked again for so long. `is_for_stop`: the confirmation is for a stop.
    `came_at` is when the call came, on the clock of the records.
    """

    operations: Operations
    digest: str
    evidence: Evidence
    question: Question | None
    ask: WaysToAsk
    can_ask: bool
    came_at: float
    nothing_to_do: str | None = None
    declined_seconds: float | None = None
    is_for_stop: bool = False


@dataclass(frozen=True, slots=True)
class Proceed:
    """The call may run. Its question, if there is one, must be used first."""

    label: ClassVar = "Proceed"

    question_id: str | None = None


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
TOO_SOON: Final = Refuse("confirmation_invalid", "too_soon")
WITHDRAWN: Final = "withdrawn"
"""Why nothing can run with a confirmation that came too soon too often."""
UNSEEN: Final = Refuse("cannot_ask", "unseen")
_WITHOUT_PREVIEW: Final = {"too_soon", "recently_declined"}
"""Reasons to show nothing: it was shown before, or is not to be."""


def judge(case: Case) -> Verdict:
    """Decide about a call that needs consent. It runs only with clear consent."""
    if case.question is not None and case.question.is_used:
        return ALREADY_USED
    if case.nothing_to_do is not None:
        return NothingToDo(case.nothing_to_do)
    if case.evidence.answer is not None:
        return _judge_answer(case, case.evidence.answer)
    if case.declined_seconds is not None:
        seconds = math.ceil(case.declined_seconds)
        return Refuse("declined", "recently_declined", retry_after_seconds=seconds)
    if case.can_ask and case.ask.asks_people:
        return NeedsAnswer()
    return _judge_without_person(case)


def nothing_to_do(
    operations: Operations, facts: Facts, *, go_live_pending: bool, now: datetime
) -> str | None:
    """Why a go-live is not needed, in words. None if it is, or for other operations.

    `go_live_pending`: one was sent within the last minute, and its result has not been seen.
    """
    if not operations[-1].starts_broadcast:
        return None
    if facts.live:
        return f"{naming.studio(facts.studio.value)} {times.on_air(facts.since, now)} already"
    if go_live_pending:
        return "a go-live was sent within the last minute, and it hasn't been seen on air yet"
    return None


def judge_stop(
    evidence: Evidence,
    token: StopToken | None,
    *,
    ask: WaysToAsk,
    can_ask: bool,
    is_for_another: bool,
    now: float,
) -> Verdict:
    """Decide about a stop. Its yes is a token, and nothing else matters.

    `is_for_another`: the confirmation is for another call. `now` is in Unix seconds.
    """
    answer = evidence.answer
    invalid: Literal["expired", "mismatch"] | None = None
    if is_for_another or (token is not None and token.is_for_model is (answer is not None)):
        invalid = "mismatch"
    elif token is None or now >= token.until:
        invalid = "expired"
    if answer is not None:
        return _judge_answer_about_stop(answer, token, invalid)
    if can_ask and ask.asks_people:
        return NeedsAnswer()
    if evidence.confirm and ask.confirm_alone:
        return Proceed()
    if not evidence.confirm or evidence.confirmation is None:
        return NeedsConfirmation()
    return NeedsConfirmation(invalid) if invalid else Proceed()


def _judge_answer_about_stop(
    answer: PersonAnswer, token: StopToken | None, invalid: Reason | None
) -> Verdict:
    if answer.reply == "timed_out":
        return Refuse("declined", "timed_out")
    if invalid is not None or token is None:
        return Refuse("confirmation_invalid", invalid)
    is_offered = token.has_choice(answer.choice)
    reason = _reason_for_no(answer, STAY_ON_AIR, is_offered=is_offered)
    return Refuse("declined", reason) if reason is not None else Proceed()


def refusal_by_person(
    operations: Operations, answer: PersonAnswer | None, question: Question | None
) -> Refuse | None:
    """The refusal, if a person said no to this question. No facts are needed for it."""
    if answer is None or question is None or question.is_for_model:
        return None
    reason = _reason_for_no(
        answer, question.preview.no, is_offered=answer.choice == question.choice
    )
    is_no = question.is_for(operations) and reason in {"declined", "cancelled"}
    return Refuse("declined", reason) if is_no else None


def by_a_person(refusal: Refuse, evidence: Evidence, *, age: float) -> Refuse:
    """The refusal, or that the client has refused a form sooner than a person can read it."""
    is_no = refusal.reason in {"declined", "cancelled"}
    is_by_client = is_no and evidence.answered_in is None and age < READING_SECONDS
    return UNSEEN if is_by_client else refusal


def question_to_use(
    operations: Operations, evidence: Evidence, question: Question | None
) -> str | None:
    """The question that a call uses up although it no longer needs one."""
    if not evidence.confirm or question is None or question.is_used:
        return None
    return question.id if question.is_for(operations) else None


def _judge_without_person(case: Case) -> Verdict:
    if not (case.ask.shows_previews or case.ask.confirm_alone):
        return Refuse("cannot_ask")
    if not case.evidence.confirm:
        return NeedsConfirmation()
    if case.ask.confirm_alone:
        return Proceed()
    return _judge_confirmation(case)


def _judge_confirmation(case: Case) -> Verdict:
    question = case.question
    if case.evidence.confirmation is None:
        return NeedsConfirmation()
    if question is None:
        return NeedsConfirmation("mismatch" if case.is_for_stop else "expired")
    if not question.is_for_model:  # a person is asked this, so no preview of it is given
        return Refuse("confirmation_invalid", "mismatch")
    if not question.is_for(case.operations):
        return NeedsConfirmation("mismatch")
    if is_too_soon(question.asked_at, question.hurried, case.came_at):
        return TOO_SOON
    is_as_shown = question.digest == case.digest
    return Proceed(question.id) if is_as_shown else NeedsConfirmation("changed")


def _judge_answer(case: Case, answer: PersonAnswer) -> Verdict:
    question = case.question
    if answer.reply == "timed_out":  # the question expires at the same moment
        return Refuse("declined", "timed_out")
    if question is None or question.number != answer.number:
        return Refuse("confirmation_invalid", "mismatch" if case.is_for_stop else "expired")
    if question.is_for_model or not question.is_for(case.operations):
        return Refuse("confirmation_invalid", "mismatch")
    reason = _reason_for_no(
        answer, question.preview.no, is_offered=answer.choice == question.choice
    )
    if reason is not None:
        return Refuse("declined", reason)
    return Proceed(question.id) if question.digest == case.digest else _judge_change(case, question)


def _judge_change(case: Case, question: Question) -> Verdict:
    """A person is asked once more about a studio that has changed, and not a third time."""
    if question.number > 1 or not case.can_ask:
        return Refuse("confirmation_invalid", "changed")
    return NeedsAnswer(again=True)


def _reason_for_no(answer: PersonAnswer, no: str, *, is_offered: bool) -> Reason | None:
    """Why an answer is not consent. None if it is the choice that was offered."""
    if answer.reply != "chosen":
        return answer.reply
    if answer.choice == no:
        return "declined"
    return None if is_offered else "malformed"


def not_run(
    tool_name: str,
    verdict: NeedsConfirmation | Refuse | NothingToDo,
    *,
    preview: Preview | None = None,
    changes: tuple[Sentence, ...] = (),
    outcome: str | None = None,
) -> NotRun:
    """The result of a call that may not run. `outcome` is that of the call that used its yes."""
    match verdict:
        case NothingToDo():
            return NotRun(tool_name, "nothing_to_do", why=verdict.why)
        case NeedsConfirmation(reason=None):
            return NotRun(tool_name, "confirmation_required", preview=preview)
        case NeedsConfirmation(reason=reason):
            changes = changes if reason == "changed" else ()
            return NotRun(
                tool_name, "confirmation_invalid", reason, preview=preview, changes=changes
            )
        case Refuse():
            return NotRun(
                tool_name,
                verdict.status,
                verdict.reason,
                why=outcome,
                retry_after_seconds=verdict.retry_after_seconds,
                preview=None if verdict.reason in _WITHOUT_PREVIEW else preview,
                changes=changes,
            )


def in_audit_log(
    verdict: Verdict, *, ask: WaysToAsk, approved_in: ApprovedIn | None
) -> Mapping[str, str | None]:
    """A verdict as the audit log records it. `approved_in` counts if it lets the call run."""
    is_yes = isinstance(verdict, Proceed)
    reason = getattr(verdict, "reason", None) or getattr(verdict, "status", None)
    return {
        "ask": str(ask),
        "verdict": verdict.label,
        "reason": reason,
        "answeredIn": approved_in if is_yes else None,
    }
