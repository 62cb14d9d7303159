"""Completions for arguments of prompts and resource templates, from what the caller owns.

There are none without a key, while TRaX fails or is slow, and for lists that the operator does not
offer. Each value can be used unchanged: an item whose name is ambiguous, or has invisible
characters, is suggested by its id.
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
from trax_mcp.studio.search import FindStudio, fold_name, rank_names

MAX_VALUES: Final = 100
"""Values in one result (specification, server/utilities/completion)."""

TIMEOUT_SECONDS: Final = 5.0

_STUDIO: Final = "studio"
"""The argument of a prompt that names the studio of its destinations and sources."""
_STUDIO_ID: Final = "studioId"

ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item of the caller that can be suggested."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Completions:
    """Completes arguments from the lists of a caller that the `offered` tools can read."""

    list_cache: ListCache
    prompts: Prompts
    resources: Resources
    offered: frozenset[type[ToolInput]]
    clock: Clock

    async def complete(
        self, params: types.CompleteRequestParams, caller: Caller
    ) -> types.CompleteResult:
        """Complete the text of an argument.

        Raises:
            WrongRequestError: there is no such prompt or resource template.
        """
        argument = params.argument
        match params.ref:
            case types.PromptReference(name=name):
                kind, values = self.prompts.completes(name, argument.name), names_or_ids
            case types.ResourceTemplateReference(uri=uri):
                kind, values = self._variable_kind(uri, argument.name), ids
        arguments = (params.context and params.context.arguments) or {}
        candidates = await self._candidates(kind, caller, arguments.get(_STUDIO, ""))
        return _result(suggest(candidates, argument.value, values=values(candidates)))

    def _variable_kind(self, uri: str, variable: str) -> Completes | None:
        exists = variable in self.resources.variables(uri)
        return Completes.STUDIOS if exists and variable == _STUDIO_ID else None

    async def _candidates(
        self, kind: Completes | None, caller: Caller, studio: str
    ) -> Sequence[Candidate]:
        """All candidates of a kind; none if they cannot be read in time."""
        if kind is not None:
            async with self.clock.move_on_after(TIMEOUT_SECONDS):
                return await self._read(kind, caller, studio)
        return ()

    async def _read(self, kind: Completes, caller: Caller, studio: str) -> Sequence[Candidate]:
        match kind:
            case Completes.STUDIOS:
                return _named_candidates(await self._studios(caller))
            case Completes.CONNECTIONS:
                return _account_candidates(await self._connections(caller))
            case Completes.DESTINATIONS:
                return _named_candidates(await self._destinations(caller, studio))
            case Completes.SOURCES:
                return _named_candidates(await self._sources(caller, studio))
            case Completes.PLATFORMS:
                return await self._platforms(caller, studio)

    async def _studios(self, caller: Caller) -> Sequence[Studio]:
        if not self.offered & {ListStudios, FindStudio}:
            return ()
        return await _or_empty(self.list_cache.studios(caller))

    async def _connections(self, caller: Caller) -> Sequence[Connection]:
        if ListConnections not in self.offered:
            return ()
        return await _or_empty(self.list_cache.connections(caller))

    async def _destinations(self, caller: Caller, studio: str) -> Sequence[Destination]:
        if ListDestinations not in self.offered or not (
            owner := await self._find_studio(caller, studio)
        ):
            return ()
        return await _or_empty(self.list_cache.destinations(caller, owner.id))

    async def _sources(self, caller: Caller, studio: str) -> Sequence[Source]:
        if ListSources not in self.offered or not (
            owner := await self._find_studio(caller, studio)
        ):
            return ()
        return await _or_empty(self.list_cache.sources(caller, owner.id))

    async def _platforms(self, caller: Caller, studio: str) -> Sequence[Candidate]:
        """The platforms of the studio's destinations and of linked accounts."""
        in_use: list[Destination | Connection] = [
            *await self._destinations(caller, studio),
            *await self._connections(caller),
        ]
        return [Candidate(name, name) for name in dict.fromkeys(it.platform for it in in_use)]

    async def _find_studio(self, caller: Caller, studio: str) -> Studio | None:
        """Find the studio with this id, else the only one with this name."""
        studios = await self._studios(caller) if studio else ()
        with_id = [it for it in studios if it.id == studio]
        matches = with_id or [it for it in studios if fold_name(it.name) == fold_name(studio)]
        return matches[0] if len(matches) == 1 else None


def suggest(
    candidates: Sequence[Candidate], typed: str, *, values: Sequence[str | None]
) -> list[str]:
    """The values of the candidates whose name or id matches, best first, without None."""
    indexes = rank_names([text for it in candidates for text in (it.name, it.id)], typed)
    matching = dict.fromkeys(values[index // 2] for index in indexes)
    return [value for value in matching if value is not None]


def names_or_ids(candidates: Sequence[Candidate]) -> list[str | None]:
    """The value of each candidate for a prompt: its name if that is visible and unique."""
    uses = Counter(fold_name(text) for it in candidates for text in {it.name, it.id})
    return [
        it.name if _is_plain(it.name, LONGEST_NAME) and uses[fold_name(it.name)] == 1 else value
        for it, value in zip(candidates, ids(candidates), strict=True)
    ]


def ids(candidates: Sequence[Candidate]) -> list[str | None]:
    """The value of each candidate for a resource template: its id."""
    return [it.id if _is_plain(it.id, LONGEST_VALUE) else None for it in candidates]


def _is_plain(text: str, longest: int) -> bool:
    """Whether it is visible, on one line, and accepted by prompts."""
    return bool(text.strip()) and len(text) <= longest and escape_invisible(text) == text


def _named_candidates(items: Sequence[Studio | Destination | Source]) -> list[Candidate]:
    return [Candidate(it.id, it.name) for it in items]


def _account_candidates(items: Sequence[Connection]) -> list[Candidate]:
    return [Candidate(it.id, it.display_name) for it in items]


async def _or_empty(reading: Awaitable[Sequence[ItemT]]) -> Sequence[ItemT]:
    try:
        return await reading
    except (TraxError, ValidationError):  # cannot be read, or the studio's id is invalid
        return ()


def _result(values: Sequence[str]) -> types.CompleteResult:
    return types.CompleteResult(
        completion=types.Completion(
            values=list(values[:MAX_VALUES]), total=len(values), has_more=len(values) > MAX_VALUES
        )
    )
