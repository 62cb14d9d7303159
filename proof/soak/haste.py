"""Time that goes faster in one process: every time-out in it keeps its proportion to the others.

It replaces the two places where such a process meets time, the monotonic clock and the wait of an
event loop, and so holds for the libraries as well. It knows nothing of what runs on it.
"""

import asyncio
import selectors
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch


class Haste:
    """The machine's time, `pace` times as fast, from now on; and it can leap."""

    def __init__(self, pace: float) -> None:
        self.pace = pace
        self._machine = time.monotonic
        self._began = self._machine()
        self._leapt = 0.0

    def monotonic(self) -> float:
        """Seconds since some moment, never running backwards."""
        return self._began + (self._machine() - self._began) * self.pace + self._leapt

    def leap(self, seconds: float) -> None:
        """Let so much time be gone: whatever was due in it is due now."""
        self._leapt += seconds

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """An event loop that waits as long as this time takes."""
        return asyncio.SelectorEventLoop(_HastySelector(self.pace))

    @contextmanager
    def everywhere(self) -> Iterator[None]:
        """Let there be no other time until the block ends. Clocks of the day go on as they did."""
        with patch("time.monotonic", self.monotonic):
            yield


class _HastySelector(selectors.DefaultSelector):
    """Waits for files, and for a fraction of the time that it is told."""

    def __init__(self, pace: float) -> None:
        super().__init__()
        self._pace = pace

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout if timeout is None else timeout / self._pace)
