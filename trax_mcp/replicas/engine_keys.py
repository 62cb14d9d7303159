"""The keys that TRaX has accepted at any replica, so that each has room of its own at all of them.

Replicas tell them to the engine and learn them from it now and then, not with a request: so nobody
waits for it, and a stranger who tries keys costs it nothing. It has no key, only fingerprints,
each sealed. One that was sealed with another secret counts for nothing.
"""

from contextlib import suppress
from typing import Final

from trax_mcp.api.accepted_keys import MAX_KEYS, AcceptedKeys
from trax_mcp.consent.store import StoreUnavailable
from trax_mcp.replicas.engine import TAG, Engine
from trax_mcp.sealing import seal_alike, unseal_alike

_NAME: Final = f"{TAG}:accepted"
_KEPT_SECONDS: Final = 3600
_EXCHANGE: Final = f"""
local now = redis.call('TIME')[1]
for i = 1, #ARGV, 2 do
  if ARGV[i + 1] == '1' then redis.call('ZADD', KEYS[1], now, ARGV[i])
  else redis.call('ZREM', KEYS[1], ARGV[i]) end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - {_KEPT_SECONDS})
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -{MAX_KEYS + 1})
redis.call('EXPIRE', KEYS[1], {_KEPT_SECONDS})
return redis.call('ZRANGE', KEYS[1], 0, -1)
"""
"""ARGV: a key's owner, sealed, and whether TRaX has accepted it (1) or refused it (0), for each."""


class EngineKeys:
    """What this replica and the others tell each other of keys."""

    def __init__(self, engine: Engine, secret: str) -> None:
        self._engine = engine
        self._secret = secret
        self._untold: dict[str, bool] = {}
        self._opened: dict[bytes, str | None] = {}
        """The owners of the last time, by what they are sealed as."""

    async def exchange(self, keys: AcceptedKeys) -> None:
        """Tell what is new here, and learn what others have told. Later, if the engine is away."""
        self._untold |= keys.take_news()
        told = [
            part
            for owner, is_good in self._untold.items()
            for part in (self._seal(owner), int(is_good))
        ]
        with suppress(StoreUnavailable):
            found = await self._engine.run(_EXCHANGE, [_NAME], told)
            self._untold = {}
            before = self._opened
            self._opened = {it: before[it] if it in before else self._open(it) for it in found}
            keys.learn(owner for owner in self._opened.values() if owner is not None)

    def _seal(self, owner: str) -> bytes:
        return seal_alike(owner.encode(), secret=self._secret, name=_NAME)

    def _open(self, sealed: bytes) -> str | None:
        owner = unseal_alike(sealed, secret=self._secret, name=_NAME)
        return None if owner is None else owner.decode()
