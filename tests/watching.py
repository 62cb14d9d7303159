"""A watcher in the test's hand: what it watches, what that does, and the time that passes.

It knows watchers and nothing of chat.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import anyio

from tests.meanwhile import settle
from tests.processes import PATIENCE_SECONDS
from trax_mcp.api.errors import Failure, LostAnswer, NotSent, Refused, TraxError
from trax_mcp.chat.watcher import Watcher
from trax_mcp.clock import Clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SHORTEST: Final = 2.0
LONGEST_PAUSE: Final = 5 * SHORTEST


class Wristwatch(Clock):
    """A clock that only the test moves; `naps` are the sleeps that have begun, in seconds."""

    def __init__(self) -> None:
        self.naps: list[float] = []
        self._seconds = 1_000.0
        self._moved = anyio.Event()

    def seconds(self) -> float:
        """As far as it was moved."""
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        """Wait for the test."""
        until = self._seconds + seconds
        self.naps.append(seconds)
        while self._seconds < until:
            await self._moved.wait()

    async def advance(self, seconds: float) -> None:
        """Once everybody waits, let time pass, and everybody do what they were waiting for."""
        await settle()
        self._seconds += seconds
        self._moved.set()
        self._moved = anyio.Event()
        await settle()


class Pond:
    """Something to watch. `finds` is what the next looks find; with nothing there, no news."""

    def __init__(self, clock: Wristwatch) -> None:
        self.finds: list[bool | Exception] = []
        self.looked: list[float] = []
        """When it was looked at, in seconds since the test began."""
        self.held: anyio.Event | None = None
        """What looks wait for."""
        self._clock = clock
        self._began = clock.seconds()

    async def look(self) -> bool:
        """Find what the test has put there."""
        self.looked.append(self._clock.seconds() - self._began)
        await anyio.lowlevel.checkpoint()
        if self.held is not None:
            await self.held.wait()
        found = self.finds.pop(0) if self.finds else False
        if isinstance(found, Exception):
            raise found
        return found


class Watch(Watcher[Pond]):
    """A watcher of a pond, with the clock that it goes by."""

    clock: Wristwatch

    @property
    def looked(self) -> list[float]:
        """When the pond was looked at."""
        return self.subject.looked

    async def advance(self, seconds: float) -> None:
        """Let time pass."""
        await self.clock.advance(seconds)


@asynccontextmanager
async def watching() -> AsyncIterator[Watch]:
    """A watcher of something in the test's hand, which ends with the block and not before."""
    clock = Wristwatch()
    with anyio.fail_after(PATIENCE_SECONDS):
        async with anyio.create_task_group() as tasks:
            watch = Watch(Pond(clock), shortest=SHORTEST, clock=clock, tasks=tasks)
            watch.clock = clock
            yield watch
            await settle()
            assert not tasks.cancel_scope.cancel_called
            tasks.cancel_scope.cancel()


def refused(status: int, *, retry_after: float | None = None) -> TraxError:
    """An answer of TRaX that is an error."""
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
    """No answer of TRaX."""
    return LostAnswer(Failure(code="timeout", message="m", retryable=True))


def no_key() -> TraxError:
    """Nobody to ask for."""
    return NotSent(Failure(code="no_key", message="m", retryable=False))


def ignore() -> None:
    """Hear a ring, and do nothing."""
