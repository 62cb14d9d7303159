"""The state of a studio and of what is linked to it, as frozen values. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, Generic, Literal, NamedTuple, Self, TypeVar, cast

from trax_mcp.api.models import Connection, Destination, Health, Source, StreamStatus, Studio

ValueT_co = TypeVar("ValueT_co", covariant=True)

NOT_TOLD: Final = "TRaX didn't say"


class Fact(StrEnum):
    """Something to read: its name in `Facts`, and in a sentence."""

    words: str

    def __new__(cls, name: str, words: str) -> Self:
        """A member with both."""
        fact = str.__new__(cls, name)
        fact._value_, fact.words = name, words
        return fact

    STUDIO = "studio", "the studio's name"
    STATUS = "status", "whether the studio is live"
    DESTINATIONS = "destinations", "the destinations"
    SOURCES = "sources", "the sources"
    CONNECTIONS = "connections", "the linked accounts"
    STUDIOS = "studios", "the studios"
    STUDIO_DETAILS = "studio_details", "the studios"
    """The first ten studios with their status and destinations."""
    HEALTH = "health", "whether writes are switched on"
    STARTING = "starting", "whether a go-live is under way"
    """Whether one was sent to a studio that is off air. This server knows, not TRaX."""


class Unknown(NamedTuple):
    """Something that could not be read, and the reason, in words."""

    what: str
    why: str

    def __str__(self) -> str:
        """Both, for a sentence."""
        return f"{self.what} ({self.why})"


@dataclass(frozen=True)
class Read(Generic[ValueT_co]):
    """The value of a fact: None if it was not read, or could not be.

    `missing` says why there is no value, or which part of a list was not read. Of a list,
    `unreadable` items are left out, and one that `is_null`, in whole or a page of it, may only look
    empty there. `is_forbidden`: the key may not read it.
    """

    value: ValueT_co | None = None
    missing: str = ""
    unreadable: int = 0
    is_null: bool = False
    is_forbidden: bool = False

    @cached_property
    def by_id(self) -> Mapping[str, Any]:
        """The items of a list by id, the first of each."""
        items = cast("Sequence[Any]", self.value or ())
        return {it.id: it for it in reversed(items)}

    @property
    def is_whole(self) -> bool:
        """Whether all of it was read."""
        return self.value is not None and not (self.missing or self.unreadable or self.is_null)

    def unknown(self, fact: Fact) -> Iterator[Unknown]:
        """What is missing of this fact, in words, if anything."""
        things = fact.words.removeprefix("the ")
        if self.missing:
            yield Unknown(fact.words if self.value is None else f"further {things}", self.missing)
        if self.unreadable:
            they = "it" if self.unreadable == 1 else "they"
            yield Unknown(count(self.unreadable, things), f"{they} can't be read")
        if self.is_null:
            what = f"further {things}" if self.value else fact.words
            yield Unknown(what, "TRaX sent `null` instead of a list")


State = Literal["on_air", "starting", "stopping", "off_air", "unknown"]


class Observed(NamedTuple):
    """The state of a broadcast, as observed after a change.

    `since` is TRaX's time, `checked_at` ours; both are ISO 8601.
    """

    state: State
    checked_at: str
    since: str | None = None


class Facts(NamedTuple):
    """Facts that were read.

    `auto_go_live`: `autoGoLive` was turned on through this server. No read shows it.
    """

    studio: Read[Studio] = Read()
    status: Read[StreamStatus] = Read()
    destinations: Read[tuple[Destination, ...]] = Read()
    sources: Read[tuple[Source, ...]] = Read()
    connections: Read[tuple[Connection, ...]] = Read()
    studios: Read[tuple[Studio, ...]] = Read()
    studio_details: Read[tuple["Facts", ...]] = Read()
    health: Read[Health] = Read()
    starting: Read[bool] = Read()
    auto_go_live: bool = False

    def of(self, fact: Fact) -> Read[Any]:
        """One of them."""
        read: Read[Any] = getattr(self, fact)
        return read

    def completed_by(self, others: Self) -> Self:
        """These, with the others in place of those without a value."""
        missing = [it for it in Fact if self.of(it).value is None and others.of(it) != Read()]
        changes: dict[str, Any] = {it: others.of(it) for it in missing}
        return self._replace(**changes)

    @property
    def unknown(self) -> tuple[Unknown, ...]:
        """What could not be read, each once."""
        inner = (it for facts in self.studio_details.value or () for it in facts.unknown)
        own = (unknown for fact in Fact for unknown in self._unknown_of(fact))
        return tuple(dict.fromkeys((*own, *inner)))

    def _unknown_of(self, fact: Fact) -> Iterator[Unknown]:
        """The same of one fact, with the switches that could not be read."""
        yield from self.of(fact).unknown(fact)
        switches = list[bool | None]()
        match fact:
            case Fact.STATUS if self.status.value and self.status.value.live is None:
                yield Unknown(fact.words, NOT_TOLD)
            case Fact.DESTINATIONS:
                switches = [it.enabled for it in self.destinations.value or ()]
            case Fact.SOURCES:
                switches = [it.active for it in self.sources.value or ()]
        if unclear := switches.count(None):
            things = count(unclear, fact.words.removeprefix("the "))
            yield Unknown(f"whether {things} {'is' if unclear == 1 else 'are'} on", NOT_TOLD)

    @property
    def live(self) -> bool | None:
        """Whether the studio is live. None if unknown, or if the status contradicts itself."""
        status = self.status.value
        if status is None or (status.live is False and status.has_stream):
            return None
        return status.live

    @property
    def is_blind(self) -> bool:
        """Whether the key may see neither the broadcast nor where it goes."""
        return self.status.is_forbidden and self.destinations.is_forbidden

    @property
    def is_starting(self) -> bool:
        """Whether a go-live was sent, but the studio is not on air yet."""
        return self.starting.value is True

    @property
    def since(self) -> str | None:
        """The time since when the studio is live, as TRaX writes it."""
        return self.status.value.since if self.status.value else None

    @property
    def writes_are_off(self) -> bool:
        """Whether this deployment of TRaX certainly takes no changes."""
        return self.health.value is not None and self.health.value.write_enabled is False

    @property
    def enabled(self) -> tuple[Destination, ...]:
        """The destinations that are certainly on: a broadcast reaches them."""
        return tuple(it for it in self.destinations.value or () if it.enabled)

    @property
    def perhaps_enabled(self) -> tuple[Destination, ...]:
        """The destinations of which nobody knows whether they are on."""
        return tuple(it for it in self.destinations.value or () if it.enabled is None)

    @property
    def all_reach_is_known(self) -> bool:
        """Whether all destinations that a broadcast may reach are known."""
        return self.destinations.is_whole and not self.perhaps_enabled

    @property
    def active(self) -> tuple[Source, ...]:
        """The sources that can be on screen: all that are not certainly off."""
        return tuple(it for it in self.sources.value or () if it.active is not False)


def count(number: int, things: str) -> str:
    """A number of things: "1 destination", "2 destinations"."""
    return f"{number:,} {things.removesuffix('s') if number == 1 else things}"
