"""The steps of consent: each reads, decides, and writes; again if something came between.

Decisions are pure Python. So a step is atomic, in the memory of one process as over replicas.
"""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final, Literal, NamedTuple, Never

import anyio

from trax_mcp.actions.shown import Preview
from trax_mcp.api.accepted_keys import AcceptedKeys
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import Outcome
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.consent.calls import GuardedCall
from trax_mcp.consent.later_steps import LaterStep, LaterSteps
from trax_mcp.consent.pacing import REFUSALS_SECONDS, Refusals
from trax_mcp.consent.question_records import QuestionRecords, call_digest
from trax_mcp.consent.questions import (
    IN_PROGRESS,
    PENDING_SECONDS,
    Question,
    StudioRecord,
    Turn,
    outcome_in_words,
)
from trax_mcp.consent.records import (
    GONE,
    Away,
    Changes,
    Key,
    Place,
    Records,
    Snapshot,
    keep,
    last_stop_in,
    studio_in,
    take_step,
    taken_stop_in,
)
from trax_mcp.consent.turns import Turns
from trax_mcp.studio.naming import Sentence

MAX_QUESTIONS: Final = 64
"""The most questions of one key. One more removes the oldest."""
_BEAT_SECONDS: Final = 0.5
"""How often turns are renewed, where replicas share them."""


class Seen(NamedTuple):
    """What a call sees before it reads facts. Times are seconds on the clock of the records."""

    studio: StudioRecord
    last_stop: str
    question: Question | None
    now: float
    refusals: Refusals | None = None
    taken_stop: str = ""

    @property
    def declined_seconds(self) -> float | None:
        """For how long the person is not asked about the same call again, if they are not."""
        return self.refusals.rest_seconds(self.now) if self.refusals else None

    @property
    def start_may_come(self) -> bool:
        """Whether a go-live is being sent, or was within the last minute and not seen on air."""
        return self.studio.starting_until > self.now

    @property
    def go_live_pending(self) -> bool:
        """The same, if no stop was accepted since: then nobody needs another one."""
        return self.start_may_come and not self.studio.is_start_stopped


class Store:
    """What is remembered of studios and questions, in these records."""

    def __init__(self, records: Records, keys: AcceptedKeys) -> None:
        self.records = records
        self.turns = Turns(records)
        self.questions = QuestionRecords(records)
        self.later = LaterSteps()
        self._keys = keys

    # Places and turns

    def place(self, call: GuardedCall) -> Place:
        """The place of a call, by what TRaX has accepted of its caller in this process."""
        return self.place_of(call.operations[0], call.caller)

    def place_of(self, operation: Operation[Model], caller: Caller) -> Place:
        """The place where a caller's operation acts, or looks."""
        studio_id = operation.studio()
        shared = Key("studio", studio_id or operation.target_id())
        if studio_id and self._keys.may_call(caller, operation):  # else none is made
            return Place(shared, shared)
        return Place(Key("studio", f"{shared.id} {caller.fingerprint}"), shared)

    async def place_at_any_replica(self, call: GuardedCall) -> Place:
        """The place of a call, by what TRaX has accepted of its caller at any replica."""
        place = self.place(call)
        is_known = self._keys.has_access(call.caller, call.studio_id)
        if self.records.is_shared and not is_known:
            access = _access(place, call)
            if (await self.records.read(access)).values[access]:
                return Place(place.shared, place.shared)
        return place

    async def tell_replicas_of_access(self, call: GuardedCall) -> None:
        """Let other replicas know that TRaX has accepted the caller in the studio of a call."""
        place = self.place(call)
        if self.records.is_shared and place.own == place.shared:
            access = _access(place, call)
            told: tuple[None, Changes] = (None, keep(access, value=True))
            await take_step(self.records, (access,), lambda _: told)

    def question_about_stop(self, call: GuardedCall, preview: Preview, token: str) -> Question:
        """A question about a stop, which is not kept yet. Its id is the token."""
        return Question(
            id=token,
            caller=call.caller.fingerprint,
            place=self.place(call).own.id,
            operations=call.operations,
            channel="form",
            preview=preview,
            last_stop="",
            asked_at=0.0,
        )

    # Calls

    async def look(self, place: Place, call: GuardedCall) -> Seen:
        """Look at a place, at the question that the call answers, and at a recent no to the call.

        A no counts for the person that the call names; without a name, for all calls that name
        none.
        """
        question_key = Key("question", call.evidence.question_id or "")
        declined = _declined(call)
        snapshot = await self.records.read(*dict.fromkeys(place), question_key, declined)
        last_stop = last_stop_in(snapshot, place)
        question: Question | None = snapshot.values[question_key]
        if question is not None and question.is_used:
            question = (await self.questions.read(question.id, call.caller)).question
        elif question is not None:
            is_open = question.phase(snapshot.now) == "open"
            is_theirs = question.caller == call.caller.fingerprint
            is_usable = is_open and is_theirs and not question.is_void_after(last_stop)
            question = question if is_usable else None
        return Seen(
            studio=studio_in(snapshot, place.own),
            last_stop=last_stop,
            question=question,
            now=snapshot.now,
            refusals=snapshot.values[declined],
            taken_stop=taken_stop_in(snapshot, place),
        )

    async def start_may_come(self, place: Place) -> bool:
        """As `Seen.start_may_come`, of a place."""
        snapshot = await self.records.read(*dict.fromkeys(place))
        return studio_in(snapshot, place.own).starting_until > snapshot.now

    async def ask(
        self,
        place: Place,
        seen: Seen,
        call: GuardedCall,
        preview: Preview,
        *,
        channel: Literal["model", "form"],
        again: Question | None = None,
        changes: tuple[Sentence, ...] = (),
    ) -> Question:
        """Keep a question under a new id that cannot be guessed, or `again` under its own.

        Another question of the same key may be removed.
        """
        room = Key("room", call.caller.key or "")
        question_id = again.id if again else secrets.token_urlsafe(16)

        def add(snapshot: Snapshot) -> tuple[Question, Changes]:
            question = Question(
                id=question_id,
                caller=call.caller.fingerprint,
                place=place.own.id,
                operations=call.operations,
                channel=again.channel if again else channel,
                preview=preview,
                changes=changes,
                last_stop=seen.last_stop,
                hidden=seen.studio.hidden,
                asked_at=snapshot.now,
                number=again.number + 1 if again else 1,
                must_report=again is not None and again.must_report,
            )
            ids = [it for it in snapshot.values[room] or () if it != question_id]
            removed, ids = ids[: -MAX_QUESTIONS + 1], ids[-MAX_QUESTIONS + 1 :]
            return question, {
                **keep(Key("question", question_id), question),
                **keep(room, (*ids, question_id)),
                **{Key("question", it): GONE for it in removed},
            }

        return await take_step(self.records, (room,), add)

    async def begin_call(
        self,
        place: Place,
        turn_id: str,
        question_id: str | None,
        seen: Seen,
        *,
        starts: bool,
        approved: GuardedCall | None = None,
    ) -> bool:
        """Use a yes, and let the call be sent. Refusals of an `approved` call are forgotten.

        False if a stop came since `seen`, or the yes or the turn is gone.
        """
        question_key = Key("question", question_id or "")

        def use(snapshot: Snapshot) -> tuple[bool, Changes]:
            studio, question = studio_in(snapshot, place.own), snapshot.values[question_key]
            has_turn = studio.has_turn(turn_id, snapshot.now)
            if not has_turn or studio.is_stopping(snapshot.now):
                return False, {}
            if last_stop_in(snapshot, place) != seen.last_stop:
                return False, {}
            if question_id is not None and (question is None or question.is_used):
                return False, {}
            turn = Turn(turn_id, snapshot.now + self.records.turn_seconds, sends_go_live=starts)
            studio = replace(studio, turn=turn)
            if starts:
                pending = snapshot.now + PENDING_SECONDS
                studio = replace(studio, starting_until=pending, is_start_stopped=False)
            changes = keep(place.own, studio)
            if question is not None:
                question = replace(question, used_by=turn_id, used_at=snapshot.now)
                question = replace(question, last_stop=seen.last_stop)
                changes = {**changes, **keep(question_key, question)}
            if approved is not None and seen.refusals is not None:
                changes = {**changes, _declined(approved): GONE}
            return True, changes

        return await take_step(self.records, (*place, question_key), use)

    async def end_call(
        self,
        place: Place,
        turn_id: str,
        question_id: str | None,
        seen: Seen,
        outcome: Outcome,
        *,
        words: str,
        go_live: Outcome | None,
        hidden: Mapping[str, str],
        auto_go_live: bool | None,
        is_undone: bool = False,
        is_busy: bool = False,
    ) -> bool:
        """End a call. Its yes is given back if it was certainly not applied.

        If TRaX applied it, it counts for all who share the studio. True if a stop has come since
        `seen`: TRaX may have got that one first. A go-live then has its turn until it is undone;
        `go_live` is its outcome, None for other calls, and `is_busy` if TRaX refused it as things
        stand now. `words` say what came of the call.
        """
        question_key, done = Key("question", question_id or ""), outcome != "not_applied"
        places = set(place) if outcome == "applied" else {place.own}

        def end(snapshot: Snapshot) -> tuple[bool, Changes]:
            came = last_stop_in(snapshot, place) != seen.last_stop
            went = go_live in {"applied", "unknown"}
            turn = studio_in(snapshot, place.own).turn
            # Else the mark of a go-live that is under way is that of another call.
            has_begun = turn is not None and turn.id == turn_id
            changes: Changes = {}
            for key in places:
                studio = studio_in(snapshot, key)
                if not (came and went):
                    studio = studio.without_turn(turn_id)
                if went:
                    pending = snapshot.now + PENDING_SECONDS
                    is_stopped = is_undone or (came and studio.is_start_stopped)
                    studio = replace(studio, starting_until=pending, is_start_stopped=is_stopped)
                elif go_live is not None and has_begun and key == place.own:
                    before = seen.studio
                    studio = studio.after_refused_start(before, snapshot.now, is_busy=is_busy)
                if done:
                    studio = studio.with_hidden(hidden)
                if go_live == "applied":  # whoever agreed has seen the changes before it
                    studio = replace(studio, changed_to={})
                if auto_go_live is not None:
                    studio = replace(studio, auto_go_live=auto_go_live)
                changes = {**changes, **keep(key, studio)}
            question: Question | None = snapshot.values[question_key]
            if question is not None and question.used_by == turn_id:
                ended = replace(question, outcome=words) if done else question.given_back()
                changes = {**changes, **keep(question_key, ended)}
            return came, changes

        return await take_step(self.records, (*place, question_key), end)

    async def note_undone(self, place: Place) -> None:
        """A go-live was taken off the air again, in its turn."""

        def note(snapshot: Snapshot) -> tuple[None, Changes]:
            changes: Changes = {}
            for key in set(place):
                studio = replace(studio_in(snapshot, key), is_start_stopped=True)
                changes = {**changes, **keep(key, studio)}
            return None, changes

        await take_step(self.records, tuple(place), note)

    async def note_on_air(self, place: Place, seen: Seen) -> None:
        """The go-live that may have been coming, as `seen`, was on air since."""

        def note(snapshot: Snapshot) -> tuple[None, Changes]:
            studio = studio_in(snapshot, place.own)
            if studio.starting_until != seen.studio.starting_until:  # another one has begun
                return None, {}
            return None, keep(place.own, replace(studio, starting_until=0.0))

        await take_step(self.records, tuple(place), note)

    async def record_outcome(
        self, place: Place, question_id: str | None, seen: Seen, outcome: str, *, on_air: bool
    ) -> None:
        """Keep the outcome of a call in words. `on_air`: its go-live was seen on air."""
        question_key = Key("question", question_id or "")

        def note(snapshot: Snapshot) -> tuple[None, Changes]:
            studio, question = studio_in(snapshot, place.own), snapshot.values[question_key]
            changes: Changes = {}
            if question is not None and question.is_used:
                changes = keep(question_key, replace(question, outcome=outcome))
            if on_air and last_stop_in(snapshot, place) == seen.last_stop:
                changes = {**changes, **keep(place.own, replace(studio, starting_until=0.0))}
            return None, changes

        await take_step(self.records, (*place, question_key), note)

    async def decline(self, question: Question, call: GuardedCall) -> None:
        """Forget a question: a person said no. How often they did is remembered for a while."""
        question_key, declined = Key("question", question.id), _declined(call)

        def note(snapshot: Snapshot) -> tuple[None, Changes]:
            refusals = Refusals.after_another(snapshot.values[declined], snapshot.now)
            asked: Question | None = snapshot.values[question_key]
            is_elsewhere = question.channel in {"panel", "page"}  # they show what came of it
            is_gone = asked is not None and not asked.is_used and not is_elsewhere
            gone: Changes = {question_key: GONE} if is_gone else {}
            return None, {**gone, declined: (refusals, REFUSALS_SECONDS)}

        await take_step(self.records, (question_key, declined), note)

    # Stops

    async def stop_outcome(self, token: str) -> str | None:
        """What came of the stop that used this yes, in words. None if none did."""
        stop_key = Key("stop", token)
        used: str | None = (await self.records.read(stop_key)).values[stop_key]
        return used

    async def begin_stop(self, place: Place, token: str, stop_id: str) -> bool:
        """Begin a stop, once: it voids every earlier yes, and no call begins until it has ended.

        False if its yes was used.
        """
        stop_key = Key("stop", token)

        def begin(snapshot: Snapshot) -> tuple[bool, Changes]:
            if snapshot.values[stop_key] is not None:
                return False, {}
            turn = Turn(stop_id, snapshot.now + self.records.turn_seconds)
            studio = replace(studio_in(snapshot, place.own), last_stop=stop_id, stop=turn)
            return True, {**keep(place.own, studio), **keep(stop_key, IN_PROGRESS)}

        return await take_step(self.records, (place.own, stop_key), begin)

    async def end_stop(
        self, place: Place, token: str, stop_id: str, outcome: Outcome, *, is_stranger: bool
    ) -> None:
        """End a stop. Its yes is given back if TRaX refused it.

        If TRaX applied it, it counts for all who share the studio, wherever its caller acted. That
        of a stranger, whom TRaX lets do nothing there, leaves nothing. A start that was not seen
        may still come after it.
        """
        stop_key = Key("stop", token)
        places = set(place) if outcome == "applied" else {place.own}

        def end(snapshot: Snapshot) -> tuple[None, Changes]:
            is_used = outcome != "not_applied"
            changes = keep(stop_key, outcome_in_words(outcome)) if is_used else {stop_key: GONE}
            if is_stranger and place.own != place.shared:
                return None, {**changes, place.own: GONE}
            for key in places:
                studio = studio_in(snapshot, key).without_turn(stop_id)
                if outcome == "applied":
                    studio = replace(studio, is_start_stopped=studio.starting_until > snapshot.now)
                if is_used:
                    studio = replace(studio, taken_stop=stop_id)
                if key != place.own:
                    studio = replace(studio, last_stop=stop_id)
                changes = {**changes, **keep(key, studio)}
            return None, changes

        await take_step(self.records, (*place, stop_key), end)

    async def record_stop_outcome(self, token: str, outcome: str) -> None:
        """Keep the outcome of a stop in words."""
        stop_key = Key("stop", token)

        def note(snapshot: Snapshot) -> tuple[None, Changes]:
            return None, {} if snapshot.values[stop_key] is None else keep(stop_key, outcome)

        await take_step(self.records, (stop_key,), note)

    async def wait_for_stop(self, place: Place, seen: Seen) -> None:
        """Wait until a stop has come since `seen` that TRaX has not refused."""
        while True:
            with suppress(Away):  # it may be back soon
                snapshot = await self.records.read(*dict.fromkeys(place))
                if taken_stop_in(snapshot, place) != seen.taken_stop:
                    return
            await self.records.changed()

    # Replicas

    async def watch(self) -> None:
        """Renew the turns of this replica, and take the steps that others have still to learn of.

        It never ends. It is needed only where replicas share the records.
        """
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._again_and_again, self.turns.renew)
            tasks.start_soon(self._again_and_again, self.later.take_all)

    async def _again_and_again(self, step: LaterStep) -> Never:
        while True:
            with suppress(Away):
                await self.records.read()  # to notice an engine that is away, or back
                await step()
            await anyio.sleep(_BEAT_SECONDS)


def _access(place: Place, call: GuardedCall) -> Key:
    return Key("access", f"{place.shared.id} {call.caller.fingerprint}")


def _declined(call: GuardedCall) -> Key:
    name = f"{call.caller.fingerprint} {call.claimed_name or ''}"
    return Key("declined", call_digest(call.operations, name))
