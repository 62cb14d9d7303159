"""The JSON schemas that clients see: strict for arguments, permissive for answers of TRaX.

`schemas.json` has them ready, since to make them takes a fifth of what trax-mcp adds to a start.
`tools/docs/schemas.py` makes them.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.operation import ToolInput


def arguments_schema(kind: type[ToolInput]) -> JsonObject:
    """The schema of a tool's arguments. Callers must not change it."""
    return _schemas()[kind.tool_name]["arguments"]


def output_schema(kind: type[ToolInput]) -> JsonObject:
    """The schema of an answer. In TRaX's, nothing is required, and each field may be null."""
    return _schemas()[kind.tool_name]["answer"]


@cache
def _schemas() -> Mapping[str, Mapping[str, JsonObject]]:
    content = files(__package__).joinpath("schemas.json").read_bytes()
    schemas: Mapping[str, Mapping[str, JsonObject]] = json.loads(content)
    return schemas
