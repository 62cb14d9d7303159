"""Keeps one record for each studio, and takes its steps: read, decide, write if unchanged.

Decisions are pure, so a step is atomic in the memory of one process as over replicas. Records are
kept there, or on an engine that replicas share.
"""

import base64
import hashlib
import logging
import secrets
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Final, NamedTuple, Never, Protocol, TypeVar
from weakref import WeakValueDictionary

import anyio

from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import NOTHING_CHANGED, NotSent
from trax_mcp.api.operation import Operation
from trax_mcp.clock import Clock
from trax_mcp.consent.running import Begin
from trax_mcp.consent.state import StudioRecord

_NAME_BYTES: Final = 12
_FIRST_PURGE: Final = 1024
_RENEW_SECONDS: Final = 0.5
"""How often turns are renewed, where replicas share them."""

ResultT = TypeVar("ResultT")
Transition = Callable[[StudioRecord, float], tuple[StudioRecord, ResultT]]
LaterStep = Callable[[], Awaitable[object]]

_LOG = logging.getLogger(__name__)


def place_of(operation: Operation[Any], caller: Caller, *, is_accepted: bool) -> str:
    """Where the calls of a caller run one after another: their studio.

    Callers whom TRaX has not accepted there have a place for themselves, so that they cannot delay
    or void the calls of others. So has everybody where there is no studio.
    """
    studio_id = operation.studio()
    if studio_id and is_accepted:
        return studio_id
    return f"{studio_id or operation.target_id()} {caller.fingerprint}"


def name_of(place: str) -> str:
    """The name of the record of a place. Ids of questions begin with it."""
    content = place.encode(errors="surrogatepass")
    digest = hashlib.blake2b(content, digest_size=_NAME_BYTES).digest()
    return base64.urlsafe_b64encode(digest).decode()


def new_question_id(name: str) -> str:
    """An id that cannot be guessed, and that says in which record its question is."""
    return f"{name}.{secrets.token_urlsafe(16)}"


def record_name_in(question_id: str) -> str:
    """The name of the record that a question id begins with, whoever made it up."""
    return question_id.partition(".")[0]


class StoreUnavailable(Exception):
    """What replicas share does not answer. Whether a write has happened is not known."""


def store_unavailable() -> NotSent:
    """The failure of a call that needs what replicas share, and cannot have it."""
    return NotSent(
        "store_unavailable",
        "Valkey, which this server's replicas share, doesn't answer",
        "Try again in a moment. Going offline works meanwhile.",
        not_done=NOTHING_CHANGED,
        retryable=True,
    )


class Record(NamedTuple):
    """A studio as it was read. `now` is in seconds, on one clock for all replicas."""

    name: str
    studio: StudioRecord
    version: bytes
    now: float


class Records(Protocol):
    """Records by name. Unless they are in memory, each method may raise `StoreUnavailable`."""

    lease_seconds: float
    """How long a turn lives that is not renewed."""
    is_shared: bool
    """Whether other processes use them too."""

    async def read(self, name: str) -> Record:
        """Read a record, which may be empty."""
        ...

    async def write(self, seen: Record, studio: StudioRecord) -> bool:
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
        self._kept: dict[str, tuple[bytes, StudioRecord]] = {}
        self._purge_at = _FIRST_PURGE
        self._news = anyio.Event()

    async def read(self, name: str) -> Record:
        """Read a record, which may be empty."""
        version, studio = self._kept.get(name, (b"", StudioRecord()))
        return Record(name, studio, version, self._now())

    async def write(self, seen: Record, studio: StudioRecord) -> bool:
        """Write it if it has not changed since it was read."""
        if self._kept.get(seen.name, (b"",))[0] != seen.version:
            return False
        if studio == StudioRecord():
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
        self._kept = {name: it for name, it in pruned.items() if it[1] != StudioRecord()}
        self._purge_at = max(_FIRST_PURGE, 2 * len(self._kept))


class Store:
    """What is remembered of studios, and the turns and later steps of this process."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self._held: dict[str, str] = {}
        self._holders: Counter[str] = Counter()
        self._locks: WeakValueDictionary[tuple[str, str], anyio.Lock] = WeakValueDictionary()
        self._later: deque[LaterStep] = deque()
        self._taking_later = anyio.Lock()

    async def look(self, name: str) -> Record:
        """What is remembered of a studio now."""
        return await self.records.read(name)

    async def look_within(self, seconds: float | None, name: str) -> Record | None:
        """The same, as far as the engine says so in time."""
        with anyio.move_on_after(seconds), suppress(StoreUnavailable):
            return await self.look(name)
        return None

    async def update(self, name: str, step: Transition[ResultT]) -> ResultT:
        """Take one step; again if something came between."""
        while True:
            seen = await self.records.read(name)
            after, result = step(seen.studio, seen.now)
            if after == seen.studio or await self.records.write(seen, after.pruned(seen.now)):
                return result

    # Turns

    @asynccontextmanager
    async def turn(self, name: str, owner: str) -> AsyncIterator[str]:
        """Wait for the turn in a studio, and for a stop that is being sent there. Then have it.

        One call of each owner queues at a time.
        """
        turn_id, lease = secrets.token_hex(8), self.records.lease_seconds
        async with self._lock(name, owner), self._lock(name, ""):
            while not await self.update(name, lambda it, now: it.take_turn(turn_id, now, lease)):
                await self.records.changed()
            async with self.keeping(name, turn_id):
                yield turn_id

    async def begin(self, name: str, it: Begin) -> bool:
        """Let a call be sent, as soon as no stop is being sent. False if it must look again."""

        def begin(studio: StudioRecord, now: float) -> tuple[StudioRecord, tuple[bool, bool]]:
            after, has_begun = studio.begin(it, now, self.records.lease_seconds)
            return after, (has_begun, studio.is_stopping(now))

        while True:
            has_begun, is_stopping = await self.update(name, begin)
            if not is_stopping:
                return has_begun
            await self.records.changed()

    @asynccontextmanager
    async def keeping(self, name: str, turn_id: str) -> AsyncIterator[None]:
        """Keep the turn of a call or a stop until the last such block ends.

        A later step that ends the same call may begin one meanwhile.
        """

        def give_back(studio: StudioRecord, _: float) -> tuple[StudioRecord, None]:
            return (studio, None) if turn_id in self._held else studio.give_turn_back(turn_id)

        self._held[turn_id] = name
        self._holders[turn_id] += 1
        try:
            yield
        finally:
            self._holders[turn_id] -= 1
            if not self._holders[turn_id]:
                del self._held[turn_id], self._holders[turn_id]
                with anyio.CancelScope(shield=True), suppress(StoreUnavailable):
                    await self.update(name, give_back)

    async def wait_for_go_live(self, name: str) -> None:
        """Wait until no go-live is being sent in a studio."""
        while (seen := await self.look(name)).studio.sends_go_live(seen.now):
            await self.records.changed()

    async def wait_for_stop(self, name: str, turn_id: str) -> None:
        """Wait until a stop has come that TRaX took after the go-live of a call."""
        while True:
            with suppress(StoreUnavailable):  # it may be back soon
                start = (await self.look(name)).studio.start
                if start is not None and start.id == turn_id and start.was_stopped:
                    return
            await self.records.changed()

    def _lock(self, name: str, owner: str) -> anyio.Lock:
        if (lock := self._locks.get((name, owner))) is None:
            lock = self._locks[name, owner] = anyio.Lock()
        return lock

    # What the engine missed

    async def now_or_later(
        self, step: Callable[[], Awaitable[ResultT]], *, seconds: float | None = None
    ) -> ResultT | None:
        """Take a step now, or as soon as the engine answers. None if later."""
        with anyio.move_on_after(seconds), suppress(StoreUnavailable):
            return await step()
        self.later(step)
        return None

    @property
    def has_later_steps(self) -> bool:
        """Whether steps wait for the engine."""
        return bool(self._later)

    def later(self, step: LaterStep) -> None:
        """Take a step as soon as the engine answers, after those that wait already."""
        self._later.append(step)

    async def watch(self) -> Never:
        """Renew the turns of this process, and take the steps that the engine has missed."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._again_and_again, self._renew)
            tasks.start_soon(self._again_and_again, self._take_later_steps)  # one may send a stop
        raise AssertionError  # what ends by a `CancelledError` ends the group without a word

    async def _again_and_again(self, step: LaterStep) -> Never:
        while True:
            with suppress(StoreUnavailable):
                await step()
            await anyio.sleep(_RENEW_SECONDS)

    async def _renew(self) -> None:
        lease = self.records.lease_seconds
        for turn_id, name in tuple(self._held.items()):
            with suppress(StoreUnavailable):  # another record may be readable
                await self.update(name, partial(_renewed, turn_id=turn_id, lease=lease))

    async def _take_later_steps(self) -> None:
        """One at a time, in order."""
        async with self._taking_later:
            while self._later:
                try:
                    await self._later[0]()
                except StoreUnavailable:
                    raise
                except Exception:  # noqa: BLE001  a bug must not end the server, and with it stops
                    _LOG.exception("a step that waited for the engine failed")
                self._later.popleft()


def _renewed(
    studio: StudioRecord, now: float, *, turn_id: str, lease: float
) -> tuple[StudioRecord, None]:
    return studio.renew(turn_id, now, lease)
