"""The walk: every task is done by the scripted assistant, in as many calls as it may take."""

from __future__ import annotations

from typing import Final

from bench.walk import tasks
from bench.walk.walk_report import Cost, WalkLine, WalkTask, listing_line, walk

CALLS: Final = {
    "go live by name": 3,
    "status of four shows": 1,
    "a minute of chat": 4,
    "stream to Twitch only": 3,
    "the guest feed instead": 3,
    "take off air": 3,
    "add a destination": 2,
    "why can nobody see us": 2,
}


def test_every_task_is_done_in_few_calls() -> None:
    """A task that does not achieve what it must raises an error."""
    lines = list(walk())
    assert {it.task.name: it.cost.calls for it in lines} == CALLS
    assert all(it.is_met for it in lines)


def test_a_task_over_its_limit_is_reported() -> None:
    """The benchmark ends with a failure then."""
    task = WalkTask("go live by name", tasks.go_live_by_name, Cost(4, 3_088), max_calls=3)
    assert not WalkLine(task, Cost(4, 2_000)).is_met
    assert str(WalkLine(task, Cost(4, 2_000))).split() == (
        ["go", "live", "by", "name", "4", "4", "3,088", "2,000", "3", "over"]
    )


def test_the_list_of_tools_has_a_line() -> None:
    """It is read once in each conversation."""
    assert listing_line().startswith("  list of tools, once")
