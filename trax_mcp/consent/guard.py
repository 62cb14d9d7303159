"""The one road from a tool to TRaX. Every call walks it, guarded or not.

A guarded call is a transaction: facts, verdict, spend the yes, send once, look, write down. A call
that may not run comes back as `NotRun`, one that a person must decide as a `Question`; whoever
asked walks again, from the beginning, with the answer as evidence. The road knows nothing of MCP.
"""

from dataclasses import replace

from trax_mcp.api.client import Client
from trax_mcp.api.error_texts import write_disabled
from trax_mcp.api.operations import GoLive, is_stop
from trax_mcp.clock import Clock
from trax_mcp.consent.audit import Audit
from trax_mcp.consent.calls import Done, GuardedCall, NotRun, Result
from trax_mcp.consent.evidence import NO_EVIDENCE, Confirmation, UsedConfirmation
from trax_mcp.consent.execute import Committer, Leave
from trax_mcp.consent.policy import (
    Case,
    Proceed,
    Refuse,
    Verdict,
    judge,
)
from trax_mcp.consent.preview import preview
from trax_mcp.consent.reception import Reception
from trax_mcp.consent.rules import Mode, Rules, When
from trax_mcp.consent.store import ConsentStore
from trax_mcp.studio.fact_reader import FactReader
from trax_mcp.studio.facts import Facts


class ConsentGuard:
    """The way of a call. All that it remembers is in `pending`."""

    def __init__(
        self,
        client: Client,
        committer: Committer,
        *,
        rules: Rules,
        pending: ConsentStore,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._client = client
        self._committer = committer
        self.rules = rules
        self._pending = pending
        self._audit = audit
        self._reception = Reception(rules=rules, pending=pending, clock=clock)

    async def walk(self, visit: GuardedCall) -> Result:
        """Run a call if it may run.

        Raises:
            TraxError: a fact could not be read, or the call was sent, or tried, and has failed.
        """
        when = self.rules.when(visit.operation)
        if when is When.NEVER:
            return Done(await self._client.send(visit.operation, visit.caller))
        stops = self._committer.stops_so_far(visit)
        while True:
            result = await self._walk_guarded(visit, when)
            if result is not None:
                return result
            stopped = self._committer.stops_so_far(visit) != stops
            if stopped and isinstance(visit.operation, GoLive) and self.rules.mode is Mode.FLAG:
                # A stop is the last word; elsewhere it has voided the yes itself.
                visit = replace(visit, evidence=NO_EVIDENCE)

    async def _walk_guarded(self, visit: GuardedCall, when: When) -> Result | None:
        """One walk; None if somebody acted meanwhile, so that what was seen is no longer so."""
        # Both before any look: what begins during it is an act more, what ends is still minded.
        acts_before = self._committer.acts_so_far(visit)
        starting = self._pending.is_starting(visit.operation.studio())
        held = self._held(visit)
        if isinstance(held, UsedConfirmation):
            # Before any look around: what it was for may be gone by its own doing.
            return self._spent(visit, held)
        lookout = FactReader(self._client, visit.operation, visit.caller)
        known = None
        if when is When.WHILE_LIVE:
            known = await lookout.see_live()
            # Whoever was asked has the last word, though nobody need be asked any more.
            if known.live is False and not starting and visit.evidence.answer is None:
                handle = _spendable(visit, held)
                return await self._committer.run(visit, Leave(handle, acts_before))
        facts = await lookout.see(known)
        if self._committer.acts_so_far(visit) != acts_before and not is_stop(visit.operation):
            return None
        outlook = preview(visit.operation, facts)
        mark = outlook.digest
        if facts.health is not None and facts.health.write_enabled is False:
            raise write_disabled()
        held = self._held(visit)
        if isinstance(held, UsedConfirmation):
            return self._spent(visit, held)
        since = self._on_air_since(visit, facts, starting=starting)
        verdict = judge(self._case(visit, since, mark, held))
        self._write(visit, verdict, mark)
        if isinstance(verdict, Proceed):
            return await self._committer.run(visit, Leave(verdict.handle, acts_before, mark))
        return self._reception.receive(visit, verdict, outlook, held)

    def _held(self, visit: GuardedCall) -> Confirmation | UsedConfirmation | None:
        return self._pending.look(visit.evidence.handle, caller=visit.caller.fingerprint)

    def _spent(self, visit: GuardedCall, used: UsedConfirmation) -> NotRun:
        verdict = Refuse("confirmation_invalid", "used")
        self._write(visit, verdict, used.entry.digest)
        name = visit.operation.tool_name
        return NotRun(name, verdict.status, verdict.reason, used.outcome)

    def _case(
        self,
        visit: GuardedCall,
        since: str | None,
        mark: str,
        held: Confirmation | UsedConfirmation | None,
    ) -> Case:
        return Case(
            operation=visit.operation,
            digest=mark,
            evidence=visit.evidence,
            held=held,
            mode=self.rules.mode,
            can_ask=visit.can_ask,
            on_air_since=since,
        )

    def _on_air_since(self, visit: GuardedCall, facts: Facts, *, starting: bool) -> str | None:
        if not isinstance(visit.operation, GoLive):
            return None
        if facts.status is not None and facts.status.live:
            self._pending.note_end(visit.operation.studio())
            since = f", since {facts.since}" if facts.since else ""
            return f"it is live already{since}."
        if starting or self._pending.is_starting(visit.operation.studio()):
            return "a go-live was sent within the last minute and has not been seen on air yet."
        return None

    def _write(self, visit: GuardedCall, verdict: Verdict, mark: str) -> None:
        reason = getattr(verdict, "reason", None) or getattr(verdict, "status", None)
        self._audit.write(
            "decided",
            visit.operation,
            visit.asker,
            mode=self.rules.mode,
            verdict=type(verdict).__name__,
            reason=reason,
            digest=mark,
        )


def _spendable(visit: GuardedCall, held: Confirmation | UsedConfirmation | None) -> str | None:
    """The yes that came along, though none is needed any more: once used, it is used."""
    fits = isinstance(held, Confirmation) and held.operation == visit.operation
    return (
        held.handle if isinstance(held, Confirmation) and fits and visit.evidence.confirm else None
    )
