"""The act itself: spend the yes, write it down, send once, look, write it down.

From the moment the yes is spent nothing may cut the act short. A lost answer is resolved by
looking, never by sending again. The room decides nothing: what comes here may run.
"""

import logging
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

import anyio

from trax_mcp.api.client import Client
from trax_mcp.api.errors import TraxError
from trax_mcp.api.failures import cut_short, found_out
from trax_mcp.api.models import Model
from trax_mcp.api.operations import GoLive, GoOffline
from trax_mcp.api.replies import Answer
from trax_mcp.clock import Clock, iso
from trax_mcp.guard.acts import Acts
from trax_mcp.guard.audit import Audit
from trax_mcp.guard.pending import Pending
from trax_mcp.guard.visit import Done, Visit
from trax_mcp.show.outcome import Observed, Watch

_MORE_SECONDS: Final = 15.0
"""What an act may take beyond the time for one request: that is for looking."""

_LOG = logging.getLogger(__name__)

Sent = Answer[Model] | TraxError


@dataclass(slots=True)
class Turn:
    """Whose turn it is to change a studio. `acts` counts those that were begun."""

    lock: anyio.Lock = field(default_factory=anyio.Lock)
    acts: int = 0
    watch: anyio.CancelScope | None = None


class Committer:
    """Runs guarded acts, one at a time for each studio."""

    def __init__(
        self, client: Client, *, pending: Pending, audit: Audit, acts: Acts, clock: Clock
    ) -> None:
        self._client = client
        self._pending = pending
        self._audit = audit
        self._acts = acts
        self._clock = clock
        self._turns: defaultdict[str, Turn] = defaultdict(Turn)

    def acts_so_far(self, visit: Visit) -> int:
        """How many acts were begun where this one would be."""
        turn = self._turns.get(_place(visit))
        return turn.acts if turn else 0

    async def run(
        self, visit: Visit, *, handle: str | None, digest: str, acts_before: int
    ) -> Done | None:
        """Do it; None if somebody acted, or spent the yes, since it was decided: then look again.

        A stop does not mind what others did. It waits while something is being sent, and for
        nothing else: what is only watched, it ends.

        Raises:
            TraxError: it was sent, or tried, and has failed; `outcome` says what is known.
        """
        turn = self._turns[_place(visit)]
        async with turn.lock:
            stale = turn.acts != acts_before and not isinstance(visit.operation, GoOffline)
            if stale or not (handle is None or self._pending.take(handle)):
                return None
            turn.acts += 1
            deadline = anyio.current_time() + self._client.timeout_seconds + _MORE_SECONDS
            sent: Sent = cut_short(visit.operation)
            self._write(visit, "sending", digest=digest)
            with self._acts.begin(deadline=deadline):
                sent = await self._send(visit, turn)
        observed = None
        if _is_worth_watching(visit, sent):
            observed = Observed("unknown", iso(self._clock.now()))
            with self._acts.begin(deadline=deadline):
                observed = await self._watch(visit, turn)
        return self._conclude(visit, sent, observed, handle=handle, digest=digest)

    async def _send(self, visit: Visit, turn: Turn) -> Sent:
        if isinstance(visit.operation, GoLive):
            self._pending.note_start(visit.operation.studio())
        if isinstance(visit.operation, GoOffline):
            self._pending.void_starts(visit.operation.studio())
            if turn.watch is not None:
                turn.watch.cancel()
        try:
            return await self._client.send(visit.operation, visit.caller)
        except TraxError as error:
            return error
        except Exception:  # noqa: BLE001  whatever it was, the yes is spent and must be accounted for
            _LOG.exception("%s failed", visit.operation.known_as)
            return cut_short(visit.operation)

    async def _watch(self, visit: Visit, turn: Turn) -> Observed:
        """Look until it is known what came of it; of a go-live, until a stop comes."""
        going_live = isinstance(visit.operation, GoLive)
        watch = Watch(self._client, visit.caller, visit.operation.studio(), clock=self._clock)
        with anyio.CancelScope() as scope:
            turn.watch = scope if going_live else turn.watch
            return await watch.look(live=going_live, progress=visit.progress)
        return Observed("stopping", iso(self._clock.now()))

    def _conclude(
        self,
        visit: Visit,
        sent: Sent,
        observed: Observed | None,
        *,
        handle: str | None,
        digest: str,
    ) -> Done:
        """Write down and remember what came of it. Nothing here waits, so nothing can cut it."""
        if isinstance(sent, TraxError):
            seen = _seen(visit, observed) if observed else None
            sent = found_out(sent, visit.operation, seen)
        outcome = sent.failure.outcome if isinstance(sent, TraxError) else "applied"
        request_id = sent.failure.request_id if isinstance(sent, TraxError) else sent.request_id
        state = observed.state if observed else None
        code = sent.failure.code if isinstance(sent, TraxError) else None
        self._write(
            visit,
            "sent",
            digest=digest,
            outcome=outcome,
            code=code,
            requestId=request_id,
            observed=state,
        )
        self._remember(visit, outcome=outcome, state=state, handle=handle)
        if isinstance(sent, TraxError):
            raise sent
        return Done(sent, observed)

    def _remember(
        self, visit: Visit, *, outcome: str, state: str | None, handle: str | None
    ) -> None:
        undone = outcome == "not_applied"
        if isinstance(visit.operation, GoLive) and (undone or state == "on_air"):
            self._pending.note_end(visit.operation.studio())
        if isinstance(visit.operation, GoOffline) and not undone:
            self._pending.note_end(visit.operation.studio())
        if handle is None:
            return
        if undone:
            self._pending.give_back(handle)
        else:
            self._pending.settle(handle, _came_of_it(outcome, state))

    def _write(self, visit: Visit, event: str, **facts: object) -> None:
        self._audit.write(event, visit.operation, visit.asker, **facts)


def _place(visit: Visit) -> str:
    """Where acts must take turns: the studio, or what is in none."""
    return visit.operation.studio() or visit.operation.target()


def _is_worth_watching(visit: Visit, sent: Sent) -> bool:
    changes_air = isinstance(visit.operation, GoLive | GoOffline)
    undone = isinstance(sent, TraxError) and sent.failure.outcome == "not_applied"
    return changes_air and not undone


def _came_of_it(outcome: str, state: str | None) -> str:
    ran = "the call ran" if outcome == "applied" else "whether the call ran is not known"
    return f"{ran}, and the studio was then {state.replace('_', ' ')}" if state else ran


def _seen(visit: Visit, observed: Observed) -> str | None:
    """In words, that it happened after all; None if that was not seen."""
    wanted = "on_air" if isinstance(visit.operation, GoLive) else "off_air"
    if observed.state != wanted:
        return None
    since = f" since {observed.since}" if observed.since else ""
    return f"it is {wanted.replace('_', ' ')}{since}"
