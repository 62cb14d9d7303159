"""The approvals of a process, by ticket and by call, and the page that shows them."""

from contextlib import suppress
from typing import Final, Protocol

from trax_mcp.api.accepted_keys import AcceptedKeys
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.clock import Clock
from trax_mcp.consent.approval import Approval
from trax_mcp.consent.calls import GuardedCall, Question
from trax_mcp.consent.confirmations import LIFETIME_SECONDS
from trax_mcp.consent.evidence import Channel
from trax_mcp.consent.guard import ConsentGuard
from trax_mcp.consent.question_state import SharedQuestions
from trax_mcp.consent.shared_approval import SharedApproval
from trax_mcp.consent.shielded_tasks import ShieldedTasks

MAX_OPEN: Final = 3
"""The most open approvals of one owner, beside as many for stops. One more ends the oldest."""
_MAX_OVER: Final = 16
"""The most approvals of one owner that are kept after their end."""


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
        """Keep a question for a person. May withdraw the oldest of the same owner.

        Returns the approval of the same call instead if another replica asks at this moment.
        """
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
        if other := await self._shared_before(approval):
            del self._approvals[approval.ticket]
            await self._guard.store.discard(question.confirmation_id)
            return other
        self._guard.audit.write("asked", call.operation, call.actor, channel=channel)
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

    async def _shared_before(self, approval: Approval) -> Approval | None:
        """Share a new approval, unless the same call is asked about: then return that approval."""
        if not isinstance(approval, SharedApproval):
            return None
        ticket = await approval.share()
        return (
            None if ticket == approval.ticket else await self._adopt(ticket, approval.call.caller)
        )

    async def _adopt(self, ticket: str, caller: Caller) -> Approval | None:
        """The approval of a ticket that another replica has made, if it is this caller's."""
        if self._shared is None:
            return None
        found = None
        with suppress(TraxError):
            found = await self._shared.find(ticket, caller)
        if found is None or ticket in self._approvals:
            return self._approvals.get(ticket)
        operation, state = found
        self._forget(self._keys.owner(caller))
        call = GuardedCall(operation, caller)
        approval = self._shared_approval(call, state.question, self._shared, ticket)
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
    ) -> Approval:
        if self._shared is not None and channel == "panel" and must_report:
            return self._shared_approval(call, question, self._shared)
        return Approval(
            call,
            question,
            channel,
            guard=self._guard,
            tasks=self._tasks,
            clock=self._clock,
            must_report=must_report,
            needs_passkey=self._needs_passkey,
        )

    def _shared_approval(
        self,
        call: GuardedCall,
        question: Question,
        shared: SharedQuestions,
        ticket: str | None = None,
    ) -> SharedApproval:
        return SharedApproval(
            call,
            question,
            shared,
            guard=self._guard,
            tasks=self._tasks,
            clock=self._clock,
            needs_passkey=self._needs_passkey,
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
