"""An approval in a panel that all replicas share: any of them shows it, answers it, and learns."""

import math
from contextlib import suppress
from dataclasses import replace
from typing import Final

import anyio

from trax_mcp.api.errors import Failure, TraxError
from trax_mcp.clock import Clock
from trax_mcp.consent.approval import Approval, Ended
from trax_mcp.consent.calls import GuardedCall, NotRun, Question
from trax_mcp.consent.evidence import Evidence, Reason, UsedConfirmation
from trax_mcp.consent.guard import ConsentGuard
from trax_mcp.consent.question_state import QuestionState, SharedQuestions, merged
from trax_mcp.consent.shielded_tasks import ShieldedTasks

_SYNC_SECONDS: Final = 0.5
"""How often a call that waits asks whether another replica knows more."""
_STOP_SYNC_SECONDS: Final = 0.5
_AGAIN_SECONDS: Final = 0.1
_LOST: Final = (
    "the replicas have lost the question, and whether it was answered elsewhere is not known"
)
_SENDING_SECONDS: Final = 30.0
"""How long another replica may send a call that was approved there in the last moment."""
_SHARING_SECONDS: Final = 1.0
"""How long a replica has to share the result of a call that has ended."""


class SharedApproval(Approval):
    """One of the approvals with the same ticket, of which every replica may have one.

    Without a `ticket` it is a new question, which no other replica has yet.
    """

    def __init__(
        self,
        call: GuardedCall,
        question: Question,
        shared: SharedQuestions,
        *,
        guard: ConsentGuard,
        tasks: ShieldedTasks,
        clock: Clock,
        needs_passkey: bool,
        ticket: str | None = None,
    ) -> None:
        super().__init__(
            call,
            question,
            "panel",
            guard=guard,
            tasks=tasks,
            clock=clock,
            must_report=False,  # `merged` says whether it was shown in time
            needs_passkey=needs_passkey,
            ticket=ticket,
        )
        self._shared = shared
        self._longest += _SENDING_SECONDS
        self._was_shared = ticket is not None
        self._runs_here = False
        self._ran_elsewhere_since: float | None = None

    async def share(self) -> str:
        """Share a new question. Returns its ticket, or that of the same call that is open already.

        A stop asks in any case.
        """
        with suppress(TraxError):
            if not self.is_stop:
                ticket = await self._shared.add(self.ticket, self.call, self._state())
                self._was_shared = ticket == self.ticket
                return ticket
        await self.sync()
        return self.ticket

    async def sync(self) -> None:
        """Share with the other replicas what is known here, and learn what they know.

        Without the engine that they share, it goes on by itself. A stop waits for it only briefly.
        """
        if not self._runs_here:
            await self._try_to_sync()

    async def _try_to_sync(self) -> bool:
        """Share and learn. False if the engine does not answer."""
        seconds = _STOP_SYNC_SECONDS if self.is_stop else math.inf
        with suppress(TraxError), anyio.move_on_after(seconds):
            mine = self._state()
            may_add = self.is_stop or not self._was_shared or mine.has_run
            state = await self._shared.merge(self.ticket, self.call, mine, may_add=may_add)
            if self._runs_here:
                return True
            if state is None:
                self._end_elsewhere("expired", _LOST)
                return True
            self._was_shared = True
            self.take(state)
            if not self.is_over:
                await self._learn_from_confirmation()
            return True
        return False

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

    async def _run(self, call: GuardedCall) -> None:
        self._runs_here = True
        try:
            await super()._run(call)
        finally:
            self._runs_here = False
            with anyio.move_on_after(_SHARING_SECONDS, shield=True):
                while not await self._try_to_sync():  # noqa: ASYNC110  it can only be tried again
                    await anyio.sleep(_AGAIN_SECONDS)

    def _take_result(self, result: Ended | Question) -> None:
        if isinstance(result, NotRun) and result.reason == "used":
            self._set_phase("running")  # at another replica, which shares the result
        else:
            super()._take_result(result)

    async def _wait_until_over(self) -> None:
        while not self._over.is_set():
            async with self._clock.move_on_after(_SYNC_SECONDS):
                await self._over.wait()
            await self.sync()
        await self._over.wait()

    async def _withdraw_cancelled(self) -> None:
        if not self._tasks.is_ending:  # else it is left to the other replicas
            await super()._withdraw_cancelled()

    def _state(self) -> QuestionState:
        """The state that is known here. The others read the confirmation by themselves."""
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
