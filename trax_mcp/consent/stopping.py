"""Sends a stop that has its approval, at once; watches the studio, and repeats it where needed.

It reads no fact and waits for no turn: for a go-live that is being sent, for a moment, and for
nothing else, whether the engine answers or not.
"""

import hashlib
import secrets
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

import anyio

from trax_mcp.api.errors import TraxError, interrupted
from trax_mcp.api.models import StreamStatus
from trax_mcp.api.operation import Progress
from trax_mcp.api.reads import GetStreamStatus
from trax_mcp.clock import iso
from trax_mcp.consent.after_stop import (
    AGAIN_SECONDS,
    Watched,
    fate_of,
    is_another,
    next_after,
    state_after,
    waits_for_start,
)
from trax_mcp.consent.calls import Call, Sent, is_busy, no_progress
from trax_mcp.consent.parts import Parts
from trax_mcp.consent.question import outcome_in_words
from trax_mcp.consent.running import START_SECONDS, BeginStop, EndStop, Fate, Start
from trax_mcp.consent.state import StudioRecord
from trax_mcp.consent.store import Record, StoreUnavailable, name_of
from trax_mcp.instruments import STOPS
from trax_mcp.studio.facts import OBSERVED_SECONDS, Observed
from trax_mcp.studio.reading import QUICK_SECONDS

_WAIT_SECONDS: Final = 2.0
"""How long a stop waits until no go-live is being sent, so that it comes last."""
_ENGINE_SECONDS: Final = 0.3
"""How long a stop waits for the engine before and after that. Then it goes on alone."""
FACTS_SECONDS: Final = 0.4
"""How long what is told of a stop waits for what the engine knows."""
_PAUSE_SECONDS: Final = 1.0
_KNOWN: Final = ("not_applied", "unknown", "applied")


class Stopping:
    """A stop that may be sent, and what the records hear of it.

    `record_name` is where it began: a caller's own, until TRaX has accepted their key in the
    studio. `begun` has its moment in each record that has heard of it. `start` is the go-live that
    could still come when it began, until `start_until`. `was_read`: its key has read the status
    since.
    """

    def __init__(self, parts: Parts, call: Call, approval: str) -> None:
        self.parts = parts
        self.call = call
        self.record_name = parts.record_name(call)
        self.begin = BeginStop(secrets.token_hex(8), digest(approval), call.caller.fingerprint)
        self.begun: dict[str, float] = {}
        self.start: Start | None = None
        self.start_until = 0.0
        self.sent: Sent = interrupted(call.operations[0])
        self.sent_at = 0.0
        self.is_heard = False
        self.was_read = False

    @property
    def fate(self) -> Fate:
        """What it means for others. One that is not known counts once its key has read."""
        fate = fate_of(self.sent)
        return "counts" if fate == "unknown" and self.was_read else fate

    @property
    def start_left(self) -> float:
        """For how long the start that could come when it began still can."""
        return self.start_until - self.parts.clock.seconds() if self.start else 0.0

    async def send(self, arrived: float) -> bool:
        """Let a go-live that is being sent end first, void earlier approvals, and send.

        It `arrived` then, on anyio's clock. False if its approval was used.
        """
        parts = self.parts
        with parts.tasks.shield(deadline=parts.deadline()):
            await self._wait_for_go_live(arrived)
            if not await self._begin():
                return False
            async with parts.store.keeping(self.record_name, self.begin.name):
                STOPS.record(anyio.current_time() - arrived)
                self.sent_at = anyio.current_time()
                try:
                    self.sent = await parts.send(self.call.operations[0], self.call)
                finally:
                    await self._end()
        return True

    async def _wait_for_go_live(self, arrived: float) -> None:
        """Wait for a go-live for a moment, if the process does not end."""
        ends = anyio.CancelScope(deadline=arrived + _WAIT_SECONDS)
        with self.parts.tasks.until_ending(), ends, suppress(StoreUnavailable):
            await self.parts.store.wait_for_go_live(self._of_studio)

    @property
    def _of_studio(self) -> str:
        """The record of the studio, whoever calls."""
        return name_of(self.call.studio)

    # It begins

    async def _begin(self) -> bool:
        """Let others begin nothing meanwhile. False if the approval was used."""
        at = None
        with anyio.move_on_after(engine_seconds(self.parts)), suppress(StoreUnavailable):
            at = await self._begin_in(self.record_name)
            self.is_heard = True
        if not self.is_heard:
            self.parts.went_alone[self.record_name] += 1
        return at is not None or not self.is_heard

    async def _begin_in(self, record_name: str, *, age: float | None = None) -> float | None:
        """Begin in a record. Returns the moment there; None if the approval was used."""
        it, lease = self.begin._replace(age=age), self.parts.store.records.lease_seconds

        def begin(
            studio: StudioRecord, now: float
        ) -> tuple[StudioRecord, tuple[float | None, Record]]:
            after, at = studio.begin_stop(it, now, lease)
            return after, (at, Record(record_name, studio, b"", now))

        at, seen = await self.parts.store.update(record_name, begin)
        if at is not None:
            self.begun[record_name] = at
            start = seen.studio.start
            if start is not None and start.sent_at < at and start.may_come(seen.now):
                left = start.sent_at + START_SECONDS - seen.now
                self.start, self.start_until = start, self.parts.clock.seconds() + left
        return at

    # It ends

    async def _end(self) -> None:
        """Let others go on. Those who are not alone here hear of a stop that counts."""
        is_alone = self.record_name == self._of_studio and not self.is_heard
        if not self.is_heard and self.fate == "refused":
            self.parts.went_alone[self.record_name] -= 1
        if is_alone:
            self.parts.store.later(partial(self._end_in, self.record_name))
            return
        with anyio.CancelScope(shield=True):
            if self.is_heard:
                await self.parts.store.now_or_later(partial(self._end_in, self.record_name))
            if self.record_name != self._of_studio and self.fate == "counts":
                await self.parts.store.now_or_later(partial(self._end_in, self._of_studio))

    async def _end_in(self, record_name: str) -> None:
        """End it in a record, which may hear of it only now.

        It is sent once more if a go-live has crossed it.
        """
        store = self.parts.store
        async with store.keeping(record_name, self.begin.name):
            if record_name not in self.begun:
                await self._begin_in(record_name, age=anyio.current_time() - self.sent_at)
            end = self._ended(record_name)
            if await store.update(record_name, lambda it, _: it.end_stop(end)):
                await self._send_again()
                await store.update(record_name, lambda it, _: it.was_repeated(end))

    def _ended(self, record_name: str) -> EndStop:
        outcome = self.sent.outcome
        words = None if outcome == "not_applied" else outcome_in_words(outcome)
        name, approval = self.begin.name, self.begin.approval
        return EndStop(name, approval, at=self.begun[record_name], fate=self.fate, words=words)

    async def _send_again(self) -> None:
        """Send it once more. What TRaX took once, or may have taken, it may have taken."""
        operation, before = self.call.operations[0], self.sent.outcome
        sent = await self.parts.send(operation, self.call)
        self.parts.write_sent(self.call, operation, sent)
        if _KNOWN.index(sent.outcome) >= _KNOWN.index(before):
            self.sent = sent

    # It is repeated, and counts later

    async def repeat(self) -> bool:
        """Send it once more. False if another go-live has begun since, or none can be known."""
        store, record_name, fate = self.parts.store, self._of_studio, self.fate
        if record_name not in self.begun:
            return False
        it, lease = self._ended(record_name), store.records.lease_seconds
        start_id = self.start.id if self.start else None
        with suppress(StoreUnavailable):
            async with store.keeping(record_name, it.name):
                if await store.update(
                    record_name, lambda old, now: old.begin_repeat(it, start_id, now, lease)
                ):
                    await self._send_again()
                    if self.sent.outcome != "not_applied":
                        await store.update(record_name, lambda old, _: old.was_repeated(it))
                    await self._tell_if_counts(fate)
                    return True
        return False

    async def note_read(self) -> None:
        """Its key has read the status: one that was not known counts."""
        before, self.was_read = self.fate, True
        await self._tell_if_counts(before)

    async def _tell_if_counts(self, before: Fate) -> None:
        if before != "counts" and self.fate == "counts":
            with anyio.CancelScope(shield=True):
                await self.parts.store.now_or_later(partial(self._end_in, self._of_studio))

    # What was seen

    async def look(self) -> Record | None:
        """What is remembered of the studio, as far as the engine says so in time."""
        return await self.parts.store.look_within(FACTS_SECONDS, self.record_name)

    async def learn_stream(self) -> None:
        """Know the stream of the start that could come, if that was answered since."""
        if self.start is None or self.start.stream_id:
            return
        seen = await self.parts.store.look_within(FACTS_SECONDS, self._of_studio)
        start = seen.studio.start if seen else None
        if start is not None and start.id == self.start.id:
            self.start = replace(self.start, stream_id=start.stream_id)

    async def note_on_air(self) -> None:
        """The start that could come has come."""
        start_id = self.start.id if self.start else ""
        with anyio.move_on_after(FACTS_SECONDS), suppress(StoreUnavailable):
            await self.parts.store.update(
                self._of_studio, lambda it, _: it.seen_on_air(start_id, though_stopped=True)
            )

    async def note_words(self, words: str) -> None:
        """Tell a later use of the same approval what was seen."""
        approval, store = self.begin.approval, self.parts.store
        for record_name in self.begun:
            note = partial(store.update, record_name, lambda it, _: it.note_stop(approval, words))
            await store.now_or_later(note)


class StopWatch:
    """What is seen after a stop that was sent. `was_on_air`: it was seen on air at least once."""

    def __init__(self, stop: Stopping) -> None:
        self._stop = stop
        self._parts = stop.parts
        self._is_unreadable = False
        self._is_final = False
        self.was_on_air = False
        self.observed = Observed("unknown", iso(self._parts.clock.now()))

    async def run(self, progress: Progress = no_progress) -> None:
        """Watch until the studio is off air, for `OBSERVED_SECONDS` at most."""
        stop, clock = self._stop, self._parts.clock
        began = last = clock.seconds()
        while True:
            await self._look()
            elapsed = clock.seconds() - began
            act = next_after(self._watched(elapsed))
            if act == "end":
                return
            if act == "again" and is_busy(stop.sent):
                await clock.sleep(last + AGAIN_SECONDS - clock.seconds())
                last = clock.seconds()
                if await self._was_stopped() or not await stop.repeat():
                    return
            elif act == "again":
                await self._repeat()
            else:
                await progress(int(elapsed), int(OBSERVED_SECONDS), "Waiting until it's off air.")
                await clock.sleep(_PAUSE_SECONDS)

    @property
    def seconds_left(self) -> float:
        """For how long it is still watched whether a start comes. Not if 0."""
        waits = waits_for_start(self._watched()) and not is_busy(self._stop.sent)
        return self._stop.start_left if waits else 0.0

    async def run_on(self) -> datetime | None:
        """After the answer, repeat the stop once if the start that could come does come.

        Returns when, after watching what follows.
        """
        clock = self._parts.clock
        while self.seconds_left > 0:
            await clock.sleep(AGAIN_SECONDS)
            await self._look()
            if self.observed.state != "on_air":
                continue
            if self.seconds_left > 0 and await self._repeat():
                at = clock.now()
                await self.run()
                return at
            return None
        return None

    def _watched(self, elapsed: float = 0.0) -> Watched:
        stop = self._stop
        return Watched(
            sent=stop.sent,
            state=self.observed.state,
            elapsed=elapsed,
            start=stop.start,
            start_left=stop.start_left,
            is_unreadable=self._is_unreadable,
            is_final=self._is_final,
        )

    async def _repeat(self) -> bool:
        """Send it once more, for the only time."""
        self._is_final = True
        return await self._stop.repeat()

    async def _was_stopped(self) -> bool:
        """Whether the start that could come was stopped otherwise since, or undone."""
        seen, before = await self._stop.look(), self._stop.start
        start = seen.studio.start if seen else None
        return start is not None and start.was_stopped and start != before

    async def _look(self) -> None:
        """The state now. A studio that was on air counts as that while reads of it fail."""
        status, checked_at = await self._status(), iso(self._parts.clock.now())
        if isinstance(status, StreamStatus):
            state = state_after(self._stop.sent, status)
            self.observed = Observed(state, checked_at, status.since)
            return
        self._is_unreadable = status is not None and not status.retryable
        if self.observed.state != "on_air":
            self.observed = Observed("unknown", checked_at)

    async def _status(self) -> StreamStatus | TraxError | None:
        """Read the stream status. Then the key may read the studio: an unknown stop counts."""
        stop = self._stop
        operation = GetStreamStatus(studio_id=stop.call.studio)
        with anyio.move_on_after(QUICK_SECONDS):
            try:
                status = await self._parts.client.call(
                    operation, stop.call.caller, retry=False, urgent=True
                )
            except TraxError as error:
                return error
            await stop.note_read()
            if status.live:
                self.was_on_air = True
                await stop.learn_stream()
                self._is_final |= is_another(stop.start, status)
                if not self._is_final:
                    await stop.note_on_air()
            return status
        return None


def engine_seconds(parts: Parts) -> float | None:
    """How long a stop waits for the engine. The memory of this process answers at once."""
    return _ENGINE_SECONDS if parts.store.records.is_shared else None


def digest(approval: str) -> str:
    """The name under which a used approval is remembered."""
    return hashlib.blake2b(approval.encode(errors="surrogatepass"), digest_size=16).hexdigest()
