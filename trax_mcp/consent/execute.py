"""The act itself: spend the yes, write it down, send once, look, write it down.

From the moment the yes is spent nothing may cut the act short. A lost answer is resolved by
looking, never by sending again. The room decides nothing: what comes here may run.
"""

import logging
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

import anyio

from trax_mcp.api.client import Client
from trax_mcp.api.error_texts import found_out, interrupted
from trax_mcp.api.errors import Outcome, TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.operations import GoLive, is_stop
from trax_mcp.api.responses import Answer
from trax_mcp.clock import Clock, iso
from trax_mcp.consent.audit import Audit
from trax_mcp.consent.calls import Done, GuardedCall
from trax_mcp.consent.shielded_tasks import ShieldedTasks
from trax_mcp.consent.store import ConsentStore
from trax_mcp.consent.turns import Turn, Turns
from trax_mcp.studio.outcome import Observed, Watch

_MORE_SECONDS: Final = 15.0
"""What an act may take beyond the time for one request: that is for looking."""

_LOG = logging.getLogger(__name__)

Sent = Answer[Model] | TraxError


@dataclass(frozen=True, slots=True)
class Leave:
    """The decision that an act may run: the yes to spend, and what was seen when it was made."""

    handle: str | None
    acts_before: int
    digest: str | None = None


class Committer:
    """Runs guarded acts, one at a time for each studio."""

    def __init__(
        self,
        client: Client,
        *,
        pending: ConsentStore,
        audit: Audit,
        acts: ShieldedTasks,
        clock: Clock,
    ) -> None:
        self._client = client
        self._pending = pending
        self._audit = audit
        self._acts = acts
        self._clock = clock
        self._turns = Turns()

    def acts_so_far(self, visit: GuardedCall) -> int:
        """How many acts have begun, or ended, where this one would be."""
        return self._turns.so_far(_place(visit)).acts

    def stops_so_far(self, visit: GuardedCall) -> int:
        """How many stops there were that TRaX did not refuse."""
        return self._turns.so_far(_place(visit)).stops

    async def run(self, visit: GuardedCall, leave: Leave) -> Done | None:
        """Do it; None if somebody acted, or spent the yes, since it was decided: then look again.

        A stop does not mind what others did. It waits while something is being sent, and for
        nothing else: what is only watched, it ends.

        Raises:
            TraxError: it was sent, or tried, and has failed; `outcome` says what is known.
        """
        turn = self._turns.at(_place(visit))
        async with turn.lock:
            stale = turn.acts != leave.acts_before and not is_stop(visit.operation)
            if stale or not (leave.handle is None or self._pending.take(leave.handle)):
                return None
            turn.acts += 1
            deadline = anyio.current_time() + self._client.timeout_seconds + _MORE_SECONDS
            sent: Sent = interrupted(visit.operation)
            self._audit.write("sending", visit.operation, visit.asker, digest=leave.digest)
            if isinstance(visit.operation, GoLive):
                self._pending.note_start(visit.operation.studio())
            with self._acts.begin(deadline=deadline):
                sent = await self._send(visit)
            self._heed(visit, turn, _outcome(sent))
            turn.acts += 1
        observed = None
        if isinstance(visit.operation, GoLive) or is_stop(visit.operation):
            observed = await self._look(visit, turn, sent, deadline=deadline)
        return self._conclude(visit, leave, sent, observed)

    async def _send(self, visit: GuardedCall) -> Sent:
        try:
            return await self._client.send(visit.operation, visit.caller)
        except TraxError as error:
            return error
        except Exception:  # noqa: BLE001  whatever it was, the yes is spent and must be accounted for
            _LOG.exception("%s failed", visit.operation.tool_name)
            return interrupted(visit.operation)

    def _heed(self, visit: GuardedCall, turn: Turn, outcome: Outcome) -> None:
        """What others must know before their turn comes. A refused act has changed nothing."""
        studio = visit.operation.studio()
        if isinstance(visit.operation, GoLive) and outcome == "not_applied":
            self._pending.note_end(studio)
        if is_stop(visit.operation) and outcome != "not_applied":
            turn.stops += 1
            self._pending.void_starts(studio)
            turn.end_watches()
        if is_stop(visit.operation) and outcome == "applied":
            self._pending.note_end(studio)

    async def _look(
        self, visit: GuardedCall, turn: Turn, sent: Sent, *, deadline: float
    ) -> Observed | None:
        """What was seen afterwards; None if there was nothing to see."""
        if _outcome(sent) == "not_applied":
            return None
        with self._acts.begin(deadline=deadline):
            return await self._watch(visit, turn)
        return Observed("unknown", iso(self._clock.now()))  # what was cut short comes here

    async def _watch(self, visit: GuardedCall, turn: Turn) -> Observed:
        """Look until it is known what came of it; of a go-live, until a stop comes."""
        going_live = isinstance(visit.operation, GoLive)
        watch = Watch(self._client, visit.caller, visit.operation.studio(), clock=self._clock)
        try:
            with turn.watched() if going_live else nullcontext():
                return await watch.look(live=going_live, progress=visit.progress)
            return Observed("stopping", iso(self._clock.now()))
        except Exception:  # noqa: BLE001  the act is done, and must be accounted for
            _LOG.exception("watching %s failed", visit.operation.tool_name)
            return Observed("unknown", iso(self._clock.now()))

    def _conclude(
        self, visit: GuardedCall, leave: Leave, sent: Sent, observed: Observed | None
    ) -> Done:
        """Write down and remember what came of it. Nothing here waits, so nothing can cut it."""
        if isinstance(sent, TraxError):
            sent = found_out(sent, visit.operation, self._seen(visit, observed))
        error = sent if isinstance(sent, TraxError) else None
        state = observed.state if observed else None
        self._audit.write(
            "sent",
            visit.operation,
            visit.asker,
            digest=leave.digest,
            outcome=_outcome(sent),
            code=error.failure.code if error else None,
            requestId=_request_id(sent),
            observed=state,
        )
        if isinstance(visit.operation, GoLive) and state == "on_air":
            self._pending.note_end(visit.operation.studio())
        if leave.handle is not None:
            self._settle(leave.handle, _outcome(sent), state)
        if isinstance(sent, TraxError):
            raise sent
        return Done(sent, observed)

    def _settle(self, handle: str, outcome: Outcome, state: str | None) -> None:
        """What certainly did nothing leaves the yes as good as it was."""
        if outcome == "not_applied":
            self._pending.give_back(handle)
        else:
            self._pending.settle(handle, _came_of_it(outcome, state))

    def _seen(self, visit: GuardedCall, observed: Observed | None) -> str | None:
        """In words, that it happened after all; None if that was not seen."""
        if observed is None:
            return None
        if observed.state == "on_air" and isinstance(visit.operation, GoLive):
            return f"it is on air since {observed.since}" if observed.since else "it is on air"
        # What is only starting looks off air as well: that is no proof of a stop.
        may_start = self._pending.is_starting(visit.operation.studio())
        stopped = observed.state == "off_air" and is_stop(visit.operation)
        return "it is off air" if stopped and not may_start else None


def _place(visit: GuardedCall) -> str:
    """Where acts must take turns: the studio, or what is in none."""
    return visit.operation.studio() or visit.operation.target()


def _outcome(sent: Sent) -> Outcome:
    return sent.failure.outcome if isinstance(sent, TraxError) else "applied"


def _request_id(sent: Sent) -> str | None:
    return sent.failure.request_id if isinstance(sent, TraxError) else sent.request_id


def _came_of_it(outcome: Outcome, state: str | None) -> str:
    ran = "the call ran" if outcome == "applied" else "whether the call ran is not known"
    return f"{ran}, and the studio was then {state.replace('_', ' ')}" if state else ran
