"""Searches the studios of a caller by name or id. The choice is left to the person."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import anyio
from pydantic import Field

from trax_mcp.api.argument_types import Query
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Studio
from trax_mcp.api.operations import GetStreamStatus, ListStudios
from trax_mcp.api.tool_input import Effect, ToolInput
from trax_mcp.studio.facts import Fact, Unknown
from trax_mcp.studio.pages import read_all_pages

MAX_STATUS_READS: Final = 10
"""The number of first matches whose stream status is read."""


class FindStudio(
    ToolInput,
    call="GET /v1/studios",
    effect=Effect.READ,
    hint="Finds studios by name or id, best match first. Of several, let the person choose.",
):
    """Searches the studios of a caller."""

    query: Query = Field(description="The name, a part of it, or the id.")

    @classmethod
    def answer_schema(cls) -> JsonObject:
        """The matches, how many studios were searched, and which could not be."""
        text = {"type": "string"}
        return {
            "type": "object",
            "properties": {
                "matches": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "id": text,
                            "name": text,
                            "role": text,
                            "live": {"type": "boolean"},
                        },
                    },
                },
                "searched": {"type": "integer"},
                "unknown": {"type": "array", "items": text},
            },
        }


@dataclass(frozen=True, slots=True)
class Match:
    """A studio that matches. `live` is None if the status was not read."""

    studio: Studio
    live: bool | None = None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The studios that match, best first, and the number of studios searched.

    `exact` of the first matches have the query as their whole name or id. `unknown` says which
    studios could not be searched.
    """

    matches: tuple[Match, ...]
    searched: int
    exact: int = 0
    unknown: tuple[Unknown, ...] = ()


def rank_names(names: Sequence[str], query: str) -> list[int]:
    """The indexes of the names that match: equal names, then prefixes, then substrings.

    Case and Unicode form are ignored. Matches of equal rank keep their order.
    """
    wanted = fold_name(query)
    ranks = [(_rank(fold_name(name), wanted), index) for index, name in enumerate(names)]
    return [index for rank, index in sorted(it for it in ranks if it[0] is not None)]


async def find_studios(client: Client, request: FindStudio, caller: Caller) -> SearchResult:
    """Search the studios of a caller.

    Raises:
        TraxError: they could not be read.
    """
    found = (await read_all_pages(client, ListStudios(), caller)).usable()
    studios = found.items
    wanted = request.query.strip()
    by_id = [index for index, it in enumerate(studios) if it.id == wanted]
    indexes = list(dict.fromkeys([*by_id, *rank_names([it.name for it in studios], wanted)]))
    live: dict[int, bool] = {}

    async def read_status(index: int) -> None:
        operation = GetStreamStatus(studio_id=studios[index].id)
        try:
            live[index] = (await client.call(operation, caller)).live
        except TraxError:
            return  # the match is listed without its status

    async with anyio.create_task_group() as tasks:
        for index in indexes[:MAX_STATUS_READS]:
            tasks.start_soon(read_status, index)
    matches = tuple(Match(studios[index], live.get(index)) for index in indexes)
    names = [(fold_name(it.studio.name), fold_name(it.studio.id)) for it in matches]
    exact = sum(fold_name(wanted) in it for it in names)
    unknown = found.unknown(Fact.STUDIOS.items)
    return SearchResult(matches, searched=len(studios), exact=exact, unknown=unknown)


def fold_name(name: str) -> str:
    """Normalise a name for comparison."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _rank(name: str, wanted: str) -> int | None:
    if name == wanted:
        return 0
    if name.startswith(wanted):
        return 1
    return 2 if wanted in name else None
