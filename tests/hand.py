"""Time in the test's hand: our clock, moved together with the sandbox's."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import anyio

from tests.processes import PATIENCE_SECONDS
from trax_mcp.clock import Clock
from trax_mcp.sandbox import Sandbox

STEP_SECONDS: Final = 0.5
"""How much time passes at once where it passes bit by bit."""

_STILL_FOR = 10
"""Rounds of the event loop in which nobody had anything to do: what is on a wire has arrived."""


class HandClock(Clock):
    """A clock that moves when the test says so, and by itself only for short waits.

    The pauses between two looks pass at once; what waits for longer than `short_seconds`, such as
    for a person, waits for `advance`. With 0, everything does: who looks for ever would never rest.
    """

    def __init__(self, sandbox: Sandbox, *, short_seconds: float = 2.0) -> None:
        self._sandbox = sandbox
        self._short_seconds = short_seconds
        self._moved = anyio.Event()

    def seconds(self) -> float:
        """The sandbox's own time, in seconds."""
        return self._sandbox.clock.now()

    def now(self) -> datetime:
        """The sandbox's own time, as a date."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def advance(self, seconds: float) -> None:
        """Let time pass, for the sandbox and for everyone who waits."""
        self._sandbox.clock.advance(seconds)
        self._moved.set()
        self._moved = anyio.Event()

    async def pass_by(self, seconds: float) -> None:
        """Let time pass bit by bit, and everybody act on each bit."""
        for _ in range(round(seconds / STEP_SECONDS)):
            self.advance(STEP_SECONDS)
            await settled()

    async def pass_until(self, done: Callable[[], object], *, most: float = 120) -> None:
        """The same until something is so, for at most so many seconds."""
        until = self.seconds() + most
        await settled()
        while not done():
            assert self.seconds() < until, f"not after {most} s"
            await self.pass_by(STEP_SECONDS)

    async def sleep(self, seconds: float) -> None:
        """Wait without waiting, or for the test."""
        until = self.seconds() + seconds
        if seconds <= self._short_seconds:
            self.advance(seconds)
            await anyio.lowlevel.checkpoint()
        while self.seconds() < until:
            await self._moved.wait()


async def settled() -> None:
    """Wait until everybody in this process waits: for time, for a wire or for somebody else."""
    still = 0
    async with asyncio.timeout(PATIENCE_SECONDS):
        while still < _STILL_FOR:
            await anyio.lowlevel.checkpoint()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            still = 0 if any(_has_work(task) for task in others) else still + 1


def _has_work(task: asyncio.Task[Any]) -> bool:
    """Whether a task is about to run; the same question that anyio's own test helper asks."""
    waiter = task._fut_waiter  # type: ignore[attr-defined]
    return waiter is None or waiter.done()
