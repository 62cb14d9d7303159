"""The table of operations: an entry for each, with everything that is promised about it.

It is written by hand, and nothing in it is read from the code. The tests of each promise use it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import SecretStr

from tests.support import published_reference as reference
from tests.support.studio_facts import EVERYTHING, LIVE, UNCLEAR, but, destination, source
from trax_mcp.api.models import StreamStatus
from trax_mcp.api.operation import Request
from trax_mcp.api.operations import (
    CreateDestination,
    CreateMediaUpload,
    CreateSource,
    CreateStudio,
    DeleteDestination,
    DeleteSource,
    GetHealth,
    GetOpenapi,
    GetStreamStatus,
    GetStudio,
    GoLive,
    GoOffline,
    ListChatMessages,
    ListConnections,
    ListDestinations,
    ListMedia,
    ListSources,
    ListStudios,
    SendChatMessage,
    UnlinkConnection,
    UpdateDestination,
    UpdateSource,
    UpdateStudio,
)
from trax_mcp.consent.plans import When
from trax_mcp.consent.preview import Target
from trax_mcp.studio.facts import Facts
from trax_mcp.studio.naming import Sentence, note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation

Arguments = dict[str, Any]
"""Arguments of a tool as JSON."""

Hints = dict[str, bool]
"""The annotations of a tool."""


@dataclass(frozen=True)
class Example:
    """A valid call on the seeded sandbox, in Python and as JSON.

    `given` holds the arguments besides the ids in the path, or is None without any: the query of a
    read, and the body of a change. A change also says when it needs consent, and whether it can
    put something new before viewers, now or later.
    """

    operation: Operation[Model]
    given: Arguments | None = None
    when: When | None = None
    to_air: bool | None = None


class Shown(NamedTuple):
    """An operation among facts, and everything that a person is shown about it."""

    operation: Operation[Model]
    facts: Facts
    target: Target
    effects: tuple[Sentence, ...]
    choice: str
    warnings: tuple[Sentence, ...]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An operation: its tool, its call, and examples with all of its arguments.

    The first example is the plainest call. The rest is about changes: the paths that are read
    before the question, first and where the first answers are needed; the arguments that change
    what no read shows, in words; and what a person is shown.
    """

    tool: str
    call: str
    hints: Hints
    examples: tuple[Example, ...]
    reads: tuple[str, ...] = ()
    later_reads: tuple[str, ...] = ()
    hidden: Mapping[str, str] | None = None
    shown: tuple[Shown, ...] = ()

    @property
    def scope(self) -> str | None:
        """The scope that the published reference names."""
        return reference.CALLS[self.call].scope

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


def says(text: str, *ids: str) -> Sentence:
    """A sentence that names the things of these ids."""
    return Sentence(text, ids)


def shown(
    operation: Operation[Model],
    facts: Facts,
    target: Target,
    choice: str,
    *effects: Sentence,
    warnings: tuple[Sentence, ...] = (),
) -> Shown:
    """What a person is shown, with the effects last."""
    return Shown(operation, facts, target, effects, choice, warnings)


def _hints(*, read: bool = False, destructive: bool = False, idempotent: bool = False) -> Hints:
    return {
        "readOnlyHint": read,
        "destructiveHint": destructive,
        "idempotentHint": idempotent,
        "openWorldHint": True,
    }


READ: Final = _hints(read=True, idempotent=True)
ADD: Final = _hints()
GUARDED_ADD: Final = _hints(destructive=True)
GUARDED_CHANGE: Final = _hints(destructive=True, idempotent=True)

NEVER, WHILE_LIVE, ALWAYS = When


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

KEY: Final = SecretStr(STREAM_KEY)
ADDRESS: Final = "rtmps://a.example/app"
FEED: Final = "rtmp://b.example/feed"

S: Final = {"studio_id": "studio_42"}
DEST: Final = {**S, "dest_id": "dest_1"}
SOURCE: Final = {**S, "source_id": "source_1"}

GO_LIVE: Final = GoLive(**S)
GO_OFFLINE: Final = GoOffline(**S)
DELETE_DESTINATION: Final = DeleteDestination(**DEST)
DELETE_SOURCE: Final = DeleteSource(**SOURCE)
UNLINK: Final = UnlinkConnection(connection_id="conn_1")

STUDIO_PATH: Final = "/v1/studios/studio_42"
STUDIO_AND_STATUS: Final = (STUDIO_PATH, f"{STUDIO_PATH}/stream-status")
WITH_DESTINATIONS: Final = (*STUDIO_AND_STATUS, f"{STUDIO_PATH}/destinations", "/v1/health")
WITH_SOURCES: Final = (*STUDIO_AND_STATUS, f"{STUDIO_PATH}/sources", "/v1/health")
STUDIOS_ONLY: Final = ("/v1/studios", "/v1/health")

READABLE: Final = ("studio_42", "studio_43", "studio_51", "studio_60")
"""The studios of the caller. An account may be in use in each of them."""

NOTHING: Final = Facts()
STUDIO: Final = Target("studio_42", "Friday Show")
MAIN: Final = Target("dest_1", "Main", "youtube")
CAMERA: Final = Target("source_1", "Camera")

STARTS: Final = says('Starts a broadcast of "Friday Show" that anyone can watch.', "studio_42")
ENDS: Final = says('Ends the broadcast of "Friday Show" for all viewers.', "studio_42")
ON_MAIN: Final = says('Goes out on "Main" (YouTube).', "dest_1")
ON_LATE: Final = says('Goes out on "Late crowd" (Twitch).', "dest_2")
NOBODY_GETS_IT: Final = says("No destination is enabled: nobody would receive the stream.")
NOTHING_TO_SEE: Final = says("No source is active: viewers may see nothing.")
REMOVES_MAIN: Final = says(
    'Removes the destination "Main" (YouTube) from "Friday Show".', "dest_1", "studio_42"
)
REMOVES_CAMERA: Final = says(
    'Removes the source "Camera" from "Friday Show".', "source_1", "studio_42"
)
KEY_IS_LOST: Final = says("Its stream key is lost: it can only be entered anew.")
ONLY_A_PERSON_LINKS: Final = says("Only a person can link it again, on TRaX.")

TABLE: Final[Sequence[Entry]] = (
    Entry(
        tool="get_health",
        call="GET /v1/health",
        hints=READ,
        examples=(Example(GetHealth()),),
    ),
    Entry(
        tool="get_openapi",
        call="GET /v1/openapi.json",
        hints=READ,
        examples=(Example(GetOpenapi()),),
    ),
    Entry(
        tool="list_studios",
        call="GET /v1/studios",
        hints=READ,
        examples=(
            Example(ListStudios(limit=2), {"limit": 2}),
            Example(ListStudios()),
            Example(ListStudios(cursor=CURSOR, limit=200), {"cursor": CURSOR, "limit": 200}),
        ),
    ),
    Entry(
        tool="create_studio",
        call="POST /v1/studios",
        hints=ADD,
        examples=(
            Example(CreateStudio(name="Late Show"), {"name": "Late Show"}, NEVER, to_air=False),
        ),
        reads=STUDIOS_ONLY,
        hidden={},
        shown=(
            shown(
                CreateStudio(name="Late Show"),
                NOTHING,
                Target(""),
                'Create the studio "Late Show"',
                says('Creates the studio "Late Show".'),
                says("No tool deletes it again."),
            ),
        ),
    ),
    Entry(
        tool="get_studio",
        call="GET /v1/studios/{id}",
        hints=READ,
        examples=(Example(GetStudio(**S)),),
    ),
    Entry(
        tool="update_studio",
        call="PATCH /v1/studios/{id}",
        hints=GUARDED_CHANGE,
        examples=(
            Example(
                UpdateStudio(**S, name="N", auto_go_live=False),
                {"name": "N", "autoGoLive": False},
                NEVER,
                to_air=False,
            ),
            # A studio that goes on air by itself later is a go-live without a yes.
            Example(
                UpdateStudio(**S, auto_go_live=True), {"autoGoLive": True}, ALWAYS, to_air=True
            ),
            Example(
                UpdateStudio(**S, auto_go_live=True, name="N"),
                {"autoGoLive": True, "name": "N"},
                ALWAYS,
                to_air=True,
            ),
            Example(
                UpdateStudio(**S, name="N", auto_go_live=True, auto_go_offline_on_drop=False),
                {"name": "N", "autoGoLive": True, "autoGoOfflineOnDrop": False},
                ALWAYS,
                to_air=True,
            ),
            Example(
                UpdateStudio(**S, auto_go_live=False), {"autoGoLive": False}, NEVER, to_air=False
            ),
            Example(
                UpdateStudio(**S, auto_go_offline_on_drop=True),
                {"autoGoOfflineOnDrop": True},
                WHILE_LIVE,
                to_air=False,
            ),
            Example(
                UpdateStudio(**S, auto_go_offline_on_drop=False),
                {"autoGoOfflineOnDrop": False},
                NEVER,
                to_air=False,
            ),
            Example(UpdateStudio(**S, name="N"), {"name": "N"}, NEVER, to_air=False),
        ),
        reads=WITH_DESTINATIONS,
        hidden={},
        shown=(
            shown(
                UpdateStudio(**S, name="Late Show", auto_go_live=True),
                EVERYTHING,
                STUDIO,
                'Change the studio "Friday Show"',
                says('Sets name of "Friday Show" to "Late Show".', "studio_42"),
                says('Sets autoGoLive of "Friday Show" to true.', "studio_42"),
                says("From then on the studio can go on air by itself, without another yes."),
                says('It would go out on "Main" (YouTube).', "dest_1"),
                says('It would go out on "Late crowd" (Twitch).', "dest_2"),
            ),
            shown(
                UpdateStudio(**S, auto_go_live=False, auto_go_offline_on_drop=True),
                LIVE,
                STUDIO,
                'Change the studio "Friday Show"',
                says('Sets autoGoLive of "Friday Show" to false.', "studio_42"),
                says('Sets autoGoOfflineOnDrop of "Friday Show" to true.', "studio_42"),
                says(
                    "The studio is on air. From then on it goes off air by itself if the stream"
                    " drops."
                ),
            ),
        ),
    ),
    Entry(
        tool="list_destinations",
        call="GET /v1/studios/{id}/destinations",
        hints=READ,
        examples=(
            Example(ListDestinations(**S, limit=200), {"limit": 200}),
            Example(ListDestinations(**S, cursor=CURSOR, limit=1), {"cursor": CURSOR, "limit": 1}),
        ),
    ),
    Entry(
        tool="create_destination",
        call="POST /v1/studios/{id}/destinations",
        hints=GUARDED_ADD,
        examples=(
            # A destination that is enabled while live takes the stream to new viewers.
            Example(
                CreateDestination(**S, name="N", platform="kick", connection_id="conn_1"),
                {"name": "N", "platform": "kick", "connectionId": "conn_1"},
                WHILE_LIVE,
                to_air=True,
            ),
            Example(
                CreateDestination(**S, name="N", platform="kick"),
                {"name": "N", "platform": "kick"},
                WHILE_LIVE,
                to_air=True,
            ),
            Example(
                CreateDestination(**S, name="N", platform="kick", enabled=True),
                {"name": "N", "platform": "kick", "enabled": True},
                WHILE_LIVE,
                to_air=True,
            ),
            Example(
                CreateDestination(**S, name="N", platform="kick", enabled=False),
                {"name": "N", "platform": "kick", "enabled": False},
                NEVER,
                to_air=False,
            ),
            Example(
                CreateDestination(**S, name="N", platform="kick", rtmp_url=ADDRESS, stream_key=KEY),
                {"name": "N", "platform": "kick", "rtmpUrl": ADDRESS, "streamKey": STREAM_KEY},
                WHILE_LIVE,
                to_air=True,
            ),
            Example(
                CreateDestination(
                    **S,
                    name="N",
                    platform="kick",
                    rtmp_url=ADDRESS,
                    stream_key=KEY,
                    enabled=False,
                    vertical=True,
                ),
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
        shown=(
            shown(
                CreateDestination(
                    **S,
                    name="Backup",
                    platform="youtube",
                    rtmp_url="rtmp://c.example/app",
                    stream_key=KEY,
                    enabled=True,
                    vertical=False,
                ),
                LIVE,
                STUDIO,
                'Add the destination "Backup" to "Friday Show"',
                says('Adds the destination "Backup" (YouTube) to "Friday Show".', "studio_42"),
                says('Sets its rtmpUrl to c.example ("rtmp://c.example/app").'),
                says("Sets its streamKey to what you gave."),
                says("Sets its enabled to true."),
                says("Sets its vertical to false."),
                says("The studio is on air. The stream may go out there at once."),
            ),
            shown(
                CreateDestination(**S, name="Backup", platform="my own", connection_id="conn_1"),
                EVERYTHING,
                STUDIO,
                'Add the destination "Backup" to "Friday Show"',
                says('Adds the destination "Backup" ("my own") to "Friday Show".', "studio_42"),
                says('Sets its connectionId to "conn_1".'),
            ),
        ),
    ),
    Entry(
        tool="update_destination",
        call="PATCH /v1/studios/{id}/destinations/{destId}",
        hints=GUARDED_CHANGE,
        examples=(
            Example(
                UpdateDestination(**DEST, enabled=False),
                {"enabled": False},
                WHILE_LIVE,
                to_air=False,
            ),
            Example(
                UpdateDestination(**DEST, enabled=True), {"enabled": True}, WHILE_LIVE, to_air=True
            ),
            Example(
                UpdateDestination(**DEST, vertical=True),
                {"vertical": True},
                WHILE_LIVE,
                to_air=False,
            ),
            Example(
                UpdateDestination(**DEST, vertical=False),
                {"vertical": False},
                WHILE_LIVE,
                to_air=False,
            ),
            Example(
                UpdateDestination(**DEST, vertical=False, name="N"),
                {"vertical": False, "name": "N"},
                WHILE_LIVE,
                to_air=False,
            ),
            Example(UpdateDestination(**DEST, name="N"), {"name": "N"}, NEVER, to_air=False),
            # What no read ever shows again is lost when it is overwritten.
            Example(
                UpdateDestination(**DEST, rtmp_url=ADDRESS),
                {"rtmpUrl": ADDRESS},
                ALWAYS,
                to_air=False,
            ),
            Example(
                UpdateDestination(**DEST, stream_key=KEY),
                {"streamKey": STREAM_KEY},
                ALWAYS,
                to_air=False,
            ),
            Example(
                UpdateDestination(**DEST, platform="kick"),
                {"platform": "kick"},
                ALWAYS,
                to_air=False,
            ),
            Example(
                UpdateDestination(**DEST, platform="kick", name="N"),
                {"platform": "kick", "name": "N"},
                ALWAYS,
                to_air=False,
            ),
            Example(
                UpdateDestination(**DEST, platform="kick", enabled=False, name="N"),
                {"platform": "kick", "enabled": False, "name": "N"},
                ALWAYS,
                to_air=False,
            ),
            Example(
                UpdateDestination(**DEST, stream_key=KEY, enabled=False),
                {"streamKey": STREAM_KEY, "enabled": False},
                ALWAYS,
                to_air=False,
            ),
            Example(
                UpdateDestination(**DEST, enabled=True, rtmp_url=ADDRESS),
                {"enabled": True, "rtmpUrl": ADDRESS},
                ALWAYS,
                to_air=True,
            ),
            Example(
                UpdateDestination(
                    **DEST,
                    name="N",
                    platform="kick",
                    rtmp_url=ADDRESS,
                    stream_key=KEY,
                    enabled=True,
                    vertical=True,
                ),
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
        shown=(
            shown(
                UpdateDestination(**DEST, platform="kick", rtmp_url=ADDRESS, stream_key=KEY),
                EVERYTHING,
                MAIN,
                'Change the destination "Main"',
                says(
                    'Sets rtmpUrl of "Main" (YouTube) to a.example ("rtmps://a.example/app").',
                    "dest_1",
                ),
                says('Sets platform of "Main" (YouTube) to "kick".', "dest_1"),
                says('Sets streamKey of "Main" (YouTube) to what you gave.', "dest_1"),
                says("What was there as rtmpUrl, streamKey and platform is overwritten."),
            ),
            shown(
                UpdateDestination(**DEST, stream_key=KEY),
                EVERYTHING,
                MAIN,
                'Change the destination "Main"',
                says('Sets streamKey of "Main" (YouTube) to what you gave.', "dest_1"),
                says("What was there as streamKey is overwritten."),
            ),
            shown(
                UpdateDestination(**DEST, name="Second", enabled=False, vertical=True),
                UNCLEAR,
                MAIN,
                'Change the destination "Main"',
                says('Sets name of "Main" (YouTube) to "Second".', "dest_1"),
                says('Sets enabled of "Main" (YouTube) to false.', "dest_1"),
                says('Sets vertical of "Main" (YouTube) to true.', "dest_1"),
                says("The studio may be on air. Viewers may see the change at once."),
            ),
        ),
    ),
    Entry(
        tool="delete_destination",
        call="DELETE /v1/studios/{id}/destinations/{destId}",
        hints=GUARDED_CHANGE,
        examples=(Example(DELETE_DESTINATION, None, ALWAYS, to_air=False),),
        reads=WITH_DESTINATIONS,
        hidden={},
        shown=(
            shown(
                DELETE_DESTINATION,
                EVERYTHING,
                MAIN,
                'Delete the destination "Main"',
                REMOVES_MAIN,
                KEY_IS_LOST,
            ),
            shown(
                DELETE_DESTINATION,
                LIVE,
                MAIN,
                'Delete the destination "Main"',
                REMOVES_MAIN,
                KEY_IS_LOST,
                says("The studio is on air. Viewers there may lose the stream at once."),
            ),
            shown(
                DELETE_DESTINATION,
                NOTHING,
                Target("dest_1"),
                'Delete the destination "dest_1"',
                says('Removes the destination "dest_1" from the studio.', "dest_1"),
                KEY_IS_LOST,
                says("The studio may be on air. Viewers there may lose the stream at once."),
            ),
        ),
    ),
    Entry(
        tool="list_sources",
        call="GET /v1/studios/{id}/sources",
        hints=READ,
        examples=(
            Example(ListSources(**S)),
            Example(ListSources(**S, cursor=CURSOR, limit=1), {"cursor": CURSOR, "limit": 1}),
        ),
    ),
    Entry(
        tool="create_source",
        call="POST /v1/studios/{id}/sources",
        hints=GUARDED_ADD,
        examples=(
            Example(
                CreateSource(**S, name="N", type="webcam"),
                {"name": "N", "type": "webcam"},
                WHILE_LIVE,
                to_air=True,
            ),
            Example(
                CreateSource(**S, name="N", type="webcam", active=True),
                {"name": "N", "type": "webcam", "active": True},
                WHILE_LIVE,
                to_air=True,
            ),
            Example(
                CreateSource(**S, name="N", type="webcam", active=False),
                {"name": "N", "type": "webcam", "active": False},
                NEVER,
                to_air=False,
            ),
            Example(
                CreateSource(**S, name="N", type="rtmp", url=FEED),
                {"name": "N", "type": "rtmp", "url": FEED},
                WHILE_LIVE,
                to_air=True,
            ),
            Example(
                CreateSource(**S, name="N", type="rtmp", url=FEED, active=False),
                {"name": "N", "type": "rtmp", "url": FEED, "active": False},
                NEVER,
                to_air=False,
            ),
        ),
        reads=WITH_SOURCES,
        hidden={},
        shown=(
            shown(
                CreateSource(**S, name="Feed", type="rtmp", url="rtmp://d.example/feed"),
                UNCLEAR,
                STUDIO,
                'Add the source "Feed" to "Friday Show"',
                says('Adds the source "Feed" (rtmp) to "Friday Show".', "studio_42"),
                says('Sets its url to d.example ("rtmp://d.example/feed").'),
                says("The studio may be on air. Viewers may see it at once."),
            ),
        ),
    ),
    Entry(
        tool="update_source",
        call="PATCH /v1/studios/{id}/sources/{sourceId}",
        hints=GUARDED_CHANGE,
        examples=(
            Example(
                UpdateSource(**SOURCE, active=False), {"active": False}, WHILE_LIVE, to_air=False
            ),
            Example(UpdateSource(**SOURCE, active=True), {"active": True}, WHILE_LIVE, to_air=True),
            Example(
                UpdateSource(**SOURCE, active=False, name="N"),
                {"active": False, "name": "N"},
                WHILE_LIVE,
                to_air=False,
            ),
            Example(UpdateSource(**SOURCE, url=FEED), {"url": FEED}, WHILE_LIVE, to_air=False),
            Example(
                UpdateSource(**SOURCE, url=FEED, name="N"),
                {"url": FEED, "name": "N"},
                WHILE_LIVE,
                to_air=False,
            ),
            Example(
                UpdateSource(**SOURCE, url=FEED, name="N", active=True),
                {"url": FEED, "name": "N", "active": True},
                WHILE_LIVE,
                to_air=True,
            ),
            Example(UpdateSource(**SOURCE, name="N"), {"name": "N"}, NEVER, to_air=False),
        ),
        reads=WITH_SOURCES,
        hidden={"url": "the address"},
        shown=(
            shown(
                UpdateSource(**SOURCE, url=FEED, active=True),
                LIVE,
                CAMERA,
                'Change the source "Camera"',
                says('Sets url of "Camera" to b.example ("rtmp://b.example/feed").', "source_1"),
                says('Sets active of "Camera" to true.', "source_1"),
                says("The studio is on air. Viewers may see the change at once."),
            ),
            shown(
                UpdateSource(**SOURCE, name="Host"),
                EVERYTHING,
                CAMERA,
                'Change the source "Camera"',
                says('Sets name of "Camera" to "Host".', "source_1"),
            ),
        ),
    ),
    Entry(
        tool="delete_source",
        call="DELETE /v1/studios/{id}/sources/{sourceId}",
        hints=GUARDED_CHANGE,
        examples=(Example(DELETE_SOURCE, None, ALWAYS, to_air=False),),
        reads=WITH_SOURCES,
        hidden={},
        shown=(
            shown(
                DELETE_SOURCE,
                EVERYTHING,
                CAMERA,
                'Delete the source "Camera"',
                REMOVES_CAMERA,
            ),
            shown(
                DELETE_SOURCE,
                LIVE,
                CAMERA,
                'Delete the source "Camera"',
                REMOVES_CAMERA,
                says("The studio is on air. It may vanish from the picture at once."),
            ),
            shown(
                DELETE_SOURCE,
                NOTHING,
                Target("source_1"),
                'Delete the source "source_1"',
                says('Removes the source "source_1" from the studio.', "source_1"),
                says("The studio may be on air. It may vanish from the picture at once."),
            ),
        ),
    ),
    Entry(
        tool="get_stream_status",
        call="GET /v1/studios/{id}/stream-status",
        hints=READ,
        examples=(Example(GetStreamStatus(**S)),),
    ),
    Entry(
        tool="go_live",
        call="POST /v1/studios/{id}/go-live",
        hints=GUARDED_ADD,
        examples=(Example(GO_LIVE, None, ALWAYS, to_air=True),),
        reads=(
            *STUDIO_AND_STATUS,
            f"{STUDIO_PATH}/destinations",
            f"{STUDIO_PATH}/sources",
            "/v1/connections",
            "/v1/health",
        ),
        hidden={},
        shown=(
            shown(
                GO_LIVE,
                EVERYTHING,
                STUDIO,
                'Go live on YouTube and Twitch: "Friday Show"',
                STARTS,
                ON_MAIN,
                ON_LATE,
                says('Can be on screen: "Camera" (webcam).', "source_1"),
            ),
            shown(
                GO_LIVE,
                but(
                    destinations=(destination("dest_1", "Shorts", "youtube", vertical=True),),
                    sources=(
                        source("source_1", "Camera"),
                        source("source_2", "Guest", "webrtc input"),
                    ),
                ),
                STUDIO,
                'Go live on YouTube: "Friday Show"',
                STARTS,
                says('Goes out on "Shorts" (YouTube, portrait).', "dest_1"),
                says('Can be on screen: "Camera" (webcam).', "source_1"),
                says('Can be on screen: "Guest" ("webrtc input").', "source_2"),
            ),
            shown(
                GO_LIVE,
                but(destinations=(), sources=()),
                STUDIO,
                'Go live: "Friday Show"',
                STARTS,
                warnings=(NOBODY_GETS_IT, NOTHING_TO_SEE),
            ),
            shown(
                GO_LIVE,
                NOTHING,
                Target("studio_42"),
                'Go live: "studio_42"',
                says('Starts a broadcast of "studio_42" that anyone can watch.', "studio_42"),
            ),
        ),
    ),
    Entry(
        tool="go_offline",
        call="POST /v1/studios/{id}/go-offline",
        hints=GUARDED_ADD,
        examples=(Example(GO_OFFLINE, None, ALWAYS, to_air=False),),
        reads=(*STUDIO_AND_STATUS, f"{STUDIO_PATH}/destinations"),
        hidden={},
        shown=(
            shown(
                GO_OFFLINE,
                LIVE,
                STUDIO,
                'Go offline: "Friday Show"',
                ENDS,
                note("It has been on air for 12 minutes (since 18:00 UTC)."),
                says('Leaves "Main" (YouTube).', "dest_1"),
                says('Leaves "Late crowd" (Twitch).', "dest_2"),
            ),
            shown(
                GO_OFFLINE,
                but(status=StreamStatus(live=True), destinations=None),
                STUDIO,
                'Go offline: "Friday Show"',
                ENDS,
                note("It is on air."),
            ),
            shown(
                GO_OFFLINE,
                EVERYTHING,
                STUDIO,
                'Go offline: "Friday Show"',
                ENDS,
                says("It does not seem to be on air: a start that is under way is stopped too."),
            ),
            shown(
                GO_OFFLINE,
                NOTHING,
                Target("studio_42"),
                'Go offline: "studio_42"',
                says('Ends the broadcast of "studio_42" for all viewers.', "studio_42"),
            ),
        ),
    ),
    Entry(
        tool="list_chat_messages",
        call="GET /v1/studios/{id}/chat/messages",
        hints=READ,
        examples=(
            Example(ListChatMessages(**S)),
            Example(ListChatMessages(**S, limit=2), {"limit": 2}),
        ),
    ),
    Entry(
        tool="send_chat_message",
        call="POST /v1/studios/{id}/chat/messages",
        hints=ADD,
        examples=(
            Example(
                SendChatMessage(**S, text="Grüße \U0001f44b", platforms=("twitch",)),
                {"text": "Grüße \U0001f44b", "platforms": ["twitch"]},
                NEVER,
                to_air=False,
            ),
            Example(SendChatMessage(**S, text="Hello"), {"text": "Hello"}, NEVER, to_air=False),
            Example(
                SendChatMessage(**S, text="Hi", platforms=("twitch", "kick")),
                {"text": "Hi", "platforms": ["twitch", "kick"]},
                NEVER,
                to_air=False,
            ),
            Example(
                SendChatMessage(**S, text="Hi", platforms=()),
                {"text": "Hi", "platforms": []},
                NEVER,
                to_air=False,
            ),
        ),
        reads=WITH_DESTINATIONS,
        hidden={},
        shown=(
            shown(
                SendChatMessage(**S, text="Hi\nall", platforms=("youtube", "twitch")),
                EVERYTHING,
                STUDIO,
                'Send the message to the chat of "Friday Show"',
                says(
                    'Says in the public chat of "Friday Show" on YouTube and Twitch: '
                    r'"Hi\u000aall".',
                    "studio_42",
                ),
            ),
            shown(
                SendChatMessage(**S, text="Hello"),
                NOTHING,
                Target("studio_42"),
                'Send the message to the chat of "studio_42"',
                says('Says in the public chat of the studio: "Hello".'),
            ),
        ),
    ),
    Entry(
        tool="list_connections",
        call="GET /v1/connections",
        hints=READ,
        examples=(
            Example(ListConnections()),
            Example(ListConnections(cursor=CURSOR, limit=200), {"cursor": CURSOR, "limit": 200}),
        ),
    ),
    Entry(
        tool="unlink_connection",
        call="DELETE /v1/connections/{connectionId}",
        hints=GUARDED_CHANGE,
        examples=(Example(UNLINK, None, ALWAYS, to_air=False),),
        reads=("/v1/connections", "/v1/studios", "/v1/health"),
        later_reads=tuple(
            f"/v1/studios/{studio}/{what}"
            for studio in READABLE
            for what in ("stream-status", "destinations")
        ),
        hidden={},
        shown=(
            shown(
                UNLINK,
                EVERYTHING,
                Target("conn_1", "Robin", "youtube"),
                'Unlink the account "Robin"',
                says('Unlinks the YouTube account "Robin" from TRaX.', "conn_1"),
                ONLY_A_PERSON_LINKS,
            ),
            shown(
                UNLINK,
                NOTHING,
                Target("conn_1"),
                'Unlink the account "conn_1"',
                says('Unlinks the account "conn_1" from TRaX.', "conn_1"),
                ONLY_A_PERSON_LINKS,
            ),
        ),
    ),
    Entry(
        tool="list_media",
        call="GET /v1/media",
        hints=READ,
        examples=(
            Example(ListMedia()),
            Example(ListMedia(cursor=CURSOR, limit=1), {"cursor": CURSOR, "limit": 1}),
        ),
    ),
    Entry(
        tool="create_media_upload",
        call="POST /v1/media",
        hints=ADD,
        examples=(
            Example(
                CreateMediaUpload(filename="a.mp4", content_type="video/mp4", byte_size=1),
                {"filename": "a.mp4", "contentType": "video/mp4", "byteSize": 1},
                NEVER,
                to_air=False,
            ),
            Example(
                CreateMediaUpload(
                    filename="a.mp4", content_type="video/mp4", byte_size=0, folder="Openers"
                ),
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
        shown=(
            shown(
                CreateMediaUpload(
                    filename="a.mp4", content_type="video/mp4", byte_size=7, folder="Clips"
                ),
                NOTHING,
                Target(""),
                'Reserve room for "a.mp4"',
                says(
                    'Reserves room in the media library for the file "a.mp4" (video/mp4, 7 bytes).'
                ),
                says('Sets its folder to "Clips".'),
            ),
        ),
    ),
)
"""One for each documented call, in the order in which the tools are listed."""

EXAMPLES: Final = tuple((entry, example) for entry in TABLE for example in entry.examples)
"""All examples, each with its entry."""

CHANGES: Final = tuple((entry, it) for entry, it in EXAMPLES if it.when is not None)
"""The examples that change something."""
