"""A studio and everything around it as facts: for the tests of questions, digests and names."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from trax_mcp.actions.shown import show
from trax_mcp.actions.view import View
from trax_mcp.api.models import Connection, Destination, Health, Source, StreamStatus, Studio
from trax_mcp.api.reads import (
    GetHealth,
    GetStreamStatus,
    GetStudio,
    ListConnections,
    ListDestinations,
    ListSources,
    ListStudios,
)
from trax_mcp.studio.facts import Facts, Kind, Read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trax_mcp.actions.change import Change
    from trax_mcp.actions.shown import Preview
    from trax_mcp.api.operation import ListOperation

NOW: Final = datetime(2026, 6, 5, 18, 12, 30, tzinfo=UTC)
"""Twelve minutes after the studio that is `ON_AIR` went live."""
OFF_AIR: Final = StreamStatus(live=False)
ON_AIR: Final = StreamStatus.model_validate(
    {
        "live": True,
        "liveStartedAt": "2026-06-05T18:00:03Z",
        "broadcastStartedAt": "2026-06-05T18:00:00Z",
    }
)


def unread(why: str) -> Read[Any]:
    return Read(missing=why)


def studio(name: str = "Friday Show", which: str = "studio_42") -> Studio:
    shown = {"id": which, "name": name, "ownerSub": "user_robin", "role": "owner"}
    return Studio.model_validate(shown)


def destination(
    which: str, name: str, platform: str, *, enabled: bool = True, vertical: bool = False
) -> Destination:
    shown = {"id": which, "studioId": "studio_42", "name": name, "platform": platform}
    return Destination.model_validate({**shown, "enabled": enabled, "vertical": vertical})


def source(which: str, name: str, kind: str = "webcam", *, active: bool = True) -> Source:
    shown = {"id": which, "studioId": "studio_42", "name": name, "type": kind, "active": active}
    return Source.model_validate(shown)


def account(
    which: str, name: str, platform: str, status: str = "active", expires: str | None = None
) -> Connection:
    shown = {"id": which, "displayName": name, "platform": platform, "status": status}
    return Connection.model_validate({**shown, "connectionType": "oauth", "expiresAt": expires})


READS: Final[Mapping[str, Kind]] = {
    "studio": GetStudio,
    "status": GetStreamStatus,
    "destinations": ListDestinations,
    "sources": ListSources,
    "connections": ListConnections,
    "studios": ListStudios,
    "health": GetHealth,
}
"""The facts of TRaX as the tests name them."""


def known(base: Facts | None = None, /, **values: Any) -> Facts:  # noqa: ANN401  any fact
    """These values as facts: each as it is or, if it is a `Read`, with what is missing of it."""
    facts = base or Facts()
    for name, it in values.items():
        read: Any = it if isinstance(it, Read) else Read(it)
        if name in READS:
            facts = facts.having(READS[name], read)
        else:
            facts = replace(facts, **{name: read if name == "starting" else it})
    return facts


EVERYTHING: Final = known(
    studio=studio(),
    status=OFF_AIR,
    destinations=(
        destination("dest_1", "Main", "youtube"),
        destination("dest_2", "Late crowd", "twitch"),
        destination("dest_3", "Trying out", "kick", enabled=False),
    ),
    sources=(source("source_1", "Camera"), source("source_2", "Guest", "rtmp", active=False)),
    connections=(account("conn_1", "Robin", "youtube"), account("conn_2", "robin_x", "twitch")),
    health=Health.model_validate({"status": "ok", "writeEnabled": True}),
)
"""Everything that can be read around a studio that is off air."""

LIVE: Final = known(EVERYTHING, status=ON_AIR)
UNCLEAR: Final = known(EVERYTHING, status=None)


def but(**values: Any) -> Facts:  # noqa: ANN401  any fact
    """Everything, with these facts replaced."""
    return known(EVERYTHING, **values)


def to(*places: Destination) -> Facts:
    return but(destinations=places)


def showing(*sources: Source) -> Facts:
    return but(sources=sources)


def linked(*accounts: Connection) -> Facts:
    return but(connections=accounts)


def previewed(operation: Change[Any], facts: Facts = EVERYTHING, *, now: datetime = NOW) -> Preview:
    """The preview of an operation among these facts."""
    return show((operation,), View(facts, now=now))


def in_studio(name: str, which: str, status: StreamStatus | None, *places: Destination) -> Facts:
    """What is known of one of several studios."""
    return known(studio=studio(name, which), status=status, destinations=places)


IN_USE: Final = but(
    per_studio=(
        in_studio("One", "s1", OFF_AIR, destination("x1", "Main", "youtube")),
        in_studio("Two", "s2", ON_AIR, destination("x2", "T", "twitch")),
    )
)
"""An account that one of two studios may use."""
LATER: Final = StreamStatus.model_validate({"live": True, "liveStartedAt": "2026-06-05T19:00:00Z"})


def _each(read: Read[Any], change: Callable[[Any], Any]) -> Read[Any]:
    return replace(read, value=read.value and tuple(map(change, read.value)))


def in_another_order(facts: Facts) -> Facts:
    kinds: tuple[type[ListOperation[Any]], ...] = (ListDestinations, ListSources, ListConnections)
    for kind in kinds:
        facts = facts.changing(kind, lambda them: them[::-1])
    return replace(facts, per_studio=facts.per_studio[::-1])


def some_time_later(facts: Facts) -> Facts:
    """The same facts, with every value changed that changes on its own."""
    updated: dict[str, Any] = {"status": "ready", "created_at": "2026-06-06T00:00:00Z"}
    opened = {"last_opened_at": "2026-06-06T00:00:00Z", "description": "Tonight", "role": "EDIT"}
    renewed = {"expires_at": "2026-06-07T00:00:00Z", "updated_at": "2026-06-06T00:00:00Z"}
    here = facts[GetStudio].value
    return known(
        facts,
        studio=here and here.model_copy(update=opened),
        status=LATER if facts.live else OFF_AIR,
        destinations=_each(facts[ListDestinations], lambda it: it.model_copy(update=updated)),
        sources=_each(facts[ListSources], lambda it: it.model_copy(update=updated)),
        connections=_each(facts[ListConnections], lambda it: it.model_copy(update=renewed)),
        health=Health.model_validate({"status": "degraded", "writeEnabled": False}),
        per_studio=tuple(map(some_time_later, facts.per_studio)),
    )
