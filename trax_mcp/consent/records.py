"""The records of studios: in the memory of this process, or on an engine that replicas share."""

import secrets
from typing import Final, NamedTuple, Protocol

import anyio

from trax_mcp.api.errors import NOTHING_CHANGED, NotSent
from trax_mcp.clock import Clock
from trax_mcp.consent.state import Studio

_FIRST_PURGE: Final = 1024


class Away(Exception):
    """What replicas share does not answer. Whether a write has happened is not known."""


def store_unavailable() -> NotSent:
    """The failure of a call that needs what replicas share, and cannot have it."""
    return NotSent(
        "store_unavailable",
        "The store that this server's replicas share does not answer",
        "Try again in a moment. Going offline works meanwhile.",
        not_done=NOTHING_CHANGED,
        retryable=True,
    )


class Record(NamedTuple):
    """A studio as it was read. `now` is in seconds, on one clock for all replicas."""

    name: str
    studio: Studio
    version: bytes
    now: float


class Records(Protocol):
    """Records by name. Each method may raise `Away`, but in the memory of one process."""

    lease_seconds: float
    """How long a turn lives that is not renewed."""
    is_shared: bool
    """Whether other processes use them too."""

    async def read(self, name: str) -> Record:
        """Read a record, which may be empty."""
        ...

    async def write(self, seen: Record, studio: Studio) -> bool:
        """Write it if it has not changed since it was read."""
        ...

    async def changed(self) -> None:
        """Wait until a record may have changed."""
        ...


class MemoryRecords:
    """Records in this process. No other task runs between the check and the write."""

    is_shared = False
    lease_seconds = float("inf")
    """Whoever has a turn in this process gives it back."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[bytes, Studio]] = {}
        self._purge_at = _FIRST_PURGE
        self._news = anyio.Event()

    async def read(self, name: str) -> Record:
        """Read a record, which may be empty."""
        version, studio = self._kept.get(name, (b"", Studio()))
        return Record(name, studio, version, self._now())

    async def write(self, seen: Record, studio: Studio) -> bool:
        """Write it if it has not changed since it was read."""
        if self._kept.get(seen.name, (b"",))[0] != seen.version:
            return False
        if studio == Studio():
            self._kept.pop(seen.name, None)
        else:
            self._kept[seen.name] = (secrets.token_bytes(8), studio)
        self._purge()
        self._news.set()
        self._news = anyio.Event()
        return True

    async def changed(self) -> None:
        """Wait for the next write."""
        await self._news.wait()

    def _now(self) -> float:
        return self._clock.now().timestamp()  # goes on while the machine is suspended

    def _purge(self) -> None:
        """Forget what is over, whenever twice as much is kept as was left the last time."""
        if len(self._kept) < self._purge_at:
            return
        now = self._now()
        pruned = {name: (version, it.pruned(now)) for name, (version, it) in self._kept.items()}
        self._kept = {name: it for name, it in pruned.items() if it[1] != Studio()}
        self._purge_at = max(_FIRST_PURGE, 2 * len(self._kept))
