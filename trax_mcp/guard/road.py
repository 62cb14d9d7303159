"""The one road from a tool to TRaX. Every call walks it, guarded or not.

A guarded call is a transaction: facts, verdict, spend the yes, send once, look, write down. A call
that may not run comes back as `NotRun`, one that a person must decide as a `Question`; whoever
asked walks again, from the beginning, with the answer as evidence. The road knows nothing of MCP.
"""

from dataclasses import replace
from datetime import timedelta

from trax_mcp.api.client import Client
from trax_mcp.api.failures import write_disabled
from trax_mcp.api.operations import GoLive
from trax_mcp.clock import Clock, iso
from trax_mcp.guard.audit import Audit
from trax_mcp.guard.commit import Committer
from trax_mcp.guard.consent import Entry, Used
from trax_mcp.guard.pending import Pending
from trax_mcp.guard.policy import (
    DO_NOT,
    Ask,
    Case,
    NothingToDo,
    Preview,
    Proceed,
    Reason,
    Refuse,
    Status,
    Verdict,
    judge,
)
from trax_mcp.guard.preview import Outlook, changes, preview
from trax_mcp.guard.rules import Mode, Rules, When
from trax_mcp.guard.visit import Done, NotRun, Question, Result, Visit
from trax_mcp.show.facts import Facts
from trax_mcp.show.lookout import Lookout


class Road:
    """The way of a call. All that it remembers is in `pending`."""

    def __init__(
        self,
        client: Client,
        committer: Committer,
        *,
        rules: Rules,
        pending: Pending,
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._client = client
        self._committer = committer
        self.rules = rules
        self._pending = pending
        self._audit = audit
        self._clock = clock

    async def walk(self, visit: Visit) -> Result:
        """Run a call if it may run.

        Raises:
            TraxError: a fact could not be read, or the call was sent, or tried, and has failed.
        """
        when = self.rules.when(visit.operation)
        if when is When.NEVER:
            return Done(await self._client.send(visit.operation, visit.caller))
        while True:
            result = await self._walk_guarded(visit, when)
            if result is not None:
                return result

    async def _walk_guarded(self, visit: Visit, when: When) -> Result | None:
        """One walk; None if somebody acted meanwhile, so that what was seen is no longer so."""
        acts_before = self._committer.acts_so_far(visit)
        lookout = Lookout(self._client, visit.operation, visit.caller)
        known = None
        if when is When.WHILE_LIVE:
            known = await lookout.see_live()
            if known.live is False and not self._pending.is_starting(visit.operation.studio()):
                return await self._committer.run(
                    visit, handle=None, digest="not live", acts_before=acts_before
                )
        facts = await lookout.see(known)
        outlook = preview(visit.operation, facts)
        mark = outlook.digest
        if facts.health is not None and facts.health.write_enabled is False:
            raise write_disabled()
        held = self._pending.look(visit.evidence.handle, caller=visit.caller.fingerprint)
        verdict = judge(self._case(visit, facts, mark, held))
        self._write(visit, verdict, mark)
        if isinstance(verdict, Proceed):
            return await self._committer.run(
                visit, handle=verdict.handle, digest=mark, acts_before=acts_before
            )
        return self._answer(visit, verdict, outlook, held)

    def _case(self, visit: Visit, facts: Facts, mark: str, held: Entry | Used | None) -> Case:
        return Case(
            operation=visit.operation,
            digest=mark,
            evidence=visit.evidence,
            held=held,
            mode=self.rules.mode,
            can_ask=visit.can_ask,
            on_air_since=self._on_air_since(visit, facts),
        )

    def _on_air_since(self, visit: Visit, facts: Facts) -> str | None:
        if not isinstance(visit.operation, GoLive):
            return None
        if facts.status is not None and facts.status.live:
            self._pending.note_end(visit.operation.studio())
            since = facts.status.live_started_at or facts.status.broadcast_started_at
            return f"it is live already, since {since}." if since else "it is live already."
        if self._pending.is_starting(visit.operation.studio()):
            return "a go-live was sent within the last minute and has not been seen on air yet."
        return None

    def _answer(
        self, visit: Visit, verdict: Verdict, outlook: Outlook, held: Entry | Used | None
    ) -> NotRun | Question:
        name = outlook.operation
        match verdict:
            case Ask(again=again):
                entry = self._keep(visit, outlook, choice=outlook.choice, again=again)
                changed = _changed(held, outlook) if again else ()
                return Question(entry.handle, outlook, outlook.choice, DO_NOT, changed)
            case Preview(reason=reason):
                return self._preview(visit, outlook, reason, held)
            case NothingToDo(since=since):
                return NotRun(name, "nothing_to_do", told=since)
            case Refuse(status=status, reason=reason):
                told = held.outcome if isinstance(held, Used) else None
                shown = None if reason == "used" else outlook
                return NotRun(name, status, reason, told, shown, _changed(held, outlook))
            case Proceed():
                raise AssertionError("what may run is run")

    def _preview(
        self, visit: Visit, outlook: Outlook, reason: Reason | None, held: Entry | Used | None
    ) -> NotRun:
        status: Status = "confirmation_invalid" if reason else "confirmation_required"
        not_run = NotRun(outlook.operation, status, reason, None, outlook)
        if reason == "changed":
            not_run = replace(not_run, changes=_changed(held, outlook))
        if self.rules.mode is Mode.FLAG:
            return not_run
        entry = self._keep(visit, outlook)
        left = timedelta(seconds=entry.expires - self._clock.seconds())
        until = iso(self._clock.now() + left)
        return replace(not_run, confirmation=entry.handle, expires_at=until)

    def _keep(
        self, visit: Visit, outlook: Outlook, *, choice: str | None = None, again: bool = False
    ) -> Entry:
        return self._pending.put(
            visit.operation,
            caller=visit.caller.fingerprint,
            digest=outlook.digest,
            shown=outlook.shown,
            choice=choice,
            asked_again=again,
        )

    def _write(self, visit: Visit, verdict: Verdict, mark: str) -> None:
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


def _changed(held: Entry | Used | None, outlook: Outlook) -> tuple[str, ...]:
    return changes(held.shown, outlook) if isinstance(held, Entry) else ()
