"""The records of consent: what is remembered of a studio, and of a question. Pure.

One record is a question from the moment when it is asked until its outcome was told. It is known by
its id, a secret of whoever answers: a model, a client's form, a panel or the page.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import PlainSerializer, PlainValidator

from trax_mcp.api.errors import Failure, Outcome
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation, plain_value
from trax_mcp.api.operations import OPERATIONS
from trax_mcp.consent.calls import DO_NOT, Done, NotRun
from trax_mcp.consent.evidence import ApprovedIn
from trax_mcp.consent.preview import Preview

QUESTION_SECONDS: Final = 300.0
"""How long a question can be answered."""
REPORT_SECONDS: Final = 10.0
"""How long a panel or a page has to show a question."""
PENDING_SECONDS: Final = 60.0
"""How long a go-live counts as under way after its answer, unless seen on air or stopped."""
SENDING_SECONDS: Final = 60.0
"""How long a call that used a yes may take. Then what came of it is not known."""
READING_SECONDS: Final = 1.0
"""No person reads a question and answers it in less."""
IN_PROGRESS: Final = "the call is still in progress"
NOT_KNOWN: Final = "whether the call ran is not known"

Phase = Literal["open", "running", "ended", "unreported"]
"""A question is `open`, `running` while its call is sent, `ended` when something has come of it or
nobody has answered in time, and `unreported` if nothing has shown it in time."""

_KINDS: Final = {kind.tool_name: kind for kind in OPERATIONS}


def _read_operation(stored: Any) -> Operation[Model]:  # noqa: ANN401  JSON
    if isinstance(stored, Operation):
        return stored
    try:
        return _KINDS[stored["tool"]].model_validate(stored["arguments"])
    except KeyError:  # of a replica of another version
        raise ValueError("no such operation here") from None


def _write_operation(operation: Operation[Model]) -> Mapping[str, Any]:
    arguments = {name: plain_value(value) for name, value in operation.arguments().items()}
    return {"tool": operation.tool_name, "arguments": arguments}


StoredOperation = Annotated[
    Operation[Model], PlainValidator(_read_operation), PlainSerializer(_write_operation)
]
"""An operation, which is stored with its secrets in plain text: only sealed."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The guarded call that runs in a studio. It ends at `until` unless it is renewed."""

    call: str
    until: float
    sends_go_live: bool = False


@dataclass(frozen=True, slots=True)
class Studio:
    """What is remembered of a studio, for an hour.

    A question that was asked before `last_stop`, the name of a stop, is void if it leads on air.
    A go-live counts as under way until `starting_until`. `hidden` counts the changes made here that
    no read shows, such as "the address of source_3". `changed_to` has those since the last go-live,
    with the host of an address.
    """

    last_stop: str = ""
    turn: Turn | None = None
    starting_until: float = 0.0
    hidden: Mapping[str, int] = field(default_factory=dict)
    changed_to: Mapping[str, str] = field(default_factory=dict)
    auto_go_live: bool = False

    def with_hidden(self, changes: Mapping[str, str]) -> Self:
        """The same after further hidden changes, each with the host of an address."""
        counted = {what: self.hidden.get(what, 0) + 1 for what in changes}
        changed_to = {**self.changed_to, **changes}
        return replace(self, hidden={**self.hidden, **counted}, changed_to=changed_to)

    def without_turn(self, call: str) -> Self:
        """The same after the end of a call, if it still had the turn."""
        return replace(self, turn=None) if self.turn and self.turn.call == call else self

    @property
    def is_sending_go_live(self) -> bool:
        """Whether a go-live has no answer yet."""
        return self.turn is not None and self.turn.sends_go_live


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person is asked about one call, and what became of it.

    `channel` says where the answer may come from; the model brings the id of a question that it
    was shown. `number` is 2 if it was asked again after a change. `sender` is the call that used
    its yes. `must_report`: it is of no use if no panel has shown it in time, and `is_unshown` if
    nothing can. `is_told`: a call has
    learnt the `result`. `fell_back`: a call did without it, as nothing had shown it. `stop_token`
    is the yes, if it is about a stop.
    """

    id: str
    caller: str
    owner: str
    operation: StoredOperation
    channel: Literal["model", "form", "panel", "page"]
    preview: Preview
    last_stop: str
    asked_at: float
    expires_at: datetime
    hidden: Mapping[str, int] = field(default_factory=dict)
    changes: tuple[str, ...] = ()
    number: int = 1
    shown_at: float | None = None
    must_report: bool = False
    is_unshown: bool = False
    sender: str | None = None
    used_at: float | None = None
    outcome: str | None = None
    result: Done | NotRun | Failure | None = None
    ended_at: float | None = None
    is_told: bool = False
    fell_back: bool = False
    stop_token: str | None = None

    @property
    def digest(self) -> str:
        """The digest of what was shown."""
        return self.preview.digest

    @property
    def choice(self) -> str:
        """The choice that agrees."""
        return self.preview.choice

    @property
    def is_used(self) -> bool:
        """Whether a call has used its yes."""
        return self.sender is not None

    @property
    def was_reported(self) -> bool:
        """Whether it was shown, or was asked again, after it was shown."""
        return self.number > 1 or self.shown_at is not None

    def phase(self, now: float) -> Phase:
        """What it is now. Time alone can end it."""
        if self.result is not None:
            return "ended"
        if self.used_at is not None:
            return "running" if now < self.used_at + SENDING_SECONDS else "ended"
        if self.is_unshown:
            return "unreported"
        if self.must_report and not self.was_reported and now >= self.asked_at + REPORT_SECONDS:
            return "unreported"
        return "open" if now < self.asked_at + QUESTION_SECONDS else "ended"

    def counts(
        self, number: int, choice: str, by: ApprovedIn, now: float, *, needs_passkey: bool
    ) -> bool:
        """Whether an answer counts: it is one of the choices of the question that is open now.

        A yes comes no sooner than a person can read, and with the passkey, if one is enrolled. A
        stop needs neither.
        """
        if self.phase(now) != "open" or number != self.number:
            return False
        if choice != self.choice:
            return choice == DO_NOT
        if self.stop_token is not None:
            return True
        was_read = self.shown_at is not None and now >= self.shown_at + READING_SECONDS
        return was_read and (by == "passkey" or not needs_passkey)

    @property
    def is_for_model(self) -> bool:
        """Whether the model brings its yes."""
        return self.channel == "model"

    def is_for(self, operation: Operation[Model]) -> bool:
        """Whether it is about exactly this call."""
        return self.operation == operation

    def is_void_after(self, last_stop: str) -> bool:
        """Whether a stop has come since it was asked, and it leads on air."""
        return self.preview.puts_on_air and self.last_stop != last_stop


def outcome_in_words(outcome: Outcome, state: str | None = None) -> str:
    """What came of a call, as a later use of the same yes is told."""
    ran = "the call ran" if outcome == "applied" else NOT_KNOWN
    return f"{ran}, and the studio was then {state.replace('_', ' ')}" if state else ran
