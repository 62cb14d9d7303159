"""The state of a question in a panel, which replicas share: any can show it and answer it."""

from dataclasses import dataclass, replace
from typing import Final, Protocol, Self

from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import Failure
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.consent.calls import Done, GuardedCall, NotRun, Question
from trax_mcp.consent.evidence import short_digest

REPORT_SECONDS: Final = 10.0
"""How long a panel or a page has to show the question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionState:
    """A question, its `number` among those of one panel, and what became of it.

    Times are seconds on the clock of the process that holds it. `over_since` is None while no
    result is known; over without a `result`, it was not shown in time. `ran_at` is the version of
    the place after the call, and its stop count before. `is_known`: a call was told the result.
    """

    question: Question
    number: int
    opened_at: float
    shown_at: float | None = None
    over_since: float | None = None
    result: Done | NotRun | Failure | None = None
    ran_at: tuple[tuple[int, int], int] | None = None
    is_known: bool = False

    @property
    def was_reported(self) -> bool:
        """Whether a panel has shown it, or an earlier question of the same call."""
        return self.number > 1 or self.shown_at is not None

    @property
    def has_run(self) -> bool:
        """Whether its call has run, or may have run."""
        may_have_run = isinstance(self.result, Failure) and self.result.outcome != "not_applied"
        return may_have_run or isinstance(self.result, Done)

    @property
    def rank(self) -> int:
        """How final it is: 0 if it is open, 1 if it has ended, 2 if its call may have run."""
        if self.over_since is None:
            return 0
        return 2 if self.has_run else 1

    def shifted(self, seconds: float) -> Self:
        """The same on a clock that shows so much more."""
        return replace(
            self,
            opened_at=self.opened_at + seconds,
            shown_at=None if self.shown_at is None else self.shown_at + seconds,
            over_since=None if self.over_since is None else self.over_since + seconds,
        )


def question_id(question: Question, number: int) -> str:
    """What an answer names. Two replicas can ask again at once, each about what it has read."""
    return "1" if number == 1 else f"{number}-{short_digest(question.confirmation_id)}"


def merged(kept: QuestionState, mine: QuestionState, *, now: float) -> QuestionState:
    """The state of one question that two replicas know together. If both know it, `kept` counts.

    A question that no panel has shown in time has ended.
    """
    state = replace(
        _latest(kept, mine), opened_at=kept.opened_at, is_known=kept.is_known or mine.is_known
    )
    is_late = now >= state.opened_at + REPORT_SECONDS
    if state.rank == 0 and is_late and not state.was_reported:
        return replace(state, over_since=now)
    return state


def _latest(kept: QuestionState, mine: QuestionState) -> QuestionState:
    if mine.rank > kept.rank:
        return mine
    if kept.rank > 0 or mine.number < kept.number:
        return kept
    if mine.number > kept.number:
        return mine
    is_same = mine.question.confirmation_id == kept.question.confirmation_id
    if is_same and kept.shown_at is None:
        return replace(kept, shown_at=mine.shown_at)
    return kept


class SharedQuestions(Protocol):
    """The questions in panels that all replicas know. A ticket counts for its caller alone.

    Each method raises `NotSent` if what the replicas share is not available.
    """

    async def add(self, ticket: str, call: GuardedCall, state: QuestionState) -> str:
        """Share a new question. Returns its ticket, or that of the same call that is open already.

        Of two that come at once, one is added.
        """
        ...

    async def merge(
        self, ticket: str, call: GuardedCall, state: QuestionState, *, may_add: bool
    ) -> QuestionState | None:
        """Share what is known here. Returns what all know now.

        None if it is not shared, and may not be added.
        """
        ...

    async def find(
        self, ticket: str, caller: Caller
    ) -> tuple[Operation[Model], QuestionState] | None:
        """The operation and the question of a ticket."""
        ...

    async def find_ticket(self, operation: Operation[Model], caller: Caller) -> str | None:
        """The ticket of the latest question about the same call of the same caller."""
        ...
