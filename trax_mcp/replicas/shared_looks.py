"""One look at TRaX per key and source over all replicas, and what it found.

Before a look, a replica takes a permit, which expires by itself: a replica that is gone holds
nobody up. What a look finds is added to a stream that all replicas read, under a hashed name and
sealed with the caller's API key. Nothing outlives the engine's process.
"""

import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, Never

import anyio

from trax_mcp.chat.shared_feed import FeedItem, LookResult, SharedState
from trax_mcp.replicas.engine import RUN, TAG, Engine
from trax_mcp.replicas.failures import EngineAway, Unreadable
from trax_mcp.replicas.records import LOOKS, StoredLook
from trax_mcp.sealing import hashed, seal, unseal

_PERMIT_SECONDS: Final = 3.0
"""How long a replica that is gone keeps the others from looking."""
_RENEW_SECONDS: Final = 1.0
_KEPT_SECONDS: Final = 600.0
"""How long items are kept after the last look."""
_LOOK_KEPT_SECONDS: Final = 60.0
"""How long the result of a look is kept after the next one is due."""
_RECONNECT_SECONDS: Final = 0.5
_SHARE_OF_MEMORY: Final = 0.75
"""While more of the engine's memory is used, nothing is shared: the rest is for consent."""
NEWS: Final = f"{TAG}:news"
"""The channel on which replicas say that they have added items."""

_NAMES: Final = f"""
{RUN}
local base = KEYS[1] .. ':' .. run
local permit, pause, look, items = base .. ':permit', base .. ':pause', base .. ':look', base .. ':items'
local function is_short_of_memory()
  local memory = redis.call('INFO', 'memory')
  local used, most = string.match(memory, 'used_memory:(%d+)'), string.match(memory, 'maxmemory:(%d+)')
  return tonumber(most) > 0 and tonumber(used) > tonumber(most) * {_SHARE_OF_MEMORY}
end
"""  # noqa: E501  lines of Lua
_ASK: Final = f"""
{_NAMES}
local token, by_loop, milliseconds, last = ARGV[1], ARGV[2] == '1', ARGV[3], ARGV[4]
if token ~= '' and is_short_of_memory() then return false end
local may_look = false
if token ~= '' and not (by_loop and redis.call('EXISTS', pause) == 1) then
  may_look = redis.call('GET', permit) == token
    or redis.call('SET', permit, token, 'NX', 'PX', milliseconds) ~= false
end
local is_known = last ~= '' and #redis.call('XRANGE', items, last, last) == 1
return {{
  may_look and 1 or 0, redis.call('GET', permit) or '',
  redis.call('PTTL', permit), redis.call('PTTL', pause), redis.call('GET', look) or '',
  is_known and 1 or 0, redis.call('EXISTS', items),
  redis.call('XRANGE', items, is_known and '(' .. last or '-', '+')
}}
"""
"""KEYS: the name. ARGV: a token to take the permit with, 1 for the loop, the milliseconds of the
permit, and the id of the last item that the replica has."""
_RENEW: Final = f"""
{_NAMES}
if redis.call('GET', permit) == ARGV[1] then redis.call('PEXPIRE', permit, ARGV[2]) end
"""
_PUBLISH: Final = f"""
{_NAMES}
local token, last, most, kept, news = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local holder = redis.call('GET', permit)
if token ~= '' and (not holder or holder == token) then
  redis.call('SET', permit, '', 'PX', ARGV[6])
  redis.call('SET', pause, '', 'PX', ARGV[7])
  redis.call('SET', look, ARGV[9], 'PX', ARGV[8])
end
local top = redis.call('XREVRANGE', items, '+', '-', 'COUNT', 1)[1]
local top_id = top and top[1] or ''
local is_last = top_id == last and not (#ARGV > 9 and is_short_of_memory())
if is_last and #ARGV > 9 then
  local time = redis.call('TIME')
  local before, number = string.match(top_id, '(%d+)-(%d+)')
  local now = math.max(time[1] * 1000 + math.floor(time[2] / 1000), tonumber(before or 0))
  number = tonumber(number or -1)
  for i = 10, #ARGV do
    number = number + 1
    top_id = string.format('%.0f-%.0f', now, number)
    redis.call('XADD', items, 'MAXLEN', '=', most, top_id, 'item', ARGV[i])
  end
  redis.call('PUBLISH', news, KEYS[1])
end
redis.call('PEXPIRE', items, kept)
return {{is_last and 1 or 0, top_id}}
"""
"""KEYS: the name. ARGV: the token, the id of the last item that the replica has, how many are kept,
for how many milliseconds, and where to say so; the milliseconds of the permit, of the pause and of
the look, and the look; and items. An item's number, counted since the first, ends its id."""


class SharedLooks:
    """The sources that this replica shares with the others."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._listeners: defaultdict[str, dict[object, Callable[[], None]]] = defaultdict(dict)

    def open(self, key: str, kind: str, studio_id: str) -> "SharedLook":
        """One source of the caller with this key."""
        name = f"{TAG}:feed:{hashed(key, kind, studio_id)}"
        return SharedLook(self._engine, name, key, self._listeners)

    async def hear(self) -> Never:
        """Notify listeners of what other replicas add, and of what may have been lost."""
        while True:
            with suppress(EngineAway):
                async with self._engine.news(NEWS) as news:
                    for name in tuple(self._listeners):
                        self._notify(name)
                    async for name in news:
                        self._notify(name)
            await anyio.sleep(_RECONNECT_SECONDS)

    def _notify(self, name: str) -> None:
        for notify in tuple(self._listeners.get(name, {}).values()):
            notify()


@dataclass(slots=True)
class SharedLook:
    """One source of one caller, over all replicas."""

    _engine: Engine
    _name: str
    _key: str
    _listeners: defaultdict[str, dict[object, Callable[[], None]]]
    _token: str = field(default_factory=lambda: secrets.token_hex(8))
    _lock: anyio.Lock = field(default_factory=anyio.Lock)
    """Held while items are read or added, so that none is read twice."""
    _last: str = ""
    """The id of the last item that was read or added here."""
    _look: bytes = b""
    """The last look that was read or published here."""

    async def read(self) -> SharedState | None:
        return await self._ask("", by_loop=False)

    async def ask(self, *, by_loop: bool) -> SharedState | None:
        return await self._ask(self._token, by_loop=by_loop)

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._keep_permit)
            yield
            tasks.cancel_scope.cancel()

    async def publish(
        self, items: Sequence[FeedItem], *, most: int, look: LookResult | None = None
    ) -> bool:
        token, permit, pause, sealed = "", 1.0, 1.0, b""
        if look is not None:
            token, permit, pause = self._token, look.interval.minimum, look.pause
            sealed = LOOKS.write(StoredLook.of(look), secret=self._key, name=self._name)
        lives = [permit, pause, pause + _LOOK_KEPT_SECONDS]
        async with self._lock:
            arguments = [
                *(token, self._last, max(most, len(items)), _milliseconds(_KEPT_SECONDS), NEWS),
                *map(_milliseconds, lives),
                sealed,
                *map(self._seal, items),
            ]
            try:
                is_last, last = await self._engine.run_script(_PUBLISH, [self._name], arguments)
            except EngineAway:
                return False
            self._look = sealed or self._look
            if is_last:
                self._last = last.decode()
            return bool(is_last)

    @asynccontextmanager
    async def listening(self, notify: Callable[[], None]) -> AsyncIterator[None]:
        listener = object()
        self._listeners[self._name][listener] = notify
        try:
            yield
        finally:
            del self._listeners[self._name][listener]
            if not self._listeners[self._name]:
                del self._listeners[self._name]

    async def _ask(self, token: str, *, by_loop: bool) -> SharedState | None:
        async with self._lock:
            arguments = [token, int(by_loop), _milliseconds(_PERMIT_SECONDS), self._last]
            try:
                answer = await self._engine.run_script(_ASK, [self._name], arguments)
            except EngineAway:
                return None
            if answer is None:
                return None
            may_look, holder, permit, pause, look, is_known, has_items, entries = answer
            if entries:
                self._last = entries[-1][0].decode()
            elif not has_items:
                self._last = ""
        is_new = look not in {b"", self._look}
        self._look = look or self._look
        stored = None
        if is_new:
            with suppress(Unreadable):
                stored = LOOKS.read(look, secret=self._key, name=self._name)
        is_whole = bool(entries) and entries[0][0].endswith(b"-0")
        return SharedState(
            may_look=bool(may_look),
            is_busy=not may_look and holder not in {b"", self._token.encode()},
            seconds_to_look=(max(0, permit) + 1) / 1000,
            seconds_to_loop=(max(0, pause) + 1) / 1000,
            look=stored.result() if stored else None,
            items=[it for entry in entries if (it := self._open(entry[1][1]))],
            is_complete=bool(is_known) or is_whole,
            is_empty=not has_items,
        )

    async def _keep_permit(self) -> None:
        while True:
            await anyio.sleep(_RENEW_SECONDS)
            with suppress(EngineAway):
                arguments = [self._token, _milliseconds(_PERMIT_SECONDS)]
                await self._engine.run_script(_RENEW, [self._name], arguments)

    def _seal(self, item: FeedItem) -> bytes:
        content = (b"-" if item.gap else b"+") + item.content
        return seal(content, secret=self._key, name=self._name)

    def _open(self, sealed: bytes) -> FeedItem | None:
        content = unseal(sealed, secret=self._key, name=self._name)
        return FeedItem(content[1:], gap=content[:1] == b"-") if content else None


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))
