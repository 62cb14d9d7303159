"""The state of a place, and how each step of a guarded call changes it. Pure: no I/O, no clock.

Every `ConsentStore` loads states, lets a `PlaceView` decide or change them, and stores them again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from trax_mcp.api.accepted_keys import NOT_ACCEPTED
from trax_mcp.api.errors import Outcome
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.consent.evidence import Stored, UsedConfirmation, original
from trax_mcp.consent.preview import NOTHING_HIDDEN, HiddenChanges
from trax_mcp.consent.store import Place, Seen, Started

PENDING_SECONDS: Final = 60.0
"""How long a go-live counts as under way after its answer, unless seen on air or stopped."""


@dataclass(frozen=True, slots=True)
class SentGoLive:
    """A go-live that was sent. `outcome` is None until it has ended.

    TRaX had accepted its caller's key for something (`owner`), or by its end in this studio.
    """

    number: int
    owner: str
    has_access: bool
    outcome: Outcome | None = None


@dataclass(slots=True)
class PlaceState:
    """What was done at one place. Its counters only increase.

    `turn` and `stops` are the numbers of the calls that are being sent. `pending_number` is that of
    the go-live that is pending until `pending_until`, or of the later stop that ended it.
    `last_stop` is that of the latest stop that TRaX did not refuse.
    """

    version: int = 0
    stop_count: int = 0
    hidden: HiddenChanges = NOTHING_HIDDEN
    auto_go_live: bool = False
    kept_until: float = 0.0
    pending_until: float = 0.0
    pending_number: int = 0
    last_stop: int = 0
    turn: int | None = None
    stops: frozenset[int] = frozenset()
    go_live: SentGoLive | None = None

    def is_idle(self, now: float) -> bool:
        """Whether no call runs or is pending there, and no question is open."""
        is_running = self.turn is not None or self.stops
        is_kept = self.auto_go_live or max(self.kept_until, self.pending_until) > now
        return not (is_running or is_kept)

    def has_pending_go_live(self, now: float) -> bool:
        """Whether a go-live is being sent, or may still take effect."""
        return self.is_sending_go_live or self.pending_until > now

    @property
    def is_sending_go_live(self) -> bool:
        """Whether a go-live has no answer yet."""
        return self.go_live is not None and self.go_live.outcome is None

    def abandon(self, number: int, *, now: float) -> None:
        """End a call whose outcome and effects will never be known: any may have come."""
        self.version += 1
        self.hidden = self.hidden.with_unknown_changes()
        if self.go_live is not None and self.go_live.number == number:
            self.go_live = replace(self.go_live, outcome="unknown")
            self.await_go_live(number, now=now)
        if number in self.stops:
            self.stops -= {number}
            self.count_stop(number)
        if self.turn == number:
            self.turn = None

    def await_go_live(self, number: int, *, now: float) -> None:
        """A go-live may still take effect, unless a later one may, or a later stop was applied."""
        if number > self.pending_number:
            self.pending_until, self.pending_number = now + PENDING_SECONDS, number

    def count_stop(self, number: int) -> None:
        """A stop has ended that TRaX did not refuse."""
        self.stop_count += 1
        self.last_stop = max(self.last_stop, number)


@dataclass(slots=True)
class PlaceView:
    """The two states that matter to a caller: the shared place of a studio, and their own.

    Callers whose key TRaX has accepted there act on the shared place, all others on their own.
    """

    place: Place
    shared: PlaceState = field(default_factory=PlaceState)
    own: PlaceState = field(default_factory=PlaceState)

    @property
    def current(self) -> PlaceState:
        """The state that the caller's calls change."""
        return self.shared if self.place.has_access else self.own

    @property
    def visible(self) -> tuple[PlaceState, ...]:
        """The states that the caller may learn about."""
        return (self.shared, self.own) if self.place.has_access else (self.own,)

    @property
    def version(self) -> tuple[int, int]:
        """The versions of both: TRaX may accept the caller between two looks."""
        return self.shared.version, self.own.version

    @property
    def stop_count(self) -> int:
        """The number of stops in both."""
        return self.shared.stop_count + self.own.stop_count

    def is_stale(self, operation: Operation[Model], seen: Seen) -> bool:
        """Whether something has changed since `seen`. Nothing makes a stop stale."""
        now = (self.version, self.current.hidden.version)
        return now != (seen.version, seen.hidden.version) and not operation.stops_broadcast

    @property
    def is_busy(self) -> bool:
        """Whether a call other than a stop must wait: for the turn, or for the end of a stop."""
        return self.current.turn is not None or any(it.stops for it in self.visible)

    @property
    def is_sending_go_live(self) -> bool:
        """Whether a go-live that the caller may learn about has no answer yet."""
        return any(it.is_sending_go_live for it in self.visible)

    def has_pending_go_live(self, now: float) -> bool:
        """Whether a go-live is being sent, or may still take effect."""
        return any(it.has_pending_go_live(now) for it in self.visible)

    def has_stop_since(self, number: int) -> bool:
        """Whether a stop that began after the call of this number has ended, and not refused."""
        return any(it.last_stop > number for it in (self.shared, self.own))

    def was_overtaken(self, started: Started, *, is_abandoned: bool) -> bool:
        """Whether a stop has not waited for the end of this go-live. False if a later one began."""
        states = (self.shared, self.own)
        latest = max((it.go_live.number for it in states if it.go_live), default=0)
        is_stopping = is_abandoned and any(it.stops for it in states)
        return latest <= started.number and (is_stopping or self.has_stop_since(started.number))

    @property
    def has_auto_go_live(self) -> bool:
        """Whether this server has turned `autoGoLive` on."""
        return any(it.auto_go_live for it in self.visible)

    def valid(self, stored: Stored | None) -> Stored | None:
        """The confirmation, if it is this caller's and no stop has ended it."""
        if stored is None or original(stored).caller != self.place.caller:
            return None
        if isinstance(stored, UsedConfirmation):
            return stored
        return None if stored.is_ended_by_stop(self.place.id, self.stop_count) else stored

    def start(
        self, operation: Operation[Model], confirmation_id: str | None, number: int
    ) -> Started:
        """Start a call. A stop takes no turn."""
        state, place = self.current, self.place
        state.version += 1
        if operation.stops_broadcast:
            state.stops |= {number}
        else:
            state.turn = number
        if operation.starts_broadcast:
            state.go_live = SentGoLive(number, place.owner, place.has_access)
        return Started(place, operation, confirmation_id, number, self.stop_count)

    def finish(
        self, started: Started, outcome: Outcome, *, hidden_fields: Sequence[str], now: float
    ) -> None:
        """End a call. It counts where its caller acts now: TRaX may have accepted them meanwhile.

        A call that has ended already is not ended again.
        """
        began_at = self.shared if started.place.has_access else self.own
        state = self.shared if self.place.has_access else began_at
        for it in {id(it): it for it in (began_at, state)}.values():
            it.version += 1
        if began_at.go_live is not None and began_at.go_live.number == started.number:
            has_access = self.place.has_access or started.place.has_access
            began_at.go_live = replace(began_at.go_live, outcome=outcome, has_access=has_access)
        if outcome != "not_applied":
            _note_effects(state, started, outcome, hidden_fields=hidden_fields, now=now)
        began_at.stops -= {started.number}
        if began_at.turn == started.number:
            began_at.turn = None

    def end_pending(self, number: int) -> None:
        """The go-live of this number was seen on air."""
        for state in (self.shared, self.own):
            if state.pending_number == number:
                state.pending_until = 0.0

    def end_all_pending(self) -> None:
        """The studio was seen on air."""
        for state in self.visible:
            state.pending_until = 0.0

    def set_auto_go_live(self, *, on: bool) -> None:
        """This server has turned `autoGoLive` on or off."""
        self.current.auto_go_live = on
        if not on:
            for state in self.visible:
                state.auto_go_live = False


def overlapping_go_lives(states: Iterable[PlaceState]) -> tuple[int, ...]:
    """The go-lives that are being sent in a studio, by callers whose key TRaX has accepted."""
    sent = (it.go_live for it in states if it.go_live is not None)
    return tuple(
        it.number
        for it in sent
        if it.outcome is None and (it.has_access or it.owner != NOT_ACCEPTED)
    )


def may_follow_stop(started: Started, shared: PlaceState, states: Iterable[PlaceState]) -> bool:
    """Whether TRaX may have applied a go-live after this stop.

    False if another go-live has begun since: then the stop is no longer the last word.
    """
    sent = (it.go_live for it in states if it.go_live is not None)
    overlapping = [it for it in sent if it.number in started.overlapping_go_lives]
    may_follow = any(it.has_access and it.outcome != "not_applied" for it in overlapping)
    latest = shared.go_live
    return may_follow and not (latest is not None and latest.number > started.number)


def _note_effects(
    state: PlaceState,
    started: Started,
    outcome: Outcome,
    *,
    hidden_fields: Sequence[str],
    now: float,
) -> None:
    """Note what a call may have changed. A stop that was applied ends a pending go-live."""
    operation = started.operation
    for what in hidden_fields:
        state.hidden = state.hidden.with_change(what, operation.target_id())
    if operation.starts_broadcast:
        state.await_go_live(started.number, now=now)
    if operation.stops_broadcast:
        state.count_stop(started.number)
        if outcome == "applied" and state.pending_number < started.number:
            state.pending_until, state.pending_number = 0.0, started.number
