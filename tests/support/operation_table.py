"""The table of operations: an entry for each, with everything that is promised about it.

It is written by hand, and nothing in it is read from the code. The tests of each promise use it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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

    The `scope` is the one that the published reference names. The first example is the plainest
    call. A change has the paths that are read before the question.
    """

    tool: str
    call: str
    scope: str | None
    hints: Hints
    examples: tuple[Example, ...]
    reads: tuple[str, ...] = ()

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


def _read(tool: str, call: str, scope: str | None, *given: Arguments | None) -> Entry:
    """A read, and the query of each example."""
    examples = tuple(Example(it) for it in given)
    return Entry(tool=tool, call=call, scope=scope, hints=READ, examples=examples)


READABLE: Final = ("studio_42", "studio_43", "studio_51", "studio_60")
"""The studios of the caller. An account may be in use in each of them."""

TABLE: Final[Sequence[Entry]] = (
    _read("get_health", "GET /v1/health", None, None),
    _read("get_openapi", "GET /v1/openapi.json", None, None),
    _read(
        "list_studios",
        "GET /v1/studios",
        "studios:read",
        {"limit": 2},
        None,
        {"cursor": CURSOR, "limit": 200},
    ),
    Entry(
        tool="create_studio",
        call="POST /v1/studios",
        scope="studios:write",
        hints=ADD,
        examples=(Example({"name": "Late Show"}, NEVER, to_air=False),),
        reads=STUDIOS_ONLY,
    ),
    _read("get_studio", "GET /v1/studios/{id}", "studios:read", None),
    Entry(
        tool="update_studio",
        call="PATCH /v1/studios/{id}",
        scope="studios:write",
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
    ),
    _read(
        "list_destinations",
        "GET /v1/studios/{id}/destinations",
        "destinations:read",
        {"limit": 200},
        {"cursor": CURSOR, "limit": 1},
    ),
    Entry(
        tool="create_destination",
        call="POST /v1/studios/{id}/destinations",
        scope="destinations:write",
        hints=GUARDED_ADD,
        examples=(
            # A destination that is enabled while live takes the stream to new viewers.
            Example(
                {"name": "N", "platform": "kick", "connectionId": "conn_1"}, WHILE_LIVE, to_air=True
            ),
            Example({"name": "N", "platform": "kick"}, WHILE_LIVE, to_air=True),
            Example({"name": "N", "platform": "kick", "enabled": True}, WHILE_LIVE, to_air=True),
            Example({"name": "N", "platform": "kick", "enabled": False}, NEVER, to_air=False),
            # No read shows where it goes, so it is seen when that is set.
            Example(
                {"name": "N", "platform": "kick", "rtmpUrl": ADDRESS, "streamKey": STREAM_KEY},
                ALWAYS,
                to_air=True,
            ),
            Example(
                {
                    "name": "N",
                    "platform": "kick",
                    "rtmpUrl": ADDRESS,
                    "streamKey": STREAM_KEY,
                    "enabled": True,
                },
                ALWAYS,
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
                ALWAYS,
                to_air=False,
            ),
        ),
        reads=(*WITH_DESTINATIONS, "/v1/connections"),
    ),
    Entry(
        tool="update_destination",
        call="PATCH /v1/studios/{id}/destinations/{destId}",
        scope="destinations:write",
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
    ),
    Entry(
        tool="delete_destination",
        call="DELETE /v1/studios/{id}/destinations/{destId}",
        scope="destinations:write",
        hints=GUARDED_CHANGE,
        examples=(Example(None, ALWAYS, to_air=False),),
        reads=WITH_DESTINATIONS,
    ),
    _read(
        "list_sources",
        "GET /v1/studios/{id}/sources",
        "sources:read",
        None,
        {"cursor": CURSOR, "limit": 1},
    ),
    Entry(
        tool="create_source",
        call="POST /v1/studios/{id}/sources",
        scope="sources:write",
        hints=GUARDED_ADD,
        examples=(
            Example({"name": "N", "type": "webcam"}, WHILE_LIVE, to_air=True),
            Example({"name": "N", "type": "webcam", "active": True}, WHILE_LIVE, to_air=True),
            Example({"name": "N", "type": "webcam", "active": False}, NEVER, to_air=False),
            # No read shows where something comes from, so it is seen before it can be on screen.
            Example({"name": "N", "type": "rtmp", "url": FEED}, ALWAYS, to_air=True),
            Example(
                {"name": "N", "type": "rtmp", "url": FEED, "active": True}, ALWAYS, to_air=True
            ),
            Example(
                {"name": "N", "type": "rtmp", "url": FEED, "active": False}, ALWAYS, to_air=False
            ),
        ),
        reads=WITH_SOURCES,
    ),
    Entry(
        tool="update_source",
        call="PATCH /v1/studios/{id}/sources/{sourceId}",
        scope="sources:write",
        hints=GUARDED_CHANGE,
        examples=(
            Example({"active": False}, WHILE_LIVE, to_air=False),
            Example({"active": True}, WHILE_LIVE, to_air=True),
            Example({"active": False, "name": "N"}, WHILE_LIVE, to_air=False),
            Example({"url": FEED}, ALWAYS, to_air=False),
            Example({"url": FEED, "name": "N"}, ALWAYS, to_air=False),
            Example({"url": FEED, "active": False}, ALWAYS, to_air=False),
            Example({"url": FEED, "name": "N", "active": True}, ALWAYS, to_air=True),
            Example({"name": "N"}, NEVER, to_air=False),
        ),
        reads=WITH_SOURCES,
    ),
    Entry(
        tool="delete_source",
        call="DELETE /v1/studios/{id}/sources/{sourceId}",
        scope="sources:write",
        hints=GUARDED_CHANGE,
        examples=(Example(None, ALWAYS, to_air=False),),
        reads=WITH_SOURCES,
    ),
    _read("get_stream_status", "GET /v1/studios/{id}/stream-status", "stream:read", None),
    Entry(
        tool="go_live",
        call="POST /v1/studios/{id}/go-live",
        scope="stream:golive",
        hints=GUARDED_ADD,
        examples=(Example(None, ALWAYS, to_air=True),),
        reads=(
            *STUDIO_AND_STATUS,
            f"{STUDIO_PATH}/destinations",
            f"{STUDIO_PATH}/sources",
            "/v1/connections",
            "/v1/health",
        ),
    ),
    Entry(
        tool="go_offline",
        call="POST /v1/studios/{id}/go-offline",
        scope="stream:golive",
        hints=GUARDED_ADD,
        examples=(Example(None, ALWAYS, to_air=False),),
        reads=(*STUDIO_AND_STATUS, f"{STUDIO_PATH}/destinations"),
    ),
    _read(
        "list_chat_messages", "GET /v1/studios/{id}/chat/messages", "chat:read", None, {"limit": 2}
    ),
    Entry(
        tool="send_chat_message",
        call="POST /v1/studios/{id}/chat/messages",
        scope="chat:send",
        hints=ADD,
        examples=(
            Example({"text": "Grüße 👋", "platforms": ["twitch"]}, NEVER, to_air=False),
            Example({"text": "Hello"}, NEVER, to_air=False),
            Example({"text": "Hi", "platforms": ["twitch", "kick"]}, NEVER, to_air=False),
        ),
        reads=WITH_DESTINATIONS,
    ),
    _read(
        "list_connections",
        "GET /v1/connections",
        "connections:read",
        None,
        {"cursor": CURSOR, "limit": 200},
    ),
    Entry(
        tool="unlink_connection",
        call="DELETE /v1/connections/{connectionId}",
        scope="connections:write",
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
    ),
    _read("list_media", "GET /v1/media", "media:read", None, {"cursor": CURSOR, "limit": 1}),
    Entry(
        tool="create_media_upload",
        call="POST /v1/media",
        scope="media:write",
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
    ),
)
"""One for each documented call, in the order in which the tools are listed."""

EXAMPLES: Final = tuple((entry, example) for entry in TABLE for example in entry.examples)
"""All examples, each with its entry."""

CHANGES: Final = tuple((entry, it) for entry, it in EXAMPLES if it.when is not None)
"""The examples that change something."""

GUARDED: Final = frozenset(entry.tool for entry, it in CHANGES if it.when != NEVER)
"""The tools of which some calls need a yes."""

ALWAYS_GUARDED: Final = GUARDED - {entry.tool for entry, it in CHANGES if it.when != ALWAYS}
"""The tools of which every call needs one."""
