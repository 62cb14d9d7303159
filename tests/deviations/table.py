"""All rows of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.deviations import (
    rows_as_documented,
    rows_of_changes,
    rows_of_chat,
    rows_of_chat_ids,
    rows_of_compression,
    rows_of_failing_starts,
    rows_of_failing_stops,
    rows_of_fields,
    rows_of_ids,
    rows_of_limits_and_firewalls,
    rows_of_lists,
    rows_of_messages,
    rows_of_pages,
    rows_of_reads,
    rows_of_slow_stops,
    rows_of_starts,
    rows_of_statuses,
    rows_of_stops,
    rows_of_switches,
    rows_of_uploads,
    rows_of_wire,
    rows_of_words,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.deviations.row import Row

ROWS: Final[Sequence[Row]] = (
    *rows_as_documented.ROWS,
    *rows_of_stops.ROWS,
    *rows_of_starts.ROWS,
    *rows_of_reads.ROWS,
    *rows_of_lists.ROWS,
    *rows_of_fields.ROWS,
    *rows_of_wire.ROWS,
    *rows_of_words.ROWS,
    *rows_of_changes.ROWS,
    *rows_of_chat.ROWS,
    *rows_of_uploads.ROWS,
    *rows_of_failing_stops.ROWS,
    *rows_of_statuses.ROWS,
    *rows_of_failing_starts.ROWS,
    *rows_of_limits_and_firewalls.ROWS,
    *rows_of_pages.ROWS,
    *rows_of_ids.ROWS,
    *rows_of_switches.ROWS,
    *rows_of_messages.ROWS,
    *rows_of_chat_ids.ROWS,
    *rows_of_compression.ROWS,
    *rows_of_slow_stops.ROWS,
)
