"""Adding, changing and deleting destinations."""

from collections.abc import Iterator, Sequence
from typing import Final

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Destination
from trax_mcp.api.operations import CreateDestination, DeleteDestination, UpdateDestination
from trax_mcp.consent.plans.acts import Act, Rank
from trax_mcp.consent.plans.base import AT_ONCE, Plan, Sentences, as_in, key_in_words, stays
from trax_mcp.consent.plans.edits import change, delete, new_name, rename, turn
from trax_mcp.consent.plans.results import whether_on
from trax_mcp.consent.preview import Row, Target
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Fact, Observed
from trax_mcp.studio.naming import Looks, Name, Sentence, joined, say, sentence

_READS: Final = (Fact.STUDIO, Fact.STATUS, Fact.DESTINATIONS, Fact.HEALTH)

_HIDDEN: Final = {
    "rtmpUrl": "the address",
    "streamKey": "the stream key",
    "platform": "the platform",
    "vertical": "the picture format",
}
"""Fields that decide where a stream goes, or how, and that no read shows reliably."""
_JOINS: Final = ". {} may join now or only at the next show: TRaX doesn't say"
_LEAVES: Final = ". {} may drop out now or only after the show: TRaX doesn't say"

_OfDestination = Plan[UpdateDestination] | Plan[DeleteDestination]


class CreateDestinationPlan(Plan[CreateDestination]):
    """Adds a destination."""

    reads = _READS

    @classmethod
    def reads_for(cls, operation: CreateDestination) -> Sequence[Fact]:
        return _READS if operation.connection_id is None else (*_READS, Fact.CONNECTIONS)

    @classmethod
    def puts_on_air(cls, operation: CreateDestination) -> bool:
        return operation.enabled is not False

    @property
    def described(self) -> Name:
        it = self.operation
        return naming.named(
            it.name, "", naming.platform(it.platform, whole=True), longest=max(len(it.name), 1)
        )

    def acts(self) -> Iterator[Act]:
        known = naming.known_platform(self.operation.platform)
        is_on = self.operation.enabled is not False
        facts = [it.sentence for it in self.rows()]
        yield Act(
            rank=Rank.TURN_ON if is_on else Rank.OTHER,
            yes=f"Add a {known} destination" if known else "Add a destination",
            no="Don't add it",
            headline="Add {} to {}",
            label="Adds",
            verb="add",
            lasts=is_on,
            thing="destination",
            fact=joined([Sentence((self.described,)), *facts, say("on" if is_on else "off")]),
        )

    def on_air(self) -> Sentences:
        if self.operation.enabled is not False:
            known = naming.known_platform(self.operation.platform)
            yield from self.while_on_air(_JOINS.format(known or "It"))

    def rows(self) -> Iterator[Row]:
        if self.operation.rtmp_url is not None:
            yield Row("Server", (say(naming.address(self.operation.rtmp_url)),))
        if self.operation.stream_key is not None:
            yield Row("Stream key", (say(key_in_words(self.operation.stream_key)),))
        if self.operation.connection_id is not None:
            yield Row("Account", (self._account(self.operation.connection_id),))
        if self.operation.vertical is not None:
            yield Row("Picture", (say("portrait" if self.operation.vertical else "landscape"),))

    def lasts(self) -> Sentences:
        if self.operation.enabled is False:
            yield say("It stays off until you turn it on.")
        else:
            yield say(stays(1, is_on=True))

    def _account(self, its_id: str) -> Sentence:
        """A linked account by name, or by id where its name is unknown."""
        accounts = self.facts.connections.value or ()
        for it in accounts:
            if it.id == its_id:
                looks = Looks({it.id: it.display_name for it in accounts})
                name = naming.connection(it, among=looks, longest=naming.TARGET_NAME)
                return sentence("{}", name)
        return say(naming.quoted_whole(its_id))

    def done(self, answer: JsonObject, _observed: Observed | None) -> Sentences:
        it = self.read_response(Destination, answer)
        if it is None:
            yield sentence(
                "Added the destination {} to {}.", naming.quoted(self.operation.name), self.studio
            )
        else:
            yield sentence(
                "Added the destination {} to {}; {}.{}",
                naming.destination(it),
                self.studio,
                whether_on(it.enabled),
                self.each_hidden("rtmpUrl", "streamKey"),
            )
        yield from self.on_air()


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

    def acts(self) -> Iterator[Act]:
        of, it = self.described, self.operation
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
            yield turn("destination", of, _known(self), is_on=it.enabled)
        if it.platform is not None:
            platform = naming.platform(it.platform, whole=True)
            yield change("platform", of, platform)
        if it.vertical is not None:
            yield _switch(of, "portrait" if it.vertical else "landscape")
        if it.name is not None:
            yield rename("destination", of, it.name)

    def on_air(self) -> Sentences:
        if self.operation.enabled is None:
            yield from self.while_on_air(AT_ONCE)
        else:
            yield from self._joins_or_leaves()

    def rows(self) -> Iterator[Row]:
        it = self.operation
        if it.rtmp_url is not None:
            yield Row("New server", (say(naming.address(it.rtmp_url)),))
        if it.stream_key is not None:
            yield Row("New key", (say(key_in_words(it.stream_key)),))
        if it.platform is not None:
            yield Row("New platform", (say(naming.platform(it.platform, whole=True)),))
        if it.vertical is not None and len([*self.acts()]) > 1:
            yield Row("Picture", (say("portrait" if it.vertical else "landscape"),))
        if it.name is not None:
            yield Row("New name", (sentence("{}", new_name(it.name)),))

    def lasts(self) -> Sentences:
        if self.operation.enabled is not None:
            yield say(stays(1, is_on=self.operation.enabled))

    def done(self, answer: JsonObject, _observed: Observed | None) -> Sentences:
        it = self.read_response(Destination, answer)
        yield from self.each_change_done(
            answer,
            kind="destination",
            before=self.described if _is_known(self) else None,
            after=naming.destination(it) if it else None,
        )
        yield from self._joins_or_leaves()

    def _joins_or_leaves(self) -> Sentences:
        if self.operation.enabled is not None:
            text = _JOINS if self.operation.enabled else _LEAVES
            yield from self.while_on_air(text.format(_known(self) or "It"))


class DeleteDestinationPlan(Plan[DeleteDestination]):
    """Deletes a destination."""

    reads = _READS

    def target(self) -> Target:
        return _target(self)

    @property
    def described(self) -> Name:
        return _described(self)

    def acts(self) -> Iterator[Act]:
        known = _known(self)
        yield delete(
            "destination",
            self.described,
            yes=f"Delete the {known} destination" if known else "Delete the destination",
            lead="This is final. You'd have to enter its stream key again.",
        )

    def on_air(self) -> Sentences:
        yield from self.while_on_air(_LEAVES.format(_known(self) or "It"))

    def lasts(self) -> Sentences:
        yield say(f"Nothing is deleted on {_platform(self)}.")

    def done(self, _answer: JsonObject, _observed: Observed | None) -> Sentences:
        yield sentence("Deleted the destination {} from {}.", self.described, self.studio)
        yield from self.on_air()


def _switch(of: Name, to: str) -> Act:
    """Switch a destination to portrait or landscape video."""
    act = change("picture", of, to)
    return act._replace(
        yes=f"Switch to {to} video",
        headline=f"Switch {{}} to {to} video",
        further=f"switch it to {to} video",
    )


def _target(plan: _OfDestination) -> Target:
    it = _destination(plan)
    return Target(plan.operation.dest_id, *((it.name, it.platform) if it else ()))


def _described(plan: _OfDestination) -> Name:
    it = _destination(plan)
    return plan.destination(it) if it else plan.name


def _is_known(plan: _OfDestination) -> bool:
    """Whether its name was read before the call."""
    its_id = plan.operation.dest_id
    return any(it.id == its_id for it in plan.facts.destinations.value or ())


def _known(plan: _OfDestination) -> str:
    """Its platform, if it is one that trax-mcp knows. Else empty."""
    it = _destination(plan)
    return naming.known_platform(it.platform) if it else ""


def _platform(plan: _OfDestination) -> str:
    it = _destination(plan)
    return naming.platform(it.platform) if it else "the platform"


def _destination(plan: _OfDestination) -> Destination | None:
    it = plan.find(
        plan.facts.destinations,
        kind="destination",
        listed_by="list_destinations",
    )
    return it and as_in(plan.asked_with.destinations, it)
