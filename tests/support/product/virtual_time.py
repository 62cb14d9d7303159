"""Virtual time: an event loop that jumps to the next timer as soon as no task can run.

Seconds are exact and cost nothing, also those of libraries. Only for tests without threads and
other processes: nothing but a timer, or what this process writes to a socket, may wake a task.
"""

from __future__ import annotations

import asyncio
import selectors
from datetime import UTC, datetime, timedelta
from functools import partial, wraps
from typing import TYPE_CHECKING, ParamSpec

import anyio

from trax_mcp.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

Parameters = ParamSpec("Parameters")

STARTED_AT = datetime(2026, 6, 5, 18, 0, tzinfo=UTC)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still while tasks run, and jumps while they wait."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        super().__init__(_JumpingSelector(self._jump))

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self.elapsed

    def _jump(self, seconds: float) -> None:
        self.elapsed += seconds


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for no time at all, and tells how long it would have waited.

    What is sent on loopback has arrived by then.
    """

    def __init__(self, jump: Callable[[float], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if ready := super().select(0):
            return ready
        assert timeout is not None, "every task waits, and no timer is set"
        self._jump(max(timeout, 0))
        return ready


class VirtualClock(Clock):
    """The clock of a server in virtual time. The wall clock can be moved by itself."""

    def __init__(self) -> None:
        self.slept = timedelta()
        """How long the computer was suspended: only the wall clock goes on then."""

    def seconds(self) -> float:
        """The time of the loop."""
        return anyio.current_time()

    def now(self) -> datetime:
        """The same as a date, and what passed while the computer was suspended."""
        return STARTED_AT + timedelta(seconds=self.seconds()) + self.slept

    def suspend(self, seconds: float) -> None:
        """Let the computer sleep."""
        self.slept += timedelta(seconds=seconds)


def run_in_virtual_time(test: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run a test to its end."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(test())


def in_virtual_time(
    test: Callable[Parameters, Coroutine[None, None, None]],
) -> Callable[Parameters, None]:
    """Let pytest run a test in virtual time."""

    @wraps(test)
    def run(*arguments: Parameters.args, **named: Parameters.kwargs) -> None:
        run_in_virtual_time(partial(test, *arguments, **named))

    return run
