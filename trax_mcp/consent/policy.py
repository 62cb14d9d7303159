"""May this call run? A pure decision over operation, facts, evidence and what the client can do.

No state, no clock, no I/O: what must be remembered is in `pending`, what must be read is in
`show.facts`. A test goes through the whole table of these decisions.
"""

from dataclasses import dataclass
from typing import Literal

from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.operations import GoOffline
from trax_mcp.consent.evidence import Confirmation, Evidence, PersonAnswer, UsedConfirmation
from trax_mcp.consent.rules import Mode

DO_NOT = "Do not"
"""The other choice of every question."""


@dataclass(frozen=True, slots=True)
class Case:
    """All that a verdict depends on. `held` is what `pending` keeps under the evidence's handle."""

    operation: Operation[Model]
    digest: str
    evidence: Evidence
    held: Confirmation | UsedConfirmation | None
    mode: Mode
    can_ask: bool
    on_air_since: str | None = None
    """Why a go-live has nothing to do, in words; None if it has."""


Reason = Literal[
    "expired", "mismatch", "changed", "used",
    "declined", "cancelled", "timed_out", "malformed", "client_error",
]  # fmt: skip
Status = Literal[
    "confirmation_required", "confirmation_invalid", "declined", "cannot_ask", "nothing_to_do"
]


@dataclass(frozen=True, slots=True)
class Proceed:
    """The call may run; the handle, if there is one, is to be taken first."""

    handle: str | None = None


@dataclass(frozen=True, slots=True)
class NeedsAnswer:
    """A person is to be asked; `again` if what they were shown has changed."""

    again: bool = False


@dataclass(frozen=True, slots=True)
class NeedsConfirmation:
    """Show what would happen, with a fresh confirmation; `reason` if one was given in vain."""

    reason: Literal["expired", "mismatch", "changed"] | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    """The call does not run, and no confirmation is given."""

    status: Status
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class NothingToDo:
    """The studio is live already, or on its way there."""

    since: str


Verdict = Proceed | NeedsAnswer | NeedsConfirmation | Refuse | NothingToDo


def judge(case: Case) -> Verdict:
    """Decide about a call that needs consent. Whatever is not a clear yes is a no."""
    if isinstance(case.held, UsedConfirmation):
        return Refuse("confirmation_invalid", "used")
    if case.on_air_since is not None:
        return NothingToDo(case.on_air_since)
    if case.evidence.answer is not None:
        return _judge_answer(case, case.evidence.answer)
    if case.can_ask and case.mode in {Mode.AUTO, Mode.HUMAN}:
        return NeedsAnswer()
    return _judge_without_person(case)


def _judge_without_person(case: Case) -> Verdict:
    # Stopping must always be possible.
    if case.mode is Mode.HUMAN and not isinstance(case.operation, GoOffline):
        return Refuse("cannot_ask")
    if not case.evidence.confirm:
        return NeedsConfirmation()
    if case.mode is Mode.FLAG:
        return Proceed()
    return _judge_confirmation(case)


def _judge_confirmation(case: Case) -> Verdict:
    held = case.held
    if case.evidence.confirmation is None:
        return NeedsConfirmation()
    if not isinstance(held, Confirmation):
        return NeedsConfirmation("expired")
    if held.choice is not None or held.operation != case.operation:
        return NeedsConfirmation("mismatch")
    return Proceed(held.handle) if held.digest == case.digest else NeedsConfirmation("changed")


def _judge_answer(case: Case, answer: PersonAnswer) -> Verdict:
    held = case.held
    if answer.said == "timed_out":  # what they were asked has expired in that same moment
        return Refuse("declined", "timed_out")
    if not isinstance(held, Confirmation):
        return Refuse("confirmation_invalid", "expired")
    if held.choice is None or held.operation != case.operation:
        return Refuse("confirmation_invalid", "mismatch")
    if (reason := _no(answer, held.choice)) is not None:
        return Refuse("declined", reason)
    if held.digest == case.digest:
        return Proceed(held.handle)
    return (
        Refuse("confirmation_invalid", "changed") if held.asked_again else NeedsAnswer(again=True)
    )


def _no(answer: PersonAnswer, yes: str) -> Reason | None:
    """Why an answer is not a yes; None if it is the very choice that was offered."""
    if answer.said != "chosen":
        return answer.said
    if answer.choice == DO_NOT:
        return "declined"
    return None if answer.choice == yes else "malformed"
