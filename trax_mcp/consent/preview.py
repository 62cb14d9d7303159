"""The preview of a guarded call, as a person reads it, and its digest. Pure."""

import hashlib
import json
from collections.abc import Iterable
from typing import NamedTuple

from trax_mcp.consent.changes import Action
from trax_mcp.studio.naming import Sentence


class Target(NamedTuple):
    """The thing that an operation acts on. Name and platform may be unknown."""

    id: str
    name: str | None = None
    platform: str | None = None


class Preview(NamedTuple):
    """The target and the effects of a call, unknown facts, and the act as a choice for a person."""

    operation: str
    target: Target
    effects: tuple[Sentence, ...]
    warnings: tuple[Sentence, ...]
    unknown: tuple[str, ...]
    choice: str
    puts_on_air: bool = False
    digest: str = ""

    @property
    def shown(self) -> tuple[Sentence, ...]:
        """Everything that a person is shown and that consent depends on."""
        unknown = (Sentence(f"Not known: {it}") for it in self.unknown)
        return tuple(it for it in (*self.warnings, *self.effects, *unknown) if not it.is_note)


def digest(operation: Action, shown: Iterable[Sentence], *also: object) -> str:
    """A digest of the arguments, the sentences, and the ids of the things that they name.

    Their order does not matter: TRaX promises none for lists.
    """
    arguments = operation.model_dump(mode="json", by_alias=True, exclude_none=True)
    sentences = sorted((it.text, it.ids) for it in shown)
    content = json.dumps([operation.tool_name, arguments, sentences, also], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:32]
