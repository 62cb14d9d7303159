"""A `ConsentStore` in the memory of this process. Only `begin` and the two waits ever wait."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Final

import anyio
from cachetools import TTLCache

from trax_mcp.api.errors import Outcome
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.clock import Clock
from trax_mcp.consent.confirmations import LIFETIME_SECONDS, Confirmations
from trax_mcp.consent.evidence import Confirmation, original
from trax_mcp.consent.place_state import (
    PlaceState,
    PlaceView,
    may_follow_stop,
    overlapping_go_lives,
)
from trax_mcp.consent.preview import HiddenChanges, Preview
from trax_mcp.consent.store import Place, Seen, Stale, Started

MAX_PLACES: Final = 1024
DECLINED_SECONDS: Final = 60.0
"""How long a person who said no is not asked about the same call again."""
_MAX_DECLINED: Final = 1024

_Key = tuple[str, str | None]


class MemoryStore:
    """Confirmations, and the states of the places that were used last.

    A place that was forgotten gets the highest counters of all forgotten ones of its kind, so that
    what was seen there before is outdated.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._confirmations = Confirmations(clock)
        self._states: OrderedDict[_Key, PlaceState] = OrderedDict()
        self._forgotten_shared, self._forgotten_own = PlaceState(), PlaceState()
        self._numbers = count(1)
        self._ended: dict[str, anyio.Event] = {}
        self._declined: TTLCache[tuple[str, Operation[Model]], float] = TTLCache(
            _MAX_DECLINED, DECLINED_SECONDS, timer=clock.seconds
        )

    async def look(
        self,
        place: Place,
        confirmation_id: str | None,
        operation: Operation[Model] | None = None,
    ) -> Seen:
        now, view = self._clock.seconds(), self._view(place)
        stored = view.valid(self._confirmations.get(confirmation_id))
        until = self._declined.get((place.caller, operation)) if operation else None
        return Seen(
            place=place,
            version=view.version,
            stop_count=view.stop_count,
            hidden=view.current.hidden,
            go_live_pending=view.has_pending_go_live(now),
            auto_go_live=view.has_auto_go_live,
            confirmation=stored,
            age=now - original(stored).expires + LIFETIME_SECONDS if stored else 0.0,
            declined_seconds=until - now if until is not None else None,
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
        view = self._view_to_change(seen.place)
        if view.is_stale(operation, seen):
            return Stale()
        confirmation = self._confirmations.add(
            operation, preview, seen=seen, choice=choice, asked_again=asked_again
        )
        if seen.place.has_access:
            view.shared.kept_until = confirmation.expires
        return confirmation

    async def wait_for_go_live(self, place: Place) -> None:
        await self._wait_while(place.id, lambda: self._view(place).is_sending_go_live)

    async def begin(
        self, operation: Operation[Model], *, confirmation_id: str | None, seen: Seen
    ) -> Started | Stale:
        if not operation.stops_broadcast:
            await self._wait_while(seen.place.id, lambda: self._view(seen.place).is_busy)
        view = self._view_to_change(seen.place)
        if view.is_stale(operation, seen):
            return Stale()
        # The confirmation of a stop does not expire while the stop waits for a go-live.
        stored = (
            seen.confirmation
            if operation.stops_broadcast
            else view.valid(self._confirmations.get(confirmation_id))
        )
        if confirmation_id is not None and not self._confirmations.use(stored):
            return Stale()
        return view.start(operation, confirmation_id, next(self._numbers))

    def may_send(self, started: Started) -> bool:  # noqa: ARG002  nobody else can take the turn
        return True

    async def note_overlap(self, started: Started) -> Started:
        overlapping = overlapping_go_lives(self._studio_states(started.place.id))
        return replace(started, overlapping_go_lives=overlapping)

    async def go_live_may_follow(self, started: Started) -> bool:
        studio_id = started.place.id

        def is_sending() -> bool:
            sent = overlapping_go_lives(self._studio_states(studio_id))
            return not set(sent).isdisjoint(started.overlapping_go_lives)

        await self._wait_while(studio_id, is_sending)
        shared = self._find(_shared_key(started.place))
        return may_follow_stop(started, shared, self._studio_states(studio_id))

    async def wait_for_stop(self, started: Started) -> None:
        place, number = started.place, started.number
        await self._wait_while(place.id, lambda: not self._view(place).has_stop_since(number))

    async def was_overtaken(self, started: Started) -> bool:
        return self._view(started.place).was_overtaken(started, is_abandoned=False)

    async def finish(
        self, started: Started, outcome: Outcome, *, place: Place, hidden_fields: Sequence[str]
    ) -> None:
        self._get_or_add(_key(started.place))
        view = self._view_to_change(place)
        if outcome == "not_applied":
            self._confirmations.give_back(started.confirmation_id)
        now = self._clock.seconds()
        view.finish(started, outcome, hidden_fields=hidden_fields, now=now)
        if ended := self._ended.pop(place.id, None):
            ended.set()

    async def record(self, started: Started, outcome: str, *, on_air: bool) -> None:
        self._confirmations.record(started.confirmation_id, outcome)
        if on_air:
            self._view(started.place).end_pending(started.number)

    async def record_on_air(self, seen: Seen) -> None:
        view = self._view(seen.place)
        if view.version == seen.version:
            view.end_all_pending()

    async def record_auto_go_live(self, place: Place, *, on: bool) -> None:
        self._view_to_change(place).set_auto_go_live(on=on)

    async def discard(self, confirmation_id: str) -> None:
        self._confirmations.discard(confirmation_id)

    async def decline(self, confirmation: Confirmation, operation: Operation[Model]) -> None:
        self._confirmations.discard(confirmation.id)
        if not operation.stops_broadcast:
            until = self._clock.seconds() + DECLINED_SECONDS
            self._declined[confirmation.caller, operation] = until

    async def _wait_while(self, studio_id: str, condition: Callable[[], bool]) -> None:
        """Wait until a call that ends in a studio has made a condition false."""
        while condition():
            await self._ended.setdefault(studio_id, anyio.Event()).wait()

    def _view(self, place: Place) -> PlaceView:
        """The states that matter to a caller, to read."""
        own = self._states.get(_own_key(place))
        if own is None:
            own = PlaceState() if place.has_access else self._forgotten_own
        return PlaceView(place, self._find(_shared_key(place)), own)

    def _view_to_change(self, place: Place) -> PlaceView:
        self._get_or_add(_key(place))
        return self._view(place)

    def _studio_states(self, studio_id: str) -> Iterator[PlaceState]:
        """The states of all places in a studio."""
        return (state for key, state in self._states.items() if key[0] == studio_id)

    def _find(self, key: _Key) -> PlaceState:
        """The state of a place, to read. Unknown places get that of the forgotten ones."""
        return self._states.get(key, self._forgotten(key))

    def _get_or_add(self, key: _Key) -> None:
        """Remember the state of a place, as the one that was used last."""
        if key not in self._states:
            self._forget_states()
            gone = self._forgotten(key)
            self._states[key] = PlaceState(gone.version, gone.stop_count, gone.hidden)
        self._states.move_to_end(key)

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

    def _forgotten(self, key: _Key) -> PlaceState:
        """The state of all forgotten places of this kind."""
        return self._forgotten_shared if key[1] is None else self._forgotten_own


def _key(place: Place) -> _Key:
    return _shared_key(place) if place.has_access else _own_key(place)


def _shared_key(place: Place) -> _Key:
    return (place.id, None)


def _own_key(place: Place) -> _Key:
    return (place.id, place.caller)
