"""Creating and changing studios."""

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Studio
from trax_mcp.api.operations import CreateStudio, UpdateStudio
from trax_mcp.consent.plans.base import Plan, Sentences
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Fact, Observed
from trax_mcp.studio.naming import sentence


class CreateStudioPlan(Plan[CreateStudio]):
    """Creates a studio."""

    reads = (Fact.STUDIOS, Fact.HEALTH)

    def effects(self) -> Sentences:
        yield sentence("Creates the studio {}.", naming.quoted_whole(self.operation.name))
        yield sentence("Cannot be undone: no tool deletes it again.")

    def choice(self) -> str:
        return f"Create the studio {naming.quoted(self.operation.name)}"

    def done(self, answer: JsonObject, _observed: Observed | None) -> Sentences:
        it = self.read_answer(Studio, answer)
        name = naming.studio(it) if it else naming.quoted(self.operation.name)
        yield sentence("Created the studio {}.", name)


class UpdateStudioPlan(Plan[UpdateStudio]):
    """Changes a studio."""

    reads = (Fact.STUDIO, Fact.STATUS, Fact.DESTINATIONS, Fact.SOURCES, Fact.HEALTH)

    @classmethod
    def puts_on_air(cls, operation: UpdateStudio) -> bool:
        return operation.auto_go_live is True

    @classmethod
    def sets_auto_go_live(cls, operation: UpdateStudio) -> bool | None:
        return operation.auto_go_live

    def effects(self) -> Sentences:
        yield from self.each_change()
        if self.operation.auto_go_offline_on_drop:
            yield from self.while_on_air(
                "From then on it goes off air by itself if the stream drops."
            )
        if self.operation.auto_go_live:
            yield sentence("From then on the studio can go on air by itself, without another yes.")
            for it in self.facts.enabled:
                yield sentence("It would go out on {}.", self.destination(it))
            yield from self.while_on_air("That does not change.")

    def warnings(self) -> Sentences:
        if self.operation.auto_go_live:
            yield from self.changed_earlier()

    def choice(self) -> str:
        return f"Change the studio {self.name}"

    def done(self, answer: JsonObject, _observed: Observed | None) -> Sentences:
        it = self.read_answer(Studio, answer)
        yield from self.each_change_done(answer, of=naming.studio(it) if it else self.studio)
