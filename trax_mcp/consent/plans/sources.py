"""Adding, changing and deleting sources."""

from collections.abc import Sequence
from typing import Final

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Source
from trax_mcp.api.operations import CreateSource, DeleteSource, UpdateSource
from trax_mcp.consent.plans.base import Plan, Sentences
from trax_mcp.consent.preview import Target
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Fact, Observed
from trax_mcp.studio.naming import Name, sentence

_READS: Final = (Fact.STUDIO, Fact.STATUS, Fact.SOURCES, Fact.HEALTH)


class CreateSourcePlan(Plan[CreateSource]):
    """Adds a source."""

    reads = _READS

    @classmethod
    def puts_on_air(cls, operation: CreateSource) -> bool:
        return operation.active is not False

    def effects(self) -> Sentences:
        yield sentence(
            "Adds the source {} ({}) to {}.",
            naming.quoted_whole(self.operation.name),
            naming.source_type(self.operation.type, whole=True),
            self.studio,
        )
        yield from self.each_argument(without=("name", "type"))
        yield from self.while_on_air("Viewers may see it at once.")

    def choice(self) -> str:
        return f"Add the source {naming.quoted(self.operation.name)} to {self.name}"

    def done(self, answer: JsonObject, _observed: Observed | None) -> Sentences:
        it = self.read_answer(Source, answer)
        if it is None:
            yield sentence(
                "Added the source {} to {}.", naming.quoted(self.operation.name), self.studio
            )
            return
        yield sentence(
            "Added the source {} to {}; it {} active.{}",
            naming.source(it),
            self.studio,
            "is" if it.active else "is not",
            self.each_hidden("url"),
        )


class UpdateSourcePlan(Plan[UpdateSource]):
    """Changes a source."""

    reads = _READS

    @classmethod
    def hidden_fields(cls, operation: UpdateSource) -> Sequence[str]:
        return () if operation.url is None else ("the address",)

    @classmethod
    def puts_on_air(cls, operation: UpdateSource) -> bool:
        return operation.active is True

    def target(self) -> Target:
        return _target(self)

    def effects(self) -> Sentences:
        yield from self.each_change()
        yield from self.while_on_air("Viewers may see the change at once.")

    def choice(self) -> str:
        return f"Change the source {self.name}"

    def done(self, answer: JsonObject, _observed: Observed | None) -> Sentences:
        it = self.read_answer(Source, answer)
        name = Name(naming.quoted(it.name), it.id) if it else self.name
        yield from self.each_change_done(
            answer, of=sentence("the source {} of {}", name, self.studio).text
        )


class DeleteSourcePlan(Plan[DeleteSource]):
    """Deletes a source."""

    reads = _READS

    def target(self) -> Target:
        return _target(self)

    def effects(self) -> Sentences:
        yield sentence("Removes the source {} from {}.", self.name, self.studio)
        yield from self.while_on_air("It may vanish from the picture at once.")

    def choice(self) -> str:
        return f"Delete the source {self.name}"

    def done(self, _answer: JsonObject, _observed: Observed | None) -> Sentences:
        yield sentence("Deleted the source {} from {}.", self.name, self.studio)


def _target(plan: Plan[UpdateSource] | Plan[DeleteSource]) -> Target:
    it = plan.find(plan.facts.sources, kind="source", listed_by="list_sources")
    return Target(plan.operation.source_id, it.name if it else None)
