"""A change that meets a fault is sent once, and what is said of it afterwards is true.

A line of the table each, for a message that viewers see at once and that nobody is asked about;
in both protocol eras where no wire is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.audience import CHAT_PATH
from tests.faults.callers import expected, in_both_eras
from tests.faults.stage import staged
from tests.faults.table import TRUE, Fate, Role

if TYPE_CHECKING:
    from tests.faults.callers import Row

SENT: Final = f"POST {CHAT_PATH}"


@pytest.mark.parametrize(("row", "era"), in_both_eras(Role.WRITE), ids=str)
async def test_a_change_that_meets_a_fault(row: Row, era: str) -> None:
    """It may have happened where that is said, has where that is said, and else has not."""
    async with staged(row, era=era) as stage:
        stage.strike()
        result = await stage.call()
    if row.fate is Fate.OK:
        assert not result.is_error, result.content
    else:
        assert stage.told(result) == expected(row)
    assert stage.happened is row.mishap.acts
    # Nobody has looked for it yet, so that it may be unknown.
    assert row.fate in TRUE[row.mishap.acts] | {Fate.UNKNOWN}
    assert stage.changes == [SENT] * row.mishap.sends
