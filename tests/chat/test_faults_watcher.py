"""A chat watcher that meets a fault: readers get the failure, and no message is lost.

With a subscribed client of the modern era on a manual clock. `test_faults_reads` tests the texts of
all faults; here is each kind of answer that the watcher treats differently.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest
from mcp.client.subscriptions import ResourceUpdated

from tests.support.fault_table.fault_scenario import LONGEST_SECONDS, open_scenario
from tests.support.fault_table.role_calls import row_of
from tests.support.fault_table.table import Consequence, Role
from tests.support.subscribers import CHAT, say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import mcp_types as types
    from syrupy.assertion import SnapshotAssertion

    from tests.support.fault_table.fault_scenario import FaultScenario

STEP_SECONDS: Final = 2
"""The shortest poll interval."""

FAULT_SECONDS: Final = 120
"""How long the fault lasts."""

POLLS_WITHOUT_FAULT: Final = 13
"""Polls within that time if there is no fault and no message."""

RECOVERY_SECONDS: Final = 40
"""The longest time from the end of the fault, or of a `Retry-After`, to the next poll."""

FAULTS: Final = (
    "401 invalid_key",
    "404 not_found",
    "429 rate_limited",
    "429 for 1 s",
    "429 for years",
    "500 exploded",
    "200 with HTML page",
    "200 with oversized body",
    "200 with wrong types",
    "no connection",
    "no response",
    "reset inside the body",
    "100 and 103 first",
)
"""Lines of the fault table, one for each kind of answer."""


@pytest.fixture(autouse=True)
def _no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll intervals are as short as they can be."""
    monkeypatch.setattr("random.random", lambda: 0.0)


@pytest.mark.parametrize("name", FAULTS)
async def test_a_watched_chat_reports_a_fault_and_loses_no_message(
    name: str, snapshot: SnapshotAssertion
) -> None:
    """A reader gets the failure; a subscriber gets later messages, or the end."""
    row = row_of(Role.CHAT, name)
    async with open_scenario(row, short_seconds=0) as scenario, subscribed(scenario) as updates:
        before = data_of(await scenario.call())
        scenario.clock.advance(STEP_SECONDS)
        scenario.begin_fault()
        result = await scenario.call()
        await let_pass(scenario, FAULT_SECONDS)
        polls, updates_during_fault = len(scenario.affected_ids), list(updates)
        scenario.end_fault()
        if row.consequence is Consequence.ENDS:
            await scenario.call()  # the watcher has ended: a read starts a new one
        messages = [say(scenario.trax, "Hello")]
        await scenario.advance(row.case.retry_after)
        await let_pass(
            scenario, RECOVERY_SECONDS, until=lambda: len(updates) > len(updates_during_fault)
        )
        later = data_of(await scenario.call(after=before["cursor"], timeoutSeconds=0))
    if row.consequence is Consequence.OK:
        assert message_ids(data_of(result)) == message_ids(before)
    else:
        assert scenario.failure_in(result) == snapshot
    assert polls == (POLLS_WITHOUT_FAULT if row.consequence is Consequence.OK else row.case.polls)
    assert updates_during_fault == ([CHAT] if row.consequence is Consequence.ENDS else [])
    assert (later["messages"], later["missed"], scenario.changes) == (messages, False, [])


@asynccontextmanager
async def subscribed(scenario: FaultScenario) -> AsyncIterator[list[str]]:
    """Subscribe to the chat until the block ends; yields the updated URIs in order."""
    updates: list[str] = []
    with anyio.fail_after(LONGEST_SECONDS):
        async with scenario.client.listen(resource_subscriptions=[CHAT]) as subscription:

            async def collect() -> None:
                async for event in subscription:
                    assert isinstance(event, ResourceUpdated)
                    updates.append(event.uri)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(collect)
                yield updates
                tasks.cancel_scope.cancel()


async def let_pass(
    scenario: FaultScenario, seconds: int, *, until: Callable[[], bool] = lambda: False
) -> None:
    """Let time pass in steps until a condition holds, or for this many seconds."""
    for _ in range(seconds // STEP_SECONDS):
        if until():
            return
        await scenario.advance(STEP_SECONDS)


def message_ids(chat: dict[str, Any]) -> list[str]:
    """The ids of the messages, in order."""
    return [message["id"] for message in chat["messages"]]


def data_of(result: types.CallToolResult) -> dict[str, Any]:
    """The data of a successful call."""
    assert not result.is_error, result.content
    return result.structured_content or {}
