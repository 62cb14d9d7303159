"""Decides whether and when a failed call is sent again.

Reads are retried after errors that may pass, mutations only if no connection was made: a go-live
that is sent twice is worse than one that fails.
"""

from trax_mcp.api.errors import NoConnection, Refused, TraxError

MAX_TRIES = 3
MAX_RETRY_AFTER_SECONDS = 2.0
_FIRST_PAUSE_SECONDS = 0.2
_TRANSIENT = frozenset({502, 504})
_RATE_LIMITED = 429


def pause_before_retry(
    error: TraxError, *, tries: int, mutates: bool, jitter: float
) -> float | None:
    """Seconds to wait before the next try, or None to give up.

    `tries` is the number of tries made; `jitter` is a random number from 0 to 1.
    """
    if tries >= MAX_TRIES:
        return None
    backoff = _FIRST_PAUSE_SECONDS * 2.0 ** (tries - 1) * (0.5 + jitter)
    if isinstance(error, NoConnection):
        return backoff
    if mutates or not isinstance(error, Refused):
        return None
    if error.failure.http_status in _TRANSIENT:
        return backoff
    retry_after = error.failure.retry_after_seconds
    if error.failure.http_status != _RATE_LIMITED or retry_after is None:
        return None
    return retry_after + backoff if retry_after <= MAX_RETRY_AFTER_SECONDS else None
