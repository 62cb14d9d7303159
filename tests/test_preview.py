"""What a person is shown before they say yes: every line, for every operation, from given facts.

Pure. How names of strangers stand in it is in `test_words`, what a yes is bound to in
`test_digest`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest
from pydantic import SecretStr

from tests.around import (
    EVERYTHING,
    LIVE,
    OFF_AIR,
    ON_AIR,
    UNCLEAR,
    account,
    but,
    place,
    source,
    studio,
)
from trax_mcp.api.models import StreamStatus
from trax_mcp.api.operations import (
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
from trax_mcp.consent.preview import Preview, preview
from trax_mcp.consent.rules import GUARDABLE
from trax_mcp.studio.facts import Facts, Unknown
from trax_mcp.studio.target import Target

if TYPE_CHECKING:
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation

S: Final = {"studio_id": "s"}
GO_LIVE: Final = GoLive(**S)
UNLINK: Final = UnlinkConnection(connection_id="a1")
STUDIO: Final = Target("s", "Friday Show")
MAIN: Final = Target("d1", "Main", "youtube")
CAMERA: Final = Target("c1", "Camera")
KEY: Final = SecretStr("live-4711-do-not-print")


def seen(operation: Operation[Model], facts: Facts) -> Preview:
    """The outlook, but for its digest, which other tests are about."""
    return replace(preview(operation, facts), digest="")


def outlook(
    operation: str,
    target: Target,
    *effects: str,
    choice: str,
    warnings: tuple[str, ...] = (),
    unknown: tuple[str, ...] = (),
) -> Preview:
    """What is expected."""
    return Preview(operation, target, effects, warnings, unknown, choice, digest="")


CASES: Final[list[tuple[Operation[Model], Facts, Preview]]] = [
    (
        GO_LIVE,
        EVERYTHING,
        outlook(
            "go_live",
            STUDIO,
            'Starts a broadcast of "Friday Show" that anyone can watch.',
            'Goes out on "Main" (YouTube).',
            'Goes out on "Late crowd" (Twitch).',
            'Can be on screen: "Camera" (webcam).',
            choice="Take Friday Show live on YouTube and Twitch",
        ),
    ),
    (
        GoOffline(**S),
        LIVE,
        outlook(
            "go_offline",
            STUDIO,
            'Ends the broadcast of "Friday Show" for all viewers.',
            "It is on air since 2026-06-05T18:00:03Z.",
            'Leaves "Main" (YouTube).',
            'Leaves "Late crowd" (Twitch).',
            choice="Take Friday Show offline",
        ),
    ),
    (
        GoOffline(**S),
        but(status=StreamStatus(live=True), destinations=None),
        outlook(
            "go_offline",
            STUDIO,
            'Ends the broadcast of "Friday Show" for all viewers.',
            "It is on air.",
            choice="Take Friday Show offline",
        ),
    ),
    (
        GoOffline(**S),
        EVERYTHING,
        outlook(
            "go_offline",
            STUDIO,
            'Ends the broadcast of "Friday Show" for all viewers.',
            "It does not seem to be on air: a start that is under way is stopped too.",
            choice="Take Friday Show offline",
        ),
    ),
    (
        GoOffline(**S),
        Facts(),
        outlook(
            "go_offline",
            Target("s"),
            'Ends the broadcast of "s" for all viewers.',
            choice="Take s offline",
        ),
    ),
    (
        DeleteDestination(**S, dest_id="d1"),
        EVERYTHING,
        outlook(
            "delete_destination",
            MAIN,
            'Removes the destination "Main" from "Friday Show".',
            "Its stream key is lost: it can only be entered anew.",
            choice="Delete Main",
        ),
    ),
    (
        DeleteDestination(**S, dest_id="d1"),
        LIVE,
        outlook(
            "delete_destination",
            MAIN,
            'Removes the destination "Main" from "Friday Show".',
            "Its stream key is lost: it can only be entered anew.",
            "The studio is on air. Viewers there may lose the stream at once.",
            choice="Delete Main",
        ),
    ),
    (
        DeleteDestination(**S, dest_id="d1"),
        Facts(),
        outlook(
            "delete_destination",
            Target("d1"),
            'Removes the destination "d1" from the studio.',
            "Its stream key is lost: it can only be entered anew.",
            "The studio may be on air. Viewers there may lose the stream at once.",
            choice="Delete d1",
        ),
    ),
    (
        DeleteSource(**S, source_id="c1"),
        LIVE,
        outlook(
            "delete_source",
            CAMERA,
            'Removes the source "Camera" from "Friday Show".',
            "The studio is on air. It may vanish from the picture at once.",
            choice="Delete Camera",
        ),
    ),
    (
        UNLINK,
        EVERYTHING,
        outlook(
            "unlink_connection",
            Target("a1", "Robin", "youtube"),
            'Unlinks the account "Robin" from TRaX.',
            "Only a person can link it again, on TRaX.",
            choice="Unlink Robin",
        ),
    ),
    (
        UpdateStudio(**S, name="Late Show", auto_go_live=True),
        EVERYTHING,
        outlook(
            "update_studio",
            STUDIO,
            'Sets name of "Friday Show" to "Late Show".',
            'Sets autoGoLive of "Friday Show" to true.',
            "From then on the studio can go on air by itself, without another yes.",
            'It would go out on "Main" (YouTube).',
            'It would go out on "Late crowd" (Twitch).',
            choice="Change Friday Show",
        ),
    ),
    (
        UpdateDestination(
            **S, dest_id="d1", platform="kick", rtmp_url="rtmps://a.example/app", stream_key=KEY
        ),
        EVERYTHING,
        outlook(
            "update_destination",
            MAIN,
            'Sets platform of "Main" to "kick".',
            'Sets rtmpUrl of "Main" to "rtmps://a.example/app".',
            'Sets streamKey of "Main" to what you gave.',
            "What was there as rtmpUrl, streamKey and platform is overwritten.",
            choice="Change Main",
        ),
    ),
    (
        UpdateDestination(**S, dest_id="d1", enabled=False, vertical=True),
        UNCLEAR,
        outlook(
            "update_destination",
            MAIN,
            'Sets enabled of "Main" to false.',
            'Sets vertical of "Main" to true.',
            "The studio may be on air. Viewers may see the change at once.",
            choice="Change Main",
        ),
    ),
    (
        UpdateSource(**S, source_id="c1", url="rtmp://b.example/feed", active=True),
        LIVE,
        outlook(
            "update_source",
            CAMERA,
            'Sets url of "Camera" to "rtmp://b.example/feed".',
            'Sets active of "Camera" to true.',
            "The studio is on air. Viewers may see the change at once.",
            choice="Change Camera",
        ),
    ),
    (
        CreateDestination(
            **S,
            name="Backup",
            platform="youtube",
            rtmp_url="rtmp://c.example/app",
            stream_key=KEY,
            enabled=True,
        ),
        LIVE,
        outlook(
            "create_destination",
            STUDIO,
            'Adds the destination "Backup" (YouTube) to "Friday Show".',
            'Sets its rtmpUrl to "rtmp://c.example/app".',
            "Sets its streamKey to what you gave.",
            "Sets its enabled to true.",
            "The studio is on air. The stream may go out there at once.",
            choice="Add it to Friday Show",
        ),
    ),
    (
        CreateSource(**S, name="Feed", type="rtmp", url="rtmp://d.example/feed"),
        LIVE,
        outlook(
            "create_source",
            STUDIO,
            'Adds the source "Feed" (rtmp) to "Friday Show".',
            'Sets its url to "rtmp://d.example/feed".',
            "The studio is on air. Viewers may see it at once.",
            choice="Add it to Friday Show",
        ),
    ),
    (
        SendChatMessage(**S, text="Hello\nall", platforms=("youtube", "twitch")),
        EVERYTHING,
        outlook(
            "send_chat_message",
            STUDIO,
            r'Says in the public chat of "Friday Show" on YouTube and Twitch: "Hello\u000aall".',
            choice="Send it to the chat of Friday Show",
        ),
    ),
    (
        CreateStudio(name="Late Show"),
        Facts(),
        outlook(
            "create_studio",
            Target(""),
            'Creates the studio "Late Show".',
            "No tool deletes it again.",
            choice="Create it",
        ),
    ),
    (
        CreateMediaUpload(filename="a.mp4", content_type="video/mp4", byte_size=7, folder="Clips"),
        Facts(),
        outlook(
            "create_media_upload",
            Target(""),
            'Reserves room in the media library for the file "a.mp4" (video/mp4, 7 bytes).',
            'Sets its folder to "Clips".',
            choice="Reserve it",
        ),
    ),
]


@pytest.mark.parametrize(
    ("operation", "facts", "expected"), CASES, ids=lambda it: getattr(it, "tool_name", "")
)
def test_what_would_happen_is_said_exactly(
    operation: Operation[Model], facts: Facts, expected: Preview
) -> None:
    """The whole of it: target, every line, and the act in a few words."""
    assert seen(operation, facts) == expected


def test_whatever_can_be_guarded_is_told_in_words_of_its_own() -> None:
    """What an operator guards besides is shown as well as the rest."""
    assert {operation.tool_name for operation, _, _ in CASES} == GUARDABLE


NOBODY_GETS_IT: Final = "No destination is enabled: nobody would receive the stream."
NOTHING_TO_SEE: Final = "No source is active: viewers may see nothing."
TROUBLED: Final = account("a1", "Robin", "youtube", "needs_reauth")
MAY_FAIL: Final = 'The YouTube account "Robin" is needs_reauth: "Main" (YouTube) may fail.'


@pytest.mark.parametrize(
    ("facts", "warnings"),
    [
        (EVERYTHING, ()),
        (but(destinations=()), (NOBODY_GETS_IT,)),
        (but(destinations=(place("d", "D", "kick", enabled=False),)), (NOBODY_GETS_IT,)),
        (but(sources=()), (NOTHING_TO_SEE,)),
        (but(sources=(source("c", "C", active=False),)), (NOTHING_TO_SEE,)),
        (but(destinations=(), sources=()), (NOBODY_GETS_IT, NOTHING_TO_SEE)),
        # What is not known is not warned of.
        (but(destinations=None, sources=None, connections=None), ()),
        (but(connections=(TROUBLED,)), (MAY_FAIL,)),
        (but(connections=(account("a", "A", "kick", "expired"),)), ()),
        (but(destinations=None, connections=(TROUBLED,)), ()),
    ],
)
def test_what_to_beware_of_before_going_live(facts: Facts, warnings: tuple[str, ...]) -> None:
    """Only what is known, and of accounts only those of a platform that it goes out on."""
    assert preview(GO_LIVE, facts).warnings == warnings


def test_an_account_may_serve_several_destinations() -> None:
    """Destinations do not name theirs, so each of its platform is named."""
    places = (place("d1", "Main", "youtube"), place("d2", "Shorts", "youtube"))
    facts = but(destinations=places, connections=(TROUBLED,))
    second = 'The YouTube account "Robin" is needs_reauth: "Shorts" (YouTube) may fail.'
    assert preview(GO_LIVE, facts).warnings == (MAY_FAIL, second)


def test_what_to_beware_of_before_unlinking() -> None:
    """Enabled destinations of its platform, in whichever studio, and whether that is on air."""
    off = place("d3", "Old", "youtube", enabled=False)
    here = Facts(studio("One"), OFF_AIR, (place("d1", "Main", "youtube"), off))
    there = Facts(studio("Two"), ON_AIR, (place("d4", "T", "twitch"), place("d5", "Y", "youtube")))
    unread = Facts(studio("Three"), None, None)
    assert preview(UNLINK, but(around=(here, there, unread))).warnings == (
        '"Main" (YouTube) in "One" may stop working.',
        '"Y" (YouTube) in "Two", which is on air may stop working.',
    )


@pytest.mark.parametrize("operation", [it[0] for it in CASES], ids=lambda it: it.tool_name)
def test_what_is_not_known_is_listed_with_its_reason(operation: Operation[Model]) -> None:
    """Whatever the operation, and in the order in which it was looked at."""
    unknown = (Unknown("the sources", "the key lacks sources:read"), Unknown("it", "no answer"))
    told = ("the sources (the key lacks sources:read)", "it (no answer)")
    assert preview(operation, but(unknown=unknown)).unknown == told


def test_a_person_is_shown_warnings_first_and_nothing_is_left_out() -> None:
    """Then what would happen, then what is not known."""
    unknown = (Unknown("the linked accounts", "the key lacks connections:read"),)
    told = preview(GO_LIVE, but(sources=(), connections=None, unknown=unknown))
    assert told.shown == (
        NOTHING_TO_SEE,
        'Starts a broadcast of "Friday Show" that anyone can watch.',
        'Goes out on "Main" (YouTube).',
        'Goes out on "Late crowd" (Twitch).',
        "Not known: the linked accounts (the key lacks connections:read)",
    )
