"""The tools: how clients see them, and the way of a call from its arguments to its result."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import mcp_types as types

from trax_mcp.actions.change import Change
from trax_mcp.actions.several import ApplyChanges
from trax_mcp.actions.shown import Operations
from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import TraxError
from trax_mcp.api.operation import Effect, ListOperation, Operation, ToolInput
from trax_mcp.api.reads import GetStreamStatus
from trax_mcp.chat.wait import WaitForChatMessages, wait_for_chat
from trax_mcp.consent.calls import Answer, Call, Done, Step
from trax_mcp.consent.parts import Parts
from trax_mcp.consent.rules import Rules
from trax_mcp.server import panel, results, untrusted
from trax_mcp.server.arguments import EVIDENCE_SCHEMAS, Evidence, read_arguments
from trax_mcp.server.asking import Asking
from trax_mcp.server.errors import WrongRequestError
from trax_mcp.server.not_done import NotDone
from trax_mcp.server.offer import TOOLS, Offer
from trax_mcp.server.request import CallRequest, McpRequest
from trax_mcp.server.room_tools import RoomTools
from trax_mcp.server.schemas import arguments_schema, output_schema
from trax_mcp.studio.composite_tools import CompositeTool, IsStarting, ToolUse
from trax_mcp.studio.outputs import Words
from trax_mcp.tools.check import CheckStudio, tell_status

_NEVER_GIVEN: Final = (
    "this server has given no `confirmation` since it started. If your client starts a new server"
    " for each call, no `confirmation` can ever work. Tell the user that the client must keep one"
    " session, or use HTTP"
)
_LOOK_UP: Final = {
    "studioId": "find_studio",
    "destId": "list_destinations",
    "sourceId": "list_sources",
    "connectionId": "list_connections",
}
"""Argument -> the tool that shows the id of a name."""


class _Tool(NamedTuple):
    """A tool input as clients see it."""

    kind: type[ToolInput]
    guarded: bool
    listing: types.Tool


class Tools:
    """The tools that this server offers, and the methods of MCP for them."""

    def __init__(
        self,
        parts: Parts,
        asking: Asking,
        offer: Offer,
        room: RoomTools,
        *,
        media_dirs: Sequence[Path] = (),
    ) -> None:
        self._parts = parts
        self._room = room
        self._asking = asking
        self._offer = offer
        self._media_dirs = media_dirs
        self._tools: Mapping[str, _Tool] = {
            kind.tool_name: _tool(kind, offer.rules) for kind in offer.kinds()
        }
        self._has_previewed = False
        self._has_guarded = any(tool.guarded for tool in self._tools.values())

    def offers_panel(self, caller: Caller = ANONYMOUS) -> bool:
        """Whether a guarded tool that this caller is offered may ask in a panel."""
        return self._asking.can_use_panel and self._has_guarded and not caller.read_only

    def takes_answers(self, caller: Caller = ANONYMOUS) -> bool:
        """Whether a panel or a room may bring what this caller has answered."""
        may_ask = self._has_guarded and not caller.read_only
        return self.offers_panel(caller) or (may_ask and self._room.may_be_drawn(caller))

    def input_schema(self, name: str) -> JsonObject | None:
        """The schema of a tool's arguments. None if there is no such tool."""
        if name == panel.TOOL_NAME and self.takes_answers():
            return panel.LISTING.input_schema
        if name in self._tools:
            return self._tools[name].listing.input_schema
        return self._room.input_schema(name)

    def listings(self, caller: Caller = ANONYMOUS, *, has_panel: bool = False) -> list[types.Tool]:
        """The tools that a caller is offered, in order. `has_panel`: their client draws panels."""
        tools = [it for it in self._tools.values() if not self._offer.why_not(it.kind, caller)]
        asks_there = has_panel and self.offers_panel(caller)
        return [
            _with_panel(it.listing) if it.guarded and asks_there else it.listing for it in tools
        ]

    async def list_tools(self, request: McpRequest[Any]) -> types.ListToolsResult:
        """Answer `tools/list`."""
        has_panel, caller = self._asking.draws_panel(request), request.caller
        listings = [*self.listings(caller, has_panel=has_panel), *self._room.listings(request)]
        has_cards = has_panel or self._room.is_drawn(request)
        if has_cards and self.takes_answers(caller):
            listings.append(panel.LISTING)
        return types.ListToolsResult(tools=listings)

    async def call_tool(
        self, request: CallRequest
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Answer `tools/call`. The result says what failed.

        Raises:
            WrongRequestError: there is no such tool.
        """
        name, arguments = request.params.name, request.params.arguments or {}
        if name == panel.TOOL_NAME and self.takes_answers(request.caller):
            practice = self._asking.practice
            return await panel.answer_approval(self._asking.questions, request, practice=practice)
        if name not in TOOLS:
            return await self._run_room(request)
        if why := self._offer.why_not(TOOLS[name], request.caller):
            return results.error_result(why)
        tool = self._tools[name]
        try:
            result = await self._run(tool, arguments, request)
        except TraxError as error:
            result = results.error_result(_add_name_hint(error, arguments, offered=self._tools))
        if isinstance(result, types.InputRequiredResult):
            return result
        if not tool.kind.returns_untrusted_text:
            result = results.with_news(result, self._news(tool, arguments, result, request))
        if result.is_error:
            return result
        if self._asking.practice and tool.kind.effect is not Effect.READ:
            result = results.in_practice(result)
        return results.fit_to_schema(result, tool.listing.output_schema or {})

    async def _run_room(self, request: CallRequest) -> types.CallToolResult:
        if request.params.name not in {it.name for it in self._room.listings(request)}:
            raise WrongRequestError("There is no such tool.")
        try:
            return await self._room.run(request)
        except TraxError as error:
            arguments = request.params.arguments or {}
            return results.error_result(_add_name_hint(error, arguments, offered=self._tools))

    async def _run(
        self, tool: _Tool, arguments: Mapping[str, object], request: CallRequest
    ) -> types.CallToolResult | types.InputRequiredResult:
        value, evidence = read_arguments(tool.kind, arguments, guarded=tool.guarded)
        match value:
            case ApplyChanges(changes=changes):
                return await self._run_changes(changes, evidence, request)
            case Change() if self._offer.rules.never_ask_about(value):
                done = await self._parts.change_unasked(value, request.caller)
                return results.change_result(done)
            case Change():
                return await self._run_changes((value,), evidence, request)
            case Operation():
                return await self._read(value, request)
            case CompositeTool():
                use = ToolUse(
                    client=self._parts.client,
                    caller=request.caller,
                    clock=request.clock,
                    progress=request.report_progress,
                    is_starting=self._is_starting(request.caller),
                    media_dirs=self._media_dirs,
                )
                return results.own_result(value, *await value.run(use))
            case WaitForChatMessages():
                return await _wait_for_chat(value, request)
        raise AssertionError(value)

    def _news(
        self,
        tool: _Tool,
        arguments: Mapping[str, object],
        result: types.CallToolResult,
        request: CallRequest,
    ) -> list[str]:
        """What was done in the studios of an answer after that of an earlier call. Told once."""
        ids = [str(arguments.get("studioId"))]
        if tool.kind is CheckStudio and result.structured_content:
            ids += (it["id"] for it in result.structured_content.get("studios", ()))
        found = (self._parts.news.pop((request.caller.owner, it), "") for it in ids)
        return [it for it in found if it]

    async def _read(self, read: Operation[Any], request: CallRequest) -> types.CallToolResult:
        """Run an operation that changes nothing, and so needs nobody's consent."""
        data = (await self._parts.client.send(read, request.caller)).data
        if read.returns_untrusted_text:
            return _chat_result(read, data, request)
        meaning = await self._meaning(read, data, request)
        return results.read_result(read, data, meaning)

    async def _run_changes(
        self, operations: Operations, evidence: Evidence, request: CallRequest
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Make a change or several, with the consent of a person if one needs it."""
        for it in operations:
            if why := self._offer.why_not(type(it), request.caller):
                raise why
        call = Call(
            operations,
            request.caller,
            request.answer or self._given(evidence),
            claimed_name=request.claimed_name,
            progress=request.report_progress,
        )
        match await self._asking.run(call, request):
            case types.InputRequiredResult() as question:
                return question
            case NotDone() as not_run:
                not_run = self._with_guess(not_run, request)
                return results.not_run_result(not_run, practice=self._asking.practice)
            case Done(steps=(Step(error=TraxError() as error),), observed=observed):
                error = _add_name_hint(error, operations[0].arguments(), offered=self._tools)
                return results.error_result(error, observed)
            case Done(steps=(_,)) as done:
                return results.change_result(done)
            case done:
                return results.changes_result(done)

    def _given(self, evidence: Evidence) -> Answer | None:
        """The answer that a model brings, if it counts for anything here."""
        if not evidence.confirm:
            return None
        if self._offer.rules.ask.confirm_alone:
            return Answer("", "confirm_alone")
        return Answer(evidence.confirmation, "confirmation") if evidence.confirmation else None

    def _with_guess(self, not_run: NotDone, request: CallRequest) -> NotDone:
        """The same, with a guess why a process has never given the confirmation that it gets.

        Some frameworks start one for each call. Over HTTP it may have been another replica.
        """
        is_first_preview = not_run.confirmation is not None and not self._has_previewed
        self._has_previewed |= is_first_preview
        if is_first_preview and not_run.reason == "expired" and request.ctx.request is None:
            return replace(not_run, why=_NEVER_GIVEN)
        return not_run

    async def _meaning(
        self, operation: Operation[Any], answer: JsonObject, request: CallRequest
    ) -> Words:
        """What the answer to a read means, where it does not say so itself."""
        match operation:
            case ListOperation():
                return results.page_words(operation, answer)
            case GetStreamStatus(studio_id=studio):
                is_starting, now = self._is_starting(request.caller), request.clock.now()
                return Words(await tell_status(answer, studio, is_starting=is_starting, now=now))
        return Words()

    def _is_starting(self, caller: Caller) -> IsStarting:
        return partial(self._asking.guard.go_live_is_pending, caller)


async def _wait_for_chat(wait: WaitForChatMessages, request: CallRequest) -> types.CallToolResult:
    watchers, caller, studio = request.watchers, request.caller, wait.studio_id
    watcher, clock = watchers.chat(caller, studio), request.clock
    chat, waited, gathered = await wait_for_chat(
        wait, watcher, clock=clock, progress=request.report_progress
    )
    own = watchers.marks.own(caller, studio, chat.messages)
    payload = untrusted.chat_payload(studio, chat, own, after=wait.after, now=clock.now())
    seconds = {"waitedSeconds": round(waited), "gatheredSeconds": round(gathered)}
    return results.chat_result({**payload, **seconds})


def _chat_result(
    operation: Operation[Any], answer: JsonObject, request: CallRequest
) -> types.CallToolResult:
    """The newest messages of a page, with those marked that were probably sent from here."""
    newest = untrusted.newest_chat(answer)
    own = request.watchers.marks.own(request.caller, operation.studio(), newest.get("data"))
    more, now = newest != answer, request.clock.now()
    return results.chat_result(untrusted.listed_chat(newest, own, more=more, now=now))


def _with_panel(listing: types.Tool) -> types.Tool:
    return listing.model_copy(update={"meta": {**(listing.meta or {}), **panel.OPENS_PANEL}})


def _tool(kind: type[ToolInput], rules: Rules) -> _Tool:
    endpoint, guarded = kind.endpoint, rules.may_need_consent(kind)
    arguments = arguments_schema(kind)
    evidence = EVIDENCE_SCHEMAS if guarded else {}
    listing = types.Tool(
        name=kind.tool_name,
        title=kind.tool_name.replace("_", " ").capitalize().replace("openapi", "OpenAPI"),
        description=" ".join(filter(None, (kind.description(), rules.consent_hint(kind)))),
        input_schema={**arguments, "properties": {**arguments["properties"], **evidence}},
        output_schema=results.result_schema(kind, output_schema(kind), guarded=guarded),
        annotations=types.ToolAnnotations(
            read_only_hint=kind.effect is Effect.READ,
            destructive_hint=guarded,
            # Repeating a PATCH or DELETE changes nothing more. Repeating a POST may.
            idempotent_hint=endpoint.method != "POST",
            # Every call reaches a live platform, other people and other accounts.
            open_world_hint=True,
        ),
        _meta={
            **({results.SCOPE: endpoint.scope} if endpoint.scope else {}),
            results.OPERATION: endpoint.name,
        },
    )
    return _Tool(kind, guarded, listing)


def _add_name_hint(
    error: TraxError, arguments: Mapping[str, object], *, offered: Container[str]
) -> TraxError:
    """Add a sentence for each id that TRaX does not know and that looks like a name.

    TRaX documents no form of an id, so it is only a guess.
    """
    if error.code != "not_found":
        return error
    hints = [
        f" `{argument}` looks like a name: look up its id with {tool}."
        for argument, tool in _LOOK_UP.items()
        if tool in offered and _looks_like_name(arguments.get(argument))
    ]
    return replace(error, next_step="".join((error.next_step, *hints)))


def _looks_like_name(value: object) -> bool:
    """Whether it has a blank, or no digit. TRaX's example of an id is `studio_42`."""
    if not isinstance(value, str):
        return False
    return any(map(str.isspace, value.strip())) or not any(map(str.isdigit, value))
