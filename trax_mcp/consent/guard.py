"""Runs changes. A guarded call runs only with consent.

A call that may not run comes back as `NotRun`, and one that a person must decide as an `Ask`. The
caller then runs the call again, from the beginning, with the person's answer as evidence. A lost
answer is resolved by reading the stream status, never by sending again.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from trax_mcp.actions.shown import (
    Operations,
    Preview,
    changes_since,
    puts_on_air,
    sets_auto_go_live,
    show,
)
from trax_mcp.actions.view import View
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import (
    NOTHING_CHANGED,
    WRITES_OFF,
    WRITES_OFF_NEXT,
    NotSent,
    Refused,
    TraxError,
)
from trax_mcp.api.operation import When
from trax_mcp.api.reads import GetStreamStatus
from trax_mcp.clock import Clock
from trax_mcp.consent.attempts import Attempt, not_changed
from trax_mcp.consent.audit import Audit
from trax_mcp.consent.calls import (
    NO_EVIDENCE,
    Ask,
    Evidence,
    GuardedCall,
    NotRun,
    Result,
)
from trax_mcp.consent.policy import (
    ALREADY_USED,
    TOO_SOON,
    WITHDRAWN,
    Case,
    NeedsAnswer,
    NeedsConfirmation,
    NothingToDo,
    Proceed,
    Refuse,
    Verdict,
    by_a_person,
    in_audit_log,
    judge,
    not_run,
    nothing_to_do,
    question_to_use,
    refusal_by_person,
)
from trax_mcp.consent.records import Away, store_unavailable
from trax_mcp.consent.reporting import Reporter
from trax_mcp.consent.rules import Rules
from trax_mcp.consent.sending import Sender
from trax_mcp.consent.shielded_tasks import ShieldedTasks
from trax_mcp.consent.stop_token import StopToken
from trax_mcp.consent.stops import Stops
from trax_mcp.consent.store import Seen, Store
from trax_mcp.studio.facts import Fact, Facts, Read
from trax_mcp.studio.failed_reads import naming_the_read
from trax_mcp.studio.list_cache import ListCache
from trax_mcp.studio.naming import Sentence
from trax_mcp.studio.reading import FactReader

_WHERE: Final = (Fact.STATUS, Fact.STUDIO)
"""What a call that needs consent only on air depends on: also that this is the studio's own id."""
_MAX_PAUSE_SECONDS: Final = 10.0
"""How long an approved call waits at most for TRaX's rate limit."""
_PAUSE_SECONDS: Final = 2.0
"""How long it waits if TRaX doesn't say."""


class ConsentGuard:
    """Runs calls, guarded or not."""

    def __init__(
        self,
        client: Client,
        *,
        rules: Rules,
        store: Store,
        audit: Audit,
        tasks: ShieldedTasks,
        clock: Clock,
        lists: ListCache,
    ) -> None:
        self.rules = rules
        self.store = store
        self.audit = audit
        self._client = client
        self._tasks = tasks
        self._clock = clock
        self._reporter = Reporter(
            client, ask=rules.ask, store=store, audit=audit, tasks=tasks, clock=clock, lists=lists
        )
        self._sender = Sender(
            client, self._reporter, store=store, audit=audit, tasks=tasks, clock=clock
        )
        self._stops = Stops(
            client, self._sender, self._reporter, rules=rules, store=store, clock=clock
        )

    async def run(self, call: GuardedCall) -> Result:
        """Run a call if it may run.

        Raises:
            TraxError: a fact could not be read, or the call was sent, or tried, and failed.
        """
        if self.never_asks(call.operations):
            (operation,) = call.operations
            response = await self._client.send(operation, call.caller)
            if (failed := not_changed(operation, response)) is not None:
                raise failed
            return await self._reporter.report(call, response, View(Facts(), now=self._clock.now()))
        if call.stops_broadcast:
            return await self._stops.run(call)
        try:
            return await self._run_with_patience(call, self.rules.when(call.operations))
        except Away:
            raise store_unavailable() from None

    def never_asks(self, operations: Operations) -> bool:
        """Whether a call needs nobody's yes, whatever the studio is like.

        Several changes are made in one turn, and those of `autoGoLive`, so that the last counts.
        """
        takes_turn = len(operations) > 1 or sets_auto_go_live(operations) is not None
        return self.rules.when(operations) is When.NEVER and not takes_turn

    async def go_live_is_pending(self, caller: Caller, studio_id: str) -> bool:
        """Whether a go-live was sent to a studio within the last minute and not seen on air.

        Raises:
            TraxError: the store does not answer.
        """
        place = self.store.place_of(GetStreamStatus(studio_id=studio_id), caller)
        try:
            return await self.store.start_may_come(place)
        except Away:
            raise store_unavailable() from None

    # A call that waits for TRaX's rate limit, and for its turn

    async def _run_with_patience(self, call: GuardedCall, when: When) -> Result:
        """Run a call, and a second time if TRaX's rate limit kept it from doing anything.

        Then no approval was used. It waits without its turn: others may act, and stop, meanwhile.
        """
        for is_first in (True, False):
            try:
                return await self._run_in_turn(call, when)
            except Refused as error:
                if not error.is_rate_limit:
                    raise
                if not (is_first and await self._wait_for_rate_limit(error, call.evidence)):
                    raise _with_approval(error, call.evidence) from None
        raise AssertionError  # the second try has returned or raised

    async def _wait_for_rate_limit(self, error: Refused, evidence: Evidence) -> bool:
        """Wait, if a person has answered, who can't answer again. False if the call may not go on.

        A model can: its confirmation stays good.
        """
        seconds = error.retry_after_seconds
        seconds = _PAUSE_SECONDS if seconds is None else seconds
        if evidence.answer is None or seconds > _MAX_PAUSE_SECONDS:
            return False
        with self._tasks.until_ending():
            await self._clock.sleep(seconds)
        return not self._tasks.is_ending

    async def _run_in_turn(self, call: GuardedCall, when: When) -> Result:
        """Read, decide and send in the turn of the studio, so that nothing comes between.

        Again only if a stop or another use of the same yes came between, or TRaX has accepted the
        caller there meanwhile, who then takes turns with others.
        """
        came, first = self._clock.seconds(), None
        may_be_sent = when is not When.ALWAYS or call.evidence != NO_EVIDENCE
        while True:
            place = self.store.place(call)
            if first is None and self.rules.ask.confirm_alone:  # a stop may come while it waits
                first = await self.store.look(place, call)
            turn = (
                self.store.turns.take(place.own, call.caller.owner)
                if may_be_sent
                else nullcontext("")
            )
            async with turn as turn_id:
                waited = self._clock.seconds() - came
                seen = await self.store.look(place, call)
                if first is not None and seen.last_stop != first.last_stop:
                    call = _without_outdated_confirm(call)
                attempt = Attempt(call, place, turn_id, seen, seen.now - waited)
                result = await self._try(attempt, when)
            if attempt.sent:
                return await self._sender.conclude(attempt)
            if result is not None:
                return result

    async def _try(self, attempt: Attempt, when: When) -> NotRun | Ask | None:
        """Read, judge, and send or respond. None if it was sent, or must begin again."""
        if when is When.NEVER:  # it only takes its turn
            await self._sender.run(attempt)
            return None
        if refused := await self._refuse_before_reading(attempt):
            return refused
        call, reads = attempt.call, _reads_of(attempt.call.operations)
        facts, is_free = Facts(), False
        if when is When.WHILE_LIVE and call.evidence == NO_EVIDENCE:  # a yes was given on air
            facts = await self._read(call, _WHERE)
            is_free = _needs_no_consent(attempt, facts)
        if not is_free:
            facts = await self._read(call, reads, facts)
            is_free = when is When.WHILE_LIVE and _needs_no_consent(attempt, facts)
        place = self.store.place(call)
        if place != attempt.place:  # TRaX has accepted the caller there only now
            if attempt.turn_id:
                return None  # once more, in the turn that is shared with others
            attempt.place, attempt.seen = place, await self.store.look(place, call)
        if not is_free:
            facts = _without_uncertain_status(facts, when, attempt.seen)
            return await self._judge(attempt, facts)
        # A yes that is not needed is used too, so that it cannot run the call again.
        attempt.question_id = question_to_use(call.operations, call.evidence, attempt.seen.question)
        attempt.facts, attempt.is_free = facts, True
        await self._sender.run(attempt)
        return None

    async def _read(
        self, call: GuardedCall, wanted: Sequence[Fact], known: Facts | None = None
    ) -> Facts:
        reader = FactReader(self._client, call.caller, call.studio_id)
        try:
            facts = await reader.read(wanted, known)
        except TraxError as error:
            raise naming_the_read(error, reader.failed).before_sending() from None
        if call.starts_broadcast and facts.is_blind:
            raise reader.failed[Fact.STATUS].before_sending()
        return facts

    async def _judge(self, attempt: Attempt, facts: Facts) -> NotRun | Ask | None:
        """Send or respond, by these facts. None if it was sent, or must begin again."""
        call, seen = attempt.call, attempt.seen
        studio, now = seen.studio, self._clock.now()
        view = View(facts, studio.hidden, studio.changed_to, now=now)
        preview = show(call.operations, view)
        attempt.facts, attempt.digest = facts, preview.digest
        if facts.writes_are_off:
            raise NotSent("write_disabled", WRITES_OFF, WRITES_OFF_NEXT, not_done=NOTHING_CHANGED)
        verdict = judge(self._case(attempt, preview.digest, now))
        self._write_verdict(call, verdict, attempt.digest)
        if not isinstance(verdict, Proceed):
            return await self._respond(attempt, verdict, preview, view)
        attempt.question_id = verdict.question_id
        await self._sender.run(attempt)
        return None

    async def _refuse_before_reading(self, attempt: Attempt) -> NotRun | None:
        """Refuse where no fact matters: the yes was used, or the person refused."""
        call, seen = attempt.call, attempt.seen
        question = seen.question
        if question is not None and question.is_used:
            # The call itself may have removed its target, so reading could fail.
            self._write_verdict(call, ALREADY_USED, question.digest)
            return not_run(call.tool, ALREADY_USED, outcome=question.outcome)
        refusal = refusal_by_person(call.operations, call.evidence.answer, question)
        if refusal is None or question is None:
            return None
        refusal = by_a_person(refusal, call.evidence, age=attempt.came_at - question.asked_at)
        if refusal.reason in {"unseen", "cancelled"}:  # a form that was only closed is no answer
            await self.store.questions.discard(question.id)
        else:
            await self.store.decline(question, call)
        self._write_verdict(call, refusal, question.digest)
        return not_run(call.tool, refusal)

    async def _respond(
        self,
        attempt: Attempt,
        verdict: NeedsAnswer | NeedsConfirmation | Refuse | NothingToDo,
        preview: Preview,
        view: View,
    ) -> Ask | NotRun:
        """Say why the call did not run, and keep a question for the next call if one helps."""
        call, earlier = attempt.call, attempt.seen.question
        changes = tuple[Sentence, ...]()
        if earlier is not None and earlier.is_for(call.operations):
            changes = changes_since(earlier.preview, earlier.hidden, preview, view)
        ask = partial(self.store.ask, attempt.place, attempt.seen, call, preview)
        if isinstance(verdict, NeedsAnswer):
            changes, again = (changes, earlier) if verdict.again else ((), None)
            question = await ask(channel="form", again=again, changes=changes)
            return Ask(question.id, preview, changes, question.number)
        refused = not_run(call.tool, verdict, preview=preview, changes=changes)
        if verdict is TOO_SOON and earlier is not None:
            is_withdrawn = await self.store.questions.note_hurry(earlier.id)
            return replace(refused, why=WITHDRAWN if is_withdrawn else None)
        if not isinstance(verdict, NeedsConfirmation) or self.rules.ask.confirm_alone:
            return refused
        question = await ask(channel="model")
        if verdict.reason == "changed" and earlier is not None:
            await self.store.questions.discard(earlier.id)  # it stays invalid if all changes back
        return replace(refused, confirmation=question.id, expires_at=question.expires_at)

    def _case(self, attempt: Attempt, digest: str, now: datetime) -> Case:
        call, seen = attempt.call, attempt.seen
        return Case(
            operations=call.operations,
            digest=digest,
            evidence=call.evidence,
            question=seen.question,
            ask=self.rules.ask,
            can_ask=call.can_ask,
            came_at=attempt.came_at,
            nothing_to_do=nothing_to_do(
                call.operations,
                attempt.facts,
                go_live_pending=seen.go_live_pending,
                now=now,
            ),
            declined_seconds=seen.declined_seconds,
            is_for_stop=StopToken.looks_like(call.evidence.question_id),
        )

    def _write_verdict(self, call: GuardedCall, verdict: Verdict, digest: str) -> None:
        used = verdict.question_id if isinstance(verdict, Proceed) else None
        approved_in = self._reporter.approved_in(call, used)
        facts = in_audit_log(verdict, ask=self.rules.ask, approved_in=approved_in)
        self.audit.write_verdict(call, facts, digest=digest)


def _with_approval(error: Refused, evidence: Evidence) -> Refused:
    """The failure, with what became of an approval that was not used."""
    if evidence.answer is not None:
        return replace(error, next_step=f"{error.next_step} The user will be asked again.")
    if evidence.confirmation is not None:
        still_good = "The same `confirmation` stays good until it expires."
        return replace(error, next_step=f"{error.next_step} {still_good}")
    return error


def _without_outdated_confirm(call: GuardedCall) -> GuardedCall:
    """The call without a `confirm: true` that is older than a stop, if it puts anything on air.

    Questions that are older than a stop are void in the store.
    """
    return call._replace(evidence=NO_EVIDENCE) if puts_on_air(call.operations) else call


def _reads_of(operations: Operations) -> Sequence[Fact]:
    """The facts that are read before the question about a call, each once."""
    return tuple(dict.fromkeys(fact for it in operations for fact in it.all_reads))


def _needs_no_consent(attempt: Attempt, status: Facts) -> bool:
    """Whether a call that needs consent only while live may run at once.

    If a person was already asked, their answer decides.
    """
    seen = attempt.seen
    may_be_live = status.live is not False or seen.start_may_come or seen.studio.auto_go_live
    return not may_be_live and attempt.call.evidence.answer is None


def _without_uncertain_status(facts: Facts, when: When, seen: Seen) -> Facts:
    """The facts, without an off-air status that may be out of date.

    With `autoGoLive`, a studio can go live by itself right after its status was read.
    """
    is_unclear = when is When.WHILE_LIVE and seen.studio.auto_go_live and facts.live is False
    return facts._replace(status=Read()) if is_unclear else facts
