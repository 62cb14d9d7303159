"""One valid call of each tool on the seeded sandbox, in the order in which tools are listed."""

from __future__ import annotations

from typing import Any, Final

Arguments = dict[str, Any]

STREAM_KEY: Final = "live-4711-do-not-print"
"""A stream key. Tests check that it is not printed."""

STUDIO: Final[Arguments] = {"studioId": "studio_42"}
DESTINATION: Final[Arguments] = {**STUDIO, "destId": "dest_1"}
SOURCE: Final[Arguments] = {**STUDIO, "sourceId": "source_1"}
OFF_AIR: Final[Arguments] = {"studioId": "studio_43"}

CALLS: Final[dict[str, Arguments]] = {
    "get_health": {},
    "get_openapi": {},
    "list_studios": {"limit": 2},
    "create_studio": {"name": "Late Show"},
    "get_studio": STUDIO,
    "update_studio": {**STUDIO, "name": "N", "autoGoLive": False},
    "list_destinations": {**STUDIO, "limit": 200},
    "create_destination": {**STUDIO, "name": "N", "platform": "kick", "connectionId": "conn_1"},
    "update_destination": {**DESTINATION, "enabled": False},
    "delete_destination": DESTINATION,
    "list_sources": STUDIO,
    "create_source": {**STUDIO, "name": "N", "type": "webcam"},
    "update_source": {**SOURCE, "active": False},
    "delete_source": SOURCE,
    "get_stream_status": STUDIO,
    "go_live": OFF_AIR,
    "go_offline": STUDIO,
    "list_chat_messages": STUDIO,
    "send_chat_message": {**STUDIO, "text": "Grüße \U0001f44b", "platforms": ["twitch"]},
    "list_connections": {},
    "unlink_connection": {"connectionId": "conn_1"},
    "list_media": {},
    "create_media_upload": {"filename": "a.mp4", "contentType": "video/mp4", "byteSize": 1},
}

COMPOSITE_CALLS: Final[dict[str, Arguments]] = {
    "find_studio": {"query": "friday"},
    "check_readiness": STUDIO,
    "wait_for_chat_messages": STUDIO,
}
"""The same for each composite tool. They are listed last and only read."""

EVERY: Final = {**CALLS, **COMPOSITE_CALLS}
