"""The state of a studio and of what is linked to it, as frozen values."""

from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import Literal, Self

from trax_mcp.api.models import Connection, Destination, Health, Source, StreamStatus, Studio


class Fact(Enum):
    """Something to read. The value names it in the sentence about a fact that is unknown."""

    STUDIO = "the studio's name"
    STATUS = "whether the studio is live"
    DESTINATIONS = "the destinations"
    SOURCES = "the sources"
    CONNECTIONS = "the linked accounts"
    HEALTH = "whether writes are switched on"
    STUDIOS = "the studios"
    STUDIO_DETAILS = "the status and destinations of each studio"

    @property
    def items(self) -> str:
        """The items of a list, as in "further destinations"."""
        return self.value.removeprefix("the ")


@dataclass(frozen=True, slots=True)
class Unknown:
    """A fact that could not be read, and the reason, in words."""

    what: str
    why: str

    def __str__(self) -> str:
        """Both, for a sentence."""
        return f"{self.what} ({self.why})"


State = Literal["on_air", "starting", "stopping", "off_air", "unknown"]


@dataclass(frozen=True, slots=True)
class Observed:
    """The state of a broadcast, as observed after a change.

    `since` is TRaX's time, `checked_at` ours; both are ISO 8601.
    """

    state: State
    checked_at: str
    since: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts that were read. None means not read, or listed in `unknown`.

    Lists in `partial` lack some items, which `unknown` names.
    """

    studio: Studio | None = None
    status: StreamStatus | None = None
    destinations: tuple[Destination, ...] | None = None
    sources: tuple[Source, ...] | None = None
    connections: tuple[Connection, ...] | None = None
    health: Health | None = None
    studios: tuple[Studio, ...] | None = None
    studio_details: tuple["Facts", ...] = ()
    """Status and destinations of each of `studios`, as far as they were read."""
    auto_go_live: bool = False
    """Whether `autoGoLive` was turned on through this server. No read shows it."""
    unknown: tuple[Unknown, ...] = ()
    partial: frozenset[Fact] = frozenset()

    def completed_by(self, others: Self) -> Self:
        """These, and those of the others that are missing here."""
        missing = [it.name for it in fields(self) if getattr(self, it.name) is None]
        return replace(
            self,
            **{name: getattr(others, name) for name in missing},
            unknown=(*self.unknown, *others.unknown),
            partial=self.partial | {it for it in others.partial if it.name.lower() in missing},
        )

    @property
    def live(self) -> bool | None:
        """Whether the studio is live. None if unknown, or if the status contradicts itself."""
        if self.status is None or (not self.status.live and self.status.has_traces):
            return None
        return self.status.live

    @property
    def since(self) -> str | None:
        """The time since when the studio is live, as TRaX writes it."""
        return None if self.status is None else self.status.since

    @property
    def enabled(self) -> tuple[Destination, ...]:
        """The destinations that a broadcast reaches."""
        return tuple(it for it in self.destinations or () if it.enabled)

    @property
    def active(self) -> tuple[Source, ...]:
        """The sources that can be on screen."""
        return tuple(it for it in self.sources or () if it.active)
