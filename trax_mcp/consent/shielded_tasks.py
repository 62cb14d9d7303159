"""Shields work that has begun from cancellation, and limits its time."""

from collections.abc import Iterator
from contextlib import contextmanager

import anyio


class ShieldedTasks:
    """The shielded work that is under way."""

    def __init__(self) -> None:
        self._scopes: set[anyio.CancelScope] = set()
        self._waits: set[anyio.CancelScope] = set()
        self._ended = anyio.Event()
        self._closed = False
        self.is_ending = False
        """Whether the process is about to end."""

    @contextmanager
    def shield(self, *, deadline: float) -> Iterator[None]:
        """Shield the block until `deadline` (on anyio's clock) or shutdown.

        Work that is cut short ends silently, so the caller sets its result to the worst case first.
        """
        with anyio.CancelScope(shield=True, deadline=deadline) as scope:
            self._scopes.add(scope)
            if self._closed:
                scope.cancel()
            try:
                yield
            finally:
                self._scopes.discard(scope)
                self._ended.set()
                self._ended = anyio.Event()

    @contextmanager
    def until_ending(self) -> Iterator[None]:
        """End the block when the process is about to end: what waits there goes on at once."""
        with anyio.CancelScope() as scope:
            self._waits.add(scope)
            if self.is_ending:
                scope.cancel()
            try:
                yield
            finally:
                self._waits.discard(scope)

    async def drain(self, *, seconds: float) -> None:
        """Let the work end by itself for a while, then cut it short."""
        self.is_ending = True
        for scope in list(self._waits):
            scope.cancel()
        with anyio.move_on_after(seconds):
            await self._wait_until_idle()
        self._closed = True
        for scope in list(self._scopes):
            scope.cancel()
        with anyio.move_on_after(seconds):
            await self._wait_until_idle()

    async def _wait_until_idle(self) -> None:
        while self._scopes:
            await self._ended.wait()
