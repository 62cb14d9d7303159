"""Questions that a person answers outside of the call that asks: in a panel or on the page.

An answer runs the guarded call again at once, from the beginning. The store ensures that it runs
once, at whichever replica the answer arrives.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final, Protocol

import anyio

from trax_mcp.api.caller import Caller
from trax_mcp.api.error_texts import interrupted
from trax_mcp.api.errors import Failure, TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.clock import Clock
from trax_mcp.consent.calls import Ask, Done, GuardedCall, NotRun
from trax_mcp.consent.evidence import (
    NO_EVIDENCE,
    ApprovedIn,
    Channel,
    Evidence,
    PersonAnswer,
    Reason,
)
from trax_mcp.consent.guard import ConsentGuard
from trax_mcp.consent.questions import NOT_KNOWN, QUESTION_SECONDS, REPORT_SECONDS, Phase, Question
from trax_mcp.consent.records import Away
from trax_mcp.consent.shielded_tasks import ShieldedTasks

_KEPT_SECONDS: Final[Mapping[str, float]] = {"panel": 60.0, "page": QUESTION_SECONDS}
"""How long an outcome waits for a call to learn it. A panel tells its client at once."""
MAX_OPEN: Final[Mapping[Channel, int]] = {"panel": 32, "page": 3}
"""The most open questions of one owner, beside as many about stops. One more ends the oldest."""

Ended = Done | NotRun | Failure


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question in a panel or on the page, for those who show it and those who wait for it."""

    id: str
    call: GuardedCall
    questions: "OpenQuestions"

    @property
    def is_stop(self) -> bool:
        """Whether it is about a stop."""
        return self.call.operation.stops_broadcast

    async def state(self) -> "QuestionState":
        """What it is now."""
        return await self.questions.state(self)

    async def report(self, number: int | None = None) -> None:
        """A panel or the page shows it."""
        await self.questions.report(self, number)

    async def answer(self, number: int, choice: str, *, by: ApprovedIn) -> None:
        """A person has answered. The call runs, if the answer counts."""
        await self.questions.answer(self, number, choice, by=by)

    async def changed(self) -> None:
        """Wait until it may have changed."""
        await self.questions.changed(self)


@dataclass(frozen=True, slots=True)
class QuestionState:
    """A question as it is now. None if nothing is remembered of it."""

    question: Question | None
    now: float

    @property
    def phase(self) -> Phase:
        """Its phase."""
        return "ended" if self.question is None else self.question.phase(self.now)

    @property
    def is_over(self) -> bool:
        """Whether no answer can run it any more."""
        return self.phase in {"ended", "unreported"}

    @property
    def is_reported(self) -> bool:
        """Whether it was shown, or needs no showing any more."""
        return self.is_over or (self.question is not None and self.question.was_reported)

    def result(self, tool: str) -> Ended | None:
        """What has come of it. None if it is open, or was not shown."""
        if self.question is None:
            return NotRun(tool, "confirmation_invalid", "expired")
        if self.question.result is not None:
            return self.question.result
        if self.phase == "ended" and self.question.is_used:
            why = self.question.outcome or NOT_KNOWN
            return NotRun(tool, "confirmation_invalid", "used", why=why)
        return NotRun(tool, "declined", "timed_out") if self.phase == "ended" else None


class Page(Protocol):
    """Where questions are shown in the browser of the person at this machine."""

    def can_open(self) -> bool:
        """Whether there seems to be a browser."""
        ...

    def show(self, question: OpenQuestion, *, after_seconds: float = 0) -> None:
        """Begin to show a question, unless a panel has reported it by then."""
        ...

    def close(self) -> None:
        """Leave nothing behind: the process is about to end."""
        ...


class OpenQuestions:
    """The questions in panels and on the page."""

    def __init__(
        self,
        guard: ConsentGuard,
        *,
        tasks: ShieldedTasks,
        clock: Clock,
        needs_passkey: bool = False,
    ) -> None:
        self._guard = guard
        self._store = guard.store
        self._tasks = tasks
        self._clock = clock
        self._needs_passkey = needs_passkey
        self._opened_here: dict[tuple[str, Channel, bool], list[OpenQuestion]] = {}
        self._waiting_calls: Counter[str] = Counter()

    async def open(
        self,
        call: GuardedCall,
        ask: Ask,
        channel: Channel,
        *,
        must_report: bool = False,
    ) -> OpenQuestion:
        """Ask a person. May withdraw the oldest question of the same owner.

        Returns the question that is asked already about the same call, if there is one.
        """
        is_stop = call.operation.stops_broadcast
        if is_stop:  # the yes is the same for a click and for the model
            question = await self._store.ask_about_stop(
                call.operation, call.caller, ask.preview, ask.question_id
            )
        else:
            asked = await self._store.question(ask.question_id, call.caller)
            if asked is None:  # others were asked since
                raise interrupted(call.operation)
            question = asked
        await self._make_room(question.owner, channel, is_stop=is_stop)
        opened = await self._store.open(
            question, call.caller, channel=channel, must_report=must_report
        )
        it = self._handle(opened.id, call)
        if opened.id == question.id:
            self._opened_here.setdefault((question.owner, channel, is_stop), []).append(it)
            self._guard.audit.write("asked", call, channel=channel)
        return it

    async def get(self, question_id: str, caller: Caller) -> OpenQuestion | None:
        """The question of an id, if it is this caller's."""
        question = await self._store.question(question_id, caller)
        if question is None:
            return None
        return self._handle(question.id, GuardedCall(question.operation, caller))

    async def find(self, operation: Operation[Model], caller: Caller) -> OpenQuestion | None:
        """The latest question that a call must know of: the same call, and news for it.

        An outcome is told to one call, soon, and not after another stop. A stop is always a new
        call.
        """
        question = await self._store.same_call(operation, caller)
        if question is None or question.is_told:
            return None
        it = self._handle(question.id, GuardedCall(operation, caller))
        now = await self._store.now()
        if question.phase(now) != "ended":
            return it
        since = question.ended_at or question.asked_at + QUESTION_SECONDS
        is_recent = now < since + _KEPT_SECONDS[question.channel]
        if it.is_stop or not is_recent or await self._is_outdated(question, it):
            return None
        return it

    async def state(self, it: OpenQuestion) -> QuestionState:
        """What a question is now."""
        question = await self._store.question(it.id, it.call.caller)
        return QuestionState(question, await self._store.now())

    async def changed(self, it: OpenQuestion) -> None:
        """Wait until a question may have changed."""
        await self._store.question_changed(it.id)

    # What a panel or the page does

    async def report(self, it: OpenQuestion, number: int | None) -> None:
        """A question is shown."""

        def shown(question: Question, now: float) -> Question:
            is_this = number in {None, question.number} and question.phase(now) == "open"
            is_new = is_this and question.shown_at is None
            return replace(question, shown_at=now) if is_new else question

        await self._store.change(it.id, shown)

    async def answer(self, it: OpenQuestion, number: int, choice: str, *, by: ApprovedIn) -> None:
        """Run the call with a person's answer, if the answer counts."""
        state = await self.state(it)
        question, stop = state.question, it.is_stop
        if question is None or not question.counts(
            number, choice, by, state.now, needs_passkey=self._needs_passkey
        ):
            return
        said = "yes" if choice == question.choice else "no"
        self._guard.audit.write("answered", it.call, answeredIn=by, answer=said)
        if stop and said == "no":
            await self._end(it, _not_run(it, "declined"))
            return
        call = replace(it.call, evidence=_evidence(question, choice, by))
        if stop:
            await self._store.change(it.id, _used)
        result: Ended | Ask = interrupted(call.operation).failure
        try:
            deadline = anyio.current_time() + QUESTION_SECONDS
            with self._tasks.shield(deadline=deadline):
                result = await self._run(call)
        finally:
            if not isinstance(result, Ask):  # else the question has changed already
                with anyio.CancelScope(shield=True):
                    await self._end(it, result)

    async def move_to_page(self, it: OpenQuestion) -> None:
        """The page shows it from now on, and no panel."""
        await self._store.change(it.id, lambda kept, _: replace(kept, channel="page"))

    async def give_up_showing(self, it: OpenQuestion) -> None:
        """Nothing can show it, so it is of no use, unless it was shown before."""

        def unshown(question: Question, now: float) -> Question:
            is_open = question.phase(now) == "open" and not question.was_reported
            return replace(question, is_unshown=True) if is_open else question

        await self._take_back(it, unshown, "nothing has shown it")

    # What calls do

    async def wait_for_report(self, it: OpenQuestion) -> bool:
        """Wait until it is shown, or it is over. False if nothing shows it in time."""
        async with self._waiting(it, REPORT_SECONDS):
            while not (await self.state(it)).is_reported:
                await self.changed(it)
        state = await self.state(it)
        return state.is_reported and state.phase != "unreported"

    async def wait(self, it: OpenQuestion, seconds: float) -> Ended | None:
        """Wait until it has ended. Returns the result, or None if a person is still asked."""
        state = await self.state(it)
        if state.question is not None:
            left = state.question.asked_at + QUESTION_SECONDS - state.now
            seconds = min(seconds, left)
        if seconds > 0 and not state.is_over:
            async with self._waiting(it, seconds):
                while not (await self.state(it)).is_over:
                    await self.changed(it)
            state = await self.state(it)
        return state.result(it.call.operation.tool_name) if state.is_over else None

    async def told(self, it: OpenQuestion) -> None:
        """A call has learnt the result."""
        await self._store.change(it.id, lambda kept, _: replace(kept, is_told=True))

    async def fall_back(self, it: OpenQuestion) -> bool:
        """Nothing has shown it: let a call do without. False for all but the first such call."""
        before = await self._store.question(it.id, it.call.caller)

        def note(question: Question, _now: float) -> Question:
            return replace(question, is_told=question.fell_back, fell_back=True)

        await self._store.change(it.id, note)
        return before is not None and not before.fell_back

    async def end(self, it: OpenQuestion, result: Done) -> None:
        """It has a result: of the same stop by its confirmation."""
        await self._end(it, result)

    async def withdraw(self, it: OpenQuestion, why: str) -> None:
        """End it without an answer, if it is open. Nothing is sent.

        Calls that wait for it learn that. Later ones are asked about anew.
        """
        result = _not_run(it, "cancelled", why)

        def withdrawn(question: Question, now: float) -> Question:
            is_open = question.phase(now) == "open"
            ended = replace(question, result=result, ended_at=now, is_told=True)
            return ended if is_open else question

        await self._take_back(it, withdrawn, why)

    def _handle(self, question_id: str, call: GuardedCall) -> OpenQuestion:
        can_ask = not call.operation.stops_broadcast
        return OpenQuestion(question_id, replace(call, evidence=NO_EVIDENCE, can_ask=can_ask), self)

    async def _run(self, call: GuardedCall) -> Ended | Ask:
        try:
            return await self._guard.run(call)
        except TraxError as error:
            return error.failure

    async def _end(self, it: OpenQuestion, result: Ended) -> None:
        """Keep the result. The first one stays: a later press was only too late."""
        is_late = isinstance(result, NotRun) and result.reason == "used"

        def ended(question: Question, now: float) -> Question:
            if question.result is not None or (is_late and question.is_used):
                return question
            return replace(question, result=result, ended_at=now)

        async def keep() -> None:
            await self._store.change(it.id, ended)

        await self._store.now_or_later(keep)

    async def _take_back(
        self, it: OpenQuestion, change: Callable[[Question, float], Question], why: str
    ) -> None:
        """End it, so that it can no longer be answered. A stop's token stays good."""
        before = await self._store.question(it.id, it.call.caller)
        with anyio.CancelScope(shield=True), suppress(Away):
            after = await self._store.change(it.id, change)
            if before is not None and after is not None and after != before:
                self._guard.audit.write("withdrawn", it.call, reason=why)

    async def _is_outdated(self, question: Question, it: OpenQuestion) -> bool:
        """Whether a stop has come since it was asked."""
        call = it.call
        place = await self._store.place(call.operation, call.caller)
        seen = await self._store.look(place, None, call.operation, call.caller)
        return seen.studio.last_stop != question.last_stop

    async def _make_room(self, owner: str, channel: Channel, *, is_stop: bool) -> None:
        alike = self._opened_here.get((owner, channel, is_stop), [])
        open_ones = [it for it in alike if (await self.state(it)).phase == "open"]
        most = MAX_OPEN[channel] - 1
        for oldest in open_ones[: max(0, len(open_ones) - most)]:
            await self.withdraw(oldest, "others were asked since")
        self._opened_here[owner, channel, is_stop] = open_ones[-most:]

    @asynccontextmanager
    async def _waiting(self, it: OpenQuestion, seconds: float) -> AsyncIterator[None]:
        """A call waits here. If the last one that waits is cancelled, the question is withdrawn."""
        self._waiting_calls[it.id] += 1
        try:
            async with self._clock.move_on_after(seconds):
                yield
        except anyio.get_cancelled_exc_class():
            is_last = self._waiting_calls[it.id] == 1
            # At the end of a process, other replicas go on with it.
            if is_last and not (self._tasks.is_ending and self._store.records.is_shared):
                with anyio.CancelScope(shield=True):
                    await self.withdraw(it, "the call was cancelled")
            raise
        finally:
            self._waiting_calls[it.id] -= 1
            if not self._waiting_calls[it.id]:
                del self._waiting_calls[it.id]


def _evidence(question: Question, choice: str, by: ApprovedIn) -> Evidence:
    if question.stop_token is not None:
        return Evidence(confirm=True, confirmation=question.stop_token, answered_in=by)
    answer = PersonAnswer(question.id, "chosen", choice, question.number)
    return Evidence(answer=answer, answered_in=by)


def _used(question: Question, now: float) -> Question:
    """A question about a stop whose token is being used."""
    if question.phase(now) != "open":
        return question
    return replace(question, sender=question.id, used_at=now)


def _not_run(it: OpenQuestion, reason: Reason, why: str | None = None) -> NotRun:
    return NotRun(it.call.operation.tool_name, "declined", reason, why=why)
