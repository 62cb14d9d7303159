"""Calls of `apply_changes` on the seeded studio, and what reaches TRaX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.support.guarded_calls import STUDIO, GuardedOperation
from tests.support.product.frozen_sandbox import STUDIO as PLACE
from tests.world.answers import data_of

if TYPE_CHECKING:
    import mcp_types as types

YOUTUBE_OFF: Final = {
    "tool": "update_destination",
    "arguments": {"destId": "dest_1", "enabled": False},
}
GUEST_ON: Final = {"tool": "update_source", "arguments": {"sourceId": "source_2", "active": True}}
CAMERA_OFF: Final = {
    "tool": "update_source",
    "arguments": {"sourceId": "source_1", "active": False},
}
GO_LIVE: Final[dict[str, Any]] = {"tool": "go_live", "arguments": {}}


def applying(*changes: dict[str, Any]) -> GuardedOperation:
    """A call that makes these changes."""
    return GuardedOperation("apply_changes", {**STUDIO, "changes": list(changes)}, "", {})


TWITCH_ONLY: Final = applying(YOUTUBE_OFF, GO_LIVE)
THREE: Final = applying(YOUTUBE_OFF, GUEST_ON, GO_LIVE)
SENT: Final = [
    f"PATCH {PLACE}/destinations/dest_1",
    f"PATCH {PLACE}/sources/source_2",
    f"POST {PLACE}/go-live",
]
"""The requests of `THREE`."""


def outcomes(result: types.CallToolResult) -> list[str]:
    """What became of each change."""
    return [it["outcome"] for it in data_of(result)["changes"]]
