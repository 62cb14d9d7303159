"""`trax-mcp` whose clock runs a hundred million times as fast: five minutes pass in no time.

Run as `python -m tests.hurried_server`. Only time is different; requests to TRaX take what they
take.
"""

from __future__ import annotations

import time
from typing import Final
from unittest.mock import patch

import anyio

from trax_mcp.cli import main
from trax_mcp.clock import Clock

FASTER: Final = 100_000_000


def _seconds(_clock: Clock) -> float:
    """The time that has passed, many times over."""
    return time.monotonic() * FASTER


async def _sleep(_clock: Clock, seconds: float) -> None:
    """Wait, hardly."""
    await anyio.sleep(seconds / FASTER)


if __name__ == "__main__":
    with patch.object(Clock, "seconds", _seconds), patch.object(Clock, "sleep", _sleep):
        main()
