"""Whose turn it is to change a studio, and how much has been done there.

Only so many places are remembered. The counts never shrink: one that was forgotten counts as the
highest that was, so that nobody takes for untouched what somebody has changed. It knows no act.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import anyio

MOST_PLACES: Final = 1024


@dataclass(slots=True)
class Turn:
    """The turns of one place.

    `acts` counts beginnings and ends: what was seen in between is no longer so after either.
    `stops` counts those that TRaX did not refuse.
    """

    acts: int = 0
    stops: int = 0
    lock: anyio.Lock = field(default_factory=anyio.Lock)
    watches: set[anyio.CancelScope] = field(default_factory=set)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch what came of an act, until it is known or a stop comes."""
        with anyio.CancelScope() as scope:
            self.watches.add(scope)
            try:
                yield
            finally:
                self.watches.discard(scope)

    def end_watches(self) -> None:
        """A stop does not wait for what is only watched."""
        for scope in tuple(self.watches):
            scope.cancel()

    def is_idle(self) -> bool:
        """Whether nobody acts there, waits to, or watches what came of it."""
        return not (self.lock.locked() or self.watches)


class Turns:
    """The places where something was done, the latest last."""

    def __init__(self) -> None:
        self._turns: OrderedDict[str, Turn] = OrderedDict()
        self._forgotten = Turn()

    def so_far(self, place: str) -> Turn:
        """What was done there, to be read only."""
        return self._turns.get(place, self._forgotten)

    def at(self, place: str) -> Turn:
        """The turn to wait for before anything is done there."""
        if place not in self._turns:
            self._forget_oldest()
            self._turns[place] = Turn(self._forgotten.acts, self._forgotten.stops)
        self._turns.move_to_end(place)
        return self._turns[place]

    def _forget_oldest(self) -> None:
        idle = [place for place, turn in self._turns.items() if turn.is_idle()]
        for place in idle[: max(0, len(self._turns) - MOST_PLACES + 1)]:
            turn = self._turns.pop(place)
            self._forgotten.acts = max(self._forgotten.acts, turn.acts)
            self._forgotten.stops = max(self._forgotten.stops, turn.stops)
