"""A change that meets a fault is sent once, and the failure is true.

One test per line of the table, for a chat message, which needs no confirmation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.support.fault_table.faulty_world import open_faulty
from tests.support.fault_table.role_calls import CHAT_PATH, rows
from tests.support.fault_table.table import POSSIBLE, Consequence, Role

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from tests.support.fault_table.role_calls import Row

SENT: Final = f"POST {CHAT_PATH}"


@pytest.mark.parametrize("row", rows(Role.WRITE), ids=str)
async def test_a_change_that_meets_a_fault_is_sent_once_and_reported_truthfully(
    row: Row, snapshot: SnapshotAssertion
) -> None:
    """The reported outcome is compatible with what has happened."""
    async with open_faulty(row) as faulty:
        faulty.begin_fault()
        result = await faulty.call()
    if row.consequence is Consequence.OK:
        assert not result.is_error, result.content
    else:
        assert faulty.failure_in(result) == snapshot
    assert faulty.took_effect is row.case.takes_effect
    # Nothing has been observed yet, so the outcome may be unknown.
    assert row.consequence in POSSIBLE[row.case.takes_effect] | {Consequence.UNKNOWN}
    assert faulty.changes == [SENT] * row.case.sends
