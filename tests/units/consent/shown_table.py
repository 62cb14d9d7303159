"""The sentences that a person is shown before they agree, by operation and facts. By hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pydantic import SecretStr

from tests.support.operation_table import ADDRESS, CHANGES, FEED, STREAM_KEY
from tests.units.studio_facts import EVERYTHING, LIVE, UNCLEAR, but, destination, showing, source
from trax_mcp.api.models import StreamStatus
from trax_mcp.api.operations import (
    OPERATIONS,
    CreateDestination,
    CreateMediaUpload,
    CreateSource,
    CreateStudio,
    DeleteDestination,
    DeleteSource,
    GoLive,
    GoOffline,
    SendChatMessage,
    UnlinkConnection,
    UpdateDestination,
    UpdateSource,
    UpdateStudio,
)
from trax_mcp.consent.preview import Target
from trax_mcp.studio.facts import Facts
from trax_mcp.studio.naming import Sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.operation_table import Entry, Example
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation


class Shown(NamedTuple):
    """An operation among facts, and everything that a person is shown about it."""

    operation: Operation[Model]
    facts: Facts
    target: Target
    effects: tuple[Sentence, ...]
    choice: str
    warnings: tuple[Sentence, ...]


def says(text: str, *ids: str) -> Sentence:
    """A sentence that names the things of these ids."""
    return Sentence(text, ids)


def _read(line: str) -> Sentence:
    """A line of the table. The ids of the things that it names stand in brackets behind it."""
    text, _, ids = line.partition(" [")
    is_note = text.startswith("Note: ")
    return Sentence(text.removeprefix("Note: "), tuple(ids.rstrip("]").split()), is_note)


def shown(operation: Operation[Model], facts: Facts, target: Target, lines: str) -> Shown:
    """What a person is shown: the choice, and then a sentence a line."""
    choice, *rest = (it.strip() for it in lines.strip().splitlines())
    warnings = [it for it in rest if it.startswith("Warning: ")]
    return Shown(
        operation,
        facts,
        target,
        effects=tuple(_read(it) for it in rest if it not in warnings),
        choice=choice,
        warnings=tuple(_read(it.removeprefix("Warning: ")) for it in warnings),
    )


def operation_of(entry: Entry, example: Example) -> Operation[Model]:
    """An example of the table of operations, as an operation."""
    (kind,) = (it for it in OPERATIONS if it.tool_name == entry.tool)
    return kind.model_validate(entry.arguments(example))


CHANGING: Final = [operation_of(entry, example) for entry, example in CHANGES]
"""Every example of an operation that changes something."""

KEY: Final = SecretStr(STREAM_KEY)
KEY_IN_WORDS: Final = 'a key of 22 characters that ends in "rint"'
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

JOINS: Final = (
    "TRaX does not document whether the destination joins a running show at once: look on the"
    " platform."
)
LEAVES: Final = JOINS.replace("joins", "leaves")
IS_LOST: Final = "is overwritten, and TRaX does not show it."
SHORTS: Final = but(
    destinations=(destination("dest_1", "Shorts", "youtube", vertical=True),),
    sources=(source("source_1", "Camera"), source("source_2", "Guest", "webrtc input")),
)

SHOWN: Final[Sequence[Shown]] = (
    shown(CreateStudio(name="Late Show"), NOTHING, Target(""), """
        Create the studio "Late Show"
        Creates the studio "Late Show".
        Cannot be undone: no tool deletes it again.
    """),
    shown(UpdateStudio(**S, name="Late Show", auto_go_live=True), EVERYTHING, STUDIO, """
        Change the studio "Friday Show"
        Sets name of "Friday Show" to "Late Show". [studio_42]
        Sets autoGoLive of "Friday Show" to true. [studio_42]
        From then on the studio can go on air by itself, without another yes.
        It would go out on "Main" (YouTube). [dest_1]
        It would go out on "Late crowd" (Twitch). [dest_2]
    """),
    shown(UpdateStudio(**S, auto_go_live=False, auto_go_offline_on_drop=True), LIVE, STUDIO, """
        Change the studio "Friday Show"
        Sets autoGoLive of "Friday Show" to false. [studio_42]
        Sets autoGoOfflineOnDrop of "Friday Show" to true. [studio_42]
        The studio is on air. From then on it goes off air by itself if the stream drops.
    """),
    shown(CreateDestination(**S, name="Backup", platform="youtube", rtmp_url="rtmp://c.example/app",
                            stream_key=KEY, enabled=True, vertical=False), LIVE, STUDIO, f"""
        Add the destination "Backup" to "Friday Show"
        Adds the destination "Backup" (YouTube) to "Friday Show". [studio_42]
        Sets its rtmpUrl to c.example ("rtmp://c.example/app").
        Sets its streamKey to {KEY_IN_WORDS}.
        Sets its enabled to true.
        Sets its vertical to false.
        The studio is on air. {JOINS}
    """),
    shown(CreateDestination(**S, name="Backup", platform="my own", connection_id="conn_1"),
          EVERYTHING, STUDIO, """
        Add the destination "Backup" to "Friday Show"
        Adds the destination "Backup" ("my own") to "Friday Show". [studio_42]
        Sets its connectionId to "conn_1".
    """),
    shown(UpdateDestination(**DEST, platform="kick", rtmp_url=ADDRESS, stream_key=KEY),
          EVERYTHING, MAIN, f"""
        Change the destination "Main"
        Sets rtmpUrl of "Main" (YouTube) to a.example ("rtmps://a.example/app"). [dest_1]
        Sets platform of "Main" (YouTube) to "kick". [dest_1]
        Sets streamKey of "Main" (YouTube) to {KEY_IN_WORDS}. [dest_1]
        Cannot be undone: what was there as rtmpUrl and streamKey {IS_LOST}
    """),
    shown(UpdateDestination(**DEST, name="Second", enabled=False, vertical=True),
          UNCLEAR, MAIN, f"""
        Change the destination "Main"
        Sets name of "Main" (YouTube) to "Second". [dest_1]
        Switches off "Main" (YouTube). [dest_1]
        Sets vertical of "Main" (YouTube) to true. [dest_1]
        The studio may be on air. {LEAVES}
    """),
    shown(UpdateDestination(**DEST, enabled=True), LIVE, MAIN, f"""
        Change the destination "Main"
        Switches on "Main" (YouTube). [dest_1]
        The studio is on air. {JOINS}
    """),
    shown(UpdateDestination(**DEST, vertical=True), LIVE, MAIN, """
        Change the destination "Main"
        Sets vertical of "Main" (YouTube) to true. [dest_1]
        The studio is on air. Viewers may see the change at once.
    """),
    shown(CreateDestination(**S, name="Backup", platform="kick", enabled=False),
          LIVE, STUDIO, """
        Add the destination "Backup" to "Friday Show"
        Adds the destination "Backup" (Kick) to "Friday Show". [studio_42]
        Sets its enabled to false.
    """),
    shown(DELETE_DESTINATION, EVERYTHING, MAIN, """
        Delete the destination "Main"
        Removes the destination "Main" (YouTube) from "Friday Show". [dest_1 studio_42]
        Cannot be undone: its stream key, if it has one, can only be entered anew.
        Nothing is deleted on YouTube itself.
    """),
    shown(DELETE_DESTINATION, LIVE, MAIN, f"""
        Delete the destination "Main"
        Removes the destination "Main" (YouTube) from "Friday Show". [dest_1 studio_42]
        Cannot be undone: its stream key, if it has one, can only be entered anew.
        Nothing is deleted on YouTube itself.
        The studio is on air. {LEAVES}
    """),
    shown(DELETE_DESTINATION, NOTHING, Target("dest_1"), f"""
        Delete the destination "dest_1"
        Removes the destination "dest_1" from the studio. [dest_1]
        Cannot be undone: its stream key, if it has one, can only be entered anew.
        Nothing is deleted on the platform itself.
        The studio may be on air. {LEAVES}
    """),
    shown(CreateSource(**S, name="Feed", type="rtmp", url="rtmp://d.example/feed"),
          UNCLEAR, STUDIO, """
        Add the source "Feed" to "Friday Show"
        Adds the source "Feed" (rtmp) to "Friday Show". [studio_42]
        Sets its url to d.example ("rtmp://d.example/feed").
        The studio may be on air. The source can be on screen at once.
    """),
    shown(CreateSource(**S, name="Feed", type="rtmp", active=False), LIVE, STUDIO, """
        Add the source "Feed" to "Friday Show"
        Adds the source "Feed" (rtmp) to "Friday Show". [studio_42]
        Sets its active to false.
    """),
    shown(UpdateSource(**SOURCE, url=FEED, active=True), LIVE, CAMERA, """
        Change the source "Camera"
        Sets url of "Camera" to b.example ("rtmp://b.example/feed"). [source_1]
        Switches on "Camera". [source_1]
        Cannot be undone: what was there as url is overwritten, and TRaX does not show it.
        The studio is on air. The source can be on screen at once.
    """),
    shown(UpdateSource(**SOURCE, active=False), LIVE, CAMERA, """
        Change the source "Camera"
        Switches off "Camera". [source_1]
        The studio is on air. The source may vanish from the picture at once.
    """),
    shown(UpdateSource(**SOURCE, url=FEED), LIVE, CAMERA, """
        Change the source "Camera"
        Sets url of "Camera" to b.example ("rtmp://b.example/feed"). [source_1]
        Cannot be undone: what was there as url is overwritten, and TRaX does not show it.
        The studio is on air. Viewers may see the change at once.
    """),
    shown(UpdateSource(**SOURCE, name="Host"), EVERYTHING, CAMERA, """
        Change the source "Camera"
        Sets name of "Camera" to "Host". [source_1]
    """),
    shown(DELETE_SOURCE, showing(source("source_1", "Camera", "srt")), CAMERA, """
        Delete the source "Camera"
        Removes the source "Camera" from "Friday Show". [source_1 studio_42]
        Cannot be undone: it can only be added anew.
        The feed itself is not touched.
    """),
    shown(DELETE_SOURCE, showing(source("source_1", "Camera", "media")), CAMERA, """
        Delete the source "Camera"
        Removes the source "Camera" from "Friday Show". [source_1 studio_42]
        Cannot be undone: it can only be added anew.
        TRaX does not document whether its file stays in the media library.
    """),
    shown(DELETE_SOURCE, LIVE, CAMERA, """
        Delete the source "Camera"
        Removes the source "Camera" from "Friday Show". [source_1 studio_42]
        Cannot be undone: it can only be added anew.
        The camera itself is not touched.
        The studio is on air. The source may vanish from the picture at once.
    """),
    shown(DELETE_SOURCE, NOTHING, Target("source_1"), """
        Delete the source "source_1"
        Removes the source "source_1" from the studio. [source_1]
        Cannot be undone: it can only be added anew.
        The studio may be on air. The source may vanish from the picture at once.
    """),
    shown(GO_LIVE, EVERYTHING, STUDIO, """
        Go live on YouTube and Twitch: "Friday Show"
        Starts a broadcast of "Friday Show" that anyone can watch. [studio_42]
        Goes out on "Main" (YouTube). [dest_1]
        Goes out on "Late crowd" (Twitch). [dest_2]
        Switched off: "Trying out" (Kick). [dest_3]
        Can be on screen: "Camera" (webcam). [source_1]
    """),
    shown(GO_LIVE, SHORTS, STUDIO, """
        Go live on YouTube: "Friday Show"
        Starts a broadcast of "Friday Show" that anyone can watch. [studio_42]
        Goes out on "Shorts" (YouTube, portrait). [dest_1]
        Can be on screen: "Camera" (webcam). [source_1]
        Can be on screen: "Guest" ("webrtc input"). [source_2]
    """),
    shown(GO_LIVE, but(destinations=(), sources=()), STUDIO, """
        Go live: "Friday Show"
        Warning: The studio has no destination: nobody would receive the stream.
        Warning: The studio has no source: viewers may see nothing.
        Starts a broadcast of "Friday Show" that anyone can watch. [studio_42]
    """),
    shown(GO_LIVE, NOTHING, Target("studio_42"), """
        Go live: "studio_42"
        Starts a broadcast of "studio_42" that anyone can watch. [studio_42]
    """),
    shown(GO_OFFLINE, LIVE, STUDIO, """
        Go offline: "Friday Show"
        Ends the broadcast of "Friday Show" for all viewers. [studio_42]
        Note: It has been on air for 12 minutes (since 18:00 UTC).
        Switched on: "Late crowd" (Twitch) and "Main" (YouTube). [dest_2 dest_1]
    """),
    shown(GO_OFFLINE, but(status=StreamStatus(live=True), destinations=None), STUDIO, """
        Go offline: "Friday Show"
        Ends the broadcast of "Friday Show" for all viewers. [studio_42]
        Note: It is on air.
    """),
    shown(GO_OFFLINE, EVERYTHING, STUDIO, """
        Go offline: "Friday Show"
        Ends the broadcast of "Friday Show" for all viewers. [studio_42]
        It does not seem to be on air: a start that is under way is stopped too.
    """),
    shown(GO_OFFLINE, NOTHING, Target("studio_42"), """
        Go offline: "studio_42"
        Ends the broadcast of "studio_42" for all viewers. [studio_42]
    """),
    shown(SendChatMessage(**S, text="Hi\nall", platforms=("youtube", "twitch")),
          EVERYTHING, STUDIO, """
        Send the message to the chat of "Friday Show"
        Says in the public chat of "Friday Show" on YouTube and Twitch: "Hi\\u000aall". [studio_42]
    """),
    shown(SendChatMessage(**S, text="Hello"), NOTHING, Target("studio_42"), """
        Send the message to the chat of "studio_42"
        Says in the public chat of the studio: "Hello".
    """),
    shown(UNLINK, EVERYTHING, Target("conn_1", "Robin", "youtube"), """
        Unlink the account "Robin"
        Unlinks the YouTube account "Robin" from TRaX. [conn_1]
        Cannot be undone here: only a person can link it again, on TRaX.
        Nothing is deleted on YouTube itself.
    """),
    shown(UNLINK, NOTHING, Target("conn_1"), """
        Unlink the account "conn_1"
        Unlinks the account "conn_1" from TRaX. [conn_1]
        Cannot be undone here: only a person can link it again, on TRaX.
        Nothing is deleted on the platform itself.
    """),
    shown(CreateMediaUpload(filename="a.mp4", content_type="video/mp4", byte_size=7,
                            folder="Clips"), NOTHING, Target(""), """
        Reserve room for "a.mp4"
        Reserves room in the media library for the file "a.mp4" (video/mp4, 7 bytes).
        Sets its folder to "Clips".
    """),
)  # fmt: skip
