"""A watcher on a stepped clock, and a source whose results the test sets."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar, Final

import anyio

from tests.support.concurrency import settle
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.api.errors import Failure, LostAnswer, Refused, TraxError
from trax_mcp.chat.watcher import Watcher
from trax_mcp.clock import Clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from trax_mcp.chat.shared_feed import FeedItem, SharedFeed

SHORTEST: Final = 2.0
LONGEST_PAUSE: Final = 5 * SHORTEST


class SteppedClock(Clock):
    """A clock that only the test advances. `sleeps` are all sleeps that have begun, in seconds."""

    def __init__(self) -> None:
        self.sleeps: list[float] = []
        self._seconds = 1_000.0
        self._moved = anyio.Event()

    def seconds(self) -> float:
        """The time in seconds."""
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        """Wait until the test has advanced the clock."""
        until = self._seconds + seconds
        self.sleeps.append(seconds)
        while self._seconds < until:
            await self._moved.wait()

    async def advance(self, seconds: float) -> None:
        """Let all tasks settle, let time pass, and let them settle again."""
        await settle()
        self._seconds += seconds
        self._moved.set()
        self._moved = anyio.Event()
        await settle()


class FakeSource:
    """A source. `results` are the results of the next polls; without one, nothing has changed.

    `found` is what other replicas do not have, and `items` is what it got from them.
    """

    kind: ClassVar = "fake"
    size = 3

    def __init__(self, clock: SteppedClock) -> None:
        self.results: list[bool | Exception] = []
        self.poll_times: list[float] = []
        """When it was polled, in seconds since the test began."""
        self.hold: anyio.Event | None = None
        """What polls wait for."""
        self.found: list[FeedItem] = []
        self.items: list[FeedItem] = []
        self._clock = clock
        self._start = clock.seconds()

    async def poll(self) -> bool:
        """Return or raise the next result."""
        self.poll_times.append(self._clock.seconds() - self._start)
        await anyio.lowlevel.checkpoint()
        if self.hold is not None:
            await self.hold.wait()
        result = self.results.pop(0) if self.results else False
        if isinstance(result, Exception):
            raise result
        return result

    def unshared(self, *, nothing_is_shared: bool) -> list[FeedItem]:
        """What it found, and everything if nothing is shared."""
        return [*self.items, *self.found] if nothing_is_shared else list(self.found)

    def record_shared(self) -> None:
        """Keep what it found with the rest."""
        self.items += self.found
        self.found.clear()

    def add_items(self, items: Sequence[FeedItem], *, is_complete: bool) -> bool:
        """Keep items."""
        assert is_complete
        self.items += items
        return bool(items)


class ManualWatcher(Watcher[FakeSource]):
    """A watcher of a fake source, with its clock."""

    clock: SteppedClock

    @property
    def poll_times(self) -> list[float]:
        """When the source was polled."""
        return self.source.poll_times

    async def advance(self, seconds: float) -> None:
        """Let time pass."""
        await self.clock.advance(seconds)


@asynccontextmanager
async def watching(shared: SharedFeed | None = None) -> AsyncIterator[ManualWatcher]:
    """A watcher of a fake source. Checks that it outlives the block."""
    clock = SteppedClock()
    with anyio.fail_after(PATIENCE_SECONDS):
        async with anyio.create_task_group() as tasks:
            watcher = ManualWatcher(
                FakeSource(clock), shortest=SHORTEST, clock=clock, tasks=tasks, shared=shared
            )
            watcher.clock = clock
            yield watcher
            await settle()
            assert not tasks.cancel_scope.cancel_called
            tasks.cancel_scope.cancel()


def refused(status: int, *, retry_after: float | None = None) -> TraxError:
    """An error answer of TRaX."""
    return Refused(
        Failure(
            code="c",
            message="m",
            retryable=True,
            http_status=status,
            retry_after_seconds=retry_after,
        )
    )


def lost() -> TraxError:
    """TRaX did not answer."""
    return LostAnswer(Failure(code="timeout", message="m", retryable=True))


def ignore() -> None:
    """A listener that does nothing."""
