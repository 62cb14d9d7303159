"""The engine that replicas share: Valkey or Redis. Values are read together and written at once.

A write depends on what was read: it happens only if nothing of that has changed since, and to
repeat it changes nothing more. So a step of a store is atomic, and is decided in Python alone.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import anyio
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from trax_mcp.replicas.failures import EngineAway

ResultT = TypeVar("ResultT")

_AWAY: Final = (RedisError, OSError, TimeoutError)

TAG: Final = "{trax}"
"""All names have this part, so that one node of a cluster holds all of them."""
_NUMBERS: Final = f"{TAG}:numbers"
_TIMEOUT_SECONDS: Final = 1.0
_SILENCE_SECONDS: Final = 0.5
"""How long to wait for news at a time. If none comes, the engine is asked whether it is there."""
_CONNECTIONS: Final = 16
"""The most commands at once. More wait for their turn, which is a matter of milliseconds."""
_RETRY_SECONDS: Final = 0.5
"""How long the engine is taken to be away after it did not answer."""
_RUN_LENGTH: Final = 16
_TOKEN_LENGTH: Final = 16
_HEAD_LENGTH: Final = _RUN_LENGTH + _TOKEN_LENGTH

RUN: Final = f"""
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
run = string.sub(run, 1, {_RUN_LENGTH})
"""
_READ: Final = f"""
{RUN}
local time = redis.call('TIME')
local number = 0
if ARGV[1] == '1' then
  local last = tonumber(redis.call('GET', KEYS[1]) or '0')
  number = math.max(last + 1, time[1] * 1000000 + time[2])
  redis.call('SET', KEYS[1], string.format('%.0f', number))
end
local values = #KEYS > 1 and redis.call('MGET', unpack(KEYS, 2)) or {{}}
return {{run, time[1], time[2], number, values}}
"""
"""KEYS: the last number, and what is read. ARGV: 1 to take a number.

A number is the time in microseconds, so that it does not come again where the last one is lost."""
_WRITE: Final = f"""
{RUN}
if run ~= ARGV[1] then return 0 end
local head, reads = ARGV[1] .. ARGV[2], tonumber(ARGV[3])
local writes, done = #KEYS - reads, true
for i = 1, writes do
  local old = redis.call('GET', KEYS[reads + i]) or ''
  if string.sub(old, 1, {_HEAD_LENGTH}) ~= head then done = false end
end
if done then return 1 end
for i = 1, reads do
  local old = redis.call('GET', KEYS[i]) or ''
  if string.sub(old, 1, {_HEAD_LENGTH}) ~= ARGV[3 + i] then return 0 end
end
for i = 1, writes do
  local value, milliseconds = ARGV[2 + reads + 2 * i], ARGV[3 + reads + 2 * i]
  redis.call('SET', KEYS[reads + i], head .. value, 'PX', milliseconds)
end
return 1
"""
"""KEYS: what was read, and what is written. ARGV: run, token, number of reads, the head of each,
and a value and its milliseconds for each write."""


_LIMIT: Final = """
redis.call('LREM', KEYS[2], 0, ARGV[1])
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
while redis.call('LLEN', KEYS[1]) > tonumber(ARGV[2]) do
  redis.call('DEL', redis.call('LPOP', KEYS[1]))
end
"""
"""KEYS: a list of names, and the list where the name was. ARGV: the name, the most names of a list,
and the milliseconds of the list."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The values that were read at one moment, by name. None where there is none.

    `now` is in seconds on the engine's clock. `run` identifies the engine's process: values of an
    earlier one count as absent. `number` is larger than all that were given before, or 0.
    """

    run: str
    now: float
    number: int
    values: Mapping[str, bytes | None]
    heads: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Write:
    """A value, and for how many seconds it is kept. An empty value counts as absent."""

    value: bytes
    seconds: float


class Engine:
    """A connection to the engine. It never repeats a command by itself."""

    def __init__(self, url: str) -> None:
        self._redis: Redis = Redis.from_url(
            url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
            max_connections=2 * _CONNECTIONS,  # news and the heartbeat wait for no turn
        )
        self._turns = anyio.Semaphore(_CONNECTIONS, fast_acquire=True)
        self._read = self._redis.register_script(_READ)
        self._write = self._redis.register_script(_WRITE)
        self._limit = self._redis.register_script(_LIMIT)
        self.run = ""
        """The id of the engine's process at the last read."""
        self._scripts: dict[str, Any] = {}
        self._away_until = 0.0
        self._ahead: float | None = None
        self._is_kept = True

    @property
    def answers(self) -> bool:
        """Whether the engine has kept the last heartbeat, and has answered since."""
        return self._is_kept

    @property
    def is_away(self) -> bool:
        """Whether the engine did not answer a moment ago."""
        return anyio.current_time() < self._away_until

    def now(self) -> float | None:
        """The time on the engine's clock, in seconds, or a little later. None before a read."""
        return None if self._ahead is None else anyio.current_time() + self._ahead

    def note_silence(self) -> None:
        """Take the engine to be away for a moment: it did not answer."""
        self._is_kept = False
        self._away_until = anyio.current_time() + _RETRY_SECONDS

    def try_again(self) -> None:
        """Ask it although it did not answer a moment ago: it may only have been busy."""
        self._away_until = 0.0

    @contextmanager
    def limited(self, seconds: float | None) -> Iterator[None]:
        """Limit how long to wait for it.

        Raises:
            EngineAway: it did not answer in time.
        """
        try:
            with anyio.fail_after(seconds):
                yield
        except TimeoutError:
            self.note_silence()
            raise EngineAway from None

    async def read(self, *names: str, take_number: bool = False) -> Snapshot:
        """Read values at one moment.

        Raises:
            EngineAway: it does not answer.
        """
        keys, asked_at = [_NUMBERS, *names], anyio.current_time()
        run, seconds, micros, number, values = await self._run(self._read, keys, [int(take_number)])
        heads = {
            name: (value or b"")[:_HEAD_LENGTH] for name, value in zip(names, values, strict=True)
        }
        current = {
            name: value[_HEAD_LENGTH:] if value and value[:_RUN_LENGTH] == run else None
            for name, value in zip(names, values, strict=True)
        }
        now = int(seconds) + int(micros) / 1e6
        self._ahead = now - asked_at
        self.run = run.decode()
        return Snapshot(self.run, now, int(number), current, heads)

    async def write(self, snapshot: Snapshot, writes: Mapping[str, Write]) -> bool:
        """Write values if nothing in the snapshot has changed. False if it has.

        Raises:
            EngineAway: it did not answer, and whether it has written is not known.
        """
        token = secrets.token_hex(_TOKEN_LENGTH // 2)
        values = [part for it in writes.values() for part in (it.value, int(it.seconds * 1000))]
        heads = list(snapshot.heads.values())
        arguments = [snapshot.run, token, len(heads), *heads, *values]
        keys = [*snapshot.heads, *writes]
        try:
            return bool(await self._run(self._write, keys, arguments))
        except EngineAway:  # only the answer may have been lost
            self.try_again()
            if await self._run(self._write, keys, arguments):
                return True
            raise  # it may have written, and others have written since

    async def limit(
        self, group: str, name: str, *, instead_of: str, most: int, seconds: float
    ) -> None:
        """Move a name to a group, and delete the oldest values of the group over the limit."""
        await self._run(self._limit, [group, instead_of], [name, most, int(seconds * 1000)])

    async def announce(self, name: str, *, seconds: float) -> None:
        """Say that a replica is alive, for some seconds. Tried even if the engine was just away."""
        try:
            await self._attempt(lambda: self._redis.set(name, b"1", px=int(seconds * 1000)))
        except EngineAway:
            self._is_kept = False  # it may answer, but have no memory left
            raise
        self._is_kept = True

    async def are_alive(self, names: Sequence[str]) -> list[bool]:
        """Whether replicas have said so lately."""
        return [it is not None for it in await self._call(lambda: self._redis.mget(names))]

    async def run_script(
        self, script: str, keys: Sequence[str], arguments: Sequence[object]
    ) -> Any:  # noqa: ANN401
        """Run a script that may be repeated, and return its answer.

        Raises:
            EngineAway: it does not answer. Whether it has run is not known.
        """
        registered = self._scripts.setdefault(script, self._redis.register_script(script))
        return await self._run(registered, keys, arguments)

    @asynccontextmanager
    async def news(self, channel: str) -> AsyncIterator[AsyncIterator[str]]:
        """The messages of a channel from now on. Some may be lost.

        Raises:
            EngineAway: it does not answer, or the connection has ended.
        """
        heard = self._redis.pubsub(ignore_subscribe_messages=True)
        try:
            await self._call(lambda: heard.subscribe(channel))
            yield self._heard(heard)
        finally:
            with suppress(*_AWAY):
                await heard.aclose()  # type: ignore[no-untyped-call]  # redis gives it no types

    async def _heard(self, heard: PubSub) -> AsyncIterator[str]:
        """Messages. A connection can be gone without a word, as when a machine fails."""
        is_asked = False
        while True:
            try:
                message = await heard.get_message(timeout=_SILENCE_SECONDS)
                if message is None and not is_asked:
                    await heard.ping()
            except _AWAY as error:
                raise EngineAway from error
            if message is None and is_asked:
                raise EngineAway
            is_asked = message is None
            if message is not None and message["type"] == "message":
                yield message["data"].decode(errors="replace")

    async def info(self) -> Mapping[str, object]:
        """The engine's description of itself.

        Raises:
            EngineAway: it does not answer, or does not say.
        """
        return await self._call(lambda: self._redis.info("server", "memory", "persistence"))

    async def setting(self, name: str) -> str | None:
        """One of the engine's own settings.

        Raises:
            EngineAway: it does not answer, or does not say.
        """
        return (await self._call(lambda: self._redis.config_get(name))).get(name)

    async def clear(self) -> None:
        """Delete everything that is kept there."""
        await self._call(self._redis.flushdb)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._redis.aclose()

    async def _run(self, script: Any, keys: Sequence[str], arguments: Sequence[Any]) -> Any:  # noqa: ANN401
        return await self._call(lambda: script(keys=keys, args=arguments))

    async def _call(self, command: Callable[[], Awaitable[ResultT]]) -> ResultT:
        if self.is_away:
            raise EngineAway
        async with self._turns:
            if self.is_away:  # it was noticed meanwhile
                raise EngineAway
            return await self._attempt(command)

    async def _attempt(self, command: Callable[[], Awaitable[ResultT]]) -> ResultT:
        try:
            with anyio.fail_after(_TIMEOUT_SECONDS):  # for connecting and all else together
                return await command()
        except ResponseError as error:  # it answers: this alone is refused, as without memory left
            raise EngineAway from error
        except _AWAY as error:
            self.note_silence()
            # Others that wait in the pool may be gone as well, and each would take its time.
            with suppress(*_AWAY):
                await self._redis.connection_pool.disconnect(inuse_connections=False)
            raise EngineAway from error
