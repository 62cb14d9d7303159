"""Sends a stop that has its approval, at once, and watches what follows.

It reads no fact and waits for no turn: for a go-live that is being sent, for a moment, and for
nothing else, whether the engine answers or not. It is told by what was seen after it.
"""

import hashlib
import logging
import secrets
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

import anyio

from trax_mcp.actions.view import View
from trax_mcp.api.errors import NotSent, TraxError, interrupted
from trax_mcp.api.models import StreamStatus
from trax_mcp.api.reads import GetStreamStatus, GetStudio
from trax_mcp.clock import iso
from trax_mcp.consent.calls import Call, Done, Step
from trax_mcp.consent.parts import Parts
from trax_mcp.consent.question import outcome_in_words
from trax_mcp.consent.records import Away, Record
from trax_mcp.consent.running import START_SECONDS, BeginStop, EndStop, Fate, Start
from trax_mcp.consent.sent import IS_BUSY, Sent, fate_of, outcome_of
from trax_mcp.consent.state import Studio
from trax_mcp.consent.stop_ends import StopEnd, end_of_stop
from trax_mcp.consent.store import name_of
from trax_mcp.studio import times
from trax_mcp.studio.facts import Facts, Observed, State
from trax_mcp.studio.naming import Sentence, say
from trax_mcp.studio.reading import OBSERVED_SECONDS, QUICK_SECONDS

_WAIT_SECONDS: Final = 2.0
"""How long a stop waits until no go-live is being sent, so that it comes last."""
_ENGINE_SECONDS: Final = 0.3
"""How long a stop waits for the engine before and after that. Then it goes on alone."""
_FACTS_SECONDS: Final = 0.4
"""How long a text about a stop waits for what the engine knows."""
_AGAIN_SECONDS: Final = 2.0
"""After this long, a stop is sent again."""
_PAUSE_SECONDS: Final = 1.0

_LOG = logging.getLogger(__name__)


class Stopping:
    """A stop that may be sent, until the start that it may have missed can come no more.

    `record` is where it began: a caller's own, until TRaX has accepted their key in the studio.
    `begun` has its moment in each record that has heard of it. `start` is the go-live that could
    still come when it began.
    """

    def __init__(self, parts: Parts, call: Call, word: str, came: float) -> None:
        self.parts = parts
        self.call = call
        self.came = came
        (self.operation,) = call.operations
        self.record = parts.record(call)
        self.studio_record = name_of(call.studio)
        self.it = BeginStop(secrets.token_hex(8), digest(word), call.caller.fingerprint)
        self.begun: dict[str, float] = {}
        self.start: Start | None = None
        self.start_until = 0.0
        self.sent: Sent = interrupted(self.operation)
        self.sent_at = 0.0
        self.fate: Fate = "unknown"
        self.is_heard = False
        self.has_repeated = False
        self.was_seen = False
        self.was_on_air = False
        self.is_unreadable = False

    async def run(self) -> Done | None:
        """Let a go-live that is being sent end first, void earlier approvals, and send.

        None if its approval was used.

        Raises:
            NotSent: nothing could be sent.
        """
        parts, store = self.parts, self.parts.store
        with parts.tasks.shield(deadline=parts.deadline()):
            await self._wait_for_go_live()
            if not await self._begin():
                return None
            async with store.keeping(self.record, self.it.name):
                parts.client.telemetry.measure_stop(anyio.current_time() - self.came)
                self.sent_at = anyio.current_time()
                try:
                    self.sent = await parts.send(self.operation, self.call)
                finally:
                    await self._end()
        if isinstance(self.sent, NotSent):
            parts.write_sent(self.call, self.operation, self.sent)
            raise self.sent
        return await self._conclude()

    async def _wait_for_go_live(self) -> None:
        """Wait for a go-live for a moment, if the process does not end."""
        ends = anyio.CancelScope(deadline=self.came + _WAIT_SECONDS)
        with self.parts.tasks.until_ending(), ends, suppress(Away):
            await self.parts.store.wait_for_go_live(self.studio_record)

    async def _begin(self) -> bool:
        """Let others begin nothing meanwhile. False if the approval was used."""
        at = None
        with anyio.move_on_after(engine_seconds(self.parts)), suppress(Away):
            at = await self._begin_in(self.record)
            self.is_heard = True
        if not self.is_heard:
            self.parts.went_alone[self.record] += 1
        return at is not None or not self.is_heard

    async def _begin_in(self, record: str, *, age: float | None = None) -> float | None:
        """Begin in a record. Returns the moment there; None if the approval was used."""
        it, lease = self.it._replace(age=age), self.parts.store.records.lease_seconds

        def begin(studio: Studio, now: float) -> tuple[Studio, tuple[float | None, Record]]:
            after, at = studio.begin_stop(it, now, lease)
            return after, (at, Record(record, studio, b"", now))

        at, seen = await self.parts.store.update(record, begin)
        if at is not None:
            self.begun[record] = at
            self._note_start(seen, at)
        return at

    def _note_start(self, seen: Record, at: float) -> None:
        start = seen.studio.start
        if start is not None and start.sent_at < at and start.may_come(seen.now):
            left = start.sent_at + START_SECONDS - seen.now
            self.start, self.start_until = start, self.parts.clock.seconds() + left

    async def _end(self) -> None:
        """Let others go on. Those who are not alone here hear of a stop that counts."""
        self.fate = fate_of(self.sent)
        if not self.is_heard and self.fate == "refused":
            self.parts.went_alone[self.record] -= 1
        if self.record == self.studio_record and not self.is_heard:
            self.parts.store.later(partial(self._end_in, self.record))
            return
        with anyio.CancelScope(shield=True):
            if self.is_heard:
                await self.parts.store.now_or_later(partial(self._end_in, self.record))
            if self.record != self.studio_record and self.fate == "counts":
                await self.parts.store.now_or_later(partial(self._end_in, self.studio_record))

    async def _end_in(self, record: str) -> None:
        """End it in a record, which may hear of it only now.

        It is sent once more if a go-live has crossed it.
        """
        store, words = self.parts.store, None
        if (outcome := outcome_of(self.sent)) != "not_applied":
            words = outcome_in_words(outcome)
        async with store.keeping(record, self.it.name):
            if record not in self.begun:
                await self._begin_in(record, age=anyio.current_time() - self.sent_at)
            end = EndStop(self.it.name, self.it.token, self.begun[record], self.fate, words)
            if await store.update(record, lambda it, _: self._ended(it, end)):
                await self._send_again()
                await store.update(record, lambda it, _: it.was_repeated(end))

    def _ended(self, studio: Studio, end: EndStop) -> tuple[Studio, bool]:
        """The record after it. One for which TRaX was busy counts, and has stopped nothing yet."""
        if not self._is_busy:
            return studio.end_stop(end)
        after, _ = studio.end_stop(end._replace(fate="unknown"))
        return after.count_stop(end.at)[0], False

    async def _send_again(self) -> None:
        """Send it once more. What TRaX took once, it took."""
        sent = await self.parts.send(self.operation, self.call)
        self.parts.write_sent(self.call, self.operation, sent)
        if not isinstance(sent, TraxError) or isinstance(self.sent, TraxError):
            self.sent = sent

    async def _repeat(self) -> bool:
        """Send it once more, unless another go-live has begun since."""
        store, record = self.parts.store, self.studio_record
        if (at := self.begun.get(record)) is None:
            return False
        it = EndStop(self.it.name, self.it.token, at, self.fate, None)
        start_id, lease = self.start.id if self.start else None, store.records.lease_seconds
        with suppress(Away):
            async with store.keeping(record, it.name):
                may_go = await store.update(
                    record, lambda old, now: old.begin_repeat(it, start_id, now, lease)
                )
                if may_go:
                    await self._send_again()
                    if not self._is_busy:
                        await store.update(record, lambda old, _: old.was_repeated(it))
                    await self._count()
                return may_go
        return False

    async def _count(self) -> None:
        """A stop that was not known to count does now, if TRaX took it, or its key may read."""
        now_counts = self.fate == "unknown" and (self.was_seen or fate_of(self.sent) == "counts")
        if now_counts or (self.fate == "refused" and fate_of(self.sent) == "counts"):
            self.fate = "counts"
            with anyio.CancelScope(shield=True):
                await self.parts.store.now_or_later(partial(self._end_in, self.studio_record))

    # It is watched

    async def _conclude(self) -> Done:
        """What was seen after it, in words, here and in the audit log."""
        seen = await self._look()
        asked = self.parts.asked_about.get((self.call.caller.owner, self.call.studio), Facts())
        observed = Observed("unknown", iso(self.parts.clock.now()))
        with self.parts.tasks.shield(deadline=self.parts.deadline(1)):
            try:
                observed = await self._watch()
            except Exception:  # noqa: BLE001  it was sent: its outcome must be recorded
                _LOG.exception("watching %s failed", self.call.tool)
        was_on_air = self.was_on_air or (seen is None and asked.live is True)
        may_come = (seen is None or self.start is not None) and not was_on_air
        now = self.parts.clock.now()
        end = end_of_stop(self.sent, observed, now, start_may_come=may_come)
        outcome, state = end.outcome, end.observed.state
        self.parts.write_sent(self.call, self.operation, self.sent, outcome=outcome, observed=state)
        with anyio.CancelScope(shield=True):
            if outcome != "not_applied":
                await self._note_words(outcome_in_words(outcome, state))
        facts = Facts({GetStudio: asked[GetStudio]})
        if seen is not None:
            facts = replace(facts, auto_go_live=seen.now < seen.studio.auto_go_live_until)
        return Done(
            (self._step(end, facts),),
            end.observed,
            None,
            self.call.answer.by if self.call.answer else None,
        )

    async def _watch(self) -> Observed:
        """Watch what follows for a while, and send it again where that is needed."""
        clock, began = self.parts.clock, self.parts.clock.seconds()
        last_try, observed = began, None
        while True:
            observed = await self._poll(observed)
            elapsed = clock.seconds() - began
            is_refused = outcome_of(self.sent) == "not_applied"
            is_seen = observed.state == "off_air" or self.is_unreadable
            is_over = elapsed >= OBSERVED_SECONDS or is_seen
            if is_refused and self._is_busy and self.start is not None:
                is_last = elapsed + _AGAIN_SECONDS > OBSERVED_SECONDS
                if is_last or not self._is_in_time or await self._was_stopped():
                    return observed
                await clock.sleep(max(0.0, last_try + _AGAIN_SECONDS - clock.seconds()))
                last_try = clock.seconds()
                if not await self._repeat():
                    return observed
                continue
            if is_refused or is_over:
                return observed
            if observed.state == "on_air" and elapsed >= _AGAIN_SECONDS:
                await self._repeat_once()
            await self.call.progress(int(elapsed), int(OBSERVED_SECONDS), "Waiting to be off air.")
            await clock.sleep(_PAUSE_SECONDS)

    async def _repeat_once(self) -> bool:
        """Repeat a stop that TRaX may not have got, or that came before the start it was for."""
        may_help = fate_of(self.sent) == "unknown" or self.start is not None
        if self.has_repeated or not may_help or not self._is_in_time:
            return False
        self.has_repeated = True
        return await self._repeat()

    @property
    def _is_busy(self) -> bool:
        return isinstance(self.sent, TraxError) and self.sent.http_status in IS_BUSY

    async def _was_stopped(self) -> bool:
        """Whether the start that could come was stopped otherwise, or undone."""
        seen = await self._look()
        start = seen.studio.start if seen else None
        return start is not None and start.state == "stopped"

    @property
    def _is_in_time(self) -> bool:
        """Whether the start that could come when it began still can."""
        return self.start is None or self.parts.clock.seconds() < self.start_until

    async def _poll(self, before: Observed | None) -> Observed:
        """The state now. A studio that was on air counts as that while reads of it fail."""
        status, checked_at = await self._status(), iso(self.parts.clock.now())
        if isinstance(status, StreamStatus):
            state: State = "off_air" if status.live is False else "unknown"
            return Observed("on_air" if status.live else state, checked_at, status.since)
        self.is_unreadable = status is not None and not status.retryable
        is_on_air = before is not None and before.state == "on_air"
        return before if before and is_on_air else Observed("unknown", checked_at)

    async def _status(self) -> StreamStatus | TraxError | None:
        """Read the stream status. Then the key may read the studio: an unknown stop counts."""
        operation = GetStreamStatus(studio_id=self.call.studio)
        with anyio.move_on_after(QUICK_SECONDS):
            try:
                status = await self.parts.client.call(
                    operation, self.call.caller, retry=False, urgent=True
                )
            except TraxError as error:
                return error
            self.was_seen = True
            await self._count()
            if status.live:
                await self._note_live(status)
            return status
        return None

    async def _note_live(self, status: StreamStatus) -> None:
        """It is on air. If with another stream than that of the start, that has not come."""
        self.was_on_air = True
        if self.start is None:
            return
        stream_id = status.encoder_stream_id or ""
        if self.start.stream_id and stream_id and stream_id != self.start.stream_id:
            self.start, self.has_repeated = None, True
        else:
            await self._note_seen()

    async def _note_seen(self) -> None:
        start_id = self.start.id if self.start else ""
        with anyio.move_on_after(_FACTS_SECONDS), suppress(Away):
            await self.parts.store.update(
                self.studio_record, lambda it, _: it.came_on_air(start_id)
            )

    async def _note_words(self, words: str) -> None:
        for record in self.begun:
            await self.parts.store.now_or_later(
                lambda record=record: self.parts.store.update(  # type: ignore[misc]
                    record, lambda it, _: it.note_stop(self.it.token, words)
                )
            )

    async def _watch_on(self) -> None:
        """After the answer, repeat the stop once if the start that could come does come."""
        clock, studio = self.parts.clock, self.call.studio
        while self._is_in_time and self.start is not None:
            await clock.sleep(_AGAIN_SECONDS)
            status = await self._status()
            if isinstance(status, StreamStatus) and status.live:
                if await self._repeat_once():
                    at = times.at(clock.now(), clock.now())
                    told = f"It came on air after the stop, which was sent once more at {at}."
                    self.parts.news[self.call.caller.owner, studio] = told
                return

    # It is told

    def _step(self, end: StopEnd, facts: Facts) -> Step:
        tool, sent = self.call.tool, self.sent
        if end.error is not None:
            return Step(tool, end.outcome, error=end.error)
        is_lost = isinstance(sent, TraxError)
        data = {} if isinstance(sent, TraxError) else sent.data
        view = View(
            self.parts.known(self.call, facts),
            now=self.parts.clock.now(),
            observed=end.observed,
            was_off=end.was_off,
        )
        report = self.operation.report(view, data)
        told = sent.told if isinstance(sent, TraxError) and not end.was_off else None
        said = (*report.said, *self._watched_on(end))
        data_seen = None if is_lost else data
        return Step(tool, end.outcome, said, report.warnings, report.next_step, data_seen, told)

    def _watched_on(self, end: StopEnd) -> tuple[Sentence, ...]:
        """Watch on, if a start may still come, and say until when."""
        background, left = self.parts.background, self.start_until - self.parts.clock.seconds()
        may_come = end.observed.state == "stopping" and self.start is not None
        if not may_come or left <= 0 or self.has_repeated or not background.is_open:
            return ()
        background.start(self._watch_on)
        now = self.parts.clock.now()
        until = times.at(now + timedelta(seconds=left), now)
        once = f"If it comes on air until {until}, it is stopped once more."
        return (say(f"{once} Closing the client ends that."),)

    async def _look(self) -> Record | None:
        """What is remembered of the studio, as far as the engine says so in time."""
        with anyio.move_on_after(_FACTS_SECONDS), suppress(Away):
            return await self.parts.store.look(self.record)
        return None


def engine_seconds(parts: Parts) -> float | None:
    """How long a stop waits for the engine. The memory of this process answers at once."""
    return _ENGINE_SECONDS if parts.store.records.is_shared else None


def digest(word: str) -> str:
    """The name under which a used approval is remembered."""
    return hashlib.blake2b(word.encode(errors="surrogatepass"), digest_size=16).hexdigest()
