"""Which sessions of the earlier era have a stream open: on no other way can they be told anything.

A client that goes away without a word leaves its session behind for half an hour; only here is it
seen that nobody is there. Nothing here knows what a session is for.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class OpenStreams:
    """The open streams, by the ids of their sessions; the ids are secret."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._listening: dict[str, Callable[[], None]] = {}

    def is_here(self, session: str) -> bool:
        """Whether a session has a stream open."""
        return session in self._open

    @contextmanager
    def opened(self, session: str) -> Iterator[None]:
        """A stream of this session is open until the block ends."""
        self._open[session] += 1
        self._tell(session)
        try:
            yield
        finally:
            self._open[session] -= 1
            if not self._open[session]:
                del self._open[session]
            self._tell(session)

    @contextmanager
    def heard_by(self, session: str, notify: Callable[[], None]) -> Iterator[None]:
        """Have `notify` called whenever a stream of this session opens or closes."""
        self._listening[session] = notify
        try:
            yield
        finally:
            del self._listening[session]

    def _tell(self, session: str) -> None:
        if (notify := self._listening.get(session)) is not None:
            notify()
