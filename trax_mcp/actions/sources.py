"""Adding, changing and deleting sources."""

from collections.abc import Iterator
from typing import Final, Generic

from pydantic import Field

from trax_mcp.actions.acts import (
    AT_ONCE,
    Act,
    Rank,
    add,
    delete,
    new_name,
    new_stays,
    rename,
    stays,
    turn,
)
from trax_mcp.actions.change import Change, read_as, with_its_id
from trax_mcp.actions.results import whether_on
from trax_mcp.actions.view import Row, Sentences, Target, View
from trax_mcp.api import arguments
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Model, Source
from trax_mcp.api.operation import Effect, Response_co, When, unless_false
from trax_mcp.api.reads import GetHealth, GetStreamStatus, GetStudio, ListSources
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Facts
from trax_mcp.studio.naming import Name, say, sentence

_READS: Final = (GetStudio, GetStreamStatus, ListSources, GetHealth)
_APPEARS: Final = ", so viewers may see it at once"
_VANISHES: Final = ", so it may vanish from the picture at once"


_NO_DEFAULT: Final = "No documented default."


class _OfSource(Change[Response_co], Generic[Response_co], abstract=True):
    """A change of a source that is there."""

    studio_id: arguments.Id
    source_id: arguments.Id

    reads = _READS

    def target(self, view: View) -> Target:
        it = self._found(view)
        return Target(self.source_id, it.name if it else None)

    def _found(self, view: View) -> Source | None:
        return view.find(ListSources, self.source_id)


class CreateSource(
    Change[Source],
    endpoint="POST /v1/studios/{id}/sources",
    effect=Effect.WRITE,
    several=True,
    consent={"url": When.ALWAYS, "active": unless_false(When.WHILE_LIVE)},
    shown_by=ListSources,
    hint="Viewers may see it at once.",
):
    studio_id: arguments.Id
    name: arguments.ShortText = Field(description="The name people see.")
    type: arguments.ShortText
    url: arguments.Address | None = Field(None, description="Address of a feed or file.")
    active: arguments.Boolean | None = Field(
        None, description=f"Whether it can be on screen. {_NO_DEFAULT}"
    )

    reads = _READS

    @property
    def puts_on_air(self) -> bool:
        return self.active is not False

    def described(self, view: View) -> Name:
        it = self
        return naming.named(
            it.name, "", naming.source_type(it.type, whole=True), longest=max(len(it.name), 1)
        )

    def acts(self, view: View) -> Iterator[Act]:
        of, is_on = self.described(view), self.puts_on_air
        yield add("source", of, self.rows(view), yes="Add the source", is_on=is_on)

    def on_air(self, view: View) -> Sentences:
        if self.puts_on_air:
            yield from view.while_on_air(_APPEARS)

    def rows(self, view: View) -> Iterator[Row]:
        if self.url is not None:
            yield Row("Address", (say(naming.address(self.url)),))

    def lasts(self, view: View) -> Sentences:
        yield new_stays(is_on=self.puts_on_air)

    def done(self, view: View, response: JsonObject) -> Sentences:
        it = read_as(Source, response)
        if it is None:
            yield sentence("Added the source {} to {}.", naming.quoted(self.name), view.studio)
            return
        yield sentence(
            "Added the source {} to {}, and {}.{}",
            naming.source(it),
            view.studio,
            whether_on(it.active),
            self.each_hidden("url"),
        )

    def after(self, facts: Facts) -> Facts:
        new = Source(id="", name=self.name, type=self.type, active=self.active is not False)
        return facts.changing(ListSources, lambda them: (*them, new))

    def after_response(self, facts: Facts, response: JsonObject) -> Facts:
        return with_its_id(self.after(facts), ListSources, response)


class UpdateSource(
    _OfSource[Source],
    endpoint="PATCH /v1/studios/{id}/sources/{sourceId}",
    effect=Effect.WRITE,
    several=True,
    consent={"url": When.ALWAYS, "active": When.WHILE_LIVE},
    shown_by=ListSources,
    hint="Viewers may see the change. An overwritten address is lost.",
):
    name: arguments.ShortText | None = Field(None, description="New name.")
    url: arguments.Address | None = Field(None, description="New address.")
    active: arguments.Boolean | None = Field(None, description="Whether it can be on screen.")

    @property
    def puts_on_air(self) -> bool:
        return self.active is True

    def acts(self, view: View) -> Iterator[Act]:
        of, it = self.described(view), self
        if it.url is not None:
            yield Act(
                rank=Rank.REPLACE,
                yes="Replace its address",
                no="Keep the old address",
                headline="Replace the address of {}",
                further="replace its address",
                label="New address",
                verb="replace",
                thing="source address",
                lead="You can't get the old address back: TRaX never shows it.",
                lead_of_many="You can't get the old addresses back: TRaX never shows them.",
                fact=sentence("{}: {}", of, naming.address(it.url)),
            )
        if it.active is not None:
            yield turn("source", of, "", is_on=it.active)
        if it.name is not None:
            yield rename("source", of, it.name)

    def on_air(self, view: View) -> Sentences:
        if self.active is None:
            yield from view.while_on_air(AT_ONCE)
        else:
            yield from view.while_on_air(_APPEARS if self.active else _VANISHES)

    def rows(self, view: View) -> Iterator[Row]:
        if self.url is not None:
            yield Row("New address", (say(naming.address(self.url)),))
        if self.name is not None:
            yield Row("New name", (sentence("{}", new_name(self.name)),))

    def lasts(self, view: View) -> Sentences:
        if self.active is not None:
            yield say(stays(1, is_on=self.active))

    def done(self, view: View, response: JsonObject) -> Sentences:
        it = read_as(Source, response)
        yield from self.each_change_done(
            view,
            response,
            kind="source",
            before=self.described(view) if self._found(view) else None,
            after=naming.named(it.name, it.id) if it else None,
        )

    def after(self, facts: Facts) -> Facts:
        return facts.changing(ListSources, self.changed)


class DeleteSource(
    _OfSource[Model],
    endpoint="DELETE /v1/studios/{id}/sources/{sourceId}",
    effect=Effect.GUARDED,
    several=True,
    shown_by=ListSources,
    hint="It may vanish from the picture.",
):
    def acts(self, view: View) -> Iterator[Act]:
        yield delete(
            "source",
            self.described(view),
            yes="Delete the source",
            lead="This is final. You'd have to add it again.",
        )

    def lead(self, view: View) -> Sentences:
        yield from super().lead(view)
        it = self._found(view)
        if it is not None and it.type == "media":
            yield say("TRaX doesn't say whether its file stays in the media library.")

    def on_air(self, view: View) -> Sentences:
        yield from view.while_on_air(_VANISHES)

    def done(self, view: View, _response: JsonObject) -> Sentences:
        yield sentence("Deleted the source {} from {}.", self.described(view), view.studio)

    def after(self, facts: Facts) -> Facts:
        return facts.changing(ListSources, self.without_target)
