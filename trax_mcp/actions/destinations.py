"""Adding, changing and deleting destinations."""

from collections.abc import Iterator, Sequence
from typing import Final, Generic, Self

from pydantic import Field, model_validator

from trax_mcp.actions.acts import (
    AT_ONCE,
    Act,
    Rank,
    add,
    change,
    delete,
    key_in_words,
    new_name,
    new_stays,
    rename,
    stays,
    turn,
)
from trax_mcp.actions.change import Change, read_as, with_its_id
from trax_mcp.actions.results import whether_on
from trax_mcp.actions.view import Row, Sentences, Target, View, as_in
from trax_mcp.api import arguments
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Destination, Model
from trax_mcp.api.operation import Effect, Response_co, When, unless_false
from trax_mcp.api.reads import (
    GetHealth,
    GetStreamStatus,
    GetStudio,
    ListConnections,
    ListDestinations,
)
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Facts, Kind
from trax_mcp.studio.naming import Looks, Name, Sentence, say, sentence

_READS: Final = (GetStudio, GetStreamStatus, ListDestinations, GetHealth)

_JOINS: Final = ". {} may join now or only at the next show: TRaX doesn't say"
_LEAVES: Final = ". {} may drop out now or only after the show: TRaX doesn't say"

_NO_DEFAULT: Final = "No documented default."


class _OfDestination(Change[Response_co], Generic[Response_co], abstract=True):
    """A change of a destination that is there."""

    studio_id: arguments.Id
    dest_id: arguments.Id

    reads = _READS

    def target(self, view: View) -> Target:
        it = self._found(view)
        return Target(self.dest_id, *((it.name, it.platform) if it else ()))

    def described(self, view: View) -> Name:
        it = self._found(view)
        return view.destination(it) if it else super().described(view)

    def _known(self, view: View) -> str:
        """Its platform, if it is one that trax-mcp knows. Else empty."""
        it = self._found(view)
        return naming.known_platform(it.platform) if it else ""

    def _found(self, view: View) -> Destination | None:
        found = view.find(ListDestinations, self.dest_id)
        return found and as_in(view.asked_with[ListDestinations], found)


class CreateDestination(
    Change[Destination],
    endpoint="POST /v1/studios/{id}/destinations",
    effect=Effect.WRITE,
    several=True,
    consent={
        "rtmpUrl": When.ALWAYS,
        "streamKey": When.ALWAYS,
        "enabled": unless_false(When.WHILE_LIVE),
    },
    shown_by=ListDestinations,
    hint="Give `connectionId`, or `rtmpUrl` with `streamKey`.",
):
    studio_id: arguments.Id
    name: arguments.ShortText = Field(description="The name people see.")
    platform: arguments.ShortText = Field(
        description="Such as youtube. TRaX documents no word for plain RTMP: ask the user."
    )
    connection_id: arguments.Id | None = None
    rtmp_url: arguments.Address | None = Field(None, description="Ingest address.")
    stream_key: arguments.Secret | None = None
    enabled: arguments.Boolean | None = Field(
        None, description=f"Whether going live reaches it. {_NO_DEFAULT}"
    )
    vertical: arguments.Boolean | None = Field(None, description=f"Portrait picture. {_NO_DEFAULT}")

    @model_validator(mode="after")
    def _require_one_address(self) -> Self:
        if (self.rtmp_url is None) != (self.stream_key is None):
            raise arguments.broken_rule("needs `rtmpUrl` and `streamKey` together")
        if self.connection_id is not None and self.rtmp_url is not None:
            raise arguments.broken_rule(
                "takes `connectionId` or `rtmpUrl` with `streamKey`, not both"
            )
        return self

    reads = _READS

    @property
    def all_reads(self) -> Sequence[Kind]:
        return _READS if self.connection_id is None else (*_READS, ListConnections)

    @property
    def puts_on_air(self) -> bool:
        return self.enabled is not False

    def described(self, view: View) -> Name:
        it = self
        return naming.named(
            it.name, "", naming.platform(it.platform, whole=True), longest=max(len(it.name), 1)
        )

    def acts(self, view: View) -> Iterator[Act]:
        known = naming.known_platform(self.platform)
        yes = f"Add a {known} destination" if known else "Add a destination"
        of, is_on = self.described(view), self.puts_on_air
        yield add("destination", of, self.rows(view), yes=yes, is_on=is_on)

    def on_air(self, view: View) -> Sentences:
        if self.puts_on_air:
            known = naming.known_platform(self.platform)
            yield from view.while_on_air(_JOINS.format(known or "It"))

    def rows(self, view: View) -> Iterator[Row]:
        if self.rtmp_url is not None:
            yield Row("Server", (say(naming.address(self.rtmp_url)),))
        if self.stream_key is not None:
            yield Row("Stream key", (say(key_in_words(self.stream_key)),))
        if self.connection_id is not None:
            yield Row("Account", (self._account(view, self.connection_id),))
        if self.vertical is not None:
            yield Row("Picture", (say("portrait" if self.vertical else "landscape"),))

    def lasts(self, view: View) -> Sentences:
        yield new_stays(is_on=self.puts_on_air)

    def _account(self, view: View, its_id: str) -> Sentence:
        """A linked account by name, or by id where its name is unknown."""
        accounts = view.facts[ListConnections].value or ()
        for it in accounts:
            if it.id == its_id:
                looks = Looks({it.id: it.display_name for it in accounts})
                name = naming.connection(it, among=looks, longest=naming.TARGET_NAME)
                return sentence("{}", name)
        return say(naming.quoted_whole(its_id))

    def done(self, view: View, response: JsonObject) -> Sentences:
        it = read_as(Destination, response)
        if it is None:
            yield sentence("Added the destination {} to {}.", naming.quoted(self.name), view.studio)
        else:
            yield sentence(
                "Added the destination {} to {}, and {}.{}",
                naming.destination(it),
                view.studio,
                whether_on(it.enabled),
                self.each_hidden("rtmpUrl", "streamKey"),
            )
        yield from self.on_air(view)

    def after(self, facts: Facts) -> Facts:
        new = Destination(
            id="",
            name=self.name,
            platform=self.platform,
            enabled=self.enabled is not False,
            vertical=self.vertical is True,
        )
        return facts.changing(ListDestinations, lambda them: (*them, new))

    def after_response(self, facts: Facts, response: JsonObject) -> Facts:
        return with_its_id(self.after(facts), ListDestinations, response)


class UpdateDestination(
    _OfDestination[Destination],
    endpoint="PATCH /v1/studios/{id}/destinations/{destId}",
    effect=Effect.WRITE,
    several=True,
    consent={
        "rtmpUrl": When.ALWAYS,
        "streamKey": When.ALWAYS,
        "platform": When.ALWAYS,
        "enabled": When.WHILE_LIVE,
        "vertical": When.WHILE_LIVE,
    },
    shown_by=ListDestinations,
    hint="Viewers may see the change. An overwritten address or stream key is lost.",
):
    name: arguments.ShortText | None = Field(None, description="New name.")
    platform: arguments.ShortText | None = Field(None, description="Such as youtube.")
    rtmp_url: arguments.Address | None = Field(None, description="New ingest address.")
    stream_key: arguments.Secret | None = None
    enabled: arguments.Boolean | None = Field(None, description="Whether going live reaches it.")
    vertical: arguments.Boolean | None = Field(None, description="Portrait picture.")

    @property
    def puts_on_air(self) -> bool:
        return self.enabled is True

    def acts(self, view: View) -> Iterator[Act]:
        of, it = self.described(view), self
        if it.rtmp_url is not None:
            yield Act(
                rank=Rank.REPLACE,
                yes="Send it to a new server",
                no="Keep the old server",
                headline="Send {} to a new server",
                further="send it to a new server",
                label="New server",
                verb="replace",
                thing="server",
                lead="You can't get the old address back: TRaX never shows it.",
                lead_of_many="You can't get the old addresses back: TRaX never shows them.",
                fact=sentence("{}: {}", of, naming.address(it.rtmp_url)),
            )
        if it.stream_key is not None:
            yield Act(
                rank=Rank.REPLACE,
                yes="Replace the stream key",
                no="Keep the old key",
                headline="Replace the stream key of {}",
                further="replace its stream key",
                label="New stream key",
                verb="replace",
                thing="stream key",
                lead="You can't get the old key back: TRaX never shows it.",
                lead_of_many="You can't get the old keys back: TRaX never shows them.",
                fact=sentence("{}: {}", of, key_in_words(it.stream_key)),
            )
        if it.enabled is not None:
            yield turn("destination", of, self._known(view), is_on=it.enabled)
        if it.platform is not None:
            platform = naming.platform(it.platform, whole=True)
            yield change("platform", of, platform)
        if it.vertical is not None:
            yield _switch(of, "portrait" if it.vertical else "landscape")
        if it.name is not None:
            yield rename("destination", of, it.name)

    def on_air(self, view: View) -> Sentences:
        if self.enabled is None:
            yield from view.while_on_air(AT_ONCE)
        else:
            yield from self._joins_or_leaves(view)

    def rows(self, view: View) -> Iterator[Row]:
        it = self
        if it.rtmp_url is not None:
            yield Row("New server", (say(naming.address(it.rtmp_url)),))
        if it.stream_key is not None:
            yield Row("New key", (say(key_in_words(it.stream_key)),))
        if it.platform is not None:
            yield Row("New platform", (say(naming.platform(it.platform, whole=True)),))
        if it.vertical is not None and len([*self.acts(view)]) > 1:
            yield Row("Picture", (say("portrait" if it.vertical else "landscape"),))
        if it.name is not None:
            yield Row("New name", (sentence("{}", new_name(it.name)),))

    def lasts(self, view: View) -> Sentences:
        if self.enabled is not None:
            yield say(stays(1, is_on=self.enabled))

    def done(self, view: View, response: JsonObject) -> Sentences:
        it = read_as(Destination, response)
        yield from self.each_change_done(
            view,
            response,
            kind="destination",
            before=self.described(view) if self._found(view) else None,
            after=naming.destination(it) if it else None,
        )
        yield from self._joins_or_leaves(view)

    def after(self, facts: Facts) -> Facts:
        return facts.changing(ListDestinations, self.changed)

    def _joins_or_leaves(self, view: View) -> Sentences:
        if self.enabled is not None:
            text = _JOINS if self.enabled else _LEAVES
            yield from view.while_on_air(text.format(self._known(view) or "It"))


class DeleteDestination(
    _OfDestination[Model],
    endpoint="DELETE /v1/studios/{id}/destinations/{destId}",
    effect=Effect.GUARDED,
    several=True,
    shown_by=ListDestinations,
    hint="Its stream key is lost. To skip it for a show, turn it off instead.",
):
    def acts(self, view: View) -> Iterator[Act]:
        known = self._known(view)
        yield delete(
            "destination",
            self.described(view),
            yes=f"Delete the {known} destination" if known else "Delete the destination",
            lead="This is final. You'd have to enter its stream key again.",
        )

    def on_air(self, view: View) -> Sentences:
        yield from view.while_on_air(_LEAVES.format(self._known(view) or "It"))

    def lasts(self, view: View) -> Sentences:
        it = self._found(view)
        platform = naming.platform(it.platform) if it else "the platform"
        yield say(f"Nothing is deleted on {platform}.")

    def done(self, view: View, _response: JsonObject) -> Sentences:
        yield sentence("Deleted the destination {} from {}.", self.described(view), view.studio)
        yield from self.on_air(view)

    def after(self, facts: Facts) -> Facts:
        return facts.changing(ListDestinations, self.without_target)


def _switch(of: Name, to: str) -> Act:
    """Switch a destination to portrait or landscape video."""
    act = change("picture", of, to)
    return act._replace(
        yes=f"Switch to {to} video",
        headline=f"Switch {{}} to {to} video",
        further=f"switch it to {to} video",
    )
