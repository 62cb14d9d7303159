"""The JSON schemas that clients see: strict for arguments, permissive for answers of TRaX.

`schemas.json` has them ready, since to make them takes a fifth of what trax-mcp adds to a start.
It has also what settings may name. `tools/docs/schemas.py` makes it.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.operation import ToolInput


def arguments_schema(kind: type[ToolInput]) -> JsonObject:
    """The schema of a tool's arguments. Callers must not change it."""
    schema: JsonObject = _schemas()[kind.tool_name]["arguments"]
    return schema


def output_schema(kind: type[ToolInput]) -> JsonObject:
    """The schema of an answer. In TRaX's, nothing is required, and each field may be null."""
    schema: JsonObject = _schemas()[kind.tool_name]["answer"]
    return schema


@cache
def _schemas() -> Mapping[str, JsonObject]:
    content = files(__package__).joinpath("schemas.json").read_bytes()
    schemas: Mapping[str, JsonObject] = json.loads(content)
    return schemas
