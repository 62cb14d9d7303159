"""A TRaX whose time is that of the event loop."""

from __future__ import annotations

import anyio

from tests.support.product.manual_clock import ManualClock
from tests.support.product.sandbox import Sandbox
from tests.support.product.virtual_time import STARTED_AT


class _LoopClock(ManualClock):
    """A clock that follows the event loop's."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return super().now() + anyio.current_time()


def virtual_sandbox() -> Sandbox:
    """A sandbox in virtual time, without a limit of requests."""
    return Sandbox(_LoopClock.frozen(STARTED_AT.timestamp()), rate_limit=None)
