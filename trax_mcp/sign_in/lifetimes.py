"""How long tokens live, and when a use of one is noted. Pure.

Access tokens live for weeks, because clients that were given an hour asked the person again and
again instead of refreshing.
"""

from datetime import datetime, timedelta
from typing import Final

UNUSED_ACCESS: Final = timedelta(days=14)
"""An access token ends this long after its last use."""
LONGEST_ACCESS: Final = timedelta(days=30)
LONGEST_REFRESH: Final = timedelta(days=90)
_RETRY: Final = timedelta(seconds=60)
_NOTED: Final = timedelta(hours=1)
_CLOCK_ERROR: Final = timedelta(days=1)


def access_end(issued: datetime, *, used: datetime) -> datetime:
    """When an access token ends that was last used then."""
    return min(used + UNUSED_ACCESS, issued + LONGEST_ACCESS)


def refresh_end(issued: datetime) -> datetime:
    """When a refresh token ends that is not used."""
    return issued + LONGEST_REFRESH


def is_alive(issued: datetime, ends: datetime, now: datetime) -> bool:
    """Whether a token lives. One from the future does not: a clock that was wrong made it."""
    return issued - _CLOCK_ERROR <= now < ends


def is_retry(first_use: datetime, now: datetime) -> bool:
    """Whether another use of a refresh token is a retry after a lost answer, and no theft.

    Parallel workers of one client look the same. Source: RFC 9700, section 4.14.2, which demands
    reuse detection and leaves the time to the server.
    """
    return abs(now - first_use) <= _RETRY


def is_worth_noting(noted: datetime, now: datetime) -> bool:
    """Whether the last noted use is so long ago that the present one is noted."""
    return abs(now - noted) >= _NOTED
