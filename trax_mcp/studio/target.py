"""The thing that an operation would change, as far as the facts name it.

Pure. A thing that is not in the list where it would be is the ordinary "not found".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from trax_mcp.api.error_texts import not_listed
from trax_mcp.api.models import Connection, Destination, Model, Source
from trax_mcp.api.operation import Operation
from trax_mcp.api.operations import (
    DeleteDestination,
    DeleteSource,
    UnlinkConnection,
    UpdateDestination,
    UpdateSource,
)
from trax_mcp.studio.facts import Facts

ItemT = TypeVar("ItemT", Connection, Destination, Source)


@dataclass(frozen=True, slots=True)
class Target:
    """A studio, destination, source or connection; its name and platform where they are known."""

    id: str
    name: str | None = None
    platform: str | None = None


def find_target(operation: Operation[Model], facts: Facts) -> Target:
    """Say what an operation is about.

    Raises:
        NotSent: its list could be read, and it is not there.
    """
    unnamed = Target(operation.target())
    match operation:
        case DeleteDestination() | UpdateDestination():
            place = _find(operation, facts.destinations, "destination", "list_destinations")
            return Target(operation.dest_id, place.name, place.platform) if place else unnamed
        case DeleteSource() | UpdateSource():
            source = _find(operation, facts.sources, "source", "list_sources")
            return Target(operation.source_id, source.name) if source else unnamed
        case UnlinkConnection():
            account = _find(operation, facts.connections, "connection", "list_connections")
            return (
                Target(account.id, account.display_name, account.platform) if account else unnamed
            )
        case _:
            return Target(operation.target(), facts.studio.name) if facts.studio else unnamed


def _find(
    operation: Operation[Model], items: Iterable[ItemT] | None, what: str, listed_by: str
) -> ItemT | None:
    if items is None:
        return None
    for item in items:
        if item.id == operation.target():
            return item
    raise not_listed(operation, what=what, listed_by=listed_by)
