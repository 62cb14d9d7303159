"""The tools of the control room, and the app that it is where a client draws apps.

Source: the MCP Apps extension, revision 2026-01-26. A model may open the room, and no more. A press
that needs approval is always asked about, and nothing that a model reads lets it answer.
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import mcp_types as types
from mcp.server.apps import APP_MIME_TYPE
from pydantic import BaseModel, ConfigDict, ValidationError

from trax_mcp.api.arguments import Id
from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import NotSent
from trax_mcp.consent.ways import Way
from trax_mcp.server import ways
from trax_mcp.server.panel import read_page
from trax_mcp.server.request import CallRequest, McpRequest
from trax_mcp.server.room import PressArguments, Room
from trax_mcp.server.room_state import summary
from trax_mcp.server.room_watch import Visitor, WatchArguments
from trax_mcp.studio.outputs import PlainSchema
from trax_mcp.tools.check import CheckStudio
from trax_mcp.web.approval_view import PRESS, WATCH

if TYPE_CHECKING:
    from trax_mcp.web.room_page import RoomPage

URI: Final = "ui://trax/room.html"
OPEN: Final = "open_control_room"
_STUDIO: Final = "studioId"
NAMES: Final = frozenset({OPEN, WATCH, PRESS})

_SHOWN: Final = "The user now sees the control room. Don't repeat what it shows."
_UPDATED: Final = "The control room was updated."
_TOLD: Final = {
    "opened": "The control room is open in the user's browser. Don't repeat what it shows.",
    "shown": (
        "The user already has the control room open in their browser. If they don't see it, try"
        " again in a minute. Don't repeat what it shows."
    ),
    "failed": "The control room couldn't be opened in a browser. Tell the user.",
}


class OpenRoom(BaseModel):
    """The arguments of the tool that a model calls."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    studioId: Id  # noqa: N815  as in JSON


class _WatchTool(WatchArguments, OpenRoom):
    """Those of the room's look, as a tool."""


class _PressTool(PressArguments, OpenRoom):
    """Those of a press, as a tool."""


def _listing(
    name: str, description: str, arguments: type[BaseModel], *, reads: bool, meta: JsonObject
) -> types.Tool:
    return types.Tool(
        name=name,
        title=name.replace("_", " ").capitalize(),
        description=description,
        input_schema=arguments.model_json_schema(schema_generator=PlainSchema),
        annotations=types.ToolAnnotations(
            read_only_hint=reads,
            destructive_hint=not reads,
            idempotent_hint=reads,
            open_world_hint=True,
        ),
        _meta=meta or None,
    )


_FOR_APP: Final[JsonObject] = {"ui": {"resourceUri": URI, "visibility": ["app"]}}
_OPENING: Final = _listing(
    OPEN,
    "Open a live view of a studio for the user: on air or not, problems, chat, switches. It updates"
    " itself, so open it once.",
    OpenRoom,
    reads=True,
    meta={},
)
_APP_LISTINGS: Final = (
    _OPENING.model_copy(update={"meta": {"ui": {"resourceUri": URI}}}),
    _listing(
        WATCH, "For the control room only: what's new.", _WatchTool, reads=True, meta=_FOR_APP
    ),
    _listing(
        PRESS,
        "For the control room only: what the user pressed.",
        _PressTool,
        reads=False,
        meta=_FOR_APP,
    ),
)

RESOURCE: Final = types.Resource(
    uri=URI,
    name="control-room",
    title="Control room",
    description="Shows a studio during a show.",
    mime_type=APP_MIME_TYPE,
)


def read_room() -> types.TextResourceContents:
    """The room, as one page that loads nothing."""
    return read_page(URI, "room.html")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomTools:
    """The room for clients: as an app where they draw apps, else on a page of this computer."""

    room: Room
    room_page: "RoomPage | None" = None

    def may_be_drawn(self, caller: Caller = ANONYMOUS, way: Way = "panel") -> bool:
        """Whether the operator lets apps show rooms to this caller, or a page."""
        offer = self.room.offer
        return offer.why_not(CheckStudio, caller) is None and way in offer.rules.ask.order

    def is_drawn(self, request: McpRequest[Any]) -> bool:
        """Whether the client of a request draws the room."""
        return ways.draws_apps(request.client) and self.may_be_drawn(request.caller)

    def listings(self, request: McpRequest[Any]) -> tuple[types.Tool, ...]:
        """The tools that this client is offered."""
        if self.is_drawn(request):
            return _APP_LISTINGS
        opens_page = self.room_page is not None and self.may_be_drawn(request.caller, "page")
        return (_OPENING,) if opens_page else ()

    def input_schema(self, name: str) -> JsonObject | None:
        """The schema of a tool's arguments."""
        return next((it.input_schema for it in _APP_LISTINGS if it.name == name), None)

    async def run(self, request: CallRequest) -> types.CallToolResult:
        """Run one of them.

        Raises:
            TraxError: an argument is wrong, there is no key, or the studio could not be read.
        """
        name, arguments = request.params.name, dict(request.params.arguments or {})
        try:
            studio_id = OpenRoom(studioId=arguments.pop(_STUDIO, "")).studioId
        except ValidationError:
            next_step = "Nothing was sent: correct the arguments and call again."
            what = f"`{_STUDIO}` must be the id of a studio"
            raise NotSent("invalid_arguments", what, next_step, not_done="") from None
        visitor = Visitor(
            request.caller,
            request.watchers,
            studio_id,
            asker=request.client_title,
            claimed_name=request.claimed_name,
        )
        if name == WATCH:
            request.end_turn()  # it waits
        if name == OPEN:
            return await self._open(visitor, is_app=self.is_drawn(request))
        return _result(await self.room.call(visitor, name, arguments))

    async def _open(self, visitor: Visitor, *, is_app: bool) -> types.CallToolResult:
        state, told = summary(await self.room.first(visitor)), _SHOWN
        if not is_app and self.room_page is not None:
            call = partial(self.room.call, visitor._replace(by="page", claimed_name=None))
            told = _TOLD[await self.room_page.open(visitor.studio_id, call)]
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=f"{told} {state}")],
            structured_content={_STUDIO: visitor.studio_id},
        )


def _result(result: JsonObject) -> types.CallToolResult:
    said = result["structuredContent"]
    text = "The user is being asked in the control room." if "asking" in said else _UPDATED
    text = str(said.get("outcome") or text)
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)],
        structured_content=said,
        is_error=result.get("isError", False),
        _meta=result.get("_meta"),
    )
