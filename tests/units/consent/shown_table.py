"""The sentences that a person is shown before they agree, by operation and facts. By hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pydantic import SecretStr

from tests.support.operation_table import ADDRESS, CHANGES, FEED, STREAM_KEY
from tests.units.studio_facts import EVERYTHING, LIVE, UNCLEAR, but, destination, source
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
from trax_mcp.studio.naming import Sentence, note

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

STARTS: Final = says('Starts a broadcast of "Friday Show" that anyone can watch.', "studio_42")
ENDS: Final = says('Ends the broadcast of "Friday Show" for all viewers.', "studio_42")
ON_MAIN: Final = says('Goes out on "Main" (YouTube).', "dest_1")
ON_LATE: Final = says('Goes out on "Late crowd" (Twitch).', "dest_2")
NO_DESTINATION: Final = says("The studio has no destination: nobody would receive the stream.")
NOBODY_GETS_IT: Final = says("No destination is switched on: nobody would receive the stream.")
NO_SOURCE: Final = says("The studio has no source: viewers may see nothing.")
NOT_ON_KICK: Final = says('Switched off: "Trying out" (Kick).', "dest_3")
JOINS: Final = (
    "TRaX does not document whether the destination joins a running show at once: look on the"
    " platform."
)
LEAVES: Final = (
    "TRaX does not document whether the destination leaves a running show at once: look on the"
    " platform."
)
URL_IS_LOST: Final = says(
    "Cannot be undone: what was there as url is overwritten, and TRaX does not show it."
)
APPEARS: Final = "The source can be on screen at once."
VANISHES: Final = "The source may vanish from the picture at once."
NOTHING_TO_SEE: Final = says("No source is switched on: viewers may see nothing.")
REMOVES_MAIN: Final = says(
    'Removes the destination "Main" (YouTube) from "Friday Show".', "dest_1", "studio_42"
)
REMOVES_CAMERA: Final = says(
    'Removes the source "Camera" from "Friday Show".', "source_1", "studio_42"
)
KEY_IS_LOST: Final = says(
    "Cannot be undone: its stream key, if it has one, can only be entered anew."
)
ONLY_ADDED_ANEW: Final = says("Cannot be undone: it can only be added anew.")
NOT_ON_YOUTUBE: Final = says("Nothing is deleted on YouTube itself.")
NOT_ON_PLATFORM: Final = says("Nothing is deleted on the platform itself.")
ONLY_A_PERSON_LINKS: Final = says(
    "Cannot be undone here: only a person can link it again, on TRaX."
)

SHOWN: Final[Sequence[Shown]] = (
    shown(
        CreateStudio(name="Late Show"),
        NOTHING,
        Target(""),
        'Create the studio "Late Show"',
        says('Creates the studio "Late Show".'),
        says("Cannot be undone: no tool deletes it again."),
    ),
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
        says("The studio is on air. From then on it goes off air by itself if the stream drops."),
    ),
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
        says(f"Sets its streamKey to {KEY_IN_WORDS}."),
        says("Sets its enabled to true."),
        says("Sets its vertical to false."),
        says(f"The studio is on air. {JOINS}"),
    ),
    shown(
        CreateDestination(**S, name="Backup", platform="my own", connection_id="conn_1"),
        EVERYTHING,
        STUDIO,
        'Add the destination "Backup" to "Friday Show"',
        says('Adds the destination "Backup" ("my own") to "Friday Show".', "studio_42"),
        says('Sets its connectionId to "conn_1".'),
    ),
    shown(
        UpdateDestination(**DEST, platform="kick", rtmp_url=ADDRESS, stream_key=KEY),
        EVERYTHING,
        MAIN,
        'Change the destination "Main"',
        says('Sets rtmpUrl of "Main" (YouTube) to a.example ("rtmps://a.example/app").', "dest_1"),
        says('Sets platform of "Main" (YouTube) to "kick".', "dest_1"),
        says(f'Sets streamKey of "Main" (YouTube) to {KEY_IN_WORDS}.', "dest_1"),
        says(
            "Cannot be undone: what was there as rtmpUrl and streamKey is overwritten, and TRaX"
            " does not show it."
        ),
    ),
    shown(
        UpdateDestination(**DEST, stream_key=KEY),
        EVERYTHING,
        MAIN,
        'Change the destination "Main"',
        says(f'Sets streamKey of "Main" (YouTube) to {KEY_IN_WORDS}.', "dest_1"),
        says(
            "Cannot be undone: what was there as streamKey is overwritten, and TRaX does not show"
            " it."
        ),
    ),
    shown(
        UpdateDestination(**DEST, name="Second", enabled=False, vertical=True),
        UNCLEAR,
        MAIN,
        'Change the destination "Main"',
        says('Sets name of "Main" (YouTube) to "Second".', "dest_1"),
        says('Switches off "Main" (YouTube).', "dest_1"),
        says('Sets vertical of "Main" (YouTube) to true.', "dest_1"),
        says(f"The studio may be on air. {LEAVES}"),
    ),
    shown(
        UpdateDestination(**DEST, enabled=True),
        LIVE,
        MAIN,
        'Change the destination "Main"',
        says('Switches on "Main" (YouTube).', "dest_1"),
        says(f"The studio is on air. {JOINS}"),
    ),
    shown(
        UpdateDestination(**DEST, vertical=True),
        LIVE,
        MAIN,
        'Change the destination "Main"',
        says('Sets vertical of "Main" (YouTube) to true.', "dest_1"),
        says("The studio is on air. Viewers may see the change at once."),
    ),
    shown(
        UpdateDestination(**DEST, platform="kick"),
        EVERYTHING,
        MAIN,
        'Change the destination "Main"',
        says('Sets platform of "Main" (YouTube) to "kick".', "dest_1"),
    ),
    shown(
        CreateDestination(**S, name="Backup", platform="kick", enabled=False),
        LIVE,
        STUDIO,
        'Add the destination "Backup" to "Friday Show"',
        says('Adds the destination "Backup" (Kick) to "Friday Show".', "studio_42"),
        says("Sets its enabled to false."),
    ),
    shown(
        DELETE_DESTINATION,
        EVERYTHING,
        MAIN,
        'Delete the destination "Main"',
        REMOVES_MAIN,
        KEY_IS_LOST,
        NOT_ON_YOUTUBE,
    ),
    shown(
        DELETE_DESTINATION,
        LIVE,
        MAIN,
        'Delete the destination "Main"',
        REMOVES_MAIN,
        KEY_IS_LOST,
        NOT_ON_YOUTUBE,
        says(f"The studio is on air. {LEAVES}"),
    ),
    shown(
        DELETE_DESTINATION,
        NOTHING,
        Target("dest_1"),
        'Delete the destination "dest_1"',
        says('Removes the destination "dest_1" from the studio.', "dest_1"),
        KEY_IS_LOST,
        NOT_ON_PLATFORM,
        says(f"The studio may be on air. {LEAVES}"),
    ),
    shown(
        CreateSource(**S, name="Feed", type="rtmp", url="rtmp://d.example/feed"),
        UNCLEAR,
        STUDIO,
        'Add the source "Feed" to "Friday Show"',
        says('Adds the source "Feed" (rtmp) to "Friday Show".', "studio_42"),
        says('Sets its url to d.example ("rtmp://d.example/feed").'),
        says(f"The studio may be on air. {APPEARS}"),
    ),
    shown(
        CreateSource(**S, name="Feed", type="rtmp", active=False),
        LIVE,
        STUDIO,
        'Add the source "Feed" to "Friday Show"',
        says('Adds the source "Feed" (rtmp) to "Friday Show".', "studio_42"),
        says("Sets its active to false."),
    ),
    shown(
        UpdateSource(**SOURCE, url=FEED, active=True),
        LIVE,
        CAMERA,
        'Change the source "Camera"',
        says('Sets url of "Camera" to b.example ("rtmp://b.example/feed").', "source_1"),
        says('Switches on "Camera".', "source_1"),
        URL_IS_LOST,
        says(f"The studio is on air. {APPEARS}"),
    ),
    shown(
        UpdateSource(**SOURCE, active=False),
        LIVE,
        CAMERA,
        'Change the source "Camera"',
        says('Switches off "Camera".', "source_1"),
        says(f"The studio is on air. {VANISHES}"),
    ),
    shown(
        UpdateSource(**SOURCE, url=FEED),
        LIVE,
        CAMERA,
        'Change the source "Camera"',
        says('Sets url of "Camera" to b.example ("rtmp://b.example/feed").', "source_1"),
        URL_IS_LOST,
        says("The studio is on air. Viewers may see the change at once."),
    ),
    shown(
        UpdateSource(**SOURCE, name="Host"),
        EVERYTHING,
        CAMERA,
        'Change the source "Camera"',
        says('Sets name of "Camera" to "Host".', "source_1"),
    ),
    shown(
        DELETE_SOURCE,
        EVERYTHING,
        CAMERA,
        'Delete the source "Camera"',
        REMOVES_CAMERA,
        ONLY_ADDED_ANEW,
        says("The camera itself is not touched."),
    ),
    shown(
        DELETE_SOURCE,
        but(sources=(source("source_1", "Camera", "srt"),)),
        CAMERA,
        'Delete the source "Camera"',
        REMOVES_CAMERA,
        ONLY_ADDED_ANEW,
        says("The feed itself is not touched."),
    ),
    shown(
        DELETE_SOURCE,
        but(sources=(source("source_1", "Camera", "media"),)),
        CAMERA,
        'Delete the source "Camera"',
        REMOVES_CAMERA,
        ONLY_ADDED_ANEW,
        says("TRaX does not document whether its file stays in the media library."),
    ),
    shown(
        DELETE_SOURCE,
        LIVE,
        CAMERA,
        'Delete the source "Camera"',
        REMOVES_CAMERA,
        ONLY_ADDED_ANEW,
        says("The camera itself is not touched."),
        says(f"The studio is on air. {VANISHES}"),
    ),
    shown(
        DELETE_SOURCE,
        NOTHING,
        Target("source_1"),
        'Delete the source "source_1"',
        says('Removes the source "source_1" from the studio.', "source_1"),
        ONLY_ADDED_ANEW,
        says(f"The studio may be on air. {VANISHES}"),
    ),
    shown(
        GO_LIVE,
        EVERYTHING,
        STUDIO,
        'Go live on YouTube and Twitch: "Friday Show"',
        STARTS,
        ON_MAIN,
        ON_LATE,
        NOT_ON_KICK,
        says('Can be on screen: "Camera" (webcam).', "source_1"),
    ),
    shown(
        GO_LIVE,
        but(
            destinations=(destination("dest_1", "Shorts", "youtube", vertical=True),),
            sources=(source("source_1", "Camera"), source("source_2", "Guest", "webrtc input")),
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
        warnings=(NO_DESTINATION, NO_SOURCE),
    ),
    shown(
        GO_LIVE,
        NOTHING,
        Target("studio_42"),
        'Go live: "studio_42"',
        says('Starts a broadcast of "studio_42" that anyone can watch.', "studio_42"),
    ),
    shown(
        GO_OFFLINE,
        LIVE,
        STUDIO,
        'Go offline: "Friday Show"',
        ENDS,
        note("It has been on air for 12 minutes (since 18:00 UTC)."),
        says('Switched on: "Late crowd" (Twitch) and "Main" (YouTube).', "dest_2", "dest_1"),
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
    shown(
        SendChatMessage(**S, text="Hi\nall", platforms=("youtube", "twitch")),
        EVERYTHING,
        STUDIO,
        'Send the message to the chat of "Friday Show"',
        says(
            'Says in the public chat of "Friday Show" on YouTube and Twitch: "Hi\\u000aall".',
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
    shown(
        UNLINK,
        EVERYTHING,
        Target("conn_1", "Robin", "youtube"),
        'Unlink the account "Robin"',
        says('Unlinks the YouTube account "Robin" from TRaX.', "conn_1"),
        ONLY_A_PERSON_LINKS,
        NOT_ON_YOUTUBE,
    ),
    shown(
        UNLINK,
        NOTHING,
        Target("conn_1"),
        'Unlink the account "conn_1"',
        says('Unlinks the account "conn_1" from TRaX.', "conn_1"),
        ONLY_A_PERSON_LINKS,
        NOT_ON_PLATFORM,
    ),
    shown(
        CreateMediaUpload(filename="a.mp4", content_type="video/mp4", byte_size=7, folder="Clips"),
        NOTHING,
        Target(""),
        'Reserve room for "a.mp4"',
        says('Reserves room in the media library for the file "a.mp4" (video/mp4, 7 bytes).'),
        says('Sets its folder to "Clips".'),
    ),
)
