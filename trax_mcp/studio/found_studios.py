"""The studios that a search has found, as data for programs and in sentences. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from trax_mcp.api.argument_types import LONGEST_SHORT_TEXT
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.json_schema import FLAG, INTEGER, TEXT, described, list_of, object_of
from trax_mcp.api.models import Studio
from trax_mcp.api.text_safety import truncate
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Unknown

MAX_OTHERS: Final = 3
"""The most matches that are named beside the likely one."""
MAX_PLATFORMS: Final = 20
"""The most platforms of a match that are shown."""

_ASK_WHICH: Final = "before a change, ask the person which one is meant"
_ASK_WHETHER: Final = "before a change, ask the person whether it is meant"


@dataclass(frozen=True, slots=True)
class Match:
    """A studio that matches. `live` and `platforms` are None if they were not or cannot be read.

    `platforms` are those of the destinations that are switched on, each once.
    """

    studio: Studio
    live: bool | None = None
    platforms: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The first studios that match a query, best first; how many match and how many were searched.

    `likely` stands out. `fits_all`: the query has no word that tells studios apart.
    `asks_for_live`: it asks for a studio on air. `unknown` says which studios were not searched.
    """

    query: str
    matches: tuple[Match, ...]
    total: int
    searched: int
    likely: Match | None = None
    fits_all: bool = False
    asks_for_live: bool = False
    unknown: tuple[Unknown, ...] = ()


def found_studios_schema() -> JsonObject:
    """The schema of a search result."""
    match = object_of(
        id=TEXT,
        name=TEXT,
        role=TEXT,
        live=FLAG,
        destinations=described(list_of(TEXT), "Platforms switched on."),
    )
    return object_of(
        matches=list_of(match),
        likely=described(TEXT, "The id of the match that stands out."),
        searched=INTEGER,
        unknown=list_of(TEXT),
    )


def found_studios_data(found: SearchResult) -> JsonObject:
    """A search result as data."""
    return {
        "matches": [_match(it) for it in found.matches],
        **({"likely": found.likely.studio.id} if found.likely else {}),
        "searched": found.searched,
        **({"unknown": [str(it) for it in found.unknown]} if found.unknown else {}),
    }


def found_studios_sentences(found: SearchResult) -> Iterator[str]:
    """A search result in words: which studio is meant, and which are missing."""
    yield _sentence(found)
    if found.total > len(found.matches):
        yield f"Only the first {len(found.matches)} are listed."
    if found.unknown:
        yield f"Not searched: {naming.listed([str(it) for it in found.unknown])}."


def _match(match: Match) -> JsonObject:
    studio = match.studio
    shown = {
        "id": studio.id,
        "name": _short(studio.name),
        "role": _short(studio.role),
        "live": match.live,
    }
    if match.platforms is None:
        return shown
    return {**shown, "destinations": [_short(it) for it in match.platforms[:MAX_PLATFORMS]]}


def _short(text: str) -> str:
    return truncate(text, longest=LONGEST_SHORT_TEXT)


def _sentence(found: SearchResult) -> str:
    if not found.matches:
        return _nothing_found(found)
    if found.fits_all and found.asks_for_live:
        return _on_air_sentence(found)
    if found.likely:
        return _likely_sentence(found, found.likely)
    if found.total == 1:
        return f"{_name(found.matches[0])} matches: {_ASK_WHETHER}."
    if found.fits_all:
        return f"{naming.quoted(found.query)} fits all {found.total:,} studios: {_ASK_WHICH}."
    return f"{found.total:,} studios match: {_ASK_WHICH}."


def _nothing_found(found: SearchResult) -> str:
    if found.unknown:
        return f"No studio that could be searched matches {naming.quoted(found.query)}."
    if not found.searched:
        return "There are no studios."
    all_of_them = f"list_studios shows all {found.searched:,}."
    return f"No studio matches {naming.quoted(found.query)}. {all_of_them}"


def _on_air_sentence(found: SearchResult) -> str:
    on_air = [it for it in found.matches if it.live]
    unread = found.total - sum(it.live is not None for it in found.matches)
    if found.likely:
        return f"{_name(found.likely)} is the only one on air."
    if unread == found.total:
        which = _name(found.matches[0]) if unread == 1 else f"any of {unread:,} studios"
        return f"Whether {which} is on air could not be read."
    match len(on_air):
        case 0 if found.total == 1:
            sentence = f"{_name(found.matches[0])} is the only studio, and not on air."
        case 0:
            sentence = f"None of {found.total - unread:,} studios is on air."
        case 1:
            sentence = f"{_name(on_air[0])} is on air: {_ASK_WHETHER}."
        case several:
            sentence = f"{several} studios are on air: {_ASK_WHICH}."
    more = "1 more is" if unread == 1 else f"{unread:,} more are"
    return f"{sentence} Whether {more} was not read." if unread else sentence


def _likely_sentence(found: SearchResult, likely: Match) -> str:
    others = [_name(it) for it in found.matches if it is not likely]
    if not others:
        return f"One studio matches: {_name(likely)}."
    why = ", which is on air" if found.asks_for_live and likely.live else ""
    named = others[:MAX_OTHERS]
    if more := found.total - 1 - len(named):
        named.append(f"{more:,} more")
    verb = "match" if len(named) > 1 else "matches"
    return f"The likely one is {_name(likely)}{why}. {naming.listed(named)} {verb} too."


def _name(match: Match) -> str:
    return naming.quoted(match.studio.name)
