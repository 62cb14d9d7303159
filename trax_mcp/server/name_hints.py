"""Tells a model that gave a name where a tool takes an id. Pure.

TRaX documents no form of an id, so only after it has found nothing, and only as a guess.
"""

from collections.abc import Container, Mapping
from dataclasses import replace
from typing import Final

from trax_mcp.api.errors import TraxError

_LOOK_UP: Final = {
    "studioId": "find_studio",
    "destId": "list_destinations",
    "sourceId": "list_sources",
    "connectionId": "list_connections",
}
"""Argument -> the tool that shows the id of a name."""


def add_name_hint(
    error: TraxError, arguments: Mapping[str, object], *, offered: Container[str]
) -> TraxError:
    """Add a sentence for each id that TRaX does not know and that looks like a name."""
    if error.code != "not_found":
        return error
    hints = [
        f" `{argument}` looks like a name: look up its id with {tool}."
        for argument, tool in _LOOK_UP.items()
        if tool in offered and _looks_like_name(arguments.get(argument))
    ]
    return replace(error, next_step="".join((error.next_step, *hints)))


def _looks_like_name(value: object) -> bool:
    """Whether it has a blank, or no digit. TRaX's example of an id is `studio_42`."""
    if not isinstance(value, str):
        return False
    return any(map(str.isspace, value.strip())) or not any(map(str.isdigit, value))
