"""One attempt of a guarded call, and what is known of it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from trax_mcp.actions.change import Change
from trax_mcp.actions.destinations import CreateDestination
from trax_mcp.actions.results import otherwise
from trax_mcp.api.errors import Outcome, Refused, TraxError
from trax_mcp.api.models import Model, read_switch
from trax_mcp.api.operation import Operation
from trax_mcp.api.responses import Response
from trax_mcp.consent.calls import GuardedCall
from trax_mcp.consent.questions import outcome_in_words
from trax_mcp.consent.records import Place
from trax_mcp.consent.store import Seen
from trax_mcp.studio.facts import Facts
from trax_mcp.studio.naming import listed

Sent = Response[Model] | TraxError


def outcome_of(sent: Sent) -> Outcome:
    """What is known of a call that was sent, whatever is seen later."""
    return sent.outcome if isinstance(sent, TraxError) else "applied"


def is_certain(step: Operation[Model], sent: Sent) -> bool:
    """Whether TRaX took a step, and its answer shows nothing else than what was asked for.

    Texts may be shown in another form. A switch that is still on is not off.
    """
    response = {} if isinstance(sent, TraxError) else sent.data
    switches = [it for it in step.arguments().items() if isinstance(it[1], bool)]
    is_as_asked = all(read_switch(response.get(name, asked)) is asked for name, asked in switches)
    return outcome_of(sent) == "applied" and is_as_asked


NOT_CHANGED: Final = "NOT changed: "


def lost(sent: TraxError) -> str:
    """How an answer was lost: it did not come, or shows otherwise than was asked for."""
    return sent.told.replace(NOT_CHANGED, "TRaX answered that ", 1)


def not_changed(step: Operation[Model], response: Response[Model]) -> TraxError | None:
    """The failure of a change that TRaX's answer shows otherwise than was asked for, if so."""
    told = otherwise(step.arguments(), response.data) if step.endpoint.method == "PATCH" else ()
    if not told:
        return None
    return TraxError(
        "not_changed",
        f"{NOT_CHANGED}{listed(told)}",
        step.look,
        outcome="unknown",
        http_status=response.status,
        request_id=response.request_id,
    )


@dataclass(slots=True)
class Attempt:
    """One attempt of a call: where it acts, what it has seen there, and what was sent.

    `came_at` is when the call came, and `turn_id` is empty if it can only ask. `sent` has one item
    for each step that was begun, and `cut_short` says why a step was not. `lost`, if the last step
    was read back: how its answer was lost. `undone` is as in `Done`. `is_free`: it needs no yes,
    but only while the studio is off air.
    """

    call: GuardedCall
    place: Place
    turn_id: str
    seen: Seen
    came_at: float
    facts: Facts = field(default_factory=Facts)
    digest: str | None = None
    question_id: str | None = None
    is_free: bool = False
    sent: list[Sent] = field(default_factory=list)
    cut_short: str = ""
    lost: str | None = None
    undone: bool | None = None

    @property
    def outcome(self) -> Outcome:
        """What is known of it as a whole: unknown if that of a step is, applied if one was."""
        outcomes = {outcome_of(it) for it in self.sent}
        if "unknown" in outcomes:
            return "unknown"
        return "applied" if "applied" in outcomes else "not_applied"

    @property
    def is_rate_limited(self) -> bool:
        """Whether TRaX's rate limit has kept it from doing anything."""
        (first, *others) = self.sent
        return isinstance(first, Refused) and first.is_rate_limit and not others

    @property
    def go_live(self) -> Outcome | None:
        """The outcome of its go-live, which is the last step. None if it has none."""
        if not self.call.starts_broadcast:
            return None
        is_sent = len(self.sent) == len(self.call.operations)
        return outcome_of(self.sent[-1]) if is_sent else "not_applied"

    @property
    def is_busy(self) -> bool:
        """Whether TRaX refused its go-live as things stand now."""
        if not (self.sent and self.last_step.starts_broadcast):
            return False
        sent = self.sent[-1]
        return isinstance(sent, Refused) and sent.is_busy

    @property
    def is_several(self) -> bool:
        """Whether it makes several changes."""
        return len(self.call.operations) > 1

    @property
    def last_step(self) -> Change[Any]:
        """The last step that was begun."""
        return self.call.operations[len(self.sent) - 1]

    def in_words(self, *, is_on_air: bool = False) -> str:
        """What came of it, as a later use of the same yes is told. `is_on_air`: it was seen so."""
        if (steps := len(self.call.operations)) == 1:
            return outcome_in_words(self.outcome)
        outcomes = [outcome_of(it) for it in self.sent]  # none, if it could not begin
        if is_on_air:
            outcomes[-1] = "applied"
        made = outcomes.count("applied")
        told = f"{'all' if made == steps else f'{made} of'} {steps} changes were made"
        if "unknown" in outcomes:
            told += f"; whether change {outcomes.index('unknown') + 1} was made is not known"
        return told

    def added_destinations(self) -> list[str]:
        """The ids of the destinations that it has added and not left switched off."""
        return [
            str(sent.data.get("id"))
            for step, sent in zip(self.call.operations, self.sent, strict=False)
            if isinstance(step, CreateDestination) and step.enabled is not False
            if isinstance(sent, Response)
        ]

    def hidden_changes(self) -> Mapping[str, str]:
        """The changes that no read shows, as in `Change.hidden_changes`."""
        return {
            what: host
            for step, _ in self._perhaps_done()
            for what, host in step.hidden_changes.items()
        }

    def auto_go_live(self) -> bool | None:
        """Whether `autoGoLive` counts as on afterwards: in doubt it does. None if not touched."""
        counts = None
        for step, sent in self._perhaps_done():
            turned_on = step.sets_auto_go_live
            if turned_on or (turned_on is False and is_certain(step, sent)):
                counts = turned_on
        return counts

    def _perhaps_done(self) -> Iterator[tuple[Change[Any], Sent]]:
        for step, sent in zip(self.call.operations, self.sent, strict=False):
            if outcome_of(sent) != "not_applied":
                yield step, sent
