"""The preview of a guarded call, as a person reads it, and its digest. Pure."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, Self

from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.studio.naming import Sentence

_MAX_HIDDEN_CHANGES: Final = 32


@dataclass(frozen=True, slots=True)
class Target:
    """The thing that an operation acts on. Name and platform may be unknown."""

    id: str
    name: str | None = None
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class HiddenChange:
    """A change made here that no read shows: what changed, in words, and the id of the thing."""

    version: int
    what: str
    target_id: str


@dataclass(frozen=True, slots=True)
class HiddenChanges:
    """The number of such changes in a studio so far, and the latest of each kind.

    `forgotten_version` is the highest version of which nothing more is known.
    """

    version: int = 0
    latest: tuple[HiddenChange, ...] = ()
    forgotten_version: int = 0

    def with_change(self, what: str, target_id: str) -> Self:
        """These and one more. It replaces an earlier change of the same kind of the same thing."""
        change = HiddenChange(self.version + 1, what, target_id)
        others = (it for it in self.latest if (it.what, it.target_id) != (what, target_id))
        changes = (*others, change)
        forgotten = [it.version for it in changes[:-_MAX_HIDDEN_CHANGES]]
        return replace(
            self,
            version=change.version,
            latest=changes[-_MAX_HIDDEN_CHANGES:],
            forgotten_version=max(self.forgotten_version, *forgotten, 0),
        )

    def with_unknown_changes(self) -> Self:
        """The same after a loss: no change so far is known, nor whether there was one more."""
        version = self.version + 1
        return replace(self, version=version, latest=(), forgotten_version=version)

    def since(self, version: int) -> tuple[HiddenChange, ...]:
        """Those after a version, as far as they are remembered."""
        return tuple(it for it in self.latest if it.version > version)


NOTHING_HIDDEN: Final = HiddenChanges()


@dataclass(frozen=True, slots=True)
class Preview:
    """The target and the effects of a call, unknown facts, and the act as a choice for a person.

    `broadcast_start` is when the broadcast began that was on air. It is not shown.
    """

    operation: str
    target: Target
    effects: tuple[Sentence, ...]
    warnings: tuple[Sentence, ...]
    unknown: tuple[str, ...]
    choice: str
    puts_on_air: bool = False
    broadcast_start: str | None = field(default=None, compare=False)
    digest: str = ""

    @property
    def shown(self) -> tuple[Sentence, ...]:
        """Everything that a person is shown and that consent depends on."""
        unknown = (Sentence(f"Not known: {it}") for it in self.unknown)
        return tuple(it for it in (*self.warnings, *self.effects, *unknown) if not it.is_note)


def digest(operation: Operation[Model], shown: Iterable[Sentence], *also: object) -> str:
    """A digest of the arguments, the sentences, and the ids of the things that they name.

    Their order does not matter: TRaX promises none for lists.
    """
    arguments = operation.model_dump(mode="json", by_alias=True, exclude_none=True)
    sentences = sorted((it.text, it.ids) for it in shown)
    content = json.dumps([operation.tool_name, arguments, sentences, also], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:32]
