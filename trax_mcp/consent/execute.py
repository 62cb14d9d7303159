"""Runs a guarded call that has begun: send once, finish, observe, record.

A lost answer is resolved by looking, never by sending again.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from trax_mcp.api.client import Client
from trax_mcp.api.error_texts import interrupted, mark_applied
from trax_mcp.api.errors import Outcome, TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.responses import Answer
from trax_mcp.clock import Clock, iso
from trax_mcp.consent.audit import Audit
from trax_mcp.consent.calls import Done, GuardedCall
from trax_mcp.consent.plans import plan_for
from trax_mcp.consent.shielded_tasks import ShieldedTasks
from trax_mcp.consent.store import ConsentStore, Started
from trax_mcp.studio import naming
from trax_mcp.studio.outcome import WATCH_SECONDS, Observed, OutcomeObserver

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
        self._watches: dict[anyio.CancelScope, str] = {}

    async def run(self, call: GuardedCall, started: Started, *, digest: str | None) -> Done:
        """Send the call and return what came of it.

        Raises:
            TraxError: it was sent, or tried, and failed. `outcome` says what is known.
        """
        deadline = anyio.current_time() + self._client.timeout_seconds + WATCH_SECONDS
        sent: Sent = interrupted(call.operation)
        with self._watch_that_a_stop_ends(started) as watch:
            try:
                with self._tasks.shield(deadline=deadline):
                    self._audit.write("sending", call.operation, call.actor, digest=digest)
                    sent = await self._send(call)
            finally:
                await self._finish(started, _outcome(sent))
            # Everything from here on that waits is shielded: if the client has given up, the call
            # is cancelled only after its outcome was recorded.
            observed = await self._observe(call, sent, watch, deadline=deadline)
        sent = await self._resolve(call, sent, observed)
        self._write_outcome(call, sent, observed, digest=digest)
        await self._record(started, sent, observed)
        if isinstance(sent, TraxError):
            raise sent
        return Done(sent, observed)

    async def _send(self, call: GuardedCall) -> Sent:
        try:
            return await self._client.send(call.operation, call.caller)
        except TraxError as error:
            return error
        except Exception:  # noqa: BLE001  a confirmation was taken: the call needs an outcome
            _LOG.exception("%s failed", call.operation.tool_name)
            return interrupted(call.operation)

    async def _finish(self, started: Started, outcome: Outcome) -> None:
        operation = started.operation
        hidden = plan_for(operation).hidden_fields(operation)
        watches = [scope for scope, place in self._watches.items() if place == started.place]
        with anyio.CancelScope(shield=True):
            await self._store.finish(started, outcome, hidden_fields=hidden)
        if operation.stops_broadcast and outcome != "not_applied":
            # A stop does not wait for an earlier go-live that is only being watched.
            for scope in watches:
                scope.cancel()

    @contextmanager
    def _watch_that_a_stop_ends(self, started: Started) -> Iterator[anyio.CancelScope]:
        """A scope for watching a go-live, registered before the turn ends: a stop cancels it."""
        scope = anyio.CancelScope()
        if started.operation.starts_broadcast:
            self._watches[scope] = started.place
        try:
            yield scope
        finally:
            self._watches.pop(scope, None)

    async def _observe(
        self, call: GuardedCall, sent: Sent, watch: anyio.CancelScope, *, deadline: float
    ) -> Observed | None:
        """What the stream status shows. None if the call changed no broadcast."""
        changes_broadcast = call.operation.starts_broadcast or call.operation.stops_broadcast
        if not changes_broadcast or _outcome(sent) == "not_applied":
            return None
        with self._tasks.shield(deadline=deadline):
            return await self._watch(call, watch)
        return self._unseen()  # the shield was cut short

    async def _watch(self, call: GuardedCall, watch: anyio.CancelScope) -> Observed:
        """Watch until the result is known; a go-live also until a stop comes."""
        live = call.operation.starts_broadcast
        studio = call.operation.studio()
        observer = OutcomeObserver(self._client, call.caller, studio, clock=self._clock)
        try:
            with watch:
                return await observer.run(live=live, progress=call.progress)
            return Observed("stopping", iso(self._clock.now()))
        except Exception:  # noqa: BLE001  the call is done: its outcome must be recorded
            _LOG.exception("watching %s failed", call.operation.tool_name)
            return self._unseen()

    def _unseen(self) -> Observed:
        return Observed("unknown", iso(self._clock.now()))

    async def _resolve(self, call: GuardedCall, sent: Sent, observed: Observed | None) -> Sent:
        """Complete a lost answer with what was seen afterwards."""
        if not isinstance(sent, TraxError) or observed is None:
            return sent
        return mark_applied(sent, call.operation, await self._proof(call, observed))

    async def _proof(self, call: GuardedCall, observed: Observed) -> str | None:
        """In words, that the call took effect. None if that was not seen."""
        if observed.state == "on_air" and call.operation.starts_broadcast:
            return f"it is on air{naming.since(observed.since)}"
        if observed.state != "off_air" or not call.operation.stops_broadcast:
            return None
        # A studio that is only starting looks off air too: that is no proof of a stop.
        with anyio.CancelScope(shield=True):
            seen = await self._store.look(call.place, None, caller=call.caller.fingerprint)
        return None if seen.start_pending else "it is off air"

    def _write_outcome(
        self, call: GuardedCall, sent: Sent, observed: Observed | None, *, digest: str | None
    ) -> None:
        code, request_id = _account(sent)
        self._audit.write(
            "sent",
            call.operation,
            call.actor,
            digest=digest,
            outcome=_outcome(sent),
            code=code,
            requestId=request_id,
            observed=observed.state if observed else None,
        )

    async def _record(self, started: Started, sent: Sent, observed: Observed | None) -> None:
        if _outcome(sent) == "not_applied":
            return  # its confirmation is unused again
        state = observed.state if observed else None
        on_air = started.operation.starts_broadcast and state == "on_air"
        with anyio.CancelScope(shield=True):
            await self._store.record(started, _in_words(_outcome(sent), state), on_air=on_air)


def _outcome(sent: Sent) -> Outcome:
    return sent.failure.outcome if isinstance(sent, TraxError) else "applied"


def _account(sent: Sent) -> tuple[str | None, str | None]:
    """The code of a failure, and the request id."""
    if isinstance(sent, TraxError):
        return sent.failure.code, sent.failure.request_id
    return None, sent.request_id


def _in_words(outcome: Outcome, state: str | None) -> str:
    ran = "the call ran" if outcome == "applied" else "whether the call ran is not known"
    return f"{ran}, and the studio was then {state.replace('_', ' ')}" if state else ran
