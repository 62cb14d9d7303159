"""Whether a failed call is worth another try, and after how long.

Pure. Reads are tried again where nothing can go wrong by it; mutations only when no connection was
made, since a lost go-live that is sent twice is worse than a failure that is told.
"""

from trax_mcp.api.errors import NoConnection, Refused, TraxError

MOST_TRIES = 3
LONGEST_WAIT_SECONDS = 2.0
_FIRST_PAUSE_SECONDS = 0.2
_PASSING = frozenset({502, 504})
_RATE_LIMITED = 429


def pause_before_retry(
    error: TraxError, *, tries: int, mutates: bool, jitter: float
) -> float | None:
    """Seconds to wait before another try, or None if there shall be none.

    `tries` counts those already made; `jitter` is a random number from 0 to 1.
    """
    if tries >= MOST_TRIES:
        return None
    backoff = _FIRST_PAUSE_SECONDS * (1 << (tries - 1)) * (0.5 + jitter)
    if isinstance(error, NoConnection):
        return backoff
    if mutates or not isinstance(error, Refused):
        return None
    if error.failure.http_status in _PASSING:
        return backoff
    wished = error.failure.retry_after_seconds
    if error.failure.http_status != _RATE_LIMITED or wished is None:
        return None
    return wished + backoff if wished <= LONGEST_WAIT_SECONDS else None
