"""What is true around an operation right now; frozen values, and nothing that reads them.

None is what was not looked at, or is unknown.
"""

from dataclasses import dataclass

from trax_mcp.api.models import Connection, Destination, Health, Source, StreamStatus, Studio


@dataclass(frozen=True, slots=True)
class Unknown:
    """A fact that could not be read, and why, in words."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What was looked at. None is what was not looked at, or is `unknown`."""

    studio: Studio | None = None
    status: StreamStatus | None = None
    destinations: tuple[Destination, ...] | None = None
    sources: tuple[Source, ...] | None = None
    connections: tuple[Connection, ...] | None = None
    health: Health | None = None
    studios: tuple[Studio, ...] | None = None
    around: tuple["Facts", ...] = ()
    """The same for each of `studios`, as far as it was read."""
    unknown: tuple[Unknown, ...] = ()

    @property
    def live(self) -> bool | None:
        """Whether the studio is live, None if that is not known."""
        return None if self.status is None else self.status.live

    @property
    def since(self) -> str | None:
        """Since when the studio is live, as TRaX writes it."""
        return None if self.status is None else self.status.since

    @property
    def enabled(self) -> tuple[Destination, ...]:
        """The destinations that going live reaches."""
        return tuple(it for it in self.destinations or () if it.enabled)

    @property
    def active(self) -> tuple[Source, ...]:
        """The sources that can be on screen."""
        return tuple(it for it in self.sources or () if it.active)
