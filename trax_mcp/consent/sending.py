"""Sends the operations of a call, each once, and ends it: observes, records and says the outcome.

A lost response is resolved by a read, and never by sending again.
"""

import logging
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, NamedTuple

import anyio
import anyio.lowlevel

from trax_mcp.actions.change import Change
from trax_mcp.actions.shown import reads_for, says_the_same, with_views
from trax_mcp.actions.stream import GoOffline
from trax_mcp.actions.view import View
from trax_mcp.api.errors import NotSent, Outcome, Refused, TraxError, interrupted
from trax_mcp.api.reads import GetStreamStatus
from trax_mcp.api.responses import Response
from trax_mcp.clock import iso
from trax_mcp.consent.calls import By, Call, Done, Sent, Step, is_busy, is_certain, stream_of
from trax_mcp.consent.parts import Parts
from trax_mcp.consent.question import outcome_in_words
from trax_mcp.consent.read_back import read_back
from trax_mcp.consent.running import Begin, End
from trax_mcp.consent.state import StudioRecord
from trax_mcp.consent.store import StoreUnavailable
from trax_mcp.studio.facts import Facts, Observed
from trax_mcp.studio.naming import say
from trax_mcp.studio.reading import observe_go_live

_SLEPT_SECONDS: Final = 1.0
"""A process that slept for so long may have lost its turn to another."""
_STEPS_SECONDS: Final = 30.0
"""How long operations may begin. Many clients give up after a minute."""
_STOPPED: Final = "a request to go offline came"
_ENGINE_AWAY: Final = "Valkey didn't answer in time"
_NOT_CONFIRMED: Final = "TRaX didn't confirm the change before it"
_MAY_BE_ON_AIR: Final = "the show may be on air by now, so it needs approval"
_NOT_AS_SHOWN: Final = "it wouldn't be as it was shown"
_ELSEWHERE: Final = "it wouldn't stream as it was shown"
_NOT_SEEN: Final = "the studio couldn't be read again"

_LOG = logging.getLogger(__name__)


class Shown(NamedTuple):
    """The facts by which a call may run, and the digest of what a person was shown of them.

    `is_free`: it needs no approval, but only while the studio is off air.
    """

    facts: Facts
    digest: str | None = None
    is_free: bool = False


class Sending:
    """A call that may run, from its beginning to its outcome.

    `sent` has one item for each operation that was begun, and `cut_short` says why one was not.
    """

    def __init__(
        self, parts: Parts, call: Call, record_name: str, begun: Begin, shown: Shown
    ) -> None:
        self.parts = parts
        self.call = call
        self.record_name = record_name
        self.begun = begun
        self.shown = shown
        self.sent: list[Sent] = []
        self.cut_short = ""
        self.undone: bool | None = None
        self._lost: str | None = None
        self._observed: Observed | None = None
        self._expected = shown.facts
        """The facts as those operations leave them that were sent."""
        self._began = parts.clock.seconds()
        self._went_alone = parts.went_alone[record_name]

    async def run(self) -> bool:
        """Use the approval, send each operation once, in order, and end the call.

        False if nothing was sent, and it must begin again: a stop or another use of the approval
        came between, or the turn may have gone to another. No further one is sent after one that is
        not certainly done, or after a stop.
        """
        first, store = self.call.operations[0], self.parts.store
        try:
            with anyio.CancelScope(shield=True):  # an approval that is used must come to an end
                has_begun = await store.begin(self.record_name, self._begin(first))
        except Exception:  # it may have begun: then its approval is given back
            store.later(self._end)
            raise
        if not has_begun:
            return False
        if self._has_slept(since=self._began):
            with anyio.CancelScope(shield=True):
                await store.now_or_later(self._end)
            return False
        try:
            for operation in self.call.operations:
                if self.sent and (why := await self._why_not(operation)):
                    self.cut_short = why
                    break
                await self._send(operation)
        finally:
            with self.parts.tasks.shield(deadline=self.parts.deadline()):
                await self._end_now()
        return True

    def _begin(self, operation: Change[Any]) -> Begin:
        question_id = None if self.sent else self.begun.question_id
        starts = operation.starts_broadcast
        return self.begun._replace(question_id=question_id, starts=starts)

    def _has_slept(self, *, since: float) -> bool:
        """Whether another replica may have had the turn meanwhile."""
        is_shared = self.parts.store.records.is_shared
        return is_shared and self.parts.clock.seconds() > since + _SLEPT_SECONDS

    async def _send(self, operation: Change[Any]) -> None:
        self.sent.append(interrupted(operation))
        digest = self.shown.digest
        try:
            with self.parts.tasks.shield(deadline=self.parts.deadline()):
                self.sent[-1] = await self.parts.send(operation, self.call, digest)
        finally:
            if not operation.starts_broadcast:  # else it is observed first
                self.parts.write_sent(self.call, operation, self.sent[-1], digest=digest)
        sent = self.sent[-1]
        data = sent.data if isinstance(sent, Response) else {}
        self._expected = operation.after_response(self._expected, data)

    # Between several changes

    async def _why_not(self, operation: Change[Any]) -> str:
        """Why a further operation may not be sent. Empty if it may.

        A call that the client has cancelled ends here.
        """
        await anyio.lowlevel.checkpoint()
        if not is_certain(self._last, self.sent[-1]):
            return _NOT_CONFIRMED
        if self.parts.clock.seconds() > self._began + _STEPS_SECONDS:
            return f"the others took more than {_STEPS_SECONDS:.0f} seconds"
        if self._is_alone_stopped:
            return _STOPPED
        return await self._why_not_as_shown() or await self._begin_further(operation)

    async def _why_not_as_shown(self) -> str:
        """Why what remains is not as it was shown: others act meanwhile. Empty if it is."""
        rest, call = self.call.operations[len(self.sent) :], self.call
        if self.shown.digest is None and not self.shown.is_free:
            return ""  # nothing had to be shown
        try:
            if self.shown.is_free:
                facts = await self.parts.read(call, (GetStreamStatus,))
                return "" if facts.live is False else _MAY_BE_ON_AIR
            facts = await self.parts.read(call, reads_for(call.operations))
        except TraxError:
            return _NOT_SEEN
        if facts.live and call.starts:
            return "the show is already on air"
        now = self.parts.clock.now()
        try:
            expected = View(self._expected, now=now)
            is_same = says_the_same(rest, View(facts, now=now), expected)
        except NotSent:  # what it acts on is gone
            is_same = False
        if is_same:
            return ""
        return _ELSEWHERE if rest[0].starts_broadcast else _NOT_AS_SHOWN

    async def _begin_further(self, operation: Change[Any]) -> str:
        """Let a further operation be sent. Returns why it may not be; empty if it may."""
        looked, store = self.parts.clock.seconds(), self.parts.store
        with suppress(StoreUnavailable):
            has_begun = await store.begin(self.record_name, self._begin(operation))
            if self._is_alone_stopped:  # while it looked, or began
                return _STOPPED
            if has_begun and not self._has_slept(since=looked):
                return ""
            studio = (await store.look(self.record_name)).studio
            if studio.last_stop_for(self.begun.caller) > self.begun.last_stop:
                return _STOPPED
        return _ENGINE_AWAY

    # The end

    @property
    def _is_alone_stopped(self) -> bool:
        """Whether a stop was sent here of which the store did not hear in time."""
        return self.parts.went_alone[self.record_name] != self._went_alone

    async def _end_now(self) -> None:
        """End the call. A go-live that a stop has followed takes the studio off the air again.

        At once where the store did not hear of the stop: it may be away for long.
        """
        if self._is_alone_stopped and self._start in {"applied", "unknown"}:
            await self._undo()
        await self.parts.store.now_or_later(self._end)

    async def _end(self) -> None:
        """End the call in the record, and undo its go-live if a stop has followed it."""
        store, lease = self.parts.store, self.parts.store.records.lease_seconds
        last = self.sent[-1] if len(self.sent) == len(self.call.operations) else None
        end = End(
            outcome=self._outcome,
            words=self._in_words(),
            start=self._start,
            stream_id=stream_of(last),
            auto_go_live=self._auto_go_live(),
            is_busy=is_busy(last),
        )
        async with store.keeping(self.record_name, self.begun.turn_id):
            must_undo = await store.update(
                self.record_name, lambda it, now: it.end(self.begun, end, now, lease)
            )
            if must_undo and self.undone is None:
                await self._undo()

    async def _undo(self) -> None:
        """Take the studio off the air: a stop came while the go-live was sent."""
        stop = GoOffline(studio_id=self.call.studio)
        sent: Sent = interrupted(stop)
        self.undone = False
        try:
            sent = await self.parts.send(stop, self.call)
            self.undone = not isinstance(sent, TraxError)
        finally:
            self.parts.write_sent(self.call, stop, sent)

    @property
    def _last(self) -> Change[Any]:
        """The last operation that was begun."""
        return self.call.operations[len(self.sent) - 1]

    @property
    def _outcome(self) -> Outcome:
        """What is known of the whole: unknown if that of one is, applied if one was."""
        if "unknown" in self._outcomes:
            return "unknown"
        return "applied" if "applied" in self._outcomes else "not_applied"

    @property
    def _outcomes(self) -> list[Outcome]:
        """What is known of each that was begun. A go-live that was seen on air was done."""
        outcomes = [it.outcome for it in self.sent]
        return [*outcomes[:-1], "applied"] if self._is_on_air else outcomes

    @property
    def _is_on_air(self) -> bool:
        """Whether its go-live was seen on air."""
        return self._observed is not None and self._observed.state == "on_air"

    @property
    def _start(self) -> Outcome | None:
        """The outcome of its go-live, which is the last. None if it has none."""
        if not self.call.starts:
            return None
        is_sent = len(self.sent) == len(self.call.operations)
        return self.sent[-1].outcome if is_sent else "not_applied"

    def _auto_go_live(self) -> bool | None:
        """Whether `autoGoLive` counts as on afterwards: in doubt it does. None if not touched."""
        counts = None
        for operation, sent in zip(self.call.operations, self.sent, strict=False):
            turned_on = operation.sets_auto_go_live
            is_on = turned_on and sent.outcome != "not_applied"
            if is_on or (turned_on is False and is_certain(operation, sent)):
                counts = turned_on
        return counts

    def _in_words(self) -> str:
        """What became of it, as a later use of the same approval is told."""
        outcomes = self._outcomes
        if (number := len(self.call.operations)) == 1:
            return outcome_in_words(self._outcome, self._observed and self._observed.state)
        made = outcomes.count("applied")
        told = f"{'all' if made == number else f'{made} of'} {number} changes were made"
        if "unknown" in outcomes:
            told += f", and it's unclear whether change {outcomes.index('unknown') + 1} was made"
        return told

    # The outcome

    async def conclude(self) -> Done:
        """Observe a go-live, and record and report the outcome.

        Raises:
            TraxError: the call failed, and its effect was not seen. Of several operations only if
                TRaX's rate limit kept back the first: else the result has each of them.
        """
        if isinstance(sent := self.sent[-1], TraxError) and sent.outcome == "unknown":
            self.sent[-1], self._lost = await read_back(self.parts, self.call, self._last, sent)
        last, sent = self._last, self.sent[-1]
        if last.starts_broadcast:
            if sent.outcome != "not_applied":
                self._observed = await self._observe()
            seen = self._observed and self._observed.state
            told = {"outcome": self._outcomes[-1], "observed": seen, "digest": self.shown.digest}
            self.parts.write_sent(self.call, last, sent, **told)
        with anyio.CancelScope(shield=True):
            await self._note()
        is_limited = isinstance(self.sent[0], Refused) and self.sent[0].is_rate_limit
        is_whole = len(self.call.operations) == 1 or (is_limited and len(self.sent) == 1)
        if isinstance(sent, TraxError) and not self._is_on_air and is_whole:
            raise sent
        facts = self.parts.known(self.call, self.shown.facts)
        views = with_views(self.call.operations, View(facts, now=self.parts.clock.now()))
        steps = tuple(self._step(index, it) for index, (_, it) in enumerate(views))
        return Done(steps, self._observed, self.undone, self._approved_by)

    @property
    def _approved_by(self) -> By | None:
        answer = self.call.answer
        is_needed = self.begun.question_id or (answer and answer.by == "confirm_alone")
        return answer.by if answer and is_needed else None

    async def _observe(self) -> Observed:
        """The state that the stream status shows, until a stop comes."""
        observed = Observed("unknown", iso(self.parts.clock.now()))
        if self.undone:
            return observed._replace(state="stopping")
        with self.parts.tasks.shield(deadline=self.parts.deadline(1)):
            try:
                observed = await self._watch() or observed._replace(state="stopping")
            except Exception:  # noqa: BLE001  the call is done: its outcome must be recorded
                _LOG.exception("watching %s failed", self.call.tool)
        return observed

    async def _watch(self) -> Observed | None:
        """What is seen in time. None if a stop has come, but for one that has failed here."""
        parts, call, observed = self.parts, self.call, None
        async with anyio.create_task_group() as tasks:

            async def end_early() -> None:
                await parts.store.wait_for_stop(self.record_name, self.begun.turn_id)
                tasks.cancel_scope.cancel()

            if self.undone is None:
                tasks.start_soon(end_early)
            observed = await observe_go_live(
                parts.client, call.caller, call.studio, clock=parts.clock, progress=call.progress
            )
            tasks.cancel_scope.cancel()
        return observed

    async def _note(self) -> None:
        """Record what became of the call, and that its go-live was seen."""
        words, question_id = self._in_words(), self.begun.question_id or ""
        is_on_air = self._is_on_air
        if self._outcome == "not_applied" or not (question_id or is_on_air):
            return

        def note(studio: StudioRecord, _: float) -> tuple[StudioRecord, None]:
            after = studio.seen_on_air(self.begun.turn_id)[0] if is_on_air else studio
            return after.change(question_id, lambda it: replace(it, outcome=words))[0], None

        await self.parts.store.now_or_later(lambda: self.parts.store.update(self.record_name, note))

    def _step(self, index: int, view: View) -> Step:
        """What became of one of the operations."""
        operation, last = self.call.operations[index], len(self.sent) - 1
        act = operation.choices(view)[0] if len(self.call.operations) > 1 else ""
        if index > last:
            said = say(f"{act}: not sent, because {self.cut_short}.")
            return Step(operation.tool_name, "not_sent", (said,))
        sent, is_last = self.sent[index], index == last
        is_seen = is_last and self._is_on_air
        if isinstance(sent, TraxError) and not is_seen:
            said = say(f"{act}: {sent.summary}")
            return Step(operation.tool_name, sent.outcome, (said,), error=sent)
        data = sent.data if isinstance(sent, Response) else {}
        if is_last:
            view = replace(view, observed=self._observed, undone=self.undone)
        told = sent.told if isinstance(sent, TraxError) else None
        return Step(
            operation.tool_name,
            "applied" if is_seen or is_certain(operation, sent) else "unknown",
            *operation.report(view, data),
            None if isinstance(sent, TraxError) else data,
            self._lost if is_last and self._lost else told,
        )
