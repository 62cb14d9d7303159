"""Which changes invalidate a confirmation. The digest holds arguments, shown sentences and ids."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import pytest
from pydantic import SecretStr

from tests.support.operation_table import CHANGES, WHILE_LIVE
from tests.units.consent.shown_table import (
    CHANGING,
    DELETE_DESTINATION,
    DELETE_SOURCE,
    DEST,
    GO_LIVE,
    GO_OFFLINE,
    UNLINK,
    S,
    operation_of,
)
from tests.units.studio_facts import (
    EVERYTHING,
    IN_USE,
    LIVE,
    NOW,
    OFF_AIR,
    ON_AIR,
    UNCLEAR,
    account,
    but,
    destination,
    in_another_order,
    in_studio,
    known,
    linked,
    previewed,
    showing,
    some_time_later,
    source,
    studio,
    to,
    unread,
)
from trax_mcp.actions.chat_and_media import SendChatMessage
from trax_mcp.actions.connections import UnlinkConnection
from trax_mcp.actions.destinations import DeleteDestination, UpdateDestination
from trax_mcp.actions.sources import CreateSource, DeleteSource
from trax_mcp.actions.stream import GoLive, GoOffline
from trax_mcp.actions.studios import UpdateStudio
from trax_mcp.api.reads import ListConnections, ListDestinations, ListSources
from trax_mcp.studio.facts import Facts

if TYPE_CHECKING:
    from trax_mcp.actions.change import Change
    from trax_mcp.api.models import Destination, StreamStatus

    Rows = dict[str, tuple[Change[Any], Facts] | tuple[Change[Any], Facts, Facts]]

AUTO_LIVE: Final = UpdateStudio(**S, auto_go_live=True)
ALL_BUT_A_STOP: Final = [it for it in CHANGING if it != GO_OFFLINE]

MAIN, LATE, TRYING = EVERYTHING[ListDestinations].value or ()
CAMERA, GUEST = EVERYTHING[ListSources].value or ()
ROBIN, ROBIN_X = EVERYTHING[ListConnections].value or ()
SAME_NAME: Final = destination("dest_9", "Main", "youtube")
NEW: Final = destination("dest_4", "New", "kick")
PORTRAIT: Final = destination("dest_1", "Main", "youtube", vertical=True)
LONG_A: Final = destination("dest_1", f"{'x' * 450}a{'x' * 450}", "youtube")
LONG_B: Final = destination("dest_1", f"{'x' * 450}b{'x' * 450}", "youtube")
TROUBLED: Final = account("conn_1", "Robin", "youtube", "needs_reauth")


def off(which: str, name: str) -> Destination:
    return destination(which, name, "kick", enabled=False)


def used_by(name: str, which: str, status: StreamStatus = OFF_AIR, place: str = "x1") -> Facts:
    """Everything, with a studio that goes out on YouTube."""
    return but(per_studio=(in_studio(name, which, status, destination(place, "Main", "youtube")),))


def digest(operation: Change[Any], facts: Facts = EVERYTHING) -> str:
    """What a confirmation is bound to."""
    return previewed(operation, facts).digest


INVALIDATING: Final[Rows] = {
    "studio renamed": (GO_LIVE, but(studio=studio("Renamed"))),
    "destination renamed": (GO_LIVE, to(destination("dest_1", "Mine", "youtube"), LATE, TRYING)),
    "platform changed": (GO_LIVE, to(destination("dest_1", "Main", "kick"), LATE, TRYING)),
    "switched to portrait": (GO_LIVE, to(PORTRAIT, LATE, TRYING)),
    "swapped for one of the same name": (GO_LIVE, to(SAME_NAME, LATE, TRYING)),
    "destination enabled": (GO_LIVE, to(MAIN, LATE, destination("dest_3", "Trying out", "kick"))),
    "second of the same name": (GO_LIVE, to(MAIN, LATE, SAME_NAME)),
    "destination disabled": (GO_LIVE, to(MAIN, TRYING)),
    "disabled destination renamed": (GO_LIVE, to(MAIN, LATE, off("dest_3", "Renamed"))),
    "disabled destination removed": (GO_LIVE, to(MAIN, LATE)),
    "disabled destination swapped": (GO_LIVE, to(MAIN, LATE, off("dest_9", "Trying out"))),
    "a name changes where no screen shows it": (GO_LIVE, to(LONG_A), to(LONG_B)),
    "no destination left": (GO_LIVE, to()),
    "two destinations exchange their names": (
        GO_LIVE,
        to(destination("dest_1", "Late crowd", "twitch"), destination("dest_2", "Main", "youtube")),
    ),
    "source renamed": (GO_LIVE, showing(source("source_1", "Renamed"), GUEST)),
    "source swapped": (GO_LIVE, showing(source("source_9", "Camera"), GUEST)),
    "source activated": (GO_LIVE, showing(CAMERA, source("source_2", "Guest", "rtmp"))),
    "source deactivated": (GO_LIVE, showing(GUEST)),
    "account in trouble": (GO_LIVE, linked(TROUBLED)),
    "in another trouble": (
        GO_LIVE, linked(account("conn_1", "Robin", "youtube", "revoked")), linked(TROUBLED)
    ),
    "account in trouble swapped": (
        GO_LIVE, linked(account("conn_9", "Robin", "youtube", "needs_reauth")), linked(TROUBLED)
    ),
    "auto: studio renamed": (AUTO_LIVE, but(studio=studio("Renamed"))),
    "auto: destination added": (AUTO_LIVE, to(MAIN, LATE, TRYING, NEW)),
    "auto: switched to portrait": (AUTO_LIVE, to(PORTRAIT, LATE)),
    "delete: studio renamed": (DELETE_DESTINATION, but(studio=studio("Renamed"))),
    "delete: renamed": (DELETE_DESTINATION, to(destination("dest_1", "Renamed", "youtube"))),
    "delete: platform changed": (DELETE_DESTINATION, to(destination("dest_1", "Main", "kick"))),
    "delete: source renamed": (DELETE_SOURCE, showing(source("source_1", "Renamed"))),
    "unlink: platform changed": (UNLINK, linked(account("conn_1", "Robin", "twitch"))),
    "unlink: account renamed": (UNLINK, linked(account("conn_1", "Renamed", "youtube"))),
    "unlink: a namesake is linked": (
        UNLINK, linked(ROBIN, account("conn_3", "Robin", "youtube"))
    ),
    "unlink: a studio uses it": (UNLINK, IN_USE),
    "unlink: that studio is renamed": (UNLINK, used_by("New", "s1"), IN_USE),
    "unlink: another studio of the same name": (UNLINK, used_by("One", "s9"), IN_USE),
    "unlink: that studio goes on air": (UNLINK, used_by("One", "s1", ON_AIR), IN_USE),
    "unlink: another destination": (UNLINK, used_by("One", "s1", place="x9"), IN_USE),
}  # fmt: skip
"""By what changed: the operation, and the facts now. Then those before, if not everything."""
HARMLESS: Final[Rows] = {
    "source of another type": (GO_LIVE, showing(source("source_1", "Camera", "srt"), GUEST)),
    "inactive source removed": (GO_LIVE, showing(CAMERA)),
    "inactive source renamed": (
        GO_LIVE, showing(CAMERA, source("source_2", "Renamed", "rtmp", active=False))
    ),
    "healthy account unlinked": (GO_LIVE, linked(ROBIN)),
    "healthy account renamed": (GO_LIVE, linked(account("conn_1", "Renamed", "youtube"), ROBIN_X)),
    "account in trouble on a platform without a destination": (
        GO_LIVE, linked(ROBIN, ROBIN_X, account("conn_3", "R", "kick", "expired"))
    ),
    "delete: others changed": (DELETE_DESTINATION, to(MAIN, NEW)),
    "delete: disabled": (
        DELETE_DESTINATION, to(destination("dest_1", "Main", "youtube", enabled=False))
    ),
    "delete: source deactivated": (
        DELETE_SOURCE, showing(source("source_1", "Camera", active=False))
    ),
    "unlink: account in trouble": (UNLINK, linked(TROUBLED)),
    "unlink: another account unlinked": (UNLINK, linked(ROBIN)),
    "unlink: a studio on other platforms is removed": (UNLINK, used_by("One", "s1"), IN_USE),
}  # fmt: skip
"""The same for changes of things that the person was not shown."""


@pytest.mark.parametrize("change", INVALIDATING)
def test_a_change_of_what_was_shown_invalidates_a_confirmation(change: str) -> None:
    operation, now, *before = INVALIDATING[change]
    assert digest(operation, now) != digest(operation, *before)


@pytest.mark.parametrize("change", HARMLESS)
def test_a_change_of_what_was_not_shown_invalidates_nothing(change: str) -> None:
    """A person who agreed to one thing is not asked again because of another."""
    operation, now, *before = HARMLESS[change]
    assert [now] != (before or [EVERYTHING])
    assert digest(operation, now) == digest(operation, *before)


def test_no_two_changes_have_the_same_digest() -> None:
    worlds = [now for operation, now, *_ in INVALIDATING.values() if operation is GO_LIVE]
    assert len(worlds) > 10
    assert len({digest(GO_LIVE, it) for it in (EVERYTHING, *worlds)}) == len(worlds) + 1


def test_a_confirmation_from_off_air_is_invalid_on_air() -> None:
    """It is also invalid where the status has become unknown, and the other way round."""
    while_live = [operation_of(*it) for it in CHANGES if it[1].when == WHILE_LIVE]
    for operation in (DELETE_DESTINATION, DELETE_SOURCE, *while_live):
        digests = {digest(operation, it) for it in (EVERYTHING, LIVE, UNCLEAR)}
        assert len(digests) == 3, operation


def test_a_fact_that_becomes_unknown_invalidates_a_confirmation() -> None:
    """So does a fact that becomes known, and another reason."""
    one, two = unread("a"), unread("b")
    worlds = (but(), but(studios=one), but(studios=two), but(studios=one, starting=two))
    for operation in ALL_BUT_A_STOP:
        assert len({digest(operation, it) for it in worlds}) == 4, operation


def test_the_order_of_lists_invalidates_nothing() -> None:
    """TRaX promises no order."""
    shorts = destination("dest_4", "Shorts", "youtube")
    for facts, operation in product((IN_USE, LIVE), ALL_BUT_A_STOP):
        many = known(
            facts,
            destinations=(MAIN, LATE, shorts),
            sources=(CAMERA, source("source_2", "Guest", "rtmp")),
            connections=(TROUBLED, account("conn_2", "robin_x", "twitch", "expired")),
            per_studio=(facts, known(facts, studio=studio("Two", "s2"))),
        )
        assert in_another_order(many) != many
        assert digest(operation, in_another_order(many)) == digest(operation, many), operation


def test_times_invalidate_nothing() -> None:
    """Neither do durations, expiry dates, or the state of a destination. They are in notes."""
    for facts in (IN_USE, LIVE, known(linked(TROUBLED), per_studio=(LIVE,))):
        later = some_time_later(facts)
        assert later != facts
        assert [it for it in ALL_BUT_A_STOP if digest(it, later) != digest(it, facts)] == []
    tomorrow = NOW + timedelta(days=1)
    for operation in CHANGING:
        before, after = (previewed(operation, LIVE, now=it) for it in (NOW, tomorrow))
        assert (after.digest, after.shown) == (before.digest, before.shown)


def test_a_confirmation_of_a_stop_is_bound_to_its_studio_only() -> None:
    worlds = [
        *(now for _, now, *_ in (*INVALIDATING.values(), *HARMLESS.values())),
        *(LIVE, some_time_later(LIVE), UNCLEAR, Facts(), but(destinations=unread("no answer"))),
    ]
    assert {digest(GO_OFFLINE, it) for it in worlds} == {digest(GO_OFFLINE)}
    another = {digest(GoOffline(studio_id="another"), it) for it in worlds}
    assert digest(GO_OFFLINE) not in another


ARGUMENTS: Final = [
    *CHANGING,
    *(GoLive(studio_id="another"), UnlinkConnection(connection_id="conn_2")),
    *(DeleteDestination(**S, dest_id="dest_2"), DeleteSource(**S, source_id="source_2")),
    DeleteDestination(studio_id="another", dest_id="dest_1"),
    UpdateDestination(**DEST, rtmp_url="rtmp://a.example"),
    UpdateDestination(**DEST, rtmp_url="rtmp://b.example"),
    CreateSource(**S, name="N", type="kick"),
    SendChatMessage(**S, text="Hello", platforms=("kick",)),
    SendChatMessage(**S, text=f"{'x' * 500}a"),
    SendChatMessage(**S, text=f"{'x' * 500}b"),
]


def test_a_confirmation_is_of_one_operation_with_its_arguments() -> None:
    """A digest has 128 bits, and is the same each time."""
    for facts in (EVERYTHING, Facts()):
        digests = [digest(it, facts) for it in ARGUMENTS]
        assert len(set(digests)) == len(ARGUMENTS)
        assert digests == [digest(it.model_copy(), facts) for it in ARGUMENTS]
        assert all(re.fullmatch("[0-9a-f]{32}", it) for it in digests)


def test_a_stream_key_is_not_in_the_digest() -> None:
    """The digest is logged. The guard compares the key with the kept operation instead."""
    one, another = (
        UpdateDestination(**DEST, stream_key=SecretStr(key)) for key in ("live-4711", "live-4712")
    )
    assert one != another
    assert digest(one) == digest(another)
