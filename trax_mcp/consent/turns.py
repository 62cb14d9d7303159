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
    kept,
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
    async def take(self, place: Key, owner: str) -> AsyncIterator[str]:
        """Wait for the turn at a place, and have it. A stop can take it away at any time.

        Of each key one call waits, so that a key with many calls does not keep others waiting.
        """
        turn_id = secrets.token_hex(8)

        def try_to_take(seen: Snapshot) -> tuple[bool, Changes]:
            studio = studio_in(seen, place)
            if studio.turn is not None and seen.now < studio.turn.until:
                return False, {}
            turn = Turn(turn_id, seen.now + self._records.turn_seconds)
            return True, kept(place, replace(studio, turn=turn))

        async with self._lock(place, owner), self._lock(place, ""):
            while not await take_step(self._records, (place,), try_to_take):
                await self._records.changed()
            async with self.keeping(place, turn_id):
                yield turn_id

    @asynccontextmanager
    async def keeping(self, place: Key, turn_id: str) -> AsyncIterator[None]:
        """Keep a turn until the block ends, unless a stop takes it."""

        def give_back(seen: Snapshot) -> tuple[None, Changes]:
            studio = studio_in(seen, place)
            after = studio.without_turn(turn_id)
            return None, {} if after == studio else kept(place, after)

        self._held[turn_id] = place
        try:
            yield
        finally:
            del self._held[turn_id]
            with anyio.CancelScope(shield=True), suppress(Away):
                await take_step(self._records, (place,), give_back)

    async def wait_for_go_live(self, place: Key) -> None:
        """Wait until no go-live is being sent at a place."""
        while True:
            seen = await self._records.read(place)
            turn = studio_in(seen, place).turn
            if turn is None or not turn.sends_go_live or turn.until <= seen.now:
                return
            await self._records.changed()

    async def renew(self) -> None:
        """Let all turns that are held here live on."""
        for turn_id, place in tuple(self._held.items()):
            await self._renew(place, turn_id)

    async def _renew(self, place: Key, turn_id: str) -> None:
        def renew(now: Snapshot) -> tuple[None, Changes]:
            studio = studio_in(now, place)
            if studio.turn is None or studio.turn.id != turn_id:
                return None, {}
            turn = replace(studio.turn, until=now.now + self._records.turn_seconds)
            return None, kept(place, replace(studio, turn=turn))

        await take_step(self._records, (place,), renew)

    def _lock(self, place: Key, owner: str) -> anyio.Lock:
        key = (place, owner)
        if (lock := self._locks.get(key)) is None:
            lock = self._locks[key] = anyio.Lock()
        return lock
