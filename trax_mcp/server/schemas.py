"""The JSON schemas that clients see: arguments exactly as they are checked, answers wide open.

The check of arguments and their advertised schema are one pydantic model, so they cannot differ.
An answer's schema refuses nothing that TRaX may send: clients check answers against it and would
turn a done act into an error.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from trax_mcp.api.contract import CONTRACT, JsonObject
from trax_mcp.api.tool_input import ToolInput

_IS_OF: Final[Mapping[str, Callable[[Any], bool]]] = {
    "object": lambda it: isinstance(it, dict),
    "array": lambda it: isinstance(it, list),
    "string": lambda it: isinstance(it, str),
    "boolean": lambda it: isinstance(it, bool),
    "integer": lambda it: not isinstance(it, bool) and isinstance(it, int | float) and it % 1 == 0,
    "number": lambda it: not isinstance(it, bool) and isinstance(it, int | float),
}


class _Exact(GenerateJsonSchema):
    """Pydantic's schema without titles, null branches and null defaults: null means omitted."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, _schema: Any) -> bool:  # noqa: ANN401  pydantic's own type
        return False


def arguments_schema(kind: type[ToolInput]) -> JsonObject:
    """The schema of a value's arguments, each described."""
    schema = kind.model_json_schema(schema_generator=_Exact)
    properties = {
        name: {**exact, "description": kind.describe(name)}
        for name, exact in schema["properties"].items()
    }
    return {
        "type": "object",
        "properties": properties,
        **({"required": schema["required"]} if "required" in schema else {}),
        "additionalProperties": False,
    }


def answer_schema(kind: type[ToolInput]) -> JsonObject:
    """The schema of what comes back: nothing required, anything null, open to additions."""
    return _open(kind.answer())


def drop_misfits(answer: Any, schema: JsonObject) -> Any:  # noqa: ANN401  any JSON
    """An answer without what is of another type than its `answer_schema` has it.

    In a list it is left out, elsewhere it is null, which is allowed anywhere.
    """
    kind = schema["anyOf"][0] if "anyOf" in schema else schema  # the other branch is null
    if not _IS_OF[kind["type"]](answer):
        return None
    if isinstance(answer, list):
        fit = (drop_misfits(it, kind["items"]) for it in answer)
        return [it for it in fit if it is not None]
    if isinstance(answer, dict):
        known = kind.get("properties", {})
        return {
            name: drop_misfits(value, known[name]) if name in known else value
            for name, value in answer.items()
        }
    return answer


def _open(schema: JsonObject) -> JsonObject:
    schema = CONTRACT.resolve(schema)
    if schema["type"] == "array":
        return {**schema, "items": _open(schema["items"])}
    if "properties" not in schema:
        return schema
    properties = {name: _or_null(_open(kind)) for name, kind in schema["properties"].items()}
    return {"type": "object", "properties": properties}


def _or_null(schema: Mapping[str, Any]) -> JsonObject:
    return {"anyOf": [schema, {"type": "null"}]}
