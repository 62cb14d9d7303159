"""The answer of check_studio, and the destinations and sources of the Friday Night Show in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tests.conftest import text_of
from tests.support.hostile_texts import NAMES_NOTICE, hidden

if TYPE_CHECKING:
    import mcp_types as types

Json = dict[str, Any]

PARTS: Final[Json] = {
    "destinations": [
        {"id": "dest_1", "name": "Main channel", "platform": "youtube", "enabled": True},
        {"id": "dest_2", "name": "Late crowd", "platform": "twitch", "enabled": True},
        {"id": "dest_3", "name": "Kick (trying out)", "platform": "kick", "enabled": False},
    ],
    "sources": [
        {"id": "source_1", "name": "Host camera", "type": "webcam", "active": True},
        {"id": "source_3", "name": "Intro clip", "type": "media", "active": True},
        {"id": "source_2", "name": "Guest feed", "type": "rtmp", "active": False},
    ],
}
"""The destinations and sources of the Friday Night Show."""


def text_and_data(result: types.CallToolResult) -> tuple[list[str], Json]:
    """The sentences, and the announced data after them, which is also the structured content."""
    assert not result.is_error, text_of(result)
    *sentences, announced, data = text_of(result).split("\n")
    assert announced == NAMES_NOTICE
    assert not hidden(data)
    assert json.loads(data) == result.structured_content
    return sentences, json.loads(data)
