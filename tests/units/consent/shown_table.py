"""The sentences that a person is shown before they agree, by operation and facts. By hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import SecretStr

from tests.support.operation_table import ADDRESS, CHANGES, FEED, STREAM_KEY
from tests.units.studio_facts import EVERYTHING, LIVE, UNCLEAR, but, destination, showing, source
from trax_mcp import actions
from trax_mcp.actions.chat_and_media import CreateMediaUpload, SendChatMessage
from trax_mcp.actions.connections import UnlinkConnection
from trax_mcp.actions.destinations import CreateDestination, DeleteDestination, UpdateDestination
from trax_mcp.actions.sources import CreateSource, DeleteSource, UpdateSource
from trax_mcp.actions.stream import GoLive, GoOffline
from trax_mcp.actions.studios import CreateStudio, UpdateStudio
from trax_mcp.actions.view import Target
from trax_mcp.api.models import StreamStatus
from trax_mcp.studio.facts import Facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.operation_table import Entry, Example
    from trax_mcp.actions.change import Change
    from trax_mcp.actions.shown import Preview


class Shown(NamedTuple):
    """An operation among facts, and everything that a person is shown about it."""

    operation: Change[Any]
    facts: Facts
    target: Target
    lines: tuple[str, ...]


def shown(operation: Change[Any], facts: Facts, target: Target, lines: str) -> Shown:
    """What a person is shown: the headline, both choices, and then a sentence a line."""
    return Shown(operation, facts, target, tuple(it.strip() for it in lines.strip().splitlines()))


def lines_of(preview: Preview) -> tuple[str, ...]:
    """A preview as the table has it."""
    return (
        preview.headline.text,
        f"[{preview.no}] [{preview.yes}]",
        *(f"Warning: {it.text}" for it in preview.warnings),
        *(f"{'Note: ' if it.is_note else ''}{it.text}" for it in preview.effects),
    )


def operation_of(entry: Entry, example: Example) -> Change[Any]:
    """An example of the table of operations, as an operation."""
    (kind,) = (it for it in actions.CHANGES if it.tool_name == entry.tool)
    return kind.model_validate(entry.arguments(example))


CHANGING: Final = [operation_of(entry, example) for entry, example in CHANGES]
"""Every example of an operation that changes something."""

KEY: Final = SecretStr(STREAM_KEY)
S: Final = {"studio_id": "studio_42"}
DEST: Final = {**S, "dest_id": "dest_1"}
SOURCE: Final = {**S, "source_id": "source_1"}

GO_LIVE: Final = GoLive(**S)
GO_OFFLINE: Final = GoOffline(**S)
DELETE_DESTINATION: Final = DeleteDestination(**DEST)
DELETE_SOURCE: Final = DeleteSource(**SOURCE)
UNLINK: Final = UnlinkConnection(connection_id="conn_1")

NOTHING: Final = Facts()
STUDIO: Final = Target("studio_42", "Friday Show")
MAIN: Final = Target("dest_1", "Main", "youtube")
CAMERA: Final = Target("source_1", "Camera")

JOINS: Final = "may join now or only at the next show: TRaX doesn't say."
LEAVES: Final = "may drop out now or only after the show: TRaX doesn't say."
SHORTS: Final = but(
    destinations=(destination("dest_1", "Shorts", "youtube", vertical=True),),
    sources=(source("source_1", "Camera"), source("source_2", "Guest", "webrtc input")),
)

SHOWN: Final[Sequence[Shown]] = (
    shown(CreateStudio(name="Late Show"), NOTHING, Target(""), """
        Create the studio "Late Show"?
        [Don't create it] [Create the studio]
        This can't be undone here: no tool deletes a studio.
    """),
    shown(UpdateStudio(**S, name="Late Show", auto_go_live=True), EVERYTHING, STUDIO, """
        Let "Friday Show" go live on its own and rename it?
        [Leave it as it is] [Let it go live on its own and rename it]
        From now on it can go on air without asking you. TRaX doesn't say what triggers it.
        Would stream to: "Late crowd" (Twitch), "Main" (YouTube)
        New name: "Late Show"
        This stays on until you turn it off.
    """),
    shown(UpdateStudio(**S, auto_go_live=False, auto_go_offline_on_drop=True), LIVE, STUDIO, """
        Stop "Friday Show" going live on its own and let it go offline if its input drops?
        [Leave it as it is] [Stop it going live on its own, make 1 change]
        From now on a show ends on its own if its input drops.
        You're on air, so this counts for the current show too.
    """),
    shown(CreateDestination(**S, name="Backup", platform="youtube", rtmp_url="rtmp://c.example/app",
                            stream_key=KEY, enabled=True, vertical=False), LIVE, STUDIO, """
        Add "Backup" (YouTube) to "Friday Show"?
        [Don't add it] [Add a YouTube destination]
        You're on air. YouTube may join now or only at the next show: TRaX doesn't say.
        Server: c.example ("rtmp://c.example/app")
        Stream key: 22 characters, ending in "rint"
        Picture: landscape
        It stays on for later shows until you turn it off.
    """),
    shown(CreateDestination(**S, name="Backup", platform="my own", connection_id="conn_1"),
          EVERYTHING, STUDIO, """
        Add "Backup" ("my own") to "Friday Show"?
        [Don't add it] [Add a destination]
        Account: "Robin"
        It stays on for later shows until you turn it off.
    """),
    shown(UpdateDestination(**DEST, platform="kick", rtmp_url=ADDRESS, stream_key=KEY),
          EVERYTHING, MAIN, """
        Send "Main" (YouTube) to a new server, replace its stream key and change its platform?
        [Leave it as it is] [Send it to a new server and make 2 changes]
        You can't get the old address back: TRaX never shows it.
        You can't get the old key back: TRaX never shows it.
        New server: a.example ("rtmps://a.example/app")
        New key: 22 characters, ending in "rint"
        New platform: Kick
    """),
    shown(UpdateDestination(**DEST, name="Second", enabled=False, vertical=True),
          UNCLEAR, MAIN, """
        Turn off "Main" (YouTube), switch it to portrait video and rename it?
        [Leave it as it is] [Turn off YouTube and make 2 more changes]
        You may be on air. YouTube may drop out now or only after the show: TRaX doesn't say.
        Picture: portrait
        New name: "Second"
        It stays off for later shows until you turn it back on.
    """),
    shown(UpdateDestination(**DEST, enabled=True), LIVE, MAIN, """
        Turn on "Main" (YouTube)?
        [Keep it off] [Turn on YouTube]
        You're on air. YouTube may join now or only at the next show: TRaX doesn't say.
        It stays on for later shows until you turn it off.
    """),
    shown(UpdateDestination(**DEST, vertical=True), LIVE, MAIN, """
        Switch "Main" (YouTube) to portrait video?
        [Leave it as it is] [Switch to portrait video]
        You're on air, so viewers may see this at once.
    """),
    shown(CreateDestination(**S, name="Backup", platform="kick", enabled=False),
          LIVE, STUDIO, """
        Add "Backup" (Kick) to "Friday Show"?
        [Don't add it] [Add a Kick destination]
        It stays off until you turn it on.
    """),
    shown(DELETE_DESTINATION, EVERYTHING, MAIN, """
        Delete "Main" (YouTube) from "Friday Show"?
        [Keep it] [Delete the YouTube destination]
        This is final. You'd have to enter its stream key again.
        Nothing is deleted on YouTube.
    """),
    shown(DELETE_DESTINATION, LIVE, MAIN, """
        Delete "Main" (YouTube) from "Friday Show"?
        [Keep it] [Delete the YouTube destination]
        This is final. You'd have to enter its stream key again.
        You're on air. YouTube may drop out now or only after the show: TRaX doesn't say.
        Nothing is deleted on YouTube.
    """),
    shown(DELETE_DESTINATION, NOTHING, Target("dest_1"), """
        Delete "dest_1" from the studio?
        [Keep it] [Delete the destination]
        This is final. You'd have to enter its stream key again.
        You may be on air. It may drop out now or only after the show: TRaX doesn't say.
        Nothing is deleted on the platform.
    """),
    shown(CreateSource(**S, name="Feed", type="rtmp", url="rtmp://d.example/feed"),
          UNCLEAR, STUDIO, """
        Add "Feed" (rtmp) to "Friday Show"?
        [Don't add it] [Add the source]
        You may be on air, so viewers may see it at once.
        Address: d.example ("rtmp://d.example/feed")
        It stays on for later shows until you turn it off.
    """),
    shown(CreateSource(**S, name="Feed", type="rtmp", active=False), LIVE, STUDIO, """
        Add "Feed" (rtmp) to "Friday Show"?
        [Don't add it] [Add the source]
        It stays off until you turn it on.
    """),
    shown(UpdateSource(**SOURCE, url=FEED, active=True), LIVE, CAMERA, """
        Replace the address of "Camera" and turn it on?
        [Leave it as it is] [Replace its address and turn it on]
        You can't get the old address back: TRaX never shows it.
        You're on air, so viewers may see it at once.
        New address: b.example ("rtmp://b.example/feed")
        It stays on for later shows until you turn it off.
    """),
    shown(UpdateSource(**SOURCE, active=False), LIVE, CAMERA, """
        Turn off "Camera"?
        [Keep it on] [Turn off the source]
        You're on air, so it may vanish from the picture at once.
        It stays off for later shows until you turn it back on.
    """),
    shown(UpdateSource(**SOURCE, url=FEED), LIVE, CAMERA, """
        Replace the address of "Camera"?
        [Keep the old address] [Replace its address]
        You can't get the old address back: TRaX never shows it.
        You're on air, so viewers may see this at once.
        New address: b.example ("rtmp://b.example/feed")
    """),
    shown(UpdateSource(**SOURCE, name="Host"), EVERYTHING, CAMERA, """
        Rename "Camera"?
        [Keep the name] [Rename the source]
        New name: "Host"
    """),
    shown(DELETE_SOURCE, showing(source("source_1", "Camera", "srt")), CAMERA, """
        Delete "Camera" from "Friday Show"?
        [Keep it] [Delete the source]
        This is final. You'd have to add it again.
    """),
    shown(DELETE_SOURCE, showing(source("source_1", "Camera", "media")), CAMERA, """
        Delete "Camera" from "Friday Show"?
        [Keep it] [Delete the source]
        This is final. You'd have to add it again.
        TRaX doesn't say whether its file stays in the media library.
    """),
    shown(DELETE_SOURCE, LIVE, CAMERA, """
        Delete "Camera" from "Friday Show"?
        [Keep it] [Delete the source]
        This is final. You'd have to add it again.
        You're on air, so it may vanish from the picture at once.
    """),
    shown(DELETE_SOURCE, NOTHING, Target("source_1"), """
        Delete "source_1" from the studio?
        [Keep it] [Delete the source]
        This is final. You'd have to add it again.
        You may be on air, so it may vanish from the picture at once.
    """),
    shown(GO_LIVE, EVERYTHING, STUDIO, """
        Go live with "Friday Show"?
        [Don't go live] [Go live on YouTube and Twitch]
        Anyone can watch.
        Streams to: "Late crowd" (Twitch), "Main" (YouTube)
        Stays off: "Trying out" (Kick)
        May be on screen: "Camera"
    """),
    shown(GO_LIVE, SHORTS, STUDIO, """
        Go live with "Friday Show"?
        [Don't go live] [Go live on YouTube]
        Anyone can watch.
        Streams to: "Shorts" (YouTube, portrait)
        May be on screen: "Camera", "Guest"
    """),
    shown(GO_LIVE, but(destinations=(), sources=()), STUDIO, """
        Go live with "Friday Show"?
        [Don't go live] [Go live]
        Warning: There are no destinations, so nobody would see the show.
        Warning: There are no sources, so viewers may see nothing.
        Anyone can watch.
    """),
    shown(GO_LIVE, NOTHING, Target("studio_42"), """
        Go live with "studio_42"?
        [Don't go live] [Go live]
        Anyone can watch.
    """),
    shown(GO_OFFLINE, LIVE, STUDIO, """
        Take "Friday Show" off air?
        [Stay on air] [Go offline]
        The show ends for all viewers.
        Note: It has been on air for 12 minutes (since 18:00 UTC).
        Streams to: "Late crowd" (Twitch), "Main" (YouTube)
    """),
    shown(GO_OFFLINE, but(status=StreamStatus(live=True), destinations=None), STUDIO, """
        Take "Friday Show" off air?
        [Stay on air] [Go offline]
        The show ends for all viewers.
        Note: It is on air.
    """),
    shown(GO_OFFLINE, EVERYTHING, STUDIO, """
        Take "Friday Show" off air?
        [Stay on air] [Go offline]
        The show ends for all viewers.
        It doesn't seem to be on air. If it's just starting, that's stopped too.
    """),
    shown(GO_OFFLINE, NOTHING, Target("studio_42"), """
        Take "studio_42" off air?
        [Stay on air] [Go offline]
        The show ends for all viewers.
    """),
    shown(SendChatMessage(**S, text="Hi\nall", platforms=("youtube", "twitch")),
          EVERYTHING, STUDIO, """
        Send a message to the chat of "Friday Show"?
        [Don't send it] [Send it to YouTube and Twitch]
        Anyone can read it.
        Message: "Hi\\u000aall"
        On: YouTube and Twitch
    """),
    shown(SendChatMessage(**S, text="Hello"), NOTHING, Target("studio_42"), """
        Send a message to the chat of "studio_42"?
        [Don't send it] [Send the message]
        Anyone can read it.
        Message: "Hello"
    """),
    shown(UNLINK, EVERYTHING, Target("conn_1", "Robin", "youtube"), """
        Unlink the YouTube account "Robin"?
        [Keep it linked] [Unlink the YouTube account]
        Only you can link it again on TRaX.
        Nothing is deleted on YouTube.
    """),
    shown(UNLINK, NOTHING, Target("conn_1"), """
        Unlink the account "conn_1"?
        [Keep it linked] [Unlink the account]
        Only you can link it again on TRaX.
        Nothing is deleted on the platform.
    """),
    shown(CreateMediaUpload(filename="a.mp4", content_type="video/mp4", byte_size=7,
                            folder="Clips"), NOTHING, Target(""), """
        Make room for "a.mp4" in the media library?
        [Don't add it] [Make room for the file]
        File: video/mp4, 7 bytes
        Folder: "Clips"
    """),
)  # fmt: skip
