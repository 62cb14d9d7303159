"""A `ConsentStore` that several replicas share. Without the engine, only stops go on."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Self

import anyio
from cachetools import TTLCache

from trax_mcp.api.error_texts import store_unavailable
from trax_mcp.api.errors import Outcome
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.clock import Clock
from trax_mcp.consent.confirmations import (
    LIFETIME_SECONDS,
    MAX_PER_OWNER,
    group,
    new_confirmation,
)
from trax_mcp.consent.evidence import (
    Confirmation,
    UsedConfirmation,
    broadcast_digest,
    call_digest,
)
from trax_mcp.consent.memory_store import DECLINED_SECONDS
from trax_mcp.consent.place_state import (
    PlaceState,
    PlaceView,
    may_follow_stop,
    overlapping_go_lives,
)
from trax_mcp.consent.preview import NOTHING_HIDDEN, Preview, digest
from trax_mcp.consent.store import Place, Seen, Stale, Started
from trax_mcp.replicas.engine import TAG, Engine, Write
from trax_mcp.replicas.engine_checks import connect
from trax_mcp.replicas.failures import EngineAway
from trax_mcp.replicas.heartbeat import Heartbeat
from trax_mcp.replicas.missed_steps import MissedSteps
from trax_mcp.replicas.records import (
    CONFIRMATIONS,
    GUESTS,
    PLACES,
    StoredConfirmation,
    StoredPlace,
)
from trax_mcp.replicas.shared_looks import SharedLooks
from trax_mcp.replicas.shared_questions import QuestionsOnEngine
from trax_mcp.replicas.step import (
    KEPT_SECONDS,
    PLACE_SECONDS,
    Step,
    StepNames,
    confirmation_name,
    declined_name,
    go_lives,
    is_guest,
)
from trax_mcp.replicas.stop_confirmations import broadcast_of, is_of_run, is_signed, sign
from trax_mcp.sealing import hashed

_POLL_SECONDS: Final = 0.02
"""How often a call that waits for others looks again."""
_MOST_POLL_SECONDS: Final = 0.08
_OBSERVED_POLL_SECONDS: Final = 0.2
"""How often a go-live that is observed looks whether a stop came after it."""
_STOP_SECONDS: Final = 0.5
"""How long each step of a stop waits for the engine. Without it, the stop goes on alone."""
_LATE_SECONDS: Final = 1.0
"""A call that was not sent so long after it began is not sent: others may have taken its turn."""
_TOMBSTONE: Final = Write(b"", 1.0)
_BASE_DIGITS: Final = 11


class SharedStore:
    """The steps of a `ConsentStore`, each one read and one write that depends on it."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self.feeds = SharedLooks(engine)
        """What replicas share of chat and stream status."""
        self._heartbeat = Heartbeat(engine)
        self._missed = MissedSteps(seconds=PLACE_SECONDS)
        self._begun: dict[int, tuple[float, datetime]] = {}
        self._used_stops: TTLCache[str, int] = TTLCache(4096, KEPT_SECONDS, timer=clock.seconds)

    @property
    def questions(self) -> QuestionsOnEngine:
        """The questions in panels, in the same engine."""
        return QuestionsOnEngine(self._engine, self._clock)

    def engine_answers(self) -> bool:
        """Whether the engine has answered the last command: at least two are sent each second."""
        return self._engine.answers

    async def look(
        self,
        place: Place,
        confirmation_id: str | None,
        operation: Operation[Model] | None = None,
    ) -> Seen:
        try:
            with self._limited(operation):
                step = await self._load(place, confirmation_id, operation)
        except EngineAway:
            if operation is None or not operation.stops_broadcast:
                raise store_unavailable() from None
            return self._seen_alone(place, confirmation_id, operation)
        confirmation = step.seen_confirmation
        view = step.view
        return Seen(
            place=step.place,
            version=view.version,
            stop_count=view.stop_count,
            hidden=view.current.hidden,
            go_live_pending=view.has_pending_go_live(step.now),
            auto_go_live=view.has_auto_go_live,
            confirmation=confirmation,
            age=step.age if confirmation else 0.0,
            declined_seconds=step.declined_until and step.declined_until - step.now,
        )

    async def add(
        self,
        operation: Operation[Model],
        preview: Preview,
        *,
        seen: Seen,
        choice: str | None = None,
        asked_again: bool = False,
    ) -> Confirmation | Stale:
        now = self._clock.now()
        expires_at = now + timedelta(seconds=LIFETIME_SECONDS)
        confirmation = new_confirmation(
            operation,
            preview,
            seen=seen,
            choice=choice,
            asked_again=asked_again,
            expires=now.timestamp() + LIFETIME_SECONDS,
            expires_at=expires_at,
        )
        if operation.stops_broadcast and choice is None:
            start = preview.broadcast_start
            confirmation = self._signed(confirmation, operation, seen.place, start)
        try:
            with self._limited(operation):
                return await self._keep(confirmation, operation, seen)
        except EngineAway:
            if operation.stops_broadcast:
                return confirmation
            raise store_unavailable() from None

    async def wait_for_go_live(self, place: Place) -> None:
        await self._wait_while(place, lambda step: step.view.is_sending_go_live)

    async def begin(
        self, operation: Operation[Model], *, confirmation_id: str | None, seen: Seen
    ) -> Started | Stale:
        pause = _POLL_SECONDS
        while True:
            try:
                with self._limited(operation):
                    step = await self._load(
                        seen.place, confirmation_id, operation, take_number=True
                    )
            except EngineAway:
                return self._begin_alone(operation, confirmation_id, seen)
            if not operation.stops_broadcast and step.view.is_busy:
                await anyio.sleep(pause)
                pause = min(pause * 1.5, _MOST_POLL_SECONDS)
                continue
            if step.view.is_stale(operation, seen):
                return Stale()
            before, number = deepcopy(step), step.snapshot.number
            if confirmation_id is not None:
                usable = self._usable(step, operation, seen)
                if step.confirmation is None or not isinstance(usable, Confirmation):
                    return Stale()
                step.confirmation = step.confirmation.used(number, self._heartbeat.replica)
            started = step.view.start(operation, confirmation_id, number)
            sending = step.shared if step.place.has_access else step.own
            sending.senders[number] = self._heartbeat.replica
            if (go_live := step.own.state.go_live) and is_guest(step.place):
                step.guests[step.place.caller] = go_live
            with anyio.CancelScope(shield=True):
                if await self._write_begin(step, before, started):
                    return started

    def may_send(self, started: Started) -> bool:
        if started.operation.stops_broadcast or started.number not in self._begun:
            return True
        seconds, date = self._begun[started.number]
        # The one clock stands still while a computer sleeps, the other one may be moved.
        asleep = (self._clock.now() - date).total_seconds()
        return max(self._clock.seconds() - seconds, asleep) <= _LATE_SECONDS

    async def note_overlap(self, started: Started) -> Started:
        try:
            with self._limited(started.operation):
                step = await self._load(started.place)
        except EngineAway:
            return started
        return replace(started, overlapping_go_lives=overlapping_go_lives(go_lives(step)))

    async def go_live_may_follow(self, started: Started) -> bool:
        def is_sending(step: Step) -> bool:
            sent = overlapping_go_lives(go_lives(step))
            return not set(sent).isdisjoint(started.overlapping_go_lives)

        step = await self._wait_while(started.place, is_sending)
        if step is None:
            return False
        return may_follow_stop(started, step.shared.state, go_lives(step))

    async def wait_for_stop(self, started: Started) -> None:
        while True:
            step = await self._look_at(started.place)
            if step is not None and step.view.has_stop_since(started.number):
                return
            await anyio.sleep(_OBSERVED_POLL_SECONDS)

    async def finish(
        self, started: Started, outcome: Outcome, *, place: Place, hidden_fields: Sequence[str]
    ) -> None:
        began = self._begun.pop(started.number, None)
        if outcome == "not_applied":
            self._used_stops.pop(started.confirmation_id or "", None)
        if began is None and outcome == "not_applied":
            return  # the engine never knew of it

        def change(step: Step) -> None:
            step.view.finish(started, outcome, hidden_fields=hidden_fields, now=step.now)
            for it in (step.shared, step.own):
                it.senders.pop(started.number, None)
            kept = step.confirmation
            if kept is not None and kept.number == started.number and outcome == "not_applied":
                step.confirmation = StoredConfirmation(kept.confirmation)
            if kept is not None and not kept.number and outcome != "not_applied":
                # A stop has begun without the engine.
                step.confirmation = kept.used(started.number, self._heartbeat.replica)
            guest = step.guests.get(started.place.caller)
            if guest is not None and guest.number == started.number:
                step.guests[started.place.caller] = replace(
                    guest, outcome=outcome, has_access=place.has_access
                )

        step = await self._change(place, started.confirmation_id, change)
        if step is not None and step.confirmation is not None and outcome == "not_applied":
            await self._count(step.confirmation)

    async def record(self, started: Started, outcome: str, *, on_air: bool) -> None:
        def change(step: Step) -> None:
            if step.confirmation is not None and step.confirmation.number == started.number:
                step.confirmation = replace(step.confirmation, outcome=outcome)
            if on_air:
                step.view.end_pending(started.number)

        await self._change(started.place, started.confirmation_id, change)

    async def record_on_air(self, seen: Seen) -> None:
        def change(step: Step) -> None:
            if step.view.version == seen.version:
                step.view.end_all_pending()

        await self._change(seen.place, None, change)

    async def record_auto_go_live(self, place: Place, *, on: bool) -> None:
        await self._change(place, None, lambda step: step.view.set_auto_go_live(on=on))

    async def discard(self, confirmation_id: str) -> None:
        await self._missed.take(lambda: self._forget(confirmation_id, None))

    async def decline(self, confirmation: Confirmation, operation: Operation[Model]) -> None:
        name = None
        if not operation.stops_broadcast:
            name = declined_name(confirmation.caller, operation)
        await self._missed.take(lambda: self._forget(confirmation.id, name))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Say that this replica is alive, and repeat what the engine has missed, until the end."""
        try:
            async with anyio.create_task_group() as tasks:
                await tasks.start(self._heartbeat.run)
                tasks.start_soon(self._missed.run)
                tasks.start_soon(self.feeds.hear)
                yield self
                tasks.cancel_scope.cancel()
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Close the connection to the engine."""
        await self._engine.aclose()

    async def _keep(
        self, confirmation: Confirmation, operation: Operation[Model], seen: Seen
    ) -> Confirmation | Stale:
        """Keep a new confirmation, and the place that it depends on at least as long."""
        while True:
            step = await self._load(seen.place, confirmation.id)
            if step.view.is_stale(operation, seen):
                return Stale()
            before = deepcopy(step)
            kept = replace(confirmation, expires=step.now + LIFETIME_SECONDS)
            step.confirmation = StoredConfirmation(kept)
            if step.place.has_access:
                step.shared.state.kept_until = kept.expires
            if await self._write(step, before):
                await self._count(step.confirmation)
                return kept

    async def _change(
        self, place: Place, confirmation_id: str | None, change: Callable[[Step], None]
    ) -> Step | None:
        """Change what is kept, now or later. Returns it as it is now, or None."""
        changed: list[Step] = []

        async def attempt() -> None:
            while True:
                step = await self._load(place, confirmation_id)
                before = deepcopy(step)
                change(step)
                if await self._write(step, before):
                    changed.append(step)
                    return

        with anyio.CancelScope(shield=True):  # a call that began must end
            await self._missed.take(attempt)
        return changed[0] if changed else None

    async def _forget(self, confirmation_id: str, declined: str | None) -> None:
        """Forget an unused confirmation, and note that a person said no."""
        name = confirmation_name(confirmation_id)
        while True:
            snapshot = await self._engine.read(name)
            kept = CONFIRMATIONS.read(snapshot.values[name], secret=confirmation_id, name=name)
            writes = {} if kept is None or kept.number else {name: _TOMBSTONE}
            if declined is not None:
                until = snapshot.now + DECLINED_SECONDS
                writes[declined] = Write(str(until).encode(), DECLINED_SECONDS)
            if not writes or await self._engine.write(snapshot, writes):
                return

    async def _wait_while(self, place: Place, condition: Callable[[Step], bool]) -> Step | None:
        """Wait until a condition is false. None if the engine does not answer."""
        while True:
            step = await self._look_at(place)
            if step is None or not condition(step):
                return step
            await anyio.sleep(_POLL_SECONDS)

    async def _look_at(self, place: Place) -> Step | None:
        """What is kept of a place. None if the engine does not answer."""
        with suppress(EngineAway):
            return await self._load(place)
        return None

    async def _load(
        self,
        place: Place,
        confirmation_id: str | None = None,
        operation: Operation[Model] | None = None,
        *,
        take_number: bool = False,
    ) -> Step:
        """Read everything that a step depends on. The calls of replicas that are gone are ended."""
        while True:
            step = await self._read(place, confirmation_id, operation, take_number=take_number)
            if operation and operation.stops_broadcast:
                self._complete(step, confirmation_id, operation)
            if await self._end_calls_of_the_gone(step):
                return step

    async def _read(
        self,
        place: Place,
        confirmation_id: str | None,
        operation: Operation[Model] | None,
        *,
        take_number: bool,
    ) -> Step:
        names = StepNames.of(place, confirmation_id, operation)
        snapshot = await self._engine.read(*names.all(), take_number=take_number)
        values, base = snapshot.values, int(snapshot.run[:_BASE_DIGITS], 16)
        is_known = values[names.access] is not None
        if is_known and place.id:
            place = replace(place, owner=place.caller, has_access=True)

        def stored(name: str) -> StoredPlace:
            kept = PLACES.read(values[name], secret=place.id, name=name)
            return kept or StoredPlace(PlaceState(version=base, stop_count=base))

        shared, own = stored(names.shared), stored(names.own)
        declined = values[names.declined] if names.declined else None
        return Step(
            snapshot=snapshot,
            names=names,
            view=PlaceView(place, shared.state, own.state),
            shared=shared,
            own=own,
            guests=GUESTS.read(values[names.guests], secret=place.id, name=names.guests) or {},
            confirmation=_read_confirmation(values, names.confirmation, confirmation_id),
            is_known=is_known,
            declined_until=float(declined) if declined else None,
        )

    async def _end_calls_of_the_gone(self, step: Step) -> bool:
        """End the calls of replicas that are gone, for all. False if something was written."""
        kept, before = step.confirmation, deepcopy(step)
        in_progress = kept.sender if kept and kept.number and kept.outcome is None else ""
        senders = {*step.shared.senders.values(), *step.own.senders.values(), in_progress}
        gone = await self._heartbeat.gone(senders)
        for it in (step.shared, step.own):
            it.abandon(gone, now=step.now)
        step.sender_is_gone = in_progress in gone
        if not step.writes(before):
            return True
        await self._write(step, before)
        return False

    async def _write(self, step: Step, before: Step) -> bool:
        writes = step.writes(before)
        return not writes or await self._engine.write(step.snapshot, writes)

    async def _write_begin(self, step: Step, before: Step, started: Started) -> bool:
        """Begin a call. False if something has changed meanwhile.

        Raises:
            NotSent: the engine did not answer. It may have begun, so it is ended.
        """
        self._begun[started.number] = (self._clock.seconds(), self._clock.now())
        try:
            with self._limited(started.operation):
                if not await self._write(step, before):
                    del self._begun[started.number]
                    return False
                if step.confirmation is not None:
                    await self._count(step.confirmation)
        except EngineAway:
            if not started.operation.stops_broadcast:
                await self.finish(started, "not_applied", place=step.place, hidden_fields=())
                raise store_unavailable() from None
        if step.confirmation is not None:
            self._used_stops[step.confirmation.confirmation.id] = started.number
        return True

    @contextmanager
    def _limited(self, operation: Operation[Model] | None) -> Iterator[None]:
        """Limit how long a stop waits for the engine.

        Raises:
            EngineAway: it did not answer in time.
        """
        is_stop = operation is not None and operation.stops_broadcast
        try:
            with anyio.fail_after(_STOP_SECONDS if is_stop else None):
                yield
        except TimeoutError:
            self._engine.note_silence()
            raise EngineAway from None

    async def _count(self, kept: StoredConfirmation) -> None:
        """Count a confirmation in its group, and delete the oldest of the group over the limit."""
        unused, used = kept.confirmation, UsedConfirmation(kept.confirmation)
        groups = [f"{TAG}:group:{hashed(*group(it))}" for it in (unused, used)]
        group_now, group_before = reversed(groups) if kept.number else groups
        with suppress(EngineAway):  # the limit only saves memory
            await self._engine.limit(
                group_now,
                confirmation_name(unused.id),
                instead_of=group_before,
                most=MAX_PER_OWNER,
                seconds=KEPT_SECONDS,
            )

    def _usable(
        self, step: Step, operation: Operation[Model], seen: Seen
    ) -> Confirmation | UsedConfirmation | None:
        """The confirmation as it is now. That of a stop does not expire while the stop waits."""
        kept = step.confirmation
        if operation.stops_broadcast and kept is not None and not kept.number:
            return seen.confirmation
        return step.seen_confirmation

    def _seen_alone(
        self, place: Place, confirmation_id: str | None, operation: Operation[Model]
    ) -> Seen:
        """What a stop needs to know, without the engine: whether its confirmation is genuine."""
        return Seen(
            place=place,
            version=(0, 0),
            stop_count=0,
            hidden=NOTHING_HIDDEN,
            go_live_pending=False,
            auto_go_live=False,
            confirmation=self._checked_alone(place, confirmation_id, operation),
        )

    def _begin_alone(
        self, operation: Operation[Model], confirmation_id: str | None, seen: Seen
    ) -> Started | Stale:
        """Begin a stop without the engine.

        Raises:
            NotSent: any other call.
        """
        if not operation.stops_broadcast:
            raise store_unavailable()
        number = int(self._clock.now().timestamp() * 1_000_000)
        if confirmation_id is not None:
            if self._checked_alone(seen.place, confirmation_id, operation) is None:
                return Stale()
            self._used_stops[confirmation_id] = number
        return Started(seen.place, operation, confirmation_id, number, seen.stop_count)

    def _complete(
        self, step: Step, confirmation_id: str | None, operation: Operation[Model]
    ) -> None:
        """Add what the engine does not know of the confirmation of a stop.

        An earlier run of the engine may have kept it, or this replica may have used it alone.
        """
        kept = step.confirmation
        if kept is not None and (number := self._used_stops.get(kept.confirmation.id)):
            step.confirmation = kept if kept.number else kept.used(number, self._heartbeat.replica)
        if kept is not None or is_of_run(confirmation_id or "", step.snapshot.run):
            return
        if confirmation := self._checked_alone(step.place, confirmation_id, operation):
            expires = step.now + LIFETIME_SECONDS
            step.confirmation = StoredConfirmation(replace(confirmation, expires=expires))

    def _checked_alone(
        self, place: Place, confirmation_id: str | None, operation: Operation[Model]
    ) -> Confirmation | None:
        """The confirmation of a stop, if it is genuine and was not used by this replica."""
        now = self._clock.now()
        if (
            confirmation_id is None
            or confirmation_id in self._used_stops
            or not is_signed(confirmation_id, place.key, place.id, now=now.timestamp())
        ):
            return None
        return Confirmation(
            id=confirmation_id,
            caller=place.caller,
            owner=place.owner,
            studio=operation.studio(),
            call=call_digest(operation, confirmation_id),
            digest=digest(operation, ()),
            expires=0.0,
            expires_at=now + timedelta(seconds=LIFETIME_SECONDS),
            stops_broadcast=True,
            broadcast=broadcast_of(confirmation_id),
        )

    def _signed(
        self,
        confirmation: Confirmation,
        operation: Operation[Model],
        place: Place,
        broadcast_start: str | None,
    ) -> Confirmation:
        """A stop's confirmation, under an id that every replica can check without the engine."""
        until, run = confirmation.expires_at.timestamp(), self._engine.run
        broadcast = broadcast_digest(broadcast_start)
        signed = sign(place.key, place.id, until=until, run=run, broadcast=broadcast)
        return replace(confirmation, id=signed, call=call_digest(operation, signed))


@asynccontextmanager
async def open_store(url: str, clock: Clock) -> AsyncIterator[SharedStore]:
    """Open the store that replicas share, and keep this replica alive in it.

    Raises:
        CannotStart: there is no engine at this address that replicas can rely on.
    """
    async with SharedStore(await connect(url), clock).running() as store:
        yield store


def _read_confirmation(
    values: Mapping[str, bytes | None], name: str | None, confirmation_id: str | None
) -> StoredConfirmation | None:
    if name is None or confirmation_id is None:
        return None
    return CONFIRMATIONS.read(values[name], secret=confirmation_id, name=name)
