"""A guarded call, and its possible results."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from trax_mcp.api.caller import Caller
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.responses import Answer
from trax_mcp.consent.evidence import (
    NO_EVIDENCE,
    ApprovedIn,
    Channel,
    Evidence,
    Reason,
    Status,
)
from trax_mcp.consent.preview import Preview
from trax_mcp.progress import Progress
from trax_mcp.studio.facts import Observed
from trax_mcp.studio.naming import Sentence

DO_NOT: Final = "Do not"
"""The choice that refuses, in every question."""


async def no_progress(_done: float, _total: float, _message: str) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class GuardedCall:
    """An operation, who calls it, the evidence, and what the client can do.

    `claimed_name` is the user that a bot says it acts for.
    """

    operation: Operation[Model]
    caller: Caller
    evidence: Evidence = NO_EVIDENCE
    can_ask: bool = False
    claimed_name: str | None = None
    progress: Progress = no_progress


@dataclass(frozen=True, slots=True)
class Done:
    """The call has taken effect. `observed` is what the stream status showed afterwards.

    `answer` is None if it was lost, or cannot be read; then `lost` says how, and `observed` shows
    the effect. `undone`: a stop came after this go-live, which was then taken off the
    air again; false if that failed. `approved_in` is None if no consent was needed. `said` is what
    a change has done, in words: a sentence, and warnings after it.
    """

    answer: Answer[Model] | None
    observed: Observed | None = None
    undone: bool | None = None
    approved_in: ApprovedIn | None = None
    said: tuple[Sentence, ...] = ()
    lost: str | None = None

    @property
    def data(self) -> JsonObject:
        """TRaX's answer as it was sent, or nothing."""
        return self.answer.data if self.answer else {}


@dataclass(frozen=True, slots=True)
class NotRun:
    """Nothing was sent. With `confirmation`, the same call runs until `expires_at`.

    `why` explains the status in words where `status` and `reason` do not. `channel` is where a
    person is being asked, and `ticket` lets a panel answer: no model may read it. `unseen`: a form
    was declined sooner than a person can read it.
    """

    operation: str
    status: Status
    reason: Reason | None = None
    why: str | None = None
    preview: Preview | None = None
    changes: tuple[str, ...] = ()
    confirmation: str | None = None
    expires_at: datetime | None = None
    channel: Channel | None = None
    ticket: str | None = field(default=None, repr=False)
    retry_after_seconds: int | None = None
    unseen: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """A person must decide between `yes` and `no`. The answer carries `question_id`.

    `changes` is what differs from an earlier question.
    """

    question_id: str
    preview: Preview
    changes: tuple[str, ...] = ()
    number: int = 1

    @property
    def yes(self) -> str:
        """The choice that agrees."""
        return self.preview.choice

    @property
    def no(self) -> str:
        """The choice that refuses."""
        return DO_NOT


Result = Done | NotRun | Ask
