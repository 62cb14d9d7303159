"""Adding, changing and deleting destinations."""

from collections.abc import Sequence
from typing import Final

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Destination
from trax_mcp.api.operation import When
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
        yield from self.while_on_air("The stream may go out there at once.")

    def choice(self) -> str:
        return f"Add the destination {naming.quoted(self.operation.name)} to {self.name}"

    def done(self, answer: JsonObject, _observed: Observed | None) -> Sentences:
        it = self.read_answer(Destination, answer)
        if it is None:
            yield sentence(
                "Added the destination {} to {}.", naming.quoted(self.operation.name), self.studio
            )
            return
        yield sentence(
            "Added the destination {} to {}; it is switched {}.{}",
            naming.destination(it),
            self.studio,
            "on" if it.enabled else "off",
            self.each_hidden("rtmpUrl", "streamKey"),
        )


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
        given, consent = self.operation.arguments(), self.operation.consent
        lost = [name for name, when in consent.items() if when is When.ALWAYS and name in given]
        if lost:
            yield sentence("What was there as {} is overwritten.", naming.listed(lost))
        yield from self.while_on_air("Viewers may see the change at once.")

    def choice(self) -> str:
        return f"Change the destination {self.name}"

    def done(self, answer: JsonObject, _observed: Observed | None) -> Sentences:
        it = self.read_answer(Destination, answer)
        name = naming.destination(it) if it else self.described
        yield from self.each_change_done(
            answer, of=sentence("the destination {} of {}", name, self.studio).text
        )


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
        yield sentence("Its stream key is lost: it can only be entered anew.")
        yield from self.while_on_air("Viewers there may lose the stream at once.")

    def choice(self) -> str:
        return f"Delete the destination {self.name}"

    def done(self, _answer: JsonObject, _observed: Observed | None) -> Sentences:
        yield sentence("Deleted the destination {} from {}.", self.described, self.studio)


def _target(plan: _OfDestination) -> Target:
    it = _destination(plan)
    return Target(plan.operation.dest_id, *((it.name, it.platform) if it else ()))


def _described(plan: _OfDestination) -> Name:
    it = _destination(plan)
    return plan.destination(it) if it else plan.name


def _destination(plan: _OfDestination) -> Destination | None:
    return plan.find(
        plan.facts.destinations,
        kind="destination",
        listed_by="list_destinations",
    )
