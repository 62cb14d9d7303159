"""What a person is shown before they agree: every sentence of every operation, from given facts.

Pure. `test_naming` is about the names in these sentences, `test_digest` about what voids a yes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

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
    destination,
    previewed,
    source,
    studio,
)
from trax_mcp.api.errors import NotSent
from trax_mcp.api.models import StreamStatus
from trax_mcp.api.operations import (
    OPERATIONS,
    CreateDestination,
    CreateMediaUpload,
    CreateSource,
    CreateStudio,
    DeleteDestination,
    DeleteSource,
    GetHealth,
    GoLive,
    GoOffline,
    ListStudios,
    SendChatMessage,
    UnlinkConnection,
    UpdateDestination,
    UpdateSource,
    UpdateStudio,
)
from trax_mcp.api.tool_input import Effect
from trax_mcp.consent.plans import PLANS, Plan, check_plans, plan_for
from trax_mcp.consent.plans.stream import GoLivePlan
from trax_mcp.consent.preview import Preview, Target
from trax_mcp.consent.rules import GUARDABLE
from trax_mcp.studio.facts import Facts, Unknown
from trax_mcp.studio.naming import Sentence, note

if TYPE_CHECKING:
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation
    from trax_mcp.consent.plans.base import Sentences

S: Final = {"studio_id": "s"}
GO_LIVE: Final = GoLive(**S)
UNLINK: Final = UnlinkConnection(connection_id="a1")
STUDIO: Final = Target("s", "Friday Show")
MAIN: Final = Target("d1", "Main", "youtube")
CAMERA: Final = Target("c1", "Camera")
KEY: Final = SecretStr("live-4711-do-not-print")
NOTHING: Final = Facts()


def says(text: str, *ids: str) -> Sentence:
    """A sentence that names the things of these ids."""
    return Sentence(text, ids)


class Row(NamedTuple):
    """An operation among facts, and everything that a person is shown about it."""

    operation: Operation[Model]
    facts: Facts
    target: Target
    effects: tuple[Sentence, ...]
    choice: str
    warnings: tuple[Sentence, ...] = ()


ON_MAIN: Final = says('Goes out on "Main" (YouTube).', "d1")
ON_LATE: Final = says('Goes out on "Late crowd" (Twitch).', "d2")
STARTS: Final = says('Starts a broadcast of "Friday Show" that anyone can watch.', "s")
ENDS: Final = says('Ends the broadcast of "Friday Show" for all viewers.', "s")
NOBODY_GETS_IT: Final = says("No destination is enabled: nobody would receive the stream.")
NOTHING_TO_SEE: Final = says("No source is active: viewers may see nothing.")
BY_ITSELF: Final = says("From then on the studio can go on air by itself, without another yes.")
KEY_IS_LOST: Final = says("Its stream key is lost: it can only be entered anew.")
SEEN_AT_ONCE: Final = says("The studio is on air. Viewers may see the change at once.")
MAYBE_SEEN: Final = says("The studio may be on air. Viewers may see the change at once.")

TABLE: Final = [
    Row(
        GO_LIVE,
        EVERYTHING,
        STUDIO,
        (STARTS, ON_MAIN, ON_LATE, says('Can be on screen: "Camera" (webcam).', "c1")),
        'Go live on YouTube and Twitch: "Friday Show"',
    ),
    Row(
        GO_LIVE,
        but(
            destinations=(destination("d1", "Shorts", "youtube", vertical=True),),
            sources=(source("c1", "Camera"), source("c2", "Guest", "webrtc input")),
        ),
        STUDIO,
        (
            STARTS,
            says('Goes out on "Shorts" (YouTube, portrait).', "d1"),
            says('Can be on screen: "Camera" (webcam).', "c1"),
            says('Can be on screen: "Guest" ("webrtc input").', "c2"),
        ),
        'Go live on YouTube: "Friday Show"',
    ),
    Row(
        GO_LIVE,
        but(destinations=(), sources=()),
        STUDIO,
        (STARTS,),
        'Go live: "Friday Show"',
        warnings=(NOBODY_GETS_IT, NOTHING_TO_SEE),
    ),
    Row(
        GO_LIVE,
        NOTHING,
        Target("s"),
        (says('Starts a broadcast of "s" that anyone can watch.', "s"),),
        'Go live: "s"',
    ),
    Row(
        GoOffline(**S),
        LIVE,
        STUDIO,
        (
            ENDS,
            note("It is on air since 2026-06-05T18:00:03Z."),
            says('Leaves "Main" (YouTube).', "d1"),
            says('Leaves "Late crowd" (Twitch).', "d2"),
        ),
        'Go offline: "Friday Show"',
    ),
    Row(
        GoOffline(**S),
        but(status=StreamStatus(live=True), destinations=None),
        STUDIO,
        (ENDS, note("It is on air.")),
        'Go offline: "Friday Show"',
    ),
    Row(
        GoOffline(**S),
        EVERYTHING,
        STUDIO,
        (ENDS, says("It does not seem to be on air: a start that is under way is stopped too.")),
        'Go offline: "Friday Show"',
    ),
    Row(
        GoOffline(**S),
        NOTHING,
        Target("s"),
        (says('Ends the broadcast of "s" for all viewers.', "s"),),
        'Go offline: "s"',
    ),
    Row(
        DeleteDestination(**S, dest_id="d1"),
        EVERYTHING,
        MAIN,
        (
            says('Removes the destination "Main" (YouTube) from "Friday Show".', "d1", "s"),
            KEY_IS_LOST,
        ),
        'Delete the destination "Main"',
    ),
    Row(
        DeleteDestination(**S, dest_id="d1"),
        LIVE,
        MAIN,
        (
            says('Removes the destination "Main" (YouTube) from "Friday Show".', "d1", "s"),
            KEY_IS_LOST,
            says("The studio is on air. Viewers there may lose the stream at once."),
        ),
        'Delete the destination "Main"',
    ),
    Row(
        DeleteDestination(**S, dest_id="d1"),
        NOTHING,
        Target("d1"),
        (
            says('Removes the destination "d1" from the studio.', "d1"),
            KEY_IS_LOST,
            says("The studio may be on air. Viewers there may lose the stream at once."),
        ),
        'Delete the destination "d1"',
    ),
    Row(
        DeleteSource(**S, source_id="c1"),
        EVERYTHING,
        CAMERA,
        (says('Removes the source "Camera" from "Friday Show".', "c1", "s"),),
        'Delete the source "Camera"',
    ),
    Row(
        DeleteSource(**S, source_id="c1"),
        LIVE,
        CAMERA,
        (
            says('Removes the source "Camera" from "Friday Show".', "c1", "s"),
            says("The studio is on air. It may vanish from the picture at once."),
        ),
        'Delete the source "Camera"',
    ),
    Row(
        DeleteSource(**S, source_id="c1"),
        NOTHING,
        Target("c1"),
        (
            says('Removes the source "c1" from the studio.', "c1"),
            says("The studio may be on air. It may vanish from the picture at once."),
        ),
        'Delete the source "c1"',
    ),
    Row(
        UNLINK,
        EVERYTHING,
        Target("a1", "Robin", "youtube"),
        (
            says('Unlinks the YouTube account "Robin" from TRaX.', "a1"),
            says("Only a person can link it again, on TRaX."),
        ),
        'Unlink the account "Robin"',
    ),
    Row(
        UNLINK,
        NOTHING,
        Target("a1"),
        (
            says('Unlinks the account "a1" from TRaX.', "a1"),
            says("Only a person can link it again, on TRaX."),
        ),
        'Unlink the account "a1"',
    ),
    Row(
        UpdateStudio(**S, name="Late Show", auto_go_live=True),
        EVERYTHING,
        STUDIO,
        (
            says('Sets name of "Friday Show" to "Late Show".', "s"),
            says('Sets autoGoLive of "Friday Show" to true.', "s"),
            BY_ITSELF,
            says('It would go out on "Main" (YouTube).', "d1"),
            says('It would go out on "Late crowd" (Twitch).', "d2"),
        ),
        'Change the studio "Friday Show"',
    ),
    Row(
        UpdateStudio(**S, auto_go_live=False, auto_go_offline_on_drop=True),
        LIVE,
        STUDIO,
        (
            says('Sets autoGoLive of "Friday Show" to false.', "s"),
            says('Sets autoGoOfflineOnDrop of "Friday Show" to true.', "s"),
        ),
        'Change the studio "Friday Show"',
    ),
    Row(
        UpdateDestination(
            **S, dest_id="d1", platform="kick", rtmp_url="rtmps://a.example/app", stream_key=KEY
        ),
        EVERYTHING,
        MAIN,
        (
            says('Sets platform of "Main" (YouTube) to "kick".', "d1"),
            says('Sets rtmpUrl of "Main" (YouTube) to "rtmps://a.example/app".', "d1"),
            says('Sets streamKey of "Main" (YouTube) to what you gave.', "d1"),
            says("What was there as rtmpUrl, streamKey and platform is overwritten."),
        ),
        'Change the destination "Main"',
    ),
    Row(
        UpdateDestination(**S, dest_id="d1", stream_key=KEY),
        EVERYTHING,
        MAIN,
        (
            says('Sets streamKey of "Main" (YouTube) to what you gave.', "d1"),
            says("What was there as streamKey is overwritten."),
        ),
        'Change the destination "Main"',
    ),
    Row(
        UpdateDestination(**S, dest_id="d1", name="Second", enabled=False, vertical=True),
        UNCLEAR,
        MAIN,
        (
            says('Sets name of "Main" (YouTube) to "Second".', "d1"),
            says('Sets enabled of "Main" (YouTube) to false.', "d1"),
            says('Sets vertical of "Main" (YouTube) to true.', "d1"),
            MAYBE_SEEN,
        ),
        'Change the destination "Main"',
    ),
    Row(
        UpdateSource(**S, source_id="c1", url="rtmp://b.example/feed", active=True),
        LIVE,
        CAMERA,
        (
            says('Sets url of "Camera" to "rtmp://b.example/feed".', "c1"),
            says('Sets active of "Camera" to true.', "c1"),
            SEEN_AT_ONCE,
        ),
        'Change the source "Camera"',
    ),
    Row(
        UpdateSource(**S, source_id="c1", name="Host"),
        EVERYTHING,
        CAMERA,
        (says('Sets name of "Camera" to "Host".', "c1"),),
        'Change the source "Camera"',
    ),
    Row(
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
        (
            says('Adds the destination "Backup" (YouTube) to "Friday Show".', "s"),
            says('Sets its rtmpUrl to "rtmp://c.example/app".'),
            says("Sets its streamKey to what you gave."),
            says("Sets its enabled to true."),
            says("Sets its vertical to false."),
            says("The studio is on air. The stream may go out there at once."),
        ),
        'Add the destination "Backup" to "Friday Show"',
    ),
    Row(
        CreateDestination(**S, name="Backup", platform="my own", connection_id="a1"),
        EVERYTHING,
        STUDIO,
        (
            says('Adds the destination "Backup" ("my own") to "Friday Show".', "s"),
            says('Sets its connectionId to "a1".'),
        ),
        'Add the destination "Backup" to "Friday Show"',
    ),
    Row(
        CreateSource(**S, name="Feed", type="rtmp", url="rtmp://d.example/feed"),
        UNCLEAR,
        STUDIO,
        (
            says('Adds the source "Feed" (rtmp) to "Friday Show".', "s"),
            says('Sets its url to "rtmp://d.example/feed".'),
            says("The studio may be on air. Viewers may see it at once."),
        ),
        'Add the source "Feed" to "Friday Show"',
    ),
    Row(
        SendChatMessage(**S, text="Hi\nall", platforms=("youtube", "twitch")),
        EVERYTHING,
        STUDIO,
        (
            says(
                r'Says in the public chat of "Friday Show" on YouTube and Twitch: "Hi\u000aall".',
                "s",
            ),
        ),
        'Send the message to the chat of "Friday Show"',
    ),
    Row(
        SendChatMessage(**S, text="Hello"),
        NOTHING,
        Target("s"),
        (says('Says in the public chat of the studio: "Hello".'),),
        'Send the message to the chat of "s"',
    ),
    Row(
        CreateStudio(name="Late Show"),
        NOTHING,
        Target(""),
        (says('Creates the studio "Late Show".'), says("No tool deletes it again.")),
        'Create the studio "Late Show"',
    ),
    Row(
        CreateMediaUpload(filename="a.mp4", content_type="video/mp4", byte_size=7, folder="Clips"),
        NOTHING,
        Target(""),
        (
            says('Reserves room in the media library for the file "a.mp4" (video/mp4, 7 bytes).'),
            says('Sets its folder to "Clips".'),
        ),
        'Reserve room for "a.mp4"',
    ),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda it: it.operation.tool_name)
def test_a_person_is_shown_exactly_this(row: Row) -> None:
    """The target, every sentence with the ids of the things that it names, and the choice."""
    shown = previewed(row.operation, row.facts)
    assert shown == Preview(
        operation=row.operation.tool_name,
        target=row.target,
        effects=row.effects,
        warnings=row.warnings,
        unknown=(),
        choice=row.choice,
        digest=shown.digest,
    )


def test_every_mutating_operation_has_a_row() -> None:
    """An operator may guard any of them."""
    assert {type(row.operation) for row in TABLE} == PLANS.keys()
    assert {row.operation.tool_name for row in TABLE} == GUARDABLE


@pytest.mark.parametrize("row", TABLE, ids=lambda it: it.operation.tool_name)
def test_a_preview_is_made_once(row: Row) -> None:
    """The guard asks for it several times."""
    plan = plan_for(row.operation)(row.operation, row.facts)
    assert plan.preview is plan.preview


@pytest.mark.parametrize("row", TABLE, ids=lambda it: it.operation.tool_name)
def test_every_argument_is_shown(row: Row) -> None:
    """A person agrees to nothing that they were not shown. A stream key has only a place there."""
    said = " ".join(it.text for it in previewed(row.operation, row.facts).effects)
    ids = {"studioId", "destId", "sourceId", "connectionId"}
    unseen = {
        name
        for name, value in row.operation.arguments().items()
        if name not in ids and f"{name} " not in said and not _shows(said, value)
    }
    assert unseen == set()


def _shows(said: str, value: object) -> bool:
    if isinstance(value, tuple):
        return all(_shows(said, it) for it in value)
    return str(value).replace("\n", r"\u000a").lower() in said.lower()


# Warnings


TROUBLED: Final = account("a1", "Robin", "youtube", "needs_reauth")
MAY_FAIL: Final = says(
    'The YouTube account "Robin" is needs_reauth: "Main" (YouTube) may fail.', "a1", "d1"
)


@pytest.mark.parametrize(
    ("facts", "warnings"),
    [
        (EVERYTHING, ()),
        (but(destinations=()), (NOBODY_GETS_IT,)),
        (but(destinations=(destination("d", "D", "kick", enabled=False),)), (NOBODY_GETS_IT,)),
        (but(sources=()), (NOTHING_TO_SEE,)),
        (but(sources=(source("c", "C", active=False),)), (NOTHING_TO_SEE,)),
        (but(destinations=(), sources=()), (NOBODY_GETS_IT, NOTHING_TO_SEE)),
        # Unknown facts warn of nothing.
        (but(destinations=None, sources=None, connections=None), ()),
        (but(connections=(TROUBLED,)), (MAY_FAIL,)),
        (but(connections=(account("a", "A", "kick", "expired"),)), ()),
        (but(destinations=None, connections=(TROUBLED,)), ()),
    ],
)
def test_a_go_live_warns_of_what_may_go_wrong(facts: Facts, warnings: tuple[Sentence, ...]) -> None:
    """Accounts matter only if the broadcast goes to their platform."""
    assert previewed(GO_LIVE, facts).warnings == warnings


def test_a_warning_about_an_account_names_each_destination_of_its_platform() -> None:
    """Destinations do not say which account they use."""
    places = (destination("d1", "Main", "youtube"), destination("d2", "Shorts", "youtube"))
    facts = but(destinations=places, connections=(TROUBLED,))
    second = says(
        'The YouTube account "Robin" is needs_reauth: "Shorts" (YouTube) may fail.', "a1", "d2"
    )
    assert previewed(GO_LIVE, facts).warnings == (MAY_FAIL, second)


def test_an_unlink_warns_of_destinations_of_the_same_platform_in_every_studio() -> None:
    """Only enabled ones count. A warning says whether their studio is on air."""
    off = destination("d3", "Old", "youtube", enabled=False)
    here = Facts(studio("One", "s1"), OFF_AIR, (destination("d1", "Main", "youtube"), off))
    there = Facts(
        studio("Two", "s2"),
        ON_AIR,
        (destination("d4", "T", "twitch"), destination("d5", "Y", "youtube")),
    )
    unread = Facts(studio("Three", "s3"), None, None)
    assert previewed(UNLINK, but(studio_details=(here, there, unread))).warnings == (
        says('"Main" (YouTube) in "One" may stop working.', "d1", "s1"),
        says('"Y" (YouTube) in "Two", which is on air, may stop working.', "d5", "s2"),
    )


def test_an_unlink_of_an_unknown_account_warns_of_nothing() -> None:
    """Its platform is unknown too."""
    here = Facts(studio("One"), ON_AIR, (destination("d1", "Main", "youtube"),))
    assert previewed(UNLINK, but(connections=None, studio_details=(here,))).warnings == ()


# Unknown facts, and all of it together


@pytest.mark.parametrize("row", TABLE, ids=lambda it: it.operation.tool_name)
def test_unknown_facts_are_listed_with_the_reason(row: Row) -> None:
    """They come in the order in which they were read."""
    unknown = (Unknown("the sources", "the key lacks sources:read"), Unknown("it", "no answer"))
    told = ("the sources (the key lacks sources:read)", "it (no answer)")
    assert previewed(row.operation, replace(row.facts, unknown=unknown)).unknown == told


def test_warnings_come_first_and_unknown_facts_last() -> None:
    """A person sees all of it, and the yes is to all of it."""
    unknown = (Unknown("the linked accounts", "the key lacks connections:read"),)
    shown = previewed(GO_LIVE, but(sources=(), connections=None, unknown=unknown)).shown
    assert shown == (
        NOTHING_TO_SEE,
        STARTS,
        ON_MAIN,
        ON_LATE,
        says("Not known: the linked accounts (the key lacks connections:read)"),
    )


def test_a_yes_is_not_to_a_note() -> None:
    """A note stands among the effects, but not among the sentences that consent depends on."""
    preview = previewed(GoOffline(**S), LIVE)
    (time,) = (it for it in preview.effects if it.is_note)
    assert time not in preview.shown
    assert len(preview.shown) == len(preview.effects) - 1


@pytest.mark.parametrize(
    "operation",
    [
        UpdateDestination(**S, dest_id="d1", stream_key=KEY),
        CreateDestination(
            **S, name="N", platform="kick", rtmp_url="rtmp://e.example", stream_key=KEY
        ),
    ],
    ids=lambda it: it.tool_name,
)
def test_a_stream_key_is_never_shown(operation: Operation[Model]) -> None:
    """It is also absent where a value happens to be printed."""
    preview = previewed(operation, LIVE)
    assert KEY.get_secret_value() not in f"{preview!r}{preview.shown}{operation!r}{operation}"


# Targets


UNLISTED: Final = [
    (DeleteDestination(**S, dest_id="d9"), "destination", "list_destinations"),
    (UpdateDestination(**S, dest_id="d9", enabled=True), "destination", "list_destinations"),
    (DeleteSource(**S, source_id="c9"), "source", "list_sources"),
    (UpdateSource(**S, source_id="c9", active=True), "source", "list_sources"),
    (UnlinkConnection(connection_id="a9"), "connection", "list_connections"),
]


@pytest.mark.parametrize(
    ("operation", "what", "listed_by"), UNLISTED, ids=lambda it: getattr(it, "tool_name", None)
)
def test_a_target_that_its_list_lacks_is_not_found(
    operation: Operation[Model], what: str, listed_by: str
) -> None:
    """A person is not asked about a thing that does not exist."""
    with pytest.raises(NotSent, match=f"TRaX lists no such {what}.*Check the id with {listed_by}"):
        previewed(operation)


# Every operation has a plan


MUTATING: Final = tuple(it for it in OPERATIONS if it.effect is not Effect.READ)


def test_the_plans_of_this_server_are_complete() -> None:
    """The import checks the same."""
    check_plans(OPERATIONS, tuple(PLANS.values()))
    assert set(PLANS) == set(MUTATING)
    assert {kind: plan.operation_type for kind, plan in PLANS.items()} == {it: it for it in PLANS}


@pytest.mark.parametrize("missing", MUTATING, ids=lambda it: it.tool_name)
def test_a_mutating_operation_without_a_plan_does_not_import(
    missing: type[Operation[Model]],
) -> None:
    """The error names the operations and the plans."""
    rest = tuple(plan for kind, plan in PLANS.items() if kind is not missing)
    with pytest.raises(TypeError, match=f"mutating operations .*'{missing.__name__}'.*plans for"):
        check_plans(OPERATIONS, rest)


def test_two_plans_for_one_operation_do_not_import() -> None:
    """The guard could use only one of them."""
    with pytest.raises(TypeError, match="'GoLive', 'GoLive'"):
        check_plans(OPERATIONS, (*PLANS.values(), GoLivePlan))


def test_a_plan_for_a_reading_operation_does_not_import() -> None:
    """A person is never asked whether something may be read."""

    class ListStudiosPlan(Plan[ListStudios]):
        """Nothing to agree to."""

        reads = ()

        def effects(self) -> Sentences:
            yield from ()

        def choice(self) -> str:
            return ""

    with pytest.raises(TypeError, match="ListStudios"):
        check_plans(OPERATIONS, (*PLANS.values(), ListStudiosPlan))


class WithoutChoice(Plan[GoLive]):
    """Has no choice."""

    reads = ()

    def effects(self) -> Sentences:
        """Nothing."""
        yield from ()


class WithoutEffects(Plan[GoLive]):
    """Has no effects."""

    reads = ()

    def choice(self) -> str:
        """Nothing."""
        return ""


class WithoutReads(Plan[GoLive]):
    """Does not say what is read."""

    def effects(self) -> Sentences:
        """Nothing."""
        yield from ()

    def choice(self) -> str:
        """Nothing."""
        return ""


@pytest.mark.parametrize("plan", [WithoutChoice, WithoutEffects, WithoutReads])
def test_an_incomplete_plan_does_not_import(plan: type[Plan[Any]]) -> None:
    """The error names it."""
    with pytest.raises(TypeError, match=rf"incomplete plans: \['{plan.__name__}'\]"):
        check_plans((GetHealth, GoLive), (plan,))
