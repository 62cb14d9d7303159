"""Questions that a person answers outside of the call that asks: in a panel or on the page.

An answer runs the guarded call again at once, from the beginning. The store ensures that it runs
once, at whichever replica the answer arrives.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol

import anyio
from pydantic import ValidationError

from trax_mcp.actions.stream import STAY_ON_AIR, GoOffline
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import TraxError, interrupted
from trax_mcp.consent.calls import Answer, Ask, By, Call, NotRun
from trax_mcp.consent.guard import Guard
from trax_mcp.consent.question import (
    QUESTION_SECONDS,
    READING_SECONDS,
    REPORT_SECONDS,
    Ended,
    Phase,
    Question,
    QuestionState,
)
from trax_mcp.consent.state import StudioRecord
from trax_mcp.consent.stop import question_as_signed
from trax_mcp.consent.stop_token import StopToken
from trax_mcp.consent.stopping import digest
from trax_mcp.consent.store import StoreUnavailable, record_name_in

Elsewhere = Literal["panel", "page"]
_KEPT_SECONDS: Final = 60.0
"""How long an outcome waits for a call to learn it. Later, it may not be so any more."""
MAX_OPEN: Final[Mapping[Elsewhere, int]] = {"panel": 32, "page": 3}
"""The most open questions of one owner, and as many about stops. One more ends the oldest."""


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question in a panel or on the page, for those who show it and those who wait for it.

    `record_name` is where it is kept.
    """

    id: str
    call: Call
    record_name: str
    questions: "OpenQuestions"

    @property
    def is_stop(self) -> bool:
        """Whether it is about a stop."""
        return self.call.is_stop

    @property
    def ticket(self) -> str:
        """What lets a panel answer it. That of a stop says all that a stop needs."""
        return f"{self.id}.{self.call.studio}" if self.is_stop else self.id

    async def state(self) -> QuestionState:
        """What it is now."""
        seen = await self.questions.store.look(self.record_name)
        question = seen.studio.question(self.id, self.call.caller.fingerprint, seen.now)
        used = seen.studio.used_stops.get(digest(self.id))  # only a stop's word is kept there
        if question is not None and used is not None:
            question = replace(question, used_by=self.id, used_at=used.at)
        return QuestionState(question, seen.now)

    def as_signed(self) -> QuestionState:
        """The same of a stop as its signed word tells it, where the store is away."""
        question = question_as_signed(self.questions.guard.parts, self.call, self.id)
        return QuestionState(question, self.questions.now())

    async def changed(self) -> None:
        """Wait until it may have changed."""
        await self.questions.store.records.changed()

    # What a panel or the page does

    async def report(self) -> None:
        """A panel or the page shows it."""

        def shown(question: Question, now: float) -> Question:
            is_new = question.phase(now) == "open" and question.shown_at is None
            return replace(question, shown_at=now) if is_new else question

        await self._change(shown)

    async def answer(self, choice: str, *, by: By) -> Ended | None:
        """A person has answered. The call runs if the answer counts; else None is returned."""
        if self.is_stop:
            return await self._answer_about_stop(choice, by=by)
        state, needs_passkey = await self.state(), self.questions.needs_passkey
        question = state.question
        if question is None or not question.counts(
            choice, by, state.now, needs_passkey=needs_passkey
        ):
            return None
        return await self._run(choice, by=by, is_yes=choice == question.preview.yes)

    async def _answer_about_stop(self, choice: str, *, by: By) -> Ended | None:
        """A stop needs its approval alone, which is its id: nothing is read before it is sent."""
        key = self.call.caller.key or ""
        token = StopToken.read(self.id, key=key, studio_id=self.call.studio)
        if choice == STAY_ON_AIR:
            asked_at = token.until - QUESTION_SECONDS if token else 0.0
            if self.questions.now() < asked_at + READING_SECONDS:  # nobody has read it
                return None
            with suppress(StoreUnavailable):
                if (await self.state()).phase == "running":  # it was sent
                    return None
            self.questions.guard.parts.write("answered", self.call, answeredIn=by, answer="no")
            await self.end(declined := NotRun("declined", "declined"))
            return declined
        if token is None or not token.has_choice(choice):
            return None
        return await self._run(choice, by=by, is_yes=True)

    async def _run(self, choice: str, *, by: By, is_yes: bool) -> Ended:
        """Run the call with an answer, and keep what became of it."""
        it, call = self.questions, self.call._replace(answer=Answer(self.id, by, choice))
        said = "yes" if is_yes else "no"
        it.guard.parts.write("answered", self.call, answeredIn=by, answer=said)
        result: Ended = interrupted(call.operations[0])
        try:
            deadline = anyio.current_time() + QUESTION_SECONDS
            with it.guard.parts.tasks.shield(deadline=deadline):
                result = await it.run(call)
        finally:
            with anyio.CancelScope(shield=True):
                await self.end(result)
        return result

    async def move_to_page(self) -> None:
        """The page shows it from now on, and no panel."""
        await self._change(lambda question, _: replace(question, way="page"))

    async def give_up_showing(self) -> None:
        """Nothing can show it, so it is of no use, unless it was shown before."""

        def unshown(question: Question, now: float) -> Question:
            is_open = question.phase(now) == "open" and question.shown_at is None
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
        return state.result() if state.is_over else None

    async def leave(self) -> None:
        """No call waits for it any more. It stays open for a while, and the same call joins it."""

        def left(question: Question, now: float) -> Question:
            is_new = question.phase(now) == "open" and question.left_at is None
            return replace(question, left_at=now) if is_new else question

        with suppress(StoreUnavailable):
            await self._change(left)

    async def join(self) -> None:
        """A call waits for it again."""

        def joined(question: Question, now: float) -> Question:
            return replace(question, left_at=None) if question.phase(now) == "open" else question

        with suppress(StoreUnavailable):
            await self._change(joined)

    async def told(self) -> None:
        """A call has learnt the result."""
        await self._change(lambda question, _: replace(question, is_told=True))

    async def end(self, result: Ended) -> None:
        """Keep the first result. A later press changes nothing."""
        is_late = isinstance(result, NotRun) and result.reason == "used"

        def ended(question: Question, now: float) -> Question:
            if question.result is not None or is_late:
                return question
            return replace(question, result=result, ended_at=now)

        await self.questions.store.now_or_later(lambda: self._change(ended))

    async def withdraw(self, why: str) -> None:
        """End it without an answer, if it is open. Nothing is sent.

        Calls that wait for it learn that. Later ones ask again.
        """
        result = NotRun("declined", "cancelled", why)

        def withdrawn(question: Question, now: float) -> Question:
            is_open = question.phase(now) == "open"
            ended = replace(question, result=result, ended_at=now, is_told=True)
            return ended if is_open else question

        await self._take_back(withdrawn, why)

    async def _change(self, change: Callable[[Question, float], Question]) -> bool:
        def step(studio: StudioRecord, now: float) -> tuple[StudioRecord, bool]:
            return studio.change(self.id, lambda question: change(question, now))

        return await self.questions.store.update(self.record_name, step)

    async def _take_back(self, change: Callable[[Question, float], Question], why: str) -> None:
        """End it, so that it can no longer be answered. A stop's word stays good."""
        with anyio.CancelScope(shield=True), suppress(StoreUnavailable):
            if await self._change(change):
                self.questions.guard.parts.write("withdrawn", self.call, reason=why)


class LocalPage(Protocol):
    """Where questions are shown in the browser of the person at this machine."""

    def show(self, question: OpenQuestion, *, asker: str = "", after_seconds: float = 0) -> None:
        """Begin to show a question of the client `asker`, unless a panel reports it by then."""
        ...

    def close(self) -> None:
        """Leave nothing behind: the process is about to end."""
        ...


class OpenQuestions:
    """The questions in panels and on the page."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self.store = guard.parts.store
        self.needs_passkey = guard.parts.rules.ask.needs_passkey
        self._opened_here: dict[tuple[str, Elsewhere, bool], list[OpenQuestion]] = {}
        self._waiting_calls: Counter[str] = Counter()

    def now(self) -> float:
        """The time, in Unix seconds."""
        return self.guard.parts.clock.now().timestamp()

    async def open(
        self, call: Call, ask: Ask, question: Question, *, must_report: bool = False
    ) -> OpenQuestion:
        """Ask a person. May withdraw the oldest question of the same owner.

        Returns the question that is asked already about the same call, if there is one.
        """
        way: Elsewhere = "page" if question.way == "page" else "panel"
        room = (call.caller.fingerprint, way, call.is_stop)
        await self._make_room(room)
        question = replace(question, must_report=must_report)
        opened = await self.store.update(
            ask.record_name, lambda studio, now: studio.ask_elsewhere(question, now)
        )
        if not call.is_stop:  # a preview asks about it, too
            self.guard.write_asked(call, ask, way)
        it = OpenQuestion(opened.id, call._replace(answer=None), ask.record_name, self)
        if opened.id == question.id:
            self._opened_here.setdefault(room, []).append(it)
            self.guard.parts.write("asked", call, channel=way)
        return it

    async def get(self, ticket: str, caller: Caller) -> OpenQuestion | None:
        """The question of a ticket, if it is this caller's. That about a stop is in the ticket."""
        token, _, studio_id = ticket.partition(".")
        if StopToken.read(token, key=caller.key or "", studio_id=studio_id) is not None:
            with suppress(ValidationError):  # a caller can sign anything with their own key
                call = Call((GoOffline(studio_id=studio_id),), caller)
                return OpenQuestion(token, call, self.guard.parts.record_name(call), self)
        record_name = record_name_in(ticket)
        seen = await self.store.look(record_name)
        question = seen.studio.question(ticket, caller.fingerprint, seen.now)
        if question is None:
            return None
        return OpenQuestion(question.id, Call(question.operations, caller), record_name, self)

    async def find(self, call: Call) -> tuple[OpenQuestion, Phase] | None:
        """The latest question that a call must know of: the same call, and news for it.

        A question about going on air is none after a stop, nor an outcome that was told, or is
        old. A stop is always a new call.
        """
        seen = await self.store.look(record_name := self.guard.parts.record_name(call))
        studio, caller = seen.studio, call.caller.fingerprint
        latest = studio.same_call(call.operations, caller)
        question = studio.question(latest.id, caller, seen.now) if latest else None
        if question is None or question.is_told or question.was_left(seen.now):
            return None
        phase = question.phase(seen.now)
        found = OpenQuestion(question.id, call._replace(answer=None), record_name, self), phase
        if phase in {"running", "unreported"}:
            return found
        if studio.is_void(question):
            return None
        if phase == "open":
            return found
        since = question.ended_at or question.asked_at + QUESTION_SECONDS
        is_recent = seen.now < since + _KEPT_SECONDS
        return found if is_recent and not question.is_stop else None

    async def run(self, call: Call) -> Ended:
        """Run a call with a person's answer."""
        try:
            result = await self.guard.run(call)
        except TraxError as error:
            return error.copy()
        if isinstance(result, Ask):
            raise TypeError(result)  # no answer of a person leads to another question
        return result

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
            async with self.guard.parts.clock.move_on_after(seconds):
                yield
        except anyio.get_cancelled_exc_class():
            is_last = self._waiting_calls[it.id] == 1
            if is_last:
                with anyio.CancelScope(shield=True):
                    if not self.guard.parts.tasks.is_ending:
                        await it.leave()
                    elif not self.store.records.is_shared:
                        await it.withdraw("the call was cancelled")
            raise
        finally:
            self._waiting_calls[it.id] -= 1
            if not self._waiting_calls[it.id]:
                del self._waiting_calls[it.id]

    async def _make_room(self, room: tuple[str, Elsewhere, bool]) -> None:
        alike = self._opened_here.get(room, [])
        open_ones = [it for it in alike if (await it.state()).phase == "open"]
        most = MAX_OPEN[room[1]] - 1
        for oldest in open_ones[: max(0, len(open_ones) - most)]:
            await oldest.withdraw("others were asked since")
        self._opened_here[room] = open_ones[-most:]
