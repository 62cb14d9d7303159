"""The questions that two servers of one process share, without an engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trax_mcp.api.error_texts import store_unavailable
from trax_mcp.consent.question_state import QuestionState, merged

if TYPE_CHECKING:
    from tests.support.product.shared_clock import HandClock
    from trax_mcp.api.caller import Caller
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation
    from trax_mcp.consent.calls import GuardedCall


@dataclass
class QuestionsInMemory:
    """`SharedQuestions` in memory. With `loses_results`, no replica learns how a call ended.

    While it `is_away`, it does not answer; nor does it to the next `unheard` requests.
    """

    clock: HandClock
    loses_results: bool = False
    is_away: bool = False
    unheard: int = 0
    kept: dict[str, tuple[GuardedCall, QuestionState]] = field(default_factory=dict)

    async def add(self, ticket: str, call: GuardedCall, state: QuestionState) -> str:
        """As the protocol says."""
        earlier = await self.find_ticket(call.operation, call.caller)
        if earlier is not None:
            _, kept = self.kept[earlier]
            if merged(kept, kept, now=self.clock.seconds()).rank == 0:
                return earlier
        self.kept[ticket] = call, state
        return ticket

    async def merge(
        self, ticket: str, call: GuardedCall, state: QuestionState, *, may_add: bool
    ) -> QuestionState | None:
        """As the protocol says."""
        self._answer()
        if ticket not in self.kept and not may_add:
            return None
        if self.loses_results and state.has_run:
            return state
        _, kept = self.kept.get(ticket, (call, state))
        together = merged(kept, state, now=self.clock.seconds())
        self.kept[ticket] = call, together
        return together

    async def find(
        self, ticket: str, caller: Caller
    ) -> tuple[Operation[Model], QuestionState] | None:
        """As the protocol says."""
        self._answer()
        call, state = self.kept.get(ticket, (None, None))
        if call is None or state is None or call.caller != caller:
            return None
        return call.operation, state

    async def find_ticket(self, operation: Operation[Model], caller: Caller) -> str | None:
        """As the protocol says."""
        self._answer()
        for ticket, (call, _) in reversed(self.kept.items()):
            if call.operation == operation and call.caller == caller:
                return ticket
        return None

    def _answer(self) -> None:
        is_unheard = self.unheard > 0
        self.unheard -= is_unheard
        if self.is_away or is_unheard:
            raise store_unavailable()
