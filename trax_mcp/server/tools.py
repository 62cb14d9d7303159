"""Operation <-> tool. All tools are made in one loop, with the guard on the way of each.

What differs between tools is declared on the operations; nothing here knows one by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import mcp_types as types

from trax_mcp.api.caller import Caller
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Effect, Operation
from trax_mcp.api.operations import OPERATIONS
from trax_mcp.guard.road import NotRun, Road
from trax_mcp.server import results
from trax_mcp.server.arguments import CONFIRM, evidence_arguments, read_arguments
from trax_mcp.server.schemas import answer_schema, arguments_schema

_META = "live.traxstreaming/"
_CONFIRM_SCHEMA: JsonObject = {
    "type": "boolean",
    "default": False,
    "description": "True only after the person, shown the preview, said yes.",
}


@dataclass(frozen=True, slots=True)
class Tool:
    """An operation as it is offered to clients."""

    operation: type[Operation[Model]]
    listing: types.Tool


class Tools:
    """The tools that are offered, in the order of the operations."""

    def __init__(self, road: Road) -> None:
        self._road = road
        self._tools: Mapping[str, Tool] = {
            operation.known_as: Tool(operation, _listing(operation)) for operation in OPERATIONS
        }

    def listings(self) -> list[types.Tool]:
        """All tools as `tools/list` shows them."""
        return [tool.listing for tool in self._tools.values()]

    def input_schema(self, name: str) -> JsonObject | None:
        """The schema of a tool's arguments, None if there is no such tool."""
        return self._tools[name].listing.input_schema if name in self._tools else None

    async def call(
        self, name: str, arguments: Mapping[str, object], caller: Caller
    ) -> types.CallToolResult:
        """Run a tool for a caller; whatever goes wrong is told in the result.

        Raises:
            KeyError: there is no such tool.
        """
        kind = self._tools[name].operation
        try:
            operation, evidence = read_arguments(kind, arguments)
            answer = await self._road.walk(operation, caller, evidence)
        except TraxError as error:
            return results.failed(error.failure)
        if isinstance(answer, NotRun):
            return results.not_run(answer)
        return results.answered(kind, answer)


def _listing(operation: type[Operation[Model]]) -> types.Tool:
    call = operation.call
    title = operation.known_as.replace("_", " ").capitalize().replace("openapi", "OpenAPI")
    return types.Tool(
        name=operation.known_as,
        title=title,
        description=" ".join(filter(None, (call.summary, call.description, operation.advice()))),
        input_schema=_input_schema(operation),
        output_schema=results.marked(operation, answer_schema(operation)),
        annotations=types.ToolAnnotations(
            read_only_hint=operation.effect is Effect.READ,
            destructive_hint=operation.effect is Effect.GUARDED,
            # Setting a field or removing a thing twice is once; adding, starting and saying is not.
            idempotent_hint=call.method != "POST",
            # Behind every call are a live platform, other people and other accounts.
            open_world_hint=True,
        ),
        _meta={
            **({f"{_META}scope": call.scope} if call.scope else {}),
            f"{_META}operation": call.name,
        },
    )


def _input_schema(operation: type[Operation[Model]]) -> JsonObject:
    schema = arguments_schema(operation)
    if CONFIRM in evidence_arguments(operation):
        schema["properties"] = {**schema["properties"], CONFIRM: _CONFIRM_SCHEMA}
    return schema
