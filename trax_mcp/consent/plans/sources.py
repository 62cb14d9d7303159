"""Adding, changing and deleting sources."""

from collections.abc import Iterator, Sequence
from typing import Final

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Source
from trax_mcp.api.operations import CreateSource, DeleteSource, UpdateSource
from trax_mcp.consent.plans.acts import Act, Rank
from trax_mcp.consent.plans.base import AT_ONCE, Plan, Sentences, stays
from trax_mcp.consent.plans.edits import delete, new_name, rename, turn
from trax_mcp.consent.plans.results import whether_on
from trax_mcp.consent.preview import Row, Target
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Fact, Observed
from trax_mcp.studio.naming import Name, Sentence, joined, say, sentence

_READS: Final = (Fact.STUDIO, Fact.STATUS, Fact.SOURCES, Fact.HEALTH)
_APPEARS: Final = ", so viewers may see it at once"
_VANISHES: Final = ", so it may vanish from the picture at once"


_OfSource = Plan[UpdateSource] | Plan[DeleteSource]


class CreateSourcePlan(Plan[CreateSource]):
    """Adds a source."""

    reads = _READS

    @classmethod
    def puts_on_air(cls, operation: CreateSource) -> bool:
        return operation.active is not False

    @property
    def described(self) -> Name:
        it = self.operation
        return naming.named(
            it.name, "", naming.source_type(it.type, whole=True), longest=max(len(it.name), 1)
        )

    def acts(self) -> Iterator[Act]:
        is_on = self.operation.active is not False
        facts = [it.sentence for it in self.rows()]
        yield Act(
            rank=Rank.TURN_ON if is_on else Rank.OTHER,
            yes="Add the source",
            no="Don't add it",
            headline="Add {} to {}",
            label="Adds",
            verb="add",
            lasts=is_on,
            thing="source",
            fact=joined([Sentence((self.described,)), *facts, say("on" if is_on else "off")]),
        )

    def on_air(self) -> Sentences:
        if self.operation.active is not False:
            yield from self.while_on_air(_APPEARS)

    def rows(self) -> Iterator[Row]:
        if self.operation.url is not None:
            yield Row("Address", (say(naming.address(self.operation.url)),))

    def lasts(self) -> Sentences:
        if self.operation.active is False:
            yield say("It stays off until you turn it on.")
        else:
            yield say(stays(1, is_on=True))

    def done(self, answer: JsonObject, _observed: Observed | None) -> Sentences:
        it = self.read_response(Source, answer)
        if it is None:
            yield sentence(
                "Added the source {} to {}.", naming.quoted(self.operation.name), self.studio
            )
            return
        yield sentence(
            "Added the source {} to {}; {}.{}",
            naming.source(it),
            self.studio,
            whether_on(it.active),
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

    def acts(self) -> Iterator[Act]:
        of, it = self.name, self.operation
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

    def on_air(self) -> Sentences:
        if self.operation.active is None:
            yield from self.while_on_air(AT_ONCE)
        else:
            yield from self.while_on_air(_APPEARS if self.operation.active else _VANISHES)

    def rows(self) -> Iterator[Row]:
        if self.operation.url is not None:
            yield Row("New address", (say(naming.address(self.operation.url)),))
        if self.operation.name is not None:
            yield Row("New name", (sentence("{}", new_name(self.operation.name)),))

    def lasts(self) -> Sentences:
        if self.operation.active is not None:
            yield say(stays(1, is_on=self.operation.active))

    def done(self, answer: JsonObject, _observed: Observed | None) -> Sentences:
        it = self.read_response(Source, answer)
        known = self.facts.sources.value or ()
        yield from self.each_change_done(
            answer,
            kind="source",
            before=self.name if any(it.id == self.operation.source_id for it in known) else None,
            after=naming.named(it.name, it.id) if it else None,
        )


class DeleteSourcePlan(Plan[DeleteSource]):
    """Deletes a source."""

    reads = _READS

    def target(self) -> Target:
        return _target(self)

    def acts(self) -> Iterator[Act]:
        yield delete(
            "source",
            self.name,
            yes="Delete the source",
            lead="This is final. You'd have to add it again.",
        )

    def lead(self) -> Sentences:
        yield from super().lead()
        it = _source(self)
        if it is not None and it.type == "media":
            yield say("TRaX doesn't say whether its file stays in the media library.")

    def on_air(self) -> Sentences:
        yield from self.while_on_air(_VANISHES)

    def done(self, _answer: JsonObject, _observed: Observed | None) -> Sentences:
        yield sentence("Deleted the source {} from {}.", self.name, self.studio)


def _target(plan: _OfSource) -> Target:
    it = _source(plan)
    return Target(plan.operation.source_id, it.name if it else None)


def _source(plan: _OfSource) -> Source | None:
    return plan.find(plan.facts.sources, kind="source", listed_by="list_sources")
