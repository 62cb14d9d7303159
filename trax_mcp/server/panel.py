"""The panel of MCP Apps that asks a person inside the conversation, and the tool that it calls.

Source: the MCP Apps extension, `io.modelcontextprotocol/ui`, revision 2026-01-26. Only the panel
may call the tool, and only the client's promise keeps a model from it. So an answer needs the
ticket of its question, which is in nothing that a model reads.
"""

from dataclasses import replace
from importlib.resources import files
from typing import Final

import mcp_types as types
from mcp.server.apps import APP_MIME_TYPE
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.error_texts import store_unavailable
from trax_mcp.api.operations import GoOffline
from trax_mcp.consent.calls import DO_NOT, Ask, Evidence, GuardedCall, NotRun
from trax_mcp.consent.open_questions import OpenQuestions
from trax_mcp.consent.records import Away
from trax_mcp.consent.stop_token import StopToken
from trax_mcp.server.request import CallRequest
from trax_mcp.web.approval_view import describe, outcome_text

URI: Final = "ui://trax/approval.html"
TOOL_NAME: Final = "answer_approval"
OPENS_PANEL: Final[JsonObject] = {"ui": {"resourceUri": URI}}
"""The `_meta` of a tool whose result the client shows with the panel."""
_GONE: Final = "This question is no longer open here."
_MAX_LENGTH: Final = 512
_MAX_CHOICE_LENGTH: Final = 16_384
"""Longer than any choice: names may hold much that is spelt out."""


class AnswerApproval(BaseModel):
    """The arguments of the tool."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    ticket: str = Field(max_length=_MAX_LENGTH, description="The ticket of the question.")
    question: str | None = Field(
        None, max_length=_MAX_LENGTH, description="The question that the person saw."
    )
    choice: str | None = Field(
        None,
        max_length=_MAX_CHOICE_LENGTH,
        description="One of its choices. Without it, it is shown.",
    )


LISTING: Final = types.Tool(
    name=TOOL_NAME,
    title="Answer approval",
    description=(
        "For the approval panel and for bots, never for a model: says that a question is shown to"
        " a person, or what the person chose."
    ),
    input_schema=AnswerApproval.model_json_schema(),
    annotations=types.ToolAnnotations(
        read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True
    ),
    _meta={"ui": {"resourceUri": URI, "visibility": ["app"]}},
)

RESOURCE: Final = types.Resource(
    uri=URI,
    name="approval",
    title="Approval",
    description="Asks a person before a guarded call runs.",
    mime_type=APP_MIME_TYPE,
)


def read_panel() -> types.TextResourceContents:
    """The panel, as one page that loads nothing."""
    static = files("trax_mcp.web").joinpath("static")
    html, *parts = (
        static.joinpath(name).read_text(encoding="utf-8")
        for name in ("panel.html", "approval.css", "approval.js", "panel.js")
    )
    for name, text in zip(("approval.css", "approval.js", "panel.js"), parts, strict=True):
        html = html.replace(f"/* {name} */", text)
    return types.TextResourceContents(
        uri=URI, mime_type=APP_MIME_TYPE, text=html, _meta={"ui": {"prefersBorder": True}}
    )


async def answer_approval(questions: OpenQuestions, request: CallRequest) -> types.CallToolResult:
    """Report that a question is shown, or take a person's choice. Returns its state."""
    try:
        answer = AnswerApproval.model_validate(request.params.arguments or {})
    except ValidationError:
        return _result({"phase": "gone", "outcome": "This call is wrong. Nothing was sent."})
    try:
        asked = await questions.get(answer.ticket, request.caller)
        state = await asked.state() if asked else None
        if asked is None or state is None or state.question is None:
            return _result({"phase": "gone", "outcome": _GONE})
        if state.question.channel != "panel":
            return _result({"phase": "gone", "outcome": _GONE})
        call = replace(asked.call, claimed_name=request.claimed_name)
        asked = replace(asked, call=call)
        if answer.choice is None:
            await asked.report(_number(answer.question))
        else:
            await asked.answer(_number(answer.question) or 0, answer.choice, by="panel")
        return _result(describe(await asked.state()))
    except Away:
        return await _answer_about_stop(questions, answer, request)


async def _answer_about_stop(
    questions: OpenQuestions, answer: AnswerApproval, request: CallRequest
) -> types.CallToolResult:
    """Where nothing is remembered: a stop needs its yes alone, and its ticket is that."""
    stop = StopToken.read(answer.ticket, key=request.caller.key or "")
    if stop is None or answer.choice is None:
        raise store_unavailable()
    if answer.choice == DO_NOT:
        return _result(
            {
                "phase": "ended",
                "outcome": outcome_text(NotRun(GoOffline.tool_name, "declined", "declined")),
            }
        )
    call = GuardedCall(
        GoOffline(studio_id=stop.studio_id),
        request.caller,
        Evidence(confirm=True, confirmation=answer.ticket, answered_in="panel"),
        claimed_name=request.claimed_name,
    )
    result = await questions.run(call)
    if isinstance(result, Ask):
        raise TypeError("a stop that may not ask has asked")
    return _result({"phase": "ended", "outcome": outcome_text(result)})


def _number(question: str | None) -> int | None:
    """The number of a question, as the panel was told it."""
    return int(question) if question is not None and question.isdecimal() else None


def _result(state: JsonObject) -> types.CallToolResult:
    text = str(state["outcome"] or f"The question is {state['phase']}.")
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], structured_content=state
    )
