"""Other words for whether a show is on air."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import STATUS, edited
from tests.deviations.plays_of_streams import spelt_live, stale_status
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="stale_5s",
        trax="Reads the status from a copy that is up to five seconds old.",
        play=stale_status(5),
        calls=scenarios.WHOLE_SHOW,
        sent=(
            "POST go-live",
            "POST go-offline",
        ),
        lies=True,
    ),
    Row(
        name="status_live_text",
        trax='Says live: "true".',
        play=edited(STATUS, spelt_live),
        calls=scenarios.GO_LIVE,
        sent=("POST go-live",),
    ),
)
