"""What is being answered right now, so that a server that stops can end it first.

A call that is cut off from outside is answered by nobody, and on HTTP the SDK waits for more than a
second to find that out. Nothing here knows what a call does.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import anyio


class InFlight:
    """Everything under way, and the one way to end it."""

    def __init__(self) -> None:
        self._scopes: set[anyio.CancelScope] = set()

    @contextmanager
    def tracked(self) -> Iterator[None]:
        """Do something that may be ended: then it is left, and what follows the block runs."""
        with anyio.CancelScope() as scope:
            self._scopes.add(scope)
            try:
                yield
            finally:
                self._scopes.discard(scope)

    def end(self) -> None:
        """End everything that is under way."""
        for scope in tuple(self._scopes):
            scope.cancel()
