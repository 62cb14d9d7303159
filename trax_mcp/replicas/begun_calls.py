"""The calls that this replica has begun in the engine: when, and under which numbers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from trax_mcp.clock import Clock

_LATE_SECONDS: Final = 1.0
"""A call that is not sent within this time is never sent: others may have taken its turn."""


@dataclass(frozen=True, slots=True)
class _Begun:
    seconds: float
    date: datetime
    numbers: frozenset[int]


class BegunCalls:
    """The calls that have not ended, by number. A stop can begin again, under another one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: dict[int, _Begun] = {}

    def note(self, number: int, *, after: int | None = None) -> None:
        """A call begins, or begins again `after` it had begun under another number."""
        numbers = {number, *([] if after is None else [after, *self.end(after)])}
        now = self._clock
        self._calls[number] = _Begun(now.seconds(), now.now(), frozenset(numbers))

    def is_late(self, number: int) -> bool:
        """Whether a call has begun too long ago to be sent."""
        if (begun := self._calls.get(number)) is None:
            return False
        # The one clock stands still while a computer sleeps, the other one may be moved.
        asleep = (self._clock.now() - begun.date).total_seconds()
        return max(self._clock.seconds() - begun.seconds, asleep) > _LATE_SECONDS

    def end(self, number: int) -> frozenset[int]:
        """Forget a call. Returns all its numbers; none if it has not begun in the engine."""
        begun = self._calls.pop(number, None)
        return begun.numbers if begun else frozenset()
