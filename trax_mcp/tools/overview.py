"""The destinations and sources of a studio, as answers show them. Pure."""

from typing import Final

from pydantic import Field

from trax_mcp.studio.answers import Answer, ShortId, ShortText
from trax_mcp.studio.facts import Facts
from trax_mcp.studio.readiness import Readiness

MAX_SHOWN: Final = 20
"""The most destinations of a studio that are shown, and the same for sources."""

_ORDER: Final = {True: 0, None: 1, False: 2}
_TRAX_STATUS: Final = Field(None, description="TRaX's own word, which it does not document.")


class ShownDestination(Answer):
    """A destination."""

    id: ShortId
    name: ShortText
    platform: ShortText | None = None
    enabled: bool | None = Field(
        description="Switched on. null if it is not known. Nothing tells whether it is on air."
    )
    status: ShortText | None = _TRAX_STATUS


class ShownSource(Answer):
    """A source."""

    id: ShortId
    name: ShortText
    type: ShortText | None = None
    active: bool | None = Field(
        description="It can be on screen. null if it is not known. Nothing tells whether it is."
    )
    status: ShortText | None = _TRAX_STATUS


class Problem(Answer):
    """A problem, and what to do about it."""

    what: str
    remedy: str
    blocks: bool = Field(description="It prevents a go-live.")


def shown_problems(readiness: Readiness) -> list[Problem]:
    """All problems, the most important one first."""
    return [
        Problem(what=it.what.text, remedy=it.remedy, blocks=it.blocks) for it in readiness.problems
    ]


def worst_problems(readiness: Readiness) -> list[str]:
    """Those that prevent a go-live, or else the first one, in words."""
    blocking = [it for it in readiness.problems if it.blocks]
    return [it.what.text for it in blocking or readiness.problems[:1]]


def shown_destinations(facts: Facts) -> list[ShownDestination] | None:
    """At most 20, first those that are, or may be, switched on. None if they are unknown."""
    if facts.destinations.value is None:
        return None
    items = sorted(facts.destinations.value, key=lambda it: _ORDER[it.enabled])
    return [ShownDestination.model_validate(it) for it in items[:MAX_SHOWN]]


def shown_sources(facts: Facts) -> list[ShownSource] | None:
    """At most 20, first those that are, or may be, active. None if they are unknown."""
    if facts.sources.value is None:
        return None
    items = sorted(facts.sources.value, key=lambda it: _ORDER[it.active])
    return [ShownSource.model_validate(it) for it in items[:MAX_SHOWN]]
