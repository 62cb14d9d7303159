"""A guarded call, and its possible results."""

from dataclasses import dataclass

from trax_mcp.api.caller import Caller
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.responses import Answer
from trax_mcp.consent.audit import Actor
from trax_mcp.consent.evidence import NO_EVIDENCE, Evidence, Reason, Status
from trax_mcp.consent.preview import Preview
from trax_mcp.progress import Progress
from trax_mcp.studio.outcome import Observed


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

    @property
    def place(self) -> str:
        """Calls at the same place run one after another: the studio id, or else the target id."""
        return self.operation.studio() or self.operation.target_id()


@dataclass(frozen=True, slots=True)
class Done:
    """The call was sent and accepted. `observed` is what the stream status showed afterwards."""

    answer: Answer[Model]
    observed: Observed | None = None


@dataclass(frozen=True, slots=True)
class NotRun:
    """Nothing was sent. With `confirmation`, the same call runs until `expires_at`.

    `why` explains the status in words where `status` and `reason` do not.
    """

    operation: str
    status: Status
    reason: Reason | None = None
    why: str | None = None
    preview: Preview | None = None
    changes: tuple[str, ...] = ()
    confirmation: str | None = None
    expires_at: str | None = None


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


Result = Done | NotRun | Question
