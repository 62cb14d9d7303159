"""Edits of contract documents.

A path in a document is its keys, separated by spaces.
"""

from __future__ import annotations

import copy
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

from tests.support.product.contract import DOCUMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Edit = Callable[[dict[str, Any]], object]

BAKED: Final = DOCUMENT
SCHEMAS: Final = "components schemas"
STUDIO: Final = "components schemas Studio properties"
NEW: Final = "components schemas CreateStudioRequest properties"
RENAME: Final = "components schemas UpdateStudioRequest properties name"
MEDIA: Final = "paths /v1/media get"
CREATE: Final = "paths /v1/studios post"


def at(document: object, path: str) -> Any:  # noqa: ANN401  a document may hold anything
    """The value at a path."""
    return reduce(_child, path.split(), document)


def put(path: str, value: object) -> Edit:
    """Set the value at a path."""
    parent, _, name = path.rpartition(" ")

    def edit(document: dict[str, Any]) -> None:
        parent_node = at(document, parent)
        parent_node[_key(parent_node, name)] = copy.deepcopy(value)

    return edit


def cut(path: str) -> Edit:
    """Remove the value at a path."""
    parent, _, name = path.rpartition(" ")

    def edit(document: dict[str, Any]) -> None:
        parent_node = at(document, parent)
        del parent_node[_key(parent_node, name)]

    return edit


def edited(*edits: Edit) -> dict[str, Any]:
    """The built-in document with these edits."""
    document = copy.deepcopy(BAKED)
    for edit in edits:
        edit(document)
    return document


def all_paths(node: object, path: str = "") -> Iterator[str]:
    """All paths in a document except the root."""
    parts = list(enumerate(node)) if isinstance(node, list) else []
    for name, part in node.items() if isinstance(node, dict) else parts:
        yield f"{path} {name}".strip()
        yield from all_paths(part, f"{path} {name}".strip())


def reference(name: str) -> dict[str, str]:
    """A reference to a named schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def parameter(name: str, **others: object) -> dict[str, object]:
    """A query parameter with text values."""
    return {"name": name, "in": "query", "schema": {"type": "string"}, **others}


def _child(node: Any, name: str) -> Any:  # noqa: ANN401  as above
    return node[_key(node, name)]


def _key(node: object, name: str) -> str | int:
    return int(name) if isinstance(node, list) else name
