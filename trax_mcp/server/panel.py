"""The panel of MCP Apps that asks a person inside the conversation, and the tool that it calls.

Source: the MCP Apps extension, `io.modelcontextprotocol/ui`, revision 2026-01-26. Only the panel
may call the tool, and only the client's promise keeps a model from it. So an answer needs the
ticket of its question, which is in nothing that a model reads.
"""

from contextlib import suppress
from dataclasses import replace
from importlib.resources import files
from typing import Final

import mcp_types as types
from mcp.server.apps import APP_MIME_TYPE
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trax_mcp.api.contract import JsonObject
from trax_mcp.consent.open_questions import OpenQuestion, OpenQuestions
from trax_mcp.consent.store import StoreUnavailable, store_unavailable
from trax_mcp.server.request import CallRequest
from trax_mcp.studio.outputs import PlainSchema
from trax_mcp.web.approval_view import Asker, describe, describe_end, gone
from trax_mcp.web.endings import NOT_HERE, WRONG

URI: Final = "ui://trax/approval.html"
TOOL_NAME: Final = "answer_approval"
OPENS_PANEL: Final[JsonObject] = {"ui": {"resourceUri": URI}}
"""The `_meta` of a tool whose result the client shows with the panel."""
_MAX_LENGTH: Final = 512


class AnswerApproval(BaseModel):
    """The arguments of the tool."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    ticket: str = Field(max_length=_MAX_LENGTH, description="The ticket of the question.")
    choice: str | None = Field(
        None,
        max_length=_MAX_LENGTH,
        description="One of its choices. Without it, it is shown.",
    )


LISTING: Final = types.Tool(
    name=TOOL_NAME,
    title="Answer approval",
    description=(
        "For the approval panel and for bots, never for a model: says that a question is shown to"
        " a person, or what they chose."
    ),
    input_schema=AnswerApproval.model_json_schema(schema_generator=PlainSchema),
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
    return read_page(URI, "panel.html", "approval.css", "host.js", "approval.js", "ask.js", "panel.js")


def read_page(uri: str, page: str, *parts: str) -> types.TextResourceContents:
    """A page for a client, with its parts in the places that name them."""
    static = files("trax_mcp.web").joinpath("static")
    html = static.joinpath(page).read_text(encoding="utf-8")
    for name in parts:
        html = html.replace(f"/* {name} */", static.joinpath(name).read_text(encoding="utf-8"))
    return types.TextResourceContents(
        uri=uri, mime_type=APP_MIME_TYPE, text=html, _meta={"ui": {"prefersBorder": True}}
    )


async def answer_approval(
    questions: OpenQuestions, request: CallRequest, *, practice: bool = False
) -> types.CallToolResult:
    """Report that a question is shown, or take a person's choice. Returns its state."""
    who: Asker = {"asker": request.client_title, "practice": practice}
    try:
        answer = AnswerApproval.model_validate(request.params.arguments or {})
    except ValidationError:
        return _result(gone(WRONG, **who))
    try:
        asked = await questions.get(answer.ticket, request.caller)
        if asked is None:
            return _result(gone(NOT_HERE, **who))
        call = asked.call._replace(claimed_name=request.claimed_name)
        return await _answer(replace(asked, call=call), answer, who)
    except StoreUnavailable:
        raise store_unavailable() from None


async def _answer(asked: OpenQuestion, answer: AnswerApproval, who: Asker) -> types.CallToolResult:
    """Report or answer. A stop is sent first: what is remembered of its question may be away."""
    if not asked.is_stop:
        question = (await asked.state()).question
        if question is None or question.way != "panel":
            return _result(gone(NOT_HERE, **who))
    result = None
    if answer.choice is None:
        await asked.report()
    else:
        result = await asked.answer(answer.choice, by="panel")
    with suppress(StoreUnavailable):
        state = await asked.state()
        if state.question is not None or result is None:
            return _result(describe(state, **who))
    if result is None:
        raise StoreUnavailable
    return _result(describe_end(result, **who))


def _result(state: JsonObject) -> types.CallToolResult:
    text = str(state["outcome"] or f"The question is {state['phase']}.")
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], structured_content=state
    )
