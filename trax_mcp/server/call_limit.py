"""How many tools each key may call in a minute. No call waits for it.

Each process counts for itself, and then adds to what replicas share; what they have counted
together comes back a moment later, and holds here too. So a few more may pass at several replicas.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Final, Protocol

from cachetools import LRUCache

from trax_mcp.api.accepted_keys import AcceptedKeys
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import NotSent
from trax_mcp.clock import Clock

_MINUTE: Final = 60.0
_MAX_KEYS: Final = 4096
_LATEST_SECONDS: Final = 2.0
"""How late what replicas have counted may be known here."""

Heard = Callable[[int, float], None]
"""Takes the calls of a key at all replicas in this minute, and the seconds until it ends."""


class SharedCounts(Protocol):
    """The calls that replicas count together."""

    def add(self, owner: str, heard: Heard) -> None:
        """Count one more call of a key, without waiting. `heard` follows if the engine answers."""


@dataclass(slots=True)
class _Minute:
    """The calls of one key until the end of a minute, which the first of them has begun."""

    ends: float
    calls: int = 0

    def hear(self, calls: int, ends: float) -> None:
        """Take over what all replicas have counted; it may be a moment old, or of a new minute."""
        if ends > self.ends + _LATEST_SECONDS:
            self.calls, self.ends = calls, ends
        else:
            self.calls, self.ends = max(self.calls, calls), min(self.ends, ends)


class CallLimit:
    """At most so many calls a minute with each key that TRaX has accepted.

    Those with other keys share limits of their own. Calls that bring the answer to a question are
    counted apart, up to the same number: whoever has asked a person can use what they said.
    """

    def __init__(
        self, most: int, keys: AcceptedKeys, clock: Clock, shared: SharedCounts | None = None
    ) -> None:
        self._most = most
        self._keys = keys
        self._clock = clock
        self._shared = shared
        self._minutes: LRUCache[str, _Minute] = LRUCache(_MAX_KEYS)

    def check(self, caller: Caller, *, is_answer: bool = False) -> None:
        """Count a call.

        Raises:
            NotSent: it is one too many.
        """
        if not self._keys.has(caller):
            return
        now, whose = self._clock.seconds(), f"{caller.owner}{' answers' if is_answer else ''}"
        minute = self._minutes.get(whose)
        if minute is None or now >= minute.ends:
            minute = self._minutes[whose] = _Minute(now + _MINUTE)
        if minute.calls >= self._most:
            raise self._too_many(ceil(minute.ends - now), "answers" if is_answer else "calls")
        minute.calls += 1
        if self._shared is not None:
            self._shared.add(whose, partial(self._hear, minute))

    def _hear(self, minute: _Minute, calls: int, seconds: float) -> None:
        minute.hear(calls, self._clock.seconds() + seconds)

    def _too_many(self, seconds: int, what: str) -> NotSent:
        return NotSent(
            "rate_limited",
            f"More than {self._most} {what} came with this key in a minute, which is this server's"
            " limit and not TRaX's",
            f"Call again in {seconds} s.",
            retryable=True,
            retry_after_seconds=seconds,
        )
