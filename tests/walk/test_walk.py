"""Whole tasks, as a person asks for them: done by a scripted assistant, in few calls.

`make bench` prints the bytes that a model reads for each.
"""

from __future__ import annotations

from typing import Final

import pytest

from tests.support.product.virtual_time import in_virtual_time
from tests.walk import tasks
from tests.walk.assistant import new_assistant

MOST_BYTES_OF_TOOLS: Final = 17_000
"""What a model reads of the tools before its first call, once in each conversation."""


@pytest.mark.parametrize("task", tasks.CALLS, ids=lambda it: it.__name__)
@in_virtual_time
async def test_a_task_is_done_in_few_calls(task: tasks.Task) -> None:
    """A task that does not achieve what it must fails."""
    async with new_assistant() as it:
        await task(it)
        assert it.calls == tasks.CALLS[task]


@in_virtual_time
async def test_the_list_of_tools_is_short() -> None:
    async with new_assistant() as it:
        assert await it.listing_bytes() < MOST_BYTES_OF_TOOLS
