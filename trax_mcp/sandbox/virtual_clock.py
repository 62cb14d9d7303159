"""The sandbox's clock. A test can move it by hours without sleeping."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

FROZEN_AT = datetime(2026, 6, 5, 18, 0, tzinfo=UTC).timestamp()
"""The default of `Clock.frozen`: a Friday evening."""


class Clock:
    """Seconds since the epoch: follows the system's clock, or stands still until advanced."""

    def __init__(self) -> None:
        started = time.monotonic()
        self._start = time.time()
        self._elapsed: Callable[[], float] = lambda: time.monotonic() - started

    @classmethod
    def frozen(cls, at: float = FROZEN_AT) -> Self:
        """A clock that stands at `at` (seconds since the epoch) until `advance` moves it."""
        clock = cls()
        clock._start = at
        clock._elapsed = lambda: 0.0
        return clock

    def now(self) -> float:
        """Seconds since the epoch; never runs backwards."""
        return self._start + self._elapsed()

    def advance(self, seconds: float) -> None:
        """Jump ahead by `seconds`; a negative step raises ValueError."""
        if seconds < 0:
            raise ValueError("the sandbox's clock only moves forward")
        self._start += seconds


def format_time(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339 in UTC. Sandbox behaviour: documented only as string."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
