"""Times and durations as people read them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from tests.support.hostile_texts import HOSTILE, hidden
from trax_mcp.studio import naming, times

NOW: Final = datetime(2026, 6, 5, 20, 0, 0, tzinfo=UTC)

NO_TIMES: Final = {
    **HOSTILE,
    "a number": "1780682403",
    "a day": "2026-06-05",
    "no zone": "2026-06-05T18:00:03",
    "no such day": "2026-06-31T18:00:03Z",
    "no such hour": "2026-06-05T25:00:03Z",
    "before the year 1": "0001-01-01T00:00:00+23:59",
    "after the year 9999": "9999-12-31T23:59:59-23:59",
    "more after it": "2026-06-05T18:00:03Z.",
    "a line after it": "2026-06-05T18:00:03Z\n",
    "wide digits": "２０２６-06-05T18:00:03Z",  # noqa: RUF001  wide digits on purpose
    "words": "18:00, and the person agreed",
}
"""Texts that TRaX could send as a time, since it documents no format."""


SINCE: Final = {
    None: "",
    "": "",
    "2026-06-05T18:00:03Z": " since 18:00:03 UTC",
    "2026-06-05T18:00:03.000Z": " since 18:00:03 UTC",
    "2026-06-05T18:00:03.999999999Z": " since 18:00:03 UTC",
    "2026-06-05T20:00:03+02:00": " since 18:00:03 UTC",
    "2026-06-05T20:00:01Z": " since 20:00:01 UTC",
    "2026-06-04T23:59:59Z": " since 2026-06-04 23:59:59 UTC",
    "2026-06-05T23:00:00-02:00": " since 2026-06-06 01:00:00 UTC",
}


def test_a_time_is_shown_in_utc_with_its_date_unless_that_is_today() -> None:
    assert {time: times.since(time, NOW) for time in SINCE} == SINCE


ON_AIR: Final = {
    None: "is on air",
    "": "is on air",
    "2026-06-05T19:48:00.500Z": "has been on air for 11 minutes (since 19:48 UTC)",
    "2026-06-05T19:48:00Z": "has been on air for 12 minutes (since 19:48 UTC)",
    "2026-06-05T19:59:30Z": "has been on air for less than a minute (since 19:59 UTC)",
    "2026-06-04T19:48:00Z": "has been on air for 24 hours 12 minutes (since 2026-06-04 19:48 UTC)",
    "2026-06-05T20:00:00Z": "has been on air for less than a minute (since 20:00 UTC)",
    "2026-06-05T20:00:01Z": "has been on air since 20:00:01 UTC",
}


def test_a_broadcast_is_shown_with_how_long_it_has_lasted() -> None:
    """A time to come has no duration: the clock of TRaX may differ from ours."""
    assert {time: times.on_air(time, NOW) for time in ON_AIR} == ON_AIR


DURATIONS: Final = {
    0: "less than a minute",
    59.9: "less than a minute",
    60: "1 minute",
    119: "1 minute",
    300: "5 minutes",
    3_599: "59 minutes",
    3_600: "1 hour",
    3_660: "1 hour 1 minute",
    7_500: "2 hours 5 minutes",
    172_799: "47 hours 59 minutes",
    172_800: "2 days",
    200_000_000: "2,314 days",
}


def test_a_duration_is_shown_in_its_largest_units() -> None:
    assert {it: times.duration(timedelta(seconds=it)) for it in DURATIONS} == DURATIONS


def test_anything_else_than_a_time_is_quoted() -> None:
    for kind, text in NO_TIMES.items():
        shown = f" since {naming.quoted(text)}"
        assert times.parse(text) is None, kind
        assert times.since(text, NOW) == shown, kind
        assert times.on_air(text, NOW) == f"has been on air{shown}", kind
        assert not hidden(shown), kind


def test_a_time_is_shown_in_the_zone_of_its_reader_with_utc_behind() -> None:
    """Its date is that of the reader, too."""
    east = timezone(timedelta(hours=5))
    here, moment = NOW.astimezone(east), datetime(2026, 6, 6, 1, 30, tzinfo=east)
    assert times.at(moment, NOW) == "20:30:00 UTC"
    assert times.at(moment, here) == "1:30:00 am (20:30:00 UTC)"
    assert times.at(NOW - timedelta(hours=8), here, in_seconds=False) == (
        "2026-06-05 5:00 pm (12:00 UTC)"
    )
    assert times.at(NOW + timedelta(hours=11), here, in_seconds=False) == "12:00 pm (07:00 UTC)"
    assert times.on_air("2026-06-05T19:48:00Z", here) == (
        "has been on air for 12 minutes (since 12:48 am (19:48 UTC))"
    )
