"""A chat watcher that meets a fault: readers get the failure, and no message is lost.

With a subscribed client of the modern era on a manual clock. `test_faults_reads` tests the texts of
all faults; here is each kind of answer that the watcher treats differently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.chat.waits import chat_of
from tests.support.fault_table.faulty_world import open_faulty
from tests.support.fault_table.role_calls import row_of
from tests.support.fault_table.table import Consequence, Role
from tests.support.resource_reads import CHAT
from tests.world.world import MINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from syrupy.assertion import SnapshotAssertion

    from tests.support.fault_table.faulty_world import FaultyWorld

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
    async with open_faulty(row, short_seconds=0) as faulty:
        await faulty.it[MINE].subscribe(CHAT)
        updates = faulty.it[MINE].updates
        before = chat_of(await faulty.call())
        faulty.it.hand_clock.advance(STEP_SECONDS)
        faulty.begin_fault()
        result = await faulty.call()
        await let_pass(faulty, FAULT_SECONDS)
        polls, updates_during_fault = len(faulty.affected_ids), list(updates)
        faulty.end_fault()
        if row.consequence is Consequence.ENDS:
            await faulty.call()  # the watcher has ended: a read starts a new one
        messages = [faulty.it.trax.say("Hello")]
        await faulty.advance(row.case.retry_after)
        await let_pass(
            faulty, RECOVERY_SECONDS, until=lambda: len(updates) > len(updates_during_fault)
        )
        later = chat_of(await faulty.call(after=before["cursor"], timeoutSeconds=0))
    if row.consequence is Consequence.OK:
        assert message_ids(chat_of(result)) == message_ids(before)
    else:
        assert faulty.failure_in(result) == snapshot
    assert polls == (POLLS_WITHOUT_FAULT if row.consequence is Consequence.OK else row.case.polls)
    assert updates_during_fault == ([CHAT] if row.consequence is Consequence.ENDS else [])
    assert (later["messages"], later["missed"], faulty.changes) == (messages, False, [])


async def let_pass(
    faulty: FaultyWorld, seconds: int, *, until: Callable[[], bool] = lambda: False
) -> None:
    """Let time pass in steps until a condition holds, or for this many seconds."""
    for _ in range(seconds // STEP_SECONDS):
        if until():
            return
        await faulty.advance(STEP_SECONDS)


def message_ids(chat: dict[str, Any]) -> list[str]:
    """The ids of the messages, in order."""
    return [message["id"] for message in chat["messages"]]
