"""Fixture tools without a counterpart in the product: content, logs, progress.

They test the layers below the product's handlers, not these handlers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import mcp_types as types

from proof.conformance.content_fixtures import AUDIO, EMBEDDED, IMAGE, text
from trax_mcp.server.error_boundary import Context, Handler

ToolHandler = Handler[types.CallToolRequestParams, types.CallToolResult | types.InputRequiredResult]


@dataclass(frozen=True, slots=True)
class Fixture:
    """A tool that the suite needs."""

    listing: types.Tool
    handler: ToolHandler


def fixture(
    name: str, handler: ToolHandler, *, input_schema: Mapping[str, Any] | None = None
) -> Fixture:
    """A tool with this name; without `input_schema` it has no arguments."""
    schema = dict(input_schema or {"type": "object"})
    listing = types.Tool(name=name, description="A fixture.", input_schema=schema)
    return Fixture(listing, handler)


def strings(*names: str) -> Mapping[str, Any]:
    """The schema of an object with these required strings."""
    properties = {name: {"type": "string"} for name in names}
    return {"type": "object", "properties": properties, "required": list(names)}


def _return_content(*pieces: types.ContentBlock) -> ToolHandler:
    async def run(_ctx: Context, _params: types.CallToolRequestParams) -> types.CallToolResult:
        return types.CallToolResult(content=list(pieces))

    return run


async def _log(ctx: Context, _params: types.CallToolRequestParams) -> types.CallToolResult:
    for message in ("Started", "Under way", "Done"):
        await ctx.session.send_log_message("info", message, related_request_id=ctx.request_id)
    return types.CallToolResult(content=[text("Logged.")])


async def _progress(ctx: Context, _params: types.CallToolRequestParams) -> types.CallToolResult:
    for progress in (0, 50, 100):
        await ctx.session.report_progress(progress, 100)
    return types.CallToolResult(content=[text("Progressed.")])


_SCHEMA_2020_12: Final[Mapping[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
_HEADER_PARAMETER: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"region": {"type": "string", "x-mcp-header": "Region"}},
}

TOOLS: Final[Mapping[str, Fixture]] = {
    it.listing.name: it
    for it in (
        fixture("test_image_content", _return_content(IMAGE)),
        fixture("test_audio_content", _return_content(AUDIO)),
        fixture("test_embedded_resource", _return_content(EMBEDDED)),
        fixture("test_multiple_content_types", _return_content(text("Several:"), IMAGE, EMBEDDED)),
        fixture("test_tool_with_logging", _log),
        fixture("test_logging_tool", _log),
        fixture("test_tool_with_progress", _progress),
        fixture(
            "json_schema_2020_12_tool", _return_content(text("Kept.")), input_schema=_SCHEMA_2020_12
        ),
        fixture(
            "test_custom_header", _return_content(text("Routed.")), input_schema=_HEADER_PARAMETER
        ),
    )
}
