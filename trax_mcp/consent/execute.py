"""Runs a guarded call that has begun: send once, finish, observe, record.

A lost answer is resolved by reading the stream status, never by sending again.
"""

import logging
from contextlib import suppress
from dataclasses import replace
from typing import Final

import anyio

from trax_mcp.api.client import Client
from trax_mcp.api.error_texts import interrupted, repetition_failed
from trax_mcp.api.errors import Outcome, TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.operations import GoOffline
from trax_mcp.api.responses import Answer
from trax_mcp.clock import Clock, iso
from trax_mcp.consent.audit import Audit
from trax_mcp.consent.calls import Done, GuardedCall
from trax_mcp.consent.plans import plan_for
from trax_mcp.consent.shielded_tasks import ShieldedTasks
from trax_mcp.consent.store import ConsentStore, Stale, Started
from trax_mcp.studio.facts import Observed
from trax_mcp.studio.outcome import OBSERVED_SECONDS, OutcomeObserver

_MAX_TIMEOUTS: Final = 3
"""A stop is sent, waits for a go-live, and is sent again: each step takes one time-out at most."""

_LOG = logging.getLogger(__name__)

Sent = Answer[Model] | TraxError


class Executor:
    """Runs guarded calls. The client cannot cancel a call that has started."""

    def __init__(
        self,
        client: Client,
        *,
        store: ConsentStore,
        audit: Audit,
        tasks: ShieldedTasks,
        clock: Clock,
    ) -> None:
        self._client = client
        self._store = store
        self._audit = audit
        self._tasks = tasks
        self._clock = clock

    async def run(
        self, call: GuardedCall, started: Started, *, digest: str | None, wait_until: float
    ) -> Done | Stale:
        """Send the call and return its result. Stale if it is no longer its turn.

        A stop lets a go-live that is being sent end first, until `wait_until` on anyio's clock.

        Raises:
            TraxError: it was sent, or tried, and failed. `outcome` says what is known.
        """
        if not self._store.may_send(started):
            await self._finish(call, started, "not_applied")
            return Stale()
        sent: Sent = interrupted(call.operation)
        sent_again = False
        try:
            with self._tasks.shield(deadline=self._deadline(_MAX_TIMEOUTS)):
                started = await self._wait_for_go_live(started, until=wait_until)
                sent = await self._send(call, digest=digest)
                if sent_again := await self._must_send_again(call, started):
                    sent = interrupted(call.operation)
                    sent = _repeated(await self._send(call, digest=digest))
                await self._undo_if_overtaken(call, started, sent)
        finally:
            await self._finish(call, started, _outcome(sent))
        # Everything that waits from here on is shielded: if the client cancels the call, it ends
        # only after its outcome was recorded.
        observed = await self._observe(call, started, sent)
        is_seen = isinstance(sent, TraxError) and await self._is_seen(call, observed)
        outcome: Outcome = "applied" if is_seen else _outcome(sent)
        self._write_outcome(call, sent, outcome, observed, digest=digest)
        await self._record(started, outcome, observed)
        if not isinstance(sent, TraxError):
            return Done(sent, observed, sent_again=sent_again)
        if not is_seen:
            raise sent
        return Done(None, observed, sent_again=sent_again, lost=sent.failure.happened)

    async def _wait_for_go_live(self, started: Started, *, until: float) -> Started:
        """Let a go-live that is being sent end first, so that a stop comes last."""
        if not started.operation.stops_broadcast:
            return started
        with anyio.CancelScope(deadline=until):
            await self._store.wait_for_go_live(started.place)
        return await self._store.note_overlap(started)

    def _deadline(self, times: int = 0) -> float:
        """The time, on anyio's clock, when some requests and an observation must have ended."""
        return anyio.current_time() + times * self._client.timeout_seconds + OBSERVED_SECONDS

    async def _must_send_again(self, call: GuardedCall, started: Started) -> bool:
        """Whether TRaX may have received an earlier go-live after this stop.

        A stop does not wait for a slow go-live. It is sent once more when the go-live has ended.
        """
        place = call.place(self._client.accepted_keys)
        has_access = place.has_access or started.place.has_access
        if not call.operation.stops_broadcast or not has_access:
            return False
        return await self._store.go_live_may_follow(started)

    async def _undo_if_overtaken(self, call: GuardedCall, started: Started, sent: Sent) -> None:
        """Repeat a stop that did not know of this go-live. A person has agreed to it."""
        if not call.operation.starts_broadcast or _outcome(sent) == "not_applied":
            return
        if not await self._store.was_overtaken(started):
            return
        stop = replace(call, operation=GoOffline(studio_id=call.operation.studio()))
        stopped: Sent = interrupted(stop.operation)
        try:
            stopped = await self._send(stop, digest=None)
        finally:
            self._write_outcome(stop, stopped, _outcome(stopped), None, digest=None)

    async def _send(self, call: GuardedCall, *, digest: str | None) -> Sent:
        self._audit.write("sending", call.operation, call.actor, digest=digest)
        try:
            return await self._client.send(call.operation, call.caller)
        except TraxError as error:
            return error
        except Exception:  # noqa: BLE001  a confirmation was taken: the call needs an outcome
            _LOG.exception("%s failed", call.operation.tool_name)
            return interrupted(call.operation)

    async def _finish(self, call: GuardedCall, started: Started, outcome: Outcome) -> None:
        operation, plan = call.operation, plan_for(call.operation)
        place = call.place(self._client.accepted_keys)
        with anyio.CancelScope(shield=True):
            if (on := _auto_go_live_after(operation, outcome)) is not None:
                await self._store.record_auto_go_live(place, on=on)
            await self._store.finish(
                started, outcome, place=place, hidden_fields=plan.hidden_fields(operation)
            )

    async def _observe(self, call: GuardedCall, started: Started, sent: Sent) -> Observed | None:
        """The state that the stream status shows. None if the call changed no broadcast."""
        changes_broadcast = call.operation.starts_broadcast or call.operation.stops_broadcast
        if not changes_broadcast or _outcome(sent) == "not_applied":
            return None
        with self._tasks.shield(deadline=self._deadline()):
            return await self._observe_until_stop(call, started)
        return self._unknown()  # the shield was cut short

    async def _observe_until_stop(self, call: GuardedCall, started: Started) -> Observed:
        """Observe until the result is known, or until a stop has come after it (a go-live only)."""
        live, observed = call.operation.starts_broadcast, None
        studio = call.operation.studio()
        observer = OutcomeObserver(self._client, call.caller, studio, clock=self._clock)
        try:
            async with anyio.create_task_group() as tasks:

                async def end_at_stop() -> None:
                    await self._store.wait_for_stop(started)
                    tasks.cancel_scope.cancel()

                if live:
                    tasks.start_soon(end_at_stop)
                observed = await observer.run(live=live, progress=call.progress)
                tasks.cancel_scope.cancel()
            return observed or Observed("stopping", iso(self._clock.now()))
        except Exception:  # noqa: BLE001  the call is done: its outcome must be recorded
            _LOG.exception("watching %s failed", call.operation.tool_name)
            return self._unknown()

    def _unknown(self) -> Observed:
        return Observed("unknown", iso(self._clock.now()))

    async def _is_seen(self, call: GuardedCall, observed: Observed | None) -> bool:
        """Whether the effect of the call was seen for certain, whatever TRaX answered."""
        state = observed.state if observed else None
        if state == "on_air" and call.operation.starts_broadcast:
            return True
        if state != "off_air" or not call.operation.stops_broadcast:
            return False
        # A studio that is only starting looks off air too: that is no proof of a stop.
        with anyio.CancelScope(shield=True), suppress(TraxError):  # the store may be away
            seen = await self._store.look(call.place(self._client.accepted_keys), None)
            return not seen.go_live_pending
        return False

    def _write_outcome(
        self,
        call: GuardedCall,
        sent: Sent,
        outcome: Outcome,
        observed: Observed | None,
        *,
        digest: str | None,
    ) -> None:
        code, request_id = _code_and_request_id(sent)
        self._audit.write(
            "sent",
            call.operation,
            call.actor,
            digest=digest,
            outcome=outcome,
            code=code,
            requestId=request_id,
            observed=observed.state if observed else None,
        )

    async def _record(self, started: Started, outcome: Outcome, observed: Observed | None) -> None:
        if outcome == "not_applied":
            return  # its confirmation is unused again
        state = observed.state if observed else None
        on_air = started.operation.starts_broadcast and state == "on_air"
        with anyio.CancelScope(shield=True):
            await self._store.record(started, _outcome_text(outcome, state), on_air=on_air)


def _auto_go_live_after(operation: Operation[Model], outcome: Outcome) -> bool | None:
    """Whether `autoGoLive` counts as on after a call: in doubt it does. None if nothing changed."""
    turned_on = plan_for(operation).sets_auto_go_live(operation)
    if outcome == "applied":
        return turned_on
    return True if turned_on and outcome == "unknown" else None


def _repeated(again: Sent) -> Sent:
    """The result of a stop that was sent twice: without a second answer it is unknown."""
    return repetition_failed(again) if isinstance(again, TraxError) else again


def _outcome(sent: Sent) -> Outcome:
    return sent.failure.outcome if isinstance(sent, TraxError) else "applied"


def _code_and_request_id(sent: Sent) -> tuple[str | None, str | None]:
    """The code of a failure, and the request id."""
    if isinstance(sent, TraxError):
        return sent.failure.code, sent.failure.request_id
    return None, sent.request_id


def _outcome_text(outcome: Outcome, state: str | None) -> str:
    ran = "the call ran" if outcome == "applied" else "whether the call ran is not known"
    return f"{ran}, and the studio was then {state.replace('_', ' ')}" if state else ran
