"""What is remembered of a studio: one frozen record, and each step as a pure method of it.

A step returns the record after it, and its result. `now` is in seconds on the clock of the store.
Questions, go-lives and stops are ordered by their moments: no two in a record are the same, however
that clock runs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self, TypeVar

from trax_mcp.actions.shown import Operations
from trax_mcp.consent.question import (
    IN_PROGRESS,
    NOT_KNOWN,
    QUESTION_SECONDS,
    REFUSALS_SECONDS,
    Question,
    Refusals,
)
from trax_mcp.consent.running import (
    START_SECONDS,
    Begin,
    BeginStop,
    End,
    EndStop,
    Start,
    Turn,
    UsedStop,
)

STOP_SECONDS: Final = 3600.0
"""How long a stop is remembered. No approval that it voids lives longer."""
AUTO_GO_LIVE_SECONDS: Final = 3600.0
"""How long a stop warns of an `autoGoLive` that was turned on here."""
MOST_QUESTIONS: Final = 16
"""The most questions of one caller. One more removes the oldest."""
MOST_IN_ALL: Final = 256
"""The most questions of all callers in a studio together."""
MOST_OTHERS: Final = 64
"""The most callers whose own stops, used stops, and counts of refusals are remembered."""
_TICK: Final = 1e-6

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class StudioRecord:
    """All that is remembered of a studio.

    `turn` is that of the call that runs there. `stopping` has until when stops are being sent, by
    their names: no call begins meanwhile. `last_stop` is the moment of the last stop that counts
    for everybody, `own_stops` those of the last stop of each caller: they count for these callers
    alone. A question that leads on air and was asked before one that counts for its caller is void.
    `latest` is the last moment of the record.
    """

    turn: Turn | None = None
    stopping: Mapping[str, float] = field(default_factory=dict)
    start: Start | None = None
    last_stop: float = 0.0
    own_stops: Mapping[str, float] = field(default_factory=dict)
    used_stops: Mapping[str, UsedStop] = field(default_factory=dict)
    questions: Mapping[str, Question] = field(default_factory=dict)
    refusals: Mapping[str, Refusals] = field(default_factory=dict)
    auto_go_live_until: float = 0.0
    latest: float = 0.0

    # Turns

    def has_turn(self, turn_id: str, now: float) -> bool:
        """Whether this turn has not ended, and no other call has it."""
        return self.turn is not None and self.turn.id == turn_id and now < self.turn.until

    def is_stopping(self, now: float) -> bool:
        """Whether a stop is being sent."""
        return any(now < until for until in self.stopping.values())

    def sends_go_live(self, now: float) -> bool:
        """Whether a go-live is being sent. A stop waits for it, for a moment."""
        return self.turn is not None and self.turn.sends_go_live and now < self.turn.until

    def start_may_come(self, now: float) -> bool:
        """Whether the last go-live that was sent from here may still come on air."""
        return self.start is not None and self.start.may_come(now)

    def awaits_start(self, now: float) -> bool:
        """Whether it may still come, and no stop has come after it."""
        return self.start is not None and self.start.is_awaited(now)

    def take_turn(self, turn_id: str, now: float, lease: float) -> tuple[Self, bool]:
        """Take the turn. False while another call has it, or a stop is being sent."""
        is_taken = self.turn is not None and self.turn.id != turn_id and now < self.turn.until
        if is_taken or self.is_stopping(now):
            return self, False
        return replace(self, turn=Turn(turn_id, now + lease)), True

    def renew(self, turn_id: str, now: float, lease: float) -> tuple[Self, None]:
        """Let the turn of a call, or a stop, live on, if it is still there."""
        after = self
        if after.turn is not None and after.turn.id == turn_id:
            after = replace(after, turn=replace(after.turn, until=now + lease))
        if turn_id in after.stopping:
            after = replace(after, stopping={**after.stopping, turn_id: now + lease})
        return after, None

    def give_turn_back(self, turn_id: str) -> tuple[Self, None]:
        """End the turn of a call, or a stop, if it is still there."""
        turn = None if self.turn and self.turn.id == turn_id else self.turn
        return replace(self, turn=turn, stopping=_without(self.stopping, turn_id)), None

    # Calls

    def begin(self, it: Begin, now: float, lease: float) -> tuple[Self, bool]:
        """Use an approval up, and let the call be sent.

        False if a stop has come since it looked, or the approval or the turn is gone.
        """
        question = self.questions.get(it.question_id or "")
        if it.question_id is not None and (question is None or not self._is_unused(question)):
            return self, False
        is_stopped = self.last_stop_for(it.caller) > it.last_stop
        if is_stopped or self.is_stopping(now) or not self.has_turn(it.turn_id, now):
            return self, False
        after, at = self._moment(now)
        after = replace(after, turn=Turn(it.turn_id, now + lease, sends_go_live=it.starts))
        if question is not None:
            after = after.with_question(replace(question, used_by=it.turn_id, used_at=at))
        if it.starts:
            used = (q.asked_at for q in after.questions.values() if q.used_by == it.turn_id)
            earlier = self.start if self.start_may_come(now) else None
            earlier = earlier and replace(earlier, earlier=None)
            start = Start(it.turn_id, next(used, at), at, earlier=earlier)
            after = replace(after, start=start)
        return replace(after, refusals=_without(after.refusals, it.refusals)), True

    def end(self, begun: Begin, it: End, now: float, lease: float) -> tuple[Self, bool]:
        """End a call. Its approval is given back if it was certainly not applied.

        True if its go-live must be undone: a stop has come since its approval was asked for, no
        other go-live, and it was sent less than a minute ago. Then it has its turn until that is
        done, and no call begins.
        """
        after, at = self._moment(now)
        start = after.start if after.start and after.start.id == begun.turn_id else None
        went, is_stopped = it.start in {"applied", "unknown"}, False
        if start is not None and it.start is not None:
            is_in_time = now < start.sent_at + START_SECONDS
            is_stopped = went and is_in_time and after.last_stop_for(begun.caller) > start.asked_at
            state = "stopped" if is_stopped else start.state
            ended = replace(start, ended_at=at, stream_id=it.stream_id, state=state)
            left = ended if went else start.after_refusal(at, is_busy=it.is_busy)
            after = replace(after, start=left)
        if is_stopped:
            after = replace(after, stopping={**after.stopping, begun.turn_id: now + lease})
        else:
            after, _ = after.give_turn_back(begun.turn_id)
        if it.auto_go_live is not None:
            until = now + AUTO_GO_LIVE_SECONDS if it.auto_go_live else 0.0
            after = replace(after, auto_go_live_until=until)
        question = after.questions.get(begun.question_id or "")
        if question is not None and question.used_by == begun.turn_id:
            is_over = it.outcome != "not_applied"
            told = replace(question, outcome=it.words) if is_over else question.given_back()
            after = after.with_question(told)
        return after, is_stopped

    def seen_on_air(self, turn_id: str, *, though_stopped: bool = False) -> tuple[Self, None]:
        """The go-live of a call was seen on air, so it comes no more.

        What is on air after a stop has come only if that is certain: `though_stopped`.
        """
        start = self.start
        if start is None or start.id != turn_id:
            return self, None
        if start.was_stopped and not though_stopped:
            return self, None
        return replace(self, start=replace(start, state="seen")), None

    # Questions

    def question(self, question_id: str, caller: str, now: float) -> Question | None:
        """A question of this caller, whatever has become of it.

        While the call that has used its approval has not ended, that is in progress, or lost if its
        turn has ended.
        """
        found = self.questions.get(question_id)
        if found is None or found.caller != caller:
            return None
        if found.used_by is None or found.outcome is not None:
            return found
        if self.has_turn(found.used_by, now):
            return replace(found, outcome=IN_PROGRESS)
        return replace(found, outcome=NOT_KNOWN, is_lost=True)

    def is_good(self, question: Question, now: float) -> bool:
        """Whether an approval of it would still run the call."""
        return question.phase(now) == "open" and not self.is_void(question)

    def is_void(self, question: Question) -> bool:
        """Whether a stop has come since it was asked, and it leads on air."""
        is_stopped = self.last_stop_for(question.caller) > question.asked_at
        return question.preview.puts_on_air and is_stopped

    def ask(self, question: Question, now: float) -> tuple[Self, Question]:
        """Keep a question. One more than a caller may have removes their oldest."""
        after, at = self._moment(now)
        question = replace(question, asked_at=at)
        mine = [it.id for it in self.questions.values() if it.caller == question.caller]
        removed = {*mine[: -MOST_QUESTIONS + 1], question.id}
        kept = {name: it for name, it in self.questions.items() if name not in removed}
        return replace(after, questions={**kept, question.id: question}), question

    def ask_elsewhere(self, question: Question, now: float) -> tuple[Self, Question]:
        """Let a panel or the page ask. Returns the open question about the same call, if any.

        A stop is asked about each time.
        """
        earlier = self.same_call(question.operations, question.caller)
        if earlier and not earlier.is_stop and self.is_good(earlier, now):
            return self.discard(question.id)[0], earlier
        if question.id in self.questions:  # it was asked by the call
            return self.with_question(question), question
        return self.ask(question, now)

    def same_call(self, operations: Operations, caller: str) -> Question | None:
        """The latest question in a panel or on the page about the same call."""
        found = [
            it
            for it in self.questions.values()
            if it.is_elsewhere and it.caller == caller and it.operations == operations
        ]
        return found[-1] if found else None

    def change(
        self, question_id: str, change: Callable[[Question], Question | None]
    ) -> tuple[Self, bool]:
        """Change a question, or remove it. Returns whether that changed anything."""
        question = self.questions.get(question_id)
        after = question and change(question)
        if question == after:
            return self, False
        if after is None:
            return replace(self, questions=_without(self.questions, question_id)), True
        return self.with_question(after), True

    def discard(self, question_id: str) -> tuple[Self, bool]:
        """Forget a question that no call has used."""
        return self.change(question_id, lambda it: it if it.is_used else None)

    def hurry(self, question_id: str, now: float) -> tuple[Self, bool]:
        """A confirmation came too soon. True if that withdraws the question."""

        def note(question: Question) -> Question | None:
            return question if question.is_used else question.after_hurry(now)

        after, _ = self.change(question_id, note)
        return after, question_id not in after.questions

    def decline(self, question: Question, refusals: str, now: float) -> tuple[Self, None]:
        """A person said no. How often they did is remembered for a while."""
        again = Refusals.after_another(self.refusals.get(refusals), now)
        after = replace(self, refusals={**_without(self.refusals, refusals), refusals: again})
        if not question.is_elsewhere:  # a panel and a page show what became of it
            after, _ = after.discard(question.id)
        return after, None

    # Stops

    def last_stop_for(self, caller: str) -> float:
        """The moment of the last stop that counts for a caller: their own from the beginning."""
        return max(self.last_stop, self.own_stops.get(caller, 0.0))

    def begin_stop(self, it: BeginStop, now: float, lease: float) -> tuple[Self, float | None]:
        """Begin a stop, once: it voids its caller's approvals. Returns its moment.

        None if its approval was used. One that was sent already is begun in any case.
        """
        if it.age is None and it.approval in self.used_stops:
            return self, None
        after, at = self._moment(now)
        if it.age is not None:
            at = now - it.age
        used = self.used_stops.get(it.approval, UsedStop(at, IN_PROGRESS))
        own = max(at, self.own_stops.get(it.caller, 0.0))
        after = replace(
            after,
            own_stops={**_without(self.own_stops, it.caller), it.caller: own},
            used_stops={**self.used_stops, it.approval: used},
            stopping={**self.stopping, it.name: now + lease},
        )
        return after, at

    def end_stop(self, it: EndStop) -> tuple[Self, bool]:
        """End a stop. One that counts voids everybody's approvals, but stops nothing if refused.

        True if it must be sent once more: a go-live with an older approval ended while it was sent,
        so TRaX may have got that last. Then no call begins until it `was_repeated`.
        """
        after, start, crossed = self.note_stop(it.approval, it.words)[0], self.start, False
        if it.fate == "counts":
            after, _ = after.count_stop(it.at)
        was_taken = it.fate == "counts" and it.words is not None
        if start is not None and was_taken and start.asked_at < it.at:
            crossed = not start.was_stopped and (start.ended_at or 0.0) > it.at
            if start.state == "awaited" and not crossed:
                after = replace(after, start=replace(start, state="stopped"))
        return after if crossed else after.give_turn_back(it.name)[0], crossed

    def begin_repeat(
        self, it: EndStop, start_id: str | None, now: float, lease: float
    ) -> tuple[Self, bool]:
        """Let a stop be sent once more.

        False if a go-live other than this one has begun since, or none can come any more: the
        machine may have slept.
        """
        start = self.start
        is_newer = start is not None and start.id != start_id and start.sent_at > it.at
        if is_newer or now >= it.at + START_SECONDS:
            return self, False
        return replace(self, stopping={**self.stopping, it.name: now + lease}), True

    def was_repeated(self, it: EndStop) -> tuple[Self, None]:
        """A stop was sent once more. A start that was seen on air before that comes no more."""
        after, start = self, self.start
        if start is not None and start.asked_at < it.at:
            is_over = start.state in {"seen", "over"}
            stopped = replace(start, state="over" if is_over else "stopped")
            after = replace(self, start=stopped)
        return after.give_turn_back(it.name)

    def count_stop(self, at: float) -> tuple[Self, None]:
        """A stop counts for everybody: TRaX took it, or its caller may read the studio."""
        return replace(self, last_stop=max(self.last_stop, at)), None

    def note_stop(self, approval: str, words: str | None) -> tuple[Self, None]:
        """Keep what became of a stop, in words. None: its approval is given back."""
        used = self.used_stops.get(approval)
        told = {approval: replace(used, outcome=words)} if used and words else {}
        return replace(self, used_stops={**_without(self.used_stops, approval), **told}), None

    # What is kept

    def pruned(self, now: float) -> Self:
        """Without what is older than its time."""
        start = self.start
        is_running = start is not None and self.turn is not None and self.turn.id == start.id
        is_old = start is not None and now >= start.sent_at + START_SECONDS and not is_running
        after = replace(
            self,
            stopping={name: until for name, until in self.stopping.items() if now < until},
            start=None if is_old else start,
            last_stop=self.last_stop if now < self.last_stop + STOP_SECONDS else 0.0,
            own_stops=_recent(self.own_stops, lambda at: now < at + STOP_SECONDS, MOST_OTHERS),
            used_stops=_recent(
                self.used_stops, lambda it: now < it.at + QUESTION_SECONDS, MOST_OTHERS
            ),
            questions=_recent(self.questions, lambda it: now < it.kept_until, MOST_IN_ALL),
            refusals=_recent(
                self.refusals, lambda it: now < it.last_at + REFUSALS_SECONDS, MOST_OTHERS
            ),
            auto_go_live_until=self.auto_go_live_until if now < self.auto_go_live_until else 0.0,
        )
        is_empty = after == type(self)(latest=after.latest)
        return type(self)() if is_empty else after

    def with_question(self, question: Question) -> Self:
        """The same with this question, new or changed."""
        return replace(self, questions={**self.questions, question.id: question})

    def _moment(self, now: float) -> tuple[Self, float]:
        """A new moment, after all others of the record, though the clock stands, or goes back."""
        at = max(now, self.latest + _TICK)
        return replace(self, latest=at), at

    def _is_unused(self, question: Question) -> bool:
        is_over = question.is_used or question.result is not None
        return not is_over and not self.is_void(question)


def _without(kept: Mapping[str, ItemT], name: str | None) -> Mapping[str, ItemT]:
    return {key: it for key, it in kept.items() if key != name}


def _recent(
    kept: Mapping[str, ItemT], is_recent: Callable[[ItemT], bool], most: int
) -> Mapping[str, ItemT]:
    """The last `most` of what is recent: what came last stands last."""
    recent = [(name, it) for name, it in kept.items() if is_recent(it)]
    return dict(recent[-most:])
