"""A chat watcher that meets a fault: readers hear of it, TRaX is left in peace, nothing is lost.

A line of the table each, while a client of the later protocol era is subscribed; time passes only
when the test says so.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest
from mcp.client.subscriptions import ResourceUpdated

from tests.audience import CHAT, say
from tests.faults.callers import expected, rows
from tests.faults.stage import LONGEST_SECONDS, staged
from tests.faults.table import Fate, Role

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import mcp_types as types

    from tests.faults.callers import Row
    from tests.faults.stage import Stage

STEP_SECONDS: Final = 2
"""The shortest time between two looks."""

WATCHED_SECONDS: Final = 120
"""How long the fault lasts."""

BUSY: Final = 13
"""Looks within that time where nothing is wrong, and nothing is said."""

LATEST_SECONDS: Final = 40
"""Once TRaX need not be left alone any more, a watcher looks again within this time."""


@pytest.fixture(autouse=True)
def _no_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses are as short as they can be."""
    monkeypatch.setattr("trax_mcp.chat.watcher.random.random", lambda: 0.0)


@pytest.mark.parametrize("row", rows(Role.CHAT), ids=str)
async def test_a_watched_chat_meets_a_fault(row: Row) -> None:
    """A reader is told what is wrong; who listens, of what comes after it, or that it is over."""
    async with staged(row, short_seconds=0) as stage, subscribed(stage) as rings:
        known = told(await stage.call())
        stage.clock.advance(STEP_SECONDS)
        stage.strike()
        result = await stage.call()
        await let_pass(stage, WATCHED_SECONDS)
        looks, rung = len(stage.struck), list(rings)
        stage.relent()
        if row.fate is Fate.ENDS:
            await stage.call()  # it was the end: whoever reads begins anew
        said = [say(stage.trax, "Hello")]
        await stage.let_pass(row.mishap.retry_after or 0)
        await let_pass(stage, LATEST_SECONDS, until=lambda: len(rings) > len(rung))
        heard = told(await stage.call(after=known["cursor"], timeoutSeconds=0))
    if row.fate is Fate.OK:
        assert ids(told(result)) == ids(known)
    else:
        assert stage.told(result) == expected(row)
    assert looks == (BUSY if row.fate is Fate.OK else row.mishap.looks)
    assert rung == ([CHAT] if row.fate is Fate.ENDS else [])
    assert (heard["messages"], heard["missed"], stage.changes) == (said, False, [])


@asynccontextmanager
async def subscribed(stage: Stage) -> AsyncIterator[list[str]]:
    """A client is told of what is said, until the block ends; what it was told, in order."""
    rings: list[str] = []
    with anyio.fail_after(LONGEST_SECONDS):
        async with stage.client.listen(resource_subscriptions=[CHAT]) as subscription:

            async def hear() -> None:
                async for event in subscription:
                    assert isinstance(event, ResourceUpdated)
                    rings.append(event.uri)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(hear)
                yield rings
                tasks.cancel_scope.cancel()


async def let_pass(
    stage: Stage, seconds: int, *, until: Callable[[], bool] = lambda: False
) -> None:
    """Let time pass, and everybody act on each bit of it; no longer than `until` that is so."""
    for _ in range(seconds // STEP_SECONDS):
        if until():
            return
        await stage.let_pass(STEP_SECONDS)


def ids(chat: dict[str, Any]) -> list[str]:
    """Which messages a reader is told, in which order."""
    return [message["id"] for message in chat["messages"]]


def told(result: types.CallToolResult) -> dict[str, Any]:
    """What a reader is told."""
    assert not result.is_error, result.content
    return result.structured_content or {}
