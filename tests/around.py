"""A studio and what is around it, as facts: values for the tests of what is shown and agreed to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from trax_mcp.api.models import Connection, Destination, Health, Source, StreamStatus, Studio
from trax_mcp.studio.facts import Facts

OFF_AIR: Final = StreamStatus(live=False)
ON_AIR: Final = StreamStatus.model_validate(
    {
        "live": True,
        "liveStartedAt": "2026-06-05T18:00:03Z",
        "broadcastStartedAt": "2026-06-05T18:00:00Z",
    }
)


def studio(name: str = "Friday Show", which: str = "s") -> Studio:
    """A studio."""
    shown = {"id": which, "name": name, "ownerSub": "user_robin", "role": "owner"}
    return Studio.model_validate(shown)


def place(which: str, name: str, platform: str, *, enabled: bool = True) -> Destination:
    """A destination."""
    shown = {"id": which, "studioId": "s", "name": name, "platform": platform, "vertical": False}
    return Destination.model_validate({**shown, "enabled": enabled})


def source(which: str, name: str, kind: str = "webcam", *, active: bool = True) -> Source:
    """A source."""
    shown = {"id": which, "studioId": "s", "name": name, "type": kind, "active": active}
    return Source.model_validate(shown)


def account(which: str, name: str, platform: str, status: str = "active") -> Connection:
    """A linked account."""
    shown = {"id": which, "displayName": name, "platform": platform, "status": status}
    return Connection.model_validate({**shown, "connectionType": "oauth"})


EVERYTHING: Final = Facts(
    studio=studio(),
    status=OFF_AIR,
    destinations=(
        place("d1", "Main", "youtube"),
        place("d2", "Late crowd", "twitch"),
        place("d3", "Trying out", "kick", enabled=False),
    ),
    sources=(source("c1", "Camera"), source("c2", "Guest", "rtmp", active=False)),
    connections=(account("a1", "Robin", "youtube"), account("a2", "robin_x", "twitch")),
    health=Health.model_validate({"status": "ok", "writeEnabled": True}),
)
"""All that can be seen around a studio that is off air."""

LIVE: Final = replace(EVERYTHING, status=ON_AIR)
UNCLEAR: Final = replace(EVERYTHING, status=None)


def but(**facts: Any) -> Facts:  # noqa: ANN401  any fact
    """Everything, but for these."""
    return replace(EVERYTHING, **facts)
