"""The calls and stops that run in a studio: what they bring, and what is remembered of them. Pure.

Times are seconds on the clock of the store. Moments are times that order what is in a record.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

from trax_mcp.api.errors import Outcome

START_SECONDS: Final = 60.0
"""How long a go-live may still come, unless it was seen on air."""

Fate = Literal["counts", "refused", "unknown"]
"""What a stop that was sent means for others than its caller."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn of a call. It ends at `until` unless it is renewed."""

    id: str
    until: float
    sends_go_live: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """The last go-live that was sent from here. `id` is the turn of its call.

    `asked_at` is the moment of the question whose approval it has used, and `ended_at` that in
    which its answer came, or was lost. `stream_id` is that of the answer, empty if it told none. It
    is `awaited` until it is seen on air, or a stop comes: then it may still come. It is `over` once
    it was seen and then stopped. TRaX refused one from `elsewhere`, since it was busy with what
    somebody else may have begun. `earlier` is the one before it, which may still come.
    """

    id: str
    asked_at: float
    sent_at: float
    ended_at: float | None = None
    stream_id: str = ""
    state: Literal["awaited", "stopped", "seen", "over", "elsewhere"] = "awaited"
    earlier: "Start | None" = None

    def may_come(self, now: float) -> bool:
        """Whether it may still come on air."""
        return self.state not in {"seen", "over"} and now < self.sent_at + START_SECONDS

    @property
    def was_stopped(self) -> bool:
        """Whether TRaX took a stop after it."""
        return self.state in {"stopped", "over"}

    def is_awaited(self, now: float) -> bool:
        """Whether it may still come, and no stop has come after it."""
        return self.state == "awaited" and self.may_come(now)

    def after_refusal(self, at: float, *, is_busy: bool) -> "Start | None":
        """What may still come after TRaX has refused it. What was seen meanwhile is of both."""
        if is_busy:
            return replace(self, ended_at=at, state="elsewhere", earlier=None)
        if self.earlier is None or self.state == "awaited":
            return self.earlier
        return replace(self.earlier, state=self.state)


@dataclass(frozen=True, slots=True)
class UsedStop:
    """What became of the approval of a stop, in words."""

    at: float
    outcome: str


class Begin(NamedTuple):
    """What a call brings to begin, and what it uses up.

    `last_stop` is what `StudioRecord.last_stop_for` its caller was when it looked. `refusals` is
    the name under which refusals of the same call are counted: a person has agreed now.
    """

    turn_id: str
    caller: str
    last_stop: float
    question_id: str | None = None
    refusals: str | None = None
    starts: bool = False


class End(NamedTuple):
    """How a call has ended. `words` tell it to a later use of the same approval.

    `start` is the outcome of its go-live, None if it has none, and `is_busy` if TRaX refused that
    as things stand now. `auto_go_live` is what it set.
    """

    outcome: Outcome
    words: str
    start: Outcome | None = None
    stream_id: str = ""
    auto_go_live: bool | None = None
    is_busy: bool = False


class BeginStop(NamedTuple):
    """What a stop brings to begin. `approval` is the digest of the one that it has.

    `age`: it was sent already, so many seconds ago, while the engine did not answer, or its caller
    had a place of their own.
    """

    name: str
    approval: str
    caller: str
    age: float | None = None


class EndStop(NamedTuple):
    """How a stop has ended that began `at` a moment. No `words`: TRaX refused it."""

    name: str
    approval: str
    at: float
    fate: Fate
    words: str | None
