"""A call on its way down the road, and the ways in which it can come back. Values only."""

from dataclasses import dataclass

from trax_mcp.api.caller import Caller
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.responses import Answer
from trax_mcp.consent.audit import Actor
from trax_mcp.consent.evidence import NO_EVIDENCE, Evidence
from trax_mcp.consent.policy import Reason, Status
from trax_mcp.consent.preview import Preview
from trax_mcp.progress import Progress
from trax_mcp.studio.outcome import Observed


async def no_progress(_gone: float, _most: float, _doing: str) -> None:
    """Tell nobody how far it is."""


@dataclass(frozen=True, slots=True)
class GuardedCall:
    """What is asked, by whom, with which evidence of consent, and what their client can do."""

    operation: Operation[Model]
    caller: Caller
    evidence: Evidence = NO_EVIDENCE
    can_ask: bool = False
    claims: str | None = None
    progress: Progress = no_progress

    @property
    def asker(self) -> Actor:
        """Who asks, as it is written down."""
        return Actor(self.caller, self.claims)


@dataclass(frozen=True, slots=True)
class Done:
    """It was sent and accepted; `observed` is what was seen afterwards, where it was watched."""

    answer: Answer[Model]
    observed: Observed | None = None


@dataclass(frozen=True, slots=True)
class NotRun:
    """Nothing was sent. `confirmation` lets the same call run, until `expires_at`.

    `told` is why, in words, where `status` and `reason` do not say it all.
    """

    operation: str
    status: Status
    reason: Reason | None = None
    told: str | None = None
    outlook: Preview | None = None
    changes: tuple[str, ...] = ()
    confirmation: str | None = None
    expires_at: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A person must decide: `yes` is the act in words, `handle` goes with the answer.

    `changes` is what is no longer as they were shown it before.
    """

    handle: str
    outlook: Preview
    yes: str
    no: str
    changes: tuple[str, ...] = ()


Result = Done | NotRun | Question
