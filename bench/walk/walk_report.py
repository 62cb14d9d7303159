"""Runs the walk, and compares it with its first run and with its limits.

The counts are exact, so that a missed limit is a failure.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bench.walk import tasks
from bench.walk.assistant import new_assistant
from bench.walk.tasks import Task
from tests.support.product.virtual_time import VirtualLoop


@dataclass(frozen=True, slots=True)
class Cost:
    """The calls of a task, and the bytes of their answers."""

    calls: int
    answer_bytes: int


@dataclass(frozen=True, slots=True)
class WalkTask:
    """A task, what it cost at first, and the most calls that it may take."""

    name: str
    run: Task
    before: Cost
    max_calls: int | None = None


@dataclass(frozen=True, slots=True)
class WalkLine:
    """A task and what it costs now."""

    task: WalkTask
    cost: Cost

    @property
    def is_met(self) -> bool:
        """Whether the task keeps within its limit."""
        return self.task.max_calls is None or self.cost.calls <= self.task.max_calls

    def __str__(self) -> str:
        """The line under `WALK_HEAD`."""
        before, now, limit = self.task.before, self.cost, self.task.max_calls
        line = f"  {self.task.name:26}{before.calls:>6}{now.calls:>6}"
        line = f"{line}{before.answer_bytes:>11,}{now.answer_bytes:>8,}"
        if limit is None:
            return line
        return f"{line}{limit:>10}  {'ok' if self.is_met else 'over'}"


WALK_HEAD: Final = f"""\
what tasks cost a model: calls, and bytes of their answers, at first and now
{"":28}{"calls":>6}{"now":>6}{"bytes":>11}{"now":>8}{"limit":>10}"""

_LISTING_BEFORE: Final = 15_360

TASKS: Final = (
    WalkTask("go live by name", tasks.go_live_by_name, Cost(4, 3_088), max_calls=3),
    WalkTask("status of four shows", tasks.check_four_shows, Cost(14, 8_586), max_calls=1),
    WalkTask("a minute of chat", tasks.follow_chat_for_a_minute, Cost(15, 25_792), max_calls=4),
    WalkTask("stream to Twitch only", tasks.stream_to_twitch_only, Cost(6, 3_920), max_calls=3),
    WalkTask("the guest feed instead", tasks.show_the_guest_feed, Cost(6, 5_000), max_calls=3),
    WalkTask("take off air", tasks.take_off_air, Cost(4, 2_806)),
    WalkTask("add a destination", tasks.add_destination, Cost(3, 1_687)),
    WalkTask("why can nobody see us", tasks.find_out_why_nobody_sees_it, Cost(7, 4_889)),
)
"""Before: with the tools as they were when the walk was first made."""


def walk() -> Iterator[WalkLine]:
    """Run each task on a new sandbox.

    Raises:
        ExceptionGroup: a task did not achieve what it must (`HarnessError`).
    """
    for task in TASKS:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            yield WalkLine(task, runner.run(_measure(task)))


def listing_line() -> str:
    """What a model reads of the tools before its first call, once in each conversation."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        now = runner.run(_measure_listing())
    return f"  {'list of tools, once':26}{'':12}{_LISTING_BEFORE:>11,}{now:>8,}"


async def _measure_listing() -> int:
    async with new_assistant() as it:
        return await it.listing_bytes()


async def _measure(task: WalkTask) -> Cost:
    async with new_assistant() as it:
        await task.run(it)
        return Cost(it.calls, it.answer_bytes)
