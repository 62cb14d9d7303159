"""The state of a studio and of what is linked to it, as frozen values. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Generic, Literal, NamedTuple, Self, TypeVar, cast, overload

from trax_mcp.api.models import Destination, ItemT, Source
from trax_mcp.api.operation import ListOperation, Operation, Response_co
from trax_mcp.api.reads import (
    GetHealth,
    GetStreamStatus,
    GetStudio,
    ListConnections,
    ListDestinations,
    ListSources,
    ListStudios,
)

ValueT_co = TypeVar("ValueT_co", covariant=True)

Kind = type[Operation[Any]]
"""The class of a read: a fact is known by it."""

WORDS: Final[Mapping[Kind, str]] = {
    GetStudio: "the studio's name",
    GetStreamStatus: "whether the studio is live",
    ListDestinations: "the destinations",
    ListSources: "the sources",
    ListConnections: "the linked accounts",
    ListStudios: "the studios",
    GetHealth: "whether TRaX accepts changes",
}
"""What each read shows, in the order in which it is told."""

UNDER_WAY: Final = "whether a go-live is under way"
NOT_TOLD: Final = "TRaX didn't say"


def things(kind: Kind) -> str:
    """What a list holds: "destinations"."""
    return WORDS[kind].removeprefix("the ")


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

    def unknown(self, kind: Kind) -> Iterator[Unknown]:
        """What is missing of this fact, in words, if anything."""
        further = f"other {things(kind)}"
        if self.missing:
            yield Unknown(WORDS[kind] if self.value is None else further, self.missing)
        if self.unreadable:
            they = "it" if self.unreadable == 1 else "they"
            yield Unknown(count(self.unreadable, things(kind)), f"{they} can't be read")
        if self.is_null:
            yield Unknown(
                further if self.value else WORDS[kind], "TRaX sent `null` instead of a list"
            )


OBSERVED_SECONDS: Final = 15.0
"""The most time that a change of the broadcast is observed."""
State = Literal["on_air", "starting", "stopping", "off_air", "unknown"]


class Observed(NamedTuple):
    """The state of a broadcast, as observed after a change.

    `since` is TRaX's time, `checked_at` ours; both are ISO 8601.
    """

    state: State
    checked_at: str
    since: str | None = None


@dataclass(frozen=True)
class Facts:
    """What was read, each fact by the class of its read: `facts[ListDestinations]`.

    Without one studio, `per_studio` has the facts of each of the first ones. This server knows,
    not TRaX: `starting`, whether a go-live was sent to a studio that is off air; `auto_go_live`,
    whether `autoGoLive` was turned on through it, which no read shows.
    """

    reads: Mapping[Kind, Read[Any]] = field(default_factory=dict)
    per_studio: tuple["Facts", ...] = ()
    starting: Read[bool] = Read()
    auto_go_live: bool = False

    @overload  # A list is an operation too: the first that fits counts.
    def __getitem__(  # type: ignore[overload-overlap]
        self, kind: type[ListOperation[ItemT]]
    ) -> Read[tuple[ItemT, ...]]: ...

    @overload
    def __getitem__(self, kind: type[Operation[Response_co]]) -> Read[Response_co]: ...

    def __getitem__(self, kind: Kind) -> Read[Any]:
        """One of them. One that was not read has no value."""
        return self.reads.get(kind, Read())

    def having(self, kind: Kind, read: Read[Any]) -> Self:
        """These, with another one of this kind."""
        return replace(self, reads={**self.reads, kind: read})

    def changing(
        self,
        kind: type[ListOperation[ItemT]],
        change: Callable[[tuple[ItemT, ...]], Iterable[ItemT]],
    ) -> Self:
        """These, with a list as a change leaves it. One that is not known stays so."""
        listed = self[kind]
        if listed.value is None:
            return self
        return self.having(kind, replace(listed, value=tuple(change(listed.value))))

    def completed_by(self, others: Self) -> Self:
        """These, with the others in place of those without a value."""
        missing = {kind: it for kind, it in others.reads.items() if self[kind].value is None}
        return replace(self, reads={**self.reads, **missing})

    @property
    def unknown(self) -> tuple[Unknown, ...]:
        """What could not be read, each once."""
        return tuple(dict.fromkeys(self._unknown()))

    def _unknown(self) -> Iterator[Unknown]:
        for kind in WORDS:
            yield from self[kind].unknown(kind)
            yield from self._unclear(kind)
        if self.starting.missing:
            yield Unknown(UNDER_WAY, self.starting.missing)
        for it in self.per_studio:
            yield from it.unknown

    def _unclear(self, kind: Kind) -> Iterator[Unknown]:
        """The switches that could not be read."""
        switches = list[bool | None]()
        if kind is GetStreamStatus:
            status = self[GetStreamStatus].value
            if status and status.live is None:
                yield Unknown(WORDS[kind], NOT_TOLD)
        elif kind is ListDestinations:
            switches = [it.enabled for it in self[ListDestinations].value or ()]
        elif kind is ListSources:
            switches = [it.active for it in self[ListSources].value or ()]
        if unclear := switches.count(None):
            are = "is" if unclear == 1 else "are"
            yield Unknown(f"whether {count(unclear, things(kind))} {are} on", NOT_TOLD)

    @property
    def live(self) -> bool | None:
        """Whether the studio is live. None if unknown, or if the status contradicts itself."""
        status = self[GetStreamStatus].value
        if status is None or (status.live is False and status.has_stream):
            return None
        return status.live

    @property
    def is_blind(self) -> bool:
        """Whether the key may see neither the broadcast nor where it goes."""
        return self[GetStreamStatus].is_forbidden and self[ListDestinations].is_forbidden

    @property
    def is_starting(self) -> bool:
        """Whether a go-live was sent, but the studio is not on air yet."""
        return self.starting.value is True

    @property
    def since(self) -> str | None:
        """The time since when the studio is live, as TRaX writes it."""
        status = self[GetStreamStatus].value
        return status.since if status else None

    @property
    def writes_are_off(self) -> bool:
        """Whether this deployment of TRaX certainly takes no changes."""
        health = self[GetHealth].value
        return health is not None and health.write_enabled is False

    @property
    def enabled(self) -> tuple[Destination, ...]:
        """The destinations that are certainly on: a broadcast reaches them."""
        return tuple(it for it in self[ListDestinations].value or () if it.enabled)

    @property
    def perhaps_enabled(self) -> tuple[Destination, ...]:
        """The destinations of which nobody knows whether they are on."""
        return tuple(it for it in self[ListDestinations].value or () if it.enabled is None)

    @property
    def all_reach_is_known(self) -> bool:
        """Whether all destinations that a broadcast may reach are known."""
        return self[ListDestinations].is_whole and not self.perhaps_enabled

    @property
    def active(self) -> tuple[Source, ...]:
        """The sources that can be on screen: all that are not certainly off."""
        return tuple(it for it in self[ListSources].value or () if it.active is not False)


def count(number: int, things: str) -> str:
    """A number of things: "1 destination", "2 destinations"."""
    return f"{number:,} {things.removesuffix('s') if number == 1 else things}"
