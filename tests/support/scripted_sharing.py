"""What other replicas do, as the test sets it, for a watcher that shares its polls."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from trax_mcp.chat.shared_feed import FeedItem, LookResult, SharedState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

NOBODY: Final = SharedState(
    may_look=True,
    is_busy=False,
    seconds_to_look=0,
    seconds_to_loop=0,
    look=None,
    items=(),
    is_complete=True,
    is_empty=True,
)
"""What a replica learns that is alone."""


@dataclass
class ScriptedSharing:
    """A `SharedFeed`. `state` is what is learned next, None while the engine is away.

    `asked` are the asks so far, by whether nobody waits; `published` is what was published.
    """

    state: SharedState | None = NOBODY
    is_accepted: bool = True
    asked: list[bool] = field(default_factory=list)
    reads: int = 0
    published: list[tuple[Sequence[FeedItem], LookResult | None]] = field(default_factory=list)
    is_looking: bool = False
    notify: Callable[[], None] | None = None

    async def read(self) -> SharedState | None:
        """Count it."""
        self.reads += 1
        return self.state

    async def ask(self, *, by_loop: bool) -> SharedState | None:
        """Record it."""
        self.asked.append(by_loop)
        return self.state

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """Record that the replica looks."""
        self.is_looking = True
        yield
        self.is_looking = False

    async def publish(
        self, items: Sequence[FeedItem], *, most: int, look: LookResult | None = None
    ) -> bool:
        """Record it."""
        assert most > 0
        self.published.append((items, look))
        return self.is_accepted

    @asynccontextmanager
    async def listening(self, notify: Callable[[], None]) -> AsyncIterator[None]:
        """Keep what others call when they have found something."""
        self.notify = notify
        try:
            yield
        finally:
            self.notify = None
