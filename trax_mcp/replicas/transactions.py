"""Steps on the engine: read what one depends on, decide, and write, until nothing came between."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final

import anyio

from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.consent.confirmations import MAX_PER_OWNER, group
from trax_mcp.consent.evidence import UsedConfirmation
from trax_mcp.consent.memory_store import DECLINED_SECONDS
from trax_mcp.consent.place_state import PlaceState, PlaceView
from trax_mcp.consent.store import Place, Started
from trax_mcp.replicas.engine import TAG, Engine, Write
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
from trax_mcp.replicas.step import (
    KEPT_SECONDS,
    PLACE_SECONDS,
    Step,
    StepNames,
    confirmation_name,
)
from trax_mcp.replicas.stops_alone import StopsAlone
from trax_mcp.sealing import hashed

POLL_SECONDS: Final = 0.02
"""How often a call that waits for others looks again."""
STOP_SECONDS: Final = 0.5
"""How long each step of a stop waits for the engine. Without it, the stop goes on alone."""
_TOMBSTONE: Final = Write(b"", 1.0)
_BASE_DIGITS: Final = 11


class Transactions:
    """Reads and writes the steps of this replica. What the engine misses is written later."""

    def __init__(self, engine: Engine, heartbeat: Heartbeat, alone: StopsAlone) -> None:
        self._engine = engine
        self._heartbeat = heartbeat
        self._alone = alone
        self.missed: Final = MissedSteps(seconds=PLACE_SECONDS)

    async def change(
        self, place: Place, confirmation_id: str | None, change: Callable[[Step], None]
    ) -> Step | None:
        """Change what is kept, now or later. Returns it as it is now, or None."""
        changed: list[Step] = []

        async def attempt() -> None:
            changed.append(await self.change_now(place, confirmation_id, change))

        with anyio.CancelScope(shield=True):  # a call that began must end
            await self.missed.take(attempt)
        return changed[0] if changed else None

    async def change_now(
        self, place: Place, confirmation_id: str | None, change: Callable[[Step], None]
    ) -> Step:
        """Change what is kept. Returns it as it is now.

        Raises:
            EngineAway: the engine does not answer.
        """
        while True:
            step = await self.load(place, confirmation_id)
            before = step.copy()
            change(step)
            if await self.write(step, before):
                return step

    async def forget(self, confirmation_id: str, declined: str | None) -> None:
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

    async def wait_while(self, place: Place, condition: Callable[[Step], bool]) -> Step | None:
        """Wait until a condition is false. None if the engine does not answer."""
        while True:
            step = await self.look_at(place)
            if step is None or not condition(step):
                return step
            await anyio.sleep(POLL_SECONDS)

    async def look_at(self, place: Place) -> Step | None:
        """The records of a place. None if the engine does not answer."""
        with suppress(EngineAway):
            return await self.load(place)
        return None

    async def load(
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
                self._alone.complete(step, confirmation_id, operation)
            if await self._end_calls_of_the_gone(step):
                return step

    async def load_in_time(
        self, started: Started, *, take_number: bool = False, pause: float = 0.0
    ) -> Step:
        """Load what a stop depends on. The engine is asked twice, as it may only have been busy.

        Each time has a limit, and a `pause` is between them, in seconds.

        Raises:
            EngineAway: it did not answer.
        """

        async def ask() -> Step:
            self._engine.try_again()
            with self._engine.limited(STOP_SECONDS):
                return await self.load(
                    started.place, started.confirmation_id, take_number=take_number
                )

        with suppress(EngineAway):
            return await ask()
        await anyio.sleep(pause)
        return await ask()

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
        kept = step.confirmation
        in_progress = kept.sender if kept and kept.number and kept.outcome is None else ""
        places = (step.shared, step.own, *step.guests.values())
        senders = {sender for it in places for sender in it.senders.values()}
        gone = await self._heartbeat.gone({*senders, in_progress})
        if not gone:
            return True
        before = step.copy()
        for it in places:
            it.abandon(gone, now=step.now)
        step.sender_is_gone = in_progress in gone
        if not step.writes(before):
            return True
        await self.write(step, before)
        return False

    async def write(self, step: Step, before: Step) -> bool:
        """Write what has changed in a step. False if what it has read has changed meanwhile."""
        writes = step.writes(before)
        return not writes or await self._engine.write(step.snapshot, writes)

    async def count(self, kept: StoredConfirmation) -> None:
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


def _read_confirmation(
    values: Mapping[str, bytes | None], name: str | None, confirmation_id: str | None
) -> StoredConfirmation | None:
    if name is None or confirmation_id is None:
        return None
    return CONFIRMATIONS.read(values[name], secret=confirmation_id, name=name)
