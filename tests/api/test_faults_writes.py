"""A change that meets a fault is sent once, and the failure is true.

One test per line of the table, for a chat message, which needs no confirmation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.support.fault_table.fault_scenario import open_scenario
from tests.support.fault_table.role_calls import rows
from tests.support.fault_table.table import POSSIBLE, Consequence, Role
from tests.support.subscribers import CHAT_PATH

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from tests.support.fault_table.role_calls import Row

SENT: Final = f"POST {CHAT_PATH}"


@pytest.mark.parametrize("row", rows(Role.WRITE), ids=str)
async def test_a_change_that_meets_a_fault_is_sent_once_and_reported_truthfully(
    row: Row, snapshot: SnapshotAssertion
) -> None:
    """The reported outcome is compatible with what has happened."""
    async with open_scenario(row) as scenario:
        scenario.begin_fault()
        result = await scenario.call()
    if row.consequence is Consequence.OK:
        assert not result.is_error, result.content
    else:
        assert scenario.failure_in(result) == snapshot
    assert scenario.took_effect is row.case.takes_effect
    # Nothing has been observed yet, so the outcome may be unknown.
    assert row.consequence in POSSIBLE[row.case.takes_effect] | {Consequence.UNKNOWN}
    assert scenario.changes == [SENT] * row.case.sends
