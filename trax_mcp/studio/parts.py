"""The destinations and sources of a studio, as answers show them. Pure."""

from typing import Final

from pydantic import Field

from trax_mcp.studio.answers import Answer, ShortId, ShortText
from trax_mcp.studio.facts import Facts

MAX_SHOWN: Final = 20
"""The most destinations of a studio that are shown, and the same for sources."""

_TRAX_STATUS: Final = Field(None, description="TRaX's own word, which it does not document.")


class ShownDestination(Answer):
    """A destination."""

    id: ShortId
    name: ShortText
    platform: ShortText
    enabled: bool = Field(description="Switched on. Nothing tells whether it is on air.")
    status: ShortText | None = _TRAX_STATUS


class ShownSource(Answer):
    """A source."""

    id: ShortId
    name: ShortText
    type: ShortText
    active: bool = Field(description="It can be on screen. Nothing tells whether it is.")
    status: ShortText | None = _TRAX_STATUS


def shown_destinations(facts: Facts) -> list[ShownDestination] | None:
    """At most 20, first those that are switched on. None if they are unknown."""
    if facts.destinations.value is None:
        return None
    items = sorted(facts.destinations.value, key=lambda it: not it.enabled)
    return [ShownDestination.model_validate(it) for it in items[:MAX_SHOWN]]


def shown_sources(facts: Facts) -> list[ShownSource] | None:
    """At most 20, first those that are active. None if they are unknown."""
    if facts.sources.value is None:
        return None
    items = sorted(facts.sources.value, key=lambda it: not it.active)
    return [ShownSource.model_validate(it) for it in items[:MAX_SHOWN]]
