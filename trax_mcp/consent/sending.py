"""Sends a guarded call, and finds out what came of it.

A lost answer is looked up by reading the stream status, and never sent again. Only a stop that TRaX
refuses because of too many requests is.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import anyio

from trax_mcp.api.answers import Answer
from trax_mcp.api.client import Client
from trax_mcp.api.errors import Outcome, Refused, TraxError, interrupted
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.operations import GoOffline
from trax_mcp.clock import Clock, iso
from trax_mcp.consent.audit import Audit
from trax_mcp.consent.calls import ApprovedIn, Done, GuardedCall
from trax_mcp.consent.plans import plan_for
from trax_mcp.consent.questions import outcome_in_words
from trax_mcp.consent.records import Away, Key, Place, store_unavailable
from trax_mcp.consent.rules import Mode
from trax_mcp.consent.shielded_tasks import ShieldedTasks
from trax_mcp.consent.store import Seen, Store
from trax_mcp.studio.facts import Facts, Observed
from trax_mcp.studio.list_cache import ListCache
from trax_mcp.studio.outcome import OBSERVED_SECONDS, OutcomeObserver
from trax_mcp.studio.reading import FactReader

_SLEPT_SECONDS: Final = 1.0
"""A process that slept for so long may have lost its turn to another."""
_AGAIN_SECONDS: Final = 2.0
"""For how long a stop is tried again that TRaX refuses because of too many requests."""
_TOO_MANY: Final = 429
_TIMEOUTS: Final = 2

_LOG = logging.getLogger(__name__)

Sent = Answer[Model] | TraxError


def outcome_of(sent: Sent) -> Outcome:
    """What is known of a call that was sent, whatever is seen later."""
    return sent.outcome if isinstance(sent, TraxError) else "applied"


@dataclass(slots=True)
class Attempt:
    """One attempt of a call: where it acts, what it has seen there, and what was sent.

    `turn_id` is empty if it can only ask. `undone` is as in `Done`.
    """

    call: GuardedCall
    place: Place
    turn_id: str
    seen: Seen
    facts: Facts = field(default_factory=Facts)
    digest: str | None = None
    question_id: str | None = None
    sent: Sent | None = None
    undone: bool | None = None

    @property
    def outcome(self) -> Outcome:
        """What is known of it, whatever is seen later."""
        return "not_applied" if self.sent is None else outcome_of(self.sent)


class Sender:
    """Sends calls to TRaX, observes their effect, and writes both to the audit log."""

    def __init__(
        self,
        client: Client,
        *,
        mode: Mode,
        store: Store,
        audit: Audit,
        tasks: ShieldedTasks,
        clock: Clock,
        lists: ListCache,
    ) -> None:
        self.tasks = tasks
        self.audit = audit
        self._client = client
        self._store = store
        self._clock = clock
        self._lists = lists
        self._mode = mode
        self.unheard: Counter[Key] = Counter()
        """The stops of each studio that the engine did not hear of in time."""

    async def run(self, attempt: Attempt) -> None:
        """Use the yes, send once, and end the call. Not if a stop or another use came between."""
        call, tasks, began = attempt.call, self.tasks, self._clock.seconds()
        unheard = self.unheard[attempt.place.shared]
        try:
            with anyio.CancelScope(shield=True):  # a yes that is used must come to an end
                has_begun = await self._begin(attempt)
        except Exception:  # it may have begun: then its yes is given back when the engine answers
            self._store.take_later(partial(self._end, attempt))
            raise
        if not has_begun:
            return
        end = partial(self._end, attempt)
        if self._store.records.is_shared and self._clock.seconds() > began + _SLEPT_SECONDS:
            attempt.sent = store_unavailable()  # others may have had the turn meanwhile
            with anyio.CancelScope(shield=True):
                await self._store.now_or_later(end)
            return
        attempt.sent = interrupted(call.operation)
        try:
            with tasks.shield(deadline=self.deadline()):
                attempt.sent = await self.send(call, digest=attempt.digest)
        finally:
            with tasks.shield(deadline=self.deadline()):
                await self._end_or_undo(attempt, unheard)

    async def _begin(self, attempt: Attempt) -> bool:
        return await self._store.begin_call(
            attempt.place,
            attempt.turn_id,
            attempt.question_id,
            attempt.seen,
            starts=attempt.call.operation.starts_broadcast,
        )

    async def _end(self, attempt: Attempt) -> bool:
        """End a call. True if a stop has come since it looked."""
        operation = attempt.call.operation
        return await self._store.end_call(
            attempt.place,
            attempt.turn_id,
            attempt.question_id,
            attempt.seen,
            attempt.outcome,
            starts=operation.starts_broadcast,
            hidden=plan_for(operation).hidden_changes(operation),
            auto_go_live=_auto_go_live_after(operation, attempt.outcome),
            is_undone=attempt.undone is True,
        )

    async def _end_or_undo(self, attempt: Attempt, unheard: int) -> None:
        """End a call. A go-live that a stop has followed takes the studio off the air again.

        Only now: while the engine is away, others may stop and go live once more.
        """
        is_heard = self.unheard[attempt.place.shared] == unheard
        came: bool | None = not is_heard
        if came:  # the engine may be away, and the studio must not stay on air for as long
            self._store.take_later(partial(self._end, attempt))
        else:
            came = await self._store.now_or_later(partial(self._end, attempt))
        if came and attempt.call.operation.starts_broadcast and attempt.outcome != "not_applied":
            attempt.undone = False
            attempt.undone = await self._undo(attempt.call)
            if attempt.undone and is_heard:
                await self._store.now_or_later(partial(self._store.end_go_live, attempt.place))

    async def _undo(self, call: GuardedCall) -> bool:
        """Take the studio off the air: a stop came while the go-live was sent."""
        stop = call._replace(operation=GoOffline(studio_id=call.operation.studio()))
        sent: Sent = interrupted(stop.operation)
        try:
            sent = await self.send(stop, digest=None)
        finally:
            self.write_outcome(stop, sent, outcome_of(sent), None, digest=None)
        return not isinstance(sent, TraxError)

    async def conclude(self, attempt: Attempt, sent: Sent) -> Done:
        """Observe, and record and report the outcome.

        Raises:
            TraxError: the call failed, and its effect was not seen.
        """
        call, place, seen = attempt.call, attempt.place, attempt.seen
        is_undone = attempt.undone is not None

        async def record(words: str, observed: Observed | None) -> None:
            is_on_air = observed is not None and observed.state == "on_air"
            on_air = call.operation.starts_broadcast and is_on_air
            await self._store.record_outcome(place, attempt.question_id, seen, words, on_air=on_air)

        observed = await self.observe_and_record(
            call,
            sent,
            place,
            record,
            digest=attempt.digest,
            until=_at_once if is_undone else partial(self._store.wait_for_stop, place, seen),
        )
        return await self.report(
            call,
            sent,
            attempt.facts,
            observed=observed,
            undone=attempt.undone,
            approved_in=self.approved_in(call, attempt.question_id),
        )

    def approved_in(self, call: GuardedCall, question_id: str | None) -> ApprovedIn | None:
        """How a call that ran was approved. None if it needed no consent."""
        if question_id is None:
            return "flag" if call.evidence.confirm and self._mode is Mode.FLAG else None
        return call.evidence.approved_in

    async def send(self, call: GuardedCall, *, digest: str | None) -> Sent:
        """Send a call once. A stop again while TRaX refuses it for too many requests."""
        self.audit.write("sending", call, digest=digest)
        until = self._clock.seconds() + _AGAIN_SECONDS
        while True:
            try:
                return await self._client.send(call.operation, call.caller)
            except Refused as error:
                pause = error.retry_after_seconds or _AGAIN_SECONDS / 4
                is_crowded = error.http_status == _TOO_MANY
                in_time = self._clock.seconds() + pause <= until
                if not (call.operation.stops_broadcast and is_crowded and in_time):
                    return error
            except TraxError as error:
                return error
            except Exception:  # noqa: BLE001  a yes was taken: the call needs an outcome
                _LOG.exception("%s failed", call.operation.tool_name)
                return interrupted(call.operation)
            await self._clock.sleep(pause)

    def deadline(self, times: int = _TIMEOUTS) -> float:
        """The time, on anyio's clock, when some requests and an observation must have ended."""
        return anyio.current_time() + times * self._client.timeout_seconds + OBSERVED_SECONDS

    async def observe_and_record(
        self,
        call: GuardedCall,
        sent: Sent,
        place: Place,
        record: Callable[[str, Observed | None], Awaitable[None]],
        *,
        digest: str | None = None,
        until: Callable[[], Awaitable[None]] | None = None,
    ) -> Observed | None:
        """Observe a call that was sent, and `record` its outcome in words, here and in the log.

        All that waits is shielded: a call that the client cancels ends only afterwards. `until`
        returns when a stop has come after a go-live: then it is stopping.

        Raises:
            TraxError: the call failed, and its effect was not seen.
        """
        observed = await self._observe(call, sent, until)
        is_seen = isinstance(sent, TraxError) and await self._is_seen(call, place, observed)
        outcome: Outcome = "applied" if is_seen else outcome_of(sent)
        self.write_outcome(call, sent, outcome, observed, digest=digest)
        if outcome != "not_applied":
            words = outcome_in_words(outcome, observed.state if observed else None)
            with anyio.CancelScope(shield=True):
                await self._store.now_or_later(partial(record, words, observed))
        if isinstance(sent, TraxError) and not is_seen:
            raise sent
        return observed

    async def _observe(
        self, call: GuardedCall, sent: Sent, until: Callable[[], Awaitable[None]] | None
    ) -> Observed | None:
        """The state that the stream status shows. None if the call changed no broadcast."""
        operation = call.operation
        changes_broadcast = operation.starts_broadcast or operation.stops_broadcast
        if not changes_broadcast or outcome_of(sent) == "not_applied":
            return None
        observed = Observed("unknown", iso(self._clock.now()))
        with self.tasks.shield(deadline=self.deadline(1)):
            try:
                observed = await self._watch(call, until)
            except Exception:  # noqa: BLE001  the call is done: its outcome must be recorded
                _LOG.exception("watching %s failed", operation.tool_name)
        return observed

    async def _watch(
        self, call: GuardedCall, until: Callable[[], Awaitable[None]] | None
    ) -> Observed:
        operation, observed = call.operation, None
        observer = OutcomeObserver(self._client, call.caller, operation.studio(), clock=self._clock)
        async with anyio.create_task_group() as tasks:

            async def end_early() -> None:
                if until is not None:
                    await until()
                    tasks.cancel_scope.cancel()

            tasks.start_soon(end_early)
            observed = await observer.run(live=operation.starts_broadcast, progress=call.progress)
            tasks.cancel_scope.cancel()
        return observed or Observed("stopping", iso(self._clock.now()))

    async def _is_seen(self, call: GuardedCall, place: Place, observed: Observed | None) -> bool:
        """Whether the effect of the call was seen for certain, whatever TRaX answered."""
        state = observed.state if observed else None
        if state == "on_air" and call.operation.starts_broadcast:
            return True
        if state != "off_air" or not call.operation.stops_broadcast:
            return False
        # A studio that is only starting looks off air too: that is no proof of a stop.
        with anyio.CancelScope(shield=True), suppress(Away):
            seen = await self._store.look(place, call)
            return not seen.go_live_pending
        return False

    def write_outcome(
        self,
        call: GuardedCall,
        sent: Sent,
        outcome: Outcome,
        observed: Observed | None,
        *,
        digest: str | None,
    ) -> None:
        """Write what came of a call that was sent to the audit log."""
        self.audit.write(
            "sent",
            call,
            digest=digest,
            outcome=outcome,
            code=sent.code if isinstance(sent, TraxError) else None,
            requestId=sent.request_id,
            observed=observed.state if observed else None,
        )

    async def report(
        self,
        call: GuardedCall,
        sent: Sent,
        facts: Facts,
        *,
        observed: Observed | None = None,
        undone: bool | None = None,
        approved_in: ApprovedIn | None = None,
    ) -> Done:
        """The result in words, from these facts and the lists that are kept."""
        operation, plan_type = call.operation, plan_for(call.operation)
        done = Done(
            None if isinstance(sent, TraxError) else sent,
            observed,
            undone=undone,
            approved_in=approved_in,
            lost=sent.happened if isinstance(sent, TraxError) else None,
        )
        if plan_type.reads_after:
            reader = FactReader(
                self._client, call.caller, operation.studio(), quick=True, first_page=True
            )
            with suppress(TraxError):  # the call is done: what is missing leads to no warning
                facts = (await reader.read(plan_type.reads_after)).completed_by(facts)
        facts = facts.completed_by(self._lists.known(call.caller, operation.studio()))
        plan = plan_type(operation, facts, now=self._clock.now())
        return done._replace(said=plan.report(done.data, observed, undone=undone))


async def _at_once() -> None:
    """A stop has come already."""


def _auto_go_live_after(operation: Operation[Model], outcome: Outcome) -> bool | None:
    """Whether `autoGoLive` counts as on after a call: in doubt it does. None if nothing changed."""
    turned_on = plan_for(operation).sets_auto_go_live(operation)
    if outcome == "applied":
        return turned_on
    return True if turned_on and outcome == "unknown" else None
