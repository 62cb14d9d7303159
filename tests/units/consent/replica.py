"""A replica with a guard cut down to its steps, and a TRaX that knows what put it on air."""

from __future__ import annotations

import math
import secrets
from asyncio import sleep
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio

from trax_mcp.consent.running import Begin, BeginStop, End, EndStop, Fate
from trax_mcp.consent.store import Record, Records, Store, StoreUnavailable

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from trax_mcp.api.errors import Outcome
    from trax_mcp.consent.question import Question
    from trax_mcp.consent.state import StudioRecord

ENGINE_SECONDS: Final = 0.3
"""How long a stop waits for the engine."""
WAIT_SECONDS: Final = 2.0
"""How long a stop waits for a go-live."""
_SLEPT_SECONDS: Final = 1.0
"""A process that slept for so long may have lost its turn."""
_AWAY: Final = 0.15
"""How often the engine does not answer, while it is in trouble."""
_FRACTIONS: Final = 1024
"""Of a second: then many wake at the same time, which is faster to run."""


class Killed(BaseException):
    """The process is gone: nothing more of it happens."""


@dataclass
class Wire:
    """The way of one replica to the records: slow, and in trouble, asleep or cut at times."""

    records: Records
    chance: random.Random
    pause: float
    """The longest pause."""
    in_trouble: bool = False
    is_dead: bool = False
    asleep_until: float = 0.0
    is_shared: bool = True
    was_away: bool = False
    """Whether the engine itself did not answer."""

    def __post_init__(self) -> None:
        self.lease_seconds = self.records.lease_seconds

    async def read(self, name: str) -> Record:
        await self._go()
        while True:
            try:
                return await self.records.read(name)
            except StoreUnavailable:
                if self.in_trouble:
                    raise
                self.was_away = True  # an engine on a busy machine

    async def write(self, seen: Record, studio: StudioRecord) -> bool:
        await self._go()
        try:
            is_written = await self.records.write(seen, studio)
        except StoreUnavailable:
            self.was_away = True
            raise
        await self._go()
        return is_written

    async def changed(self) -> None:
        await self.wait(0.05)

    async def wait(self, seconds: float) -> None:
        """Wait, if this process lives."""
        if seconds:
            await sleep(math.ceil(seconds * _FRACTIONS) / _FRACTIONS)
        if anyio.current_time() < self.asleep_until:
            await anyio.sleep_until(self.asleep_until)
        if self.is_dead:
            raise Killed

    async def wait_up_to(self, pauses: float) -> None:
        await self.wait(self.chance.random() * pauses * self.pause)

    async def _go(self) -> None:
        await self.wait_up_to(1)
        if self.in_trouble and self.chance.random() < _AWAY:
            raise StoreUnavailable


@dataclass
class Trax:
    """One studio. `live` is the approval that has put it on air, `sent` all that came.

    `starts` has each go-live's approval, and what TRaX did.
    """

    live: str = ""
    sent: list[tuple[str, str]] = field(default_factory=list)
    starts: list[tuple[str, Outcome]] = field(default_factory=list)


@dataclass
class Replica:
    """One of two. `told` is what its callers learnt, and `waited` how long its stops have waited.

    `counted` has when each stop was sent that counts.
    """

    name: str
    wire: Wire
    trax: Trax
    told: list[str] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    counted: list[float] = field(default_factory=list)
    went_alone: bool = False
    """Whether the engine did not answer a stop in time."""
    was_slow: bool = False
    """Whether the engine took so long that a call may have lost its turn, as on a busy machine."""

    def __post_init__(self) -> None:
        self.store = Store(self.wire)
        self.lease = self.wire.lease_seconds

    async def ask(self, question: Question) -> Question:
        return await self.store.update(self.name, lambda it, now: it.ask(question, now))

    async def watch(self) -> None:
        with suppress(Killed, BaseExceptionGroup):
            await self.store.watch()

    # A call

    async def press(self, question: Question, outcome: Outcome) -> None:
        """Use an approval. TRaX answers a go-live with this outcome."""
        told: str | None = None
        try:
            while told is None:
                async with self.store.turn(self.name, question.caller) as turn:
                    told = await self._try(turn, question, outcome)
        except StoreUnavailable:
            told = "away"
        except Killed:
            told = "killed"
        self.told.append(told)

    async def _try(self, turn: str, question: Question, outcome: Outcome) -> str | None:
        seen = await self.store.look(self.name)
        kept = seen.studio.question(question.id, question.caller, seen.now)
        if kept is not None and kept.is_used:
            return f"used: {kept.outcome}"
        if kept is None or not seen.studio.is_good(kept, seen.now):
            return "expired"
        if self.trax.live:
            return "nothing to do"
        last_stop = seen.studio.last_stop_for(question.caller)
        return await Call(self, question, Begin(turn, question.caller, last_stop)).run(outcome)

    async def start_at_trax(self, question: Question, outcome: Outcome) -> Outcome:
        await self.wire.wait_up_to(8)
        self.trax.sent.append(("go_live", question.id))
        self.trax.starts.append((question.id, outcome))
        if outcome == "applied" or (outcome == "unknown" and self.wire.chance.random() < 0.5):
            self.trax.live = question.id
        await self.wire.wait_up_to(8)
        return outcome

    async def change_at_trax(self, question: Question) -> Outcome:
        await self.wire.wait_up_to(8)
        self.trax.sent.append(("rename", question.id))
        return "applied"

    # A stop

    async def stop(self, caller: str, approval: str, fate: Fate) -> None:
        """Use the approval of a stop, which TRaX takes as `fate` says."""
        with suppress(Killed):
            await self._stop(BeginStop(secrets.token_hex(8), approval, caller), fate)

    async def _stop(self, it: BeginStop, fate: Fate) -> None:
        pressed, at, is_known = anyio.current_time(), None, False
        with anyio.move_on_after(WAIT_SECONDS), suppress(StoreUnavailable):
            await self.store.wait_for_go_live(self.name)
        with anyio.move_on_after(ENGINE_SECONDS), suppress(StoreUnavailable):
            at = await self.store.update(
                self.name, lambda old, now: old.begin_stop(it, now, self.lease)
            )
            is_known = True
        if is_known and at is None:
            self.told.append("stop used")
            return
        self.went_alone |= not is_known
        began = anyio.current_time()
        self.waited.append(began - pressed)
        if fate == "counts":
            self.counted.append(began)
        async with self.store.keeping(self.name, it.name):
            await self.stop_at_trax(fate, is_done=fate == "counts")

            def begin_late(old: StudioRecord, now: float) -> tuple[StudioRecord, float | None]:
                late = it._replace(age=anyio.current_time() - began)
                return old.begin_stop(late, now, self.lease)

            async def end() -> None:
                moment = at or await self.store.update(self.name, begin_late)
                words = None if fate == "refused" else fate
                await self._end(EndStop(it.name, it.approval, moment or 0.0, fate, words))

            if at is None:
                self.store.later(end)
            else:
                await self.store.now_or_later(end)

    async def _end(self, it: EndStop) -> None:
        async with self.store.keeping(self.name, it.name):
            if await self.store.update(self.name, lambda old, _: old.end_stop(it)):
                await self.stop_at_trax("again")
                await self.store.update(self.name, lambda old, _: old.was_repeated(it))

    async def stop_at_trax(self, why: str, *, is_done: bool = True) -> None:
        await self.wire.wait_up_to(4)
        self.trax.sent.append(("go_offline", why))
        if is_done:
            self.trax.live = ""
        await self.wire.wait_up_to(4)


@dataclass
class Call:
    """One attempt of a call in its turn."""

    replica: Replica
    question: Question
    begun: Begin
    sent: list[Outcome] = field(default_factory=list)

    async def run(self, outcome: Outcome) -> str | None:
        """Send its steps. None if it must look again."""
        store = self.replica.store
        for operation in self.question.operations:
            starts, looked = operation.starts_broadcast, anyio.current_time()
            begin = self.begun._replace(
                question_id=None if self.sent else self.question.id, starts=starts
            )
            try:
                has_begun = await store.begin(self.replica.name, begin)
            except StoreUnavailable:
                if self.sent:
                    self.replica.was_slow = True
                    break
                store.later(self._end_or_undo)
                raise
            if anyio.current_time() > looked + _SLEPT_SECONDS:
                self.replica.was_slow = True
                break
            if not has_begun:
                break
            self.sent.append("unknown")
            send = self._start(outcome) if starts else self._change
            self.sent[-1] = await send()
            if self.sent[-1] != "applied":
                break
        await store.now_or_later(self._end_or_undo)
        is_whole = len(self.sent) == len(self.question.operations)
        return self.sent[-1] if is_whole else "cut short" if self.sent else None

    def _start(self, outcome: Outcome) -> Callable[[], Awaitable[Outcome]]:
        return lambda: self.replica.start_at_trax(self.question, outcome)

    async def _change(self) -> Outcome:
        return await self.replica.change_at_trax(self.question)

    async def _end_or_undo(self) -> None:
        outcomes = set(self.sent)
        whole: Outcome = "not_applied" if outcomes <= {"not_applied"} else "applied"
        whole = "unknown" if "unknown" in outcomes else whole
        is_whole = len(self.sent) == len(self.question.operations)
        end = End(whole, whole, self.sent[-1] if is_whole else "not_applied")
        begun = self.begun._replace(question_id=self.question.id)
        replica, store = self.replica, self.replica.store
        async with store.keeping(replica.name, begun.turn_id):
            if await store.update(
                replica.name, lambda it, now: it.end(begun, end, now, replica.lease)
            ):
                await replica.stop_at_trax("undo")
