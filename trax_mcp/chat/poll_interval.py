"""How long to wait before TRaX is asked again: often while things happen, seldom while not.

Pure: numbers in, seconds out. What is asked, and who waits, is the watcher's.
"""

from dataclasses import dataclass, replace
from typing import Self

from trax_mcp.api.errors import NotSent, TraxError

SLOWEST = 5
"""The longest pause while nothing happens, as a multiple of the shortest."""

LONGEST_SECONDS = 30.0
"""The longest pause of our own while TRaX does not answer."""

_REFUSED_FOR_GOOD = frozenset({400, 401, 403, 404, 410})

_GROWTH = 1.5
_JITTER = 0.2
_MOST_STEPS = 16  # beyond it both bounds have long been reached


@dataclass(frozen=True, slots=True)
class PollInterval:
    """The pace of one watcher. `shortest` is the operator's least pause, in seconds."""

    shortest: float
    quiet: int = 0
    failed: int = 0
    wished: float = 0.0

    @property
    def least(self) -> float:
        """Seconds before which TRaX must not be asked again, by anybody."""
        return max(self.shortest, self.wished)

    def after_news(self) -> Self:
        """Something was new: look again soon."""
        return replace(self, quiet=0, failed=0, wished=0.0)

    def after_nothing(self) -> Self:
        """Nothing was new: take more time."""
        return replace(self, quiet=self.quiet + 1, failed=0, wished=0.0)

    def after_failure(self, error: TraxError) -> Self:
        """TRaX could not be asked: leave it alone, at least for as long as it wishes."""
        wished = error.failure.retry_after_seconds or 0.0
        return replace(self, failed=self.failed + 1, wished=wished)

    def pause(self, jitter: float) -> float:
        """Seconds until the next look; `jitter` is a random number from 0 to 1.

        Never below the shortest nor below what TRaX wished (`Retry-After`, RFC 9110, section
        10.2.3).
        """
        if self.failed:
            ours = min(self.shortest * 2.0 ** min(self.failed, _MOST_STEPS), LONGEST_SECONDS)
            return max(ours, self.least) * (1 + _JITTER * jitter)
        slowest = self.shortest * SLOWEST / (1 + _JITTER)
        grown = self.shortest * _GROWTH ** min(self.quiet, _MOST_STEPS)
        return min(grown, slowest) * (1 + _JITTER * jitter)


def is_final(error: TraxError) -> bool:
    """Whether asking again can change nothing: the key is refused, or the studio is gone."""
    return isinstance(error, NotSent) or error.failure.http_status in _REFUSED_FOR_GOOD
