"""Go-lives that are refused, lost or late."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import START, refused, slow
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="slow_14s_golive",
        trax="Takes 14 seconds to answer a go-live.",
        play=slow(START, 14),
        calls=scenarios.GO_LIVE,
        sent=("POST go-live",),
        passes=True,
    ),
    Row(
        name="rl_golive_1s",
        trax="Refuses the first go-live with 429 and Retry-After: 1.",
        play=refused(START, 429, "rate_limited", times=1, Retry_After="1"),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: TRaX is rate limiting this API key (TRaX says: "TRaX says why."); nothing was changed.',
        ),
        model=(
            'go_live: rate_limited, not_applied, call again: TRaX is rate limiting this API key (TRaX says: "TRaX says why."); nothing was changed. Call again in 1 s. The same `confirmation` stays good until it expires.',
        ),
        sent=("POST go-live",),
        passes=True,
    ),
    Row(
        name="rl_golive_30s",
        trax="Refuses each go-live with 429 and Retry-After: 30.",
        play=refused(START, 429, "rate_limited", Retry_After="30"),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: TRaX is rate limiting this API key (TRaX says: "TRaX says why."); nothing was changed.',
        ),
        model=(
            'go_live: rate_limited, not_applied, call again: TRaX is rate limiting this API key (TRaX says: "TRaX says why."); nothing was changed. Call again in 30 s. The same `confirmation` stays good until it expires.',
        ),
        sent=("POST go-live",),
        passes=True,
    ),
    Row(
        name="golive_429_date",
        trax="Refuses the first go-live with 429 and a date as Retry-After.",
        play=refused(
            START, 429, "rate_limited", times=1, Retry_After="Fri, 05 Jun 2026 18:00:07 GMT"
        ),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: TRaX is rate limiting this API key (TRaX says: "TRaX says why."); nothing was changed.',
        ),
        model=(
            'go_live: rate_limited, not_applied, call again: TRaX is rate limiting this API key (TRaX says: "TRaX says why."); nothing was changed. Call again after a pause. The same `confirmation` stays good until it expires.',
        ),
        sent=("POST go-live",),
        passes=True,
    ),
)
