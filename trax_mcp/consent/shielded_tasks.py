"""Acts that have begun and must not be cut short: a client that gives up does not undo a go-live.

Each is shielded from cancellation and bounded in time. On shutdown they get what is left of the
second. The room knows nothing of what an act is.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import anyio


class ShieldedTasks:
    """The acts that are under way."""

    def __init__(self) -> None:
        self._scopes: set[anyio.CancelScope] = set()
        self._ended = anyio.Event()
        self._closed = False

    @contextmanager
    def begin(self, *, deadline: float) -> Iterator[None]:
        """Shield what happens inside, until `deadline` (on anyio's clock) or shutdown.

        What is cut short there ends silently: the caller starts from the worst case.
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

    async def finish(self, *, seconds: float) -> None:
        """Let the acts end by themselves for a while, then cut short those that have not."""
        with anyio.move_on_after(seconds):
            await self._until_idle()
        self._closed = True
        for scope in list(self._scopes):
            scope.cancel()
        with anyio.move_on_after(seconds):
            await self._until_idle()

    async def _until_idle(self) -> None:
        while self._scopes:
            await self._ended.wait()
