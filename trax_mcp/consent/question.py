"""A question to a person, from the moment when it is asked until its outcome was told. Pure.

It is known by its id, a secret of those who answer: a client's form, a panel, the page, or a model
that carries a preview. The id begins with the name of the record in which it is kept. That of a
question about a stop is the signed approval itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import PlainSerializer, PlainValidator

from trax_mcp.actions import CHANGES
from trax_mcp.actions.change import Change
from trax_mcp.actions.shown import Operations, Preview
from trax_mcp.api.errors import Outcome, TraxError
from trax_mcp.api.operation import plain_value
from trax_mcp.consent.calls import By, Done, NotRun
from trax_mcp.consent.ways import Way

QUESTION_SECONDS: Final = 300.0
"""How long a question can be answered."""
KEPT_SECONDS: Final = QUESTION_SECONDS + 60.0
"""How long a question is kept after it was asked, or used, to tell what became of it."""
REPORT_SECONDS: Final = 10.0
"""How long a panel or a page has to show a question."""
LEFT_SECONDS: Final = 60.0
"""How long a question stays open after the last call that waited was cancelled: clients with short
time-outs call again."""
SENDING_SECONDS: Final = 60.0
"""How long a call that used an approval may take. Then its outcome is not known."""
READING_SECONDS: Final = 1.0
"""No person reads a question and answers it in less."""
PREVIEW_SECONDS: Final = 5.0
"""Nobody has read a preview, and answered the model, in less."""
HURRY_SECONDS: Final = 60.0
MOST_HURRIED: Final = 3
"""So many confirmations that come too soon within `HURRY_SECONDS` withdraw a preview."""
FREE_REFUSALS: Final = 1
"""After so many refusals of the same call, the person may be asked again at once."""
FREE_PRESSED: Final = 3
"""The same where a person presses for it in the control room."""
REST_SECONDS: Final = 60.0
"""How long a person who has said no once more is not asked about the same call again."""
REFUSALS_SECONDS: Final = 600.0
"""How long a refusal is remembered."""
IN_PROGRESS: Final = "the call is still in progress"
NOT_KNOWN: Final = "it's unclear whether the call ran"

Ended = Done | NotRun | TraxError
"""What can become of a question."""
Phase = Literal["open", "running", "ended", "unreported"]
"""A question is `open`, `running` while its call is sent, `ended` when it has a result or nobody
has answered in time, and `unreported` if nothing has shown it in time."""

_KINDS: Final[Mapping[str, type[Change[Any]]]] = {it.tool_name: it for it in CHANGES}


def _read(stored: Any) -> Operations:  # noqa: ANN401  JSON
    if isinstance(stored, tuple):
        return stored
    try:
        return tuple(_KINDS[it["tool"]].model_validate(it["arguments"]) for it in stored)
    except KeyError:  # of a replica of another version
        raise ValueError("no such operation here") from None


def write_operations(operations: Operations) -> list[Mapping[str, Any]]:
    """Operations as JSON, with their secrets in plain text."""
    return [
        {
            "tool": it.tool_name,
            "arguments": {name: plain_value(value) for name, value in it.arguments().items()},
        }
        for it in operations
    ]


StoredOperations = Annotated[Operations, PlainValidator(_read), PlainSerializer(write_operations)]
"""Operations, which are stored with their secrets in plain text: only sealed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person is asked about one call, and what became of it.

    `asked_at` and `used_at` are moments of its record. `used_by` is the turn of the call that used
    its approval, and `is_lost` if that call ended without a word. `must_report`: it is of no use if
    no panel has shown it in time, and `is_unshown` if nothing can. `hurried` are the moments of
    confirmations that came too soon. `is_told`: a call has learnt the `result`. `left_at`: the last
    call that waited was cancelled.
    """

    id: str
    caller: str
    operations: StoredOperations
    way: Way
    preview: Preview
    asked_at: float = 0.0
    hurried: tuple[float, ...] = ()
    shown_at: float | None = None
    must_report: bool = False
    is_unshown: bool = False
    used_by: str | None = None
    used_at: float = 0.0
    outcome: str | None = None
    is_lost: bool = False
    result: Ended | None = None
    ended_at: float | None = None
    is_told: bool = False
    left_at: float | None = None

    @property
    def open_until(self) -> float:
        """When it can no longer be answered: earlier if no call waits for it any more."""
        expires_at = self.asked_at + QUESTION_SECONDS
        return expires_at if self.left_at is None else min(expires_at, self.left_at + LEFT_SECONDS)

    @property
    def expires_at(self) -> datetime:
        """When it can no longer be answered."""
        return datetime.fromtimestamp(self.asked_at + QUESTION_SECONDS, UTC)

    @property
    def is_used(self) -> bool:
        """Whether a call has used its approval."""
        return self.used_by is not None

    @property
    def is_stop(self) -> bool:
        """Whether it is about a stop."""
        return self.operations[0].stops_broadcast

    @property
    def kept_until(self) -> float:
        """When it is forgotten."""
        return max(self.asked_at, self.used_at, self.ended_at or 0.0) + KEPT_SECONDS

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is asked in a panel or on the page, outside of the call."""
        return self.way in {"panel", "page"}

    def phase(self, now: float) -> Phase:
        """What it is now. Time alone can end it."""
        if self.result is not None:
            return "ended"
        if self.is_used:
            is_running = not self.is_lost and now < self.used_at + SENDING_SECONDS
            return "running" if is_running else "ended"
        if self.is_unshown:
            return "unreported"
        if self.must_report and self.shown_at is None and now >= self.asked_at + REPORT_SECONDS:
            return "unreported"
        return "open" if now < self.open_until else "ended"

    def was_left(self, now: float) -> bool:
        """Whether it ended since no call waited for it any more."""
        expires_at = self.asked_at + QUESTION_SECONDS
        has_no_end = self.result is None and not self.is_used and self.phase(now) == "ended"
        return has_no_end and self.open_until < expires_at

    def counts(self, choice: str, by: By, now: float, *, needs_passkey: bool) -> bool:
        """Whether an answer counts: it is one of the choices of the question that is open now.

        None comes sooner than a person can read, and an approval needs the passkey, if one is
        enrolled.
        """
        if self.phase(now) != "open":
            return False
        if self.shown_at is not None and now < self.shown_at + READING_SECONDS:
            return False
        if choice != self.preview.yes:
            return choice == self.preview.no
        return self.shown_at is not None and (by == "passkey" or not needs_passkey)

    def is_too_soon(self, arrived_at: float) -> bool:
        """Whether nobody can have read a preview. Each confirmation starts the time again."""
        return arrived_at < max((self.asked_at, *self.hurried)) + PREVIEW_SECONDS

    def after_hurry(self, now: float) -> Self | None:
        """The same after a confirmation that came too soon. None after too many."""
        recent = (*(it for it in self.hurried if now < it + HURRY_SECONDS), now)
        return replace(self, hurried=recent) if len(recent) < MOST_HURRIED else None

    def given_back(self) -> Self:
        """The same with an approval that no call has used: it was certainly not applied."""
        return replace(self, used_by=None, used_at=0.0, outcome=None)

    def ended(self, now: float) -> Ended | None:
        """What has become of it, as a call that waits learns. None if it is open or not shown."""
        if self.result is not None:
            return self.result
        if self.phase(now) != "ended":
            return None
        if self.is_used:
            why = self.outcome or NOT_KNOWN
            return NotRun("confirmation_invalid", "used", why=why)
        if self.was_left(now):
            return NotRun("declined", "cancelled", why="the call was cancelled")
        return NotRun("declined", "timed_out")


@dataclass(frozen=True, slots=True)
class QuestionState:
    """A question as it is now. None if nothing is remembered of it."""

    question: Question | None
    now: float

    @property
    def phase(self) -> Phase:
        """Its phase."""
        return "ended" if self.question is None else self.question.phase(self.now)

    @property
    def is_over(self) -> bool:
        """Whether no answer can run it any more."""
        return self.phase in {"ended", "unreported"}

    @property
    def is_reported(self) -> bool:
        """Whether it was shown, or needs no showing any more."""
        return self.is_over or (self.question is not None and self.question.shown_at is not None)

    def result(self) -> Ended | None:
        """What has become of it. None if it is open, or was not shown."""
        if self.question is None:
            return NotRun("confirmation_invalid", "expired")
        return self.question.ended(self.now)


@dataclass(frozen=True, slots=True)
class Refusals:
    """How often a person has said no to the same call, and when they did last."""

    count: int
    last_at: float

    @classmethod
    def after_another(cls, earlier: Self | None, now: float) -> Self:
        """The same after one more. They are counted from one again after a while."""
        is_forgotten = earlier is None or now >= earlier.last_at + REFUSALS_SECONDS
        return cls(1 if is_forgotten or earlier is None else earlier.count + 1, now)

    def rest_seconds(self, now: float, *, pressed: bool = False) -> float | None:
        """For how long the person is not asked again. None if they can be asked now."""
        left = self.last_at + REST_SECONDS - now
        free = FREE_PRESSED if pressed else FREE_REFUSALS
        return left if self.count > free and left > 0 else None


def outcome_in_words(outcome: Outcome, state: str | None = None) -> str:
    """What became of a call, as a later use of the same approval is told."""
    ran = "the call ran" if outcome == "applied" else NOT_KNOWN
    return f"{ran}, and the show was then {state.replace('_', ' ')}" if state else ran
