"""Adding, changing and deleting destinations."""

from collections.abc import Iterator, Sequence
from typing import Final

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Destination
from trax_mcp.api.operations import CreateDestination, DeleteDestination, UpdateDestination
from trax_mcp.consent.plans.acts import Act, Rank
from trax_mcp.consent.plans.base import AT_ONCE, Plan, Sentences, key_in_words, stays
from trax_mcp.consent.plans.edits import change, delete, new_name, rename, turn
from trax_mcp.consent.preview import Row, Target
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Fact, Observed
from trax_mcp.studio.naming import Name, Sentence, joined, say, sentence

_READS: Final = (Fact.STUDIO, Fact.STATUS, Fact.DESTINATIONS, Fact.HEALTH)

_HIDDEN: Final = {
    "rtmpUrl": "the address",
    "streamKey": "the stream key",
    "platform": "the platform",
    "vertical": "the picture format",
}
"""Fields that decide where a stream goes, or how, and that no read shows reliably."""
_JOINS: Final = "it may join now or only at the next show"
_LEAVES: Final = "it may leave now or only after the show"

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
        facts = [it.sentence for it in self._facts()]
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

    def lead(self) -> Sentences:
        yield from self._on_air()

    def rows(self) -> Iterator[Row]:
        yield from self._facts()
        if self.operation.vertical is not None:
            yield Row("Picture", (say("portrait" if self.operation.vertical else "landscape"),))

    def lasts(self) -> Sentences:
        if self.operation.enabled is False:
            yield say("It stays off until you turn it on.")
        else:
            yield say(stays(1, is_on=True))

    def _facts(self) -> Iterator[Row]:
        if self.operation.rtmp_url is not None:
            yield Row("Server", (say(naming.address(self.operation.rtmp_url)),))
        if self.operation.stream_key is not None:
            yield Row("Stream key", (say(key_in_words(self.operation.stream_key)),))
        if self.operation.connection_id is not None:
            yield Row("Account", (self._account(self.operation.connection_id),))

    def _account(self, its_id: str) -> Sentence:
        """A linked account by name, or by id where its name is unknown."""
        accounts = self.facts.connections.value or ()
        for it in accounts:
            if it.id == its_id:
                others = [other.display_name for other in accounts if other.id != its_id]
                name = naming.connection(it, namesakes=others, longest=naming.TARGET_NAME)
                return sentence("{}", name)
        return say(naming.quoted_whole(its_id))

    def done(self, answer: JsonObject, _observed: Observed | None) -> Sentences:
        it = self.read_answer(Destination, answer)
        if it is None:
            yield sentence(
                "Added the destination {} to {}.", naming.quoted(self.operation.name), self.studio
            )
        else:
            yield sentence(
                "Added the destination {} to {}; it is {}.{}",
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
                lead="The old address is lost: TRaX never shows it.",
                lead_of_many="Old addresses are lost: TRaX never shows them.",
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
                lead="The old key is lost: TRaX never shows it.",
                lead_of_many="Old keys are lost: TRaX never shows them.",
                fact=sentence("{}: {}", of, key_in_words(it.stream_key)),
            )
        if it.enabled is not None:
            yield turn("destination", of, _known(self), is_on=it.enabled)
        if it.platform is not None:
            platform = naming.platform(it.platform, whole=True)
            yield change("platform", of, platform)
        if it.vertical is not None:
            yield change("picture", of, "portrait" if it.vertical else "landscape")
        if it.name is not None:
            yield rename("destination", of, it.name)

    def lead(self) -> Sentences:
        yield from super().lead()
        if self.operation.enabled is None:
            yield from self.while_on_air(AT_ONCE)
        yield from self._on_air()

    def rows(self) -> Iterator[Row]:
        it = self.operation
        if it.rtmp_url is not None:
            yield Row("New server", (say(naming.address(it.rtmp_url)),))
        if it.stream_key is not None:
            yield Row("New key", (say(key_in_words(it.stream_key)),))
        if it.platform is not None:
            yield Row("New platform", (say(naming.platform(it.platform, whole=True)),))
        if it.vertical is not None:
            yield Row("Picture", (say("portrait" if it.vertical else "landscape"),))
        if it.name is not None:
            yield Row("New name", (sentence("{}", new_name(it.name)),))

    def lasts(self) -> Sentences:
        if self.operation.enabled is not None:
            yield say(stays(1, is_on=self.operation.enabled))

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

    def acts(self) -> Iterator[Act]:
        known = _known(self)
        yield delete(
            "destination",
            self.described,
            yes=f"Delete the {known} destination" if known else "Delete the destination",
            lead="This can't be undone. You'd have to enter its stream key again.",
        )

    def lead(self) -> Sentences:
        yield from super().lead()
        yield from self.while_on_air(_LEAVES)

    def rows(self) -> Iterator[Row]:
        yield Row("From", (Sentence((self.studio,)),))
        yield Row(f"On {_platform(self)} itself", (say("nothing is deleted"),))

    def done(self, _answer: JsonObject, _observed: Observed | None) -> Sentences:
        yield sentence("Deleted the destination {} from {}.", self.described, self.studio)
        yield from self.while_on_air(_LEAVES)


def _target(plan: _OfDestination) -> Target:
    it = _destination(plan)
    return Target(plan.operation.dest_id, *((it.name, it.platform) if it else ()))


def _described(plan: _OfDestination) -> Name:
    it = _destination(plan)
    return plan.destination(it) if it else plan.name


def _known(plan: _OfDestination) -> str:
    """Its platform, if it is one that trax-mcp knows. Else empty."""
    it = _destination(plan)
    return naming.known_platform(it.platform) if it else ""


def _platform(plan: _OfDestination) -> str:
    it = _destination(plan)
    return naming.platform(it.platform) if it else "the platform"


def _destination(plan: _OfDestination) -> Destination | None:
    return plan.find(
        plan.facts.destinations,
        kind="destination",
        listed_by="list_destinations",
    )
