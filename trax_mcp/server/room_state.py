"""What the control room shows of a studio, as JSON. Pure.

All that people write is one line with nothing hidden in it. A duration is nowhere: the same state
is the same JSON at any time, and at any replica.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import TraxError
from trax_mcp.api.reads import GetStudio
from trax_mcp.api.text_safety import visible
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Facts
from trax_mcp.studio.readiness import Finding, Readiness, judge_readiness
from trax_mcp.tools.check import broadcast
from trax_mcp.tools.overview import (
    ShownDestination,
    ShownSource,
    shown_destinations,
    shown_sources,
)

_LONGEST_TEXT: Final = 500
_LONGEST_NAME: Final = 80
_MOST_PROBLEMS: Final = 3
_END_ALL: Final = frozenset({"invalid_key", "no_key", "not_found"})
"""Failures of the key or of the studio: whichever read has met one, the room ends."""
_NO_STUDIO: Final = (
    "TRaX doesn't find this studio any more, or your API key's account can't see it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a studio, and of the last polls.

    `can` says which buttons the caller has.
    """

    facts: Facts
    now: datetime
    can: Mapping[str, bool]
    has_chat: bool = True
    practice: bool = False
    status_error: TraxError | None = None
    setup_error: TraxError | None = None
    chat_error: TraxError | None = None

    @property
    def ending(self) -> TraxError | None:
        """Why the room has ended, if it has."""
        errors = (self.setup_error, self.status_error, self.chat_error)
        return next((it for it in errors if it and it.code in _END_ALL), None)

    @property
    def readiness(self) -> Readiness:
        """What is wrong."""
        return judge_readiness(self.facts, now=self.now)


def state_of(seen: Known) -> JsonObject:
    """The state of the room."""
    facts, readiness = seen.facts, seen.readiness
    studio = facts[GetStudio].value
    trouble = seen.ending or seen.status_error or seen.setup_error
    is_gone = seen.ending is not None and seen.ending.code == "not_found"
    told = _NO_STUDIO if is_gone else trouble and trouble.summary
    chat_trouble = seen.chat_error and seen.chat_error.summary
    destinations, sources = shown_destinations(facts), shown_sources(facts)
    return {
        "name": visible(studio.name, longest=_LONGEST_NAME) if studio else None,
        "practice": seen.practice,
        "live": facts.live,
        "since": facts.since,
        "starting": facts.is_starting,
        "ready": readiness.ready,
        "destinations": destinations
        and [
            {"id": it.id, **_shown(it.name, platform=it.platform), "enabled": it.enabled}
            for it in sorted(destinations, key=_by_name)
        ],
        "sources": sources
        and [
            {"id": it.id, **_shown(it.name, type=it.type), "active": it.active}
            for it in sorted(sources, key=_by_name)
        ],
        "problems": [_problem(it) for it in readiness.problems],
        "unknown": [str(it) for it in facts.unknown],
        "can": dict(seen.can),
        "hasChat": seen.has_chat,
        "chatTrouble": None if chat_trouble == (trouble and trouble.summary) else chat_trouble,
        "trouble": told,
        "stale": seen.status_error is not None or seen.ending is not None,
        "ended": seen.ending is not None,
    }


def version_of(state: JsonObject, tickets: Collection[str]) -> str:
    """What tells this state and these open questions from others."""
    text = json.dumps([state, *tickets], sort_keys=True)
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=9).hexdigest()


def summary(seen: Known) -> str:
    """The state in a few words, for the model."""
    facts = seen.facts
    name = naming.studio(facts[GetStudio].value)
    enabled = naming.platforms(it.platform for it in facts.enabled)
    is_on = f", with {enabled} on" if enabled else ""
    said = f"{broadcast(name, facts, seen.now, for_how_long=False)}{is_on}."
    problems = [(it.lasting or it.what).text for it in seen.readiness.problems[:_MOST_PROBLEMS]]
    return " ".join((f"{said[:1].upper()}{said[1:]}", *problems))


def message_of(message: JsonObject, own: Collection[str]) -> JsonObject:
    """A message of the chat."""

    def text(name: str, longest: int) -> str:
        value = message.get(name)
        return visible(value, longest=longest) if isinstance(value, str) else ""

    return {
        "platform": text("platform", _LONGEST_NAME),
        "author": text("authorDisplayName", _LONGEST_NAME),
        "text": text("text", _LONGEST_TEXT),
        "at": text("timestamp", _LONGEST_NAME),
        **({"own": True} if (message.get("id") or message.get("text")) in own else {}),
    }


def _by_name(it: ShownDestination | ShownSource) -> tuple[str, str]:
    """An order that no switch changes: rows stay where they are."""
    return it.name, it.id


def _shown(name: str, **words: str | None) -> JsonObject:
    shown = {key: it and visible(it, longest=_LONGEST_NAME) for key, it in words.items()}
    return {"name": visible(name, longest=_LONGEST_NAME), **shown}


def _problem(it: Finding) -> JsonObject:
    shown = {"what": (it.lasting or it.what).text, "remedy": it.remedy_here or it.remedy}
    return {**shown, "at": it.at} if it.at else shown
