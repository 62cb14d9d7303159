"""Contract documents with one thing changed, and what is found when they are compared.

A place in a document is its names with spaces between them. Nothing here knows how two documents
are compared.
"""

from __future__ import annotations

import copy
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

from trax_mcp.api.contract import CONTRACT
from trax_mcp.api.drift import Difference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trax_mcp.api.differences import Kind

    Edit = Callable[[dict[str, Any]], object]

BAKED: Final = CONTRACT.document
SCHEMAS: Final = "components schemas"
STUDIO: Final = "components schemas Studio properties"
NEW: Final = "components schemas CreateStudioRequest properties"
RENAME: Final = "components schemas UpdateStudioRequest properties name"
MEDIA: Final = "paths /v1/media get"
CREATE: Final = "paths /v1/studios post"


def at(document: object, place: str) -> Any:  # noqa: ANN401  a document may hold anything
    """What stands at a place."""
    return reduce(_within, place.split(), document)


def put(place: str, value: object) -> Edit:
    """Set what stands at a place."""
    owner, _, name = place.rpartition(" ")

    def edit(document: dict[str, Any]) -> None:
        it = at(document, owner)
        it[_key(it, name)] = copy.deepcopy(value)

    return edit


def cut(place: str) -> Edit:
    """Take away what stands at a place."""
    owner, _, name = place.rpartition(" ")

    def edit(document: dict[str, Any]) -> None:
        it = at(document, owner)
        del it[_key(it, name)]

    return edit


def edited(*edits: Edit) -> dict[str, Any]:
    """The baked document with these edits."""
    document = copy.deepcopy(BAKED)
    for edit in edits:
        edit(document)
    return document


def places(node: object, place: str = "") -> Iterator[str]:
    """Every place in a document but its root."""
    parts = list(enumerate(node)) if isinstance(node, list) else []
    for name, part in node.items() if isinstance(node, dict) else parts:
        yield f"{place} {name}".strip()
        yield from places(part, f"{place} {name}".strip())


def fine(kind: Kind, where: str, what: str) -> Difference:
    """A difference that breaks nobody."""
    return Difference(kind, where, what, breaking=False)


def broken(kind: Kind, where: str, what: str) -> Difference:
    """A difference that may break a caller."""
    return Difference(kind, where, what, breaking=True)


def reference(name: str) -> dict[str, str]:
    """A reference to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def parameter(name: str, **others: object) -> dict[str, object]:
    """A query parameter that is text."""
    return {"name": name, "in": "query", "schema": {"type": "string"}, **others}


def _within(node: Any, name: str) -> Any:  # noqa: ANN401  as above
    return node[_key(node, name)]


def _key(node: object, name: str) -> str | int:
    return int(name) if isinstance(node, list) else name
