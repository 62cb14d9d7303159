"""Completions for arguments of prompts and resource templates, from what the caller owns.

There are none without a key, while TRaX fails or is slow, and for lists that the operator does not
offer. Each value can be used unchanged: an item is suggested by its name if that is plain and
occurs once, else by its id. Of a list that is cut, all are suggested by id.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final, NamedTuple

import mcp_types as types

from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import TraxError
from trax_mcp.api.operation import ListOperation
from trax_mcp.api.reads import ListConnections, ListDestinations, ListStudios
from trax_mcp.api.text_safety import spell_out
from trax_mcp.clock import Clock
from trax_mcp.server.offer import Offer
from trax_mcp.server.prompts import LONGEST_VALUE, Completes, Prompts
from trax_mcp.server.request import McpRequest
from trax_mcp.server.resources import Resources
from trax_mcp.studio.facts import Read
from trax_mcp.studio.list_cache import ListCache
from trax_mcp.studio.names import fold_name
from trax_mcp.studio.naming import SHOWN_NAME
from trax_mcp.tools.find import FindStudio

MAX_VALUES: Final = 100
"""Values in one result (specification, server/utilities/completion)."""
TIMEOUT_SECONDS: Final = 5.0

_LISTS: Final[Mapping[Completes | None, Sequence[type[ListOperation[Any]]]]] = {
    "studios": (ListStudios,),
    "connections": (ListConnections,),
    "platforms": (ListDestinations, ListConnections),
    None: (),
}


class Candidate(NamedTuple):
    """An item of the caller that can be suggested."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Completions:
    """Completes arguments from the lists of a caller that the offered tools can read."""

    lists: ListCache
    prompts: Prompts
    resources: Resources
    offer: Offer
    clock: Clock

    async def complete(
        self, request: McpRequest[types.CompleteRequestParams]
    ) -> types.CompleteResult:
        """Answer `completion/complete`.

        Raises:
            WrongRequestError: there is no such prompt or resource template.
        """
        params, caller = request.params, request.caller
        argument = params.argument
        context = (params.context and params.context.arguments) or {}
        match params.ref:
            case types.PromptReference(name=name):
                kind = self.prompts.find(name, caller).completes(argument.name)
            case types.ResourceTemplateReference(uri=uri):
                variables = self.resources.variables(uri)
                is_studio = argument.name == "studioId" and argument.name in variables
                kind = "studios" if is_studio else None
        lists: Sequence[Read[tuple[Any, ...]]] = ()
        async with self.clock.move_on_after(TIMEOUT_SECONDS):
            studio = context.get("studio", "")
            lists = [await self._read(it, caller, studio) for it in _LISTS[kind]]
        is_cut = any(it.missing for it in lists)
        values = suggest(
            _candidates(kind, lists),
            argument.value,
            by_id=is_cut or isinstance(params.ref, types.ResourceTemplateReference),
        )
        return types.CompleteResult(
            completion=types.Completion(
                values=values[:MAX_VALUES],
                total=None if is_cut else len(values),
                has_more=is_cut or len(values) > MAX_VALUES,
            )
        )

    async def _read(
        self, kind: type[ListOperation[Any]], caller: Caller, studio: str
    ) -> Read[tuple[Any, ...]]:
        """A list of the caller. Empty if no tool that is offered shows it, or if it fails."""
        shown_by = (ListStudios, FindStudio) if kind is ListStudios else (kind,)
        if all(self.offer.why_not(it, caller) for it in shown_by):
            return Read()
        arguments = {}
        if kind is ListDestinations:
            if (found := await self._find_studio(caller, studio)) is None:
                return Read()
            arguments["studioId"] = found
        try:
            return await self.lists.get(kind.model_validate(arguments), caller)
        except TraxError:
            return Read()

    async def _find_studio(self, caller: Caller, studio: str) -> str | None:
        """The id of the studio with this id, else of the only one with this name."""
        if not studio:
            return None
        studios = await self._read(ListStudios, caller, "")
        if any(it.id == studio for it in studios.value or ()):
            return studio
        named = [it.id for it in studios.value or () if fold_name(it.name) == fold_name(studio)]
        # Of a list that is cut, the rest may hold the name once more.
        return named[0] if len(named) == 1 and not studios.missing else None


def suggest(candidates: Sequence[Candidate], typed: str, *, by_id: bool) -> list[str]:
    """The candidates whose name or id holds what is typed; first those that begin with it."""
    wanted = fold_name(typed)
    folded = [{fold_name(it.name), fold_name(it.id)} for it in candidates]
    uses = Counter(text for texts in folded for text in texts)
    ranked: list[tuple[bool, str]] = []
    for candidate, texts in zip(candidates, folded, strict=True):
        value = candidate.id
        if not by_id and uses[fold_name(candidate.name)] == 1 and _is_plain(candidate.name):
            value = candidate.name
        if any(wanted in text for text in texts) and _is_plain(value, LONGEST_VALUE):
            ranked.append((not any(text.startswith(wanted) for text in texts), value))
    return list(dict.fromkeys(value for _, value in sorted(ranked, key=itemgetter(0))))


def _is_plain(text: str, longest: int = SHOWN_NAME) -> bool:
    """Whether it is shown as it is, and accepted by prompts."""
    return bool(text) and len(text) <= longest and spell_out(text, longest=longest) == text


def _candidates(kind: Completes | None, lists: Sequence[Read[tuple[Any, ...]]]) -> list[Candidate]:
    items = [item for found in lists for item in found.value or ()]
    if kind == "platforms":
        return [
            Candidate(it, it) for it in dict.fromkeys(it.platform for it in items if it.platform)
        ]
    if kind == "connections":
        return [Candidate(it.id, it.display_name) for it in items]
    return [Candidate(it.id, it.name) for it in items]
