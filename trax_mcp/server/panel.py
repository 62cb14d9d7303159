"""The panel of MCP Apps that asks a person inside the conversation, and the tool that it calls.

Source: the MCP Apps extension, `io.modelcontextprotocol/ui`, revision 2026-01-26. Only the panel
may call the tool, and only the client's promise keeps a model from it. So an answer needs the
ticket of its question, which is in nothing that a model reads.
"""

import re
from typing import Final

import mcp_types as types
from mcp.server.apps import APP_MIME_TYPE

from trax_mcp.api.contract import JsonObject
from trax_mcp.consent.open_questions import OpenQuestions
from trax_mcp.server.answering import AnswerApproval, take_answer
from trax_mcp.server.request import CallRequest
from trax_mcp.studio.outputs import PlainSchema
from trax_mcp.web.approval_view import ANSWER
from trax_mcp.web.static_files import LOAD, read_static

URI: Final = "ui://trax/approval.html"
TOOL_NAME: Final = ANSWER
OPENS_PANEL: Final[JsonObject] = {"ui": {"resourceUri": URI}}
"""The `_meta` of a tool whose result the client shows with the panel."""
_OF_APPS: Final = {"session.js": None, "page_host.js": "host.js"}
"""What an app has for a file of a page: its host is the client."""


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
    return read_page(URI, "panel.html")


def read_page(uri: str, page: str) -> types.TextResourceContents:
    """A page for a client, with the files in it that it would load."""

    def text_of(load: re.Match[str]) -> str:
        name = load["css"] or _OF_APPS.get(load["js"], load["js"])
        tag = "style" if load["css"] else "script"
        return f"<{tag}>{read_static(name)}</{tag}>" if name else ""

    html = LOAD.sub(text_of, read_static(page))
    return types.TextResourceContents(
        uri=uri, mime_type=APP_MIME_TYPE, text=html, _meta={"ui": {"prefersBorder": True}}
    )


async def answer_approval(
    questions: OpenQuestions, request: CallRequest, *, practice: bool = False
) -> types.CallToolResult:
    """Report that a question is shown, or take a person's choice. Returns its state."""
    state = await take_answer(
        questions,
        dict(request.params.arguments or {}),
        request.caller,
        {"asker": request.client_title, "practice": practice},
        claimed_name=request.claimed_name,
    )
    text = str(state["outcome"] or f"The question is {state['phase']}.")
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], structured_content=state
    )
