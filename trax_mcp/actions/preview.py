"""The preview of a guarded call, as a person reads it, and its digest. Pure."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.studio.naming import Sentence, joined, say, sentence


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


class Preview(NamedTuple):
    """A question to a person, as data.

    `headline` is the act. `lead` says what becomes public or is lost. `lasts` says what outlives
    the show. `yes` is the choice that agrees, and `no` the one that refuses: neither holds a name.
    `goes_live`: the call puts the show on air, now or later on its own.
    """

    operation: str
    target: Target
    headline: Sentence
    yes: str
    no: str
    lead: tuple[Sentence, ...] = ()
    rows: tuple[Row, ...] = ()
    lasts: tuple[Sentence, ...] = ()
    warnings: tuple[Sentence, ...] = ()
    unknown: tuple[str, ...] = ()
    puts_on_air: bool = False
    goes_live: bool = False
    digest: str = ""

    @property
    def effects(self) -> tuple[Sentence, ...]:
        """What the call does, in sentences: all but the headline and the warnings."""
        return (*self.lead, *(it.sentence for it in self.rows), *self.lasts)

    @property
    def shown(self) -> tuple[Sentence, ...]:
        """Everything that a person is shown and that consent depends on, fact by fact."""
        return tuple(it for it in self._shown() if not it.is_note)

    def _shown(self) -> Iterator[Sentence]:
        yield self.headline
        yield from self.warnings
        yield from self.lead
        for row in self.rows:
            for item in row.items:
                yield Row(row.label, (item,)).sentence
        yield from self.lasts
        yield from (say(f"Not known: {it}") for it in self.unknown)


def digest(
    tool: str, operations: Sequence[Operation[Model]], shown: Iterable[Sentence], *also: object
) -> str:
    """A digest of the arguments, the sentences with whole names, and the ids of what they name.

    Their order does not matter: TRaX promises none for lists.
    """
    given = [it.model_dump(mode="json", by_alias=True, exclude_none=True) for it in operations]
    tools = [it.tool_name for it in operations]
    arguments = given[0] if len(given) == 1 else [*zip(tools, given, strict=True)]
    sentences = sorted((it.text, [(name.id, name.rest) for name in it.names]) for it in shown)
    content = json.dumps([tool, arguments, sentences, also], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:32]
