"""Further keys of the sandbox, and another account with records of its own."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

from trax_mcp.sandbox import seed
from trax_mcp.sandbox.keys import ACCOUNT, SCOPES
from trax_mcp.sandbox.records import Asset, Connection, Destination, Key, Source, Studio
from trax_mcp.sandbox.seed import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trax_mcp.sandbox.world import World

ANOTHER_ACCOUNT: Final = "user_other"

READONLY_KEY: Final = "sk_live_sandbox_readonly"
MODERATOR_KEY: Final = "sk_live_sandbox_moderator"
ANOTHER_ACCOUNT_KEY: Final = "sk_live_sandbox_other"
REVOKED_KEY: Final = "sk_live_sandbox_revoked"
"""A key that the sandbox no longer knows."""

_READ_SCOPES: Final = frozenset(scope for scope in SCOPES if scope.endswith(":read"))
_MODERATOR_SCOPES: Final = frozenset({"studios:read", "stream:read", "chat:read", "chat:send"})

_KEYS: Final = (
    Key(READONLY_KEY, "readonly", ACCOUNT, _READ_SCOPES),
    Key(MODERATOR_KEY, "moderator", ACCOUNT, _MODERATOR_SCOPES),
    Key(ANOTHER_ACCOUNT_KEY, "other", ANOTHER_ACCOUNT, SCOPES),
)


@contextmanager
def display_names(names: Mapping[str, str]) -> Iterator[None]:
    """Give accounts the names under which they write in chat."""
    with patch.dict(seed.DISPLAY_NAMES, names):
        yield


def add_keys(world: World) -> None:
    """Add the keys."""
    world.keys.update({key.secret: key for key in _KEYS})


def add_records_of_another_account(world: World) -> None:
    """Add a studio, a destination, a source, a connection and an asset."""
    now = world.clock.now()
    world.studios.add(
        Studio(
            "studio_99",
            "The Stranger's Studio",
            ANOTHER_ACCOUNT,
            {ANOTHER_ACCOUNT: "owner"},
            now - 30 * DAY,
        )
    )
    world.destinations.add(
        Destination("dest_90", "studio_99", "Elsewhere", "youtube", connection_id="conn_90")
    )
    world.sources.add(
        Source("source_90", "studio_99", "Camera", "webcam", active=True, created_at=now - 9 * DAY)
    )
    world.connections.add(
        Connection(
            "conn_90", ANOTHER_ACCOUNT, "youtube", "Stranger's Channel", "active", now - 9 * DAY
        )
    )
    world.library.assets.add(
        Asset(
            "asset_90",
            ANOTHER_ACCOUNT,
            "private.mp4",
            "video",
            1024,
            "video/mp4",
            now,
            status="READY",
        )
    )
