"""A stop repeats itself after a go-live that it did not wait for, and its own answer says so.

The go-live is to undo itself, and to say so in its answer, instead.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.conftest import text_of
from tests.support.concurrency import begin
from tests.support.product.virtual_time import in_virtual_time
from tests.support.virtual_setup import COLLEAGUE, MINE, open_virtual_setup, status

if TYPE_CHECKING:
    from tests.support.virtual_setup import VirtualSetup

SENT_AGAIN: Final = (
    "A go-live was still being sent, so the stop was sent once more when that had ended."
)


async def _press(it: VirtualSetup, key: str, tool: str) -> None:
    await it.confirmed(key, tool)


@in_virtual_time
async def test_a_stop_that_is_sent_twice_says_so() -> None:
    """In words, before its data; a stop that is sent once does not."""
    async with open_virtual_setup(MINE, COLLEAGUE) as it:
        it.slow(9, path="/go-live")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_press, it, MINE, "go_live")
            await anyio.sleep(1)
            results = [await it.confirmed(COLLEAGUE, "go_offline")]
        results.append(await it.confirmed(MINE, "go_offline"))
        twice, once = (text_of(result) for result in results)
        assert SENT_AGAIN in twice
        assert SENT_AGAIN not in once
        assert [status(it) for it in results] == ["ran", "ran"]
        assert all((it.structured_content or {})["observed"] for it in results)


@pytest.mark.parametrize("failure", ["refused", "hangs"])
@in_virtual_time
async def test_a_stop_whose_repetition_fails_is_not_reported_as_done(failure: str) -> None:
    """The studio may be on air, and counts as such until it was seen."""
    async with open_virtual_setup(MINE, COLLEAGUE) as it:
        await it.call(COLLEAGUE, "get_studio")
        it.slow(6, path="/go-live")
        confirmation = await it.confirmation(COLLEAGUE, "go_offline")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_press, it, MINE, "go_live")
            await anyio.sleep(1)
            results = begin(tasks, partial(it.use, COLLEAGUE, "go_offline", confirmation))
            await anyio.sleep(4)
            it.fail(failure, path="/go-offline")
        error = (results[0].structured_content or {})["error"]
        assert error["outcome"] == "unknown"
        assert "The studio may be on air" in error["message"]
        change = await it.call(MINE, "create_source", name="N", type="webcam")
        assert status(change) == "confirmation_required"
