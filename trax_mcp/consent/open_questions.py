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
from pydantic import ValidationError

from trax_mcp.actions.stream import STAY_ON_AIR, GoOffline
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import TraxError
from trax_mcp.clock import Clock
from trax_mcp.consent.calls import (
    NO_EVIDENCE,
    ApprovedIn,
    Ask,
    Channel,
    Evidence,
    GuardedCall,
    NotRun,
    PersonAnswer,
    Reason,
)
from trax_mcp.consent.guard import ConsentGuard
from trax_mcp.consent.questions import (
    QUESTION_SECONDS,
    READING_SECONDS,
    REPORT_SECONDS,
    Ended,
    Phase,
    Question,
    QuestionState,
)
from trax_mcp.consent.records import Away
from trax_mcp.consent.shielded_tasks import ShieldedTasks
from trax_mcp.consent.stop_token import StopToken

_KEPT_SECONDS: Final = 60.0
"""How long an outcome waits for a call to learn it. Later, it may not be so any more."""
MAX_OPEN: Final[Mapping[Channel, int]] = {"panel": 32, "page": 3}
"""The most open questions of one owner, beside as many about stops. One more ends the oldest."""


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question in a panel or on the page, for those who show it and those who wait for it."""

    id: str
    call: GuardedCall
    questions: "OpenQuestions"

    @property
    def is_stop(self) -> bool:
        """Whether it is about a stop."""
        return self.call.stops_broadcast

    @property
    def ticket(self) -> str:
        """What lets a panel answer it. That of a stop says all that a stop needs."""
        return f"{self.id}.{self.call.studio_id}" if self.is_stop else self.id

    async def state(self) -> QuestionState:
        """What it is now."""
        return await self.questions.kept.read(self.id, self.call.caller)

    async def changed(self) -> None:
        """Wait until it may have changed."""
        await self.questions.store.records.changed()

    # What a panel or the page does

    async def report(self, number: int | None = None) -> None:
        """A panel or the page shows it."""

        def shown(question: Question, now: float) -> Question:
            is_this = number in {None, question.number} and question.phase(now) == "open"
            is_new = is_this and question.shown_at is None
            return replace(question, shown_at=now) if is_new else question

        await self._change(shown)

    async def answer(self, number: int, choice: str, *, by: ApprovedIn) -> Ended | Ask | None:
        """A person has answered. The call runs if the answer counts; else None is returned."""
        if self.is_stop:
            return await self._answer_about_stop(choice, by=by)
        state = await self.state()
        question = state.question
        if question is None or not question.counts(
            number, choice, by, state.now, needs_passkey=self.questions.needs_passkey
        ):
            return None
        answer = PersonAnswer(question.id, "chosen", choice, question.number)
        said = "yes" if choice == question.choice else "no"
        return await self._run(Evidence(answer=answer, answered_in=by), said, number)

    async def _answer_about_stop(self, choice: str, *, by: ApprovedIn) -> Ended | Ask | None:
        """A stop needs its yes alone, which is its id: nothing is read before it is sent."""
        studio_id = self.call.studio_id
        token = StopToken.read(self.id, key=self.call.caller.key or "", studio_id=studio_id)
        if choice == STAY_ON_AIR:
            asked_at = token.until - QUESTION_SECONDS if token else 0.0
            if self.questions.now() < asked_at + READING_SECONDS:  # nobody has read it
                return None
            self.questions.audit.write("answered", self.call, answeredIn=by, answer="no")
            await self.end(declined := self._not_run("declined"))
            return declined
        if token is None or not token.has_choice(choice):
            return None
        return await self._run(Evidence(confirm=True, confirmation=self.id, answered_in=by), "yes")

    async def _run(self, evidence: Evidence, said: str, number: int | None = None) -> Ended | Ask:
        """Run the call with an answer, and keep what came of it."""
        it, call = self.questions, self.call._replace(evidence=evidence)
        it.audit.write("answered", self.call, answeredIn=evidence.answered_in, answer=said)
        result: Ended | Ask = call.interrupted()
        try:
            with it.tasks.shield(deadline=anyio.current_time() + QUESTION_SECONDS):
                result = await it.run(call)
        finally:
            if not isinstance(result, Ask):  # else the question has changed already
                with anyio.CancelScope(shield=True):
                    await self.end(result, number)
        return result

    async def move_to_page(self) -> None:
        """The page shows it from now on, and no panel."""
        await self._change(lambda question, _: replace(question, channel="page"))

    async def give_up_showing(self) -> None:
        """Nothing can show it, so it is of no use, unless it was shown before."""

        def unshown(question: Question, now: float) -> Question:
            is_open = question.phase(now) == "open" and not question.was_reported
            return replace(question, is_unshown=True) if is_open else question

        await self._take_back(unshown, "nothing has shown it")

    # What calls do

    async def wait_for_report(self) -> bool:
        """Wait until it is shown, or it is over. False if nothing shows it in time."""
        async with self.questions.waiting(self, REPORT_SECONDS):
            while not (await self.state()).is_reported:
                await self.changed()
        state = await self.state()
        return state.is_reported and state.phase != "unreported"

    async def wait(self, seconds: float) -> Ended | None:
        """Wait until it has ended. Returns the result, or None if a person is still asked."""
        state = await self.state()
        if state.question is not None:
            seconds = min(seconds, state.question.open_until - state.now)
        if seconds > 0 and not state.is_over:
            async with self.questions.waiting(self, seconds):
                while not (await self.state()).is_over:
                    await self.changed()
            state = await self.state()
        return state.result(self.call.tool) if state.is_over else None

    async def leave(self) -> None:
        """No call waits for it any more. It stays open for a while, and the same call joins it."""

        def left(question: Question, now: float) -> Question:
            is_new = question.phase(now) == "open" and question.left_at is None
            return replace(question, left_at=now) if is_new else question

        with suppress(Away):
            await self._change(left)

    async def join(self) -> None:
        """A call waits for it again."""

        def joined(question: Question, now: float) -> Question:
            is_open = question.phase(now) == "open"
            return replace(question, left_at=None) if is_open else question

        with suppress(Away):
            await self._change(joined)

    async def told(self) -> None:
        """A call has learnt the result."""
        await self._change(lambda question, _: replace(question, is_told=True))

    async def end(self, result: Ended, number: int | None = None) -> None:
        """Keep the first result. A later press changes nothing, nor one of an earlier question."""
        is_late = isinstance(result, NotRun) and result.reason == "used"

        def ended(question: Question, now: float) -> Question:
            is_earlier = number not in {None, question.number} and not question.is_used
            if question.result is not None or is_late or is_earlier:
                return question
            return replace(question, result=result, ended_at=now)

        await self.questions.store.later.now_or_later(lambda: self._change(ended))

    async def withdraw(self, why: str) -> None:
        """End it without an answer, if it is open. Nothing is sent.

        Calls that wait for it learn that. Later ones are asked about anew.
        """
        result = self._not_run("cancelled", why)

        def withdrawn(question: Question, now: float) -> Question:
            is_open = question.phase(now) == "open"
            ended = replace(question, result=result, ended_at=now, is_told=True)
            return ended if is_open else question

        await self._take_back(withdrawn, why)

    async def _change(self, change: Callable[[Question, float], Question]) -> bool:
        return await self.questions.kept.change(self.id, change)

    async def _take_back(self, change: Callable[[Question, float], Question], why: str) -> None:
        """End it, so that it can no longer be answered. A stop's token stays good."""
        with anyio.CancelScope(shield=True), suppress(Away):
            if await self._change(change):
                self.questions.audit.write("withdrawn", self.call, reason=why)

    def _not_run(self, reason: Reason, why: str | None = None) -> NotRun:
        return NotRun(self.call.tool, "declined", reason, why=why)


class Page(Protocol):
    """Where questions are shown in the browser of the person at this machine."""

    def can_open(self) -> bool:
        """Whether there seems to be a browser."""
        ...

    def show(self, question: OpenQuestion, *, asker: str = "", after_seconds: float = 0) -> None:
        """Begin to show a question of the client `asker`, unless a panel reports it by then."""
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
        self.store = guard.store
        self.kept = guard.store.questions
        self.audit = guard.audit
        self.tasks = tasks
        self.needs_passkey = needs_passkey
        self._guard = guard
        self._clock = clock
        self._opened_here: dict[tuple[str, Channel, bool], list[OpenQuestion]] = {}
        self._waiting_calls: Counter[str] = Counter()

    def now(self) -> float:
        """The time, in Unix seconds."""
        return self._clock.now().timestamp()

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
        is_stop = call.stops_broadcast
        if is_stop:  # the yes is the same for a click and for the model
            question = self.store.question_about_stop(call, ask.preview, ask.question_id)
        else:
            asked = (await self.kept.read(ask.question_id, call.caller)).question
            if asked is None:  # others were asked since
                raise call.interrupted()
            question = asked
        room = (call.caller.fingerprint, channel, is_stop)
        await self._make_room(room)
        opened = await self.kept.open(
            question, call.caller, channel=channel, must_report=must_report
        )
        it = self._handle(opened.id, call)
        if opened.id == question.id:
            self._opened_here.setdefault(room, []).append(it)
            self.audit.write("asked", call, channel=channel)
        return it

    async def get(self, ticket: str, caller: Caller) -> OpenQuestion | None:
        """The question of a ticket, if it is this caller's. That about a stop is in the ticket."""
        token, _, studio_id = ticket.partition(".")
        if StopToken.read(token, key=caller.key or "", studio_id=studio_id) is not None:
            with suppress(ValidationError):  # a caller can sign anything with their own key
                return self._handle(token, GuardedCall((GoOffline(studio_id=studio_id),), caller))
        question = (await self.kept.read(ticket, caller)).question
        if question is None:
            return None
        return self._handle(question.id, GuardedCall(question.operations, caller))

    async def find(self, call: GuardedCall) -> tuple[OpenQuestion, Phase] | None:
        """The latest question that a call must know of: the same call, and news for it.

        A question about going on air is none after a stop, nor an outcome that was told, or is
        old. A stop is always a new call.
        """
        state = await self.kept.same_call(call)
        question = state.question
        if question is None or question.is_told or question.was_left(state.now):
            return None
        found = self._handle(question.id, call), state.phase
        if state.phase in {"running", "unreported"}:
            return found
        seen = await self.store.look(self.store.place(call), call._replace(evidence=NO_EVIDENCE))
        if question.is_void_after(seen.last_stop):
            return None
        if state.phase == "open":
            return found
        since = question.ended_at or question.asked_at + QUESTION_SECONDS
        is_recent = state.now < since + _KEPT_SECONDS
        return found if is_recent and not question.is_stop else None

    async def run(self, call: GuardedCall) -> Ended | Ask:
        """Run a call with a person's answer."""
        try:
            return await self._guard.run(call)
        except TraxError as error:
            return error.copy()

    def count_waited_for(self) -> int:
        """How many of them a call waits for here."""
        return len(self._waiting_calls)

    @asynccontextmanager
    async def waiting(self, it: OpenQuestion, seconds: float) -> AsyncIterator[None]:
        """A call waits here. If the last one that waits is cancelled, the question is left.

        At the end of the process it is withdrawn, unless other replicas go on with it.
        """
        self._waiting_calls[it.id] += 1
        try:
            async with self._clock.move_on_after(seconds):
                yield
        except anyio.get_cancelled_exc_class():
            is_last = self._waiting_calls[it.id] == 1
            if is_last:
                with anyio.CancelScope(shield=True):
                    if not self.tasks.is_ending:
                        await it.leave()
                    elif not self.store.records.is_shared:
                        await it.withdraw("the call was cancelled")
            raise
        finally:
            self._waiting_calls[it.id] -= 1
            if not self._waiting_calls[it.id]:
                del self._waiting_calls[it.id]

    def _handle(self, question_id: str, call: GuardedCall) -> OpenQuestion:
        can_ask = not call.stops_broadcast
        return OpenQuestion(question_id, call._replace(evidence=NO_EVIDENCE, can_ask=can_ask), self)

    async def _make_room(self, room: tuple[str, Channel, bool]) -> None:
        alike = self._opened_here.get(room, [])
        open_ones = [it for it in alike if (await it.state()).phase == "open"]
        most = MAX_OPEN[room[1]] - 1
        for oldest in open_ones[: max(0, len(open_ones) - most)]:
            await oldest.withdraw("others were asked since")
        self._opened_here[room] = open_ones[-most:]
