"""Runs operations. A guarded call runs only with consent.

A call that may not run comes back as `NotRun`, and one that a person must decide as a `Question`.
The caller then runs the call again, from the beginning, with the person's answer as evidence.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from trax_mcp.api.client import Client
from trax_mcp.api.error_texts import write_disabled
from trax_mcp.clock import Clock, iso
from trax_mcp.consent.audit import Audit
from trax_mcp.consent.calls import Done, GuardedCall, NotRun, Question, Result
from trax_mcp.consent.evidence import NO_EVIDENCE, Confirmation, UsedConfirmation
from trax_mcp.consent.execute import Executor
from trax_mcp.consent.plans import Plan, When, plan_for
from trax_mcp.consent.policy import (
    ALREADY_USED,
    DO_NOT,
    Case,
    NeedsAnswer,
    NeedsConfirmation,
    NothingToDo,
    Proceed,
    Refuse,
    Verdict,
    confirmation_to_spend,
    judge,
    nothing_to_do,
)
from trax_mcp.consent.preview import Preview
from trax_mcp.consent.rules import Mode, Rules
from trax_mcp.consent.store import ConsentStore, Seen, Stale
from trax_mcp.studio.fact_reader import FactReader
from trax_mcp.studio.facts import Fact, Facts


class ConsentGuard:
    """Runs calls, guarded or not. Everything that it remembers is in the store."""

    def __init__(
        self,
        client: Client,
        executor: Executor,
        *,
        rules: Rules,
        store: ConsentStore,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self.rules = rules
        self._client = client
        self._executor = executor
        self._store = store
        self._audit = audit
        self._clock = clock

    async def run(self, call: GuardedCall) -> Result:
        """Run a call if it may run.

        Raises:
            TraxError: a fact could not be read, or the call was sent, or tried, and failed.
        """
        when = self.rules.when(call.operation)
        if when is When.NEVER:
            return Done(await self._client.send(call.operation, call.caller))
        first = None
        while True:
            seen = await self._look(call)
            first = first or seen
            # A stop has ended since this call began, so its evidence is older than the stop.
            if seen.stop_count != first.stop_count:
                call = self._without_void_flag(call)
            result = await self._attempt(call, when, seen)
            if not isinstance(result, Stale):
                return result

    async def _attempt(self, call: GuardedCall, when: When, seen: Seen) -> Result | Stale:
        """Read, preview, judge, then execute or respond. Stale if the place changed meanwhile."""
        if isinstance(seen.confirmation, UsedConfirmation):
            # Before any read: the call itself may have removed its target.
            self._write_verdict(call, ALREADY_USED, seen.confirmation.confirmation.digest)
            return _not_run(call, ALREADY_USED, seen.confirmation)
        operation = call.operation
        reader = FactReader(
            self._client, call.caller, operation.studio(), quick=operation.stops_broadcast
        )
        known = await reader.read((Fact.STATUS,)) if when is When.WHILE_LIVE else None
        if known is not None and _needs_no_consent(call, known, seen):
            # A yes that is not needed is used up too: it must not run the call a second time.
            spend = confirmation_to_spend(operation, call.evidence, seen.confirmation)
            return await self._execute(call, spend, seen)
        plan_type = plan_for(operation)
        facts = await reader.read(plan_type.reads, known)
        now = await self._look(call)
        # The facts may be older than another call that has ended. `add` and `begin` check again,
        # since anything may happen before them. A stop is sent whatever others did.
        if now.version != seen.version and not operation.stops_broadcast:
            return Stale()
        plan = plan_type(operation, facts, seen.hidden)
        digest = plan.preview.digest
        if facts.health is not None and facts.health.write_enabled is False:
            raise write_disabled()
        if facts.live and seen.start_pending:
            await self._store.record_on_air(seen)
        verdict = judge(self._case(call, plan, seen))
        self._write_verdict(call, verdict, digest)
        if isinstance(verdict, Proceed):
            return await self._execute(call, verdict.confirmation_id, seen, digest)
        return await self._respond(call, verdict, seen, plan)

    async def _look(self, call: GuardedCall) -> Seen:
        confirmation_id = call.evidence.confirmation_id
        return await self._store.look(call.place, confirmation_id, caller=call.caller.fingerprint)

    def _without_void_flag(self, call: GuardedCall) -> GuardedCall:
        """A stop voids an earlier `confirm: true` of a go-live. Else the store voids its yes."""
        is_void = call.operation.starts_broadcast and self.rules.mode is Mode.FLAG
        return replace(call, evidence=NO_EVIDENCE) if is_void else call

    def _case(self, call: GuardedCall, plan: Plan[Any], seen: Seen) -> Case:
        return Case(
            operation=call.operation,
            digest=plan.preview.digest,
            evidence=call.evidence,
            confirmation=seen.confirmation,
            mode=self.rules.mode,
            can_ask=call.can_ask,
            nothing_to_do=nothing_to_do(
                call.operation, plan.facts, start_pending=seen.start_pending
            ),
        )

    async def _execute(
        self, call: GuardedCall, confirmation_id: str | None, seen: Seen, digest: str | None = None
    ) -> Done | Stale:
        started = await self._store.begin(
            call.operation, confirmation_id=confirmation_id, seen=seen
        )
        if isinstance(started, Stale):
            return started
        return await self._executor.run(call, started, digest=digest)

    async def _respond(
        self,
        call: GuardedCall,
        verdict: NeedsAnswer | NeedsConfirmation | Refuse | NothingToDo,
        seen: Seen,
        plan: Plan[Any],
    ) -> Question | NotRun | Stale:
        """Say why the call did not run, and keep the question that a yes would answer."""
        kept, preview = seen.confirmation, plan.preview
        match verdict:
            case NeedsAnswer(again=again):
                added = await self._add(call, preview, seen, choice=preview.choice, again=again)
                if isinstance(added, Stale):
                    return added
                changes = _changes(plan, kept) if again else ()
                return Question(added.id, preview, preview.choice, DO_NOT, changes)
            case NeedsConfirmation() if self.rules.mode is not Mode.FLAG:
                added = await self._add(call, preview, seen)
                if isinstance(added, Stale):
                    return added
                until = self._wall_time(added.expires)
                not_run = _not_run(call, verdict, kept, plan)
                return replace(not_run, confirmation=added.id, expires_at=until)
            case Refuse(reason="declined" | "cancelled") if isinstance(kept, Confirmation):
                await self._store.discard(kept.id)  # calling again is a new question
        return _not_run(call, verdict, kept, plan)

    async def _add(
        self,
        call: GuardedCall,
        preview: Preview,
        seen: Seen,
        *,
        choice: str | None = None,
        again: bool = False,
    ) -> Confirmation | Stale:
        return await self._store.add(
            call.operation,
            caller=call.caller.fingerprint,
            digest=preview.digest,
            shown=preview.shown,
            choice=choice,
            asked_again=again,
            seen=seen,
        )

    def _wall_time(self, seconds: float) -> str:
        return iso(self._clock.now() + timedelta(seconds=seconds - self._clock.seconds()))

    def _write_verdict(self, call: GuardedCall, verdict: Verdict, digest: str) -> None:
        reason = getattr(verdict, "reason", None) or getattr(verdict, "status", None)
        self._audit.write(
            "decided",
            call.operation,
            call.actor,
            mode=self.rules.mode,
            verdict=verdict.label,
            reason=reason,
            digest=digest,
        )


def _needs_no_consent(call: GuardedCall, status: Facts, seen: Seen) -> bool:
    """Whether a call that is guarded while live may run at once.

    If a person was already asked, their answer decides.
    """
    off_air = status.live is False and not seen.start_pending
    return off_air and call.evidence.answer is None


def _not_run(
    call: GuardedCall,
    verdict: NeedsConfirmation | Refuse | NothingToDo,
    kept: Confirmation | UsedConfirmation | None,
    plan: Plan[Any] | None = None,
) -> NotRun:
    tool, preview = call.operation.tool_name, plan.preview if plan else None
    match verdict:
        case NothingToDo():
            return NotRun(tool, "nothing_to_do", why=verdict.why)
        case NeedsConfirmation(reason=None):
            return NotRun(tool, "confirmation_required", preview=preview)
        case NeedsConfirmation():
            reason = verdict.reason
            changes = _changes(plan, kept) if reason == "changed" else ()
            return NotRun(tool, "confirmation_invalid", reason, preview=preview, changes=changes)
        case Refuse():
            return NotRun(
                tool,
                verdict.status,
                verdict.reason,
                why=kept.outcome if isinstance(kept, UsedConfirmation) else None,
                preview=preview,
                changes=_changes(plan, kept),
            )


def _changes(
    plan: Plan[Any] | None, kept: Confirmation | UsedConfirmation | None
) -> tuple[str, ...]:
    """What differs from an earlier question about the same call."""
    if plan is None or not isinstance(kept, Confirmation) or kept.operation != plan.operation:
        return ()
    return plan.changes_since(kept)
