"""Adding, changing and deleting destinations."""

from collections.abc import Sequence
from typing import Final

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Destination
from trax_mcp.api.operations import CreateDestination, DeleteDestination, UpdateDestination
from trax_mcp.consent.plans.base import Plan, Sentences
from trax_mcp.consent.preview import Target
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Fact, Observed
from trax_mcp.studio.naming import Name, sentence

_READS: Final = (Fact.STUDIO, Fact.STATUS, Fact.DESTINATIONS, Fact.HEALTH)

_HIDDEN: Final = {
    "rtmpUrl": "the address",
    "streamKey": "the stream key",
    "platform": "the platform",
    "vertical": "the picture format",
}
"""Fields that decide where a stream goes, or how, and that no read shows reliably."""
_JOINS: Final = (
    "TRaX does not document whether the destination joins a running show at once: look on the"
    " platform."
)
_LEAVES: Final = (
    "TRaX does not document whether the destination leaves a running show at once: look on the"
    " platform."
)

_OfDestination = Plan[UpdateDestination] | Plan[DeleteDestination]


class CreateDestinationPlan(Plan[CreateDestination]):
    """Adds a destination."""

    reads = _READS

    @classmethod
    def puts_on_air(cls, operation: CreateDestination) -> bool:
        return operation.enabled is not False

    def effects(self) -> Sentences:
        yield sentence(
            "Adds the destination {} ({}) to {}.",
            naming.quoted_whole(self.operation.name),
            naming.platform(self.operation.platform, whole=True),
            self.studio,
        )
        yield from self.each_argument(without=("name", "platform"))
        yield from self._on_air()

    def choice(self) -> str:
        return f"Add the destination {naming.quoted(self.operation.name)} to {self.name}"

    def done(self, answer: JsonObject, _observed: Observed | None) -> Sentences:
        it = self.read_answer(Destination, answer)
        if it is None:
            yield sentence(
                "Added the destination {} to {}.", naming.quoted(self.operation.name), self.studio
            )
        else:
            yield sentence(
                "Added the destination {} to {}; it is switched {}.{}",
                naming.destination(it),
                self.studio,
                "on" if it.enabled else "off",
                self.each_hidden("rtmpUrl", "streamKey"),
            )
        yield from self._on_air()

    def _on_air(self) -> Sentences:
        if self.operation.enabled is not False:
            yield from self.while_on_air(_JOINS)


class UpdateDestinationPlan(Plan[UpdateDestination]):
    """Changes a destination."""

    reads = _READS

    @classmethod
    def hidden_fields(cls, operation: UpdateDestination) -> Sequence[str]:
        return [words for name, words in _HIDDEN.items() if name in operation.arguments()]

    @classmethod
    def puts_on_air(cls, operation: UpdateDestination) -> bool:
        return operation.enabled is True

    def target(self) -> Target:
        return _target(self)

    @property
    def described(self) -> Name:
        return _described(self)

    def effects(self) -> Sentences:
        yield from self.each_change()
        yield from self.each_overwritten("rtmpUrl", "streamKey")
        if self.operation.enabled is None:
            yield from self.while_on_air("Viewers may see the change at once.")
        yield from self._on_air()

    def choice(self) -> str:
        return f"Change the destination {self.name}"

    def done(self, answer: JsonObject, _observed: Observed | None) -> Sentences:
        it = self.read_answer(Destination, answer)
        name = naming.destination(it) if it else self.described
        yield from self.each_change_done(
            answer, of=sentence("the destination {} of {}", name, self.studio).text
        )
        yield from self._on_air()

    def _on_air(self) -> Sentences:
        if self.operation.enabled is not None:
            yield from self.while_on_air(_JOINS if self.operation.enabled else _LEAVES)


class DeleteDestinationPlan(Plan[DeleteDestination]):
    """Deletes a destination."""

    reads = _READS

    def target(self) -> Target:
        return _target(self)

    @property
    def described(self) -> Name:
        return _described(self)

    def effects(self) -> Sentences:
        yield sentence("Removes the destination {} from {}.", self.described, self.studio)
        yield sentence("Cannot be undone: its stream key, if it has one, can only be entered anew.")
        yield sentence("Nothing is deleted on {} itself.", _platform(self))
        yield from self.while_on_air(_LEAVES)

    def choice(self) -> str:
        return f"Delete the destination {self.name}"

    def done(self, _answer: JsonObject, _observed: Observed | None) -> Sentences:
        yield sentence("Deleted the destination {} from {}.", self.described, self.studio)
        yield from self.while_on_air(_LEAVES)


def _target(plan: _OfDestination) -> Target:
    it = _destination(plan)
    return Target(plan.operation.dest_id, *((it.name, it.platform) if it else ()))


def _described(plan: _OfDestination) -> Name:
    it = _destination(plan)
    return plan.destination(it, longest=naming.TARGET_NAME) if it else plan.name


def _platform(plan: _OfDestination) -> str:
    it = _destination(plan)
    return naming.platform(it.platform) if it else "the platform"


def _destination(plan: _OfDestination) -> Destination | None:
    return plan.find(
        plan.facts.destinations,
        kind="destination",
        listed_by="list_destinations",
    )
