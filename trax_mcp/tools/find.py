"""find_studio: the studios that a person may mean, and what tells them apart."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import anyio
from pydantic import Field

from trax_mcp.api.arguments import Query
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Studio
from trax_mcp.api.operation import Effect
from trax_mcp.api.operations import ListStudios
from trax_mcp.clock import Clock
from trax_mcp.studio import naming, times
from trax_mcp.studio.answers import Answer, ShortText, StudioTool, Words
from trax_mcp.studio.facts import Fact, Facts, Read
from trax_mcp.studio.names import NameMatch, Ranking, rank_studios
from trax_mcp.studio.readiness import READINESS_FACTS, Readiness, judge_readiness
from trax_mcp.studio.reading import MAX_AT_A_TIME, Budget, FactReader, read_all_pages
from trax_mcp.tools.overview import (
    Problem,
    ShownDestination,
    ShownSource,
    shown_destinations,
    shown_problems,
    shown_sources,
    worst_problems,
)

MAX_MATCHES: Final = 20
MAX_STATUS_READS: Final = 10
"""The number of first matches whose stream status is read."""
MAX_DESTINATION_READS: Final = 5
"""The number of first matches whose destinations are read."""
MAX_PLATFORMS: Final = 20
MANY_STUDIOS: Final = 200
"""More than these are ranked in a thread of their own."""
MAX_DETAIL_SECONDS: Final = 15.0
"""How long all these reads may take. Many clients cancel a call after a minute."""
MAX_OTHERS: Final = 3
"""The most matches that are named beside the likely one, and the most on air that are told of."""
MAX_NAMED: Final = 10
"""The most studios that are all named where none matches."""

_OF_LIKELY: Final = tuple(it for it in READINESS_FACTS if it is not Fact.STUDIO)
"""What is read of the likely studio: all that a go-live depends on."""
_TOO_SLOW: Final = "TRaX was too slow"
_ASK_WHICH: Final = "Before a change, ask the user which one is meant."
_ASK_WHETHER: Final = "Before a change, ask the user whether it is meant."


class Match(Answer):
    """A studio that matches. `live` is null if it is not known, `destinations` are left out."""

    id: str
    name: ShortText
    role: ShortText | None = None
    live: bool | None = Field(description="null if it is not known.")
    since: ShortText | None = None
    destinations: list[ShortText] | None = Field(
        None, description="Platforms switched on. Nothing tells whether one is on air."
    )


class StudioDetails(Answer):
    """What is in a studio, and its problems. What could not be read is left out, or unknown."""

    destinations: list[ShownDestination] | None = None
    sources: list[ShownSource] | None = None
    problems: list[Problem] | None = None
    unknown: list[str] | None = None


class FoundStudios(Answer):
    """The first studios that match, best first."""

    matches: list[Match]
    likely: str | None = Field(None, description="The id of the match that stands out.")
    details: StudioDetails | None = Field(
        None, description="What is in the likely one, and its problems."
    )
    searched: int
    unknown: list[str] | None = None


class FindStudio(
    StudioTool,
    call="GET /v1/studios",
    effect=Effect.READ,
    hint=(
        "Find studios by what a person says, best match first: words of the name in any order,"
        ' typos, an id, or "live". Start here. `likely` is the id of the one probably meant, and'
        " `details` what is in it, with its problems; without it, ask the person before a change."
    ),
):
    """Searches the studios of a caller."""

    answer = FoundStudios
    query: Query = Field(description="What the person calls it, or the id.")


async def find_studios(
    client: Client, query: str, caller: Caller, *, clock: Clock
) -> tuple[FoundStudios, Words]:
    """Search the studios of a caller. Returns the answer, and what it means in words.

    Raises:
        TraxError: they could not be read.
    """
    listed = await read_all_pages(client, ListStudios(), caller)
    studios = listed.value or ()
    ranking = await _rank([(it.id, it.name) for it in studios], query)
    details = _Details(client, caller, studios)
    with anyio.move_on_after(MAX_DETAIL_SECONDS):
        wanted = [(Fact.STATUS, it) for it in ranking.matches[:MAX_STATUS_READS]]
        if ranking.is_by_air:
            await details.read(wanted)
            wanted = []
        matches = ranking.on_air_first(details.live)
        wanted += [(Fact.DESTINATIONS, it) for it in matches[:MAX_DESTINATION_READS]]
        if likely := ranking.likely(details.live):
            wanted += [(it, likely) for it in _OF_LIKELY]
        await details.read(wanted)
        if likely := ranking.likely(details.live):
            await details.read([(it, likely) for it in _OF_LIKELY])
    matches = ranking.on_air_first(details.live)
    likely = ranking.likely(details.live)
    if listed.missing and likely and not likely.is_by_id:
        likely = None  # a better one may be among those that were not searched
    now = clock.now()
    found = FoundStudios(
        matches=[details.match(it) for it in matches[:MAX_MATCHES]],
        likely=studios[likely.index].id if likely else None,
        details=details.of(likely, details.readiness(likely, now)) if likely else None,
        searched=len(studios),
        unknown=[str(it) for it in listed.unknown(Fact.STUDIOS)] or None,
    )
    if not found.matches:
        return found, _nothing_found(found, studios, naming.quoted(query))
    summary = " ".join(_sentences(found, ranking, query, now))
    problems = worst_problems(details.readiness(likely, now)) if likely else ()
    asked = [likely] if likely else ranking.matches[:MAX_STATUS_READS]
    untold = _not_told(details.why_not_told(asked), of=len(asked), ranking=ranking)
    return found, Words(
        " ".join(filter(None, (summary, untold))),
        tuple(problems),
        "" if found.likely else _ask(found, ranking),
    )


async def _rank(names: Sequence[tuple[str, str]], query: str) -> Ranking:
    """Rank studios. Many take seconds, in which a stop must not wait."""
    if len(names) <= MANY_STUDIOS:
        return rank_studios(names, query)
    return await anyio.to_thread.run_sync(rank_studios, names, query)


class _Details:
    """The status and destinations of the first matches, as far as they can be read in time."""

    def __init__(self, client: Client, caller: Caller, studios: Sequence[Studio]) -> None:
        self._studios = studios
        self._reader = FactReader(
            client, caller, first_page=True, tolerant=True, budget=Budget(MAX_AT_A_TIME)
        )
        self._facts: defaultdict[int, Facts] = defaultdict(Facts)

    @property
    def live(self) -> dict[int, bool]:
        """Whether each studio is live, by index, where that is known."""
        return {index: it.live for index, it in self._facts.items() if it.live is not None}

    async def read(self, wanted: Sequence[tuple[Fact, NameMatch]]) -> None:
        """Read facts about matches."""
        async with anyio.create_task_group() as tasks:
            for fact, match in wanted:
                tasks.start_soon(self._read, fact, match.index)

    async def _read(self, fact: Fact, index: int) -> None:
        if self._facts[index].of(fact) != Read():
            return
        reader = replace(self._reader, studio_id=self._studios[index].id)
        try:
            found = await reader.read((fact,), self._facts[index])
        except TraxError as error:
            changes: dict[str, Any] = {fact: Read(missing=error.happened)}
            found = Facts()._replace(**changes)
        self._facts[index] = self._facts[index].completed_by(found)

    def of(self, found: NameMatch, readiness: Readiness) -> StudioDetails:
        """What is in a match, and its problems."""
        facts = self._facts[found.index]
        return StudioDetails(
            destinations=shown_destinations(facts),
            sources=shown_sources(facts),
            problems=shown_problems(readiness) or None,
            unknown=[*readiness.unknown] or None,
        )

    def readiness(self, found: NameMatch, now: datetime) -> Readiness:
        """The problems of a match, and what is not known of it."""
        facts = self._facts[found.index]
        unread = [it for it in _OF_LIKELY if facts.of(it) == Read()]
        changes: dict[str, Any] = dict.fromkeys(unread, Read[Any](missing=_TOO_SLOW))
        return judge_readiness(facts._replace(**changes), now=now)

    def why_not_told(self, matches: Sequence[NameMatch]) -> list[str]:
        """For each of these of which TRaX did not tell whether it is on air: why."""
        reads = [self._facts[it.index].status for it in matches]
        return [it.missing or _TOO_SLOW for it in reads if it.value is None]

    def match(self, found: NameMatch) -> Match:
        """A match with what was read of it."""
        studio, facts = self._studios[found.index], self._facts[found.index]
        # With more than a page of destinations, the platforms may not be all.
        enabled = facts.enabled if facts.all_reach_is_known else None
        platforms = enabled and dict.fromkeys(it.platform for it in enabled if it.platform)
        return Match(
            id=studio.id,
            name=studio.name,
            role=studio.role,
            live=facts.live,
            since=facts.since or None,
            destinations=None if platforms is None else [*platforms][:MAX_PLATFORMS],
        )


def _sentences(found: FoundStudios, ranking: Ranking, query: str, now: datetime) -> Iterator[str]:
    """Which studio is meant, which are on air, and which are missing."""
    yield _sentence(found, ranking, naming.quoted(query))
    yield from _on_air_for(found, ranking, now)
    if len(ranking.matches) > len(found.matches):
        yield f"Only the first {len(found.matches)} are listed."
    if found.unknown:
        yield _not_searched(found.unknown)


def _ask(found: FoundStudios, ranking: Ranking) -> str:
    """What to ask where no studio stands out. Nothing where none is on air."""
    on_air = sum(it.live is True for it in found.matches)
    count = on_air if ranking.is_by_air else len(ranking.matches)
    if not count:
        return ""
    return _ASK_WHETHER if count == 1 else _ASK_WHICH


def _sentence(found: FoundStudios, ranking: Ranking, query: str) -> str:
    total = len(ranking.matches)
    if ranking.is_by_air:
        return _on_air_sentence(found, total)
    if found.likely:
        return _likely_sentence(found, ranking)
    if total == 1:
        return f"{naming.quoted(found.matches[0].name)} matches."
    if ranking.is_generic:
        return f"{query} fits all {total:,} studios."
    return f"{total:,} studios match."


def _on_air_for(found: FoundStudios, ranking: Ranking, now: datetime) -> Iterator[str]:
    """For how long the one that is meant is on air; of a search for those on air, the first."""
    is_told = ranking.is_by_air or len(found.matches) == 1
    told = [it for it in found.matches if it.live and (is_told or it.id == found.likely)]
    for it in told[:MAX_OTHERS]:
        platforms = naming.platforms(it.destinations or ())
        places = f"; switched on: {platforms}" if platforms else ""
        yield f"{naming.quoted(it.name)} {times.on_air(it.since, now)}{places}."


def _nothing_found(found: FoundStudios, studios: Sequence[Studio], query: str) -> Words:
    """That none matches, and which there are."""
    if found.unknown:
        not_searched = _not_searched(found.unknown)
        return Words(f"No studio that could be searched matches {query}. {not_searched}")
    if not found.searched:
        return Words("There are no studios.")
    if found.searched > MAX_NAMED:
        return Words(
            f"None of {found.searched:,} studios matches {query}.",
            message="Try the name in its own language, or look through all with list_studios.",
        )
    names = [f"{naming.quoted(it.name)} ({naming.word(it.id)})" for it in studios]
    there_are = "There is 1" if len(names) == 1 else f"There are {len(names)}"
    return Words(
        f"No studio matches {query}. {there_are}: {naming.listed(names)}.",
        message="A name may be in another language there.",
    )


def _not_searched(unknown: Sequence[str]) -> str:
    return f"Not searched: {naming.listed(unknown)}."


def _not_told(why: Sequence[str], *, of: int, ranking: Ranking) -> str:
    """That TRaX did not tell whether studios are on air, and the first reason."""
    if not why:
        return ""
    if ranking.is_by_air:  # which says so
        return f"{why[0]}."
    which = "it is" if of == 1 else f"{len(why)} of them {'is' if len(why) == 1 else 'are'}"
    return f"Whether {which} on air is not known: {why[0]}."


def _on_air_sentence(found: FoundStudios, total: int) -> str:
    first = naming.quoted(found.matches[0].name)
    on_air = sum(it.live is True for it in found.matches)
    unread = total - sum(it.live is not None for it in found.matches)
    if found.likely:
        return f"{first} is the only one on air."
    if unread == total:
        which = first if unread == 1 else f"any of {unread:,} studios"
        return f"Whether {which} is on air could not be read."
    if on_air > 1:
        sentence = f"{on_air} studios are on air."
    elif on_air:
        sentence = f"{first} is on air."
    elif total == 1:
        sentence = f"{first} is the only studio, and not on air."
    else:
        sentence = f"None of {total - unread:,} studios is on air."
    more = "1 more is" if unread == 1 else f"{unread:,} more are"
    return f"{sentence} Whether {more} was not read." if unread else sentence


def _likely_sentence(found: FoundStudios, ranking: Ranking) -> str:
    likely = next(it for it in found.matches if it.id == found.likely)
    name = naming.quoted(likely.name)
    others = [naming.quoted(it.name) for it in found.matches if it is not likely][:MAX_OTHERS]
    if not others:
        return f"One studio matches: {name}."
    if more := len(ranking.matches) - 1 - len(others):
        others.append(f"{more:,} more")
    verb = "match" if len(others) > 1 else "matches"
    return f"The likely one is {name}. {naming.listed(others)} {verb} too."
