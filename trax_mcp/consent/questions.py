"""A question, and what is remembered of a studio. Pure.

One record is a question from the moment when it is asked until its outcome was told. It is known by
its id, a secret of whoever answers: a model, a client's form, a panel or the page.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import PlainSerializer, PlainValidator

from trax_mcp.actions import CHANGES
from trax_mcp.actions.change import Change
from trax_mcp.actions.shown import Operations, Preview
from trax_mcp.api.errors import Outcome, TraxError
from trax_mcp.api.operation import plain_value
from trax_mcp.consent.calls import ApprovedIn, Done, NotRun
from trax_mcp.studio.naming import Sentence

QUESTION_SECONDS: Final = 300.0
"""How long a question can be answered."""
REPORT_SECONDS: Final = 10.0
"""How long a panel or a page has to show a question."""
LEFT_SECONDS: Final = 60.0
"""How long a question stays open after the last call that waited was cancelled: clients with short
time-outs call again."""
PENDING_SECONDS: Final = 60.0
"""How long a go-live counts as under way after its answer, unless seen on air or stopped."""
SENDING_SECONDS: Final = 60.0
"""How long a call that used a yes may take. Then what came of it is not known."""
READING_SECONDS: Final = 1.0
"""No person reads a question and answers it in less."""
IN_PROGRESS: Final = "the call is still in progress"
NOT_KNOWN: Final = "whether the call ran is not known"

Ended = Done | NotRun | TraxError
"""What can come of a question."""
Phase = Literal["open", "running", "ended", "unreported"]
"""A question is `open`, `running` while its call is sent, `ended` when something has come of it or
nobody has answered in time, and `unreported` if nothing has shown it in time."""

_KINDS: Final = {kind.tool_name: kind for kind in CHANGES}


def _read_operation(stored: Any) -> Change[Any]:  # noqa: ANN401  JSON
    if isinstance(stored, Change):
        return stored
    try:
        return _KINDS[stored["tool"]].model_validate(stored["arguments"])
    except KeyError:  # of a replica of another version
        raise ValueError("no such operation here") from None


def _write_operation(operation: Change[Any]) -> Mapping[str, Any]:
    arguments = {name: plain_value(value) for name, value in operation.arguments().items()}
    return {"tool": operation.tool_name, "arguments": arguments}


StoredOperation = Annotated[
    Change[Any], PlainValidator(_read_operation), PlainSerializer(_write_operation)
]
"""An operation, which is stored with its secrets in plain text: only sealed."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn of a guarded call in a studio. It ends at `until` unless it is renewed."""

    id: str
    until: float
    sends_go_live: bool = False


@dataclass(frozen=True, slots=True)
class StudioRecord:
    """What is remembered of a studio, for an hour.

    `turn` is that of the call that runs there, and `stop` that of the last stop that is being sent.
    A question that was asked before `last_stop`, the name of a stop, is void if it leads on air.
    A start may come until `starting_until`; `is_start_stopped` if a stop was accepted since, which
    it may outlive, or if only somebody else can have begun it. `taken_stop` is the last stop that
    TRaX has not refused. `hidden` counts the changes made here that no read shows, such as "the
    address of source_3". `changed_to` has those since the last go-live, with the host of an
    address.
    """

    last_stop: str = ""
    turn: Turn | None = None
    stop: Turn | None = None
    starting_until: float = 0.0
    hidden: Mapping[str, int] = field(default_factory=dict)
    changed_to: Mapping[str, str] = field(default_factory=dict)
    auto_go_live: bool = False
    taken_stop: str = ""
    is_start_stopped: bool = False

    def with_hidden(self, changes: Mapping[str, str]) -> Self:
        """The same after further hidden changes, each with the host of an address."""
        counted = {what: self.hidden.get(what, 0) + 1 for what in changes}
        changed_to = {**self.changed_to, **changes}
        return replace(self, hidden={**self.hidden, **counted}, changed_to=changed_to)

    def after_refused_start(self, before: Self, now: float, *, is_busy: bool) -> Self:
        """The same after a go-live that certainly did not begin, as `before` had it.

        An earlier start may still come. So may one from elsewhere, if TRaX `is_busy`.
        """
        if is_busy:
            return replace(self, starting_until=now + PENDING_SECONDS, is_start_stopped=True)
        until = min(self.starting_until, before.starting_until)  # else it was seen on air since
        is_stopped = self.is_start_stopped or before.is_start_stopped
        return replace(self, starting_until=until, is_start_stopped=is_stopped)

    def has_turn(self, turn_id: str, now: float) -> bool:
        """Whether this turn has not ended, and no other call has it."""
        return self.turn is not None and self.turn.id == turn_id and now < self.turn.until

    def is_stopping(self, now: float) -> bool:
        """Whether a stop is being sent. No call begins meanwhile."""
        return self.stop is not None and now < self.stop.until

    def renewed(self, turn_id: str, until: float) -> Self:
        """The same with a longer life of this turn, if there is such a turn."""
        if self.turn is not None and self.turn.id == turn_id:
            return replace(self, turn=replace(self.turn, until=until))
        if self.stop is not None and self.stop.id == turn_id:
            return replace(self, stop=replace(self.stop, until=until))
        return self

    def without_turn(self, turn_id: str) -> Self:
        """The same after the end of a call or a stop, if it still had its turn."""
        turn = None if self.turn and self.turn.id == turn_id else self.turn
        stop = None if self.stop and self.stop.id == turn_id else self.stop
        return replace(self, turn=turn, stop=stop)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person is asked about one call, and what became of it.

    `id` is a secret: whoever has it may answer, from the `channel` that was asked. Of a stop, it is
    the token. `place` is where the call takes its turn. `number` is 2 if it was asked again after a
    change. `used_by` is the turn of the call that used its yes, and `is_lost` if that call ended
    without a word. `must_report`: it is of no use if no panel has shown it in time, and
    `is_unshown` if nothing can. `hurried` are the moments of confirmations that came too soon.
    `is_told`: a call has learnt the `result`. `left_at`: the last call that waited was cancelled.
    """

    id: str
    caller: str
    place: str
    operations: tuple[StoredOperation, ...]
    channel: Literal["model", "form", "panel", "page"]
    preview: Preview
    last_stop: str
    asked_at: float
    hidden: Mapping[str, int] = field(default_factory=dict)
    changes: tuple[Sentence, ...] = ()
    number: int = 1
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
    def digest(self) -> str:
        """The digest of what was shown."""
        return self.preview.digest

    @property
    def choice(self) -> str:
        """The choice that agrees."""
        return self.preview.yes

    @property
    def is_used(self) -> bool:
        """Whether a call has used its yes."""
        return self.used_by is not None

    @property
    def is_stop(self) -> bool:
        """Whether it is about a stop."""
        return self.operations[0].stops_broadcast

    @property
    def was_reported(self) -> bool:
        """Whether it was shown, or was asked again, after it was shown."""
        return self.number > 1 or self.shown_at is not None

    def phase(self, now: float) -> Phase:
        """What it is now. Time alone can end it."""
        if self.result is not None:
            return "ended"
        if self.is_used:
            is_running = not self.is_lost and now < self.used_at + SENDING_SECONDS
            return "running" if is_running else "ended"
        if self.is_unshown:
            return "unreported"
        if self.must_report and not self.was_reported and now >= self.asked_at + REPORT_SECONDS:
            return "unreported"
        return "open" if now < self.open_until else "ended"

    def was_left(self, now: float) -> bool:
        """Whether it ended since no call waited for it any more."""
        expires_at = self.asked_at + QUESTION_SECONDS
        has_no_end = self.result is None and not self.is_used and self.phase(now) == "ended"
        return has_no_end and self.open_until < expires_at

    def counts(
        self, number: int, choice: str, by: ApprovedIn, now: float, *, needs_passkey: bool
    ) -> bool:
        """Whether an answer counts: it is one of the choices of the question that is open now.

        None comes sooner than a person can read, and a yes needs the passkey, if one is enrolled.
        """
        if self.phase(now) != "open" or number != self.number:
            return False
        if self.shown_at is not None and now < self.shown_at + READING_SECONDS:
            return False
        if choice != self.choice:
            return choice == self.preview.no
        return self.shown_at is not None and (by == "passkey" or not needs_passkey)

    def given_back(self) -> Self:
        """The same with a yes that no call has used: it was certainly not applied."""
        return replace(self, used_by=None, used_at=0.0, outcome=None)

    def seen_in(self, studio: StudioRecord, now: float) -> Self:
        """The same with what is known of the call that used its yes, while it has not ended.

        It is lost if its turn has ended.
        """
        if not self.is_used or self.outcome is not None:
            return self
        if studio.has_turn(self.used_by or "", now):
            return replace(self, outcome=IN_PROGRESS)
        return replace(self, outcome=NOT_KNOWN, is_lost=True)

    @property
    def is_for_model(self) -> bool:
        """Whether the model brings its yes."""
        return self.channel == "model"

    def is_for(self, operations: Operations) -> bool:
        """Whether it is about exactly this call."""
        return self.operations == operations

    def is_void_after(self, last_stop: str) -> bool:
        """Whether a stop has come since it was asked, and it leads on air."""
        return self.preview.puts_on_air and self.last_stop != last_stop


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
        return self.is_over or (self.question is not None and self.question.was_reported)

    def result(self, tool: str) -> Ended | None:
        """What has come of it. None if it is open, or was not shown."""
        if self.question is None:
            return NotRun(tool, "confirmation_invalid", "expired")
        if self.question.result is not None:
            return self.question.result
        if self.phase == "ended" and self.question.is_used:
            why = self.question.outcome or NOT_KNOWN
            return NotRun(tool, "confirmation_invalid", "used", why=why)
        if self.question.was_left(self.now):
            return NotRun(tool, "declined", "cancelled", why="the call was cancelled")
        return NotRun(tool, "declined", "timed_out") if self.phase == "ended" else None


def outcome_in_words(outcome: Outcome, state: str | None = None) -> str:
    """What came of a call, as a later use of the same yes is told."""
    ran = "the call ran" if outcome == "applied" else NOT_KNOWN
    return f"{ran}, and the studio was then {state.replace('_', ' ')}" if state else ran
