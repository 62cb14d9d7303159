"""`trax-mcp` whose clock runs a hundred million times faster: five minutes pass at once.

Run as `python -m tests.support.fast_clock_server`. Requests to TRaX take their real time.
"""

from __future__ import annotations

import time
from typing import Final
from unittest.mock import patch

import anyio

from trax_mcp.cli import main
from trax_mcp.clock import Clock

SPEED: Final = 100_000_000


def _seconds(_clock: Clock) -> float:
    """The elapsed time, multiplied."""
    return time.monotonic() * SPEED


async def _sleep(_clock: Clock, seconds: float) -> None:
    """Wait for the divided time."""
    await anyio.sleep(seconds / SPEED)


if __name__ == "__main__":
    with patch.object(Clock, "seconds", _seconds), patch.object(Clock, "sleep", _sleep):
        main()
