"""When a call needs a yes, as operations declare it. `operation_table` judges the declarations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from trax_mcp.api.operation import Effect, Operation, When, most
from trax_mcp.api.operations import OPERATIONS
from trax_mcp.consent.changes import ApplyChanges

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_KINDS: Final = {it.tool_name: it for it in OPERATIONS}
_WHEN: Final = {When.NEVER: "never", When.WHILE_LIVE: "while live", When.ALWAYS: "always"}


def needs_yes(tool: str, arguments: Mapping[str, Any]) -> str:
    """When a call needs a yes, as the product declares it: "never", "while live" or "always"."""
    kind = _KINDS.get(tool)
    return _WHEN[kind.model_construct(**arguments).when()] if kind else "never"


def consent_table() -> Sequence[tuple[str, str, str]]:
    """Each tool that may need a yes, with the calls that always do, and those while on air."""
    rows = []
    for kind in OPERATIONS:
        if kind.effect is Effect.GUARDED:
            rows.append((kind.tool_name, "each call", ""))
        elif kind.consent:
            always, live = (_calls(kind, when) for when in (When.ALWAYS, When.WHILE_LIVE))
            rows.append((kind.tool_name, always, live))
    some = "with a change that does"
    return [*rows, (ApplyChanges.tool_name, some, some)]


def _calls(kind: type[Operation[Any]], when: When) -> str:
    """The calls of a tool that need a yes then, in words."""
    rules = {name: it for name, it in kind.consent.items() if most(it) is when}
    words = [
        f"`{name}`" if isinstance(it, When) else f"`{name}` true" for name, it in rules.items()
    ]
    unless = [name for name, it in rules.items() if not isinstance(it, When) and None in it]
    if unless:
        return f"unless `{unless[0]}` is false"
    return f"with {', '.join(words)}" if words else ""
