"""Stops that are refused, lost or late."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import STOP, dropped, page, refused, slow
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="offline_dropped_after",
        trax="Stops, and closes the connection.",
        play=dropped(STOP, done=True),
        calls=scenarios.STOP,
        person=(
            'go_offline: "Friday Night Show" is off air. The connection to TRaX broke before it answered. Then the studio was seen off air.',
        ),
        model=("go_offline: message=Do not call again., no ok",),
        sent=("POST go-offline",),
        passes=True,
    ),
    Row(
        name="offline_524_after",
        trax="Stops, and a proxy answers 524 with a page.",
        play=page(STOP, 524, times=1, done=True),
        calls=scenarios.STOP,
        person=(
            'go_offline: "Friday Night Show" is off air. A page (text/html), not TRaX\'s API, answered 524. Then the studio was seen off air.',
        ),
        model=("go_offline: message=Do not call again., no ok",),
        sent=("POST go-offline",),
        passes=True,
    ),
    Row(
        name="offline_429_once",
        trax="Refuses the first stop with 429 and Retry-After: 1.",
        play=refused(STOP, 429, "rate_limited", times=1, Retry_After="1"),
        calls=scenarios.STOP,
        sent=(
            "POST go-offline",
            "POST go-offline",
        ),
        passes=True,
        stops_again=True,
    ),
    Row(
        name="offline_429_html",
        trax="Refuses the first stop with 429, a page, and no Retry-After.",
        play=page(STOP, 429, times=1),
        calls=scenarios.STOP,
        sent=(
            "POST go-offline",
            "POST go-offline",
        ),
        passes=True,
        stops_again=True,
    ),
    Row(
        name="slow_14s_offline",
        trax="Takes 14 seconds to answer a stop.",
        play=slow(STOP, 14),
        calls=scenarios.STOP,
        sent=("POST go-offline",),
        passes=True,
    ),
    Row(
        name="offline_429_date",
        trax="Refuses the first stop with 429 and a date as Retry-After.",
        play=refused(
            STOP, 429, "rate_limited", times=1, Retry_After="Fri, 05 Jun 2026 18:01:03 GMT"
        ),
        calls=scenarios.STOP,
        sent=(
            "POST go-offline",
            "POST go-offline",
        ),
        passes=True,
        stops_again=True,
    ),
    Row(
        name="offline_429_negative",
        trax="Refuses the first stop with 429 and Retry-After: -5.",
        play=refused(STOP, 429, "rate_limited", times=1, Retry_After="-5"),
        calls=scenarios.STOP,
        sent=(
            "POST go-offline",
            "POST go-offline",
        ),
        passes=True,
        stops_again=True,
    ),
)
