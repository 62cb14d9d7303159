"""Suggestions for what a person types into a prompt or an address: from their own things.

A suggestion decides nothing and is in nobody's way: without a key, while TRaX fails or is slow, and
of what the operator does not offer to list, there are none. What is suggested can be used as it
stands, so a name that hides something, or that several things have, is suggested by its id.
"""

from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import mcp_types as types
from pydantic import ValidationError

from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Connection, Destination, Source, Studio
from trax_mcp.api.operations import ListConnections, ListDestinations, ListSources, ListStudios
from trax_mcp.api.text_safety import escape_invisible
from trax_mcp.api.tool_input import ToolInput
from trax_mcp.clock import Clock
from trax_mcp.server.prompts import LONGEST_VALUE, Completes, Prompts
from trax_mcp.server.resources import Resources
from trax_mcp.studio.list_cache import ListCache
from trax_mcp.studio.naming import LONGEST_NAME
from trax_mcp.studio.search import FindStudio, best_first, folded

MOST: Final = 100
"""Suggestions in one answer (specification, server/utilities/completion)."""

PATIENCE_SECONDS: Final = 5.0
"""A suggestion that comes later comes too late."""

_STUDIO: Final = "studio"
"""The argument of a prompt that says whose destinations and sources are meant."""
_STUDIO_ID: Final = "studioId"

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class Thing:
    """Something of the caller's that may be meant."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Completions:
    """Suggestions, from what the directory knows of the caller and `offered` tools list."""

    directory: ListCache
    prompts: Prompts
    resources: Resources
    offered: frozenset[type[ToolInput]]
    clock: Clock

    async def complete(
        self, asked: types.CompleteRequestParams, caller: Caller
    ) -> types.CompleteResult:
        """What may be meant by what was typed so far.

        Raises:
            WrongRequestError: there is no such prompt, or no such resource template, here.
        """
        argument = asked.argument
        match asked.ref:
            case types.PromptReference(name=name):
                wanted, values = self.prompts.completes(name, argument.name), by_name
            case types.ResourceTemplateReference(uri=uri):
                wanted, values = self._in_address(uri, argument.name), by_id
        given = (asked.context and asked.context.arguments) or {}
        things = await self._things(wanted, caller, given.get(_STUDIO, ""))
        return _result(suggest(things, argument.value, values=values(things)))

    def _in_address(self, uri: str, variable: str) -> Completes | None:
        named = variable in self.resources.variables(uri)
        return Completes.STUDIOS if named and variable == _STUDIO_ID else None

    async def _things(
        self, wanted: Completes | None, caller: Caller, studio: str
    ) -> Sequence[Thing]:
        """All of a kind, as far as they can be had in time."""
        if wanted is not None:
            async with self.clock.move_on_after(PATIENCE_SECONDS):
                return await self._read(wanted, caller, studio)
        return ()

    async def _read(self, wanted: Completes, caller: Caller, studio: str) -> Sequence[Thing]:
        match wanted:
            case Completes.STUDIOS:
                return _named(await self._studios(caller))
            case Completes.CONNECTIONS:
                return _accounts(await self._connections(caller))
            case Completes.DESTINATIONS:
                return _named(await self._destinations(caller, studio))
            case Completes.SOURCES:
                return _named(await self._sources(caller, studio))
            case Completes.PLATFORMS:
                return await self._platforms(caller, studio)

    async def _studios(self, caller: Caller) -> Sequence[Studio]:
        if not self.offered & {ListStudios, FindStudio}:
            return ()
        return await _or_none(self.directory.studios(caller))

    async def _connections(self, caller: Caller) -> Sequence[Connection]:
        if ListConnections not in self.offered:
            return ()
        return await _or_none(self.directory.connections(caller))

    async def _destinations(self, caller: Caller, studio: str) -> Sequence[Destination]:
        if ListDestinations not in self.offered or not (meant := await self._meant(caller, studio)):
            return ()
        return await _or_none(self.directory.destinations(caller, meant.id))

    async def _sources(self, caller: Caller, studio: str) -> Sequence[Source]:
        if ListSources not in self.offered or not (meant := await self._meant(caller, studio)):
            return ()
        return await _or_none(self.directory.sources(caller, meant.id))

    async def _platforms(self, caller: Caller, studio: str) -> Sequence[Thing]:
        """Those that are in use: where the studio goes out, and where an account is linked."""
        in_use: list[Destination | Connection] = [
            *await self._destinations(caller, studio),
            *await self._connections(caller),
        ]
        return [Thing(name, name) for name in dict.fromkeys(it.platform for it in in_use)]

    async def _meant(self, caller: Caller, studio: str) -> Studio | None:
        """The studio of that id, else the only one of that name."""
        studios = await self._studios(caller) if studio else ()
        by_ids = [it for it in studios if it.id == studio]
        meant = by_ids or [it for it in studios if folded(it.name) == folded(studio)]
        return meant[0] if len(meant) == 1 else None


def suggest(things: Sequence[Thing], typed: str, *, values: Sequence[str | None]) -> list[str]:
    """The values of the things whose name or id matches, best first; None is never suggested."""
    places = best_first([text for it in things for text in (it.name, it.id)], typed)
    matching = dict.fromkeys(values[place // 2] for place in places)
    return [value for value in matching if value is not None]


def by_name(things: Sequence[Thing]) -> list[str | None]:
    """What stands for each in a prompt: its name, if that is plain to see and no other's."""
    known = Counter(folded(text) for it in things for text in {it.name, it.id})
    return [
        it.name if _is_plain(it.name, LONGEST_NAME) and known[folded(it.name)] == 1 else value
        for it, value in zip(things, by_id(things), strict=True)
    ]


def by_id(things: Sequence[Thing]) -> list[str | None]:
    """What stands for each in an address: its id."""
    return [it.id if _is_plain(it.id, LONGEST_VALUE) else None for it in things]


def _is_plain(text: str, longest: int) -> bool:
    """Whether all of it can be seen, on one line, and given to a prompt."""
    return bool(text.strip()) and len(text) <= longest and escape_invisible(text) == text


def _named(items: Sequence[Studio | Destination | Source]) -> list[Thing]:
    return [Thing(it.id, it.name) for it in items]


def _accounts(items: Sequence[Connection]) -> list[Thing]:
    return [Thing(it.id, it.display_name) for it in items]


async def _or_none(reading: Awaitable[Sequence[ItemT]]) -> Sequence[ItemT]:
    try:
        return await reading
    except (TraxError, ValidationError):  # not to be had, or of a studio with an impossible id
        return ()


def _result(values: Sequence[str]) -> types.CompleteResult:
    return types.CompleteResult(
        completion=types.Completion(
            values=list(values[:MOST]), total=len(values), has_more=len(values) > MOST
        )
    )
