"""Turns: one guarded call at a time in a studio, from its first read to TRaX's answer.

Previews and stops do not wait. A turn lives as long as it is renewed.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from weakref import WeakValueDictionary

import anyio

from trax_mcp.consent.questions import Turn
from trax_mcp.consent.records import (
    Away,
    Changes,
    Key,
    Records,
    Snapshot,
    keep,
    studio_in,
    take_step,
)


class Turns:
    """The turns of this process, in studios that other processes may share."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._held: dict[str, Key] = {}
        self._locks: WeakValueDictionary[tuple[Key, str], anyio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def take(self, key: Key, owner: str) -> AsyncIterator[str]:
        """Wait for the turn in a studio, and for a stop that is being sent there. Then have it.

        Of each `owner` one call waits, so that many calls of one do not keep others waiting.
        """
        turn_id = secrets.token_hex(8)

        def try_to_take(snapshot: Snapshot) -> tuple[bool, Changes]:
            studio = studio_in(snapshot, key)
            is_taken = studio.turn is not None and snapshot.now < studio.turn.until
            if is_taken or studio.is_stopping(snapshot.now):
                return False, {}
            turn = Turn(turn_id, snapshot.now + self._records.turn_seconds)
            return True, keep(key, replace(studio, turn=turn))

        async with self._lock(key, owner), self._lock(key, ""):
            while not await take_step(self._records, (key,), try_to_take):
                await self._records.changed()
            async with self.keeping(key, turn_id):
                yield turn_id

    @asynccontextmanager
    async def keeping(self, key: Key, turn_id: str) -> AsyncIterator[None]:
        """Keep the turn of a call or a stop until the block ends."""

        def give_back(snapshot: Snapshot) -> tuple[None, Changes]:
            studio = studio_in(snapshot, key)
            after = studio.without_turn(turn_id)
            return None, {} if after == studio else keep(key, after)

        self._held[turn_id] = key
        try:
            yield
        finally:
            del self._held[turn_id]
            with anyio.CancelScope(shield=True), suppress(Away):
                await take_step(self._records, (key,), give_back)

    async def wait_for_go_live(self, key: Key) -> None:
        """Wait until no go-live is being sent in a studio."""
        while True:
            snapshot = await self._records.read(key)
            turn = studio_in(snapshot, key).turn
            if turn is None or not turn.sends_go_live or turn.until <= snapshot.now:
                return
            await self._records.changed()

    async def renew(self) -> None:
        """Let all turns that are held here live on."""
        async with anyio.create_task_group() as tasks:
            for turn_id, key in tuple(self._held.items()):
                tasks.start_soon(self._renew, key, turn_id)

    async def _renew(self, key: Key, turn_id: str) -> None:
        def renew(snapshot: Snapshot) -> tuple[None, Changes]:
            studio = studio_in(snapshot, key)
            after = studio.renewed(turn_id, snapshot.now + self._records.turn_seconds)
            return None, {} if after == studio else keep(key, after)

        with suppress(Away):
            await take_step(self._records, (key,), renew)

    def _lock(self, key: Key, owner: str) -> anyio.Lock:
        name = (key, owner)
        if (lock := self._locks.get(name)) is None:
            lock = self._locks[name] = anyio.Lock()
        return lock
