"""Remembers which keys TRaX has accepted in this process, and in which studios.

Over HTTP, anyone can send a text that looks like a key. Each key that TRaX has accepted therefore
has limits of its own, and all other callers share one set of limits.
"""

from typing import Final

from cachetools import LRUCache

from trax_mcp.api.caller import Caller
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation

NOT_ACCEPTED: Final = "not accepted"
"""The name in limits of all callers whose key TRaX has not accepted."""

_MAX_KEYS: Final = 4096
_MAX_STUDIOS: Final = 1024
"""The most studios of one key that are remembered."""


class AcceptedKeys:
    """Keys, each with the studios where TRaX has accepted a call with it.

    The keys, and the studios of a key, that were used longest ago are forgotten first.
    """

    def __init__(self) -> None:
        self._studios: LRUCache[str, LRUCache[str, None]] = LRUCache(_MAX_KEYS)
        self._may_not_change: LRUCache[tuple[str, str], None] = LRUCache(_MAX_KEYS)

    def has(self, caller: Caller) -> bool:
        """Whether TRaX has accepted the caller's key."""
        return caller.owner in self._studios

    def has_access(self, caller: Caller, studio_id: str) -> bool:
        """Whether TRaX has accepted a call of the caller in this studio."""
        return self.has(caller) and studio_id in self._studios[caller.owner]

    def may_change(self, caller: Caller, studio_id: str) -> bool:
        """Whether TRaX has accepted the caller in this studio, and refused no change since."""
        is_refused = (caller.owner, studio_id) in self._may_not_change
        return self.has_access(caller, studio_id) and not is_refused

    def limit_name(self, caller: Caller) -> str:
        """The name under which the caller counts in limits: their own, or one for all others."""
        return caller.owner if self.has(caller) else NOT_ACCEPTED

    def record_answer(self, operation: Operation[Model], caller: Caller) -> None:
        """Record that TRaX accepted a call."""
        if operation.call.public:
            return
        studios = self._studios.setdefault(caller.owner, LRUCache(_MAX_STUDIOS))
        if studio_id := operation.studio():
            studios[studio_id] = None
            if operation.call.mutates:
                self._may_not_change.pop((caller.owner, studio_id), None)

    def record_refusal(self, code: str, operation: Operation[Model], caller: Caller) -> None:
        """Record an error of TRaX. A missing scope proves the key, `invalid_key` disproves it."""
        if code == "insufficient_scope":
            self._studios.setdefault(caller.owner, LRUCache(_MAX_STUDIOS))
            if operation.call.mutates:
                self._may_not_change[caller.owner, operation.studio()] = None
        elif code == "invalid_key":
            self._studios.pop(caller.owner, None)
