"""Questions that a person answers outside of the call that asks: in a panel or on a page.

An approval is known by its ticket, which only its channel gets and no model reads. An answer runs
the guarded call again at once, from the beginning. The store ensures that it runs once.
"""

import math
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Final, Literal, Protocol

import anyio

from trax_mcp.api.accepted_keys import AcceptedKeys
from trax_mcp.api.caller import Caller
from trax_mcp.api.error_texts import interrupted
from trax_mcp.api.errors import Failure, TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.clock import Clock
from trax_mcp.consent.calls import Done, GuardedCall, NotRun, Question
from trax_mcp.consent.confirmations import LIFETIME_SECONDS
from trax_mcp.consent.evidence import (
    ApprovedIn,
    Channel,
    Evidence,
    PersonAnswer,
    Reason,
    UsedConfirmation,
)
from trax_mcp.consent.guard import ConsentGuard
from trax_mcp.consent.policy import READING_SECONDS
from trax_mcp.consent.question_state import (
    REPORT_SECONDS,
    QuestionState,
    SharedQuestions,
    merged,
)
from trax_mcp.consent.shielded_tasks import ShieldedTasks

_KEPT_SECONDS: Final[Mapping[Channel, float]] = {"panel": 60.0, "page": LIFETIME_SECONDS}
"""How long an outcome waits for a call to learn it. A panel tells its client at once."""
MAX_OPEN: Final = 3
"""The most open approvals of one owner, beside as many for stops. One more ends the oldest."""
_MAX_OVER: Final = 16
"""The most approvals of one owner that are kept after their end."""
_TICKET_BYTES: Final = 32
_SYNC_SECONDS: Final = 0.5
"""How often a call that waits asks whether another replica knows more."""
_STOP_SYNC_SECONDS: Final = 0.5
_LOST: Final = (
    "the replicas have lost the question, and whether it was answered elsewhere is not known"
)
_SENDING_SECONDS: Final = 30.0
"""How long another replica may send a call that was approved there in the last moment."""
_SHARING_SECONDS: Final = 1.0
"""How long a replica has to share the result of a call that has ended."""

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

    Later calls need not learn of it if it `is_known`. With `shared`, it can be shown and answered
    at every replica, each of which has an approval with the same ticket.
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
        shared: SharedQuestions | None = None,
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
        self._shared = shared
        self._longest = LIFETIME_SECONDS + (_SENDING_SECONDS if shared else 0)
        self._was_shared = ticket is not None
        self._runs_here = False
        self._ran_elsewhere_since: float | None = None

    # What it is now

    @property
    def phase(self) -> Phase:
        """Its phase. Time alone can end it."""
        now = self._clock.seconds()
        is_late = now >= self._report_until and self._shared is None  # else `merged` says it
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
        return str(self._number)

    async def concerns(self, operation: Operation[Model], caller: Caller) -> bool:
        """Whether a call must know of it: the same call of the same caller, and news for it.

        An outcome is told to one call, soon, and not after another call has run in the same studio.
        A stop is always a new call.
        """
        is_same = self.call.operation == operation and self.is_of(caller)
        if not is_same or self.is_known:
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
        """Share with the other replicas what is known here, and learn what they know.

        Without the engine that they share, it goes on by itself. A stop waits for it only briefly.
        """
        if self._shared is None or self._runs_here:
            return
        seconds = _STOP_SYNC_SECONDS if self.is_stop else math.inf
        with suppress(TraxError), anyio.move_on_after(seconds):
            mine = self._state()
            may_add = self.is_stop or not self._was_shared or mine.has_run
            state = await self._shared.merge(self.ticket, self.call, mine, may_add=may_add)
            if self._runs_here:
                return
            if state is None:
                self._end_elsewhere("expired", _LOST)
                return
            self._was_shared = True
            self.take(state)
            if not self.is_over:
                await self._learn_from_confirmation()

    def take(self, state: QuestionState) -> None:
        """Know what the replicas know together."""
        state = merged(state, self._state(), now=self._clock.seconds())
        self.question, self._number = state.question, state.number
        self._opened_at, self._shown_at = state.opened_at, state.shown_at
        self._ran_at, self.is_known = state.ran_at, state.is_known
        if state.was_reported:
            self.reported.set()
        if state.over_since is None:
            return
        result = state.result
        self.result = TraxError(result) if isinstance(result, Failure) else result
        self._ran_elsewhere_since = None
        self._set_phase("ended" if state.result else "unreported")
        self._over_since = state.over_since

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
        """Run the call. It goes on if whoever sent the answer does not wait for the result."""
        self._set_phase("running")
        self._runs_here = True
        result: Ended | Question = interrupted(call.operation)
        try:
            with self._tasks.shield(deadline=anyio.current_time() + LIFETIME_SECONDS):
                result = await self._attempt(call)
        finally:
            self._runs_here = False
            if isinstance(result, Question):
                self._ask_again(result)
            elif self._shared and isinstance(result, NotRun) and result.reason == "used":
                self._set_phase("running")  # at another replica, which shares the result
            else:
                self.end(result)
            with anyio.move_on_after(_SHARING_SECONDS, shield=True):
                await self.sync()

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
        while self._shared is not None and not self._over.is_set():
            async with self._clock.move_on_after(_SYNC_SECONDS):
                await self._over.wait()
            await self.sync()
        await self._over.wait()

    def _state(self) -> QuestionState:
        """What is known here. What only its confirmation shows, the others see for themselves."""
        is_over = self.phase == "ended" and self._ran_elsewhere_since is None
        result = self.result.failure if isinstance(self.result, TraxError) else self.result
        return QuestionState(
            question=self.question,
            number=self._number,
            opened_at=self._opened_at,
            shown_at=self._shown_at,
            over_since=self._over_since if is_over else None,
            result=result if is_over else None,
            ran_at=self._ran_at,
            is_known=self.is_known,
        )

    async def _learn_from_confirmation(self) -> None:
        """See whether another replica runs the call, or has ended without sharing the result."""
        evidence = Evidence(confirmation=self.question.confirmation_id)
        kept = (await self._guard.look(replace(self.call, evidence=evidence))).confirmation
        if self._runs_here or self.is_over:
            return
        if not isinstance(kept, UsedConfirmation):
            self._phase, self._ran_elsewhere_since = "open", None
            return
        self._phase = "running"
        if kept.is_in_progress:
            return
        now = self._clock.seconds()
        if self._ran_elsewhere_since is None:
            self._ran_elsewhere_since = now
        if now >= self._ran_elsewhere_since + _SHARING_SECONDS:
            self._end_elsewhere("used", kept.outcome)

    def _end_elsewhere(self, reason: Reason, why: str) -> None:
        """End it, unless another replica shares its result later."""
        if self.is_over:
            return
        if self._ran_elsewhere_since is None:
            self._ran_elsewhere_since = self._clock.seconds()
        tool = self.call.operation.tool_name
        self.end(NotRun(tool, "confirmation_invalid", reason, why=why))

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
        """A call waits here. If the last one that waits is cancelled, the question is withdrawn.

        It stays for the other replicas if this one is about to end.
        """
        self._waiting_calls += 1
        try:
            async with self._clock.move_on_after(seconds):
                yield
        except anyio.get_cancelled_exc_class():
            is_left_to_others = self._shared is not None and self._tasks.is_ending
            if self._waiting_calls == 1 and not is_left_to_others:
                await self.withdraw("the call was cancelled")
            raise
        finally:
            self._waiting_calls -= 1


class Approvals:
    """The approvals of a process. With `shared`, those in panels are of all replicas."""

    def __init__(
        self,
        guard: ConsentGuard,
        *,
        keys: AcceptedKeys,
        tasks: ShieldedTasks,
        clock: Clock,
        needs_passkey: bool = False,
        shared: SharedQuestions | None = None,
    ) -> None:
        self._guard = guard
        self._keys = keys
        self._shared = shared
        self._needs_passkey = needs_passkey
        self._tasks = tasks
        self._clock = clock
        self._approvals: dict[str, Approval] = {}

    async def open(
        self, call: GuardedCall, question: Question, channel: Channel, *, must_report: bool = False
    ) -> Approval:
        """Keep a question for a person. May withdraw the oldest of the same owner."""
        owner = self._keys.owner(call.caller)
        self._forget(owner)
        approval = self._approval(call, question, channel, must_report=must_report)
        alike = [
            it
            for it in self._of_owner(owner)
            if it.phase == "open" and it.is_stop == approval.is_stop
        ]
        for oldest in alike[: max(0, len(alike) - MAX_OPEN + 1)]:
            await oldest.withdraw("others were asked since")
        self._approvals[approval.ticket] = approval
        self._guard.audit.write("asked", call.operation, call.actor, channel=channel)
        await approval.sync()
        return approval

    async def get(self, ticket: str, caller: Caller) -> Approval | None:
        """The approval of a ticket, as it is now, if it is this caller's."""
        found = self._approvals.get(ticket) or await self._adopt(ticket, caller)
        if found is None or not found.is_of(caller):
            return None
        await found.sync()
        return found

    async def find(
        self, operation: Operation[Model], caller: Caller, *, elsewhere: bool = False
    ) -> Approval | None:
        """The latest approval that a call must know of, also if it was made `elsewhere`."""
        for approval in reversed(tuple(self._approvals.values())):
            if await approval.concerns(operation, caller):
                return approval
        if self._shared is None or not elsewhere:
            return None
        with suppress(TraxError):
            ticket = await self._shared.find_ticket(operation, caller)
            if ticket is not None and ticket not in self._approvals:
                found = await self._adopt(ticket, caller)
                return found if found and await found.concerns(operation, caller) else None
        return None

    async def _adopt(self, ticket: str, caller: Caller) -> Approval | None:
        """The approval of a ticket that another replica has made, if it is this caller's."""
        found = None
        if self._shared is not None:
            with suppress(TraxError):
                found = await self._shared.find(ticket, caller)
        if found is None or ticket in self._approvals:
            return self._approvals.get(ticket)
        operation, state = found
        self._forget(self._keys.owner(caller))
        call = GuardedCall(operation, caller)
        approval = self._approval(call, state.question, "panel", must_report=True, ticket=ticket)
        approval.take(state)
        self._approvals[ticket] = approval
        return approval

    def _approval(
        self,
        call: GuardedCall,
        question: Question,
        channel: Channel,
        *,
        must_report: bool,
        ticket: str | None = None,
    ) -> Approval:
        return Approval(
            call,
            question,
            channel,
            guard=self._guard,
            tasks=self._tasks,
            clock=self._clock,
            must_report=must_report,
            needs_passkey=self._needs_passkey,
            shared=self._shared if channel == "panel" and must_report else None,
            ticket=ticket,
        )

    def _forget(self, owner: str) -> None:
        """Forget what has long been over, and of this owner all but the latest that are over."""
        old = [it for it in self._approvals.values() if it.seconds_over >= LIFETIME_SECONDS]
        surplus = [it for it in self._of_owner(owner) if it.is_over][:-_MAX_OVER]
        for ticket in {it.ticket for it in (*old, *surplus)}:
            del self._approvals[ticket]

    def _of_owner(self, owner: str) -> list[Approval]:
        return [it for it in self._approvals.values() if self._keys.owner(it.call.caller) == owner]


class Page(Protocol):
    """Where approvals are shown in the browser of the person at this machine."""

    def can_open(self) -> bool:
        """Whether there seems to be a browser."""
        ...

    def show(self, approval: Approval, *, after_seconds: float = 0) -> None:
        """Begin to show an approval, unless a panel has reported it by then."""
        ...

    def close(self) -> None:
        """Leave nothing behind: the process is about to end."""
        ...
