"""A clock that stands still until a test moves it."""

from __future__ import annotations

from trax_mcp.clock import Clock


class StillClock(Clock):
    """Its monotonic time is `at`, in seconds. Nothing else is changed."""

    at = 1000.0

    def seconds(self) -> float:
        """The time that the test has set."""
        return self.at
