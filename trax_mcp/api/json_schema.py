"""JSON schemas of answers, written in short, and objects without their nulls."""

from typing import Final

from trax_mcp.api.contract import JsonObject

TEXT: Final[JsonObject] = {"type": "string"}
FLAG: Final[JsonObject] = {"type": "boolean"}
INTEGER: Final[JsonObject] = {"type": "integer"}


def described(schema: JsonObject, description: str) -> JsonObject:
    """The schema with a description for models."""
    return {**schema, "description": description}


def object_of(**properties: JsonObject) -> JsonObject:
    """The schema of an object. Nothing is required."""
    return {"type": "object", "properties": properties}


def list_of(items: JsonObject) -> JsonObject:
    """The schema of a list."""
    return {"type": "array", "items": items}


def without_nulls(fields: JsonObject) -> JsonObject:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}
