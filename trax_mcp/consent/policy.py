"""Decides whether a call may run. Pure.

It knows no way of asking: whoever asks chooses one. The label of a verdict is its name in the audit
log.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple

from trax_mcp.actions.stream import STAY_ON_AIR
from trax_mcp.api.reads import GetStudio
from trax_mcp.consent.calls import Answer, By, Call, NotRun
from trax_mcp.consent.question import READING_SECONDS, Question
from trax_mcp.consent.stop_token import StopToken
from trax_mcp.studio import naming, times
from trax_mcp.studio.facts import Facts


class Case(NamedTuple):
    """Everything that a verdict depends on.

    `question` is the one that the answer is to, if it is kept, and no stop has voided it. The
    answer may also be to that of another call: `is_for_another`. `nothing_to_do` says in words why
    a go-live is not needed. `rest_seconds`: a person has refused this call more than once, and is
    not asked again for so long. `arrived_at` is when the call came, on the clock of the store.
    """

    call: Call
    digest: str
    question: Question | None
    arrived_at: float
    nothing_to_do: str | None = None
    rest_seconds: float | None = None
    is_for_another: bool = False


@dataclass(frozen=True, slots=True)
class Proceed:
    """The call may run. The approval of its question, if there is one, must be used first."""

    question_id: str | None = None

    label = "Proceed"


@dataclass(frozen=True, slots=True)
class AskFirst:
    """A person must be asked. `reason` is what was wrong with a confirmation.

    `by_preview`: it was decided that the model asks them.
    """

    reason: Literal["expired", "mismatch", "changed"] | None = None
    by_preview: bool = False

    @property
    def label(self) -> str:
        """The name in the audit log."""
        return "Preview" if self.by_preview else "Ask"


Verdict = Proceed | AskFirst | NotRun

USED: Final = NotRun("confirmation_invalid", "used")
TOO_SOON: Final = NotRun("confirmation_invalid", "too_soon")
WITHDRAWN: Final = "withdrawn"
"""Why nothing can run with a confirmation that came too soon too often."""
UNSEEN: Final = NotRun("cannot_ask", "unseen")
_MOMENT: Final = 0.001
"""How exact the moments in a record are: no two are the same."""
TIMED_OUT: Final = NotRun("declined", "timed_out")


def judge(case: Case) -> Verdict:
    """Decide about a call that needs consent. It runs only with clear consent."""
    answer, question = case.call.answer, case.question
    if question is not None and question.is_used:
        return USED
    if case.nothing_to_do is not None:
        return NotRun("nothing_to_do", why=case.nothing_to_do)
    if answer is not None and answer.is_by_person:
        return _judge_person(case, answer)
    if case.rest_seconds is not None:
        seconds = math.ceil(case.rest_seconds)
        return NotRun("declined", "recently_declined", retry_after_seconds=seconds)
    if answer is None:
        return AskFirst()
    return Proceed() if answer.by == "confirm_alone" else _judge_confirmation(case, answer)


def _judge_person(case: Case, answer: Answer) -> Verdict:
    if answer.reply == "timed_out":  # the question expires at the same moment
        return TIMED_OUT
    question = case.question
    if question is None:
        return NotRun("confirmation_invalid", "mismatch" if case.is_for_another else "expired")
    if not is_about(question, case.call):
        return NotRun("confirmation_invalid", "mismatch")
    if (refusal := _refusal(answer, question.preview.yes, question.preview.no)) is not None:
        return refusal
    is_as_shown = question.preview.digest == case.digest
    return Proceed(question.id) if is_as_shown else NotRun("confirmation_invalid", "changed")


def _judge_confirmation(case: Case, answer: Answer) -> Verdict:
    question = case.question
    if question is None:
        return AskFirst("mismatch" if case.is_for_another else "expired")
    if not answer.fits(question.way):  # a person is being asked it, so no preview of it is given
        return NotRun("confirmation_invalid", "mismatch")
    if question.operations != case.call.operations:
        return AskFirst("mismatch")
    if question.is_too_soon(case.arrived_at + _MOMENT):
        return TOO_SOON
    is_as_shown = question.preview.digest == case.digest
    return Proceed(question.id) if is_as_shown else AskFirst("changed")


def judge_stop(
    answer: Answer | None, token: StopToken | None, now: float, *, is_for_another: bool
) -> Verdict:
    """Decide about a stop. Its approval is a signed word, and nothing else matters.

    `now` is in Unix seconds.
    """
    if answer is None:
        return AskFirst()
    if answer.by == "confirm_alone":
        return Proceed()
    if answer.reply == "timed_out":
        return TIMED_OUT
    invalid: Literal["expired", "mismatch"] | None = None
    if is_for_another or (token is not None and token.is_for_model is (answer.by == "form")):
        invalid = "mismatch"
    elif token is None or now >= token.until:
        invalid = "expired"
    if not answer.is_by_person:
        return AskFirst(invalid) if invalid else Proceed()
    if invalid is not None or token is None:
        return NotRun("confirmation_invalid", invalid)
    offered = answer.choice if token.has_choice(answer.choice) else None
    return _refusal(answer, offered, STAY_ON_AIR) or Proceed()


def refusal_by_person(call: Call, question: Question | None) -> NotRun | None:
    """The refusal, if a person said no to this question. No facts are needed for it."""
    answer = call.answer
    if answer is None or question is None or not answer.is_by_person:
        return None
    refusal = _refusal(answer, question.preview.yes, question.preview.no)
    is_no = refusal is not None and refusal.reason in {"declined", "cancelled"}
    return refusal if is_no and is_about(question, call) else None


def unless_unseen(verdict: Verdict, answer: Answer | None, *, age: float) -> Verdict:
    """The verdict, or that a client has refused its form sooner than a person can read it."""
    is_no = isinstance(verdict, NotRun) and verdict.reason in {"declined", "cancelled"}
    is_form = answer is not None and answer.by == "form"
    return UNSEEN if is_no and is_form and age < READING_SECONDS else verdict


def question_to_use(call: Call, question: Question | None) -> str | None:
    """The question whose approval a call uses up although it no longer needs one."""
    if call.answer is None or question is None or question.is_used:
        return None
    return question.id if is_about(question, call) else None


def is_about(question: Question, call: Call) -> bool:
    """Whether a question is about this call, and was asked in the way in which it is answered."""
    fits = call.answer is None or call.answer.fits(question.way)
    return fits and question.operations == call.operations


def nothing_to_do(call: Call, facts: Facts, now: datetime, *, is_awaited: bool) -> str | None:
    """Why a go-live is not needed, in words. None if it is, or for other calls.

    `is_awaited`: one was sent within the last minute, and not seen on air yet.
    """
    if not call.starts:
        return None
    if facts.live:
        return f"{naming.studio(facts[GetStudio].value)} {times.on_air(facts.since, now)}"
    if is_awaited:
        return "a go-live was sent in the last minute and hasn't been seen on air yet"
    return None


def _refusal(answer: Answer, yes: str | None, no: str) -> NotRun | None:
    """Why an answer is no approval. None if it is the choice that was offered."""
    if answer.reply != "chosen":
        return NotRun("declined", answer.reply)
    if answer.choice == no:
        return NotRun("declined", "declined")
    is_offered = answer.choice is not None and answer.choice == yes
    return None if is_offered else NotRun("declined", "malformed")


def in_audit_log(verdict: Verdict, by: By | None) -> Mapping[str, str | None]:
    """A verdict as the audit log records it. `by` counts if it lets the call run."""
    reason: str | None = None
    if isinstance(verdict, AskFirst):
        reason = verdict.reason
    elif isinstance(verdict, NotRun) and verdict.status != "nothing_to_do":
        reason = verdict.reason or verdict.status
    answered_in = by if isinstance(verdict, Proceed) else None
    return {"verdict": verdict.label, "reason": reason, "answeredIn": answered_in}
