"""A `ConsentStore` in the memory of this process. Only `begin` and the two waits ever wait."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final

import anyio
from cachetools import TTLCache

from trax_mcp.api.accepted_keys import NOT_ACCEPTED
from trax_mcp.api.errors import Outcome
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.clock import Clock
from trax_mcp.consent.confirmations import LIFETIME_SECONDS, Confirmations
from trax_mcp.consent.evidence import Confirmation
from trax_mcp.consent.preview import NOTHING_HIDDEN, HiddenChanges, Preview
from trax_mcp.consent.store import Place, Seen, Stale, Started

PENDING_SECONDS: Final = 60.0
"""How long a go-live counts as under way after its answer, unless seen on air or stopped."""
MAX_PLACES: Final = 1024
DECLINED_SECONDS: Final = 60.0
"""How long a person who said no is not asked about the same call again."""
_MAX_DECLINED: Final = 1024


@dataclass(slots=True)
class _GoLive:
    """A go-live that is being sent or was sent. `outcome` is set when it `ended`.

    TRaX had accepted its caller's key for something (`owner`), or by its end in this studio.
    """

    number: int
    owner: str
    has_access: bool
    ended: anyio.Event = field(default_factory=anyio.Event)
    outcome: Outcome = "unknown"


@dataclass(slots=True)
class _State:
    """What was done at one place. Its counters only increase.

    `pending_go_live` is the number of the go-live that is pending until `pending_until`.
    """

    version: int = 0
    stop_count: int = 0
    hidden: HiddenChanges = NOTHING_HIDDEN
    auto_go_live: bool = False
    kept_until: float = 0.0
    pending_until: float = 0.0
    pending_go_live: int = 0
    turn: anyio.Lock = field(default_factory=anyio.Lock)
    go_live: _GoLive | None = None
    stops_running: int = 0
    stops_ended: anyio.Event = field(default_factory=anyio.Event)

    def is_idle(self, now: float) -> bool:
        """Whether no call runs, waits or is pending there, and no question is open."""
        is_running = self.turn.locked() or self.stops_running
        is_kept = self.auto_go_live or max(self.kept_until, self.pending_until) > now
        return not (is_running or is_kept)

    def has_pending_go_live(self, now: float) -> bool:
        """Whether a go-live is being sent, or may still take effect."""
        return self.go_live_being_sent is not None or self.pending_until > now

    @property
    def go_live_being_sent(self) -> _GoLive | None:
        """The go-live that has no answer yet."""
        return self.go_live if self.go_live and not self.go_live.ended.is_set() else None

    def end_go_live(self, outcome: Outcome, *, has_access: bool) -> None:
        """The go-live that was being sent has ended."""
        if self.go_live is not None:
            self.go_live.outcome = outcome
            self.go_live.has_access = has_access
            self.go_live.ended.set()

    def end_stop(self) -> None:
        """One of the stops that were being sent has ended."""
        self.stops_running -= 1
        if not self.stops_running:
            self.stops_ended.set()
            self.stops_ended = anyio.Event()


_Key = tuple[str, str | None]


class MemoryStore:
    """Confirmations, and the states of the places that were used last.

    A place that was forgotten gets the highest counters of all forgotten ones of its kind, so that
    what was seen there before is outdated. A caller sees the shared place and their own as one:
    TRaX may accept them between two looks.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._confirmations = Confirmations(clock)
        self._states: OrderedDict[_Key, _State] = OrderedDict()
        self._forgotten_shared, self._forgotten_own = _State(), _State()
        self._numbers = count(1)
        self._declined: TTLCache[tuple[str, Operation[Model]], float] = TTLCache(
            _MAX_DECLINED, DECLINED_SECONDS, timer=clock.seconds
        )

    async def look(self, place: Place, confirmation_id: str | None) -> Seen:
        now, visible = self._clock.seconds(), self._visible(place)
        stored = self._confirmations.get(confirmation_id)
        question = stored if isinstance(stored, Confirmation | None) else stored.confirmation
        return Seen(
            place=place,
            version=self._version(place),
            stop_count=self._stop_count(place),
            hidden=self._find(_key(place)).hidden,
            go_live_pending=any(it.has_pending_go_live(now) for it in visible),
            auto_go_live=any(it.auto_go_live for it in visible),
            confirmation=stored if question and question.caller == place.caller else None,
            age=now - question.expires + LIFETIME_SECONDS if question else 0.0,
            declined={
                operation: until - now
                for (caller, operation), until in self._declined.items()
                if caller == place.caller
            },
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
        state = self._get_or_add(seen.place)
        if self._is_stale(operation, seen):
            return Stale()
        confirmation = self._confirmations.add(
            operation,
            preview,
            caller=seen.place.caller,
            owner=seen.place.owner,
            choice=choice,
            asked_again=asked_again,
            hidden_version=seen.hidden.version,
        )
        if seen.place.has_access:
            state.kept_until = confirmation.expires
        return confirmation

    async def wait_for_go_live(self, place: Place) -> None:
        for state in self._visible(place):
            if go_live := state.go_live_being_sent:
                await go_live.ended.wait()

    async def begin(
        self, operation: Operation[Model], *, confirmation_id: str | None, seen: Seen
    ) -> Started | Stale:
        state = self._get_or_add(seen.place)
        if operation.stops_broadcast:
            return self._begin_stop(state, operation, confirmation_id, seen)
        # The lock belongs to the task that acquires it: `finish` runs in the same one.
        await state.turn.acquire()
        started: Started | Stale = Stale()
        try:
            await self._wait_for_stops(seen.place)
            if not self._is_stale(operation, seen) and self._use(confirmation_id, operation, seen):
                started = self._started(state, operation, confirmation_id, seen.place)
        finally:
            if isinstance(started, Stale):
                state.turn.release()
        return started

    async def note_overlap(self, started: Started) -> Started:
        overlapping = tuple(
            it.number
            for it in self._go_lives(started.place.id)
            if not it.ended.is_set() and (it.has_access or it.owner != NOT_ACCEPTED)
        )
        return replace(started, overlapping_go_lives=overlapping)

    async def go_live_may_follow(self, started: Started) -> bool:
        overlapping = [
            it
            for it in self._go_lives(started.place.id)
            if it.number in started.overlapping_go_lives
        ]
        for it in overlapping:
            await it.ended.wait()
        may_follow = any(it.has_access and it.outcome != "not_applied" for it in overlapping)
        latest = self._find(_shared_key(started.place)).go_live
        return may_follow and not (latest is not None and latest.number > started.number)

    async def finish(
        self, started: Started, outcome: Outcome, *, place: Place, hidden_fields: Sequence[str]
    ) -> None:
        operation, began_at = started.operation, self._get_or_add(started.place)
        state = self._get_or_add(place) if place.has_access else began_at
        for it in {id(it): it for it in (began_at, state)}.values():
            it.version += 1
        if operation.starts_broadcast:
            began_at.end_go_live(outcome, has_access=place.has_access or started.place.has_access)
        if outcome == "not_applied":
            after_stop = self._stop_count(started.place) != started.stop_count
            self._confirmations.give_back(started.confirmation_id, after_stop=after_stop)
        else:
            self._note_effects(state, started, outcome, hidden_fields)
        if operation.stops_broadcast:
            began_at.end_stop()
        else:
            began_at.turn.release()

    async def record(self, started: Started, outcome: str, *, on_air: bool) -> None:
        self._confirmations.record(started.confirmation_id, outcome)
        for state in self._shared_and_own(started.place):
            if on_air and state.pending_go_live == started.number:
                state.pending_until = 0.0

    async def record_on_air(self, seen: Seen) -> None:
        if self._version(seen.place) == seen.version:
            for state in self._visible(seen.place):
                state.pending_until = 0.0

    async def record_auto_go_live(self, place: Place, *, on: bool) -> None:
        self._get_or_add(place).auto_go_live = on
        if not on:
            for state in self._visible(place):
                state.auto_go_live = False

    async def discard(self, confirmation_id: str) -> None:
        self._confirmations.discard(confirmation_id)

    async def decline(self, confirmation: Confirmation) -> None:
        self._confirmations.discard(confirmation.id)
        if not confirmation.operation.stops_broadcast:
            until = self._clock.seconds() + DECLINED_SECONDS
            self._declined[confirmation.caller, confirmation.operation] = until

    async def _wait_for_stops(self, place: Place) -> None:
        """Wait until no stop is being sent, not even one that the caller sent without access."""
        while stopping := [it for it in self._visible(place) if it.stops_running]:
            await stopping[0].stops_ended.wait()

    def _begin_stop(
        self,
        state: _State,
        operation: Operation[Model],
        confirmation_id: str | None,
        seen: Seen,
    ) -> Started | Stale:
        if not self._use(confirmation_id, operation, seen):
            return Stale()
        state.stops_running += 1
        return self._started(state, operation, confirmation_id, seen.place)

    def _go_lives(self, studio_id: str) -> list[_GoLive]:
        """The latest go-live of each place in a studio."""
        states = (state for key, state in self._states.items() if key[0] == studio_id)
        return [state.go_live for state in states if state.go_live is not None]

    def _started(
        self,
        state: _State,
        operation: Operation[Model],
        confirmation_id: str | None,
        place: Place,
    ) -> Started:
        number = next(self._numbers)
        state.version += 1
        if operation.starts_broadcast:
            state.go_live = _GoLive(number, place.owner, place.has_access)
        stops = self._stop_count(place)
        return Started(place, operation, confirmation_id, number, stops)

    def _note_effects(
        self, state: _State, started: Started, outcome: Outcome, hidden_fields: Sequence[str]
    ) -> None:
        """Note what a call may have changed. A stop that was applied ends a pending go-live."""
        operation = started.operation
        for what in hidden_fields:
            state.hidden = state.hidden.with_change(what, operation.target_id())
        if operation.starts_broadcast:
            state.pending_until = self._clock.seconds() + PENDING_SECONDS
            state.pending_go_live = started.number
        if operation.stops_broadcast:
            state.stop_count += 1
            self._discard_after_stop(
                started.place, shared=state is self._find(_shared_key(started.place))
            )
            if outcome == "applied" and state.pending_go_live < started.number:
                state.pending_until = 0.0

    def _discard_after_stop(self, place: Place, *, shared: bool) -> None:
        """A stop makes earlier confirmations invalid, if their calls put anything on air."""
        self._confirmations.discard_if(
            lambda it: (
                it.puts_on_air
                and it.operation.studio() == place.id
                and (shared or it.caller == place.caller)
            )
        )

    def _use(self, confirmation_id: str | None, operation: Operation[Model], seen: Seen) -> bool:
        """Use the confirmation, if there is one. False if it was used or removed meanwhile."""
        if confirmation_id is None:
            return True
        # The confirmation of a stop does not expire while the stop waits for a go-live.
        is_stop = operation.stops_broadcast
        stored = seen.confirmation if is_stop else self._confirmations.get(confirmation_id)
        return isinstance(stored, Confirmation) and self._confirmations.use(stored)

    def _is_stale(self, operation: Operation[Model], seen: Seen) -> bool:
        now = (self._version(seen.place), self._find(_key(seen.place)).hidden.version)
        return now != (seen.version, seen.hidden.version) and not operation.stops_broadcast

    def _version(self, place: Place) -> tuple[int, int]:
        shared, own = self._shared_and_own(place)
        return shared.version, own.version

    def _stop_count(self, place: Place) -> int:
        return sum(it.stop_count for it in self._shared_and_own(place))

    def _shared_and_own(self, place: Place) -> tuple[_State, _State]:
        """The states of the place that callers with access share, and of the caller's own place."""
        own = self._states.get(_own_key(place))
        if own is None:
            own = _State() if place.has_access else self._forgotten_own
        return self._find(_shared_key(place)), own

    def _visible(self, place: Place) -> tuple[_State, ...]:
        """The states that `look` may report to this caller."""
        shared, own = self._shared_and_own(place)
        return (shared, own) if place.has_access else (own,)

    def _find(self, key: _Key) -> _State:
        """The state of a place, to read. Unknown places get that of the forgotten ones."""
        return self._states.get(key, self._forgotten(key))

    def _get_or_add(self, place: Place) -> _State:
        """The state of a place, to change."""
        key = _key(place)
        if key not in self._states:
            self._forget_states()
            gone = self._forgotten(key)
            self._states[key] = _State(gone.version, gone.stop_count, gone.hidden)
        self._states.move_to_end(key)
        return self._states[key]

    def _forget_states(self) -> None:
        """Forget the idle places that were used longest ago, so that one more can be stored."""
        surplus = len(self._states) - MAX_PLACES + 1
        if surplus <= 0:
            return
        now = self._clock.seconds()
        idle = [key for key, state in self._states.items() if state.is_idle(now)]
        for key in idle[:surplus]:
            state, forgotten = self._states.pop(key), self._forgotten(key)
            forgotten.version = max(forgotten.version, state.version)
            forgotten.stop_count = max(forgotten.stop_count, state.stop_count)
            hidden = max(forgotten.hidden.version, state.hidden.version)
            forgotten.hidden = HiddenChanges(hidden, forgotten_version=hidden)

    def _forgotten(self, key: _Key) -> _State:
        """The state of all forgotten places of this kind."""
        return self._forgotten_shared if key[1] is None else self._forgotten_own


def _key(place: Place) -> _Key:
    return _shared_key(place) if place.has_access else _own_key(place)


def _shared_key(place: Place) -> _Key:
    return (place.id, None)


def _own_key(place: Place) -> _Key:
    return (place.id, place.caller)
