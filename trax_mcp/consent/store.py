"""Stores confirmations and the state of each studio.

Each step of a `ConsentStore` is atomic. Between two steps anything may happen, so a step that
depends on an earlier `look` gets what was seen, and returns `Stale` if it is outdated.
"""

import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import anyio

from trax_mcp.api.errors import Outcome
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.clock import Clock
from trax_mcp.consent.evidence import Confirmation, UsedConfirmation
from trax_mcp.consent.preview import NOTHING_HIDDEN, HiddenChanges
from trax_mcp.studio.naming import Sentence

LIFETIME_SECONDS: Final = 300.0
"""How long a confirmation is valid, and a question open."""
START_SECONDS: Final = 60.0
"""How long a go-live counts as under way unless it is seen on air or stopped."""
MOST_PER_CALLER: Final = 32
MOST_CONFIRMATIONS: Final = 4096
MOST_PLACES: Final = 1024

_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What `look` saw of a place, and of a confirmation.

    `version` increases when a guarded call begins or ends there, `stop_count` with each stop that
    TRaX did not refuse, `hidden` with each hidden change. `start_pending`: a go-live was
    sent within the last minute, and its result has not been seen.
    """

    place: str
    version: int
    stop_count: int
    hidden: HiddenChanges
    start_pending: bool
    confirmation: Confirmation | UsedConfirmation | None


@dataclass(frozen=True, slots=True)
class Started:
    """A guarded call that has begun, at `version` of its place. It has the turn until `finish`.

    `finish` runs in the task that called `begin`: an `anyio.Lock` belongs to the task that has it.
    """

    place: str
    operation: Operation[Model]
    confirmation_id: str | None
    version: int


@dataclass(frozen=True, slots=True)
class Stale:
    """Nothing was done: what `look` saw is no longer true."""


class ConsentStore(Protocol):
    """Remembers confirmations and the state of studios. Each step happens as a whole.

    A step that is cancelled has done nothing.
    """

    async def look(self, place: str, confirmation_id: str | None, *, caller: str) -> Seen:
        """Return the state of a place, and the caller's confirmation of that id."""
        ...

    async def add(
        self,
        operation: Operation[Model],
        *,
        caller: str,
        digest: str,
        shown: tuple[Sentence, ...],
        seen: Seen,
        choice: str | None = None,
        asked_again: bool = False,
    ) -> Confirmation | Stale:
        """Keep a question under a new id that cannot be guessed.

        The oldest unused confirmation of the caller may be evicted.
        """
        ...

    async def begin(
        self, operation: Operation[Model], *, confirmation_id: str | None, seen: Seen
    ) -> Started | Stale:
        """Wait for the turn at a place, then take the confirmation and start the call.

        A stop is never stale because of what others did.
        """
        ...

    async def finish(
        self, started: Started, outcome: Outcome, *, hidden_fields: Sequence[str]
    ) -> None:
        """End the turn. A confirmation is given back if the call was certainly not applied.

        `hidden_fields` are the things that it may have changed and that no read shows.
        """
        ...

    async def record(self, started: Started, outcome: str, *, on_air: bool) -> None:
        """Keep the outcome of a call in words. `on_air`: its go-live was seen on air."""
        ...

    async def record_on_air(self, seen: Seen) -> None:
        """A studio was seen on air: no go-live is pending there, unless one began meanwhile."""
        ...

    async def discard(self, confirmation_id: str) -> None:
        """Forget an unused confirmation: a person said no."""
        ...


@dataclass(slots=True)
class _Place:
    """What was done at one place. Counters never shrink."""

    version: int = 0
    stop_count: int = 0
    hidden: HiddenChanges = NOTHING_HIDDEN
    start_pending_until: float = 0.0
    kept_until: float = 0.0
    last_start: int = 0
    lock: anyio.Lock = field(default_factory=anyio.Lock)

    def is_idle(self, now: float) -> bool:
        """Whether no call runs or waits there, no go-live is pending, and nobody was asked."""
        return not self.lock.locked() and max(self.start_pending_until, self.kept_until) <= now


class MemoryStore:
    """A `ConsentStore` in the memory of this process.

    Only `begin` waits, for its turn. Nothing waits after that.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._confirmations: OrderedDict[str, Confirmation | UsedConfirmation] = OrderedDict()
        self._places: OrderedDict[str, _Place] = OrderedDict()
        self._forgotten = _Place()

    async def look(self, place: str, confirmation_id: str | None, *, caller: str) -> Seen:
        self._remove_expired()
        stored = self._confirmations.get(confirmation_id or "")
        state = self._places.get(place, self._forgotten)
        return Seen(
            place=place,
            version=state.version,
            stop_count=state.stop_count,
            hidden=state.hidden,
            start_pending=state.start_pending_until > self._clock.seconds(),
            confirmation=stored if stored and _confirmation(stored).caller == caller else None,
        )

    async def add(
        self,
        operation: Operation[Model],
        *,
        caller: str,
        digest: str,
        shown: tuple[Sentence, ...],
        seen: Seen,
        choice: str | None = None,
        asked_again: bool = False,
    ) -> Confirmation | Stale:
        self._remove_expired()
        if self._is_stale(operation, seen):
            return Stale()
        self._make_room(caller)
        confirmation = Confirmation(
            id=secrets.token_urlsafe(_ID_BYTES),
            caller=caller,
            operation=operation,
            digest=digest,
            expires=self._clock.seconds() + LIFETIME_SECONDS,
            shown=shown,
            choice=choice,
            asked_again=asked_again,
            hidden_version=seen.hidden.version,
        )
        self._confirmations[confirmation.id] = confirmation
        self._place(seen.place).kept_until = confirmation.expires
        return confirmation

    async def begin(
        self, operation: Operation[Model], *, confirmation_id: str | None, seen: Seen
    ) -> Started | Stale:
        state = self._place(seen.place)
        await state.lock.acquire()
        if self._is_stale(operation, seen) or not self._take(confirmation_id, operation, seen):
            state.lock.release()
            return Stale()
        state.version += 1
        if operation.starts_broadcast:
            state.start_pending_until = self._clock.seconds() + START_SECONDS
            state.last_start = state.version
        return Started(seen.place, operation, confirmation_id, state.version)

    async def finish(
        self, started: Started, outcome: Outcome, *, hidden_fields: Sequence[str]
    ) -> None:
        state, operation = self._places[started.place], started.operation
        if outcome == "not_applied":
            self._give_back(started.confirmation_id)
        else:
            for what in hidden_fields:
                state.hidden = state.hidden.with_change(what, operation.target_id())
        if operation.starts_broadcast and outcome == "not_applied":
            state.start_pending_until = 0.0
        if operation.stops_broadcast and outcome != "not_applied":
            state.stop_count += 1
            self._void_go_lives(started.place)
        if operation.stops_broadcast and outcome == "applied":
            state.start_pending_until = 0.0
        state.version += 1
        state.lock.release()

    async def record(self, started: Started, outcome: str, *, on_air: bool) -> None:
        stored = self._confirmations.get(started.confirmation_id or "")
        if isinstance(stored, UsedConfirmation):
            self._confirmations[stored.confirmation.id] = replace(stored, outcome=outcome)
        state = self._places.get(started.place)
        if on_air and state is not None and state.last_start == started.version:
            state.start_pending_until = 0.0

    async def record_on_air(self, seen: Seen) -> None:
        state = self._places.get(seen.place)
        if state is not None and state.version == seen.version:
            state.start_pending_until = 0.0

    async def discard(self, confirmation_id: str) -> None:
        if isinstance(self._confirmations.get(confirmation_id), Confirmation):
            del self._confirmations[confirmation_id]

    def _is_stale(self, operation: Operation[Model], seen: Seen) -> bool:
        now = self._places.get(seen.place, self._forgotten)
        return now.version != seen.version and not operation.stops_broadcast

    def _take(self, confirmation_id: str | None, operation: Operation[Model], seen: Seen) -> bool:
        """Use a confirmation up, if there is one. False if it is gone or used already."""
        if confirmation_id is None:
            return True
        self._remove_expired()
        stored = self._confirmations.get(confirmation_id)
        if stored is None and operation.stops_broadcast:
            stored = seen.confirmation  # a yes to a stop does not expire while the stop waits
        if not isinstance(stored, Confirmation):
            return False
        self._confirmations[confirmation_id] = UsedConfirmation(stored)
        return True

    def _give_back(self, confirmation_id: str | None) -> None:
        if isinstance(stored := self._confirmations.get(confirmation_id or ""), UsedConfirmation):
            self._confirmations[stored.confirmation.id] = stored.confirmation

    def _void_go_lives(self, place: str) -> None:
        """After a stop, no earlier yes to a go-live is valid."""
        for stored in list(self._confirmations.values()):
            if not isinstance(stored, Confirmation):
                continue
            if stored.operation.starts_broadcast and stored.operation.studio() == place:
                del self._confirmations[stored.id]

    def _place(self, place: str) -> _Place:
        if place not in self._places:
            self._forget_places()
            gone = self._forgotten
            self._places[place] = _Place(gone.version, gone.stop_count, gone.hidden)
        self._places.move_to_end(place)
        return self._places[place]

    def _forget_places(self) -> None:
        """Forget the oldest idle places.

        A forgotten place gets the highest counters of all forgotten ones, so that what was seen
        there before is outdated.
        """
        now = self._clock.seconds()
        idle = [place for place, state in self._places.items() if state.is_idle(now)]
        for place in idle[: max(0, len(self._places) - MOST_PLACES + 1)]:
            state, gone = self._places.pop(place), self._forgotten
            gone.version = max(gone.version, state.version)
            gone.stop_count = max(gone.stop_count, state.stop_count)
            hidden = max(gone.hidden.version, state.hidden.version)
            gone.hidden = HiddenChanges(hidden, forgotten_version=hidden)

    def _make_room(self, caller: str) -> None:
        """Evict the oldest. Used ones stay: they must still be told apart from unknown ids."""
        unused = [it for it in self._confirmations.values() if isinstance(it, Confirmation)]
        mine = [it.id for it in unused if it.caller == caller]
        for confirmation_id in mine[: 1 - MOST_PER_CALLER]:
            del self._confirmations[confirmation_id]
        while len(self._confirmations) >= MOST_CONFIRMATIONS:
            self._confirmations.popitem(last=False)

    def _remove_expired(self) -> None:
        now = self._clock.seconds()
        while self._confirmations:
            if _confirmation(next(iter(self._confirmations.values()))).expires > now:
                return
            self._confirmations.popitem(last=False)  # all live equally long: the oldest is first


def _confirmation(stored: Confirmation | UsedConfirmation) -> Confirmation:
    return stored.confirmation if isinstance(stored, UsedConfirmation) else stored
