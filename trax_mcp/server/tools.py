"""ToolInput <-> tool. All tools are made in one loop, with the guard on the way of each operation.

What differs between tools is declared on the values and in the guard's rules; nothing here knows
one by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import mcp_types as types

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.tool_input import Effect, ToolInput
from trax_mcp.consent.calls import GuardedCall, NotRun, Question
from trax_mcp.consent.evidence import Evidence
from trax_mcp.consent.guard import ConsentGuard
from trax_mcp.server import results
from trax_mcp.server.arguments import EVIDENCE, read_arguments
from trax_mcp.server.composite_tools import CompositeTools
from trax_mcp.server.error_boundary import WrongRequestError
from trax_mcp.server.request_context import RequestContext
from trax_mcp.server.schemas import answer_schema, arguments_schema
from trax_mcp.server.tool_filter import TOOLS, ToolFilter

_META = "live.traxstreaming/"


@dataclass(frozen=True, slots=True)
class Tool:
    """A value as it is offered to clients."""

    kind: type[ToolInput]
    guarded: bool
    listing: types.Tool


class Tools:
    """The tools that are offered, in their order."""

    def __init__(self, road: ConsentGuard, beyond: CompositeTools, offer: ToolFilter) -> None:
        self._road = road
        self._beyond = beyond
        self._offer = offer
        self._tools: Mapping[str, Tool] = {
            kind.tool_name: _tool(kind, guarded=_takes_consent(kind, road))
            for kind in offer.kinds()
            if not road.rules.would_bypass_consent(kind)
        }

    def listings(self) -> list[types.Tool]:
        """All tools as `tools/list` shows them."""
        return [tool.listing for tool in self._tools.values()]

    def input_schema(self, name: str) -> JsonObject | None:
        """The schema of a tool's arguments, None if it is not offered."""
        return self._tools[name].listing.input_schema if name in self._tools else None

    async def call(
        self, name: str, arguments: Mapping[str, object], visitor: RequestContext
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Run a tool; whatever goes wrong is told in the result.

        Raises:
            WrongRequestError: there is no such tool.
        """
        if name not in TOOLS:
            raise WrongRequestError("There is no such tool.")
        if (tool := self._tools.get(name)) is None:
            return results.failed(self._offer.refusal(name).failure)
        try:
            result = await self._run(tool, arguments, visitor)
        except TraxError as error:
            return results.failed(error.failure)
        if isinstance(result, types.InputRequiredResult) or result.is_error:
            return result
        return results.as_documented(result, tool.listing.output_schema or {})

    async def _run(
        self, tool: Tool, arguments: Mapping[str, object], visitor: RequestContext
    ) -> types.CallToolResult | types.InputRequiredResult:
        value, evidence = read_arguments(tool.kind, arguments, guarded=tool.guarded)
        if isinstance(value, Operation):
            return await self._walk(value, evidence, visitor)
        return await self._beyond.run(value, visitor)

    async def _walk(
        self, operation: Operation[Model], evidence: Evidence, visitor: RequestContext
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Walk the road, and again from its beginning with each answer that a person gives."""
        person = visitor.person
        visit = GuardedCall(
            operation,
            visitor.caller,
            replace(evidence, answer=person.answer),
            can_ask=person.can_be_asked,
            claims=person.claims,
            progress=person.tell_progress,
        )
        while isinstance(result := await self._road.walk(visit), Question):
            answer = await person.ask(result)
            if isinstance(answer, types.InputRequiredResult):
                return answer
            visit = replace(visit, evidence=Evidence(answer=answer))
        if isinstance(result, NotRun):
            return results.not_run(result)
        return results.answered(type(operation), result)


def _takes_consent(kind: type[ToolInput], road: ConsentGuard) -> bool:
    return issubclass(kind, Operation) and road.rules.may_need_consent(kind)


def _tool(kind: type[ToolInput], *, guarded: bool) -> Tool:
    call = kind.call
    title = kind.tool_name.replace("_", " ").capitalize().replace("openapi", "OpenAPI")
    listing = types.Tool(
        name=kind.tool_name,
        title=title,
        description=kind.words(),
        input_schema=_input_schema(kind, guarded=guarded),
        output_schema=results.with_ours(kind, answer_schema(kind)),
        annotations=types.ToolAnnotations(
            read_only_hint=kind.effect is Effect.READ,
            destructive_hint=guarded,
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
    return Tool(kind, guarded, listing)


def _input_schema(kind: type[ToolInput], *, guarded: bool) -> JsonObject:
    schema = arguments_schema(kind)
    if guarded:
        schema["properties"] = {**schema["properties"], **EVIDENCE}
    return schema
