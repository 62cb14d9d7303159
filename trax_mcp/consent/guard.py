"""Runs operations. A guarded call runs only with consent.

A call that may not run comes back as `NotRun`, and one that a person must decide as a `Question`.
The caller then runs the call again, from the beginning, with the person's answer as evidence.
"""

from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import anyio

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.error_texts import not_sent_because, write_disabled
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.operations import GetStreamStatus
from trax_mcp.clock import Clock
from trax_mcp.consent.audit import Audit
from trax_mcp.consent.calls import Done, GuardedCall, NotRun, Question, Result
from trax_mcp.consent.evidence import NO_EVIDENCE, ApprovedIn, Confirmation, UsedConfirmation
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
    confirmation_to_use,
    is_unseen,
    judge,
    nothing_to_do,
    refusal_by_person,
)
from trax_mcp.consent.preview import Preview
from trax_mcp.consent.rules import Mode, Rules
from trax_mcp.consent.store import ConsentStore, Place, Seen, Stale
from trax_mcp.studio.fact_reader import QUICK_SECONDS, FactReader
from trax_mcp.studio.facts import Fact, Facts
from trax_mcp.studio.list_cache import ListCache

_BROADCAST_SECONDS: Final = 1.0
"""How long a stop waits to learn which broadcast is on air, where nobody remembers its yes."""


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
        lists: ListCache,
    ) -> None:
        self.rules = rules
        self._client = client
        self._executor = executor
        self._lists = lists
        self.store = store
        self.audit = audit
        self._clock = clock

    async def run(self, call: GuardedCall) -> Result:
        """Run a call if it may run.

        Raises:
            TraxError: a fact could not be read, or the call was sent, or tried, and failed.
        """
        when = self.rules.when(call.operation)
        if when is When.NEVER and not _sets_auto_go_live(call.operation):
            done = Done(await self._client.send(call.operation, call.caller))
            return await self._report(call, done, Facts()) if call.operation.call.mutates else done
        first = None
        while True:
            seen = await self.look(call)
            first = first or seen
            # A stop has ended since this call began, so the evidence of the call is older.
            if seen.stop_count != first.stop_count:
                call = self._without_outdated_flag(call)
            result = await self._attempt(call, when, seen)
            if not isinstance(result, Stale):
                return result

    async def look(self, call: GuardedCall) -> Seen:
        """The content of the store about the place of a call, and about its evidence."""
        confirmation_id = call.evidence.confirmation_id
        seen = await self.store.look(self._place(call), confirmation_id, call.operation)
        if not isinstance(seen.confirmation, Confirmation):
            return seen
        answer = call.evidence.answer
        kept = seen.confirmation.with_choice(answer.choice if answer else None)
        return replace(seen, confirmation=kept)

    async def go_live_is_pending(self, caller: Caller, studio_id: str) -> bool:
        """Whether a go-live was sent to a studio within the last minute and not seen on air.

        Raises:
            TraxError: the store does not answer.
        """
        call = GuardedCall(GetStreamStatus(studio_id=studio_id), caller)
        return (await self.look(call)).go_live_pending

    async def _attempt(self, call: GuardedCall, when: When, seen: Seen) -> Result | Stale:
        """Read and decide. Stale if the place changed meanwhile."""
        if when is When.NEVER:  # it only takes its turn
            return await self._execute(call, None, seen, Facts())
        if refused := await self._refuse_before_reading(call, seen):
            return refused
        operation, plan_type = call.operation, plan_for(call.operation)
        wait_until = anyio.current_time() + QUICK_SECONDS
        if operation.stops_broadcast and seen.place.has_access:
            # No fact can change a yes to a stop: nothing is read, and all others wait from here on.
            known = await self._read_broadcast(call, seen)
            plan = plan_type(operation, known, now=self._clock.now())
            if isinstance(judge(self._case(call, plan, seen)), Proceed):
                return await self._decide(call, plan, seen, wait_until=wait_until)
        is_stop = operation.stops_broadcast
        reader = FactReader(
            self._client, call.caller, operation.studio(), quick=is_stop, urgent=is_stop
        )
        try:
            status = await reader.read((Fact.STATUS,)) if when is When.WHILE_LIVE else None
        except TraxError as error:
            raise not_sent_because(error, operation) from None
        if status and (result := await self._run_if_off_air(call, status, seen)):
            return result
        try:
            facts = await reader.read(plan_type.reads, status)
        except TraxError as error:
            raise not_sent_because(error, operation) from None
        again = await self._look_again(call, seen)
        if isinstance(again, Stale):
            return again
        certain = _without_uncertain_status(facts, when, again)
        plan = plan_type(operation, certain, again.hidden, now=self._clock.now())
        return await self._decide(call, plan, again, wait_until=wait_until)

    async def _read_broadcast(self, call: GuardedCall, seen: Seen) -> Facts:
        """The stream status, if a yes to a stop is bound to a broadcast. Unknown if it is slow."""
        kept = seen.confirmation
        if isinstance(kept, Confirmation) and kept.broadcast is not None:
            studio = call.operation.studio()
            reader = FactReader(self._client, call.caller, studio, quick=True, urgent=True)
            with suppress(TraxError), anyio.move_on_after(_BROADCAST_SECONDS):
                return await reader.read((Fact.STATUS,))
        return Facts()

    async def _refuse_before_reading(self, call: GuardedCall, seen: Seen) -> NotRun | None:
        """Refuse where no fact matters: the confirmation was used, or the person refused."""
        kept = seen.confirmation
        if isinstance(kept, UsedConfirmation):
            # The call itself may have removed its target, so reading could fail.
            self._write_verdict(call, ALREADY_USED, kept.confirmation.digest)
            return _not_run(call, ALREADY_USED, kept)
        refusal = refusal_by_person(call.operation, call.evidence.answer, kept)
        if refusal is None or kept is None:
            return None
        unseen = is_unseen(call.evidence.answer, age=seen.age)
        if unseen:
            await self.store.discard(kept.id)
        else:
            await self.store.decline(kept, call.operation)
        self._write_verdict(call, refusal, kept.digest)
        return replace(_not_run(call, refusal, kept), unseen=unseen)

    async def _run_if_off_air(
        self, call: GuardedCall, status: Facts, seen: Seen
    ) -> Done | Stale | None:
        """Run a call that needs consent only while live, unless the studio may be live."""
        now = await self._look_again(call, seen)
        if isinstance(now, Stale):
            return now
        if not _needs_no_consent(call, status, now):
            return None
        # A confirmation that is not needed is used too, so that it cannot run the call again.
        unneeded = confirmation_to_use(call.operation, call.evidence, now.confirmation)
        return await self._execute(call, unneeded, now, status)

    async def _decide(
        self, call: GuardedCall, plan: Plan[Any], seen: Seen, *, wait_until: float
    ) -> Result | Stale:
        """Judge, then execute or respond."""
        digest = plan.preview.digest
        if plan.facts.health is not None and plan.facts.health.write_enabled is False:
            raise write_disabled()
        if plan.facts.live and seen.go_live_pending:
            await self.store.record_on_air(seen)
        verdict = judge(self._case(call, plan, seen))
        self._write_verdict(call, verdict, digest)
        if not isinstance(verdict, Proceed):
            return await self._respond(call, verdict, seen, plan)
        return await self._execute(
            call, verdict.confirmation_id, seen, plan.facts, digest=digest, wait_until=wait_until
        )

    async def _look_again(self, call: GuardedCall, seen: Seen) -> Seen | Stale:
        """Look after reading. TRaX may have accepted the caller meanwhile, which changes the place.

        Stale if another call has changed the studio since, so that the facts may be outdated.
        `add` and `begin` check this again. A stop is sent in any case.
        """
        now = await self.look(call)
        if now.version != seen.version and not call.operation.stops_broadcast:
            return Stale()
        # The facts may be older than this look, so both looks count.
        return replace(
            now,
            version=seen.version,
            go_live_pending=seen.go_live_pending or now.go_live_pending,
            auto_go_live=seen.auto_go_live or now.auto_go_live,
        )

    def _place(self, call: GuardedCall) -> Place:
        return call.place(self._client.accepted_keys)

    def _without_outdated_flag(self, call: GuardedCall) -> GuardedCall:
        """The call without a `confirm: true` that is older than a stop, if it puts anything on air.

        Confirmations that are older than a stop are discarded by the store.
        """
        puts_on_air = plan_for(call.operation).puts_on_air(call.operation)
        is_outdated = puts_on_air and self.rules.mode is Mode.FLAG
        return replace(call, evidence=NO_EVIDENCE) if is_outdated else call

    def _case(self, call: GuardedCall, plan: Plan[Any], seen: Seen) -> Case:
        return Case(
            operation=call.operation,
            digest=plan.preview.digest,
            evidence=call.evidence,
            confirmation=seen.confirmation,
            mode=self.rules.mode,
            can_ask=call.can_ask,
            nothing_to_do=nothing_to_do(
                call.operation,
                plan.facts,
                go_live_pending=seen.go_live_pending,
                now=plan.now,
            ),
            declined_seconds=seen.declined_seconds,
            broadcast_start=plan.facts.broadcast_start,
        )

    async def _execute(
        self,
        call: GuardedCall,
        confirmation_id: str | None,
        seen: Seen,
        facts: Facts,
        *,
        digest: str | None = None,
        wait_until: float = 0.0,
    ) -> Done | Stale:
        started = await self.store.begin(call.operation, confirmation_id=confirmation_id, seen=seen)
        if isinstance(started, Stale):
            return started
        done = await self._executor.run(call, started, digest=digest, wait_until=wait_until)
        if isinstance(done, Stale):
            return done
        done = replace(done, approved_in=self._approved_in(call, confirmation_id))
        return await self._report(call, done, facts)

    async def _report(self, call: GuardedCall, done: Done, facts: Facts) -> Done:
        """Add the result in words, from these facts and the lists that are kept."""
        operation, plan_type = call.operation, plan_for(call.operation)
        if plan_type.reads_after:
            reader = FactReader(
                self._client, call.caller, operation.studio(), quick=True, first_page=True
            )
            with suppress(TraxError):  # the call is done: what is missing leads to no warning
                facts = (await reader.read(plan_type.reads_after)).completed_by(facts)
        facts = facts.completed_by(self._lists.known(call.caller, operation.studio()))
        plan = plan_type(operation, facts, now=self._clock.now())
        return replace(done, said=plan.report(done.data, done.observed))

    def _approved_in(self, call: GuardedCall, confirmation_id: str | None) -> ApprovedIn | None:
        """How a call that ran was approved. None if it needed no consent."""
        evidence = call.evidence
        if confirmation_id is None:
            return "flag" if evidence.confirm and self.rules.mode is Mode.FLAG else None
        return evidence.answered_in or ("form" if evidence.answer else "confirmation")

    async def _respond(
        self,
        call: GuardedCall,
        verdict: NeedsAnswer | NeedsConfirmation | Refuse | NothingToDo,
        seen: Seen,
        plan: Plan[Any],
    ) -> Question | NotRun | Stale:
        """Say why the call did not run, and keep a confirmation for the next call if one helps."""
        kept, preview = seen.confirmation, plan.preview
        match verdict:
            case NeedsAnswer(again=again):
                added = await self._add(call, preview, seen, choice=preview.choice, again=again)
                if isinstance(added, Stale):
                    return added
                if isinstance(kept, Confirmation) and again:
                    await self.store.discard(kept.id)  # only the last question can be answered
                changes = _changes(plan, kept) if again else ()
                return Question(added.id, preview, preview.choice, DO_NOT, changes)
            case NeedsConfirmation() if self.rules.mode is not Mode.FLAG:
                added = await self._add(call, preview, seen)
                if isinstance(added, Stale):
                    return added
                if verdict.reason == "changed" and isinstance(kept, Confirmation):
                    await self.store.discard(kept.id)  # it stays invalid if all changes back
                not_run = _not_run(call, verdict, kept, plan)
                return replace(not_run, confirmation=added.id, expires_at=added.expires_at)
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
        return await self.store.add(
            call.operation, preview, seen=seen, choice=choice, asked_again=again
        )

    def _write_verdict(self, call: GuardedCall, verdict: Verdict, digest: str) -> None:
        reason = getattr(verdict, "reason", None) or getattr(verdict, "status", None)
        self.audit.write(
            "decided",
            call.operation,
            call.actor,
            mode=self.rules.mode,
            verdict=verdict.label,
            reason=reason,
            digest=digest,
            answeredIn=(
                self._approved_in(call, verdict.confirmation_id)
                if isinstance(verdict, Proceed)
                else None
            ),
        )


def _sets_auto_go_live(operation: Operation[Model]) -> bool:
    """Whether a call turns `autoGoLive` on or off. They take turns, so the last one counts."""
    mutates = operation.call.mutates
    return mutates and plan_for(operation).sets_auto_go_live(operation) is not None


def _needs_no_consent(call: GuardedCall, status: Facts, seen: Seen) -> bool:
    """Whether a call that needs consent only while live may run at once.

    If a person was already asked, their answer decides.
    """
    may_be_live = status.live is not False or seen.go_live_pending or seen.auto_go_live
    return not may_be_live and call.evidence.answer is None


def _without_uncertain_status(facts: Facts, when: When, seen: Seen) -> Facts:
    """The facts, without an off-air status that may be out of date.

    With `autoGoLive`, a studio can go live by itself right after its status was read.
    """
    is_unclear = when is When.WHILE_LIVE and seen.auto_go_live and facts.live is False
    return replace(facts, status=None) if is_unclear else facts


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
                retry_after_seconds=verdict.retry_after_seconds,
                preview=preview,
                changes=_changes(plan, kept),
            )


def _changes(
    plan: Plan[Any] | None, kept: Confirmation | UsedConfirmation | None
) -> tuple[str, ...]:
    """The differences from an earlier question about the same call."""
    if plan is None or not isinstance(kept, Confirmation) or not kept.is_for(plan.operation):
        return ()
    return plan.changes_since(kept)
