"""The records of consent and looks that replicas share, as the engine keeps them. Pure."""

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Final, Generic, Self, TypeVar

from pydantic import TypeAdapter, ValidationError

from trax_mcp.api.errors import (
    BadAnswer,
    Failure,
    LostAnswer,
    NoConnection,
    NotSent,
    Refused,
    TooLarge,
    TraxError,
)
from trax_mcp.chat.poll_interval import PollInterval
from trax_mcp.chat.shared_feed import LookResult
from trax_mcp.consent.evidence import Confirmation, UsedConfirmation
from trax_mcp.consent.place_state import PlaceState
from trax_mcp.replicas.failures import Unreadable
from trax_mcp.sealing import seal, unseal

OUTCOME_UNKNOWN: Final = "whether the call ran is not known"

_ERRORS: Final = {
    it.__name__: it
    for it in (TraxError, NotSent, NoConnection, LostAnswer, Refused, BadAnswer, TooLarge)
}

RecordT = TypeVar("RecordT")

FORMAT: Final = b"1"
"""Raised with each change of what a record holds. Then replicas do not misread each other's."""


@dataclass(slots=True)
class StoredPlace:
    """The state of a place, and which replica sends each of its calls, by number."""

    state: PlaceState = field(default_factory=PlaceState)
    senders: dict[int, str] = field(default_factory=dict)

    def abandon(self, replicas: Iterable[str], *, now: float) -> None:
        """End the calls of replicas that are gone: their outcome is not known."""
        gone = frozenset(replicas)
        for number in [it for it, sender in self.senders.items() if sender in gone]:
            del self.senders[number]
            self.state.abandon(number, now=now)

    def copy(self) -> "StoredPlace":
        """What a step compares it with after its changes. The parts of a state never change."""
        return StoredPlace(copy(self.state), {**self.senders})


@dataclass(slots=True)
class StoredConfirmation:
    """A confirmation. `number` is that of the call that used it, 0 if none did."""

    confirmation: Confirmation
    number: int = 0
    sender: str = ""
    outcome: str | None = None

    def seen(self, *, sender_is_gone: bool) -> Confirmation | UsedConfirmation:
        """As callers see it."""
        if not self.number:
            return self.confirmation
        if self.outcome is None and not sender_is_gone:
            return UsedConfirmation(self.confirmation)
        return UsedConfirmation(self.confirmation, self.outcome or OUTCOME_UNKNOWN)

    def used(self, number: int, sender: str) -> "StoredConfirmation":
        """The same, used by a call."""
        return replace(self, number=number, sender=sender)


Guests = dict[str, StoredPlace]
"""The latest go-live of each caller whose key TRaX has accepted, but not in this studio.

Of their places, it is what a stop of others depends on.
"""


@dataclass(frozen=True, slots=True)
class StoredLook:
    """How the last look ended. `error` is the name of the failure's exception."""

    interval: PollInterval
    pause: float
    error: str
    failure: Failure | None

    @classmethod
    def of(cls, look: LookResult) -> Self:
        """The look as it is stored."""
        error = look.error
        if error is None:
            return cls(look.interval, look.pause, "", None)
        return cls(look.interval, look.pause, type(error).__name__, error.failure)

    def result(self) -> LookResult:
        """The look as it was."""
        kind = _ERRORS.get(self.error, TraxError)
        error = kind(self.failure) if self.failure else None
        return LookResult(self.interval, error, self.pause)


class Codec(Generic[RecordT]):
    """Writes records of one type as sealed values, and reads them."""

    def __init__(self, kind: type[RecordT]) -> None:
        self._adapter: TypeAdapter[RecordT] = TypeAdapter(kind)

    def write(self, record: RecordT, *, secret: str, name: str) -> bytes:
        """The sealed value of a record."""
        return seal(FORMAT + self._adapter.dump_json(record), secret=secret, name=name)

    def read(self, value: bytes | None, *, secret: str, name: str) -> RecordT | None:
        """The record of a sealed value. None if there is none, or it cannot be opened.

        Raises:
            Unreadable: it can be opened, but is of another version.
        """
        opened = unseal(value, secret=secret, name=name) if value else None
        if opened is None:
            return None
        if not opened.startswith(FORMAT):
            raise Unreadable
        try:
            return self._adapter.validate_json(opened.removeprefix(FORMAT))
        except ValidationError:  # it would end a stop, with what the record holds in its text
            raise Unreadable from None


PLACES: Final = Codec(StoredPlace)
CONFIRMATIONS: Final = Codec(StoredConfirmation)
GUESTS: Final = Codec(Guests)
LOOKS: Final = Codec(StoredLook)
