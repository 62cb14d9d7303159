"""Fields of other types, and fields that are missing."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import READS, body
from tests.deviations.plays_of_lists import with_more_fields
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="extra_fields",
        trax="Gives fields that nobody knows.",
        play=body(READS, with_more_fields),
        calls=scenarios.WHOLE_SHOW,
        sent=(
            "POST go-live",
            "POST go-offline",
        ),
    ),
)
