"""The steps of the store, each as a sentence: on records in memory, or on those of an engine.

`test_store_steps` runs them here in memory, and in `proof/replicas` on a real engine. Every case
has two stores on the same records, as two replicas have.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

import pytest

from tests.units.consent.asked_questions import preview_of
from trax_mcp.api.accepted_keys import AcceptedKeys
from trax_mcp.api.caller import Caller
from trax_mcp.api.operations import DeleteDestination, GetStreamStatus, GoLive, GoOffline
from trax_mcp.clock import Clock
from trax_mcp.consent.calls import Evidence, GuardedCall, NotRun
from trax_mcp.consent.questions import IN_PROGRESS, NOT_KNOWN, PENDING_SECONDS, outcome_in_words
from trax_mcp.consent.records import Key, studio_in
from trax_mcp.consent.store import MAX_QUESTIONS, Seen, Store

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from _pytest.mark import ParameterSet

    from trax_mcp.api.errors import Outcome
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation
    from trax_mcp.consent.changes import Action
    from trax_mcp.consent.questions import Question
    from trax_mcp.consent.records import Changes, Place, Records, Snapshot

GO_LIVE: Final = GoLive(studio_id="studio_42")
GO_OFFLINE: Final = GoOffline(studio_id="studio_42")
DELETE: Final = DeleteDestination(studio_id="studio_42", dest_id="dest_1")
OWNER: Final = Caller("sk_owner")
GUEST: Final = Caller("sk_guest")
"""TRaX has accepted the key, but not in this studio."""
ADDRESS: Final = "the address of source_1"
STOP: Final = "a stop's token"
SECOND_STOP: Final = "another stop's token"


class LaterRecords:
    """Records whose clock is `ahead`, as after some time."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.ahead = 0.0
        self.turn_seconds = records.turn_seconds
        self.is_shared = records.is_shared

    async def read(self, *keys: Key) -> Snapshot:
        """Read records at one moment."""
        seen = await self._records.read(*keys)
        return seen._replace(now=seen.now + self.ahead)

    async def write(self, seen: Snapshot, changes: Changes) -> bool:
        """Write all changes, or nothing if anything that was read has changed since."""
        return await self._records.write(seen, changes)

    async def changed(self) -> None:
        """Wait until a record may have changed."""
        await self._records.changed()


class HandClock(Clock):
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def seconds(self) -> float:
        """Seconds since the start of the test."""
        return self.elapsed

    def now(self) -> datetime:
        """The same as a date."""
        return datetime(2026, 6, 5, 18, tzinfo=UTC) + timedelta(seconds=self.elapsed)


@dataclass
class World:
    """Two stores on the same records, and what a case does with them."""

    records: LaterRecords
    clock: HandClock = field(default_factory=HandClock)
    stops: int = 0

    def __post_init__(self) -> None:
        """Let TRaX accept both keys, and the owner's in the studio."""
        self.keys = AcceptedKeys()
        self.keys.record_answer(GetStreamStatus(studio_id="studio_42"), OWNER)
        self.keys.record_answer(GetStreamStatus(studio_id="studio_1"), GUEST)
        self.here = Store(self.records, self.keys)
        self.there = Store(self.records, self.keys)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, here and on the engine."""
        self.records.ahead += seconds
        self.clock.elapsed += seconds

    def place(self, caller: Caller = OWNER) -> Place:
        """Where a caller acts."""
        return self.here.place(GuardedCall(GO_LIVE, caller))

    def turn(
        self, store: Store | None = None, caller: Caller = OWNER
    ) -> AbstractAsyncContextManager[str]:
        """A turn of a caller, by default here."""
        return (store or self.here).turns.take(self.place(caller).own, caller.owner)

    async def look(
        self,
        question: Question | None = None,
        operation: Action = GO_LIVE,
        *,
        caller: Caller = OWNER,
        store: Store | None = None,
    ) -> Seen:
        """What a caller sees, by default here."""
        evidence = Evidence(confirmation=question.id if question else None)
        call = GuardedCall(operation, caller, evidence)
        return await (store or self.here).look(self.place(caller), call)

    async def ask(
        self,
        operation: Operation[Model] = GO_LIVE,
        *,
        caller: Caller = OWNER,
        channel: Literal["model", "form"] = "model",
    ) -> Question:
        """Ask about a call."""
        seen = await self.look(caller=caller)
        preview = preview_of(operation)
        call = GuardedCall(operation, caller)
        return await self.here.ask(self.place(caller), seen, call, preview, channel=channel)

    async def again(self, question: Question) -> Question:
        """Ask once more, after a change."""
        seen, preview = await self.look(), preview_of(GO_LIVE, digest="later")
        return await self.here.ask(
            self.place(),
            seen,
            GuardedCall(GO_LIVE, OWNER),
            preview,
            channel="form",
            again=question,
            changes=("New.",),
        )

    async def begin(self, call: str, question: Question | None, seen: Seen) -> bool:
        """Begin a go-live."""
        asked = question.id if question else None
        return await self.here.begin_call(self.place(), call, asked, seen, starts=True)

    async def finish(
        self,
        call: str,
        question: Question | None,
        seen: Seen,
        outcome: Outcome = "applied",
        *,
        starts: bool = True,
    ) -> bool:
        """End a call."""
        return await self.here.end_call(
            self.place(),
            call,
            question.id if question else None,
            seen,
            outcome,
            words=outcome_in_words(outcome),
            go_live=outcome if starts else None,
            hidden={ADDRESS: "evil.example"},
            auto_go_live=None,
        )

    async def stop(self, token: str = STOP, *, caller: Caller = OWNER) -> bool:
        """Begin a stop, at the other replica."""
        self.stops += 1
        return await self.there.begin_stop(self.place(caller), token, f"stop {self.stops}")

    async def end_stop(
        self,
        token: str = STOP,
        outcome: Outcome = "applied",
        *,
        caller: Caller = OWNER,
        is_stranger: bool = False,
    ) -> None:
        """End a stop."""
        stop_id, place = f"stop {self.stops}", self.place(caller)
        await self.there.end_stop(place, token, stop_id, outcome, is_stranger=is_stranger)

    async def question(
        self, question: Question, *, caller: Caller = OWNER, store: Store | None = None
    ) -> Question | None:
        """A question as it is kept, by default there."""
        return (await (store or self.there).questions.read(question.id, caller)).question

    async def same_call(
        self, operation: Action = GO_LIVE, caller: Caller = OWNER
    ) -> Question | None:
        """What the same call has asked before."""
        return (await self.there.questions.same_call(GuardedCall(operation, caller))).question

    async def is_good(self, question: Question) -> bool:
        """Whether a yes to a question would still run the call."""
        kept = (await self.look(question, question.operation)).question
        return kept is not None and not kept.is_used


Case = Callable[[World], Awaitable[None]]
STEPS: Final[dict[str, Case]] = {}


def all_steps() -> list[ParameterSet]:
    """Every case as a parameter of a test."""
    return [pytest.param(case, id=name) for name, case in STEPS.items()]


def step(case: Case) -> Case:
    """Add a case under its name."""
    STEPS[case.__name__] = case
    return case


# Asking and looking


@step
async def a_question_is_seen_by_its_caller_at_every_replica(it: World) -> None:
    question = await it.ask()
    for store in (it.here, it.there):
        assert (await it.look(question, store=store)).question == question
        assert await it.question(question, store=store) == question
        assert (await it.look(question, caller=GUEST, store=store)).question is None
        assert await it.question(question, caller=GUEST, store=store) is None


@step
async def a_question_is_void_after_five_minutes(it: World) -> None:
    question = await it.ask()
    it.pass_time(299.0)
    assert await it.is_good(question)
    it.pass_time(1.5)
    assert not await it.is_good(question)


@step
async def a_question_that_is_asked_again_keeps_its_id_and_has_the_next_number(it: World) -> None:
    first = await it.ask(channel="form")
    second = await it.again(first)
    assert (second.id, second.number, second.digest) == (first.id, 2, "later")
    assert second.changes == ("New.",)
    assert (await it.look(first)).question == second


@step
async def one_more_question_than_there_is_room_for_removes_the_oldest(it: World) -> None:
    questions = [await it.ask() for _ in range(MAX_QUESTIONS + 1)]
    of_guest = await it.ask(caller=GUEST)
    kept = [await it.is_good(question) for question in questions]
    assert kept == [False] + [True] * MAX_QUESTIONS
    assert (await it.look(of_guest, caller=GUEST)).question == of_guest


@step
async def the_studio_as_it_was_seen_goes_into_the_question(it: World) -> None:
    async with it.turn() as me:
        await it.finish(me, None, await it.look(), starts=False)
    await it.stop()
    question, seen = await it.ask(), await it.look()
    assert question.hidden == seen.studio.hidden == {ADDRESS: 1}
    assert question.last_stop == seen.last_stop != ""


@step
async def a_question_that_is_discarded_is_gone_unless_it_was_used(it: World) -> None:
    one, other = await it.ask(), await it.ask()
    async with it.turn() as me:
        assert await it.begin(me, other, await it.look(other))
    for question in (one, other):
        await it.there.questions.discard(question.id)
    assert await it.question(one) is None
    assert await it.question(other) is not None


@step
async def after_a_no_the_same_call_of_the_same_caller_is_not_asked_for_a_minute(it: World) -> None:
    question = await it.ask(channel="form")
    await it.there.decline(question, GuardedCall(GO_LIVE, OWNER))
    assert await it.question(question) is None
    assert 59.0 < ((await it.look()).declined_seconds or 0.0) <= 60.0
    assert (await it.look(operation=DELETE)).declined_seconds is None
    assert (await it.look(caller=GUEST)).declined_seconds is None


@step
async def a_no_to_a_question_in_a_panel_leaves_the_question(it: World) -> None:
    question = await it.ask(channel="form")
    opened = await it.here.questions.open(question, OWNER, channel="panel", must_report=False)
    await it.there.decline(opened, GuardedCall(GO_LIVE, OWNER))
    assert await it.question(question) == opened


@step
async def what_was_read_before_another_write_is_not_written(it: World) -> None:
    key = Key("stop", STOP)
    one, other = await it.records.read(key), await it.records.read(key)
    assert await it.records.write(one, {key: ("one", 60.0)})
    assert not await it.records.write(other, {key: ("other", 60.0)})
    assert await it.here.stop_outcome(STOP) == "one"


# Turns


@step
async def one_call_has_the_turn_of_a_studio(it: World) -> None:
    async with it.turn() as me:
        assert (await it.look(store=it.there)).studio.turn is not None
        assert await it.begin(me, None, await it.look())
        assert not await it.begin("another", None, await it.look())
    assert (await it.look(store=it.there)).studio.turn is None


@step
async def a_guest_has_turns_of_their_own(it: World) -> None:
    async with it.turn(), it.turn(it.there, GUEST):
        assert it.place() != it.place(GUEST)


@step
async def a_turn_is_given_back_by_a_call_that_fails(it: World) -> None:
    with pytest.raises(ZeroDivisionError):
        async with it.turn():
            raise ZeroDivisionError
    assert (await it.look()).studio.turn is None


@step
async def a_turn_ends_by_itself_only_where_its_holder_can_be_lost(it: World) -> None:
    async with it.turn():
        it.pass_time(2.1)
        if it.records.is_shared:
            async with it.turn(it.there) as other:
                assert await it.begin(other, None, await it.look())
        else:
            studio = (await it.look()).studio
            assert studio.turn is not None
            assert studio.turn.until == float("inf")


# A yes


async def _nothing(it: World, question: Question) -> None:
    """Nothing comes between."""


async def _stop(it: World, question: Question) -> None:
    assert await it.stop()


async def _refused_stop(it: World, question: Question) -> None:
    assert await it.stop()
    await it.end_stop(outcome="not_applied")


async def _stop_of_guest(it: World, question: Question) -> None:
    assert await it.stop(caller=GUEST)
    await it.end_stop(outcome="not_applied", caller=GUEST)


async def _other_use(it: World, question: Question) -> None:
    await it.there.questions.change(
        question.id, lambda kept, now: replace(kept, used_by="b", used_at=now)
    )


async def _discarded(it: World, question: Question) -> None:
    await it.there.questions.discard(question.id)


async def _asked_elsewhere(it: World, question: Question) -> None:
    await it.ask()


BETWEEN: Final[dict[str, tuple[Callable[[World, Question], Awaitable[None]], bool]]] = {
    "nothing": (_nothing, True),
    "a stop": (_stop, False),
    "a stop that TRaX refused": (_refused_stop, False),
    "a stop of a guest that was refused": (_stop_of_guest, True),
    "another use of the yes": (_other_use, False),
    "that the question was discarded": (_discarded, False),
    "another question": (_asked_elsewhere, True),
}
"""What comes between looking and beginning, and whether the call may then be sent."""


def _add_between(
    what: str, between: Callable[[World, Question], Awaitable[None]], *, may_begin: bool
) -> None:
    async def case(it: World) -> None:
        question = await it.ask()
        async with it.turn() as me:
            seen = await it.look(question)
            await between(it, question)
            before = await it.question(question)
            assert await it.begin(me, question, seen) is may_begin
            after = await it.question(question)
            if not may_begin:
                assert after == before
                return
            assert after is not None
            assert after.used_by == me

    STEPS[f"a call begins after {what}" if may_begin else f"no call begins after {what}"] = case


for _what, (_between, _may_begin) in BETWEEN.items():
    _add_between(_what, _between, may_begin=_may_begin)


@step
async def a_yes_is_used_once(it: World) -> None:
    question = await it.ask()
    async with it.turn() as me:
        seen = await it.look(question)
        assert [await it.begin(me, question, seen) for _ in range(2)] == [True, False]
        used = (await it.look(question, store=it.there)).question
        assert used is not None
        assert (used.is_used, used.outcome) == (True, IN_PROGRESS)


@step
async def a_call_whose_sender_is_gone_is_not_known(it: World) -> None:
    question = await it.ask()
    async with it.turn() as me:
        assert await it.begin(me, question, await it.look(question))
    used = (await it.look(question, store=it.there)).question
    assert used is not None
    assert used.outcome == NOT_KNOWN


OUTCOMES: Final[dict[Outcome, tuple[str | None, dict[str, int]]]] = {
    "applied": ("the call ran", {ADDRESS: 1}),
    "unknown": (NOT_KNOWN, {ADDRESS: 1}),
    "not_applied": (None, {}),
}
"""Outcomes: what a later use of the yes is told, None if it is given back, and what is hidden."""


def _add_outcome(outcome: Outcome, told: str | None, hidden: dict[str, int]) -> None:
    async def case(it: World) -> None:
        question = await it.ask()
        async with it.turn() as me:
            seen = await it.look(question)
            assert await it.begin(me, question, seen)
            assert (await it.look()).go_live_pending
            assert not await it.finish(me, question, seen, outcome)
            now = await it.look(question, store=it.there)
        assert now.studio.turn is None
        assert now.go_live_pending is (told is not None)
        assert now.studio.hidden == hidden
        assert now.question is not None
        assert (now.question.is_used, now.question.outcome) == (told is not None, told)

    STEPS[f"a call ends with the outcome {outcome}"] = case


for _outcome, (_told, _hidden) in OUTCOMES.items():
    _add_outcome(_outcome, _told, _hidden)


@step
async def a_go_live_is_pending_for_a_minute_or_until_it_is_seen_on_air(it: World) -> None:
    async with it.turn() as me:
        seen = await it.look()
        assert await it.begin(me, None, seen)
        await it.finish(me, None, seen)
    it.pass_time(PENDING_SECONDS - 1)
    assert (await it.look(store=it.there)).go_live_pending
    it.pass_time(1.5)
    assert not (await it.look(store=it.there)).go_live_pending
    it.pass_time(-1.5)
    await it.there.record_outcome(it.place(), None, seen, "it ran", on_air=True)
    assert not (await it.look()).go_live_pending


@step
async def a_go_live_that_a_stop_has_followed_is_pending_until_it_is_undone(it: World) -> None:
    async with it.turn() as me:
        seen = await it.look()
        assert await it.begin(me, None, seen)
        await it.stop()
        assert await it.finish(me, None, seen)
        assert (await it.look(store=it.there)).go_live_pending
        await it.here.end_go_live(it.place())
    assert not (await it.look(store=it.there)).go_live_pending


@step
async def what_was_observed_is_kept_with_the_yes(it: World) -> None:
    question = await it.ask()
    async with it.turn() as me:
        seen = await it.look(question)
        await it.begin(me, question, seen)
        await it.finish(me, question, seen)
    words = "it ran, and was seen"
    await it.here.record_outcome(it.place(), question.id, seen, words, on_air=False)
    used = (await it.look(question, store=it.there)).question
    assert used is not None
    assert used.outcome == words


@step
async def a_call_that_changed_nothing_disturbs_nobody(it: World) -> None:
    question, before = await it.ask(), await it.look()
    async with it.turn(it.there) as me:
        assert not await it.finish(me, None, await it.look(), "not_applied", starts=False)
    assert await it.is_good(question)
    assert (await it.look()).studio == before.studio


# Stops


@step
async def a_stop_is_begun_once(it: World) -> None:
    assert [await it.stop() for _ in range(2)] == [True, False]
    assert await it.here.stop_outcome(STOP) == IN_PROGRESS
    assert await it.here.stop_outcome(SECOND_STOP) is None


@step
async def a_stop_voids_every_question_that_leads_on_air_and_no_other(it: World) -> None:
    start, delete = await it.ask(), await it.ask(DELETE)
    await it.stop()
    later = await it.ask()
    good = [await it.is_good(question) for question in (start, delete, later)]
    assert good == [False, True, True]
    await it.end_stop()
    assert [await it.is_good(question) for question in (start, delete)] == [False, True]


@step
async def no_call_begins_while_a_stop_is_being_sent(it: World) -> None:
    """Whoever runs there keeps the turn: it may be on the wire."""
    async with it.turn() as me:
        seen = await it.look()
        await it.stop()
        assert not await it.begin(me, None, seen)
        assert not await it.begin(me, None, await it.look())
        await it.end_stop()
        assert await it.begin(me, None, await it.look())
        assert (await it.look()).studio.stop is None


STOPPED: Final[dict[Outcome, str | None]] = {
    "applied": "the call ran",
    "unknown": NOT_KNOWN,
    "not_applied": None,
}
"""Outcomes of a stop, and what a later use of its yes is told. None if it is given back."""


def _add_stopped(outcome: Outcome, told: str | None) -> None:
    async def case(it: World) -> None:
        async with it.turn() as me:
            seen = await it.look()
            await it.begin(me, None, seen)
            await it.finish(me, None, seen)
        await it.stop()
        await it.end_stop(outcome=outcome)
        assert await it.here.stop_outcome(STOP) == told
        assert (await it.look()).go_live_pending is (outcome != "applied")
        await it.there.record_stop_outcome(STOP, "it was seen")
        assert await it.here.stop_outcome(STOP) == (told and "it was seen")
        assert await it.stop() is (told is None)

    STEPS[f"a stop ends with the outcome {outcome}"] = case


for _outcome, _told in STOPPED.items():
    _add_stopped(_outcome, _told)


@step
async def a_go_live_finds_a_stop_that_came_while_it_was_sent(it: World) -> None:
    for stop in (STOP, SECOND_STOP):
        async with it.turn() as me:
            seen = await it.look()
            assert await it.begin(me, None, seen)
            await it.stop(stop)
            await it.end_stop(stop)
            assert await it.finish(me, None, seen)


@step
async def a_go_live_does_not_find_a_stop_from_before(it: World) -> None:
    await it.stop()
    await it.end_stop()
    async with it.turn() as me:
        seen = await it.look()
        assert await it.begin(me, None, seen)
        assert not await it.finish(me, None, seen)


@step
async def a_go_live_does_not_find_a_stop_of_a_guest_that_was_refused(it: World) -> None:
    async with it.turn() as me:
        seen = await it.look()
        assert await it.begin(me, None, seen)
        await it.stop(caller=GUEST)
        await it.end_stop(outcome="not_applied", caller=GUEST)
        assert not await it.finish(me, None, seen)


@step
async def a_stop_that_trax_has_applied_counts_for_all_who_share_the_studio(it: World) -> None:
    guest, question = it.place(GUEST), await it.ask()
    await it.there.begin_stop(guest, STOP, "one")
    assert await it.is_good(question)
    await it.there.end_stop(guest, STOP, "one", "applied", is_stranger=False)
    assert not await it.is_good(question)


@step
async def a_stop_of_a_stranger_leaves_nothing(it: World) -> None:
    """Else each invented key would fill the memory of all, for an hour."""
    await it.stop(caller=GUEST)
    await it.end_stop(outcome="not_applied", caller=GUEST, is_stranger=True)
    own, stop = it.place(GUEST).own, Key("stop", STOP)
    assert [*(await it.records.read(own, stop)).values.values()] == [None, None]


@step
async def a_stop_voids_though_the_key_has_just_been_withdrawn(it: World) -> None:
    question = await it.ask()
    await it.stop()
    await it.end_stop(outcome="not_applied", is_stranger=True)
    assert not await it.is_good(question)


@step
async def a_go_live_has_its_turn_until_it_is_undone(it: World) -> None:
    """The next go-live waits, so that the stop that undoes this one does not hit it."""
    async with it.turn() as me:
        seen = await it.look()
        assert await it.begin(me, None, seen)
        await it.stop()
        await it.end_stop()
        assert await it.finish(me, None, seen)
        assert studio_in(await it.records.read(it.place().own), it.place().own).turn is not None
    assert studio_in(await it.records.read(it.place().own), it.place().own).turn is None


@step
async def a_stop_that_was_refused_counts_anew_when_it_is_pressed_again(it: World) -> None:
    await it.stop()
    await it.end_stop(outcome="not_applied")
    question = await it.ask()
    async with it.turn() as me:
        seen = await it.look()
        assert await it.begin(me, None, seen)
        assert await it.stop()
        await it.end_stop()
        assert await it.finish(me, None, seen)
    assert not await it.is_good(question)


@step
async def the_end_of_an_earlier_stop_brings_no_yes_back(it: World) -> None:
    await it.stop(STOP)
    question = await it.ask()
    await it.stop(SECOND_STOP)
    await it.end_stop(SECOND_STOP)
    await it.end_stop(STOP)
    assert not await it.is_good(question)


@step
async def nothing_waits_where_no_go_live_is_being_sent(it: World) -> None:
    await it.there.turns.wait_for_go_live(it.place().own)
    async with it.turn() as me:
        assert await it.here.begin_call(it.place(), me, None, await it.look(), starts=False)
        await it.there.turns.wait_for_go_live(it.place().own)
    async with it.turn() as me:
        seen = await it.look()
        await it.begin(me, None, seen)
        await it.finish(me, None, seen)
        await it.there.turns.wait_for_go_live(it.place().own)


# Questions outside of the call that asks


@step
async def the_same_call_finds_what_it_has_asked_in_a_panel(it: World) -> None:
    first, second = await it.ask(channel="form"), await it.ask(channel="form")
    opened = await it.here.questions.open(first, OWNER, channel="panel", must_report=True)
    assert (opened.channel, opened.must_report) == ("panel", True)
    assert await it.same_call() == opened
    assert await it.same_call(DELETE, OWNER) is None
    assert await it.same_call(GO_LIVE, GUEST) is None
    assert await it.there.questions.open(second, OWNER, channel="panel", must_report=True) == opened
    assert await it.question(second) is None


@step
async def a_call_is_asked_anew_after_its_question_has_ended(it: World) -> None:
    first, second = await it.ask(channel="form"), await it.ask(channel="form")
    opened = await it.here.questions.open(first, OWNER, channel="panel", must_report=False)
    ended = NotRun("go_live", "declined", "declined")
    await it.there.questions.change(opened.id, lambda kept, _: replace(kept, result=ended))
    anew = await it.there.questions.open(second, OWNER, channel="page", must_report=False)
    assert anew.id == second.id
    assert await it.same_call() == anew


@step
async def two_clients_of_one_key_are_asked_apart(it: World) -> None:
    one, other = Caller(OWNER.key, client="one"), Caller(OWNER.key, client="other")
    opened = []
    for caller in (one, other):
        asked = await it.ask(caller=caller, channel="form")
        opened.append(
            await it.here.questions.open(asked, caller, channel="panel", must_report=False)
        )
    found = [await it.same_call(GO_LIVE, caller) for caller in (one, other)]
    assert found == opened


@step
async def a_question_about_a_stop_is_kept_once_it_is_opened(it: World) -> None:
    preview = preview_of(GO_OFFLINE)
    question = it.here.question_about_stop(GuardedCall(GO_OFFLINE, OWNER), preview, STOP)
    assert await it.question(question) is None
    opened = await it.here.questions.open(question, OWNER, channel="panel", must_report=False)
    assert await it.question(question) == opened
    assert opened.id == STOP


@step
async def a_change_of_a_question_is_seen_everywhere(it: World) -> None:
    question = await it.ask()
    assert await it.there.questions.change(question.id, lambda kept, _: replace(kept, shown_at=5.0))
    assert await it.question(question, store=it.here) == replace(question, shown_at=5.0)
    assert not await it.here.questions.change(question.id, lambda kept, _: kept)
    assert not await it.there.questions.change(
        "another", lambda kept, _: replace(kept, shown_at=5.0)
    )
    assert await it.here.questions.change(question.id, lambda _kept, _now: None)
    assert await it.question(question) is None


@step
async def a_question_whose_sender_is_gone_has_ended(it: World) -> None:
    """A stop that comes meanwhile does not change that."""
    question = await it.ask()
    async with it.turn() as me:
        assert await it.begin(me, question, await it.look(question))
        await it.stop()
        await it.end_stop()
        assert (await it.there.questions.read(question.id, OWNER)).phase == "running"
    assert (await it.there.questions.read(question.id, OWNER)).phase == "ended"


# What TRaX has accepted


@step
async def a_stop_is_in_the_place_that_another_replica_has_told(it: World) -> None:
    stop = GuardedCall(GO_OFFLINE, OWNER)
    elsewhere = Store(it.records, AcceptedKeys())
    before = await elsewhere.place_at_any_replica(stop)
    assert before == elsewhere.place(stop) != it.place()
    await it.here.tell_replicas_of_access(stop)
    after = await elsewhere.place_at_any_replica(stop)
    assert after == (it.place() if it.records.is_shared else before)
