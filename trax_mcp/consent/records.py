"""What consent remembers, by key: in this process, or in an engine that replicas share.

Every step of the store needs three commands only: read, write if nothing that was read has changed,
and wait for a change.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, Protocol

import anyio

from trax_mcp.clock import Clock

_FIRST_PURGE: Final = 1024


class Away(Exception):
    """What replicas share does not answer. Whether a write has happened is not known."""


class Key(NamedTuple):
    """The name of a record. Outside this process, the id is also the secret that seals it."""

    kind: Literal["studio", "question", "asked", "room", "declined", "stop", "access"]
    id: str


Versions = Mapping[Key, str | bytes]
Changes = Mapping[Key, tuple[Any, float]]
"""New values by key, each with how many seconds it is kept. None removes a record."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Records that were read at one moment. `now` is in seconds, on one clock for all replicas.

    `run` is the process of the engine that they come from.
    """

    now: float
    values: Mapping[Key, Any]
    versions: Versions
    run: bytes = b""


class Records(Protocol):
    """Records by key. Each command may raise `Away`, but in the memory of one process."""

    turn_seconds: float
    """How long a turn lives that is not renewed."""
    is_shared: bool
    """Whether other processes use them too."""

    async def read(self, *keys: Key) -> Snapshot:
        """Read records at one moment."""
        ...

    async def write(self, seen: Snapshot, changes: Changes) -> bool:
        """Write all changes, or nothing if anything that was read has changed since."""
        ...

    async def changed(self, *keys: Key) -> None:
        """Wait until one of these records may have changed."""
        ...


class MemoryRecords:
    """Records in this process. A write that finds nothing changed since never waits."""

    is_shared = False
    turn_seconds = float("inf")
    """Whoever has a turn in this process gives it back."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[Key, tuple[str, Any, float]] = {}
        self._purge_at = _FIRST_PURGE
        self._news = anyio.Event()

    async def read(self, *keys: Key) -> Snapshot:
        """Read records at one moment."""
        now = self._clock.seconds()
        kept = {key: self._current(key, now) for key in keys}
        values = {key: value for key, (_, value) in kept.items()}
        return Snapshot(now, values, {key: version for key, (version, _) in kept.items()})

    async def write(self, seen: Snapshot, changes: Changes) -> bool:
        """Write all changes, or nothing if anything that was read has changed since."""
        now = self._clock.seconds()
        if any(self._current(key, now)[0] != version for key, version in seen.versions.items()):
            return False
        for key, (value, seconds) in changes.items():
            if value is None:
                self._kept.pop(key, None)
            else:
                self._kept[key] = (secrets.token_hex(8), value, now + seconds)
        self._purge(now)
        self._news.set()
        self._news = anyio.Event()
        return True

    async def changed(self, *_keys: Key) -> None:
        """Wait for the next write."""
        await self._news.wait()

    def _current(self, key: Key, now: float) -> tuple[str, Any]:
        version, value, until = self._kept.get(key, ("", None, 0.0))
        return (version, value) if now < until else ("", None)

    def _purge(self, now: float) -> None:
        """Forget what has expired, whenever twice as much is kept as was left the last time."""
        if len(self._kept) >= self._purge_at:
            self._kept = {key: it for key, it in self._kept.items() if now < it[2]}
            self._purge_at = max(_FIRST_PURGE, 2 * len(self._kept))
