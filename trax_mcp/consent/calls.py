"""A guarded call, the answer to its question, and its results. Values only."""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from trax_mcp.actions.shown import Operations, Preview, tool_of
from trax_mcp.api.caller import Caller
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import Outcome, Refused, TraxError
from trax_mcp.api.models import Model, read_switch
from trax_mcp.api.operation import Operation, Progress
from trax_mcp.api.responses import Response
from trax_mcp.consent.ways import Way
from trax_mcp.studio.facts import Observed
from trax_mcp.studio.naming import Sentence, listed

Channel = Literal["form", "panel", "page"]
"""A way in which a person is asked here."""
By = Literal["form", "panel", "page", "passkey", "confirmation", "confirm_alone"]
"""How a call was approved. A passkey is used on the page, and a model gives a confirmation."""
Status = Literal["confirmation_invalid", "declined", "cannot_ask", "nothing_to_do"]
Reason = Literal[
    "expired", "mismatch", "changed", "used",
    "declined", "cancelled", "timed_out", "recently_declined", "malformed", "client_error",
    "too_soon", "unseen",
]  # fmt: skip
Reply = Literal["chosen", "declined", "cancelled", "timed_out", "malformed", "client_error"]

_WAYS_OF: Final = {
    "form": ("form",),
    "panel": ("panel", "page"),
    "page": ("panel", "page"),
    "passkey": ("panel", "page"),
    "confirmation": ("preview",),
}
"""The ways of asking that an answer can be to. The page follows a panel that shows nothing."""


class Answer(NamedTuple):
    """An answer to a question, which for a stop is its signed word.

    A form may bring no choice: `reply` says why. `confirm_alone` answers no question.
    """

    question_id: str
    by: By
    choice: str | None = None
    reply: Reply = "chosen"

    @property
    def is_by_person(self) -> bool:
        """Whether a person gave it here, and no model said that they did."""
        return self.by not in {"confirmation", "confirm_alone"}

    def fits(self, way: Way) -> bool:
        """Whether a question that was asked in this way is answered so."""
        return way in _WAYS_OF.get(self.by, ())


async def no_progress(_done: int, _total: int, _message: str) -> None:
    """Report nothing."""


class Call(NamedTuple):
    """What is to be done in one studio, in order, who calls, and the answer to its question.

    `claimed_name` is the user that a bot says it acts for. `by_wish`: the caller has asked for
    previews, although its client could be asked otherwise. `pressed`: somebody pressed for it
    in the control room, so it may be refused more often before nobody is asked for a while.
    """

    operations: Operations
    caller: Caller
    answer: Answer | None = None
    claimed_name: str | None = None
    by_wish: bool = False
    pressed: bool = False
    progress: Progress = no_progress

    @property
    def tool(self) -> str:
        """The name of its tool."""
        return tool_of(self.operations)

    @property
    def studio(self) -> str:
        """The id of the studio, or an empty string."""
        return self.operations[0].studio()

    @property
    def is_stop(self) -> bool:
        """Whether it is a stop."""
        return self.operations[0].stops_broadcast

    @property
    def starts(self) -> bool:
        """Whether it ends with a go-live."""
        return self.operations[-1].starts_broadcast


class Step(NamedTuple):
    """What became of one operation of a call.

    `data` is TRaX's response, or what a read has shown in its place: then `lost` says how the
    response was lost. `error` says why it was not done, or may not have been.
    """

    tool: str
    outcome: Outcome | Literal["not_sent"]
    said: tuple[Sentence, ...] = ()
    warnings: tuple[Sentence, ...] = ()
    next_step: str = ""
    data: JsonObject | None = None
    lost: str | None = None
    error: TraxError | None = None


class Done(NamedTuple):
    """A call that was sent, with each of its operations, of which perhaps not all were done.

    `observed` is what the stream status showed afterwards. `undone`: a stop came after this
    go-live, which was then taken off the air again; false if that failed. `approved_by` is None if
    no approval was needed.
    """

    steps: tuple[Step, ...]
    observed: Observed | None = None
    undone: bool | None = None
    approved_by: By | None = None

    @property
    def made(self) -> int:
        """How many operations were certainly done."""
        return sum(it.outcome == "applied" for it in self.steps)

    @property
    def is_whole(self) -> bool:
        """Whether all of it was done."""
        return self.made == len(self.steps)

    @property
    def tally(self) -> str:
        """How many of several changes were made, and what is to be said of the others."""
        told = {
            "unknown": "It's unclear whether {} {was} made",
            "not_applied": "{} {was}n't made",
            "not_sent": "{} {was}n't sent",
        }
        parts = [f"Made {self.made} of {len(self.steps)} changes"] if self.made else []
        for outcome, text in told.items():
            numbers = [f"{n}" for n, it in enumerate(self.steps, 1) if it.outcome == outcome]
            if numbers:
                change, was = ("change", "was") if len(numbers) == 1 else ("changes", "were")
                told_of_it = text.format(f"{change} {listed(numbers)}", was=was)
                parts.append(f"{told_of_it[:1].upper()}{told_of_it[1:]}")
        return ". ".join(parts)


@dataclass(frozen=True, slots=True)
class NotRun:
    """Nothing was sent, and nothing is to be. `why` says in words what the rest does not.

    Of a confirmation that came too soon it says only whether its question is `withdrawn`.
    """

    status: Status
    reason: Reason | None = None
    why: str | None = None
    retry_after_seconds: int | None = None
    preview: Preview | None = None
    changes: tuple[Sentence, ...] = ()

    @property
    def label(self) -> str:
        """The name in the audit log."""
        return "NothingToDo" if self.status == "nothing_to_do" else "Refuse"


class Ask(NamedTuple):
    """A person must decide. Whoever asks chooses the way, and lets the guard keep the question.

    `record_name` is where it is kept. `reason` is what was wrong with a confirmation, and `changes`
    is what differs from its preview.
    """

    preview: Preview
    record_name: str
    reason: Literal["expired", "mismatch", "changed"] | None = None
    changes: tuple[Sentence, ...] = ()


Result = Done | NotRun | Ask

Sent = Response[Model] | TraxError
"""What came back of an operation that was sent."""


def is_busy(sent: Sent | None) -> bool:
    """Whether TRaX refused it as things stand now."""
    return isinstance(sent, Refused) and sent.is_busy


def stream_of(sent: Sent | None) -> str:
    """The id of the stream that a go-live has begun, empty if TRaX told none."""
    found = sent.data.get("encoderStreamId") if isinstance(sent, Response) else None
    return found if isinstance(found, str) else ""


def is_certain(operation: Operation[Model], sent: Sent) -> bool:
    """Whether TRaX did it, and its response shows nothing else than what was asked for.

    Texts may be shown in another form. A switch that is still on is not off.
    """
    data = {} if isinstance(sent, TraxError) else sent.data
    switches = [it for it in operation.arguments().items() if isinstance(it[1], bool)]
    is_as_asked = all(read_switch(data.get(name, asked)) is asked for name, asked in switches)
    return sent.outcome == "applied" and is_as_asked
