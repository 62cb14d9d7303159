"""What consent remembers, by key: in this process, or in an engine that replicas share.

Every step of the store needs three commands only: read, write if nothing that was read has changed,
and wait for a change.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeVar

import anyio

from trax_mcp.api.errors import NOTHING_CHANGED, NotSent
from trax_mcp.clock import Clock
from trax_mcp.consent.questions import QUESTION_SECONDS, StudioRecord

KEPT_SECONDS: Final = QUESTION_SECONDS + 60.0
"""As long as a question is open, and then until its outcome is no longer told."""
_STUDIO_SECONDS: Final = 3600.0
_LONG_SECONDS: Final = 24 * 3600.0
"""How long a studio is remembered of which there is something to tell before it goes on air."""
_FIRST_PURGE: Final = 1024

ResultT = TypeVar("ResultT")


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


class Key(NamedTuple):
    """The name of a record. Outside this process, the id is also the secret that seals it."""

    kind: Literal["studio", "question", "call", "room", "declined", "stop", "access"]
    id: str


class Place(NamedTuple):
    """Where the calls of a caller run one after another: a studio, or the target without one.

    Callers whose key TRaX has accepted in a studio share it, and `own` is the same. Every other
    caller has an `own` one, so that they cannot delay or void the calls of others.
    """

    own: Key
    shared: Key


Versions = Mapping[Key, str | bytes]
Changes = Mapping[Key, tuple[Any, float]]
"""New values by key, each with how many seconds it is kept. None removes a record."""
GONE: Final = (None, 0.0)
"""The change that removes a record."""


class Snapshot(NamedTuple):
    """Records that were read at one moment. `now` is in seconds, on one clock for all replicas.

    `run_id` is the process of the engine that they come from.
    """

    now: float
    values: Mapping[Key, Any]
    versions: Versions
    run_id: bytes = b""


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

    async def changed(self) -> None:
        """Wait until a record may have changed."""
        ...


async def take_step(
    records: Records, keys: tuple[Key, ...], change: Callable[[Snapshot], tuple[ResultT, Changes]]
) -> ResultT:
    """Read, decide, and write; again if something came between. `change` is pure."""
    while True:
        seen = await records.read(*dict.fromkeys(keys))
        result, changes = change(seen)
        if not changes or await records.write(seen, changes):
            return result


def studio_in(snapshot: Snapshot, key: Key) -> StudioRecord:
    """What is remembered of a studio, which may be nothing."""
    return snapshot.values[key] or StudioRecord()


def last_stop_in(snapshot: Snapshot, place: Place) -> str:
    """The last stop of a place, and of those who share the studio. Empty if there was none."""
    return "".join(studio_in(snapshot, it).last_stop for it in dict.fromkeys(place))


def taken_stop_in(snapshot: Snapshot, place: Place) -> str:
    """The same of stops that TRaX has accepted, or may have."""
    return "".join(studio_in(snapshot, it).taken_stop for it in dict.fromkeys(place))


def keep(key: Key, value: Any) -> Changes:  # noqa: ANN401  a record
    """The change that keeps a record. A studio of which nothing is remembered is forgotten."""
    if value == StudioRecord():
        return {key: GONE}
    if not isinstance(value, StudioRecord):
        return {key: (value, KEPT_SECONDS)}
    has_news = value.changed_to or value.auto_go_live
    return {key: (value, _LONG_SECONDS if has_news else _STUDIO_SECONDS)}


class MemoryRecords:
    """Records in this process. No other task runs between the check and the write."""

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
        now = self._now()
        kept = {key: self._current(key, now) for key in keys}
        values = {key: value for key, (_, value) in kept.items()}
        return Snapshot(now, values, {key: version for key, (version, _) in kept.items()})

    async def write(self, seen: Snapshot, changes: Changes) -> bool:
        """Write all changes, or nothing if anything that was read has changed since."""
        now = self._now()
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

    async def changed(self) -> None:
        """Wait for the next write."""
        await self._news.wait()

    def _now(self) -> float:
        return self._clock.now().timestamp()  # goes on while the machine is suspended

    def _current(self, key: Key, now: float) -> tuple[str, Any]:
        version, value, until = self._kept.get(key, ("", None, 0.0))
        return (version, value) if now < until else ("", None)

    def _purge(self, now: float) -> None:
        """Forget what has expired, whenever twice as much is kept as was left the last time."""
        if len(self._kept) >= self._purge_at:
            self._kept = {key: it for key, it in self._kept.items() if now < it[2]}
            self._purge_at = max(_FIRST_PURGE, 2 * len(self._kept))
