"""What several replicas do once for all of them: look at TRaX, and keep what a look found.

Without it, each process looks for itself. It is a protocol, so that a single process needs nothing
of it.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from trax_mcp.api.errors import TraxError
from trax_mcp.chat.poll_interval import PollInterval


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One message, or one stream status, as JSON. Before one with a `gap`, some may be missing."""

    content: bytes
    gap: bool = False


@dataclass(frozen=True, slots=True)
class LookResult:
    """How the last look ended. `pause` is until the next look that nobody asks for, in seconds."""

    interval: PollInterval
    error: TraxError | None
    pause: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedState:
    """What a replica learns when it asks.

    `items` are new to it. `is_complete` says that none is missing before them. `is_empty` says that
    nothing is kept at all. `look` is the last one, None unless it is new. All times are in seconds.
    """

    may_look: bool
    """Whether this replica is to look now. All others wait for it."""
    is_busy: bool
    """Whether another replica looks now."""
    seconds_to_look: float
    """When the next look is allowed."""
    seconds_to_loop: float
    """When the next look is due that nobody asks for."""
    look: LookResult | None
    items: Sequence[FeedItem]
    is_complete: bool
    is_empty: bool


class SharedFeed(Protocol):
    """One source of one caller, over all replicas. While they share nothing, all is None."""

    async def read(self) -> SharedState | None:
        """What is new."""
        ...

    async def ask(self, *, by_loop: bool) -> SharedState | None:
        """What is new, and whether to look. `by_loop`: nobody waits for this look."""
        ...

    def looking(self) -> AbstractAsyncContextManager[None]:
        """Keep the others from looking, until the block ends."""
        ...

    async def publish(
        self, items: Sequence[FeedItem], *, most: int, look: LookResult | None = None
    ) -> bool:
        """Add items for all, unless another replica has added some, and return whether they are.

        `most` is how many are kept. `look` is this replica's look, which ends.
        """
        ...

    def listening(self, notify: Callable[[], None]) -> AbstractAsyncContextManager[None]:
        """Call `notify` when others have added items, until the block ends."""
        ...


class SharedFeeds(Protocol):
    """The sources that are shared with other replicas."""

    def open(self, key: str, kind: str, studio_id: str) -> SharedFeed:
        """One source of the caller with this key. Nobody with another key can read it."""
        ...
