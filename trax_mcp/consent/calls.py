"""A guarded call, what it brings to show that a person agreed, and its results. Values only."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal, NamedTuple

from trax_mcp.actions.shown import LOOK, Operations, Preview, tool_of
from trax_mcp.api.caller import Caller
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import LostAnswer, Outcome, TraxError, interrupted
from trax_mcp.api.models import Model
from trax_mcp.api.responses import Response
from trax_mcp.progress import Progress
from trax_mcp.studio.facts import Observed
from trax_mcp.studio.naming import Sentence, listed

Channel = Literal["form", "panel", "page"]
"""A way in which a person is asked."""
ApprovedIn = Literal["form", "panel", "page", "passkey", "confirmation", "confirm_alone"]
"""How a call was approved. A passkey is used on the page."""
Status = Literal[
    "confirmation_required", "asking", "confirmation_invalid",
    "declined", "cannot_ask", "nothing_to_do",
]  # fmt: skip
Reason = Literal[
    "expired", "mismatch", "changed", "used",
    "declined", "cancelled", "timed_out", "recently_declined", "malformed", "client_error",
    "too_soon", "unseen",
]  # fmt: skip
Reply = Literal["chosen", "declined", "cancelled", "timed_out", "malformed", "client_error"]


class PersonAnswer(NamedTuple):
    """The answer of a person, and the question that they were asked: its id and number."""

    question_id: str
    reply: Reply
    choice: str | None = None
    number: int = 1


class Evidence(NamedTuple):
    """The proof in a call that a person agreed. `answered_in` is set if it was not in a form."""

    confirm: bool = False
    confirmation: str | None = None
    answer: PersonAnswer | None = None
    answered_in: ApprovedIn | None = None

    @property
    def question_id(self) -> str | None:
        """The id of the question that the evidence answers, which of a stop is its token."""
        return self.answer.question_id if self.answer else self.confirmation

    @property
    def approved_in(self) -> ApprovedIn:
        """How a call that needed consent was approved, unless it was by `confirm_alone`."""
        return self.answered_in or ("form" if self.answer else "confirmation")


NO_EVIDENCE: Final = Evidence()


async def no_progress(_done: int, _total: int, _message: str) -> None:
    """Report nothing."""


class GuardedCall(NamedTuple):
    """What a call does, who calls it, the evidence, and what the client can do.

    `claimed_name` is the user that a bot says it acts for. `wants_preview`: the caller has asked
    for previews by itself, although its client could be asked otherwise.
    """

    operations: Operations
    caller: Caller
    evidence: Evidence = NO_EVIDENCE
    can_ask: bool = False
    claimed_name: str | None = None
    wants_preview: bool = False
    progress: Progress = no_progress

    @property
    def tool(self) -> str:
        """The tool that was called."""
        return tool_of(self.operations)

    @property
    def studio_id(self) -> str:
        """The id of the studio it is about, or an empty string."""
        return self.operations[0].studio()

    @property
    def starts_broadcast(self) -> bool:
        """Whether it goes live, which is the last of several changes."""
        return self.operations[-1].starts_broadcast

    @property
    def stops_broadcast(self) -> bool:
        """Whether it is a stop, which is never one of several changes."""
        return self.operations[0].stops_broadcast

    def interrupted(self) -> LostAnswer:
        """It was cut short while it was sent."""
        first, *others = self.operations
        return replace(interrupted(first), next_step=LOOK) if others else interrupted(first)


class Step(NamedTuple):
    """One of several changes, and what came of it. `error` says why it was not made, or may not."""

    tool: str
    outcome: Outcome | Literal["not_sent"]
    said: str = ""
    data: JsonObject | None = None
    error: TraxError | None = None
    next_step: str = ""


class Done(NamedTuple):
    """The call has taken effect. `observed` is what the stream status showed afterwards.

    `response` is None if it was lost, or cannot be read; then `lost` says how, and `observed` shows
    the effect. A switch is read back instead: then `response` is what that read has shown.
    `undone`: a stop came after this go-live, which was then taken off the air again; false if that
    failed. `approved_in` is None if no consent was needed. `said` is what a change has done, in
    words, with `warnings`; `next_step` is for a model. Of several changes, `steps` are all, and
    perhaps not each was made. `error`: a stop has failed, and `observed` is what was seen then.
    """

    response: Response[Model] | None
    observed: Observed | None = None
    undone: bool | None = None
    approved_in: ApprovedIn | None = None
    said: tuple[Sentence, ...] = ()
    warnings: tuple[Sentence, ...] = ()
    next_step: str = ""
    lost: str | None = None
    steps: tuple[Step, ...] = ()
    error: TraxError | None = None

    @property
    def made(self) -> int:
        """How many of several changes were certainly made."""
        return sum(it.outcome == "applied" for it in self.steps)

    @property
    def is_whole(self) -> bool:
        """Whether all of it was done."""
        return self.made == len(self.steps)

    @property
    def tally(self) -> str:
        """How many of several changes were made, and what is to be said of the others."""
        told = {
            "unknown": "not sure about {}",
            "not_applied": "{} {was} not made",
            "not_sent": "{} {was} not sent",
        }
        parts = [f"made {self.made} of {len(self.steps)} changes"] if self.made else []
        for outcome, text in told.items():
            numbers = [f"{n}" for n, it in enumerate(self.steps, 1) if it.outcome == outcome]
            if numbers:
                change, was = ("change", "was") if len(numbers) == 1 else ("changes", "were")
                parts.append(text.format(f"{change} {listed(numbers)}", was=was))
        sentence = "; ".join(parts)
        return f"{sentence[:1].upper()}{sentence[1:]}"

    @property
    def data(self) -> JsonObject:
        """TRaX's answer as it was sent, or nothing."""
        return self.response.data if self.response else {}


@dataclass(frozen=True, slots=True)
class NotRun:
    """Nothing was sent. With `confirmation`, the same call runs until `expires_at`.

    `why` explains the status in words where `status` and `reason` do not. `channel` is where a
    person is being asked, and `ticket` lets a panel answer: no model may read it.
    """

    operation: str
    status: Status
    reason: Reason | None = None
    why: str | None = None
    preview: Preview | None = None
    changes: tuple[Sentence, ...] = ()
    confirmation: str | None = None
    expires_at: datetime | None = None
    channel: Channel | None = None
    ticket: str | None = field(default=None, repr=False)
    retry_after_seconds: int | None = None

    @property
    def unseen(self) -> bool:
        """Whether a form was declined sooner than a person can read it."""
        return self.reason == "unseen"


class Ask(NamedTuple):
    """A person must decide. The answer carries `question_id`, which of a stop is its token.

    `changes` is what differs from an earlier question.
    """

    question_id: str
    preview: Preview
    changes: tuple[Sentence, ...] = ()
    number: int = 1


Result = Done | NotRun | Ask
