"""What exactly a guarded call would do, for a person to read, and its digest. Pure."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.operations import (
    DeleteDestination,
    DeleteSource,
    GoLive,
    GoOffline,
    UnlinkConnection,
)
from trax_mcp.consent.effects import choice, effects, warnings
from trax_mcp.studio.facts import Facts
from trax_mcp.studio.target import Target, find_target


@dataclass(frozen=True, slots=True)
class Preview:
    """What would happen, to what, and what is not known about it.

    `choice` is the act in a few words, `digest` the mark of all that matters for a yes.
    """

    operation: str
    target: Target
    effects: tuple[str, ...]
    warnings: tuple[str, ...]
    unknown: tuple[str, ...]
    choice: str
    digest: str

    @property
    def shown(self) -> tuple[str, ...]:
        """Every line that a person was shown."""
        unknown = (f"Not known: {it}" for it in self.unknown)
        return (*self.warnings, *self.effects, *unknown)


def preview(operation: Operation[Model], facts: Facts) -> Preview:
    """Say what an operation would do, given the facts.

    Raises:
        NotSent: its target is not in the list where it would be.
    """
    target = find_target(operation, facts)
    return Preview(
        operation=operation.tool_name,
        target=target,
        effects=effects(operation, facts, target),
        warnings=warnings(operation, facts, target),
        unknown=tuple(f"{it.what} ({it.why})" for it in facts.unknown),
        choice=choice(operation, facts, target),
        digest=_digest(operation, facts, target),
    )


def changes(before: tuple[str, ...], now: Preview) -> tuple[str, ...]:
    """What is no longer as it was shown, in words."""
    shown = now.shown
    gone = (f"No longer: {line}" for line in before if line not in shown)
    new = (f"Now: {line}" for line in shown if line not in before)
    return (*gone, *new)


def _digest(operation: Operation[Model], facts: Facts, target: Target) -> str:
    """Nothing that ticks or drifts is in it, so that it voids no yes by itself.

    Of a stop it holds only the studio, so that nothing can come between a person and the stop.
    """
    seen: list[object] = [operation.tool_name, operation.studio(), operation.target()]
    if not isinstance(operation, GoOffline):
        seen += [*_seen(operation, facts, target), sorted(it.what for it in facts.unknown)]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:32]


def _seen(operation: Operation[Model], facts: Facts, target: Target) -> list[object]:
    match operation:
        case GoLive():
            enabled = sorted((it.id, it.name, it.platform) for it in facts.enabled)
            return [facts.live, enabled, sorted(it.id for it in facts.active)]
        case DeleteDestination() | DeleteSource():
            return [target.name, target.platform, facts.live]
        case UnlinkConnection():
            return [target.name, target.platform, sorted(_serves_live(facts, target))]
        case _:
            arguments = operation.model_dump(mode="json", by_alias=True, exclude_none=True)
            return [target.name, target.platform, facts.live, arguments]


def _serves_live(facts: Facts, target: Target) -> Iterator[str]:
    """The studios on air that an account may serve; others may come and go."""
    for it in facts.around:
        if it.live and it.studio and target.platform in {place.platform for place in it.enabled}:
            yield it.studio.id
