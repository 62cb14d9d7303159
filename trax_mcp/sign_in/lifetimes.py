"""How long tokens live, and when a use of one is noted. Pure.

Access tokens live for weeks, because clients that were given an hour asked the person again and
again instead of refreshing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

UNUSED_ACCESS: Final = timedelta(days=14)
"""An access token ends this long after its last use."""
LONGEST_ACCESS: Final = timedelta(days=30)
LONGEST_REFRESH: Final = timedelta(days=90)
_RETRY: Final = timedelta(seconds=60)
_NOTED: Final = timedelta(hours=1)
_CLOCK_ERROR: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A token lives from `issued` until `ends`."""

    issued: datetime
    ends: datetime

    def covers(self, now: datetime) -> bool:
        """Whether a token lives. One from the future does not: a clock that was wrong made it."""
        return self.issued - _CLOCK_ERROR <= now < self.ends


def access_lifetime(issued: datetime, *, used: datetime) -> Lifetime:
    """The lifetime of an access token that was last used then."""
    return Lifetime(issued, min(used + UNUSED_ACCESS, issued + LONGEST_ACCESS))


def refresh_lifetime(issued: datetime) -> Lifetime:
    """The lifetime of a refresh token that was not used yet."""
    return Lifetime(issued, issued + LONGEST_REFRESH)


def is_retry(first_use: datetime, now: datetime) -> bool:
    """Whether another use of a refresh token is a retry after a lost answer, and no theft.

    Parallel workers of one client look the same. Source: RFC 9700, section 4.14.2, which demands
    reuse detection and leaves the time to the server.
    """
    return abs(now - first_use) <= _RETRY


def is_worth_noting(noted: datetime, now: datetime) -> bool:
    """Whether the last noted use is so long ago that the present one is noted."""
    return abs(now - noted) >= _NOTED
