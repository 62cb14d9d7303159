"""find_studio: the studios that a person may mean, and what tells them apart."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import anyio
from pydantic import Field

from trax_mcp.api.arguments import Query
from trax_mcp.api.caller import redact
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.operation import Effect
from trax_mcp.api.reads import GetStreamStatus, GetStudio, ListStudios
from trax_mcp.studio import naming, times
from trax_mcp.studio.composite_tools import CompositeTool, ToolUse
from trax_mcp.studio.facts import NOT_TOLD, Facts
from trax_mcp.studio.names import ALL_LISTED, Fit, NameMatch, likely_match, match_names
from trax_mcp.studio.outputs import Output, ShortText, StudioTool, Words
from trax_mcp.studio.readiness import Readiness, judge_readiness
from trax_mcp.studio.reading import read_all_pages
from trax_mcp.tools.overview import (
    MAX_READ,
    Problem,
    ShownDestination,
    ShownSource,
    StudioReader,
    counted,
    shown_destinations,
    shown_problems,
    shown_sources,
    worst_problems,
)

MAX_PLATFORMS: Final = 20
MANY_STUDIOS: Final = 200
"""The names of more than these are compared in a thread of their own."""
MAX_NAMED: Final = 3
"""The most matches that are named after the likely one, and the most on air that are told of."""

_ASK_WHICH: Final = "Before a change, ask the user which one they mean."
_ASK_WHETHER: Final = "Before a change, ask the user if this is the one."
_IF_ON_AIR: Final = (
    "If the user means the show that's on air, it's the one that's `live`. Otherwise ask which one"
    " they mean before a change."
)


class Match(Output):
    """A studio. `live` is null if it is not known, `destinations` are left out."""

    id: str
    name: ShortText
    role: ShortText | None = None
    live: bool | None = Field(description="null if not known.")
    since: ShortText | None = None
    destinations: list[ShortText] | None = Field(
        None, description="Platforms that are on. TRaX doesn't say if one is on air."
    )


class StudioDetails(Output):
    """What is in a studio, and its problems. What could not be read is left out, or unknown."""

    destinations: list[ShownDestination] | None = None
    sources: list[ShownSource] | None = None
    problems: list[Problem] | None = None
    unknown: list[str] | None = None


class FoundStudios(Output):
    """Up to 20 studios, those whose name or id fits first."""

    matches: list[Match]
    likely: str | None = Field(None, description="The id of the match that stands out.")
    details: StudioDetails | None = Field(
        None, description="What's in the likely one, and its problems."
    )
    searched: int
    unknown: list[str] | None = None


class FindStudio(
    StudioTool,
    CompositeTool,
    endpoint="GET /v1/studios",
    effect=Effect.READ,
    hint=(
        "Find studios by what the user says: a name, words of it, or an id. Start here. Up to 20"
        " studios are all listed, the best matches first, each with `live`. `likely` is the id of"
        " the one probably meant, and `details` what's in it, with its problems. Without it, ask"
        " the user before a change."
    ),
):
    """Searches the studios of a caller."""

    output = FoundStudios
    query: Query = Field(description="What the user calls it, or the id.")

    async def run(self, use: ToolUse) -> tuple[JsonObject, Words]:
        """Search the studios of the caller."""
        query = redact(self.query, use.caller.key)
        listed = await read_all_pages(use.client, ListStudios(), use.caller)
        studios = listed.value or ()
        fitting = await _match_names([(it.id, it.name) for it in studios], query)
        by_name = [studios[it.index] for it in fitting if it.fit]
        likely = likely_match(fitting)
        if likely and listed.missing and likely.fit < Fit.ID:
            likely = None  # a better one may be among those that were not searched
        reader = StudioReader(use.client, use.caller)
        read = await reader.read_studios([studios[it.index] for it in fitting], named=len(by_name))
        likely_id = studios[likely.index].id if likely else None
        facts = next((facts for studio_id, facts in read if studio_id == likely_id), None)
        readiness = judge_readiness(facts, now=use.clock.now()) if facts else None
        found = FoundStudios(
            matches=[_match(*it) for it in read],
            likely=likely_id if facts else None,
            details=_details(facts, readiness) if facts and readiness else None,
            searched=len(studios),
            unknown=[str(it) for it in listed.unknown(ListStudios)] or None,
        )
        if not found.matches:
            return found.data(), _nothing_found(found, naming.quoted(query))
        named = {it.id for it in by_name}
        told = [it for it in read if it[0] == found.likely or (not found.likely and it[0] in named)]
        sentences = (
            _which(
                found, [it.name for it in by_name], naming.quoted(query), [it[1] for it in read]
            ),
            *_on_air([facts for _, facts in told or read], use.clock.now()),
            f"Only the first {MAX_READ} are listed." if len(fitting) > MAX_READ else "",
            _not_searched(found.unknown or ()),
            _why_not_told([facts for _, facts in told or read]),
        )
        return found.data(), Words(
            " ".join(filter(None, sentences)),
            tuple(worst_problems(readiness)) if readiness else (),
            "" if found.likely else _what_to_ask(found, len(by_name)),
        )


async def _match_names(studios: Sequence[tuple[str, str]], query: str) -> list[NameMatch]:
    """Many take most of a second, in which a stop must not wait."""
    if len(studios) <= MANY_STUDIOS:
        return match_names(studios, query)
    return await anyio.to_thread.run_sync(match_names, studios, query)


def _match(studio_id: str, facts: Facts) -> Match:
    """A studio with what was read of it."""
    studio, platforms = facts[GetStudio].value, _platforms(facts)
    return Match(
        id=studio_id,
        name=studio.name if studio else studio_id,
        role=studio.role if studio else None,
        live=facts.live,
        since=facts.since or None,
        destinations=platforms,
    )


def _platforms(facts: Facts) -> list[str] | None:
    """The platforms that are switched on. None if they may not be all, as of a long list."""
    if not facts.all_reach_is_known:
        return None
    return [*dict.fromkeys(it.platform for it in facts.enabled if it.platform)][:MAX_PLATFORMS]


def _details(facts: Facts, readiness: Readiness) -> StudioDetails:
    return StudioDetails(
        destinations=shown_destinations(facts),
        sources=shown_sources(facts),
        problems=shown_problems(readiness) or None,
        unknown=[*readiness.unknown] or None,
    )


def _which(found: FoundStudios, named: Sequence[str], query: str, read: Sequence[Facts]) -> str:
    """Which studio is meant, and which other ones fit."""
    if found.likely:
        name = next(it.name for it in found.matches if it.id == found.likely)
        others = named[1:]
        too = f" {_names(others)} {_match_verb(others)} too." if others else ""
        return f"The likely one is {naming.quoted(name)}.{too}"
    if named:
        return f"{_names(named)} {_match_verb(named)}."
    if found.searched > ALL_LISTED:
        similar = "1 is similar" if len(read) == 1 else f"{len(read)} are similar"
        return f"No name matches {query}, but {similar}."
    return f"No name matches {query}. {counted(read)}"


def _names(names: Sequence[str]) -> str:
    quoted = [naming.quoted(it) for it in names[:MAX_NAMED]]
    if more := len(names) - len(quoted):
        quoted.append(f"{more:,} more")
    return naming.listed(quoted)


def _match_verb(names: Sequence[str]) -> str:
    return "matches" if len(names) == 1 else "match"


def _on_air(told: Sequence[Facts], now: datetime) -> Iterator[str]:
    """For how long the first of these are on air."""
    for facts in [it for it in told if it.live][:MAX_NAMED]:
        platforms = naming.platforms(_platforms(facts) or ())
        places = f", with {platforms} on" if platforms else ""
        yield f"{naming.studio(facts[GetStudio].value)} {times.on_air(facts.since, now)}{places}."


def _why_not_told(told: Sequence[Facts]) -> str:
    """That TRaX didn't say whether studios are on air, and the first reason."""
    statuses = [it[GetStreamStatus] for it in told]
    why = [it.missing or NOT_TOLD for it in statuses if it.value is None]
    if not why:
        return ""
    of_them = f"{len(why)} of them {'is' if len(why) == 1 else 'are'}"
    which = "it's" if len(told) == 1 else of_them
    return f"It's unclear whether {which} on air: {why[0]}."


def _what_to_ask(found: FoundStudios, named: int) -> str:
    """What to ask where no studio stands out."""
    if not named and [it.live for it in found.matches].count(True) == 1:
        return _IF_ON_AIR
    return _ASK_WHETHER if (named or len(found.matches)) == 1 else _ASK_WHICH


def _nothing_found(found: FoundStudios, query: str) -> Words:
    """That none matches, and where to look further."""
    if found.unknown:
        not_searched = _not_searched(found.unknown)
        return Words(f"No studio that could be searched matches {query}. {not_searched}")
    if not found.searched:
        return Words("There are no studios.")
    return Words(
        f"None of {found.searched:,} studios matches {query}.",
        message=(
            "Try the name in its own language, or list them all with list_studios. check_studio"
            " shows which of the last opened ones are on air."
        ),
    )


def _not_searched(unknown: Sequence[str]) -> str:
    return f"Not searched: {naming.listed(unknown)}." if unknown else ""
