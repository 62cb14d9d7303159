"""Walks through JSON values and JSON schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    JsonObject = dict[str, Any]


def objects_in(node: object) -> Iterator[JsonObject]:
    """Every object inside a JSON value, itself included."""
    if isinstance(node, dict):
        yield node
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from objects_in(child)


def kind_of(schema: JsonObject) -> str:
    """A schema's type in one word, nullable or not: `string`, `Source`, `string[]`."""
    branches = [branch for branch in schema.get("anyOf", ()) if branch.get("type") != "null"]
    schema = branches[0] if branches else schema
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if schema["type"] == "array":
        return kind_of(schema["items"]) + "[]"
    return str(schema["type"])
