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
_FEEDS: Final = {"webcam": "camera", "rtmp": "feed", "srt": "feed", "webrtc-input": "feed"}
_APPEARS: Final = "The source can be on screen at once."
_VANISHES: Final = "The source may vanish from the picture at once."


_OfSource = Plan[UpdateSource] | Plan[DeleteSource]


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
        if self.operation.active is not False:
            yield from self.while_on_air(_APPEARS)

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
            "Added the source {} to {}; it is switched {}.{}",
            naming.source(it),
            self.studio,
            "on" if it.active else "off",
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
        yield from self.each_overwritten("url")
        if self.operation.active is None:
            yield from self.while_on_air("Viewers may see the change at once.")
        else:
            yield from self.while_on_air(_APPEARS if self.operation.active else _VANISHES)

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
        yield sentence("Cannot be undone: it can only be added anew.")
        yield from self._untouched()
        yield from self.while_on_air(_VANISHES)

    def choice(self) -> str:
        return f"Delete the source {self.name}"

    def done(self, _answer: JsonObject, _observed: Observed | None) -> Sentences:
        yield sentence("Deleted the source {} from {}.", self.name, self.studio)

    def _untouched(self) -> Sentences:
        """What becomes of the thing behind it, as far as that is certain."""
        it = _source(self)
        if it is not None and it.type in _FEEDS:
            yield sentence("The {} itself is not touched.", _FEEDS[it.type])
        if it is not None and it.type == "media":
            yield sentence("TRaX does not document whether its file stays in the media library.")


def _target(plan: _OfSource) -> Target:
    it = _source(plan)
    return Target(plan.operation.source_id, it.name if it else None)


def _source(plan: _OfSource) -> Source | None:
    return plan.find(plan.facts.sources, kind="source", listed_by="list_sources")
