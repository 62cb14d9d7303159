"""A question that a person answers outside of the call that asks: in a panel or on a page.

An approval is known by its ticket, which only its channel gets and no model reads. An answer runs
the guarded call again at once, from the beginning. The store ensures that it runs once.
"""

import math
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Final, Literal

import anyio

from trax_mcp.api.caller import Caller
from trax_mcp.api.error_texts import interrupted
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.clock import Clock
from trax_mcp.consent.calls import Done, GuardedCall, NotRun, Question
from trax_mcp.consent.confirmations import LIFETIME_SECONDS
from trax_mcp.consent.evidence import ApprovedIn, Channel, Evidence, PersonAnswer, Reason
from trax_mcp.consent.guard import ConsentGuard
from trax_mcp.consent.policy import READING_SECONDS
from trax_mcp.consent.question_state import REPORT_SECONDS, question_id
from trax_mcp.consent.shielded_tasks import ShieldedTasks

_KEPT_SECONDS: Final[Mapping[Channel, float]] = {"panel": 60.0, "page": LIFETIME_SECONDS}
"""How long an outcome waits for a call to learn it. A panel tells its client at once."""
_TICKET_BYTES: Final = 32

Phase = Literal["open", "running", "ended", "unreported"]
"""An approval is `open`, `running` while its answer is tried, and then `ended` with a result.

It is open again if the question has changed, `ended` too if nobody answered in time or if it was
withdrawn, and `unreported` if nothing has shown it in time.
"""
Ended = Done | NotRun | TraxError


class Approval:
    """One guarded call that waits for a person.

    Its question is replaced if what it showed has changed when the person agrees. An answer names
    the question that the person saw, and counts for no other. One that `must_report` is of no use
    if it was not shown in time.

    Later calls need not learn of it if it `is_known`.
    """

    def __init__(
        self,
        call: GuardedCall,
        question: Question,
        channel: Channel,
        *,
        guard: ConsentGuard,
        tasks: ShieldedTasks,
        clock: Clock,
        must_report: bool,
        needs_passkey: bool,
        ticket: str | None = None,
    ) -> None:
        self.ticket: Final = ticket or secrets.token_urlsafe(_TICKET_BYTES)
        self.call: Final = call
        self.is_stop: Final = call.operation.stops_broadcast
        self.channel: Channel = channel
        self.question = question
        self.result: Ended | None = None
        self.is_known = False
        self.reported: Final = anyio.Event()
        self.on_change: Callable[[], None] = lambda: None
        self._guard = guard
        self._tasks = tasks
        self._clock = clock
        self._needs_passkey = needs_passkey
        self._number = 1
        self._phase: Phase = "open"
        self._opened_at = clock.seconds()
        self._report_until = self._opened_at + REPORT_SECONDS if must_report else math.inf
        self._shown_at: float | None = None
        self._over_since = math.inf
        self._over: Final = anyio.Event()
        self._waiting_calls = 0
        self._fell_back = False
        self._ran_at: tuple[tuple[int, int], int] | None = None
        self._longest = LIFETIME_SECONDS

    # What it is now

    @property
    def phase(self) -> Phase:
        """Its phase. Time alone can end it."""
        now = self._clock.seconds()
        is_late = now >= self._report_until
        if self._phase == "open" and is_late and not self.reported.is_set():
            self._set_phase("unreported")
        if self._phase == "open" and now >= self._opened_at + self._longest:
            self.end(self._not_run("timed_out"))
        return self._phase

    @property
    def is_over(self) -> bool:
        """Whether no answer can run it any more."""
        return self.phase in {"ended", "unreported"}

    @property
    def age(self) -> float:
        """For how many seconds a person has been asked."""
        return self._clock.seconds() - self._opened_at

    @property
    def seconds_over(self) -> float:
        """For how many seconds it has been over."""
        return self._clock.seconds() - self._over_since if self.is_over else 0.0

    @property
    def question_id(self) -> str:
        """The id of its present question."""
        return question_id(self.question, self._number)

    async def concerns(self, operation: Operation[Model], caller: Caller) -> bool:
        """Whether a call must know of it: the same call of the same caller, and news for it.

        An outcome is told to one call, soon, and not after another call has run in the same studio.
        A stop is always a new call.
        """
        if self.call.operation != operation or not self.is_of(caller):
            return False
        if not self.is_stop:  # a stop waits for nothing
            await self.sync()
        if self.is_known:
            return False
        if self.phase != "ended":
            return True
        is_recent = self.seconds_over < _KEPT_SECONDS[self.channel]
        return is_recent and not self.is_stop and not await self._is_outdated()

    def is_of(self, caller: Caller) -> bool:
        """Whether its question is to this caller's person."""
        return self.call.caller.fingerprint == caller.fingerprint

    # What its channel does

    def report(self, question_id: str) -> None:
        """A panel or a page shows this question."""
        if self.phase == "open" and question_id == self.question_id and self._shown_at is None:
            self._shown_at = self._clock.seconds()
            self.reported.set()

    async def answer(
        self,
        question_id: str,
        choice: str,
        *,
        caller: Caller | None = None,
        claimed_name: str | None = None,
        answered_in: ApprovedIn | None = None,
    ) -> None:
        """Run the call with a person's answer, if the answer counts."""
        answered_in = answered_in or self.channel
        if not self._counts(question_id, choice, answered_in):
            return
        call = replace(
            self.call,
            caller=caller or self.call.caller,
            claimed_name=claimed_name or self.call.claimed_name,
            evidence=self._evidence(choice, answered_in),
        )
        said = "yes" if choice == self.question.yes else "no"
        self._guard.audit.write(
            "answered", call.operation, call.actor, answeredIn=answered_in, answer=said
        )
        if self.is_stop and said == "no":
            await self._guard.store.discard(self.question.confirmation_id)
            self.end(self._not_run("declined"))
            await self.sync()
        else:
            await self._run(call)

    async def give_up_showing(self) -> None:
        """Nothing can show it, so it is of no use, unless it was shown before."""
        if self.phase == "open" and not self.reported.is_set():
            await self._take_back("unreported", "nothing has shown it")

    async def sync(self) -> None:
        """Share what is known here, and learn what others know. Here nobody else knows of it."""

    # What calls do

    async def wait_for_report(self) -> bool:
        """Wait until its question is shown, or it is over. False if nothing shows it in time."""
        async with self._waiting(REPORT_SECONDS):
            await self.reported.wait()
        return self.reported.is_set() and self.phase != "unreported"

    async def wait(self, seconds: float) -> Ended | None:
        """Wait until it has ended. Returns the result, or None if a person is still asked."""
        seconds = min(seconds, LIFETIME_SECONDS - self.age)
        if seconds > 0 and not self.is_over:
            async with self._waiting(seconds):
                await self._wait_until_over()
        return self.result if self.is_over else None

    def fall_back(self) -> bool:
        """Nothing has shown it: let a call do without. False for all but the first such call."""
        self.is_known, self._fell_back = self._fell_back, True
        return not self.is_known

    def end(self, result: Ended) -> None:
        """It has a result: of an answer here, or of the same call by its confirmation."""
        self.result = result
        self._set_phase("ended")

    async def withdraw(self, why: str) -> None:
        """End it without an answer, if it is open. Nothing is sent.

        Calls that wait for it learn that. Later ones are asked about anew.
        """
        if self.phase == "open":
            self.result, self.is_known = self._not_run("cancelled", why), True
            await self._take_back("ended", why)

    def _counts(self, question_id: str, choice: str, answered_in: ApprovedIn) -> bool:
        """Whether an answer counts: it is one of the choices of the question that is open now.

        A yes comes no sooner than a person can read, and with the passkey, if one is enrolled. A
        stop needs neither.
        """
        if self.phase != "open" or question_id != self.question_id:
            return False
        if choice != self.question.yes:
            return choice == self.question.no
        if self.is_stop:
            return True
        was_read = self._shown_at is not None and (
            self._clock.seconds() >= self._shown_at + READING_SECONDS
        )
        return was_read and (answered_in == "passkey" or not self._needs_passkey)

    def _evidence(self, choice: str, answered_in: ApprovedIn) -> Evidence:
        confirmation_id = self.question.confirmation_id
        if self.is_stop:  # the model has the same confirmation
            return Evidence(confirm=True, confirmation=confirmation_id, answered_in=answered_in)
        answer = PersonAnswer(confirmation_id, "chosen", choice)
        return Evidence(answer=answer, answered_in=answered_in)

    async def _run(self, call: GuardedCall) -> None:
        """Run the call. It goes on if the sender of the answer does not wait for the result."""
        self._set_phase("running")
        result: Ended | Question = interrupted(call.operation)
        try:
            with self._tasks.shield(deadline=anyio.current_time() + LIFETIME_SECONDS):
                result = await self._attempt(call)
        finally:
            self._take_result(result)

    def _take_result(self, result: Ended | Question) -> None:
        if isinstance(result, NotRun) and result.reason == "changed":  # of a stop: a preview
            result = Question.about(result) or result
        if isinstance(result, Question):
            self._ask_again(result)
        else:
            self.end(result)

    async def _attempt(self, call: GuardedCall) -> Ended | Question:
        try:
            before = await self._guard.look(call)
        except TraxError as error:
            return error
        try:
            result: Ended | Question = await self._guard.run(call)
        except TraxError as error:
            result = error
        with suppress(TraxError):  # the call has ended, whatever the store says now
            after = await self._guard.look(call)
            self._ran_at = after.version, before.stop_count  # a stop meanwhile counts as later
        return result

    async def _wait_until_over(self) -> None:
        await self._over.wait()

    async def _is_outdated(self) -> bool:
        """Whether another call has run in the studio since."""
        now = await self._guard.look(self.call)
        return self._ran_at not in {None, (now.version, now.stop_count)}

    def _ask_again(self, question: Question) -> None:
        """Show what has changed since the question was asked."""
        self.question = question
        self._number += 1
        self._shown_at = None
        self._set_phase("open")

    async def _take_back(self, phase: Phase, why: str) -> None:
        """End it, so that its question can no longer be answered.

        The confirmation of a stop stays good: the model has it too.
        """
        self._set_phase(phase)
        self._guard.audit.write("withdrawn", self.call.operation, self.call.actor, reason=why)
        with anyio.CancelScope(shield=True):
            if not self.is_stop:
                await self._guard.store.discard(self.question.confirmation_id)
            await self.sync()

    def _set_phase(self, phase: Phase) -> None:
        self._phase = phase
        if phase in {"ended", "unreported"}:
            self._over_since = self._clock.seconds()
            self.reported.set()
            self._over.set()
        self.on_change()

    def _not_run(self, reason: Reason, why: str | None = None) -> NotRun:
        return NotRun(self.call.operation.tool_name, "declined", reason, why=why)

    @asynccontextmanager
    async def _waiting(self, seconds: float) -> AsyncIterator[None]:
        """A call waits here. If the last one that waits is cancelled, the question is withdrawn."""
        self._waiting_calls += 1
        try:
            async with self._clock.move_on_after(seconds):
                yield
        except anyio.get_cancelled_exc_class():
            if self._waiting_calls == 1:
                await self._withdraw_cancelled()
            raise
        finally:
            self._waiting_calls -= 1

    async def _withdraw_cancelled(self) -> None:
        await self.withdraw("the call was cancelled")
