"""Records on the engine: sealed values under hashed names.

A write depends on what was read: it happens only if nothing of that has changed since, and to
repeat it changes nothing more. Values of an earlier process of the engine, as after a switch to an
older copy, count as absent: one may be a yes that was used since.
"""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import anyio
from pydantic import TypeAdapter, ValidationError

from trax_mcp.consent.pacing import Refusals
from trax_mcp.consent.questions import Question, StudioRecord
from trax_mcp.consent.records import Away, Changes, Key, Snapshot
from trax_mcp.replicas.engine import TAG, Engine
from trax_mcp.sealing import hashed, seal, unseal

_FORMAT: Final = b"6"
"""Raised with each change of what a record holds, so that replicas of two versions do not misread
each other's."""
_TURN_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.05
"""How often a call that waits for others looks again."""
_RUN_LENGTH: Final = 16
_TOKEN_LENGTH: Final = 16
_HEAD_LENGTH: Final = _RUN_LENGTH + _TOKEN_LENGTH

_RUN: Final = f"""
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
run = string.sub(run, 1, {_RUN_LENGTH})
"""
_READ: Final = f"""
{_RUN}
local time = redis.call('TIME')
local values = #KEYS > 0 and redis.call('MGET', unpack(KEYS)) or {{}}
return {{run, time[1], time[2], values}}
"""
"""KEYS: what is read."""
_WRITE: Final = f"""
{_RUN}
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
and a value and its milliseconds for each write. An empty value counts as absent."""

_ADAPTERS: Final[Mapping[str, TypeAdapter[Any]]] = {
    "studio": TypeAdapter(StudioRecord),
    "question": TypeAdapter(Question),
    "call": TypeAdapter(str),
    "room": TypeAdapter(tuple[str, ...]),
    "declined": TypeAdapter(Refusals),
    "stop": TypeAdapter(str),
    "access": TypeAdapter(bool),
}


class Unreadable(Away):
    """A replica of another version has written a record that this one cannot read.

    It is no better than an engine that is away, and must not be taken for one that is empty: what a
    stop has done stands there.
    """


class EngineRecords:
    """The records that all replicas share."""

    is_shared = True
    turn_seconds = _TURN_SECONDS

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def read(self, *keys: Key) -> Snapshot:
        """Read records at one moment.

        Raises:
            Away: the engine does not answer, or another version has written one of them.
        """
        names = [_name(key) for key in keys]
        run, seconds, micros, values = await self._engine.run(_READ, names, [])
        found = dict(zip(keys, values, strict=True))
        heads = {key: (value or b"")[:_HEAD_LENGTH] for key, value in found.items()}
        current = {
            key: value[_HEAD_LENGTH:] if value and value[:_RUN_LENGTH] == run else b""
            for key, value in found.items()
        }
        return Snapshot(
            now=int(seconds) + int(micros) / 1e6,
            values={key: _open(key, value) for key, value in current.items()},
            versions=heads,
            run_id=run,
        )

    async def write(self, seen: Snapshot, changes: Changes) -> bool:
        """Write all changes, or nothing if anything that was read has changed since.

        Raises:
            Away: the engine did not answer, and whether it has written is not known.
        """
        token = secrets.token_hex(_TOKEN_LENGTH // 2)
        heads = list(seen.versions.values())
        keys = [_name(key) for key in (*seen.versions, *changes)]
        written = [part for key, it in changes.items() for part in _sealed(key, *it)]
        arguments = [seen.run_id, token, len(heads), *heads, *written]
        try:
            return bool(await self._engine.run(_WRITE, keys, arguments))
        except Away:  # only the answer may have been lost
            with suppress(Away):
                await self._engine.check()
                if await self._engine.run(_WRITE, keys, arguments):
                    return True
            raise  # it may have written, and others have written since

    async def changed(self) -> None:
        """Wait for a moment: others may have changed anything."""
        await anyio.sleep(_POLL_SECONDS)


def _name(key: Key) -> str:
    return f"{TAG}:{key.kind}:{hashed(key.kind, key.id)}"


def _sealed(key: Key, value: Any, seconds: float) -> tuple[bytes, int]:  # noqa: ANN401  a record
    milliseconds = max(1, int(seconds * 1000))
    if value is None:
        return b"", 1000
    content = _FORMAT + _ADAPTERS[key.kind].dump_json(value)
    return seal(content, secret=key.id, name=_name(key)), milliseconds


def _open(key: Key, value: bytes) -> Any:  # noqa: ANN401  a record
    opened = unseal(value, secret=key.id, name=_name(key)) if value else None
    if opened is None:
        return None
    if not opened.startswith(_FORMAT):
        raise Unreadable
    try:
        return _ADAPTERS[key.kind].validate_json(opened.removeprefix(_FORMAT))
    except ValidationError:  # it would end a stop, with what the record holds in its text
        raise Unreadable from None
