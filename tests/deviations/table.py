"""All rows of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.deviations import (
    rows_as_documented,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.deviations.row import Row

ROWS: Final[Sequence[Row]] = (*rows_as_documented.ROWS,)
