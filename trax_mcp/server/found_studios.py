"""Writes the answer of find_studio: the matches, and a sentence that says which one is meant."""

from typing import Final

import mcp_types as types

from trax_mcp.api.contract import JsonObject
from trax_mcp.server import results
from trax_mcp.studio import naming
from trax_mcp.studio.search import Match, SearchResult

MAX_OTHERS: Final = 3
"""The most matches that are named beside the likely one."""

_ASK_WHICH: Final = "before a change, ask the person which one is meant"
_ASK_WHETHER: Final = "before a change, ask the person whether it is meant"


def found_studios_result(query: str, found: SearchResult) -> types.CallToolResult:
    """The result of a search for `query`."""
    data: JsonObject = {"matches": [_match(it) for it in found.matches]}
    if found.likely:
        data["likely"] = found.likely.studio.id
    data["searched"] = found.searched
    sentences = [_sentence(query, found)]
    if found.total > len(found.matches):
        sentences.append(f"Only the first {len(found.matches)} are listed.")
    if found.unknown:
        data["unknown"] = [str(it) for it in found.unknown]
        sentences.append(f"Not searched: {naming.listed(data['unknown'])}.")
    return results.plain(data, " ".join(sentences))


def _match(match: Match) -> JsonObject:
    studio = match.studio
    shown = {"id": studio.id, "name": studio.name, "role": studio.role, "live": match.live}
    if match.platforms is None:
        return shown
    return {**shown, "destinations": list(match.platforms)}


def _sentence(query: str, found: SearchResult) -> str:
    if not found.matches:
        return _nothing_found(query, found)
    if found.names_none and found.asks_for_live:
        return _on_air_sentence(found)
    if found.likely:
        return _likely_sentence(found, found.likely)
    if found.total == 1:
        return f"{_name(found.matches[0])} matches: {_ASK_WHETHER}."
    if found.names_none:
        return f"{naming.quoted(query)} fits all {found.total:,} studios: {_ASK_WHICH}."
    return f"{found.total:,} studios match: {_ASK_WHICH}."


def _nothing_found(query: str, found: SearchResult) -> str:
    if found.unknown:
        return f"No studio that could be searched matches {naming.quoted(query)}."
    if not found.searched:
        return "There are no studios."
    return f"No studio matches {naming.quoted(query)}. list_studios shows all {found.searched:,}."


def _on_air_sentence(found: SearchResult) -> str:
    on_air = [it for it in found.matches if it.live]
    unread = found.total - sum(it.live is not None for it in found.matches)
    if found.likely:
        return f"{_name(found.likely)} is the only one on air."
    match len(on_air):
        case 0 if found.total == 1:
            sentence = f"{_name(found.matches[0])} is the only studio, and not on air."
        case 0:
            sentence = f"None of {found.total - unread:,} studios is on air."
        case 1:
            sentence = f"{_name(on_air[0])} is on air: {_ASK_WHETHER}."
        case several:
            sentence = f"{several} studios are on air: {_ASK_WHICH}."
    return f"{sentence} Whether {unread:,} more are was not read." if unread else sentence


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
