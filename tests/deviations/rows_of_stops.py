"""Deviations around a stop."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays_of_streams import slow_stop
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="offline_15s",
        trax="Shows live for 15 seconds after a stop.",
        play=slow_stop(15),
        calls=scenarios.STOP,
        sent=("POST go-offline",),
    ),
)
