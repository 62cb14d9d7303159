"""One poll of TRaX per key and source over all replicas, whose result all of them add.

Before a poll, a replica takes a permit, which expires by itself: a replica that is gone holds
nobody up. The result is kept under a hashed name, sealed with the caller's API key. All replicas
poll at about the same time, so each gets it soon.
"""

import json
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Final

import anyio

from trax_mcp.api import errors
from trax_mcp.api.errors import TraxError
from trax_mcp.chat.poll_interval import PollInterval
from trax_mcp.chat.watcher import AddResult, PollResult
from trax_mcp.consent.records import Away
from trax_mcp.replicas.engine import TAG, Engine
from trax_mcp.sealing import hashed, seal, unseal

_FORMAT: Final = "2"
"""Raised with each change of what a page holds: replicas of two versions do not share it."""
_PERMIT_SECONDS: Final = 4.0
"""How long a replica that is gone keeps the others from polling."""
_KEPT_SECONDS: Final = 600.0
_SHORTEST_WAIT_SECONDS: Final = 0.02
"""How soon to ask again while another replica polls. Each wait is longer than the one before."""
_LONGEST_WAIT_SECONDS: Final = 0.5
_SHARE_OF_MEMORY: Final = 0.75
"""While more of the engine's memory is used, nothing is shared: the rest is for consent."""

_BEGIN: Final = f"""
local memory, time = redis.call('INFO', 'memory'), redis.call('TIME')
local used, most = string.match(memory, 'used_memory:(%d+)'), string.match(memory, 'maxmemory:(%d+)')
if tonumber(most) > 0 and tonumber(used) > tonumber(most) * {_SHARE_OF_MEMORY} then return false end
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""  # noqa: E501  lines of Lua
_ASK: Final = f"""
{_BEGIN}
local id, kept_at, page = unpack(redis.call('HMGET', KEYS[1], 'id', 'kept_at', 'page'))
if (id or '') ~= ARGV[1] then return {{0, id or '', page or '', now - (kept_at or now)}} end
local may_poll = redis.call('GET', KEYS[2]) == ARGV[2]
  or redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3])
return {{may_poll and 1 or 0, ARGV[1], '', 0}}
"""
"""KEYS: page and permit. ARGV: the id of the page that the replica has, a token to take the permit
with, and its milliseconds. A replica that has not the last page gets it, and no permit."""
_KEEP: Final = f"""
{_BEGIN}
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'id', ARGV[2], 'page', ARGV[3], 'kept_at', now)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('DEL', KEYS[2])
return 1
"""
"""KEYS: page and permit. ARGV: token, the page's id, the page, its milliseconds."""


class EnginePolls:
    """The sources that this replica shares with the others."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def open(self, key: str, kind: str, studio_id: str, add: AddResult) -> "EnginePoll":
        """One source of the caller with this key."""
        name = f"{TAG}:page:{hashed(_FORMAT, key, kind, studio_id)}"
        return EnginePoll(self._engine, name, key, add)


@dataclass(slots=True)
class EnginePoll:
    """The last result of one source of one caller."""

    _engine: Engine
    _name: str
    _key: str
    _add: AddResult
    _id: bytes = b""
    """The id of the last page that was added or kept here."""
    _token: str = field(default_factory=lambda: secrets.token_hex(8))

    async def poll(
        self, poll: Callable[[], Awaitable[PollResult]], *, is_due: Callable[[], bool]
    ) -> None:
        """Poll, or wait for the result of another replica, unless a poll is due no longer."""
        wait = _SHORTEST_WAIT_SECONDS
        while is_due():
            try:
                may_poll = await self._ask()
            except Away:
                self._add(await poll(), 0.0)
                return
            if may_poll:
                result = await poll()
                self._add(result, 0.0)
                await self._keep(result)
                return
            await anyio.sleep(wait)
            wait = min(wait * 1.5, _LONGEST_WAIT_SECONDS)

    async def _ask(self) -> bool:
        """Add the last page if it is new here. Otherwise, return whether this replica is to poll.

        Raises:
            Away: nothing is shared now.
        """
        arguments = [self._id, self._token, _milliseconds(_PERMIT_SECONDS)]
        answer = await self._engine.run(_ASK, self._names, arguments)
        if answer is None:
            raise Away
        may_poll, self._id, page, age = answer
        opened = unseal(page, secret=self._key, name=self._name) if page else None
        if opened is not None:
            self._add(_result(opened), max(0, age) / 1000)
        return bool(may_poll)

    async def _keep(self, result: PollResult) -> None:
        page = seal(_content(result), secret=self._key, name=self._name)
        page_id = secrets.token_hex(8)
        arguments = [self._token, page_id, page, _milliseconds(_KEPT_SECONDS)]
        with suppress(Away):
            if await self._engine.run(_KEEP, self._names, arguments):
                self._id = page_id.encode()

    @property
    def _names(self) -> list[str]:
        return [self._name, f"{self._name}:permit"]


def _content(result: PollResult) -> bytes:
    answer, interval = result.answer, asdict(result.interval)
    if isinstance(answer, TraxError):
        values = [type(answer).__name__, asdict(answer), interval]
    else:
        values = ["", answer, interval]
    return json.dumps(values, ensure_ascii=False).encode(errors="surrogatepass")


def _result(content: bytes) -> PollResult:
    error, answer, interval = json.loads(content.decode(errors="surrogatepass"))
    if error:
        answer = getattr(errors, error)(**answer)
    return PollResult(answer, PollInterval(**interval))


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
