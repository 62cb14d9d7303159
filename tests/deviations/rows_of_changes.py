"""Deviations of changes, deletions and messages."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import SWITCH, refused
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="dests_429_write",
        trax="Refuses a change on air with 429 and Retry-After: 5.",
        play=refused(SWITCH, 429, "rate_limited", Retry_After="5"),
        calls=scenarios.SWITCH_ON_AIR,
        person=(
            'update_destination: TRaX is rate limiting this API key (TRaX says: "TRaX says why."); nothing was changed.',
        ),
        model=(
            'update_destination: rate_limited, not_applied, call again: TRaX is rate limiting this API key (TRaX says: "TRaX says why."); nothing was changed. Call again in 5 s. The same `confirmation` stays good until it expires.',
        ),
        sent=("PATCH dest_1",),
        passes=True,
    ),
)
