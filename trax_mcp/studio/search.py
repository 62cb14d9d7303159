"""A studio by the name that a person gives it. The search never acts, and never chooses."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import anyio
from pydantic import Field

from trax_mcp.api.argument_types import Text
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Studio
from trax_mcp.api.operations import GetStreamStatus, ListStudios
from trax_mcp.api.tool_input import Effect, ToolInput
from trax_mcp.studio.pages import read_all_pages

MOST_LOOKED_AT: Final = 10
"""Of so many matches it is read whether they are live."""


class FindStudio(ToolInput, call="GET /v1/studios", effect=Effect.READ):
    """Finds studios by name or id, best match first. Of several, let the person choose."""

    query: Text = Field(description="The name, a part of it, or the id.")

    @classmethod
    def answer(cls) -> JsonObject:
        """The matches, and how many studios were searched."""
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
            },
        }


@dataclass(frozen=True, slots=True)
class Match:
    """A studio that may be meant. `live` is None where it was not looked at or is not known."""

    studio: Studio
    live: bool | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The studios that may be meant, best first, of all that were searched."""

    matches: tuple[Match, ...]
    searched: int
    exact: int = 0
    """How many of the first have exactly the name, or the id, that was asked for."""


def best_first(names: Sequence[str], query: str) -> list[int]:
    """The places of the names that match: exact before prefix before substring.

    Case does not count, nor how an accent is written. Among equals the order stays.
    """
    wanted = folded(query)
    ranks = [(_rank(folded(name), wanted), place) for place, name in enumerate(names)]
    return [place for rank, place in sorted(it for it in ranks if it[0] is not None)]


async def find_studios(client: Client, asked: FindStudio, caller: Caller) -> Found:
    """Search all studios of a caller.

    Raises:
        TraxError: they could not be read.
    """
    studios: Any = await read_all_pages(client, ListStudios(), caller)
    wanted = asked.query.strip()
    by_id = [place for place, it in enumerate(studios) if it.id == wanted]
    places = list(dict.fromkeys([*by_id, *best_first([it.name for it in studios], wanted)]))
    live: dict[int, bool] = {}

    async def look(place: int) -> None:
        status = GetStreamStatus(studio_id=studios[place].id)
        try:
            live[place] = (await client.read(status, caller)).live
        except TraxError:
            return  # it is found all the same

    async with anyio.create_task_group() as looks:
        for place in places[:MOST_LOOKED_AT]:
            looks.start_soon(look, place)
    matches = tuple(Match(studios[place], live.get(place)) for place in places)
    exact = sum(folded(wanted) in (folded(it.studio.name), folded(it.studio.id)) for it in matches)
    return Found(matches, searched=len(studios), exact=exact)


def folded(name: str) -> str:
    """A name as it is compared."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _rank(name: str, wanted: str) -> int | None:
    if name == wanted:
        return 0
    if name.startswith(wanted):
        return 1
    return 2 if wanted in name else None
