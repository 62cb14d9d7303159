"""Creating and changing studios."""

from collections.abc import Iterator

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Studio
from trax_mcp.api.operations import CreateStudio, UpdateStudio
from trax_mcp.consent.plans.acts import Act, Rank
from trax_mcp.consent.plans.base import LEAVE_IT, Plan, Sentences
from trax_mcp.consent.plans.edits import new_name, rename
from trax_mcp.consent.plans.stream import may_reach, places
from trax_mcp.consent.preview import Row
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Fact, Observed
from trax_mcp.studio.naming import Name, say, sentence


class CreateStudioPlan(Plan[CreateStudio]):
    """Creates a studio."""

    reads = (Fact.STUDIOS, Fact.HEALTH)

    @property
    def described(self) -> Name:
        return new_name(self.operation.name)

    def acts(self) -> Iterator[Act]:
        yield Act(
            rank=Rank.OTHER,
            yes="Create the studio",
            no="Don't create it",
            headline="Create the studio {}",
            verb="create",
            thing="studio",
            lead="This can't be undone here: no tool deletes a studio.",
        )

    def done(self, answer: JsonObject, _observed: Observed | None) -> Sentences:
        it = self.read_response(Studio, answer)
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

    def acts(self) -> Iterator[Act]:
        of, it = self.name, self.operation
        if it.auto_go_live is not None:
            yield _goes_live_alone() if it.auto_go_live else _asks_again()
        if it.auto_go_offline_on_drop is not None:
            yield _ends_alone() if it.auto_go_offline_on_drop else _stays_on_air()
        if it.name is not None:
            yield rename("studio", of, it.name)

    def lead(self) -> Sentences:
        if self.operation.auto_go_live:
            yield from may_reach(self)
        yield from super().lead()

    def on_air(self) -> Sentences:
        if self.operation.auto_go_offline_on_drop:
            yield from self.while_on_air(", so this counts for the running show, too")

    def rows(self) -> Iterator[Row]:
        if self.operation.auto_go_live:
            yield places(self, "Would stream to", self.facts.enabled, short="To")
        if self.operation.name is not None:
            yield Row("New name", (sentence("{}", new_name(self.operation.name)),))

    def lasts(self) -> Sentences:
        if self.operation.auto_go_live:
            yield say("This stays on until you turn it off.")

    def warnings(self) -> Sentences:
        if self.operation.auto_go_live:
            yield from self.changed_earlier()

    def done(self, answer: JsonObject, _observed: Observed | None) -> Sentences:
        it = self.read_response(Studio, answer)
        yield from self.each_change_done(
            answer,
            kind="studio",
            before=self.name if self.facts.studio.value else None,
            after=naming.named(it.name, it.id) if it else None,
        )


def _goes_live_alone() -> Act:
    return Act(
        rank=Rank.GO_LIVE_LATER,
        yes="Let it go live on its own",
        no="Keep asking me",
        headline="Let {} go live on its own",
        further="let it go live on its own",
        verb="let it go live on its own",
        lead="From now on it can go on air without asking you. TRaX doesn't say what triggers it.",
    )


def _asks_again() -> Act:
    return Act(
        rank=Rank.OTHER,
        yes="Stop it going live on its own",
        no=LEAVE_IT,
        headline="Stop {} going live on its own",
        further="stop it going live on its own",
        label="Going live on its own",
        verb="stop it going live on its own",
        fact=say("off"),
    )


def _ends_alone() -> Act:
    return Act(
        rank=Rank.OTHER,
        yes="Go offline if the input drops",
        no=LEAVE_IT,
        headline="Let {} go offline if its input drops",
        further="let it go offline if its input drops",
        verb="go offline if the input drops",
        lead="From now on a show ends on its own if its input drops.",
    )


def _stays_on_air() -> Act:
    return Act(
        rank=Rank.OTHER,
        yes="Stay on air if the input drops",
        no=LEAVE_IT,
        headline="Keep {} on air if its input drops",
        further="keep it on air if its input drops",
        verb="stay on air if the input drops",
        lead="From now on a show goes on if its input drops.",
    )
