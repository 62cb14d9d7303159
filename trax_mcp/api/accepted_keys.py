"""Remembers which keys TRaX has accepted in this process, and in which studios.

Over HTTP, anyone can send a text that looks like a key. Each key that TRaX has accepted therefore
has limits of its own, and all other callers share one set of limits. For that, it is enough that
TRaX has accepted it at another replica; for a studio, it is not.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Final, Protocol

from cachetools import LRUCache

from trax_mcp.api.caller import Caller
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation

NOT_ACCEPTED: Final = "not accepted"
"""The name in limits of all callers whose key TRaX has not accepted."""

MAX_KEYS: Final = 4096
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
        self._studios: LRUCache[str, LRUCache[str, None]] = LRUCache(MAX_KEYS)
        self._lacking: LRUCache[tuple[str, str | None], None] = LRUCache(MAX_KEYS)
        """The scopes that a key lacks, by owner and scope."""
        self._elsewhere: set[str] = set()
        """The owners of keys that TRaX has accepted at any replica."""
        self._news: LRUCache[str, bool] = LRUCache(MAX_KEYS)

    def has(self, caller: Caller) -> bool:
        """Whether TRaX has accepted the caller's key, here or at another replica."""
        return caller.owner in self._studios or caller.owner in self._elsewhere

    def has_access(self, caller: Caller, studio_id: str) -> bool:
        """Whether TRaX has accepted a call of the caller in this studio, in this process."""
        return studio_id in self._studios.get(caller.owner, ())

    def may_call(self, caller: Caller, operation: Operation[Model]) -> bool:
        """Whether TRaX has accepted the caller in the studio, and no lack of the scope is known."""
        is_lacking = (caller.owner, operation.endpoint.scope) in self._lacking
        return self.has_access(caller, operation.studio()) and not is_lacking

    def limit_name(self, caller: Caller) -> str:
        """The name under which the caller counts in limits: their own, or one for all others."""
        return caller.owner if self.has(caller) else NOT_ACCEPTED

    def record_answer(self, operation: Operation[Model], caller: Caller) -> None:
        """Record that TRaX accepted a call."""
        if operation.endpoint.public:
            return
        self._lacking.pop((caller.owner, operation.endpoint.scope), None)
        studios = self._accept(caller)
        if studio_id := operation.studio():
            studios[studio_id] = None

    def record_refusal(
        self,
        code: str,
        operation: Operation[Model],
        caller: Caller,
        *,
        status: int | None = None,
    ) -> None:
        """Record an error of TRaX. A missing scope proves the key, `invalid_key` disproves it.

        A studio that is not found, or forbidden, is no longer one of the key's.
        """
        if code == "insufficient_scope":
            self._accept(caller)
            self._lacking[caller.owner, operation.endpoint.scope] = None
        elif code == "invalid_key" and self.has(caller):
            self._studios.pop(caller.owner, None)
            self._elsewhere.discard(caller.owner)
            self._news[caller.owner] = False
        elif status in _IS_GONE and operation.endpoint.path in _OF_ITS_MEMBERS:
            self._studios.get(caller.owner, LRUCache(1)).pop(operation.studio(), None)

    def take_news(self) -> Mapping[str, bool]:
        """By owner, the keys that TRaX has accepted, or refused, here since the last time."""
        news, self._news = self._news, LRUCache(MAX_KEYS)
        return news

    def learn(self, owners: Iterable[str]) -> None:
        """Take over whose keys TRaX has accepted at any replica. It may have refused one since."""
        self._elsewhere = {it for it in owners if self._news.get(it, True)}

    def _accept(self, caller: Caller) -> LRUCache[str, None]:
        """Accept a key. Returns its studios."""
        self._news[caller.owner] = True
        return self._studios.setdefault(caller.owner, LRUCache(_MAX_STUDIOS))


class SharedKeys(Protocol):
    """What replicas tell each other of keys."""

    async def exchange(self, keys: AcceptedKeys) -> None:
        """Tell what is new here, and learn what others have told. It never fails."""
