"""What a yes is bound to: which changes void it, and which do not.

Pure. The digest covers what would happen and nothing that ticks or drifts: what does not matter
must not void a yes. Of a stop it holds the studio alone.
"""

from __future__ import annotations

import re
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
from trax_mcp.api.models import Health, StreamStatus
from trax_mcp.api.operations import (
    CreateDestination,
    CreateSource,
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
from trax_mcp.consent.preview import changes, preview
from trax_mcp.studio.facts import Facts, Unknown

if TYPE_CHECKING:
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation

S: Final = {"studio_id": "s"}
GO_LIVE: Final = GoLive(**S)
GO_OFFLINE: Final = GoOffline(**S)
DELETE_PLACE: Final = DeleteDestination(**S, dest_id="d1")
DELETE_SOURCE: Final = DeleteSource(**S, source_id="c1")
UNLINK: Final = UnlinkConnection(connection_id="a1")
UPDATE: Final = UpdateDestination(**S, dest_id="d1", enabled=False)
CREATE: Final = CreateDestination(**S, name="N", platform="kick")
UPDATE_SOURCE: Final = UpdateSource(**S, source_id="c1", active=False)
GUARDED: Final = (GO_LIVE, DELETE_PLACE, DELETE_SOURCE, UNLINK, UPDATE, CREATE, UPDATE_SOURCE)

MAIN, LATE, TRYING = EVERYTHING.destinations or ()
CAMERA, GUEST = EVERYTHING.sources or ()
ROBIN, ROBIN_X = EVERYTHING.connections or ()
OFF: Final = Health.model_validate({"status": "degraded", "writeEnabled": False})
LATER: Final = StreamStatus.model_validate({"live": True, "liveStartedAt": "2026-06-05T19:00:00Z"})
TROUBLED: Final = account("a1", "Robin", "youtube", "needs_reauth")


def digest(operation: Operation[Model], facts: Facts = EVERYTHING) -> str:
    """What a yes would be bound to."""
    return preview(operation, facts).digest


def drifting(facts: Facts) -> Facts:
    """The same, with everything changed that comes and goes by itself, in another order."""
    places = tuple(it.model_copy(update={"status": "ready"}) for it in facts.destinations or ())
    return replace(
        facts,
        status=LATER if facts.live else OFF_AIR,
        destinations=tuple(reversed(places)),
        sources=tuple(reversed(facts.sources or ())),
        connections=(ROBIN_X, TROUBLED),
        health=OFF,
    )


@pytest.mark.parametrize("facts", [EVERYTHING, LIVE], ids=["off air", "on air"])
@pytest.mark.parametrize("operation", [*GUARDED, GO_OFFLINE], ids=lambda it: it.tool_name)
def test_what_ticks_or_drifts_voids_no_yes(operation: Operation[Model], facts: Facts) -> None:
    """Times, states, warnings, the order of a list."""
    before, now = preview(operation, facts), preview(operation, drifting(facts))
    assert now.digest == before.digest
    assert operation is not GO_LIVE or now.warnings != before.warnings


SAME: Final = {
    "the studio's name": but(studio=studio("Renamed")),
    "a disabled destination's name": but(
        destinations=(MAIN, LATE, place("d3", "Renamed", "kick", enabled=False))
    ),
    "a disabled destination": but(destinations=(MAIN, LATE)),
    "an account": but(connections=(ROBIN,)),
    "an inactive source": but(sources=(CAMERA,)),
    "an active source's name": but(sources=(source("c1", "Renamed"), GUEST)),
}
OTHER: Final = {
    "on air": LIVE,
    "not known to be off air": UNCLEAR,
    "enabled": but(destinations=(MAIN, LATE, place("d3", "Trying out", "kick"))),
    "disabled": but(destinations=(MAIN, TRYING)),
    "all disabled": but(destinations=()),
    "destination renamed": but(destinations=(place("d1", "Mine", "youtube"), LATE, TRYING)),
    "destination elsewhere": but(destinations=(place("d1", "Main", "kick"), LATE, TRYING)),
    "destination replaced": but(destinations=(place("d9", "Main", "youtube"), LATE, TRYING)),
    "source activated": but(sources=(CAMERA, source("c2", "Guest", "rtmp"))),
    "source deactivated": but(sources=()),
    "source replaced": but(sources=(source("c9", "Camera"), GUEST)),
}


@pytest.mark.parametrize("change", SAME)
def test_what_does_not_matter_to_a_go_live_voids_no_yes(change: str) -> None:
    """A yes to a show is to where it goes and what is on screen."""
    assert SAME[change] != EVERYTHING
    assert digest(GO_LIVE, SAME[change]) == digest(GO_LIVE)


@pytest.mark.parametrize("change", OTHER)
def test_a_go_live_elsewhere_needs_another_yes(change: str) -> None:
    """Whatever changes who would see it, or what they would see."""
    assert digest(GO_LIVE, OTHER[change]) != digest(GO_LIVE)


def test_every_change_is_another() -> None:
    """No two worlds are mistaken for each other."""
    assert len({digest(GO_LIVE, it) for it in OTHER.values()}) == len(OTHER)


@pytest.mark.parametrize(
    "facts",
    [
        *OTHER.values(),
        *SAME.values(),
        Facts(),
        Facts(unknown=(Unknown("the destinations", "TRaX did not tell"),)),
    ],
)
def test_nothing_comes_between_a_person_and_the_stop(facts: Facts) -> None:
    """Its yes is to the studio, whatever happens there and however little is known of it."""
    assert digest(GO_OFFLINE, facts) == digest(GO_OFFLINE)
    assert digest(GoOffline(studio_id="another"), facts) != digest(GO_OFFLINE)


@pytest.mark.parametrize("operation", GUARDED, ids=lambda it: it.tool_name)
def test_what_becomes_unknown_voids_a_yes(operation: Operation[Model]) -> None:
    """And what becomes known; why it is unknown does not matter, nor in which order it is told."""
    one, two = Unknown("the sources", "a"), Unknown("the linked accounts", "b")
    known, unknown, both = but(), but(unknown=(one,)), but(unknown=(one, two))
    assert len({digest(operation, it) for it in (known, unknown, both)}) == 3
    otherwise = but(unknown=(two, replace(one, why="c")))
    assert digest(operation, otherwise) == digest(operation, both)


@pytest.mark.parametrize("operation", GUARDED, ids=lambda it: it.tool_name)
def test_a_yes_while_off_air_is_none_while_on_air(operation: Operation[Model]) -> None:
    """Of an account, where it may be in use."""
    here = replace(EVERYTHING, around=(EVERYTHING,))
    there = replace(LIVE, around=(LIVE,))
    assert digest(operation, there) != digest(operation, here)


@pytest.mark.parametrize(
    ("operation", "facts"),
    [
        (DELETE_PLACE, but(destinations=(place("d1", "Renamed", "youtube"),))),
        (DELETE_PLACE, but(destinations=(place("d1", "Main", "kick"),))),
        (DELETE_SOURCE, but(sources=(source("c1", "Renamed"),))),
        (UNLINK, but(connections=(account("a1", "Renamed", "youtube"),))),
        (UNLINK, but(connections=(account("a1", "Robin", "twitch"),))),
        (UPDATE, but(destinations=(place("d1", "Renamed", "youtube"),))),
        (CREATE, but(studio=studio("Renamed"))),
    ],
)
def test_a_yes_is_to_a_thing_by_its_name_and_platform(
    operation: Operation[Model], facts: Facts
) -> None:
    """What has become another thing under the same id needs another yes."""
    assert digest(operation, facts) != digest(operation)


@pytest.mark.parametrize(
    ("operation", "facts"),
    [
        (DELETE_PLACE, but(destinations=(MAIN,))),
        (DELETE_PLACE, but(destinations=(place("d1", "Main", "youtube", enabled=False),))),
        (DELETE_PLACE, but(studio=studio("Renamed"))),
        (DELETE_SOURCE, but(sources=(source("c1", "Camera", active=False),))),
        (UNLINK, but(connections=(TROUBLED,))),
        (UPDATE, but(destinations=(MAIN,))),
    ],
)
def test_what_happens_beside_a_thing_voids_no_yes(
    operation: Operation[Model], facts: Facts
) -> None:
    """A yes to removing one thing says nothing of the others."""
    assert digest(operation, facts) == digest(operation)


def test_a_yes_to_unlinking_minds_the_shows_that_the_account_may_serve() -> None:
    """Not those that go out elsewhere, in whatever order the studios are listed."""
    served = Facts(studio("One", "s1"), ON_AIR, (place("d1", "Main", "youtube"),))
    elsewhere = Facts(studio("Two", "s2"), ON_AIR, (place("d2", "T", "twitch"),))
    quiet = Facts(studio("Three", "s3"), OFF_AIR, (place("d3", "Y", "youtube"),))
    also_served = Facts(studio("Four", "s4"), ON_AIR, (place("d4", "Y", "youtube"),))
    alone = digest(UNLINK, but(around=(served,)))
    assert digest(UNLINK, but(around=(elsewhere, quiet, served))) == alone
    assert digest(UNLINK, but(around=())) != alone
    both = digest(UNLINK, but(around=(served, also_served)))
    assert both != alone
    assert digest(UNLINK, but(around=(also_served, served))) == both


OPERATIONS: Final[list[Operation[Model]]] = [
    *GUARDED,
    GO_OFFLINE,
    GoLive(studio_id="another"),
    DeleteDestination(**S, dest_id="d2"),
    DeleteDestination(studio_id="another", dest_id="d1"),
    DeleteSource(**S, source_id="c2"),
    UnlinkConnection(connection_id="a2"),
    UpdateDestination(**S, dest_id="d1", enabled=True),
    UpdateDestination(**S, dest_id="d1", vertical=False),
    UpdateDestination(**S, dest_id="d1", rtmp_url="rtmp://a.example"),
    UpdateDestination(**S, dest_id="d1", rtmp_url="rtmp://b.example"),
    UpdateStudio(**S, auto_go_live=True),
    UpdateStudio(**S, auto_go_live=True, name="N"),
    CreateSource(**S, name="N", type="kick"),
    CreateDestination(**S, name="N", platform="kick", enabled=True),
    SendChatMessage(**S, text="Hello"),
    SendChatMessage(**S, text="Hello", platforms=("kick",)),
]


def test_a_yes_is_to_one_operation_with_its_arguments() -> None:
    """In the same world no two calls have the same digest."""
    assert len({digest(it) for it in OPERATIONS}) == len(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: it.tool_name)
def test_a_digest_is_short_and_tells_nothing(operation: Operation[Model]) -> None:
    """128 bits of a hash, the same each time."""
    assert re.fullmatch("[0-9a-f]{32}", digest(operation))
    assert digest(operation.model_copy()) == digest(operation)


def test_a_stream_key_is_not_in_the_digest() -> None:
    """A digest is written down; the key itself is compared with the kept operation instead."""
    one, another = (
        UpdateDestination(**S, dest_id="d1", stream_key=SecretStr(key))
        for key in ("live-4711", "live-4712")
    )
    assert one != another
    assert digest(one) == digest(another)


def test_what_has_changed_is_said_line_by_line() -> None:
    """What is gone first, then what is new; what is the same is not repeated."""
    before = preview(GO_LIVE, EVERYTHING)
    now = preview(GO_LIVE, but(destinations=(MAIN, place("d3", "Trying out", "kick")), sources=()))
    assert changes(before.shown, now) == (
        'No longer: Goes out on "Late crowd" (Twitch).',
        'No longer: Can be on screen: "Camera" (webcam).',
        "Now: No source is active: viewers may see nothing.",
        'Now: Goes out on "Trying out" (Kick).',
    )
    assert changes(before.shown, before) == ()
