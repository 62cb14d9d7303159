"""The server on a TRaX that does otherwise than its documents say, row by row."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.deviations.played import Read, play, read_in
from tests.deviations.plays import as_documented
from tests.deviations.promises import broken_promises
from tests.deviations.table import ROWS

if TYPE_CHECKING:
    from tests.deviations.row import Row


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_is_read_and_sent_is_in_the_table(row: Row) -> None:
    """And what is promised for every TRaX holds. `python -m tests.deviations NAME` prints it."""
    evening = play(row.calls, row.play)
    assert read_in(row, evening) == Read(row.person, row.model, row.sent)
    assert broken_promises(row, evening) == []


def test_each_row_has_a_name_of_its_own() -> None:
    """More than two hundred deviate."""
    assert len([it for it in ROWS if it.play is not as_documented]) > 200
    assert [name for name, times in Counter(it.name for it in ROWS).items() if times > 1] == []
