"""Remembers in which studios TRaX has accepted a key, in this process.

Anyone can send a text that looks like a key. Only one that TRaX has accepted in a studio counts in
the record of that studio.
"""

from http import HTTPStatus
from typing import Final

from cachetools import LRUCache

from trax_mcp.api.caller import Caller
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation

_MAX_KEYS: Final = 4096
_STUDIO: Final = "/v1/studios/{id}"
_OF_ITS_MEMBERS: Final = frozenset(
    {_STUDIO, *(f"{_STUDIO}/{it}" for it in ("stream-status", "go-live", "go-offline"))}
)
"""The calls of which a refusal takes the studio from a key. A list may be closed to a member."""
_IS_GONE: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
"""How TRaX refuses a studio that a key may no longer see."""
_MAX_STUDIOS: Final = 1024
"""The most studios of one key that are remembered."""


class AcceptedKeys:
    """Keys, each with the studios where TRaX has accepted a call with it.

    The keys, and the studios of a key, that were used longest ago are forgotten first.
    """

    def __init__(self) -> None:
        self._studios: LRUCache[str, LRUCache[str, None]] = LRUCache(_MAX_KEYS)
        self._lacking: LRUCache[tuple[str, str | None], None] = LRUCache(_MAX_KEYS)
        """The scopes that a key lacks, by owner and scope."""

    def has_access(self, caller: Caller, studio_id: str) -> bool:
        """Whether TRaX has accepted a call of the caller in this studio, in this process."""
        return studio_id in self._studios.get(caller.owner, ())

    def may_call(self, caller: Caller, operation: Operation[Model]) -> bool:
        """Whether TRaX has accepted the caller in the studio, and no lack of the scope is known."""
        is_lacking = (caller.owner, operation.endpoint.scope) in self._lacking
        return self.has_access(caller, operation.studio()) and not is_lacking

    def record_answer(self, operation: Operation[Model], caller: Caller) -> None:
        """Record that TRaX accepted a call."""
        if operation.endpoint.public:
            return
        self._lacking.pop((caller.owner, operation.endpoint.scope), None)
        if studio_id := operation.studio():
            studios = self._studios.setdefault(caller.owner, LRUCache(_MAX_STUDIOS))
            studios[studio_id] = None

    def record_refusal(
        self,
        code: str,
        operation: Operation[Model],
        caller: Caller,
        *,
        status: int | None = None,
    ) -> None:
        """Record an error of TRaX.

        A studio that is not found, or forbidden, is no longer one of the key's.
        """
        if code == "insufficient_scope":
            self._lacking[caller.owner, operation.endpoint.scope] = None
        elif code == "invalid_key":
            self._studios.pop(caller.owner, None)
        elif status in _IS_GONE and operation.endpoint.path in _OF_ITS_MEMBERS:
            self._studios.get(caller.owner, LRUCache(1)).pop(operation.studio(), None)
