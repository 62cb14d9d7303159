"""The records of studios on the engine: each a sealed value under a hashed name.

A write happens only if the record has not changed since it was read, and to repeat it changes
nothing more. A value of an earlier process of the engine, as after a switch to an older copy,
counts as absent: an approval in it may have been used since.
"""

import logging
import secrets
from contextlib import suppress
from typing import Final

import anyio
from pydantic import TypeAdapter, ValidationError

from trax_mcp.consent.state import StudioRecord
from trax_mcp.consent.store import Record, StoreUnavailable
from trax_mcp.replicas.engine import TAG, Engine
from trax_mcp.sealing import hashed, seal, unseal

_FORMAT: Final = b"7"
"""Raised with each change of what a record holds, so that replicas of two versions do not misread
each other's."""
_KEPT_MILLISECONDS: Final = 3_600_000
_FORGOTTEN_MILLISECONDS: Final = 1000
"""How long a record that was emptied says by whom."""
_LEASE_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.05
"""How often a call that waits for others looks again."""
_RUN_LENGTH: Final = 16
_TOKEN_LENGTH: Final = 16
_HEAD_LENGTH: Final = _RUN_LENGTH + _TOKEN_LENGTH
_NOTHING: Final = StudioRecord()
_STUDIO: Final = TypeAdapter(StudioRecord)
_UNREADABLE: Final = (
    "An entry at TRAX_STORE_URL can't be read: a replica with another TRAX_STORE_SECRET_FILE, or of"
    " another version, has written it. Guarded calls are refused in its studio, but not go_offline."
)

_LOG: Final = logging.getLogger(__name__)

_RUN: Final = f"""
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
run = string.sub(run, 1, {_RUN_LENGTH})
"""
_READ: Final = f"""
{_RUN}
local time = redis.call('TIME')
return {{run, time[1], time[2], redis.call('GET', KEYS[1]) or ''}}
"""
_WRITE: Final = f"""
{_RUN}
local old = string.sub(redis.call('GET', KEYS[1]) or '', 1, {_HEAD_LENGTH})
if run ~= ARGV[1] then return 0 end
if old == ARGV[1] .. ARGV[2] then return 1 end
if old ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ARGV[2] .. ARGV[4], 'PX', ARGV[5])
return 1
"""
"""ARGV: run, token, the head of what was read, the value, and its milliseconds. An empty value
counts as absent."""


class UnreadableRecord(StoreUnavailable):
    """A replica of another version, or with another secret, has written a record.

    It is no better than an engine that is away, and must not be taken for an empty one: what a stop
    has done stands there.
    """


class EngineRecords:
    """The records that all replicas share, sealed with the secret of the operator."""

    is_shared = True
    lease_seconds = _LEASE_SECONDS

    def __init__(self, engine: Engine, secret: str) -> None:
        self._engine = engine
        self._secret = secret
        self._has_warned = False

    async def read(self, name: str) -> Record:
        """Read a record, which may be empty.

        Raises:
            StoreUnavailable: the engine does not answer, or this replica cannot read the record.
        """
        run, seconds, micros, value = await self._engine.run(_READ, [_key(name)], [])
        head, sealed = value[:_HEAD_LENGTH], value[_HEAD_LENGTH:]
        studio = self._open(name, sealed) if head.startswith(run) and sealed else _NOTHING
        return Record(name, studio, run + head, int(seconds) + int(micros) / 1e6)

    async def write(self, seen: Record, studio: StudioRecord) -> bool:
        """Write it if it has not changed since it was read.

        Raises:
            StoreUnavailable: the engine did not answer, and whether it has written is not known.
        """
        run, head = seen.version[:_RUN_LENGTH], seen.version[_RUN_LENGTH:]
        token = secrets.token_hex(_TOKEN_LENGTH // 2)
        is_empty = studio == _NOTHING
        value = b"" if is_empty else self._sealed(seen.name, studio)
        kept = _FORGOTTEN_MILLISECONDS if is_empty else _KEPT_MILLISECONDS
        keys, arguments = [_key(seen.name)], [run, token, head, value, kept]
        try:
            return bool(await self._engine.run(_WRITE, keys, arguments))
        except StoreUnavailable:  # only the answer may have been lost
            with suppress(StoreUnavailable):
                await self._engine.check()
                if await self._engine.run(_WRITE, keys, arguments):
                    return True
            raise  # it may have written, and others have written since

    async def changed(self) -> None:
        """Wait for a moment: others may have changed anything."""
        await anyio.sleep(_POLL_SECONDS)

    def _sealed(self, name: str, studio: StudioRecord) -> bytes:
        content = _FORMAT + _STUDIO.dump_json(studio)
        return seal(content, secret=self._secret, name=_key(name))

    def _open(self, name: str, sealed: bytes) -> StudioRecord:
        opened = unseal(sealed, secret=self._secret, name=_key(name))
        if opened is not None and opened.startswith(_FORMAT):
            # Its error would end a stop, with what the record holds in its text.
            with suppress(ValidationError):
                return _STUDIO.validate_json(opened.removeprefix(_FORMAT))
        if not self._has_warned:
            self._has_warned = True
            _LOG.warning(_UNREADABLE)
        raise UnreadableRecord


def _key(name: str) -> str:
    return f"{TAG}:studio:{hashed('studio', name)}"
