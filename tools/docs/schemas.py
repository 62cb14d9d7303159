"""Makes the JSON schemas that clients see, from the models of the tools and the contract.

One pydantic model both checks the arguments and is their schema, so they cannot differ. The schema
of TRaX's answer allows all that it may send: on a mismatch a client would report an error, although
the call was executed.
"""

from trax_mcp.api.contract import CONTRACT, JsonObject
from trax_mcp.api.operation import Effect, ToolInput
from trax_mcp.studio.outputs import PlainSchema, StudioTool


def schemas_of(kind: type[ToolInput]) -> JsonObject:
    """What `schemas.json` has for a tool, made from its model and the contract."""
    answer = kind.output_schema()
    return {
        "tag": kind.endpoint.tag,
        "changes": kind.effect is not Effect.READ,
        "arguments": _arguments_schema(kind),
        "answer": answer if issubclass(kind, StudioTool) else _permissive(answer),
    }


def _arguments_schema(kind: type[ToolInput]) -> JsonObject:
    schema = kind.model_json_schema(schema_generator=PlainSchema)
    return {
        "type": "object",
        "properties": {name: schema["properties"][name] for name in kind.argument_names()},
        **({"required": schema["required"]} if "required" in schema else {}),
        "additionalProperties": False,
    }


def _permissive(schema: JsonObject) -> JsonObject:
    schema = CONTRACT.resolve(schema)
    if schema["type"] == "array":
        return {**schema, "items": _permissive(schema["items"])}
    if "properties" not in schema:
        return schema
    properties = {name: _or_null(_permissive(it)) for name, it in schema["properties"].items()}
    return {"type": "object", "properties": properties}


def _or_null(schema: JsonObject) -> JsonObject:
    return {**schema, "type": [schema["type"], "null"]}
