"""A `ConsentStore` that several replicas share. Without the engine, only stops go on."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final, Self

import anyio

from trax_mcp.api.error_texts import store_unavailable
from trax_mcp.api.errors import Outcome
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.clock import Clock
from trax_mcp.consent.confirmations import LIFETIME_SECONDS, new_confirmation
from trax_mcp.consent.evidence import Confirmation, UsedConfirmation
from trax_mcp.consent.place_state import may_follow_stop, overlapping_go_lives
from trax_mcp.consent.preview import Preview
from trax_mcp.consent.store import Place, Seen, Stale, Started
from trax_mcp.replicas.begun_calls import BegunCalls
from trax_mcp.replicas.engine import Engine
from trax_mcp.replicas.engine_checks import connect
from trax_mcp.replicas.failures import EngineAway
from trax_mcp.replicas.heartbeat import Heartbeat
from trax_mcp.replicas.records import StoredConfirmation
from trax_mcp.replicas.shared_looks import SharedLooks
from trax_mcp.replicas.shared_questions import QuestionsOnEngine
from trax_mcp.replicas.step import Step, declined_name, go_lives
from trax_mcp.replicas.stops_alone import StopsAlone
from trax_mcp.replicas.transactions import POLL_SECONDS, STOP_SECONDS, Transactions

_MOST_POLL_SECONDS: Final = 0.08
_OBSERVED_POLL_SECONDS: Final = 0.2
"""How often a go-live that is observed looks whether a stop came after it."""
_BEGIN_SECONDS: Final = 1.0
"""How long a stop tries to begin in the engine before it is sent. The last try can take longer."""


class SharedStore:
    """The steps of a `ConsentStore`, each one read and one write that depends on it."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self.feeds = SharedLooks(engine)
        """The chat and stream status that replicas share."""
        self._heartbeat = Heartbeat(engine)
        self._alone = StopsAlone(engine, clock, self._heartbeat.replica)
        self._steps = Transactions(engine, self._heartbeat, self._alone)
        self._begun = BegunCalls(clock)

    @property
    def questions(self) -> QuestionsOnEngine:
        """The questions in panels, in the same engine."""
        return QuestionsOnEngine(self._engine, self._clock)

    def engine_answers(self) -> bool:
        """Whether the engine has kept the last heartbeat, of two a second, and answered since."""
        return self._engine.answers

    async def look(
        self,
        place: Place,
        confirmation_id: str | None,
        operation: Operation[Model] | None = None,
    ) -> Seen:
        try:
            with self._engine.limited(_patience(operation)):
                step = await self._steps.load(place, confirmation_id, operation)
        except EngineAway:
            if operation is None or not operation.stops_broadcast:
                raise store_unavailable() from None
            return self._alone.seen(place, confirmation_id, operation)
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
        sign = partial(
            self._alone.signed, confirmation, operation, seen.place, preview.broadcast_start
        )
        if operation.stops_broadcast:
            confirmation = sign(is_kept=True)
        try:
            with self._engine.limited(_patience(operation)):
                return await self._keep(confirmation, operation, seen)
        except EngineAway:
            if operation.stops_broadcast:
                return sign(is_kept=False)
            raise store_unavailable() from None

    async def wait_for_go_live(self, place: Place) -> None:
        await self._steps.wait_while(place, lambda step: step.view.is_sending_go_live)

    async def begin(
        self, operation: Operation[Model], *, confirmation_id: str | None, seen: Seen
    ) -> Started | Stale:
        pause = POLL_SECONDS
        while True:
            try:
                with self._engine.limited(_patience(operation)):
                    step = await self._steps.load(
                        seen.place, confirmation_id, operation, take_number=True
                    )
            except EngineAway:
                return self._alone.begin(operation, confirmation_id, seen)
            if not operation.stops_broadcast and step.view.is_busy:
                await anyio.sleep(pause)
                pause = min(pause * 1.5, _MOST_POLL_SECONDS)
                continue
            if step.view.is_stale(operation, seen):
                return Stale()
            before = step.copy()
            if confirmation_id is not None:
                usable = self._usable(step, operation, seen)
                if step.confirmation is None or not isinstance(usable, Confirmation):
                    return Stale()
                step.confirmation = step.confirmation.used(
                    step.snapshot.number, self._heartbeat.replica
                )
            started = step.start(operation, confirmation_id, self._heartbeat.replica)
            with anyio.CancelScope(shield=True):
                if await self._write_begin(step, before, started):
                    return started

    def may_send(self, started: Started) -> bool:
        return started.operation.stops_broadcast or not self._begun.is_late(started.number)

    async def note_overlap(self, started: Started) -> Started:
        """The same. A stop that the engine does not know begins there: it may only have been busy.

        All others wait from here on, so that no go-live comes after the stop unseen.
        """
        with anyio.CancelScope(shield=True):  # without its new number it could not be ended
            until = anyio.current_time() + _BEGIN_SECONDS
            while anyio.current_time() < until:
                try:
                    step = await self._steps.load_in_time(started, take_number=True)
                except EngineAway:
                    break
                overlapping = overlapping_go_lives(go_lives(step))
                started = replace(started, overlapping_go_lives=overlapping)
                # The engine may have missed it, or others have ended it: this replica was silent.
                if started.number in step.stops:
                    break
                started = await self._begin_late(step, started)
        return started

    async def go_live_may_follow(self, started: Started) -> bool:
        """The same. Without the engine, one that was seen before the stop was sent may."""
        overlapping = {*started.overlapping_go_lives}
        while overlapping:
            try:
                step = await self._steps.load_in_time(started, pause=STOP_SECONDS)
            except EngineAway:
                return True
            if overlapping.isdisjoint(overlapping_go_lives(go_lives(step))):
                return may_follow_stop(started, step.shared.state, go_lives(step))
            await anyio.sleep(POLL_SECONDS)
        return False

    async def wait_for_stop(self, started: Started) -> None:
        while True:
            step = await self._steps.look_at(started.place)
            if step is not None and step.view.has_stop_since(started.number):
                return
            await anyio.sleep(_OBSERVED_POLL_SECONDS)

    async def was_overtaken(self, started: Started) -> bool:
        try:
            step = await self._steps.load_in_time(started)
        except EngineAway:
            return False
        is_abandoned = started.number not in {**step.shared.senders, **step.own.senders}
        return step.view.was_overtaken(started, is_abandoned=is_abandoned)

    async def finish(
        self, started: Started, outcome: Outcome, *, place: Place, hidden_fields: Sequence[str]
    ) -> None:
        numbers = self._begun.end(started.number)
        if outcome == "not_applied":
            self._alone.give_back(started.confirmation_id)
        if not numbers and outcome == "not_applied":
            return  # the engine never knew of it
        ends_at = self._alone.new_number()

        def change(step: Step) -> None:
            ended = started
            if started.operation.stops_broadcast and started.number not in step.stops:
                # Others may have begun before its end. This clock may be ahead.
                number = min(ends_at, int(step.now * 1_000_000))
                ended = replace(started, number=max(number, started.number if numbers else 0))
            step.view.finish(ended, outcome, hidden_fields=hidden_fields, now=step.now)
            step.end_sending(numbers)
            step.end_go_live_of_guest(started, outcome, has_access=place.has_access)
            kept = step.confirmation
            if kept is not None and kept.number == started.number and outcome == "not_applied":
                step.confirmation = StoredConfirmation(kept.confirmation)
            if kept is not None and not kept.number and outcome != "not_applied":
                # A stop has begun without the engine.
                step.confirmation = kept.used(started.number, self._heartbeat.replica)

        step = await self._steps.change(place, started.confirmation_id, change)
        if step is not None and step.confirmation is not None and outcome == "not_applied":
            await self._steps.count(step.confirmation)

    async def record(self, started: Started, outcome: str, *, on_air: bool) -> None:
        def change(step: Step) -> None:
            if step.confirmation is not None and step.confirmation.number == started.number:
                step.confirmation = replace(step.confirmation, outcome=outcome)
            if on_air:
                step.view.end_pending(started.number)

        await self._steps.change(started.place, started.confirmation_id, change)

    async def record_on_air(self, seen: Seen) -> None:
        def change(step: Step) -> None:
            if step.view.version == seen.version:
                step.view.end_all_pending()

        # It can be in the way of a stop. Without it, the go-live is pending for a minute at most.
        with suppress(EngineAway), self._engine.limited(STOP_SECONDS):
            await self._steps.change_now(seen.place, None, change)

    async def record_auto_go_live(self, place: Place, *, on: bool) -> None:
        await self._steps.change(place, None, lambda step: step.view.set_auto_go_live(on=on))

    async def discard(self, confirmation_id: str) -> None:
        await self._steps.missed.take(lambda: self._steps.forget(confirmation_id, None))

    async def decline(self, confirmation: Confirmation, operation: Operation[Model]) -> None:
        name = None
        if not operation.stops_broadcast:
            name = declined_name(confirmation.caller, operation)
        await self._steps.missed.take(lambda: self._steps.forget(confirmation.id, name))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Say that this replica is alive, and repeat what the engine has missed, until the end."""
        try:
            async with anyio.create_task_group() as tasks:
                await tasks.start(self._heartbeat.run)
                tasks.start_soon(self._steps.missed.run)
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
            step = await self._steps.load(seen.place, confirmation.id)
            if step.view.is_stale(operation, seen):
                return Stale()
            before = step.copy()
            kept = replace(confirmation, expires=step.now + LIFETIME_SECONDS)
            step.confirmation = StoredConfirmation(kept)
            if step.place.has_access:
                step.shared.state.kept_until = kept.expires
            if await self._steps.write(step, before):
                await self._steps.count(step.confirmation)
                return kept

    async def _write_begin(self, step: Step, before: Step, started: Started) -> bool:
        """Begin a call. False if something has changed meanwhile.

        Raises:
            NotSent: the engine did not answer. It may have begun, so it is ended.
        """
        self._begun.note(started.number)
        try:
            with self._engine.limited(_patience(started.operation)):
                if not await self._steps.write(step, before):
                    self._begun.end(started.number)
                    return False
                if step.confirmation is not None:
                    await self._steps.count(step.confirmation)
        except EngineAway:
            if not started.operation.stops_broadcast:
                await self.finish(started, "not_applied", place=step.place, hidden_fields=())
                raise store_unavailable() from None
        if step.confirmation is not None:
            self._alone.note_use(step.confirmation.confirmation.id, started.number)
        return True

    async def _begin_late(self, step: Step, started: Started) -> Started:
        """Begin a stop under a new number, if nothing has changed meanwhile."""
        before = step.copy()
        late = replace(
            step.start(started.operation, started.confirmation_id, self._heartbeat.replica),
            overlapping_go_lives=started.overlapping_go_lives,
        )
        kept = step.confirmation
        if kept is not None and kept.number in {0, started.number}:
            step.confirmation = kept.used(late.number, self._heartbeat.replica)
        if not await self._write_begin(step, before, late):
            return started
        self._begun.note(late.number, after=started.number)
        return late

    def _usable(
        self, step: Step, operation: Operation[Model], seen: Seen
    ) -> Confirmation | UsedConfirmation | None:
        """The confirmation as it is now. That of a stop does not expire while the stop waits."""
        kept = step.confirmation
        if operation.stops_broadcast and kept is not None and not kept.number:
            return seen.confirmation
        return step.seen_confirmation


def _patience(operation: Operation[Model] | None) -> float | None:
    """How long a step of a call waits for the engine. Only that of a stop has a limit here."""
    return STOP_SECONDS if operation is not None and operation.stops_broadcast else None


@asynccontextmanager
async def open_store(url: str, clock: Clock) -> AsyncIterator[SharedStore]:
    """Open the store that replicas share, and keep this replica alive in it.

    Raises:
        CannotStart: there is no engine at this address that replicas can rely on.
    """
    async with SharedStore(await connect(url), clock).running() as store:
        yield store
