"""The records that one step of the shared store reads and writes."""

from dataclasses import astuple, dataclass, replace
from typing import Final, Self

from trax_mcp.api.accepted_keys import NOT_ACCEPTED
from trax_mcp.api.errors import Outcome
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.consent.confirmations import LIFETIME_SECONDS
from trax_mcp.consent.evidence import Confirmation, UsedConfirmation, call_digest
from trax_mcp.consent.place_state import PlaceState, PlaceView
from trax_mcp.consent.store import Place, Started
from trax_mcp.replicas.engine import TAG, Snapshot, Write
from trax_mcp.replicas.records import (
    CONFIRMATIONS,
    GUESTS,
    PLACES,
    Guests,
    StoredConfirmation,
    StoredPlace,
)
from trax_mcp.sealing import hashed

PLACE_SECONDS: Final = 3600.0
_AUTO_GO_LIVE_SECONDS: Final = 30 * 86_400.0
KEPT_SECONDS: Final = LIFETIME_SECONDS + 30.0


@dataclass(slots=True)
class Step:
    """The records that one step has read, to decide and to change."""

    snapshot: Snapshot
    names: "StepNames"
    view: PlaceView
    shared: StoredPlace
    own: StoredPlace
    guests: Guests
    confirmation: StoredConfirmation | None
    is_known: bool
    """Whether the replicas know that TRaX has accepted the caller in this studio."""
    declined_until: float | None
    sender_is_gone: bool = False

    @property
    def place(self) -> Place:
        """The place, as the replicas know it together."""
        return self.view.place

    @property
    def now(self) -> float:
        """The time of the engine, in seconds."""
        return self.snapshot.now

    @property
    def stops(self) -> frozenset[int]:
        """The stops that are being sent, by number: all others wait for their end."""
        return self.shared.state.stops | self.own.state.stops

    @property
    def seen_confirmation(self) -> Confirmation | UsedConfirmation | None:
        """The caller's confirmation, unless it has expired or a stop has ended it."""
        kept = self.confirmation
        if kept is None or self.now >= kept.confirmation.expires:
            return None
        return self.view.valid(kept.seen(sender_is_gone=self.sender_is_gone))

    @property
    def age(self) -> float:
        """For how many seconds the confirmation has been kept."""
        expires = self.confirmation.confirmation.expires if self.confirmation else self.now
        return self.now + LIFETIME_SECONDS - expires

    def start(
        self, operation: Operation[Model], confirmation_id: str | None, replica: str
    ) -> Started:
        """Start a call of a replica, under the number that was taken with the step."""
        number = self.snapshot.number
        started = self.view.start(operation, confirmation_id, number)
        sending = self.shared if self.place.has_access else self.own
        sending.senders[number] = replica
        if (go_live := self.own.state.go_live) and is_guest(self.place):
            sent = StoredPlace(PlaceState(go_live=go_live), {**self.own.senders})
            self.guests[self.place.caller] = sent
        return started

    def end_sending(self, numbers: frozenset[int]) -> None:
        """A call has ended, under all its numbers."""
        for it in (self.shared, self.own, *self.guests.values()):
            it.state.stops -= numbers
            it.senders = {n: sender for n, sender in it.senders.items() if n not in numbers}

    def end_go_live_of_guest(self, started: Started, outcome: Outcome, *, has_access: bool) -> None:
        """A go-live has ended. TRaX may have accepted its caller in this studio meanwhile."""
        guest = self.guests.get(started.place.caller, StoredPlace()).state
        if guest.go_live is not None and guest.go_live.number == started.number:
            guest.go_live = replace(guest.go_live, outcome=outcome, has_access=has_access)

    def copy(self) -> "Step":
        """What `writes` compares it with later."""
        guests = {caller: it.copy() for caller, it in self.guests.items()}
        return replace(self, shared=self.shared.copy(), own=self.own.copy(), guests=guests)

    def writes(self, before: "Step") -> dict[str, Write]:
        """The differences from before, as they are written."""
        names, writes, studio = self.names, dict[str, Write](), self.place.id
        for name, now, then in (
            (names.shared, self.shared, before.shared),
            (names.own, self.own, before.own),
        ):
            if now != then:
                seconds = _AUTO_GO_LIVE_SECONDS if now.state.auto_go_live else PLACE_SECONDS
                writes[name] = Write(PLACES.write(now, secret=studio, name=name), seconds)
        if self.guests != before.guests:
            value = GUESTS.write(self.guests, secret=studio, name=names.guests)
            writes[names.guests] = Write(value, PLACE_SECONDS)
        if names.confirmation and self.confirmation and self.confirmation != before.confirmation:
            value = CONFIRMATIONS.write(
                self.confirmation, secret=self.confirmation.confirmation.id, name=names.confirmation
            )
            writes[names.confirmation] = Write(value, KEPT_SECONDS)
        if writes and self.place.has_access and not self.is_known:
            writes[names.access] = Write(b"1", PLACE_SECONDS)
        return writes


@dataclass(frozen=True, slots=True)
class StepNames:
    """The names of everything that a step reads."""

    shared: str
    own: str
    access: str
    guests: str
    confirmation: str | None
    declined: str | None

    @classmethod
    def of(
        cls, place: Place, confirmation_id: str | None, operation: Operation[Model] | None
    ) -> Self:
        """The names for a place, a confirmation and a call."""
        studio, caller = hashed(place.id), hashed(place.id, place.caller)
        return cls(
            shared=f"{TAG}:place:{studio}",
            own=f"{TAG}:place:{caller}",
            access=f"{TAG}:access:{caller}",
            guests=f"{TAG}:guests:{studio}",
            confirmation=confirmation_name(confirmation_id) if confirmation_id else None,
            declined=declined_name(place.caller, operation) if operation else None,
        )

    def all(self) -> list[str]:
        """Those that there are."""
        return [it for it in astuple(self) if it is not None]


def go_lives(step: Step) -> list[PlaceState]:
    """The states with all go-lives of a studio that matter to a stop."""
    return [it.state for it in (step.shared, step.own, *step.guests.values())]


def is_guest(place: Place) -> bool:
    """Whether TRaX has accepted the caller's key, but not in this studio."""
    return not place.has_access and place.owner != NOT_ACCEPTED


def confirmation_name(confirmation_id: str) -> str:
    """The name of a confirmation."""
    return f"{TAG}:yes:{hashed(confirmation_id)}"


def declined_name(caller: str, operation: Operation[Model]) -> str:
    """The name of a person's no to a call."""
    return f"{TAG}:no:{call_digest(operation, caller)[:32]}"
