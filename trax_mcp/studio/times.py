"""Writes times and durations for people. Pure: the time of reading is handed in, with its zone.

A zone other than UTC is that of the person: its time comes first, with UTC behind.
They change on their own, so a sentence that holds one is a `naming.note` or part of a result.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from trax_mcp.studio.naming import quoted

_ISO_8601: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII
)
_NOON: Final = 12
_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


def parse(text: str | None) -> datetime | None:
    """A time as TRaX writes it. None for anything else: TRaX documents no format."""
    if text is None or not _ISO_8601.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):  # no such day, or before the year 1
        return None


def at(moment: datetime, now: datetime, *, in_seconds: bool = True) -> str:
    """A time: "18:00:03 UTC", with its date unless that is the date of `now`.

    In the zone of the person, if `now` is in one: "8:00:03 pm (18:00:03 UTC)".
    """
    utc, here = moment.astimezone(UTC), moment.astimezone(now.tzinfo or UTC)
    date = "" if here.date() == now.date() else f"{here.date()} "
    in_utc = f"{utc:{'%H:%M:%S' if in_seconds else '%H:%M'}} UTC"
    if here.utcoffset() == utc.utcoffset():
        return f"{date}{in_utc}"
    seconds = f":{here:%S}" if in_seconds else ""
    half = "am" if here.hour < _NOON else "pm"
    return f"{date}{here.hour % _NOON or _NOON}:{here:%M}{seconds} {half} ({in_utc})"


def since(time: str | None, now: datetime) -> str:
    """The end of a sentence: " since 18:00:03 UTC". Empty if unknown, quoted if it is no time."""
    if not time:
        return ""
    moment = parse(time)
    return f" since {at(moment, now) if moment else quoted(time)}"


def on_air(time: str | None, now: datetime) -> str:
    """The verb of a sentence: "has been on air for 12 minutes (since 19:48 UTC)".

    "is on air" if the time is unknown.
    """
    moment = parse(time)
    if moment is None or moment > now:
        return f"has been on air{since(time, now)}" if time else "is on air"
    return (
        f"has been on air for {duration(now - moment)} (since {at(moment, now, in_seconds=False)})"
    )


def duration(length: timedelta) -> str:
    """A duration in its largest units: "less than a minute", "12 minutes", "2 hours 5 minutes"."""
    seconds = length.total_seconds()
    if seconds < _MINUTE:
        return "less than a minute"
    if seconds < _HOUR:
        return _count(seconds // _MINUTE, "minute")
    if seconds < 2 * _DAY:
        minutes = seconds % _HOUR // _MINUTE
        hours = _count(seconds // _HOUR, "hour")
        return f"{hours} {_count(minutes, 'minute')}" if minutes else hours
    return _count(seconds // _DAY, "day")


def _count(number: float, unit: str) -> str:
    return f"{number:,.0f} {unit}{'' if number == 1 else 's'}"
