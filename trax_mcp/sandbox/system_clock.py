"""The sandbox's clock, and the format of its times."""

import time
from datetime import UTC, datetime


class Clock:
    """Follows the system's clock, and never runs backwards."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._offset + time.monotonic()


def format_time(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339 in UTC. Sandbox behaviour: documented only as string."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
