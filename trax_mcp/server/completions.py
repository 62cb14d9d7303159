"""Completions for arguments of prompts and resource templates, from what the caller owns.

There are none without a key, while TRaX fails or is slow, and for lists that the operator does not
offer. Each value can be used unchanged: an item whose name is ambiguous, or would be spelt out, is
suggested by its id.

Items without a usable id are not suggested. Of a list that is too long to be read to its end, items
are suggested by id, since a name could occur again.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

import mcp_types as types

from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Connection, Destination, ItemT, Source, Studio
from trax_mcp.api.operation import ListOperation
from trax_mcp.api.operations import ListConnections, ListDestinations, ListSources, ListStudios
from trax_mcp.api.text_safety import spell_out
from trax_mcp.api.tool_input import ToolInput
from trax_mcp.clock import Clock
from trax_mcp.server.prompts import LONGEST_VALUE, Completes, Prompts
from trax_mcp.server.resources import Resources
from trax_mcp.studio.list_cache import ListCache
from trax_mcp.studio.name_words import fold_name
from trax_mcp.studio.naming import LONGEST_NAME
from trax_mcp.studio.pages import ItemList
from trax_mcp.studio.search import FindStudio

MAX_VALUES: Final = 100
"""Values in one result (specification, server/utilities/completion)."""

TIMEOUT_SECONDS: Final = 5.0

_STUDIO: Final = "studio"
"""The argument of a prompt that names the studio of its destinations and sources."""
_STUDIO_ID: Final = "studioId"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item of the caller that can be suggested."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Candidates:
    """Everything that can be suggested. `is_cut`: there is more, which was not read."""

    items: Sequence[Candidate] = ()
    is_cut: bool = False


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
                kind, as_values = self.prompts.completes(name, argument.name), names_or_ids
            case types.ResourceTemplateReference(uri=uri):
                kind, as_values = self._variable_kind(uri, argument.name), ids
        arguments = (params.context and params.context.arguments) or {}
        found = await self._candidates(kind, caller, arguments.get(_STUDIO, ""))
        values = ids(found.items) if found.is_cut else as_values(found.items)
        suggestions = suggest(found.items, argument.value, values=values)
        return _result(suggestions, is_cut=found.is_cut)

    def _variable_kind(self, uri: str, variable: str) -> Completes | None:
        exists = variable in self.resources.variables(uri)
        return Completes.STUDIOS if exists and variable == _STUDIO_ID else None

    async def _candidates(self, kind: Completes | None, caller: Caller, studio: str) -> Candidates:
        """The candidates of a kind; none if they cannot be read in time."""
        if kind is not None:
            async with self.clock.move_on_after(TIMEOUT_SECONDS):
                return await self._read(kind, caller, studio)
        return Candidates()

    async def _read(self, kind: Completes, caller: Caller, studio: str) -> Candidates:
        match kind:
            case Completes.STUDIOS:
                return _named_candidates(await self._studios(caller))
            case Completes.CONNECTIONS:
                return _account_candidates(await self._connections(caller))
            case Completes.DESTINATIONS:
                return _named_candidates(await self._in_studio(ListDestinations, caller, studio))
            case Completes.SOURCES:
                return _named_candidates(await self._in_studio(ListSources, caller, studio))
            case Completes.PLATFORMS:
                return await self._platforms(caller, studio)

    async def _studios(self, caller: Caller) -> ItemList[Studio]:
        if not self.offered & {ListStudios, FindStudio}:
            return ItemList()
        return await self._list(ListStudios(), caller)

    async def _connections(self, caller: Caller) -> ItemList[Connection]:
        if ListConnections not in self.offered:
            return ItemList()
        return await self._list(ListConnections(), caller)

    async def _in_studio(
        self, kind: type[ListOperation[ItemT]], caller: Caller, studio: str
    ) -> ItemList[ItemT]:
        found = await self._find_studio(caller, studio) if kind in self.offered else None
        if found is None:
            return ItemList()
        return await self._list(kind.model_validate({"studioId": found.id}), caller)

    async def _list(self, operation: ListOperation[ItemT], caller: Caller) -> ItemList[ItemT]:
        try:
            return await self.list_cache.get(operation, caller)
        except TraxError:
            return ItemList()

    async def _platforms(self, caller: Caller, studio: str) -> Candidates:
        """The platforms of the studio's destinations and of linked accounts."""
        destinations = await self._in_studio(ListDestinations, caller, studio)
        accounts = await self._connections(caller)
        in_use: list[Destination | Connection] = [*destinations.items, *accounts.items]
        names = dict.fromkeys(it.platform for it in in_use)
        is_cut = destinations.is_cut or accounts.is_cut
        return Candidates([Candidate(name, name) for name in names], is_cut)

    async def _find_studio(self, caller: Caller, studio: str) -> Studio | None:
        """Find the studio with this id, else the only one with this name."""
        studios = await self._studios(caller) if studio else ItemList()
        with_id = [it for it in studios.items if it.id == studio]
        if with_id or studios.is_cut:  # the name could occur again in the rest
            matches = with_id
        else:
            matches = [it for it in studios.items if fold_name(it.name) == fold_name(studio)]
        return matches[0] if len(matches) == 1 else None


def suggest(
    candidates: Sequence[Candidate], typed: str, *, values: Sequence[str | None]
) -> list[str]:
    """The values of the candidates whose name or id matches, best first, without None."""
    texts = [
        (text, value)
        for it, value in zip(candidates, values, strict=True)
        for text in (it.name, it.id)
    ]
    wanted = fold_name(typed)
    ranked = [(_rank(fold_name(text), wanted), value) for text, value in texts]
    matching = sorted((it for it in ranked if it[0] is not None), key=itemgetter(0))
    return list(dict.fromkeys(value for _, value in matching if value is not None))


def _rank(text: str, typed: str) -> int | None:
    """Equal texts first, then those that go on from what is typed, then those that hold it."""
    if text == typed:
        return 0
    if text.startswith(typed):
        return 1
    return 2 if typed in text else None


def names_or_ids(candidates: Sequence[Candidate]) -> list[str | None]:
    """The value of each candidate for a prompt: its name if that is plain and unique."""
    uses = Counter(fold_name(text) for it in candidates for text in {it.name, it.id})
    return [
        it.name if _is_plain(it.name, LONGEST_NAME) and uses[fold_name(it.name)] == 1 else value
        for it, value in zip(candidates, ids(candidates), strict=True)
    ]


def ids(candidates: Sequence[Candidate]) -> list[str | None]:
    """The value of each candidate for a resource template: its id."""
    return [it.id if _is_plain(it.id, LONGEST_VALUE) else None for it in candidates]


def _is_plain(text: str, longest: int) -> bool:
    """Whether it is shown as it is, and accepted by prompts."""
    return bool(text) and len(text) <= longest and spell_out(text, longest=longest) == text


def _named_candidates(
    found: ItemList[Studio] | ItemList[Destination] | ItemList[Source],
) -> Candidates:
    return Candidates([Candidate(it.id, it.name) for it in found.items], found.is_cut)


def _account_candidates(found: ItemList[Connection]) -> Candidates:
    return Candidates([Candidate(it.id, it.display_name) for it in found.items], found.is_cut)


def _result(values: Sequence[str], *, is_cut: bool) -> types.CompleteResult:
    """The first values. Of a list that was cut, the total is unknown, and there may be more."""
    return types.CompleteResult(
        completion=types.Completion(
            values=list(values[:MAX_VALUES]),
            total=None if is_cut else len(values),
            has_more=is_cut or len(values) > MAX_VALUES,
        )
    )
