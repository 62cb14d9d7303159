"""Searches the studios of a caller by what a person says, and reads what tells them apart."""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Final

import anyio
from pydantic import Field

from trax_mcp.api.argument_types import Query
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Studio
from trax_mcp.api.operations import ListStudios
from trax_mcp.api.tool_input import Effect, ToolInput
from trax_mcp.studio.concurrent_reads import MAX_AT_A_TIME, read_concurrently
from trax_mcp.studio.fact_reader import FactReader
from trax_mcp.studio.facts import Fact, Facts
from trax_mcp.studio.found_studios import Match, SearchResult, found_studios_schema
from trax_mcp.studio.name_match import Closeness, NameMatch, Ranking, rank_studios
from trax_mcp.studio.pages import read_all_pages

MAX_MATCHES: Final = 20
"""The most matches in one result."""
MAX_STATUS_READS: Final = 10
"""The number of first matches whose stream status is read."""
MAX_DESTINATION_READS: Final = 5
"""The number of first matches whose destinations are read."""
MANY_STUDIOS: Final = 200
"""More than these are ranked in a thread of their own."""
MAX_DETAIL_SECONDS: Final = 15.0
"""How long all these reads may take. Many clients cancel a call after a minute."""


class FindStudio(
    ToolInput,
    call="GET /v1/studios",
    effect=Effect.READ,
    hint=(
        "Find studios by what a person says, best match first: words of the name in any order,"
        ' typos, an id, or "live". Start here. `likely` is the id of the one probably'
        " meant; without it, ask the person before a change."
    ),
):
    """Searches the studios of a caller."""

    query: Query = Field(description="What the person calls it, or the id.")

    @classmethod
    def answer_schema(cls) -> JsonObject:
        """The matches, the likely one, how many studios were searched, and which could not be."""
        return found_studios_schema()


async def find_studios(client: Client, query: str, caller: Caller) -> SearchResult:
    """Search the studios of a caller.

    Raises:
        TraxError: they could not be read.
    """
    found = (await read_all_pages(client, ListStudios(), caller)).usable()
    unknown = found.unknown(Fact.STUDIOS.items)
    details = _Details(client, caller, found.items)
    ranking = await _rank(found.items, query)
    statuses = _indexes(ranking, MAX_STATUS_READS)
    if ranking.asks_for_live:  # the order depends on them
        await details.read(statuses=statuses)
        ranking, statuses = ranking.on_air_first(details.live), []
    await details.read(statuses=statuses, destinations=_indexes(ranking, MAX_DESTINATION_READS))
    likely = ranking.likely(details.live)
    if unknown and likely and likely.closeness is not Closeness.ID:
        likely = None  # a better one may be among those that were not searched
    matches = {it.index: details.match(it) for it in ranking.matches[:MAX_MATCHES]}
    return SearchResult(
        query,
        tuple(matches.values()),
        total=len(ranking.matches),
        searched=len(found.items),
        likely=matches[likely.index] if likely else None,
        fits_all=ranking.fits_all,
        asks_for_live=ranking.asks_for_live,
        unknown=unknown,
    )


async def _rank(studios: Sequence[Studio], query: str) -> Ranking:
    """Rank studios. Many take seconds, in which a stop must not wait."""
    names = [(it.id, it.name) for it in studios]
    if len(names) <= MANY_STUDIOS:
        return rank_studios(names, query)
    return await anyio.to_thread.run_sync(rank_studios, names, query)


class _Details:
    """Facts about the first matches, by the index of the studio.

    Reads that fail, or do not end within `MAX_DETAIL_SECONDS`, are left out.
    """

    def __init__(self, client: Client, caller: Caller, studios: tuple[Studio, ...]) -> None:
        self._client = client
        self._caller = caller
        self._studios = studios
        self._limiter = anyio.CapacityLimiter(MAX_AT_A_TIME)
        self._ends = anyio.current_time() + MAX_DETAIL_SECONDS
        self._facts: defaultdict[int, Facts] = defaultdict(Facts)

    @property
    def live(self) -> dict[int, bool]:
        """Whether each studio is live, where that is known."""
        return {index: it.live for index, it in self._facts.items() if it.live is not None}

    def match(self, found: NameMatch) -> Match:
        """A match with what was read of it."""
        facts, platforms = self._facts[found.index], None
        # With more than a page of destinations, the platforms may not be all.
        if facts.destinations is not None and Fact.DESTINATIONS not in facts.partial:
            platforms = tuple(dict.fromkeys(it.platform for it in facts.enabled))
        return Match(self._studios[found.index], facts.live, platforms)

    async def read(self, *, statuses: Sequence[int], destinations: Sequence[int] = ()) -> None:
        """Read the statuses and destinations of these studios concurrently."""
        wanted = [(it, Fact.STATUS) for it in statuses]
        wanted += [(it, Fact.DESTINATIONS) for it in destinations]
        results = await read_concurrently([partial(self._read, *it) for it in wanted])
        for (index, _), found in zip(wanted, results, strict=True):
            if not isinstance(found, TraxError):
                self._facts[index] = self._facts[index].completed_by(found)

    async def _read(self, index: int, fact: Fact) -> Facts:
        studio_id = self._studios[index].id
        reader = FactReader(self._client, self._caller, studio_id, first_page=True)
        with anyio.CancelScope(deadline=self._ends):
            async with self._limiter:
                return await reader.read((fact,))
        return Facts()


def _indexes(ranking: Ranking, most: int) -> list[int]:
    return [it.index for it in ranking.matches[:most]]
