"""Counts the calls of each key over all replicas, in a number that lives a minute."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from trax_mcp.consent.records import Away
from trax_mcp.replicas.engine import TAG, Engine
from trax_mcp.sealing import hashed

_MILLISECONDS: Final = 60_000
_MOST_AT_ONCE: Final = 64
"""Beyond these a call is not counted at other replicas: the engine hangs, or has much to do."""
_COUNT: Final = """
local calls = redis.call('INCR', KEYS[1])
if calls == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {calls, redis.call('PTTL', KEYS[1])}
"""


class EngineCounts:
    """The counts that this replica shares with the others. Nobody waits for the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, owner: str, heard: Callable[[int, float], None]) -> None:
        """Count one more call of a key in the background.

        `heard` gets the calls of all replicas and the seconds that the minute still has, unless the
        engine is away.
        """
        if len(self._tasks) < _MOST_AT_ONCE:
            task = asyncio.create_task(self._add(owner, heard))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _add(self, owner: str, heard: Callable[[int, float], None]) -> None:
        name = f"{TAG}:calls:{hashed(owner)}"
        with suppress(Away):
            calls, milliseconds = await self._engine.run(_COUNT, [name], [_MILLISECONDS])
            heard(calls, max(0, milliseconds) / 1000)
