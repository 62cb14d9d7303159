"""When a call needs a yes, as operations declare it. `operation_table` judges the declarations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from trax_mcp.actions import OPERATIONS
from trax_mcp.api.operation import When

if TYPE_CHECKING:
    from collections.abc import Mapping

_KINDS: Final = {it.tool_name: it for it in OPERATIONS}
_WHEN: Final = {When.NEVER: "never", When.WHILE_LIVE: "while live", When.ALWAYS: "always"}


def needs_yes(tool: str, arguments: Mapping[str, Any]) -> str:
    """When a call needs a yes, as the product declares it: "never", "while live" or "always"."""
    kind = _KINDS.get(tool)
    return _WHEN[kind.model_construct(**arguments).when()] if kind else "never"
