"""A change that meets a fault is sent once, and what is said of it afterwards is true.

A line of the table each, for a message that viewers see at once and that nobody is asked about.
"""

from __future__ import annotations

from typing import Final

import pytest

from tests.audience import CHAT_PATH
from tests.faults.callers import MET, expected, name_of, rows, word_of
from tests.faults.stage import staged
from tests.faults.table import Kind, Word

WRITE: Final = Kind.WRITE

SENT: Final = f"POST {CHAT_PATH}"


@pytest.mark.parametrize("row", rows(WRITE))
async def test_a_change_that_meets_a_fault(row: str) -> None:
    """It may have happened where that is said, has where that is said, and else has not."""
    met, word = MET[name_of(row)], word_of(row)
    async with staged(row, WRITE) as stage:
        stage.strike()
        result = await stage.call()
    if word is Word.OK:
        assert not result.is_error, result.content
    else:
        assert stage.told(result) == expected(row, WRITE)
    assert stage.happened is met.acts
    assert word in TRUE[met.acts]
    # Only what has not left at all is tried again.
    assert stage.changes == [SENT] * (met.tries if met.told else 1)


TRUE: Final = {
    True: {Word.OK, Word.DONE, Word.UNKNOWN},
    False: {Word.AGAIN, Word.NEVER, Word.UNKNOWN},
}
"""What may be said of what has happened, and of what has not."""
