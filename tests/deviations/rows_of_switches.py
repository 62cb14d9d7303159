"""What should be a boolean, and is none."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import DESTINATIONS, items
from tests.deviations.plays_of_lists import loud_enabled, spelt_enabled
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="bool_as_string",
        trax='Says enabled: "true" and "false".',
        play=items(DESTINATIONS, spelt_enabled),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="enabled_UPPER",
        trax='Says enabled: "TRUE" and "False".',
        play=items(DESTINATIONS, loud_enabled),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
)
