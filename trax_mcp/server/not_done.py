"""A call that was not done, as its caller is told: refused, or a person is to be asked, or is."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Self, get_args

from trax_mcp.actions.shown import Preview
from trax_mcp.consent.calls import Ask, Call, NotRun, Reason, Status
from trax_mcp.consent.question import Question
from trax_mcp.consent.ways import Way
from trax_mcp.studio.naming import Sentence

Told = Literal["confirmation_required", "asking"] | Status
"""What is told of such a call."""
STATUSES: Final = ("confirmation_required", "asking", *get_args(Status))


@dataclass(frozen=True, slots=True)
class NotDone:
    """What a caller is told of a call that was not done.

    With `confirmation`, the same call runs until `expires_at`. `why` explains the status in words
    where `status` and `reason` do not. `channel` is where a person is being asked, and `ticket`
    lets a panel answer: no model may read it.
    """

    tool: str
    status: Told
    reason: Reason | None = None
    why: str | None = None
    preview: Preview | None = None
    changes: tuple[Sentence, ...] = ()
    retry_after_seconds: int | None = None
    confirmation: str | None = None
    expires_at: datetime | None = None
    channel: Way | None = None
    ticket: str | None = field(default=None, repr=False)

    @classmethod
    def refused(cls, it: NotRun) -> Self:
        """A call that may not run."""
        return cls(
            it.tool, it.status, it.reason, it.why, it.preview, it.changes, it.retry_after_seconds
        )

    @classmethod
    def previewed(cls, call: Call, ask: Ask, question: Question | None) -> Self:
        """The model is to ask. Without a question, its word alone counts."""
        return cls(
            call.tool,
            "confirmation_invalid" if ask.reason else "confirmation_required",
            ask.reason,
            preview=ask.preview,
            changes=ask.changes,
            confirmation=question.id if question else None,
            expires_at=question.expires_at if question else None,
        )

    @property
    def cannot_ask(self) -> bool:
        """Whether nobody can be asked, though a form might have been shown."""
        return self.status == "cannot_ask" and self.reason != "unseen"

    @property
    def not_run(self) -> NotRun | None:
        """The same without what only a model is told. None if nothing has ended it."""
        match self.status:
            case "confirmation_required" | "asking":
                return None
            case status:
                seconds = self.retry_after_seconds
                return NotRun(
                    self.tool, status, self.reason, self.why, self.preview, self.changes, seconds
                )
