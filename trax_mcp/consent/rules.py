"""Which calls need consent, and when. Facts in tables; whether consent was given is `policy`'s.

Pure. The operator's settings may guard more than stands here, never less.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Any

from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.operations import (
    OPERATIONS,
    CreateDestination,
    CreateSource,
    UpdateDestination,
    UpdateSource,
    UpdateStudio,
)
from trax_mcp.api.tool_input import Effect, ToolInput


class Mode(StrEnum):
    """How consent is given: the values of TRAX_CONFIRM."""

    AUTO = "auto"
    HUMAN = "human"
    PREVIEW = "preview"
    FLAG = "flag"


class When(Enum):
    """When an operation needs consent."""

    NEVER = auto()
    WHILE_LIVE = auto()
    ALWAYS = auto()


def _update_studio(it: UpdateStudio) -> When:
    return When.ALWAYS if it.auto_go_live else When.NEVER


def _create_destination(it: CreateDestination) -> When:
    return When.NEVER if it.enabled is False else When.WHILE_LIVE


def _update_destination(it: UpdateDestination) -> When:
    # No read ever shows these again: what is overwritten is lost.
    if it.rtmp_url is not None or it.stream_key is not None or it.platform is not None:
        return When.ALWAYS
    seen = it.enabled is not None or it.vertical is not None
    return When.WHILE_LIVE if seen else When.NEVER


def _create_source(it: CreateSource) -> When:
    return When.NEVER if it.active is False else When.WHILE_LIVE


def _update_source(it: UpdateSource) -> When:
    return When.WHILE_LIVE if it.active is not None or it.url is not None else When.NEVER


_SOMETIMES: Mapping[type[Operation[Model]], Callable[[Any], When]] = {
    UpdateStudio: _update_studio,
    CreateDestination: _create_destination,
    UpdateDestination: _update_destination,
    CreateSource: _create_source,
    UpdateSource: _update_source,
}
"""Guarded only for some arguments, or only while viewers are watching."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator has set: the mode, and further operations to guard, by name."""

    mode: Mode = Mode.AUTO
    also: frozenset[str] = frozenset()

    def may_need_consent(self, operation: type[Operation[Model]]) -> bool:
        """Whether an operation is guarded, always or sometimes."""
        return (
            operation.effect is Effect.GUARDED
            or operation in _SOMETIMES
            or operation.tool_name in self.also
        )

    def when(self, operation: Operation[Model]) -> When:
        """When this very call needs consent."""
        if operation.effect is Effect.GUARDED or operation.tool_name in self.also:
            return When.ALWAYS
        sometimes = _SOMETIMES.get(type(operation))
        return When.NEVER if sometimes is None else sometimes(operation)

    def would_bypass_consent(self, kind: type[ToolInput]) -> bool:
        """Whether something made of several calls would go around a yes: it cannot ask for one."""
        if issubclass(kind, Operation):
            return False
        return kind.tool_name in self.also or any(
            it.call is kind.call and self.may_need_consent(it) for it in OPERATIONS
        )


GUARDABLE = frozenset(kind.tool_name for kind in OPERATIONS if kind.effect is not Effect.READ)
"""What can be guarded. TRAX_GUARD_ALSO may also name what is made of these, to withhold it."""
