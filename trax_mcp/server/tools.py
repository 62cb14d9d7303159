"""All tools, built from their input classes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import mcp_types as types

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.tool_input import Effect, ToolInput
from trax_mcp.consent.calls import Evidence, GuardedCall, NotRun
from trax_mcp.consent.rules import Rules
from trax_mcp.server import panel, results
from trax_mcp.server.arguments import EVIDENCE_SCHEMAS, read_arguments
from trax_mcp.server.asking import Asking
from trax_mcp.server.composite_tools import CompositeTools
from trax_mcp.server.error_boundary import WrongRequestError
from trax_mcp.server.meta_names import OPERATION, SCOPE
from trax_mcp.server.name_hints import add_name_hint
from trax_mcp.server.request_context import RequestContext
from trax_mcp.server.schemas import answer_schema, arguments_schema
from trax_mcp.server.tool_filter import TOOLS, ToolFilter


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool input as clients see it."""

    kind: type[ToolInput]
    guarded: bool
    listing: types.Tool


class Tools:
    """The tools of this server, in order."""

    def __init__(self, asking: Asking, composite: CompositeTools, tool_filter: ToolFilter) -> None:
        self._asking = asking
        self._composite = composite
        self._filter = tool_filter
        rules = asking.guard.rules
        self._tools: Mapping[str, Tool] = {
            kind.tool_name: _tool(kind, rules)
            for kind in tool_filter.kinds()
            if not rules.would_bypass_consent(kind)
        }

    @property
    def can_use_panel(self) -> bool:
        """Whether a guarded tool may ask in a panel."""
        return self._asking.can_use_panel and any(it.guarded for it in self._tools.values())

    def listings(self, *, has_panel: bool = False) -> list[types.Tool]:
        """All tools as `tools/list` shows them; `has_panel` to clients that draw panels."""
        if not (has_panel and self.can_use_panel):
            return [tool.listing for tool in self._tools.values()]
        listings = [
            _with_panel(tool.listing) if tool.guarded else tool.listing
            for tool in self._tools.values()
        ]
        return [*listings, panel.LISTING]

    def input_schema(self, name: str) -> JsonObject | None:
        """The schema of a tool's arguments. None if there is no such tool."""
        if name == panel.TOOL_NAME and self.can_use_panel:
            return panel.LISTING.input_schema
        return self._tools[name].listing.input_schema if name in self._tools else None

    async def call(
        self, name: str, arguments: Mapping[str, object], context: RequestContext
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Run a tool. The result says what failed.

        Raises:
            WrongRequestError: there is no such tool.
        """
        if name == panel.TOOL_NAME and self.can_use_panel:
            return await panel.answer_approval(self._asking.questions, arguments, context)
        if name not in TOOLS:
            raise WrongRequestError("There is no such tool.")
        if (tool := self._tools.get(name)) is None:
            return results.failed(self._filter.refusal(name).failure)
        try:
            result = await self._run(tool, arguments, context)
        except TraxError as error:
            failure = add_name_hint(error.failure, arguments, offered=self._tools)
            return results.failed(failure)
        if isinstance(result, types.InputRequiredResult) or result.is_error:
            return result
        return results.fit_to_schema(result, tool.listing.output_schema or {})

    async def _run(
        self, tool: Tool, arguments: Mapping[str, object], context: RequestContext
    ) -> types.CallToolResult | types.InputRequiredResult:
        value, evidence = read_arguments(tool.kind, arguments, guarded=tool.guarded)
        if isinstance(value, Operation):
            return await self._run_operation(value, evidence, context)
        return await self._composite.run(value, context)

    async def _run_operation(
        self, operation: Operation[Model], evidence: Evidence, context: RequestContext
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Run an operation, with the consent of a person if it needs one."""
        elicitor = context.elicitor
        call = GuardedCall(
            operation,
            context.caller,
            replace(evidence, answer=elicitor.answer),
            claimed_name=elicitor.claimed_name,
            progress=elicitor.report_progress,
        )
        result = await self._asking.run(call, elicitor)
        if isinstance(result, types.InputRequiredResult):
            return result
        if isinstance(result, NotRun):
            return results.not_run(result)
        return results.answered(type(operation), result)


def _with_panel(listing: types.Tool) -> types.Tool:
    return listing.model_copy(update={"meta": {**(listing.meta or {}), **panel.OPENS_PANEL}})


def _tool(kind: type[ToolInput], rules: Rules) -> Tool:
    call, guarded = kind.call, rules.may_need_consent(kind)
    title = kind.tool_name.replace("_", " ").capitalize().replace("openapi", "OpenAPI")
    listing = types.Tool(
        name=kind.tool_name,
        title=title,
        description=" ".join(filter(None, (kind.description(), rules.consent_hint(kind)))),
        input_schema=_input_schema(kind, guarded=guarded),
        output_schema=results.extended_schema(kind, answer_schema(kind), guarded=guarded),
        annotations=types.ToolAnnotations(
            read_only_hint=kind.effect is Effect.READ,
            destructive_hint=guarded,
            # Repeating a PATCH or DELETE changes nothing more. Repeating a POST may.
            idempotent_hint=call.method != "POST",
            # Every call reaches a live platform, other people and other accounts.
            open_world_hint=True,
        ),
        _meta={
            **({SCOPE: call.scope} if call.scope else {}),
            OPERATION: call.name,
        },
    )
    return Tool(kind, guarded, listing)


def _input_schema(kind: type[ToolInput], *, guarded: bool) -> JsonObject:
    schema = arguments_schema(kind)
    evidence = EVIDENCE_SCHEMAS if guarded else {}
    return {**schema, "properties": {**schema["properties"], **evidence}}
