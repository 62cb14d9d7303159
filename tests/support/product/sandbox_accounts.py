"""Further keys of the sandbox, and another account with records of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from trax_mcp.sandbox.contract import SCOPES
from trax_mcp.sandbox.seed import ACCOUNT
from trax_mcp.sandbox.world import Key, format_time

if TYPE_CHECKING:
    from trax_mcp.sandbox.world import World

ANOTHER_ACCOUNT: Final = "user_other"

READONLY_KEY: Final = "sk_live_sandbox_readonly"
MODERATOR_KEY: Final = "sk_live_sandbox_moderator"
ANOTHER_ACCOUNT_KEY: Final = "sk_live_sandbox_other"
REVOKED_KEY: Final = "sk_live_sandbox_revoked"
"""A key that the sandbox no longer knows."""

_READ_SCOPES: Final = frozenset(scope for scope in SCOPES if scope.endswith(":read"))
_MODERATOR_SCOPES: Final = frozenset({"studios:read", "stream:read", "chat:read", "chat:send"})
_DAY: Final = 24 * 3600


def add_keys(world: World) -> None:
    """Add the keys."""
    world.keys[READONLY_KEY] = Key(ACCOUNT, _READ_SCOPES)
    world.keys[MODERATOR_KEY] = Key(ACCOUNT, _MODERATOR_SCOPES)
    world.keys[ANOTHER_ACCOUNT_KEY] = Key(ANOTHER_ACCOUNT, SCOPES)


def add_records_of_another_account(world: World) -> None:
    """Add a studio, a destination, a source, a connection and an asset."""
    now = world.now()
    recently = format_time(now - 9 * _DAY)
    records: dict[str, dict[str, Any]] = {
        "studios": {
            "id": "studio_99",
            "name": "The Stranger's Studio",
            "ownerSub": ANOTHER_ACCOUNT,
            "createdAt": format_time(now - 30 * _DAY),
            "_roles": {ANOTHER_ACCOUNT: "owner"},
        },
        "destinations": {
            "id": "dest_90",
            "studioId": "studio_99",
            "name": "Elsewhere",
            "platform": "youtube",
            "enabled": True,
            "vertical": False,
        },
        "sources": {
            "id": "source_90",
            "studioId": "studio_99",
            "name": "Camera",
            "type": "webcam",
            "active": True,
            "createdAt": recently,
        },
        "connections": {
            "id": "conn_90",
            "_account": ANOTHER_ACCOUNT,
            "platform": "youtube",
            "displayName": "Stranger's Channel",
            "connectionType": "oauth",
            "status": "active",
            "connectedAt": recently,
            "updatedAt": recently,
        },
        "assets": {
            "id": "asset_90",
            "_account": ANOTHER_ACCOUNT,
            "filename": "private.mp4",
            "kind": "video",
            "contentType": "video/mp4",
            "byteSize": 1024,
            "status": "READY",
            "createdAt": format_time(now),
        },
    }
    for kind, record in records.items():
        world.save(kind, record)
