"""Which changes invalidate a confirmation. The digest holds arguments, shown sentences and ids.

`test_consent_facts` and `test_consent_changed` try some of the changes with clients.
"""

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
    SOURCE,
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
    previewed,
    some_time_later,
    source,
    studio,
    unread,
)
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
from trax_mcp.consent.plans import plan_for
from trax_mcp.studio.facts import Facts, Read

if TYPE_CHECKING:
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation

    Change = tuple[Operation[Model], Facts, Facts]

AUTO_LIVE: Final = UpdateStudio(**S, auto_go_live=True)
UPDATE: Final = UpdateDestination(**DEST, enabled=False)
CREATE: Final = CreateDestination(**S, name="N", platform="kick")
UPDATE_SOURCE: Final = UpdateSource(**SOURCE, active=False)
CREATE_SOURCE: Final = CreateSource(**S, name="N", type="rtmp")
CHAT: Final = SendChatMessage(**S, text="Hello")

ALL_BUT_A_STOP: Final = [it for it in CHANGING if it != GO_OFFLINE]

MAIN, LATE, TRYING = EVERYTHING.destinations.value or ()
CAMERA, GUEST = EVERYTHING.sources.value or ()
ROBIN, ROBIN_X = EVERYTHING.connections.value or ()
TROUBLED: Final = account("conn_1", "Robin", "youtube", "needs_reauth")
FAILING: Final = but(connections=(TROUBLED,))


def used(*details: Facts) -> Facts:
    """The same with other details of studios."""
    return but(studio_details=details)


def digest(operation: Operation[Model], facts: Facts = EVERYTHING) -> str:
    """What a confirmation is bound to."""
    return previewed(operation, facts).digest


# Changes that invalidate a confirmation


def after(operation: Operation[Model], **facts: Any) -> Change:  # noqa: ANN401  any fact
    """A change of these facts."""
    return operation, EVERYTHING, but(**facts)


INVALIDATING: Final[dict[str, Change]] = {
    # A go-live
    "studio renamed": after(GO_LIVE, studio=studio("Renamed")),
    "destination renamed": after(
        GO_LIVE, destinations=(destination("dest_1", "Mine", "youtube"), LATE, TRYING)
    ),
    "platform changed": after(
        GO_LIVE, destinations=(destination("dest_1", "Main", "kick"), LATE, TRYING)
    ),
    "switched to portrait": after(
        GO_LIVE,
        destinations=(destination("dest_1", "Main", "youtube", vertical=True), LATE, TRYING),
    ),
    "destination swapped for one of the same name": after(
        GO_LIVE, destinations=(destination("dest_9", "Main", "youtube"), LATE, TRYING)
    ),
    "destination enabled": after(
        GO_LIVE, destinations=(MAIN, LATE, destination("dest_3", "Trying out", "kick"))
    ),
    "second destination of the same name": after(
        GO_LIVE, destinations=(MAIN, LATE, destination("dest_9", "Main", "youtube"))
    ),
    "destination disabled": after(GO_LIVE, destinations=(MAIN, TRYING)),
    "disabled destination renamed": after(
        GO_LIVE, destinations=(MAIN, LATE, destination("dest_3", "Renamed", "kick", enabled=False))
    ),
    "disabled destination removed": after(GO_LIVE, destinations=(MAIN, LATE)),
    "disabled destination swapped for one of the same name": after(
        GO_LIVE,
        destinations=(MAIN, LATE, destination("dest_9", "Trying out", "kick", enabled=False)),
    ),
    "all destinations disabled": after(GO_LIVE, destinations=()),
    "two destinations exchange their names": after(
        GO_LIVE,
        destinations=(
            destination("dest_1", "Late crowd", "twitch"),
            destination("dest_2", "Main", "youtube"),
        ),
    ),
    "source renamed": after(GO_LIVE, sources=(source("source_1", "Renamed"), GUEST)),
    "source of another type": after(GO_LIVE, sources=(source("source_1", "Camera", "srt"), GUEST)),
    "source swapped for one of the same name": after(
        GO_LIVE, sources=(source("source_9", "Camera"), GUEST)
    ),
    "source activated": after(GO_LIVE, sources=(CAMERA, source("source_2", "Guest", "rtmp"))),
    "source deactivated": after(GO_LIVE, sources=(GUEST,)),
    "account in trouble": (GO_LIVE, EVERYTHING, FAILING),
    "account in another trouble": (
        GO_LIVE,
        FAILING,
        but(connections=(account("conn_1", "Robin", "youtube", "revoked"),)),
    ),
    "account in trouble swapped for one of the same name": (
        GO_LIVE,
        FAILING,
        but(connections=(account("conn_9", "Robin", "youtube", "needs_reauth"),)),
    ),
    # autoGoLive
    "auto: studio renamed": after(AUTO_LIVE, studio=studio("Renamed")),
    "auto: destination added": after(
        AUTO_LIVE, destinations=(MAIN, LATE, TRYING, destination("dest_4", "New", "kick"))
    ),
    "auto: switched to portrait": after(
        AUTO_LIVE, destinations=(destination("dest_1", "Main", "youtube", vertical=True), LATE)
    ),
    # One thing of a studio
    "delete: destination renamed": after(
        DELETE_DESTINATION, destinations=(destination("dest_1", "Renamed", "youtube"),)
    ),
    "delete: studio renamed": after(DELETE_DESTINATION, studio=studio("Renamed")),
    "delete: source renamed": after(DELETE_SOURCE, sources=(source("source_1", "Renamed"),)),
    "delete: platform changed": after(
        DELETE_DESTINATION, destinations=(destination("dest_1", "Main", "kick"),)
    ),
    # An account
    "unlink: platform changed": after(UNLINK, connections=(account("conn_1", "Robin", "twitch"),)),
    "unlink: account renamed": after(
        UNLINK, connections=(account("conn_1", "Renamed", "youtube"),)
    ),
    "unlink: a studio uses it": (UNLINK, EVERYTHING, IN_USE),
    "unlink: the studio that uses it is renamed": (
        UNLINK,
        IN_USE,
        used(in_studio("New", "s1", OFF_AIR, destination("x1", "Main", "youtube"))),
    ),
    "unlink: another studio of the same name uses it": (
        UNLINK,
        IN_USE,
        used(in_studio("One", "s9", OFF_AIR, destination("x1", "Main", "youtube"))),
    ),
    "unlink: the studio that uses it goes on air": (
        UNLINK,
        IN_USE,
        used(in_studio("One", "s1", ON_AIR, destination("x1", "Main", "youtube"))),
    ),
    "unlink: another destination of the same name uses it": (
        UNLINK,
        IN_USE,
        used(in_studio("One", "s1", OFF_AIR, destination("x9", "Main", "youtube"))),
    ),
}
"""By what changed: the operation, the facts at the question, and the facts at the yes."""


@pytest.mark.parametrize("change", INVALIDATING)
def test_a_change_of_what_was_shown_invalidates_a_confirmation(change: str) -> None:
    operation, before, now = INVALIDATING[change]
    assert digest(operation, now) != digest(operation, before)


def test_no_two_changes_have_the_same_digest() -> None:
    """One change cannot be mistaken for another."""
    worlds = [now for operation, _, now in INVALIDATING.values() if operation is GO_LIVE]
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


# Changes that invalidate nothing


HARMLESS: Final[dict[str, Change]] = {
    # A go-live
    "inactive source removed": after(GO_LIVE, sources=(CAMERA,)),
    "inactive source renamed": after(
        GO_LIVE, sources=(CAMERA, source("source_2", "Renamed", "rtmp", active=False))
    ),
    "healthy account unlinked": after(GO_LIVE, connections=(ROBIN,)),
    "healthy account renamed": after(
        GO_LIVE, connections=(account("conn_1", "Renamed", "youtube"), ROBIN_X)
    ),
    "account in trouble on a platform without a destination": after(
        GO_LIVE, connections=(ROBIN, ROBIN_X, account("conn_3", "R", "kick", "expired"))
    ),
    # autoGoLive
    # One thing of a studio
    "delete: another destination renamed": after(
        DELETE_DESTINATION, destinations=(MAIN, destination("dest_2", "Renamed", "twitch"))
    ),
    "delete: destination disabled": after(
        DELETE_DESTINATION, destinations=(destination("dest_1", "Main", "youtube", enabled=False),)
    ),
    "delete: source deactivated": after(
        DELETE_SOURCE, sources=(source("source_1", "Camera", active=False),)
    ),
    # An account
    "unlink: account in trouble": (UNLINK, EVERYTHING, FAILING),
    "unlink: another account unlinked": after(UNLINK, connections=(ROBIN,)),
    "unlink: a studio that uses other platforms is removed": (
        UNLINK,
        IN_USE,
        used(in_studio("One", "s1", OFF_AIR, destination("x1", "Main", "youtube"))),
    ),
}
"""The same table for changes of things that the person was not shown."""


@pytest.mark.parametrize("change", HARMLESS)
def test_a_change_of_what_was_not_shown_invalidates_nothing(change: str) -> None:
    """A person who agreed to one thing is not asked again because of another."""
    operation, before, now = HARMLESS[change]
    assert now != before
    assert digest(operation, now) == digest(operation, before)


def test_the_order_of_lists_invalidates_nothing() -> None:
    """TRaX promises no order."""
    shorts = destination("dest_4", "Shorts", "youtube")
    for facts, operation in product((IN_USE, LIVE), ALL_BUT_A_STOP):
        many = known(
            facts,
            destinations=(MAIN, LATE, shorts),
            sources=(CAMERA, source("source_2", "Guest", "rtmp")),
            connections=(TROUBLED, account("conn_2", "robin_x", "twitch", "expired")),
            studio_details=(facts, known(facts, studio=studio("Two", "s2"))),
        )
        assert in_another_order(many) != many
        assert digest(operation, in_another_order(many)) == digest(operation, many), operation


@pytest.mark.parametrize(
    "facts",
    [IN_USE, LIVE, known(FAILING, studio_details=(LIVE,))],
    ids=["off air", "on air", "in trouble"],
)
def test_times_invalidate_nothing(facts: Facts) -> None:
    """Neither do durations, expiry dates, or the state of a destination."""
    later = some_time_later(facts)
    assert later != facts
    assert [it for it in ALL_BUT_A_STOP if digest(it, later) != digest(it, facts)] == []


@pytest.mark.parametrize("minutes", [1, 60, 60 * 24])
def test_the_time_of_asking_invalidates_nothing(minutes: int) -> None:
    """A duration is a note: none of the sentences that consent depends on holds it."""
    then = NOW + timedelta(minutes=minutes)
    for operation in (*ALL_BUT_A_STOP, GO_OFFLINE):
        before, after = (previewed(operation, LIVE, now=it) for it in (NOW, then))
        assert (after.digest, after.shown) == (before.digest, before.shown)


# A stop


def test_a_confirmation_of_a_stop_is_bound_to_its_studio_only() -> None:
    """No change there invalidates it, however little is known."""
    worlds = [
        *(now for _, _, now in (*INVALIDATING.values(), *HARMLESS.values())),
        LIVE,
        some_time_later(LIVE),
        UNCLEAR,
        Facts(),
        known(destinations=Read(missing="TRaX did not tell")),
    ]
    assert {digest(GO_OFFLINE, it) for it in worlds} == {digest(GO_OFFLINE)}
    another = {digest(GoOffline(studio_id="another"), it) for it in worlds}
    assert digest(GO_OFFLINE) not in another


ARGUMENTS: Final = [
    *CHANGING,
    GoLive(studio_id="another"),
    DeleteDestination(**S, dest_id="dest_2"),
    DeleteDestination(studio_id="another", dest_id="dest_1"),
    DeleteSource(**S, source_id="source_2"),
    UnlinkConnection(connection_id="conn_2"),
    UpdateDestination(**DEST, rtmp_url="rtmp://a.example"),
    UpdateDestination(**DEST, rtmp_url="rtmp://b.example"),
    CreateSource(**S, name="N", type="kick"),
    SendChatMessage(**S, text="Hello", platforms=("kick",)),
    SendChatMessage(**S, text="Hello", platforms=()),
    SendChatMessage(**S, text=f"{'x' * 500}a"),
    SendChatMessage(**S, text=f"{'x' * 500}b"),
]


def test_a_confirmation_is_of_one_operation_with_its_arguments() -> None:
    """No two calls have the same digest among the same facts."""
    assert len({digest(it) for it in ARGUMENTS}) == len(ARGUMENTS)
    assert len({digest(it, Facts()) for it in ARGUMENTS}) == len(ARGUMENTS)


def test_a_digest_is_a_short_hash() -> None:
    """It has 128 bits and is the same each time."""
    for operation in ARGUMENTS:
        assert re.fullmatch("[0-9a-f]{32}", digest(operation))
        assert digest(operation.model_copy()) == digest(operation)


def test_a_stream_key_is_not_in_the_digest() -> None:
    """The digest is logged. The guard compares the key with the kept operation instead."""
    one, another = (
        UpdateDestination(**DEST, stream_key=SecretStr(key)) for key in ("live-4711", "live-4712")
    )
    assert one != another
    assert digest(one) == digest(another)


# Changes that no read shows


LEADS_TO_AIR: Final = [(operation_of(*it), it[1].to_air) for it in CHANGES]
"""Whether a hidden change invalidates a confirmation of the call."""
ADDRESS: Final = "the address of source_1"
HIDDEN: Final[tuple[dict[str, int], ...]] = (
    {},
    {ADDRESS: 1},
    {ADDRESS: 2},
    {"the address of source_2": 1},
    {ADDRESS: 1, "the stream key of dest_1": 1},
)
"""Changes that no read shows, and how often each was made."""


def test_a_hidden_change_invalidates_only_confirmations_that_lead_to_air() -> None:
    """Others do not show the thing that changed either."""
    for operation, leads in LEADS_TO_AIR:
        digests = {
            plan_for(operation)(operation, EVERYTHING, hidden, now=NOW).preview.digest
            for hidden in HIDDEN
        }
        assert len(digests) == (len(HIDDEN) if leads else 1), operation
        assert digest(operation) in digests


def test_the_order_of_hidden_changes_invalidates_nothing() -> None:
    """They are counted, not listed."""
    hidden = HIDDEN[-1]
    turned = dict(reversed(hidden.items()))
    for operation, _ in LEADS_TO_AIR:
        one, other = (
            plan_for(operation)(operation, EVERYTHING, it, now=NOW).preview
            for it in (hidden, turned)
        )
        assert one.digest == other.digest


def test_each_plan_names_the_changes_that_no_read_shows() -> None:
    """A url of a source, or an address, stream key, platform or format of a destination."""
    for entry, example in CHANGES:
        operation = operation_of(entry, example)
        hidden = plan_for(operation).hidden_fields(operation)
        assert list(hidden) == entry.hidden_fields(example), example
