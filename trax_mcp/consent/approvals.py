"""Questions that a person answers outside of the call that asks: in a panel or on a page.

An approval is known by its ticket, which only its channel gets and no model reads. An answer runs
the guarded call again at once, from the beginning. The store ensures that it runs once.
"""

import math
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final, Literal, Protocol

import anyio

from trax_mcp.api.accepted_keys import AcceptedKeys
from trax_mcp.api.caller import Caller
from trax_mcp.api.error_texts import interrupted
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.clock import Clock
from trax_mcp.consent.calls import Done, GuardedCall, NotRun, Question
from trax_mcp.consent.confirmations import LIFETIME_SECONDS
from trax_mcp.consent.evidence import ApprovedIn, Channel, Evidence, PersonAnswer
from trax_mcp.consent.guard import ConsentGuard
from trax_mcp.consent.policy import READING_SECONDS
from trax_mcp.consent.shielded_tasks import ShieldedTasks

REPORT_SECONDS: Final = 10.0
"""How long a panel or a page has to show the question."""
_KEPT_SECONDS: Final[Mapping[Channel, float]] = {
    "form": 0.0,
    "panel": 60.0,
    "page": LIFETIME_SECONDS,
}
"""How long an outcome waits for a call to learn it. A panel tells its client at once."""
MAX_OPEN: Final = 3
"""The most open approvals of one owner, beside as many for stops. One more ends the oldest."""
_MAX_OVER: Final = 16
"""The most approvals of one owner that are kept after their end."""
_TICKET_BYTES: Final = 32

Phase = Literal["open", "running", "ended", "withdrawn", "unreported"]
Ended = Done | NotRun | TraxError


class Approval:
    """One guarded call that waits for a person.

    Its question is replaced if what it showed has changed when the person agrees. An answer names
    the question that the person saw, and counts for no other. One that `must_report` is of no use
    if it was not shown in time.
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
    ) -> None:
        self.ticket: Final = secrets.token_urlsafe(_TICKET_BYTES)
        self.call: Final = call
        self.channel: Channel = channel
        self.question = question
        self.result: Ended | None = None
        self.is_known = False
        self.was_given_up = False
        self.reported: Final = anyio.Event()
        self.on_change: Callable[[], None] = lambda: None
        self._guard = guard
        self._tasks = tasks
        self._clock = clock
        self._number = 1
        self._phase: Phase = "open"
        self._shown_at: float | None = None
        self._opened_at = clock.seconds()
        self._ends_at = self._opened_at + LIFETIME_SECONDS
        self._report_until = clock.seconds() + REPORT_SECONDS if must_report else math.inf
        self._needs_passkey = needs_passkey and not call.operation.stops_broadcast
        self._waiting_calls = 0
        self._ended = anyio.Event()

    @property
    def phase(self) -> Phase:
        """Whether it is open, is being run, or has ended."""
        now = self._clock.seconds()
        if self._phase == "open" and now >= self._report_until and not self.reported.is_set():
            self._set_phase("unreported")
        if self._phase == "open" and now >= self._ends_at:
            self.end(NotRun(self.call.operation.tool_name, "declined", "timed_out"))
        return self._phase

    @property
    def age(self) -> float:
        """For how many seconds a person has been asked."""
        return self._clock.seconds() - self._opened_at

    @property
    def question_id(self) -> str:
        """The id of its present question."""
        return str(self._number)

    @property
    def matters(self) -> bool:
        """Whether the next call of the same kind must know of it.

        An outcome is told to one call, and soon. A stop is always a new call.
        """
        match self.phase:
            case "open" | "running" | "unreported":
                return not self.is_known
            case "ended":
                kept = _KEPT_SECONDS[self.channel]
                is_recent = self._clock.seconds() < self._ends_at + kept
                return is_recent and not self.is_known and not self.call.operation.stops_broadcast
        return False

    @property
    def is_forgettable(self) -> bool:
        """Whether it ended so long ago that no channel shows it any more."""
        return self.is_over and self._clock.seconds() >= self._ends_at + LIFETIME_SECONDS

    @property
    def is_over(self) -> bool:
        """Whether no answer can run it any more."""
        return self.phase not in {"open", "running"}

    def report(self, question_id: str) -> None:
        """A panel or a page shows this question."""
        if self.phase == "open" and question_id == self.question_id and self._shown_at is None:
            self._shown_at = self._clock.seconds()
            self.reported.set()

    def give_up_showing(self) -> None:
        """Nothing can show it, so it is of no use, unless it was shown before."""
        if self.phase == "open" and not self.reported.is_set():
            self._set_phase("unreported")

    async def wait_for_report(self) -> bool:
        """Wait until its question is shown, or it has ended. False if that takes too long."""
        async with self._waiting(REPORT_SECONDS):
            await self.reported.wait()
        return self.phase != "unreported" and self.reported.is_set()

    async def wait(self, seconds: float) -> None:
        """Wait until it has ended."""
        async with self._waiting(seconds):
            if self.phase in {"open", "running"}:
                await self._ended.wait()

    async def answer(
        self,
        question_id: str,
        choice: str,
        *,
        caller: Caller | None = None,
        claimed_name: str | None = None,
        answered_in: ApprovedIn | None = None,
    ) -> None:
        """Run the call with a person's answer.

        Changes nothing if it is not open, if the answer is to another question or none of its
        choices, or if a yes comes sooner than a person can read, or without the passkey that it
        needs.
        """
        if self.phase != "open" or question_id != self.question_id:
            return
        if choice not in {self.question.yes, self.question.no} or self._is_too_early(choice):
            return
        answered_in = answered_in or self.channel
        if self._needs_passkey and choice == self.question.yes and answered_in != "passkey":
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
        if call.operation.stops_broadcast and said == "no":
            await self._guard.store.discard(self.question.confirmation_id)
            self.end(NotRun(call.operation.tool_name, "declined", "declined"))
        else:
            await self._run(call)

    def end(self, result: Ended) -> None:
        """It has a result: of an answer here, or of the same call by its confirmation."""
        self.result = result
        self._ends_at = self._clock.seconds()
        self._set_phase("ended")

    async def withdraw(self, why: str) -> None:
        """End it without an answer, if it is open. Nothing is sent."""
        if self.phase == "open":
            self._set_phase("withdrawn")
            self._guard.audit.write("withdrawn", self.call.operation, self.call.actor, reason=why)
            with anyio.CancelScope(shield=True):
                await self._guard.store.discard(self.question.confirmation_id)

    async def _run(self, call: GuardedCall) -> None:
        """Run the call. It goes on if whoever sent the answer does not wait for the result."""
        self._set_phase("running")
        result: Ended | Question = interrupted(call.operation)
        try:
            with self._tasks.shield(deadline=anyio.current_time() + LIFETIME_SECONDS):
                result = await self._guard.run(call)
        except TraxError as error:
            result = error
        finally:
            if isinstance(result, Question):
                self._ask_again(result)
            else:
                self.end(result)

    def _ask_again(self, question: Question) -> None:
        """Show what has changed since the question was asked."""
        self.question = question
        self._number += 1
        self._shown_at = None
        self._set_phase("open")

    def _evidence(self, choice: str, answered_in: ApprovedIn) -> Evidence:
        confirmation_id = self.question.confirmation_id
        if self.call.operation.stops_broadcast:  # the model has the same confirmation
            return Evidence(confirm=True, confirmation=confirmation_id, answered_in=answered_in)
        answer = PersonAnswer(confirmation_id, "chosen", choice)
        return Evidence(answer=answer, answered_in=answered_in)

    def _set_phase(self, phase: Phase) -> None:
        self._phase = phase
        if phase not in {"open", "running"}:
            self.reported.set()
            self._ended.set()
        self.on_change()

    def _is_too_early(self, choice: str) -> bool:
        if choice == self.question.no or self.call.operation.stops_broadcast:
            return False
        return self._shown_at is None or (self._clock.seconds() < self._shown_at + READING_SECONDS)

    @asynccontextmanager
    async def _waiting(self, seconds: float) -> AsyncIterator[None]:
        """A call waits here. If the last one that waits is cancelled, the question is withdrawn."""
        self._waiting_calls += 1
        try:
            async with self._clock.move_on_after(seconds):
                yield
        except anyio.get_cancelled_exc_class():
            if self._waiting_calls == 1:
                await self.withdraw("the call was cancelled")
            raise
        finally:
            self._waiting_calls -= 1


class Approvals:
    """The approvals of a process."""

    def __init__(
        self,
        guard: ConsentGuard,
        *,
        keys: AcceptedKeys,
        tasks: ShieldedTasks,
        clock: Clock,
        needs_passkey: bool = False,
    ) -> None:
        self._guard = guard
        self._keys = keys
        self._needs_passkey = needs_passkey
        self._tasks = tasks
        self._clock = clock
        self._approvals: dict[str, Approval] = {}

    async def open(
        self, call: GuardedCall, question: Question, channel: Channel, *, must_report: bool = False
    ) -> Approval:
        """Keep a question for a person. May withdraw the oldest of the same owner."""
        self._forget()
        self._forget_surplus(self._keys.owner(call.caller))
        same = [it for it in self._approvals.values() if self._group(it) == self._group_of(call)]
        for oldest in same[: max(0, len(same) - MAX_OPEN + 1)]:
            await oldest.withdraw("others were asked since")
        approval = Approval(
            call,
            question,
            channel,
            guard=self._guard,
            tasks=self._tasks,
            clock=self._clock,
            must_report=must_report,
            needs_passkey=self._needs_passkey,
        )
        self._approvals[approval.ticket] = approval
        self._guard.audit.write("asked", call.operation, call.actor, channel=channel)
        return approval

    def get(self, ticket: str, caller: Caller) -> Approval | None:
        """The approval of a ticket, if it is this caller's."""
        found = self._approvals.get(ticket)
        return found if found and found.call.caller.fingerprint == caller.fingerprint else None

    def find(self, operation: Operation[Model], caller: Caller) -> Approval | None:
        """The caller's latest approval of the same call, if that call must know of it."""
        self._forget()
        same = [
            it
            for it in self._approvals.values()
            if it.call.operation == operation
            and it.call.caller.fingerprint == caller.fingerprint
            and it.matters
        ]
        return same[-1] if same else None

    def forget_outcomes(self, operation: Operation[Model], caller: Caller) -> None:
        """Another call runs in the studio of `operation`: earlier outcomes there are history."""
        for it in self._approvals.values():
            same_caller = it.call.caller.fingerprint == caller.fingerprint
            same_studio = it.call.operation.studio() == operation.studio()
            if it.phase == "ended" and same_caller and same_studio:
                it.is_known = True

    def _forget(self) -> None:
        for ticket, approval in tuple(self._approvals.items()):
            if approval.is_forgettable:
                del self._approvals[ticket]

    def _forget_surplus(self, owner: str) -> None:
        """Forget the approvals of an owner that are over, except for the latest."""
        over = [
            it
            for it in self._approvals.values()
            if it.is_over and self._keys.owner(it.call.caller) == owner
        ]
        for it in over[:-_MAX_OVER]:
            del self._approvals[it.ticket]

    def _group(self, approval: Approval) -> tuple[str, bool] | None:
        return self._group_of(approval.call) if approval.phase == "open" else None

    def _group_of(self, call: GuardedCall) -> tuple[str, bool]:
        return self._keys.owner(call.caller), call.operation.stops_broadcast


class Page(Protocol):
    """Where approvals are shown in the browser of the person at this machine."""

    def can_open(self) -> bool:
        """Whether there seems to be a browser."""
        ...

    def show(self, approval: Approval, *, after_seconds: float = 0) -> None:
        """Begin to show an approval, unless a panel has reported it by then."""
        ...
