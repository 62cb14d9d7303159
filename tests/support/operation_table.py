"""The table of operations: an entry for each, with everything that is promised about it.

It is written by hand, and nothing in it is read from the code. The tests of each promise use it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from tests.support.published_reference import documented

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.support.published_reference import DocumentedCall

Arguments = dict[str, Any]
"""Arguments of a tool as JSON."""

Hints = dict[str, bool]
"""The annotations of a tool."""

When = Literal["never", "while live", "always"]
NEVER: Final = "never"
WHILE_LIVE: Final = "while live"
ALWAYS: Final = "always"


class Request(NamedTuple):
    """An HTTP request to TRaX."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Arguments | None = None


@dataclass(frozen=True)
class Example:
    """A valid call on the seeded sandbox.

    `given` holds the arguments besides the ids in the path, or is None without any: the query of a
    read, and the body of a change. A change also says when it needs consent, and whether it can
    put something new before viewers, now or later.
    """

    given: Arguments | None = None
    when: When | None = None
    to_air: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An operation: its tool, its call, and examples with all of its arguments.

    `documented` is the call as the published reference shows it, transcribed anew. The first
    example is the plainest call. The rest is about changes: the paths that are read
    before the question, and the arguments that change what no read shows, in words.
    """

    tool: str
    call: str
    documented: DocumentedCall
    hints: Hints
    examples: tuple[Example, ...]
    reads: tuple[str, ...] = ()
    hidden: Mapping[str, str] | None = None

    @property
    def scope(self) -> str | None:
        """The scope that the published reference names."""
        return self.documented.scope

    def arguments(self, example: Example) -> Arguments:
        """All arguments of an example, as JSON."""
        names = re.findall(r"{(\w+)}", self.call)
        ids = {"studioId" if name == "id" else name: IDS[name] for name in names}
        return {**ids, **(example.given or {})}

    def request(self, example: Example) -> Request:
        """The HTTP request that an example must become."""
        method, path = self.call.split(" ")
        if method == "GET":
            query = {name: str(value) for name, value in (example.given or {}).items()}
            return Request(method, path.format_map(IDS), query)
        return Request(method, path.format_map(IDS), {}, example.given)

    def hidden_fields(self, example: Example) -> list[str]:
        """What an example changes that no read shows, in words."""
        given, hidden = example.given or {}, self.hidden or {}
        return [words for argument, words in hidden.items() if argument in given]


def _hints(*, read: bool = False, destructive: bool = False, idempotent: bool = False) -> Hints:
    return {
        "readOnlyHint": read,
        "destructiveHint": destructive,
        "idempotentHint": idempotent,
        "openWorldHint": True,
    }


# `ADD` and `GUARDED_ADD` are for every POST: TRaX may do it once more each time it is sent.
# The guarded ones are for tools of which some calls need a yes.
READ: Final = _hints(read=True, idempotent=True)
ADD: Final = _hints()
GUARDED_ADD: Final = _hints(destructive=True)
GUARDED_CHANGE: Final = _hints(destructive=True, idempotent=True)

# What the entries share

IDS: Final = {
    "id": "studio_42",
    "destId": "dest_1",
    "sourceId": "source_1",
    "connectionId": "conn_1",
}
"""The id of each path parameter in every example. The sandbox is seeded with these things."""

STREAM_KEY: Final = "live-4711-do-not-print"
"""A stream key. Tests check that it is not printed."""

CURSOR: Final = "YWZ0ZXI6c3R1ZGlvXzQy"
"""A cursor that the sandbox issues."""

ADDRESS: Final = "rtmps://a.example/app"
FEED: Final = "rtmp://b.example/feed"

STUDIO_PATH: Final = "/v1/studios/studio_42"
STUDIO_AND_STATUS: Final = (STUDIO_PATH, f"{STUDIO_PATH}/stream-status")
WITH_DESTINATIONS: Final = (*STUDIO_AND_STATUS, f"{STUDIO_PATH}/destinations", "/v1/health")
WITH_SOURCES: Final = (*STUDIO_AND_STATUS, f"{STUDIO_PATH}/sources", "/v1/health")
STUDIOS_ONLY: Final = ("/v1/studios", "/v1/health")

READABLE: Final = ("studio_42", "studio_43", "studio_51", "studio_60")
"""The studios of the caller. An account may be in use in each of them."""

TABLE: Final[Sequence[Entry]] = (
    Entry(
        tool="get_health",
        call="GET /v1/health",
        documented=documented(
            "Liveness probe (unauthenticated).",
            "meta - () - 200 Health",
        ),
        hints=READ,
        examples=(Example(),),
    ),
    Entry(
        tool="get_openapi",
        call="GET /v1/openapi.json",
        documented=documented(
            "This OpenAPI 3.0 document (unauthenticated).",
            "meta - () - 200 object",
        ),
        hints=READ,
        examples=(Example(),),
    ),
    Entry(
        tool="list_studios",
        call="GET /v1/studios",
        documented=documented(
            "List the caller's studios.",
            "studios studios:read (cursor? limit?) - 200 StudioList",
        ),
        hints=READ,
        examples=(
            Example({"limit": 2}),
            Example(),
            Example({"cursor": CURSOR, "limit": 200}),
        ),
    ),
    Entry(
        tool="create_studio",
        call="POST /v1/studios",
        documented=documented(
            "Create a studio.",
            "studios studios:write () CreateStudioRequest 201 Studio",
        ),
        hints=ADD,
        examples=(Example({"name": "Late Show"}, NEVER, to_air=False),),
        reads=STUDIOS_ONLY,
        hidden={},
    ),
    Entry(
        tool="get_studio",
        call="GET /v1/studios/{id}",
        documented=documented(
            "Get one studio.",
            "studios studios:read (id) - 200 Studio",
        ),
        hints=READ,
        examples=(Example(),),
    ),
    Entry(
        tool="update_studio",
        call="PATCH /v1/studios/{id}",
        documented=documented(
            "Update a studio (name / auto-go-live settings).",
            "studios studios:write (id) UpdateStudioRequest 200 Studio",
        ),
        hints=GUARDED_CHANGE,
        examples=(
            Example({"name": "N", "autoGoLive": False}, NEVER, to_air=False),
            # A studio that goes on air by itself later is a go-live without a yes.
            Example({"autoGoLive": True}, ALWAYS, to_air=True),
            Example({"autoGoLive": True, "name": "N"}, ALWAYS, to_air=True),
            Example(
                {"name": "N", "autoGoLive": True, "autoGoOfflineOnDrop": False}, ALWAYS, to_air=True
            ),
            Example({"autoGoLive": False}, NEVER, to_air=False),
            Example({"autoGoOfflineOnDrop": True}, WHILE_LIVE, to_air=False),
            Example({"autoGoOfflineOnDrop": False}, NEVER, to_air=False),
            Example({"name": "N"}, NEVER, to_air=False),
        ),
        reads=(*WITH_DESTINATIONS, f"{STUDIO_PATH}/sources"),
        hidden={},
    ),
    Entry(
        tool="list_destinations",
        call="GET /v1/studios/{id}/destinations",
        documented=documented(
            "List a studio's destinations.",
            "studios destinations:read (id cursor? limit?) - 200 DestinationList",
        ),
        hints=READ,
        examples=(
            Example({"limit": 200}),
            Example({"cursor": CURSOR, "limit": 1}),
        ),
    ),
    Entry(
        tool="create_destination",
        call="POST /v1/studios/{id}/destinations",
        documented=documented(
            "Add a destination to a studio.",
            "studios destinations:write (id) CreateDestinationRequest 201 Destination",
        ),
        hints=GUARDED_ADD,
        examples=(
            # A destination that is enabled while live takes the stream to new viewers.
            Example(
                {"name": "N", "platform": "kick", "connectionId": "conn_1"}, WHILE_LIVE, to_air=True
            ),
            Example({"name": "N", "platform": "kick"}, WHILE_LIVE, to_air=True),
            Example({"name": "N", "platform": "kick", "enabled": True}, WHILE_LIVE, to_air=True),
            Example({"name": "N", "platform": "kick", "enabled": False}, NEVER, to_air=False),
            Example(
                {"name": "N", "platform": "kick", "rtmpUrl": ADDRESS, "streamKey": STREAM_KEY},
                WHILE_LIVE,
                to_air=True,
            ),
            Example(
                {
                    "name": "N",
                    "platform": "kick",
                    "rtmpUrl": ADDRESS,
                    "streamKey": STREAM_KEY,
                    "enabled": False,
                    "vertical": True,
                },
                NEVER,
                to_air=False,
            ),
        ),
        reads=WITH_DESTINATIONS,
        hidden={},
    ),
    Entry(
        tool="update_destination",
        call="PATCH /v1/studios/{id}/destinations/{destId}",
        documented=documented(
            "Update a destination.",
            "studios destinations:write (id destId) UpdateDestinationRequest 200 Destination",
        ),
        hints=GUARDED_CHANGE,
        examples=(
            Example({"enabled": False}, WHILE_LIVE, to_air=False),
            Example({"enabled": True}, WHILE_LIVE, to_air=True),
            Example({"vertical": True}, WHILE_LIVE, to_air=False),
            Example({"vertical": False}, WHILE_LIVE, to_air=False),
            Example({"vertical": False, "name": "N"}, WHILE_LIVE, to_air=False),
            Example({"name": "N"}, NEVER, to_air=False),
            # What no read ever shows again is lost when it is overwritten.
            Example({"rtmpUrl": ADDRESS}, ALWAYS, to_air=False),
            Example({"streamKey": STREAM_KEY}, ALWAYS, to_air=False),
            Example({"platform": "kick"}, ALWAYS, to_air=False),
            Example({"platform": "kick", "name": "N"}, ALWAYS, to_air=False),
            Example({"platform": "kick", "enabled": False, "name": "N"}, ALWAYS, to_air=False),
            Example({"streamKey": STREAM_KEY, "enabled": False}, ALWAYS, to_air=False),
            Example({"enabled": True, "rtmpUrl": ADDRESS}, ALWAYS, to_air=True),
            Example(
                {
                    "name": "N",
                    "platform": "kick",
                    "rtmpUrl": ADDRESS,
                    "streamKey": STREAM_KEY,
                    "enabled": True,
                    "vertical": True,
                },
                ALWAYS,
                to_air=True,
            ),
        ),
        reads=WITH_DESTINATIONS,
        hidden={
            "rtmpUrl": "the address",
            "streamKey": "the stream key",
            "platform": "the platform",
            "vertical": "the picture format",
        },
    ),
    Entry(
        tool="delete_destination",
        call="DELETE /v1/studios/{id}/destinations/{destId}",
        documented=documented(
            "Remove a destination.",
            "studios destinations:write (id destId) - 200 Ok",
        ),
        hints=GUARDED_CHANGE,
        examples=(Example(None, ALWAYS, to_air=False),),
        reads=WITH_DESTINATIONS,
        hidden={},
    ),
    Entry(
        tool="list_sources",
        call="GET /v1/studios/{id}/sources",
        documented=documented(
            "List a studio's sources.",
            "studios sources:read (id cursor? limit?) - 200 SourceList",
        ),
        hints=READ,
        examples=(
            Example(),
            Example({"cursor": CURSOR, "limit": 1}),
        ),
    ),
    Entry(
        tool="create_source",
        call="POST /v1/studios/{id}/sources",
        documented=documented(
            "Add a source to a studio.",
            "studios sources:write (id) CreateSourceRequest 201 Source",
        ),
        hints=GUARDED_ADD,
        examples=(
            Example({"name": "N", "type": "webcam"}, WHILE_LIVE, to_air=True),
            Example({"name": "N", "type": "webcam", "active": True}, WHILE_LIVE, to_air=True),
            Example({"name": "N", "type": "webcam", "active": False}, NEVER, to_air=False),
            Example({"name": "N", "type": "rtmp", "url": FEED}, WHILE_LIVE, to_air=True),
            Example(
                {"name": "N", "type": "rtmp", "url": FEED, "active": False}, NEVER, to_air=False
            ),
        ),
        reads=WITH_SOURCES,
        hidden={},
    ),
    Entry(
        tool="update_source",
        call="PATCH /v1/studios/{id}/sources/{sourceId}",
        documented=documented(
            "Update a source.",
            "studios sources:write (id sourceId) UpdateSourceRequest 200 Source",
        ),
        hints=GUARDED_CHANGE,
        examples=(
            Example({"active": False}, WHILE_LIVE, to_air=False),
            Example({"active": True}, WHILE_LIVE, to_air=True),
            Example({"active": False, "name": "N"}, WHILE_LIVE, to_air=False),
            Example({"url": FEED}, WHILE_LIVE, to_air=False),
            Example({"url": FEED, "name": "N"}, WHILE_LIVE, to_air=False),
            Example({"url": FEED, "name": "N", "active": True}, WHILE_LIVE, to_air=True),
            Example({"name": "N"}, NEVER, to_air=False),
        ),
        reads=WITH_SOURCES,
        hidden={"url": "the address"},
    ),
    Entry(
        tool="delete_source",
        call="DELETE /v1/studios/{id}/sources/{sourceId}",
        documented=documented(
            "Remove a source.",
            "studios sources:write (id sourceId) - 200 Ok",
        ),
        hints=GUARDED_CHANGE,
        examples=(Example(None, ALWAYS, to_air=False),),
        reads=WITH_SOURCES,
        hidden={},
    ),
    Entry(
        tool="get_stream_status",
        call="GET /v1/studios/{id}/stream-status",
        documented=documented(
            "Get a studio's live/offline stream status.",
            "studios stream:read (id) - 200 StreamStatus",
        ),
        hints=READ,
        examples=(Example(),),
    ),
    Entry(
        tool="go_live",
        call="POST /v1/studios/{id}/go-live",
        documented=documented(
            "Take a studio live.",
            "stream stream:golive (id) - 200 GoLiveResult",
        ),
        hints=GUARDED_ADD,
        examples=(Example(None, ALWAYS, to_air=True),),
        reads=(
            *STUDIO_AND_STATUS,
            f"{STUDIO_PATH}/destinations",
            f"{STUDIO_PATH}/sources",
            "/v1/connections",
            "/v1/health",
        ),
        hidden={},
    ),
    Entry(
        tool="go_offline",
        call="POST /v1/studios/{id}/go-offline",
        documented=documented(
            "Take a studio offline.",
            "stream stream:golive (id) - 200 GoOfflineResult",
        ),
        hints=GUARDED_ADD,
        examples=(Example(None, ALWAYS, to_air=False),),
        reads=(*STUDIO_AND_STATUS, f"{STUDIO_PATH}/destinations"),
        hidden={},
    ),
    Entry(
        tool="list_chat_messages",
        call="GET /v1/studios/{id}/chat/messages",
        documented=documented(
            "List a studio's recent unified-chat messages.",
            "chat chat:read (id limit?) - 200 ChatMessageList",
        ),
        hints=READ,
        examples=(
            Example(),
            Example({"limit": 2}),
        ),
    ),
    Entry(
        tool="send_chat_message",
        call="POST /v1/studios/{id}/chat/messages",
        documented=documented(
            "Send a message into the studio's unified chat.",
            "chat chat:send (id) SendChatMessageRequest 201 ChatSendResult",
        ),
        hints=ADD,
        examples=(
            Example({"text": "Grüße 👋", "platforms": ["twitch"]}, NEVER, to_air=False),
            Example({"text": "Hello"}, NEVER, to_air=False),
            Example({"text": "Hi", "platforms": ["twitch", "kick"]}, NEVER, to_air=False),
            Example({"text": "Hi", "platforms": []}, NEVER, to_air=False),
        ),
        reads=WITH_DESTINATIONS,
        hidden={},
    ),
    Entry(
        tool="list_connections",
        call="GET /v1/connections",
        documented=documented(
            "List the caller's linked platform accounts.",
            "connections connections:read (cursor? limit?) - 200 ConnectionList",
        ),
        hints=READ,
        examples=(
            Example(),
            Example({"cursor": CURSOR, "limit": 200}),
        ),
    ),
    Entry(
        tool="unlink_connection",
        call="DELETE /v1/connections/{connectionId}",
        documented=documented(
            "Unlink a connection.",
            "connections connections:write (connectionId) - 200 Ok",
        ),
        hints=GUARDED_CHANGE,
        examples=(Example(None, ALWAYS, to_air=False),),
        reads=(
            *("/v1/connections", "/v1/studios", "/v1/health"),
            *(
                f"/v1/studios/{it}/{part}"
                for it in READABLE
                for part in ("stream-status", "destinations")
            ),
        ),
        hidden={},
    ),
    Entry(
        tool="list_media",
        call="GET /v1/media",
        documented=documented(
            "List the caller's media-library assets.",
            "media media:read (cursor? limit?) - 200 MediaAssetList",
        ),
        hints=READ,
        examples=(
            Example(),
            Example({"cursor": CURSOR, "limit": 1}),
        ),
    ),
    Entry(
        tool="create_media_upload",
        call="POST /v1/media",
        documented=documented(
            "Initiate a media upload (returns a presigned PUT).",
            "media media:write () CreateMediaUploadRequest 201 MediaUpload",
        ),
        hints=ADD,
        examples=(
            Example(
                {"filename": "a.mp4", "contentType": "video/mp4", "byteSize": 1},
                NEVER,
                to_air=False,
            ),
            Example(
                {
                    "filename": "a.mp4",
                    "contentType": "video/mp4",
                    "byteSize": 0,
                    "folder": "Openers",
                },
                NEVER,
                to_air=False,
            ),
        ),
        reads=STUDIOS_ONLY,
        hidden={},
    ),
)
"""One for each documented call, in the order in which the tools are listed."""

DOCUMENTED: Final = {entry.call: entry.documented for entry in TABLE}
"""Each call as the published reference shows it."""

EXAMPLES: Final = tuple((entry, example) for entry in TABLE for example in entry.examples)
"""All examples, each with its entry."""

CHANGES: Final = tuple((entry, it) for entry, it in EXAMPLES if it.when is not None)
"""The examples that change something."""

GUARDED: Final = frozenset(entry.tool for entry, it in CHANGES if it.when != NEVER)
"""The tools of which some calls need a yes."""

ALWAYS_GUARDED: Final = GUARDED - {entry.tool for entry, it in CHANGES if it.when != ALWAYS}
"""The tools of which every call needs one."""
