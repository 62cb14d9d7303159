"""What a verdict other than "proceed" becomes: a question, a preview with a confirmation, a no.

Keeps in `pending` what a yes would be to. It neither decides nor sends; how it is told is for
whoever asked.
"""

from dataclasses import replace
from datetime import timedelta

from trax_mcp.clock import Clock, iso
from trax_mcp.consent.calls import GuardedCall, NotRun, Question
from trax_mcp.consent.evidence import Confirmation, UsedConfirmation
from trax_mcp.consent.policy import (
    DO_NOT,
    NeedsAnswer,
    NeedsConfirmation,
    NothingToDo,
    Reason,
    Refuse,
    Status,
)
from trax_mcp.consent.preview import Preview, changes
from trax_mcp.consent.rules import Mode, Rules
from trax_mcp.consent.store import ConsentStore

Held = Confirmation | UsedConfirmation | None


class Reception:
    """Receives the calls that may not run yet, or not at all."""

    def __init__(self, *, rules: Rules, pending: ConsentStore, clock: Clock) -> None:
        self._rules = rules
        self._pending = pending
        self._clock = clock

    def receive(
        self,
        visit: GuardedCall,
        verdict: NeedsAnswer | NeedsConfirmation | Refuse | NothingToDo,
        outlook: Preview,
        held: Held,
    ) -> NotRun | Question:
        """Say how a call comes back that did not run."""
        match verdict:
            case NeedsAnswer(again=again):
                entry = self._keep(visit, outlook, choice=outlook.choice, again=again)
                changed = _changed(held, outlook) if again else ()
                return Question(entry.handle, outlook, outlook.choice, DO_NOT, changed)
            case NeedsConfirmation(reason=reason):
                return self._preview(visit, outlook, reason, held)
            case NothingToDo(since=since):
                return NotRun(outlook.operation, "nothing_to_do", told=since)
            case Refuse(status=status, reason=reason):
                if reason in {"declined", "cancelled"} and isinstance(held, Confirmation):
                    self._pending.drop(held.handle)  # a no is a no: asking again is a new question
                changed = _changed(held, outlook)
                return NotRun(outlook.operation, status, reason, None, outlook, changed)

    def _preview(
        self, visit: GuardedCall, outlook: Preview, reason: Reason | None, held: Held
    ) -> NotRun:
        status: Status = "confirmation_invalid" if reason else "confirmation_required"
        not_run = NotRun(outlook.operation, status, reason, None, outlook)
        if reason == "changed":
            not_run = replace(not_run, changes=_changed(held, outlook))
        if self._rules.mode is Mode.FLAG:
            return not_run
        entry = self._keep(visit, outlook)
        left = timedelta(seconds=entry.expires - self._clock.seconds())
        until = iso(self._clock.now() + left)
        return replace(not_run, confirmation=entry.handle, expires_at=until)

    def _keep(
        self,
        visit: GuardedCall,
        outlook: Preview,
        *,
        choice: str | None = None,
        again: bool = False,
    ) -> Confirmation:
        return self._pending.put(
            visit.operation,
            caller=visit.caller.fingerprint,
            digest=outlook.digest,
            shown=outlook.shown,
            choice=choice,
            asked_again=again,
        )


def _changed(held: Held, outlook: Preview) -> tuple[str, ...]:
    return changes(held.shown, outlook) if isinstance(held, Confirmation) else ()
