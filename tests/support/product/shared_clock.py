"""A manual clock: our clock, advanced together with the sandbox's."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import anyio

from tests.support.product.sandbox import Sandbox
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.clock import Clock

STEP_SECONDS: Final = 0.5
"""The step in which `pass_by` advances the clock."""

_STILL_FOR = 10
"""Rounds of the event loop in which no task had work: data on a socket has arrived by then."""


class HandClock(Clock):
    """A clock that the test advances. Only short sleeps advance it by themselves.

    A sleep of at most `short_seconds`, such as a pause between two polls, ends at once. A longer
    one, such as the wait for a person, ends by `advance`. With 0 every sleep does, so that an
    endless poll does not spin.
    """

    def __init__(self, sandbox: Sandbox, *, short_seconds: float = 2.0) -> None:
        self._sandbox = sandbox
        self._short_seconds = short_seconds
        self._moved = anyio.Event()
        self._set_back = 0.0

    def seconds(self) -> float:
        """The sandbox's time, in seconds."""
        return self._sandbox.clock.now()

    def now(self) -> datetime:
        """The sandbox's time, as a date."""
        return datetime.fromtimestamp(self.seconds() - self._set_back, UTC)

    def set_back(self, seconds: float) -> None:
        """Set the date back, as somebody who corrects a clock. Seconds go on."""
        self._set_back += seconds

    def advance(self, seconds: float) -> None:
        """Advance the clock, for the sandbox and for every sleeping task."""
        self._sandbox.clock.advance(seconds)
        self._moved.set()
        self._moved = anyio.Event()

    async def pass_by(self, seconds: float) -> None:
        """Advance the clock in small steps, and let all tasks settle after each."""
        for _ in range(round(seconds / STEP_SECONDS)):
            self.advance(STEP_SECONDS)
            await settled()

    async def pass_until(self, done: Callable[[], object], *, most: float = 120) -> None:
        """The same until `done()` is true, for at most `most` seconds."""
        until = self.seconds() + most
        await settled()
        while not done():
            assert self.seconds() < until, f"not after {most} s"
            await self.pass_by(STEP_SECONDS)

    async def stand_until(self, done: Callable[[], object]) -> None:
        """Wait for a socket until `done()` is true, while no time passes."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not done():
                await settled()

    async def sleep(self, seconds: float) -> None:
        """Advance the clock by a short sleep, or wait until the test does."""
        until = self.seconds() + seconds
        if seconds <= self._short_seconds:
            self.advance(seconds)
            await anyio.lowlevel.checkpoint()
        while self.seconds() < until:
            await self._moved.wait()


async def settled() -> None:
    """Wait until every other task of this process waits for time, a socket or another task."""
    still = 0
    async with asyncio.timeout(PATIENCE_SECONDS):
        while still < _STILL_FOR:
            await anyio.lowlevel.checkpoint()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            still = 0 if any(_has_work(task) for task in others) else still + 1


def _has_work(task: asyncio.Task[Any]) -> bool:
    """Whether a task is about to run. anyio's `wait_all_tasks_blocked` checks the same."""
    waiter = task._fut_waiter  # type: ignore[attr-defined]
    return waiter is None or waiter.done()
