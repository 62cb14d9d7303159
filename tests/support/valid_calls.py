"""One valid call of each tool on the seeded sandbox, in the order in which tools are listed."""

from __future__ import annotations

from typing import Final

from tests.support.guarded_calls import STUDIO
from tests.support.operation_table import TABLE, Arguments

DESTINATION: Final[Arguments] = {**STUDIO, "destId": "dest_1"}
SOURCE: Final[Arguments] = {**STUDIO, "sourceId": "source_1"}
OFF_AIR: Final[Arguments] = {"studioId": "studio_43"}


class _Calls(dict[str, Arguments]):
    """Arguments by tool, which say where a tool without any belongs."""

    def __missing__(self, tool: str) -> Arguments:
        raise KeyError(f"{tool}: add it to tests/support/operation_table.py")


CALLS: Final = _Calls(
    {
        **{entry.tool: entry.arguments(entry.examples[0]) for entry in TABLE},
        # Also where the other studio is on air.
        "go_live": OFF_AIR,
    }
)

SEVERAL_CALLS: Final[dict[str, Arguments]] = {
    "apply_changes": {
        **STUDIO,
        "changes": [
            {"tool": "update_studio", "arguments": {"name": "Saturday Show"}},
            {"tool": "delete_source", "arguments": {"sourceId": "source_1"}},
        ],
    }
}
SWITCHES: Final[Arguments] = {
    **STUDIO,
    "changes": [
        {"tool": "update_destination", "arguments": {"destId": "dest_1", "enabled": False}},
        {"tool": "update_source", "arguments": {"sourceId": "source_2", "active": True}},
        {"tool": "go_live", "arguments": {}},
    ],
}
"""Three changes of which each is seen in what the next one shows."""
COMPOSITE_CALLS: Final[dict[str, Arguments]] = {
    "find_studio": {"query": "friday"},
    "check_studio": STUDIO,
    "wait_for_chat_messages": STUDIO,
}
"""The same for each composite tool. They are listed last and only read."""

EVERY: Final = _Calls({**CALLS, **SEVERAL_CALLS, **COMPOSITE_CALLS})
