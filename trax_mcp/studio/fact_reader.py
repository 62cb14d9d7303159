"""Looks around an operation: reads, concurrently, what a person needs to see before they say yes.

What this key may not read is unknown, with its reason, and stops nobody. What is broken for the
moment is told as what it is. The room decides nothing: it only looks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import anyio

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.error_texts import interrupted
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import (
    Model,
    Studio,
)
from trax_mcp.api.operation import Operation
from trax_mcp.api.operations import (
    CreateDestination,
    CreateMediaUpload,
    CreateSource,
    CreateStudio,
    DeleteDestination,
    DeleteSource,
    GetHealth,
    GetStreamStatus,
    GetStudio,
    GoLive,
    GoOffline,
    ListConnections,
    ListDestinations,
    ListSources,
    ListStudios,
    SendChatMessage,
    UnlinkConnection,
    UpdateDestination,
    UpdateSource,
    UpdateStudio,
    is_stop,
)
from trax_mcp.studio.facts import Facts, Unknown
from trax_mcp.studio.pages import read_all_pages

STOP_SECONDS: Final = 2.0
"""The longest that looking may hold up a stop."""

_MOST_STUDIOS = 10
_NOT_UNKNOWN = frozenset({"not_found", "invalid_key", "no_key"})


_STUDIO = ("studio", "status", "destinations", "health")
_SOURCES = ("studio", "status", "sources", "health")

_WANTED: Mapping[type[Operation[Model]], Sequence[str]] = {
    GoLive: ("studio", "status", "destinations", "sources", "connections", "health"),
    GoOffline: ("studio", "status", "destinations"),
    GetStudio: ("studio", "status", "destinations", "sources"),
    UpdateStudio: _STUDIO,
    CreateDestination: _STUDIO,
    UpdateDestination: _STUDIO,
    DeleteDestination: _STUDIO,
    CreateSource: _SOURCES,
    UpdateSource: _SOURCES,
    DeleteSource: _SOURCES,
    SendChatMessage: _STUDIO,
    UnlinkConnection: ("connections", "studios", "health"),
    CreateStudio: ("studios", "health"),
    CreateMediaUpload: ("studios", "health"),
}
"""What a person needs to see before they say yes to an operation, or of a studio at a glance."""

_IN_WORDS: Mapping[str, str] = {
    "studio": "the studio's name",
    "status": "whether the studio is live",
    "destinations": "the destinations",
    "sources": "the sources",
    "connections": "the linked accounts",
    "health": "whether writes are switched on",
    "studios": "the studios",
}


_LOOKS: Mapping[str, Callable[[str], Operation[Model]]] = {
    "studio": lambda studio: GetStudio(studio_id=studio),
    "status": lambda studio: GetStreamStatus(studio_id=studio),
    "destinations": lambda studio: ListDestinations(studio_id=studio),
    "sources": lambda studio: ListSources(studio_id=studio),
    "connections": lambda _studio: ListConnections(),
    "studios": lambda _studio: ListStudios(),
    "health": lambda _studio: GetHealth(),
}


class FactReader:
    """Looks around for one operation of one caller."""

    def __init__(self, client: Client, operation: Operation[Model], caller: Caller) -> None:
        self._client = client
        self._operation = operation
        self._caller = caller
        self._hurried = is_stop(operation)
        self._unlinks = isinstance(operation, UnlinkConnection)

    async def see_live(self) -> Facts:
        """Read only whether the studio is live.

        Raises:
            TraxError: it could not be read, and not for want of a scope.
        """
        return await self._see(("status",), Facts())

    async def see(self, known: Facts | None = None) -> Facts:
        """Read what a person needs to see; what `known` holds is not read again.

        Raises:
            TraxError: the target is not there, the key is not accepted, or something is broken
                for the moment (a stop waits for nothing of that last kind).
        """
        wanted = _WANTED[type(self._operation)]
        rest = [what for what in wanted if known is None or what != "status"]
        facts = await self._see(rest, known or Facts())
        return await self._see_reach(facts) if self._unlinks else facts

    async def _see(self, wanted: Sequence[str], known: Facts) -> Facts:
        seen: dict[str, Any] = {}
        failed: dict[str, TraxError] = {}

        async def look(what: str) -> None:
            try:
                seen[what] = await self._read(_LOOKS[what](self._operation.studio()))
            except TraxError as error:
                failed[what] = error

        async with anyio.create_task_group() as looks:
            for what in wanted:
                looks.start_soon(look, what)
        unknown = [self._unknown(what, failed[what]) for what in wanted if what in failed]
        return replace(known, **seen, unknown=(*known.unknown, *unknown))

    async def _see_reach(self, facts: Facts) -> Facts:
        """Which studios go out where, and whether they are live: for what an account may serve."""
        studios = (facts.studios or ())[:_MOST_STUDIOS]
        around: list[Facts] = [Facts()] * len(studios)
        failed: list[TraxError] = []

        async def look(place: int, studio: Studio) -> None:
            here = FactReader(self._client, GetStudio(studio_id=studio.id), self._caller)
            try:
                around[place] = await here._see(("status", "destinations"), Facts(studio=studio))
            except TraxError as error:
                failed.append(error)

        async with anyio.create_task_group() as looks:
            for place, studio in enumerate(studios):
                looks.start_soon(look, place, studio)
        if failed:
            raise failed[0]
        unknown = dict.fromkeys(it for place in around for it in place.unknown)
        if len(facts.studios or ()) > _MOST_STUDIOS:
            unknown[Unknown("further studios", f"only the first {_MOST_STUDIOS} are read")] = None
        return replace(facts, around=tuple(around), unknown=(*facts.unknown, *unknown))

    async def _read(self, operation: Operation[Model]) -> object:
        """An answer, or all items of a list. A stop waits two seconds and tries nothing twice."""
        if not self._hurried:
            return await read_all_pages(self._client, operation, self._caller)
        with anyio.move_on_after(STOP_SECONDS):
            return await read_all_pages(self._client, operation, self._caller, persist=False)
        raise interrupted(operation)

    def _unknown(self, what: str, error: TraxError) -> Unknown:
        """What could not be read; raised instead, where it must be told as a failure."""
        failure = error.failure
        forbidden = failure.http_status == 403  # noqa: PLR2004  this key may not read it
        if failure.code in _NOT_UNKNOWN or not (forbidden or self._hurried):
            raise error
        scope = failure.required_scope
        return Unknown(_IN_WORDS[what], f"the key lacks {scope}" if scope else "TRaX did not tell")
