"""Remembers which keys TRaX has accepted in this process, and in which studios.

Over HTTP, anyone can send a text that looks like a key. Each key that TRaX has accepted therefore
has limits of its own, and all other callers share one set of limits.
"""

from collections import OrderedDict
from typing import Final

from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import Failure
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation

NOT_ACCEPTED: Final = "not accepted"
"""The owner in limits of all callers whose key TRaX has not accepted."""

_MAX_KEYS: Final = 4096
_MAX_STUDIOS: Final = 1024
"""The most studios of one key that are remembered."""

_LACKS_SCOPE: Final = "insufficient_scope"
"""What TRaX says to a key that may read a studio, and not change it."""

_Recent = OrderedDict[str, None]


class AcceptedKeys:
    """Keys by owner, each with the studios where TRaX has accepted a call with it.

    The keys, and the studios of a key, that were used longest ago are forgotten first.
    """

    def __init__(self) -> None:
        self._studios: OrderedDict[str, _Recent] = OrderedDict()
        self._lacking: OrderedDict[tuple[str, str | None], None] = OrderedDict()
        """The scopes that a key lacks, by owner and scope."""

    def has(self, caller: Caller) -> bool:
        """Whether TRaX has accepted the caller's key."""
        return caller.owner in self._studios

    def has_access(self, caller: Caller, studio_id: str) -> bool:
        """Whether TRaX has accepted a call of the caller in this studio."""
        return studio_id in self._studios.get(caller.owner, ())

    def may_call(self, caller: Caller, operation: Operation[Model]) -> bool:
        """Whether TRaX has accepted the caller in the studio, and no lack of the scope is known."""
        is_lacking = (caller.owner, operation.call.scope) in self._lacking
        return self.has_access(caller, operation.studio()) and not is_lacking

    def owner(self, caller: Caller) -> str:
        """The name under which the caller counts in limits: their own, or one for all others."""
        return caller.owner if self.has(caller) else NOT_ACCEPTED

    def record_answer(self, operation: Operation[Model], caller: Caller) -> None:
        """Record that TRaX accepted a call."""
        if operation.call.public:
            return
        studios = self._recent(caller)
        self._lacking.pop((caller.owner, operation.call.scope), None)
        if studio_id := operation.studio():
            _touch(studios, studio_id, most=_MAX_STUDIOS)

    def record_failure(self, failure: Failure, operation: Operation[Model], caller: Caller) -> None:
        """Record a failed call. A missing scope proves the key, `invalid_key` disproves it."""
        if failure.code == _LACKS_SCOPE:
            self._recent(caller)
            self._lacking[caller.owner, operation.call.scope] = None
            if len(self._lacking) > _MAX_KEYS:
                self._lacking.popitem(last=False)
        if failure.code == "invalid_key":
            self._studios.pop(caller.owner, None)

    def _recent(self, caller: Caller) -> _Recent:
        studios = self._studios.setdefault(caller.owner, _Recent())
        self._studios.move_to_end(caller.owner)
        if len(self._studios) > _MAX_KEYS:
            self._studios.popitem(last=False)
        return studios


def _touch(recent: _Recent, name: str, *, most: int) -> None:
    recent[name] = None
    recent.move_to_end(name)
    if len(recent) > most:
        recent.popitem(last=False)
