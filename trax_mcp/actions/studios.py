"""Creating and changing studios."""

from collections.abc import Iterator

from pydantic import Field

from trax_mcp.actions.acts import LEAVE_IT, Act, Rank, new_name, rename
from trax_mcp.actions.change import Change, read_as
from trax_mcp.actions.stream import may_reach, places
from trax_mcp.actions.view import Row, Sentences, View
from trax_mcp.api import arguments
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Studio
from trax_mcp.api.operation import Effect, When, if_true
from trax_mcp.api.reads import (
    GetHealth,
    GetStreamStatus,
    GetStudio,
    ListDestinations,
    ListSources,
    ListStudios,
)
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Facts, Read
from trax_mcp.studio.naming import Name, say, sentence


class CreateStudio(
    Change[Studio],
    endpoint="POST /v1/studios",
    effect=Effect.WRITE,
    shown_by=ListStudios,
    hint="Use it only if the user asks.",
):
    name: arguments.ShortText = Field(description="The name people see.")

    reads = (ListStudios, GetHealth)

    def described(self, view: View) -> Name:
        return new_name(self.name)

    def acts(self, view: View) -> Iterator[Act]:
        yield Act(
            rank=Rank.OTHER,
            yes="Create the studio",
            no="Don't create it",
            headline="Create the studio {}",
            verb="create",
            thing="studio",
            lead="This can't be undone here: no tool deletes a studio.",
        )

    def done(self, view: View, response: JsonObject) -> Sentences:
        it = read_as(Studio, response)
        name = naming.studio(it) if it else naming.quoted(self.name)
        yield sentence("Created the studio {}.", name)


class UpdateStudio(
    Change[Studio],
    endpoint="PATCH /v1/studios/{id}",
    effect=Effect.WRITE,
    several=True,
    consent={"autoGoLive": if_true(When.ALWAYS), "autoGoOfflineOnDrop": if_true(When.WHILE_LIVE)},
    shown_by=GetStudio,
    hint="No read shows the auto settings.",
):
    studio_id: arguments.Id
    name: arguments.ShortText | None = Field(None, description="New name.")
    auto_go_live: arguments.Boolean | None = Field(
        None,
        description=(
            "Lets it go live on its own. TRaX doesn't document what triggers it; it isn't a timer."
        ),
    )
    auto_go_offline_on_drop: arguments.Boolean | None = Field(
        None, description="Goes offline when its input drops."
    )

    reads = (GetStudio, GetStreamStatus, ListDestinations, ListSources, GetHealth)

    @property
    def puts_on_air(self) -> bool:
        return self.auto_go_live is True

    @property
    def sets_auto_go_live(self) -> bool | None:
        return self.auto_go_live

    def acts(self, view: View) -> Iterator[Act]:
        of, it = self.described(view), self
        if it.auto_go_live is not None:
            yield _goes_live_alone() if it.auto_go_live else _asks_again()
        if it.auto_go_offline_on_drop is not None:
            yield _ends_alone() if it.auto_go_offline_on_drop else _stays_on_air()
        if it.name is not None:
            yield rename("studio", of, it.name)

    def lead(self, view: View) -> Sentences:
        if self.auto_go_live:
            yield from may_reach(view)
        yield from super().lead(view)

    def on_air(self, view: View) -> Sentences:
        if self.auto_go_offline_on_drop:
            yield from view.while_on_air(", so this counts for the current show too")

    def rows(self, view: View) -> Iterator[Row]:
        if self.auto_go_live:
            yield places(view, "Would stream to", view.facts.enabled, short="To")
        if self.name is not None:
            yield Row("New name", (sentence("{}", new_name(self.name)),))

    def lasts(self, view: View) -> Sentences:
        if self.auto_go_live:
            yield say("This stays on until you turn it off.")

    def done(self, view: View, response: JsonObject) -> Sentences:
        it = read_as(Studio, response)
        yield from self.each_change_done(
            view,
            response,
            kind="studio",
            before=self.described(view) if view.facts[GetStudio].value else None,
            after=naming.named(it.name, it.id) if it else None,
        )

    def after(self, facts: Facts) -> Facts:
        if self.name is None or (studio := facts[GetStudio].value) is None:
            return facts
        return facts.having(GetStudio, Read(studio.model_copy(update={"name": self.name})))


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
