"""The sandbox's clock, which a test can move by hours without sleeping."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final, Self

FROZEN_AT: Final = datetime(2026, 6, 5, 18, 0, tzinfo=UTC).timestamp()
"""The default of `ManualClock.frozen`: a Friday evening."""


class ManualClock:
    """Follows the system's clock or stands still; `advance` moves it ahead."""

    def __init__(self) -> None:
        self._frozen_at: float | None = None
        self._ahead = 0.0

    @classmethod
    def frozen(cls, at: float = FROZEN_AT) -> Self:
        """A clock that stands at `at` (seconds since the epoch) until `advance` moves it."""
        clock = cls()
        clock._frozen_at = at
        return clock

    def now(self) -> float:
        """Seconds since the epoch."""
        start = time.time() if self._frozen_at is None else self._frozen_at
        return start + self._ahead

    def advance(self, seconds: float) -> None:
        """Jump ahead by `seconds`; a negative step raises ValueError."""
        if seconds < 0:
            raise ValueError("the sandbox's clock only moves forward")
        self._ahead += seconds
