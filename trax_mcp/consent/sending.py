"""Sends the steps of a guarded call, each once, and ends the call.

Only a stop that TRaX refuses because of too many requests is sent again.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final

import anyio
import anyio.lowlevel

from trax_mcp.actions.change import Change
from trax_mcp.actions.shown import facts_before_last, is_as_shown
from trax_mcp.actions.stream import GoOffline
from trax_mcp.actions.view import View
from trax_mcp.api.client import Client
from trax_mcp.api.errors import Refused, TraxError, interrupted
from trax_mcp.api.reads import GetStreamStatus
from trax_mcp.clock import Clock
from trax_mcp.consent.attempts import Attempt, Sent, is_certain, not_changed, outcome_of
from trax_mcp.consent.audit import Audit
from trax_mcp.consent.calls import Done, GuardedCall
from trax_mcp.consent.records import Away, Key, store_unavailable
from trax_mcp.consent.reporting import Reporter
from trax_mcp.consent.shielded_tasks import ShieldedTasks
from trax_mcp.consent.store import Store
from trax_mcp.studio.facts import Fact, Facts, Observed, Read
from trax_mcp.studio.reading import FactReader

_SLEPT_SECONDS: Final = 1.0
"""A process that slept for so long may have lost its turn to another."""
_AGAIN_SECONDS: Final = 2.0
"""For how long a stop is tried again that TRaX refuses because of too many requests."""
_STEPS_SECONDS: Final = 30.0
"""How long steps may begin. Many clients give up after a minute."""
_STOPPED: Final = "a stop came"
_ENGINE_AWAY: Final = "the store that replicas share did not answer in time"
_MAY_BE_ON_AIR: Final = "the studio may be on air by now, so it needs approval"
_NOT_AS_SHOWN: Final = "it would not go out as it was shown"
_NOT_SEEN: Final = "the destinations could not be read once more"
_TOO_MANY: Final = 429

_LOG = logging.getLogger(__name__)


class Sender:
    """Sends calls to TRaX, and writes each to the audit log before and after."""

    def __init__(
        self,
        client: Client,
        reporter: Reporter,
        *,
        store: Store,
        audit: Audit,
        tasks: ShieldedTasks,
        clock: Clock,
    ) -> None:
        self.tasks = tasks
        self.audit = audit
        self._client = client
        self._store = store
        self._clock = clock
        self._reporter = reporter
        self.unheard: Counter[Key] = Counter()
        """The stops of each studio that the engine did not hear of in time."""

    async def run(self, attempt: Attempt) -> None:
        """Use the yes, send each step once, in order, and end the call.

        Nothing is sent if a stop or another use of the yes came between. No further step is sent
        after one that is not certainly done, or after a stop.
        """
        began, unheard = self._clock.seconds(), self.unheard[attempt.place.shared]
        first, *others = attempt.call.operations
        try:
            with anyio.CancelScope(shield=True):  # a yes that is used must come to an end
                has_begun = await self._begin(attempt, first)
        except Exception:  # it may have begun: then its yes is given back when the engine answers
            self._store.later.add(partial(self._end, attempt))
            raise
        if not has_begun:
            return
        if self._has_slept(since=began):
            attempt.sent.append(store_unavailable())
            attempt.cut_short = _ENGINE_AWAY
            with anyio.CancelScope(shield=True):
                await self._store.later.now_or_later(partial(self._end, attempt))
            return
        try:
            await self._send_step(attempt, first)
            for step in others:
                if not await self._goes_on(attempt, step, began=began, unheard=unheard):
                    break
                await self._send_step(attempt, step)
        finally:
            with self.tasks.shield(deadline=self._reporter.deadline()):
                await self._end_or_undo(attempt, unheard)

    def _has_slept(self, *, since: float) -> bool:
        """Whether another replica may have had the turn meanwhile."""
        return self._store.records.is_shared and self._clock.seconds() > since + _SLEPT_SECONDS

    async def _send_step(self, attempt: Attempt, step: Change[Any]) -> None:
        attempt.sent.append(interrupted(step))
        try:
            with self.tasks.shield(deadline=self._reporter.deadline()):
                attempt.sent[-1] = await self.send(step, attempt.call, digest=attempt.digest)
        finally:
            if not step.starts_broadcast:  # else it is observed first
                sent = attempt.sent[-1]
                call = attempt.call._replace(operations=(step,))
                self._reporter.write_outcome(
                    call, sent, outcome_of(sent), None, digest=attempt.digest
                )

    async def _goes_on(
        self, attempt: Attempt, step: Change[Any], *, began: float, unheard: int
    ) -> bool:
        """Whether a further step may be sent. Else the attempt has why not.

        A call that the client has cancelled ends here.
        """
        await anyio.lowlevel.checkpoint()
        if not is_certain(attempt.last_step, attempt.sent[-1]):
            attempt.cut_short = "TRaX did not confirm the change before it"
        elif self._clock.seconds() > began + _STEPS_SECONDS:
            attempt.cut_short = f"the others took more than {_STEPS_SECONDS:.0f} seconds"
        elif self.unheard[attempt.place.shared] != unheard:
            attempt.cut_short = _STOPPED
        elif attempt.is_free and not await self._is_off_air(attempt.call):
            attempt.cut_short = _MAY_BE_ON_AIR
        elif step.starts_broadcast and (why := await self._why_not_as_shown(attempt)):
            attempt.cut_short = why
        else:
            attempt.cut_short = await self._begin_further(attempt, step, unheard=unheard)
        return not attempt.cut_short

    async def _is_off_air(self, call: GuardedCall) -> bool:
        """Whether the studio is certainly still off air: somebody may have gone live elsewhere."""
        with suppress(TraxError):
            status = GetStreamStatus(studio_id=call.studio_id)
            return Facts(status=Read(await self._client.call(status, call.caller))).live is False
        return False

    async def _why_not_as_shown(self, attempt: Attempt) -> str:
        """Why a go-live may reach what nobody was shown: others act meanwhile. Else empty."""
        call, shown = attempt.call, facts_before_last(attempt.call.operations, attempt.facts)
        if shown.destinations.value is None:
            return ""  # nor was any shown
        with suppress(TraxError):
            reader = FactReader(self._client, call.caller, call.studio_id)
            now = await reader.read((Fact.DESTINATIONS,))
            if now.destinations.value is not None:
                is_shown = is_as_shown(shown, now, attempt.added_destinations())
                return "" if is_shown else _NOT_AS_SHOWN
        return _NOT_SEEN

    async def _begin_further(self, attempt: Attempt, step: Change[Any], *, unheard: int) -> str:
        """Let a further step be sent. Returns why it may not be; empty if it may."""
        looked = self._clock.seconds()
        with suppress(Away):
            has_begun = await self._begin(attempt, step)
            if self.unheard[attempt.place.shared] != unheard:  # while it looked, or began
                return _STOPPED
            if has_begun and not self._has_slept(since=looked):
                return ""
            seen = await self._store.look(attempt.place, attempt.call)
            if seen.last_stop != attempt.seen.last_stop:
                return _STOPPED
        return _ENGINE_AWAY

    async def _begin(self, attempt: Attempt, step: Change[Any]) -> bool:
        return await self._store.begin_call(
            attempt.place,
            attempt.turn_id,
            None if attempt.sent else attempt.question_id,
            attempt.seen,
            starts=step.starts_broadcast,
            approved=attempt.call if attempt.question_id else None,
        )

    async def _end(self, attempt: Attempt) -> bool:
        """End a call. True if a stop has come since it looked."""
        return await self._store.end_call(
            attempt.place,
            attempt.turn_id,
            attempt.question_id,
            attempt.seen,
            attempt.outcome,
            words=attempt.in_words(),
            go_live=attempt.go_live,
            hidden=attempt.hidden_changes(),
            auto_go_live=attempt.auto_go_live(),
            is_undone=attempt.undone is True,
            is_busy=attempt.is_busy,
        )

    async def _end_or_undo(self, attempt: Attempt, unheard: int) -> None:
        """End a call. A go-live that a stop has followed takes the studio off the air again.

        Only now: while the engine is away, others may stop and go live once more.
        """
        is_heard = self.unheard[attempt.place.shared] == unheard
        came: bool | None = not is_heard
        if came:  # the engine may be away, and the studio must not stay on air for as long
            self._store.later.add(partial(self._end, attempt))
        else:
            came = await self._store.later.now_or_later(partial(self._end, attempt))
        if came and attempt.go_live in {"applied", "unknown"}:
            attempt.undone = False
            attempt.undone = await self._undo(attempt.call)
            if attempt.undone and is_heard:
                await self._store.later.now_or_later(
                    partial(self._store.note_undone, attempt.place)
                )

    async def _undo(self, call: GuardedCall) -> bool:
        """Take the studio off the air: a stop came while the go-live was sent."""
        stop = GoOffline(studio_id=call.studio_id)
        sent: Sent = interrupted(stop)
        try:
            sent = await self.send(stop, call, digest=None)
        finally:
            call = call._replace(operations=(stop,))
            self._reporter.write_outcome(call, sent, outcome_of(sent), None, digest=None)
        return not isinstance(sent, TraxError)

    async def conclude(self, attempt: Attempt) -> Done:
        """Observe the last step, and record and report the outcome.

        Raises:
            TraxError: the call failed, and its effect was not seen. Of several changes only if
                TRaX's rate limit kept back the first: else the answer has each of them.
        """
        call, place, step = attempt.call, attempt.place, attempt.last_step

        async def record(words: str, observed: Observed | None) -> None:
            is_on_air = observed is not None and observed.state == "on_air"
            await self._store.record_outcome(
                place,
                attempt.question_id,
                attempt.seen,
                words if not attempt.is_several else attempt.in_words(is_on_air=is_on_air),
                on_air=step.starts_broadcast and is_on_air,
            )

        observed, is_failed = None, False
        attempt.sent[-1], attempt.lost = await self._reporter.read_back(
            call, step, attempt.sent[-1]
        )
        try:
            observed = await self._reporter.observe_and_record(
                call._replace(operations=(step,)),
                attempt.sent[-1],
                record,
                digest=attempt.digest,
                until=self._until(attempt),
            )
        except TraxError:
            if not attempt.is_several or attempt.is_rate_limited:
                raise
            is_failed = True
        view = View(attempt.facts, now=self._clock.now(), observed=observed, undone=attempt.undone)
        if attempt.is_several:
            return self._reporter.report_several(attempt, view, is_failed=is_failed)
        return await self._reporter.report(
            call,
            attempt.sent[-1],
            view,
            approved_in=self._reporter.approved_in(call, attempt.question_id),
            lost=attempt.lost,
        )

    def _until(self, attempt: Attempt) -> Callable[[], Awaitable[None]] | None:
        """What ends the observation of a go-live early: a stop, but none that has failed."""
        match attempt.undone:
            case None:
                return partial(self._store.wait_for_stop, attempt.place, attempt.seen)
            case True:
                return _at_once
        return None

    async def send(self, operation: Change[Any], call: GuardedCall, *, digest: str | None) -> Sent:
        """Send a step of a call once. A stop again while TRaX refuses it for too many requests.

        A change that TRaX's answer shows otherwise than was asked for has failed.
        """
        self.audit.write("sending", call._replace(operations=(operation,)), digest=digest)
        until = self._clock.seconds() + _AGAIN_SECONDS
        while True:
            try:
                response = await self._client.send(operation, call.caller)
                return not_changed(operation, response) or response
            except Refused as error:
                pause = error.retry_after_seconds or _AGAIN_SECONDS / 4
                is_crowded = error.http_status == _TOO_MANY
                in_time = self._clock.seconds() + pause <= until
                if not (operation.stops_broadcast and is_crowded and in_time):
                    return error
            except TraxError as error:
                return error
            except Exception:  # noqa: BLE001  a yes was taken: the call needs an outcome
                _LOG.exception("%s failed", operation.tool_name)
                return interrupted(operation)
            await self._clock.sleep(pause)


async def _at_once() -> None:
    """A stop has come already."""
