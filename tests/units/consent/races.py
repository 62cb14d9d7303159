"""Random rounds over two replicas: presses, stops at any moment, lost processes, and trouble.

The same in memory and on a real engine.
"""

from __future__ import annotations

import secrets
from asyncio import sleep
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio

from tests.units.consent.questions import CALLER, OTHER, RENAME, START, question_about
from tests.units.consent.replica import ENGINE_SECONDS, WAIT_SECONDS, Replica, Trax, Wire
from trax_mcp.consent.question import IN_PROGRESS, NOT_KNOWN
from trax_mcp.consent.store import StoreUnavailable, name_of, new_question_id

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from trax_mcp.api.errors import Outcome
    from trax_mcp.consent.question import Question
    from trax_mcp.consent.running import Fate
    from trax_mcp.consent.store import Records

LOST_SECONDS: Final = 4.0
"""By when a call whose sender is gone has ended."""
_SETTLED_SECONDS: Final = 20.0
KINDS: Final = (
    "plain",
    "stop",
    "stop and newer",
    "refused stop",
    "unknown stop",
    "killed",
    "asleep",
)
_FATES: Final[dict[str, Fate]] = {"refused stop": "refused", "unknown stop": "unknown"}
_APPLIED: Final[list[Outcome]] = ["applied"]
_OUTCOMES: Final[list[Outcome]] = [*_APPLIED * 6, "unknown", "not_applied"]


@dataclass
class Round:
    """One round. Of `records` each replica has one, which may be the same."""

    chance: random.Random
    records: tuple[Records, Records]
    pause: float
    in_trouble: bool
    margin: float = 0.2
    """How much later a stop may be sent, besides what it waits."""

    def __post_init__(self) -> None:
        chance, self.trax = self.chance, Trax()
        self.name = name_of(f"studio {secrets.token_hex(8)}")
        wires = [Wire(it, chance, self.pause) for it in self.records]
        self.replicas = [Replica(self.name, it, self.trax) for it in wires]
        self.here, self.there = self.replicas
        self.kind = chance.choice(KINDS)
        self.fate = _FATES.get(self.kind, "counts")
        self.outcome: Outcome = chance.choice(_OUTCOMES)
        self.stopper = chance.choice([CALLER, OTHER])
        self.operations = (RENAME, START) if chance.random() < 0.3 else (START,)
        self.newer: Question | None = None
        self.newer_at = 0.0

    async def run(self) -> str:
        """Run it, and check it. Returns what kind of round it was."""
        question = await self._ask(self.here, CALLER)
        async with anyio.create_task_group() as background:
            for it in self.replicas:
                background.start_soon(it.watch)
                it.wire.in_trouble = self.in_trouble
            async with anyio.create_task_group() as tasks:
                for act in self._acts(question):
                    tasks.start_soon(self._after, self.chance.random() * 40 * self.pause, act)
                if self.kind == "stop and newer":
                    tasks.start_soon(self._press_newer)
            for it in self.replicas:
                it.wire.in_trouble = False
            with anyio.fail_after(_SETTLED_SECONDS):
                while any(it.store.has_later_steps for it in self.alive):  # noqa: ASYNC110  two stores
                    await sleep(0.05)
            await self._check(question)
            if self.chance.random() < 0.3 and (self.in_trouble or not self._was_disturbed):
                await self._go_live_again()
            background.cancel_scope.cancel()
        return self.kind + (" in trouble" if self.in_trouble else "")

    @property
    def alive(self) -> list[Replica]:
        return [it for it in self.replicas if not it.wire.is_dead]

    @property
    def _was_disturbed(self) -> bool:
        """Whether a replica has met trouble that nobody made, as on a busy machine."""
        return any(it.went_alone or it.was_slow or it.wire.was_away for it in self.replicas)

    @property
    def told(self) -> list[str]:
        return self.here.told + self.there.told

    def _acts(self, question: Question) -> list[Callable[[], Awaitable[None]]]:
        acts: list[Callable[[], Awaitable[None]]]
        acts = [partial(it.press, question, self.outcome) for it in self.replicas]
        if "stop" in self.kind:
            approval = secrets.token_hex(4)
            pressed = self.replicas[: self.chance.choice([1, 1, 2])]
            acts += [partial(it.stop, self.stopper, approval, self.fate) for it in pressed]
        if self.kind in {"killed", "asleep"}:
            acts.append(self._lose)
        return acts

    async def _after(self, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
        await sleep(seconds)
        await act()

    async def _ask(self, replica: Replica, caller: str) -> Question:
        operations = self.operations if caller == CALLER else (START,)
        asked = question_about(operations, id=new_question_id(self.name), caller=caller)
        return await replica.ask(asked)

    async def _lose(self) -> None:
        """One process is gone, or the computer sleeps for longer than a turn lives."""
        wire = self.here.wire
        wire.is_dead = self.kind == "killed"
        wire.asleep_until = anyio.current_time() + 1.5 * wire.lease_seconds

    async def _press_newer(self) -> None:
        """As soon as the stop is on its way, somebody else asks, and goes live."""
        while not self.here.waited + self.there.waited:  # noqa: ASYNC110  of two replicas
            await sleep(self.pause)
        await sleep(4 * self.pause)  # the moment of a late stop is not exact
        self.newer_at = anyio.current_time()
        with suppress(StoreUnavailable):
            self.newer = await self._ask(self.there, OTHER)
            await self.there.press(self.newer, "applied")

    # What must be so

    async def _check(self, question: Question) -> None:
        trax, kind, said = self.trax, self.kind, (self.kind, self.told, self.trax)
        ran = [it for it, outcome in trax.starts if outcome != "not_applied"]
        assert len(ran) == len(set(ran)), said  # an approval runs once
        counted = self.here.counted + self.there.counted
        if counted:
            expected = {""}
            if self.newer and self.newer.id in ran:
                expected = {self.newer.id} if max(counted) < self.newer_at else {"", self.newer.id}
            assert trax.live in expected, said
        waited = [it for replica in self.replicas for it in replica.waited]
        assert all(it <= WAIT_SECONDS + ENGINE_SECONDS + self.margin for it in waited), waited
        if ("go_offline", "undo") in trax.sent:  # only for a stop that counts for its caller
            assert counted or ("stop" in kind and self.stopper == CALLER), said
        if not self.in_trouble and not self._was_disturbed:
            self._check_without_trouble(question, ran)
        if kind == "killed":
            await self._check_lost(question, was_sent=bool(ran))
        elif self.outcome == "not_applied" and self._is_one_free_of_stops:
            assert await self._is_good(question), said  # it was given back

    @property
    def _is_one_free_of_stops(self) -> bool:
        return len(self.operations) == 1 and "stop" not in self.kind

    def _check_without_trouble(self, question: Question, ran: list[str]) -> None:
        said = (self.kind, self.told, self.trax)
        stops = [why for what, why in self.trax.sent if (what, why) == ("go_offline", self.fate)]
        assert len(stops) <= 1 or self.fate == "refused", (
            said
        )  # a stop's approval, too, is good once
        is_left_alone = self.kind == "plain" or (
            self.kind == "refused stop" and self.stopper == OTHER
        )
        if is_left_alone and self.outcome != "not_applied":
            assert ran == [question.id], said
        if is_left_alone and self.outcome == "not_applied":
            assert len(self.trax.starts) == (2 if len(self.operations) == 1 else 1), said

    async def _is_good(self, question: Question) -> bool:
        seen = await self.there.store.look(self.name)
        kept = seen.studio.question(question.id, question.caller, seen.now)
        return kept is not None and not kept.is_used and seen.studio.is_good(kept, seen.now)

    async def _check_lost(self, question: Question, *, was_sent: bool) -> None:
        """Soon the other replica knows that the call has ended."""
        outcome, phase = IN_PROGRESS, ""
        with anyio.fail_after(LOST_SECONDS + self.margin):
            while outcome == IN_PROGRESS:
                await sleep(self.pause)
                seen = await self.there.store.look(self.name)
                kept = seen.studio.question(question.id, question.caller, seen.now)
                assert kept is not None
                outcome, phase = kept.outcome or "", kept.phase(seen.now)
        assert not was_sent or outcome in {NOT_KNOWN, "applied", "unknown"}
        assert outcome != NOT_KNOWN or phase == "ended"

    async def _go_live_again(self) -> None:
        """A newer approval runs, and nothing from before takes it off the air."""
        newer = await self._ask(self.there, OTHER)
        if self.kind == "unknown stop":  # only now it is known to count
            seen = await self.there.store.look(self.name)
            for at in seen.studio.own_stops.values():
                await self.there.store.update(self.name, lambda it, _, at=at: it.count_stop(at))  # type: ignore[misc]  # mypy infers no lambda with a default
        self.trax.live = ""
        with anyio.fail_after(LOST_SECONDS + self.margin):
            await self.there.press(newer, "applied")
        await sleep(20 * self.pause)
        assert self.there.told[-1] == "applied", self.told
        assert self.trax.live == newer.id, (self.told, self.trax)
