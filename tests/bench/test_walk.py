"""The walk: every task is done by the scripted assistant, in as many calls as it may take."""

from __future__ import annotations

from bench.walk.walk_report import listing_line, walk


def test_every_task_is_done_in_no_more_calls_than_at_first() -> None:
    """A task that does not achieve what it must raises an error."""
    lines = list(walk())
    assert lines
    assert [it.task.name for it in lines if it.cost.calls > it.task.before.calls] == []


def test_the_list_of_tools_has_a_line() -> None:
    """It is read once in each conversation."""
    assert listing_line().startswith("  list of tools, once")
