"""Sends a guarded call once, and finds out what came of it.

A lost answer is resolved by reading the stream status, never by sending again.
"""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

import anyio

from trax_mcp.api.client import Client
from trax_mcp.api.error_texts import interrupted
from trax_mcp.api.errors import Outcome, Refused, TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.responses import Answer
from trax_mcp.clock import Clock, iso
from trax_mcp.consent.audit import Audit
from trax_mcp.consent.calls import Done, GuardedCall
from trax_mcp.consent.evidence import ApprovedIn
from trax_mcp.consent.plans import plan_for
from trax_mcp.consent.records import Away
from trax_mcp.consent.shielded_tasks import ShieldedTasks
from trax_mcp.consent.store import Store
from trax_mcp.studio.fact_reader import FactReader
from trax_mcp.studio.facts import Facts, Observed
from trax_mcp.studio.list_cache import ListCache
from trax_mcp.studio.outcome import OBSERVED_SECONDS, OutcomeObserver

_AGAIN_SECONDS: Final = 2.0
"""For how long a stop is tried again that TRaX refuses because of too many requests."""
_TOO_MANY: Final = 429
_TIMEOUTS: Final = 2

_LOG = logging.getLogger(__name__)

Sent = Answer[Model] | TraxError


def outcome_of(sent: Sent) -> Outcome:
    """What is known of a call that was sent, whatever is seen later."""
    return sent.failure.outcome if isinstance(sent, TraxError) else "applied"


class Sender:
    """Sends calls to TRaX, observes their effect, and writes both to the audit log."""

    def __init__(
        self,
        client: Client,
        *,
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

    async def send(self, call: GuardedCall, *, digest: str | None) -> Sent:
        """Send a call once. A stop again while TRaX refuses it for too many requests."""
        self.audit.write("sending", call, digest=digest)
        until = self._clock.seconds() + _AGAIN_SECONDS
        while True:
            try:
                return await self._client.send(call.operation, call.caller)
            except Refused as error:
                pause = error.failure.retry_after_seconds or _AGAIN_SECONDS / 4
                is_crowded = error.failure.http_status == _TOO_MANY
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

    async def observe(
        self, call: GuardedCall, sent: Sent, *, until: Callable[[], Awaitable[None]] | None = None
    ) -> Observed | None:
        """The state that the stream status shows. None if the call changed no broadcast.

        `until` returns when a stop has come after a go-live: then it is stopping.
        """
        changes_broadcast = call.operation.starts_broadcast or call.operation.stops_broadcast
        if not changes_broadcast or outcome_of(sent) == "not_applied":
            return None
        with self.tasks.shield(deadline=self.deadline(1)):
            return await self._observe(call, until)
        return self._unknown()  # the shield was cut short

    async def _observe(
        self, call: GuardedCall, until: Callable[[], Awaitable[None]] | None
    ) -> Observed:
        live, observed = call.operation.starts_broadcast, None
        studio = call.operation.studio()
        observer = OutcomeObserver(self._client, call.caller, studio, clock=self._clock)
        try:
            async with anyio.create_task_group() as tasks:

                async def end_early() -> None:
                    if until is not None:
                        await until()
                        tasks.cancel_scope.cancel()

                tasks.start_soon(end_early)
                observed = await observer.run(live=live, progress=call.progress)
                tasks.cancel_scope.cancel()
            return observed or Observed("stopping", iso(self._clock.now()))
        except Exception:  # noqa: BLE001  the call is done: its outcome must be recorded
            _LOG.exception("watching %s failed", call.operation.tool_name)
            return self._unknown()

    def _unknown(self) -> Observed:
        return Observed("unknown", iso(self._clock.now()))

    async def is_seen(self, call: GuardedCall, observed: Observed | None) -> bool:
        """Whether the effect of the call was seen for certain, whatever TRaX answered."""
        state = observed.state if observed else None
        if state == "on_air" and call.operation.starts_broadcast:
            return True
        if state != "off_air" or not call.operation.stops_broadcast:
            return False
        # A studio that is only starting looks off air too: that is no proof of a stop.
        with anyio.CancelScope(shield=True), suppress(Away):
            place = await self._store.place(call.operation, call.caller)
            seen = await self._store.look(place, None, call.operation, call.caller)
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
        failure = sent.failure if isinstance(sent, TraxError) else None
        answer = None if isinstance(sent, TraxError) else sent
        self.audit.write(
            "sent",
            call,
            digest=digest,
            outcome=outcome,
            code=failure.code if failure else None,
            requestId=failure.request_id if failure else answer and answer.request_id,
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
            lost=sent.failure.happened if isinstance(sent, TraxError) else None,
        )
        if plan_type.reads_after:
            reader = FactReader(
                self._client, call.caller, operation.studio(), quick=True, first_page=True
            )
            with suppress(TraxError):  # the call is done: what is missing leads to no warning
                facts = (await reader.read(plan_type.reads_after)).completed_by(facts)
        facts = facts.completed_by(self._lists.known(call.caller, operation.studio()))
        plan = plan_type(operation, facts, now=self._clock.now())
        return replace(done, said=plan.report(done.data, observed, undone=undone))
