"""The pause between two polls of TRaX: short after changes, longer while nothing changes."""

from dataclasses import dataclass, replace
from typing import Self

from trax_mcp.api.errors import NotSent, TraxError

SLOWEST = 5
"""The longest pause while nothing changes, as a multiple of the shortest."""

LONGEST_SECONDS = 30.0
"""The longest pause after failures, unless TRaX asks for a longer one."""

_PERMANENT = frozenset({400, 401, 403, 404, 410})

_GROWTH = 1.5
_JITTER = 0.2
_MAX_STEPS = 16  # pauses reach their limit earlier


@dataclass(frozen=True, slots=True)
class PollInterval:
    """The poll interval of one watcher. `shortest` is the operator's shortest pause, in seconds."""

    shortest: float
    unchanged: int = 0
    failures: int = 0
    retry_after: float = 0.0

    @property
    def minimum(self) -> float:
        """Seconds that any next poll must wait."""
        return max(self.shortest, self.retry_after)

    def after_change(self) -> Self:
        """The interval after a poll that found a change."""
        return replace(self, unchanged=0, failures=0, retry_after=0.0)

    def after_no_change(self) -> Self:
        """The interval after a poll that found no change."""
        return replace(self, unchanged=self.unchanged + 1, failures=0, retry_after=0.0)

    def after_failure(self, error: TraxError) -> Self:
        """The interval after a poll that failed. `Retry-After` is respected."""
        retry_after = error.retry_after_seconds or 0.0
        return replace(self, failures=self.failures + 1, retry_after=retry_after)

    def pause(self, jitter: float) -> float:
        """Seconds until the next poll. `jitter` is a random number from 0 to 1.

        Never below `shortest` or `Retry-After` (RFC 9110, section 10.2.3).
        """
        if self.failures:
            backoff = min(self.shortest * 2.0 ** min(self.failures, _MAX_STEPS), LONGEST_SECONDS)
            return max(backoff, self.minimum) * (1 + _JITTER * jitter)
        slowest = self.shortest * SLOWEST / (1 + _JITTER)
        grown = self.shortest * _GROWTH ** min(self.unchanged, _MAX_STEPS)
        return min(grown, slowest) * (1 + _JITTER * jitter)


def is_final(error: TraxError) -> bool:
    """Whether polling again is useless: the key is refused, or the studio is gone."""
    return isinstance(error, NotSent) or error.http_status in _PERMANENT
