"""A guarded call, and its possible results."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from trax_mcp.api.accepted_keys import AcceptedKeys
from trax_mcp.api.caller import Caller
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.responses import Answer
from trax_mcp.consent.audit import Actor
from trax_mcp.consent.evidence import (
    NO_EVIDENCE,
    ApprovedIn,
    Channel,
    Evidence,
    Reason,
    Status,
)
from trax_mcp.consent.policy import DO_NOT
from trax_mcp.consent.preview import Preview
from trax_mcp.consent.store import Place
from trax_mcp.progress import Progress
from trax_mcp.studio.facts import Observed
from trax_mcp.studio.naming import Sentence


async def no_progress(_done: float, _total: float, _message: str) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class GuardedCall:
    """An operation, who calls it, the evidence, and what the client can do."""

    operation: Operation[Model]
    caller: Caller
    evidence: Evidence = NO_EVIDENCE
    can_ask: bool = False
    claimed_name: str | None = None
    progress: Progress = no_progress

    @property
    def actor(self) -> Actor:
        """Who calls, as the audit log records it."""
        return Actor(self.caller, self.claimed_name)

    def place(self, keys: AcceptedKeys) -> Place:
        """The place of the call. It depends on what TRaX has accepted of the caller so far."""
        studio_id = self.operation.studio()
        return Place(
            id=studio_id or self.operation.target_id(),
            caller=self.caller.fingerprint,
            owner=keys.owner(self.caller),
            has_access=bool(studio_id) and keys.has_access(self.caller, studio_id),
            key=self.caller.key or "",
        )


@dataclass(frozen=True, slots=True)
class Done:
    """The call has taken effect. `observed` is what the stream status showed afterwards.

    `answer` is None if it was lost, or cannot be read; then `lost` says how, and `observed` shows
    the effect. `sent_again`: a stop that could not wait for a go-live was repeated when that had
    ended. `approved_in` is None if no consent was needed. `said` is what a change has done, in
    words: a sentence, and warnings after it.
    """

    answer: Answer[Model] | None
    observed: Observed | None = None
    sent_again: bool = False
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
class Question:
    """A person must decide between `yes` and `no`.

    The answer carries `confirmation_id`. `changes` is what differs from an earlier question.
    """

    confirmation_id: str
    preview: Preview
    yes: str
    no: str
    changes: tuple[str, ...] = ()

    @classmethod
    def about(cls, not_run: NotRun) -> Self | None:
        """The question that a preview with a confirmation asks. None if it has none."""
        preview, confirmation_id = not_run.preview, not_run.confirmation
        if preview is None or confirmation_id is None:
            return None
        return cls(confirmation_id, preview, preview.choice, DO_NOT, not_run.changes)


Result = Done | NotRun | Question
