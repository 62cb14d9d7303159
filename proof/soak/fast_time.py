"""Makes time in one process go faster; all time-outs keep their proportions.

Replaces the monotonic clock and the waits of the event loop, so that libraries are affected too.
"""

import asyncio
import selectors
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch


class FastTime:
    """The system's monotonic time, `pace` times as fast; it can also skip ahead."""

    def __init__(self, pace: float) -> None:
        self.pace = pace
        self._system_monotonic = time.monotonic
        self._started_at = self._system_monotonic()
        self._skipped = 0.0

    def monotonic(self) -> float:
        """Fast monotonic seconds."""
        return (
            self._started_at
            + (self._system_monotonic() - self._started_at) * self.pace
            + self._skipped
        )

    def skip(self, seconds: float) -> None:
        """Move ahead by `seconds`; everything due in them is due now."""
        self._skipped += seconds

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """An event loop on this time."""
        return asyncio.SelectorEventLoop(_FastSelector(self.pace))

    @contextmanager
    def patch_monotonic(self) -> Iterator[None]:
        """Replace `time.monotonic` until the block ends. Wall clocks do not change."""
        with patch("time.monotonic", self.monotonic):
            yield


class _FastSelector(selectors.DefaultSelector):
    """Divides the time-out of `select` by the pace."""

    def __init__(self, pace: float) -> None:
        super().__init__()
        self._pace = pace

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout if timeout is None else timeout / self._pace)
