"""What a call is looked at with: facts, the names of things, and the time. Pure."""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import NamedTuple, Self, TypeVar

from trax_mcp.api.errors import NotSent
from trax_mcp.api.models import Connection, Destination, Source
from trax_mcp.api.operation import ListOperation
from trax_mcp.api.reads import GetStudio, ListDestinations, ListSources
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Facts, Observed, Read
from trax_mcp.studio.naming import Looks, Name, Sentence, joined, say, sentence

ItemT = TypeVar("ItemT", Connection, Destination, Source)

Sentences = Iterator[Sentence]


class Target(NamedTuple):
    """The thing that an operation acts on. Name and platform may be unknown."""

    id: str
    name: str | None = None
    platform: str | None = None


class Row(NamedTuple):
    """Facts of one kind under a label, and the label for small screens. Muted: nothing changes."""

    label: str
    items: tuple[Sentence, ...]
    short: str = ""
    is_muted: bool = False

    @property
    def sentence(self) -> Sentence:
        """The label with all facts, whole."""
        return joined([sentence("{}: ", self.label), joined(self.items)], between="")


@dataclass(frozen=True)
class View:
    """The facts around a call, before it is sent and after.

    Among several changes, `facts` are as those before leave them. Names are those of `asked_with`,
    the facts before the call: it could hide what it deletes behind a name that it gives.

    Only notes may depend on `now`. Afterwards, `observed` is what was seen. `undone`: a stop came
    after a go-live, which was then taken off the air again, or not. `was_off`: a stop that TRaX
    refused, since nothing had to be stopped.
    """

    facts: Facts
    _: KW_ONLY
    now: datetime
    before: Facts | None = None
    observed: Observed | None = None
    undone: bool | None = None
    was_off: bool = False

    @property
    def asked_with(self) -> Facts:
        """The facts before the call."""
        return self.facts if self.before is None else self.before

    def then(self, facts: Facts) -> Self:
        """The view of a further change, with the facts as those before leave them."""
        return replace(self, facts=facts, before=self.asked_with)

    @property
    def state(self) -> str:
        """The state that was seen, or "unknown"."""
        return self.observed.state if self.observed else "unknown"

    # Names

    def destination(self, it: Destination) -> Name:
        """A destination as sentences describe it, with its id if another one looks the same."""
        it = as_in(self.asked_with[ListDestinations], it)
        return naming.destination(it, among=self._destination_looks, longest=naming.TARGET_NAME)

    def source_name(self, it: Source) -> Name:
        """A source without its type, with its id if another one looks the same."""
        it = as_in(self.asked_with[ListSources], it)
        return naming.named(it.name, it.id, among=self._source_looks)

    @cached_property
    def _destination_looks(self) -> Looks:
        return _looks(self.asked_with[ListDestinations], self.facts[ListDestinations])

    @cached_property
    def _source_looks(self) -> Looks:
        return _looks(self.asked_with[ListSources], self.facts[ListSources])

    @property
    def studio(self) -> Name | str:
        """The studio by name."""
        return naming.studio(self.asked_with[GetStudio].value, longest=naming.TARGET_NAME)

    def studio_or(self, words: str) -> Name | str:
        """The studio by name, to begin a sentence, or these words."""
        return self.studio if self.facts[GetStudio].value else words

    def named(self, target: Target) -> Name:
        """A target by its whole name, or by id where the name is unknown."""
        if it := self._thing(target.id):
            return it
        if isinstance(self.studio, Name) and self.studio.id == target.id:
            return self.studio
        return naming.named(target.name or target.id, target.id)

    def _thing(self, its_id: str) -> Name | None:
        for place in self.facts[ListDestinations].value or ():
            if place.id == its_id:
                return self.destination(place)
        for source in self.facts[ListSources].value or ():
            if source.id == its_id:
                return self.source_name(source)
        return None

    def find(
        self,
        kind: type[ListOperation[ItemT]],
        its_id: str,
    ) -> ItemT | None:
        """A thing in its list. None if the list is unknown, or it may be in the unread part.

        Raises:
            NotSent: the list does not contain it.
        """
        listed = self.facts[kind]
        for item in listed.value or ():
            if item.id == its_id:
                return item
        if not listed.is_whole:
            return None
        raise NotSent(
            "not_found",
            f"TRaX lists no such {kind.tool_name.removeprefix('list_').removesuffix('s')}",
            f"Check the id with {kind.tool_name}.",
        )

    # Sentences

    def while_on_air(self, consequence: str) -> Sentences:
        """The consequence for viewers, unless the studio is off air."""
        if self.facts.live is not False:
            you_are = "You're" if self.facts.live else "You may be"
            yield say(f"{you_are} on air{consequence}.")


def as_in(listed: Read[tuple[ItemT, ...]], it: ItemT) -> ItemT:
    """The thing as it is in a list, if it is there."""
    found: ItemT = listed.by_id.get(it.id, it)
    return found


def _looks(*lists: Read[tuple[Destination, ...]] | Read[tuple[Source, ...]]) -> Looks:
    """How names look, as the first of these lists has them that names them."""
    return Looks({it.id: it.name for listed in reversed(lists) for it in listed.value or ()})
