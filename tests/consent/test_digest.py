"""Which changes invalidate a confirmation. The digest holds arguments, shown sentences and ids.

Pure. `test_consent_facts` and `test_consent_changed` try some of the changes with clients.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import pytest
from pydantic import SecretStr

from tests.support.operation_table import (
    CHANGES,
    DELETE_DESTINATION,
    DELETE_SOURCE,
    DEST,
    GO_LIVE,
    GO_OFFLINE,
    SOURCE,
    UNLINK,
    S,
)
from tests.support.studio_facts import (
    EVERYTHING,
    LIVE,
    NOW,
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
from trax_mcp.consent.evidence import Confirmation, call_digest
from trax_mcp.consent.plans import When, plan_for
from trax_mcp.consent.preview import NOTHING_HIDDEN, HiddenChange, HiddenChanges
from trax_mcp.studio.facts import Facts, Unknown
from trax_mcp.studio.naming import Sentence

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

ALL: Final = [example.operation for _, example in CHANGES]
ALL_BUT_A_STOP: Final = [it for it in ALL if it != GO_OFFLINE]

MAIN, LATE, TRYING = EVERYTHING.destinations or ()
CAMERA, GUEST = EVERYTHING.sources or ()
ROBIN, ROBIN_X = EVERYTHING.connections or ()
TROUBLED: Final = account("conn_1", "Robin", "youtube", "needs_reauth")
FAILING: Final = but(connections=(TROUBLED,))
LATER: Final = StreamStatus.model_validate({"live": True, "liveStartedAt": "2026-06-05T19:00:00Z"})

IN_USE: Final = but(
    studio_details=(
        Facts(studio("One", "s1"), OFF_AIR, (destination("x1", "Main", "youtube"),)),
        Facts(studio("Two", "s2"), ON_AIR, (destination("x2", "T", "twitch"),)),
    )
)
"""An account that one of two studios may use."""


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
    "auto: destination disabled": after(AUTO_LIVE, destinations=(MAIN, TRYING)),
    "auto: destination swapped for one of the same name": after(
        AUTO_LIVE, destinations=(destination("dest_9", "Main", "youtube"), LATE)
    ),
    "auto: switched to portrait": after(
        AUTO_LIVE, destinations=(destination("dest_1", "Main", "youtube", vertical=True), LATE)
    ),
    # One thing of a studio
    "delete: destination renamed": after(
        DELETE_DESTINATION, destinations=(destination("dest_1", "Renamed", "youtube"),)
    ),
    "delete: studio renamed": after(DELETE_DESTINATION, studio=studio("Renamed")),
    "update: destination renamed": after(
        UPDATE, destinations=(destination("dest_1", "Renamed", "youtube"),)
    ),
    "create: studio renamed": after(CREATE, studio=studio("Renamed")),
    "delete: source renamed": after(DELETE_SOURCE, sources=(source("source_1", "Renamed"),)),
    "delete source: studio renamed": after(DELETE_SOURCE, studio=studio("Renamed")),
    "update: source renamed": after(UPDATE_SOURCE, sources=(source("source_1", "Renamed"),)),
    "create source: studio renamed": after(CREATE_SOURCE, studio=studio("Renamed")),
    "chat: studio renamed": after(CHAT, studio=studio("Renamed")),
    "delete: platform changed": after(
        DELETE_DESTINATION, destinations=(destination("dest_1", "Main", "kick"),)
    ),
    "update: platform changed": after(
        UPDATE, destinations=(destination("dest_1", "Main", "kick"),)
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
        used(Facts(studio("New", "s1"), OFF_AIR, (destination("x1", "Main", "youtube"),))),
    ),
    "unlink: another studio of the same name uses it": (
        UNLINK,
        IN_USE,
        used(Facts(studio("One", "s9"), OFF_AIR, (destination("x1", "Main", "youtube"),))),
    ),
    "unlink: the studio that uses it goes on air": (
        UNLINK,
        IN_USE,
        used(Facts(studio("One", "s1"), ON_AIR, (destination("x1", "Main", "youtube"),))),
    ),
    "unlink: another destination of the same name uses it": (
        UNLINK,
        IN_USE,
        used(Facts(studio("One", "s1"), OFF_AIR, (destination("x9", "Main", "youtube"),))),
    ),
}
"""By what changed: the operation, the facts at the question, and the facts at the yes."""


@pytest.mark.parametrize("change", INVALIDATING)
def test_a_change_of_what_was_shown_invalidates_a_confirmation(change: str) -> None:
    """A person who is asked again reads the reason."""
    operation, before, now = INVALIDATING[change]
    assert digest(operation, now) != digest(operation, before)
    assert changes(operation, now, before=before) != ()


def test_no_two_changes_have_the_same_digest() -> None:
    """One change cannot be mistaken for another."""
    worlds = [now for operation, _, now in INVALIDATING.values() if operation is GO_LIVE]
    assert len(worlds) > 10
    assert len({digest(GO_LIVE, it) for it in (EVERYTHING, *worlds)}) == len(worlds) + 1


def test_a_confirmation_from_off_air_is_invalid_on_air() -> None:
    """It is also invalid where the status has become unknown, and the other way round."""
    while_live = [example.operation for _, example in CHANGES if example.when is When.WHILE_LIVE]
    for operation in (DELETE_DESTINATION, DELETE_SOURCE, *while_live):
        digests = {digest(operation, it) for it in (EVERYTHING, LIVE, UNCLEAR)}
        assert len(digests) == 3, operation


def test_a_fact_that_becomes_unknown_invalidates_a_confirmation() -> None:
    """So does a fact that becomes known. The order of unknown facts does not matter."""
    one, two = Unknown("the sources", "a"), Unknown("the linked accounts", "b")
    worlds = (but(), but(unknown=(one,)), but(unknown=(one, two)))
    for operation in ALL_BUT_A_STOP:
        assert len({digest(operation, it) for it in worlds}) == 3, operation
        assert digest(operation, but(unknown=(two, one))) == digest(operation, worlds[2])


# Changes that invalidate nothing


HARMLESS: Final[dict[str, Change]] = {
    # A go-live
    "disabled destination renamed": after(
        GO_LIVE, destinations=(MAIN, LATE, destination("dest_3", "Renamed", "kick", enabled=False))
    ),
    "disabled destination removed": after(GO_LIVE, destinations=(MAIN, LATE)),
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
    "auto: disabled destination renamed": after(
        AUTO_LIVE,
        destinations=(MAIN, LATE, destination("dest_3", "Renamed", "kick", enabled=False)),
    ),
    # One thing of a studio
    "delete: another destination renamed": after(
        DELETE_DESTINATION, destinations=(MAIN, destination("dest_2", "Renamed", "twitch"))
    ),
    "delete: another destination removed": after(DELETE_DESTINATION, destinations=(MAIN,)),
    "delete: destination disabled": after(
        DELETE_DESTINATION, destinations=(destination("dest_1", "Main", "youtube", enabled=False),)
    ),
    "delete: source deactivated": after(
        DELETE_SOURCE, sources=(source("source_1", "Camera", active=False),)
    ),
    "delete: another source removed": after(DELETE_SOURCE, sources=(CAMERA,)),
    "update: another destination removed": after(UPDATE, destinations=(MAIN,)),
    "update: another source removed": after(UPDATE_SOURCE, sources=(CAMERA,)),
    # An account
    "unlink: account in trouble": (UNLINK, EVERYTHING, FAILING),
    "unlink: another account unlinked": after(UNLINK, connections=(ROBIN,)),
    "unlink: a studio that uses other platforms is removed": (
        UNLINK,
        IN_USE,
        used(IN_USE.studio_details[0]),
    ),
}
"""The same table for changes of things that the person was not shown."""


@pytest.mark.parametrize("change", HARMLESS)
def test_a_change_of_what_was_not_shown_invalidates_nothing(change: str) -> None:
    """A person who agreed to one thing is not asked again because of another."""
    operation, before, now = HARMLESS[change]
    assert now != before
    assert digest(operation, now) == digest(operation, before)


def in_another_order(facts: Facts) -> Facts:
    """The same facts, with each list reversed."""
    return replace(
        facts,
        destinations=tuple(reversed(facts.destinations or ())),
        sources=tuple(reversed(facts.sources or ())),
        connections=tuple(reversed(facts.connections or ())),
        studio_details=tuple(reversed(facts.studio_details)),
        unknown=tuple(reversed(facts.unknown)),
    )


def test_the_order_of_lists_invalidates_nothing() -> None:
    """TRaX promises no order."""
    shorts = destination("dest_4", "Shorts", "youtube")
    for facts, operation in product((IN_USE, LIVE), ALL_BUT_A_STOP):
        many = replace(
            facts,
            destinations=(MAIN, LATE, shorts),
            sources=(CAMERA, source("source_2", "Guest", "rtmp")),
            connections=(TROUBLED, account("conn_2", "robin_x", "twitch", "expired")),
            studio_details=(facts, replace(facts, studio=studio("Two", "s2"))),
            unknown=(Unknown("a", "b"), Unknown("c", "d")),
        )
        assert in_another_order(many) != many
        assert digest(operation, in_another_order(many)) == digest(operation, many), operation


def some_time_later(facts: Facts) -> Facts:
    """The same facts, with every value changed that changes on its own."""
    updated: dict[str, Any] = {"status": "ready", "created_at": "2026-06-06T00:00:00Z"}
    opened = {"last_opened_at": "2026-06-06T00:00:00Z", "description": "Tonight", "role": "EDIT"}
    renewed = {"expires_at": "2026-06-07T00:00:00Z", "updated_at": "2026-06-06T00:00:00Z"}
    degraded = Health.model_validate({"status": "degraded", "writeEnabled": False})
    studio_now = facts.studio.model_copy(update=opened) if facts.studio else None
    return replace(
        facts,
        studio=studio_now,
        status=LATER if facts.live else OFF_AIR,
        destinations=tuple(it.model_copy(update=updated) for it in facts.destinations or ()),
        sources=tuple(it.model_copy(update=updated) for it in facts.sources or ()),
        connections=tuple(it.model_copy(update=renewed) for it in facts.connections or ()),
        health=degraded,
        studio_details=tuple(some_time_later(it) for it in facts.studio_details),
    )


@pytest.mark.parametrize(
    "facts",
    [IN_USE, LIVE, replace(FAILING, studio_details=(LIVE,))],
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
        Facts(unknown=(Unknown("the destinations", "TRaX did not tell"),)),
    ]
    assert {digest(GO_OFFLINE, it) for it in worlds} == {digest(GO_OFFLINE)}
    another = {digest(GoOffline(studio_id="another"), it) for it in worlds}
    assert digest(GO_OFFLINE) not in another


# Arguments


ARGUMENTS: Final = [
    *ALL,
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


LEADS_TO_AIR: Final = [(example.operation, example.to_air) for _, example in CHANGES]
"""Whether a hidden change invalidates a confirmation of the call."""


def test_a_hidden_change_invalidates_only_confirmations_that_lead_to_air() -> None:
    """Others do not show the thing that changed either."""
    for operation, leads in LEADS_TO_AIR:
        digests = {
            plan_for(operation)(operation, EVERYTHING, HiddenChanges(it), now=NOW).preview.digest
            for it in range(3)
        }
        assert len(digests) == (3 if leads else 1), operation
        assert digest(operation) in digests


def test_each_plan_names_the_changes_that_no_read_shows() -> None:
    """A url of a source, or an address, stream key, platform or format of a destination."""
    for entry, example in CHANGES:
        hidden = plan_for(example.operation).hidden_fields(example.operation)
        assert list(hidden) == entry.hidden_fields(example), example


# The difference in words


ADDRESS: Final = HiddenChange(1, "the address", "source_1")
STREAM_KEY: Final = HiddenChange(2, "the stream key", "dest_1")
FORMAT: Final = HiddenChange(3, "the picture format", "dest_404")
HIDDEN_CHANGES: Final = HiddenChanges(3, (ADDRESS, STREAM_KEY, FORMAT))


def changes(
    operation: Operation[Model],
    now: Facts,
    *,
    before: Facts = EVERYTHING,
    hidden: HiddenChanges = NOTHING_HIDDEN,
    since: int = 0,
) -> tuple[str, ...]:
    """What a person is told who was asked `before`, when the hidden version was `since`."""
    asked = previewed(operation, before)
    confirmation = Confirmation(
        id="i",
        caller="c",
        owner="c",
        studio=operation.studio(),
        call=call_digest(operation, "i"),
        digest=asked.digest,
        expires=0,
        expires_at=datetime.fromtimestamp(0, UTC),
        shown=asked.shown,
        puts_on_air=asked.puts_on_air,
        hidden_version=since,
    )
    return plan_for(operation)(operation, now, hidden, now=NOW).changes_since(confirmation)


def test_many_changes_are_found_without_comparing_each_with_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That took a quarter of a minute for 10,000 destinations, in which no stop was sent."""
    compared = 0
    equal = Sentence.__eq__

    def counting(self: Sentence, other: object) -> bool:
        nonlocal compared
        compared += 1
        return equal(self, other)

    monkeypatch.setattr(Sentence, "__eq__", counting)
    before, now = (
        but(
            destinations=tuple(
                destination(f"{era}{it}", f"Place {it}", "kick") for it in range(300)
            )
        )
        for era in ("old", "new")
    )
    assert len(changes(GO_LIVE, now, before=before)) == 300
    assert compared < 3_000


def test_removed_sentences_come_before_added_ones() -> None:
    """Sentences that are still shown are not repeated."""
    now = but(destinations=(MAIN, destination("dest_3", "Trying out", "kick")), sources=())
    assert changes(GO_LIVE, now) == (
        'No longer: Goes out on "Late crowd" (Twitch).',
        'No longer: Can be on screen: "Camera" (webcam).',
        "Now: No source is active: viewers may see nothing.",
        'Now: Goes out on "Trying out" (Kick).',
    )


def test_another_thing_of_the_same_name_is_told() -> None:
    """The sentence alone would look unchanged."""
    now = but(destinations=(destination("dest_9", "Main", "youtube"), LATE))
    assert changes(GO_LIVE, now) == (
        'Now another one of the same name: Goes out on "Main" (YouTube).',
    )


def test_a_second_thing_of_the_same_name_is_told() -> None:
    """It is one more, although the sentence was there before."""
    now = but(destinations=(MAIN, LATE, destination("dest_9", "Main", "youtube")))
    assert changes(GO_LIVE, now) == ('Now: Goes out on "Main" (YouTube).',)


def test_one_of_two_things_of_the_same_name_that_is_removed_is_told() -> None:
    """A person reads why they are asked again."""
    before = but(destinations=(MAIN, LATE, destination("dest_9", "Main", "youtube")))
    assert digest(GO_LIVE) != digest(GO_LIVE, before)
    assert changes(GO_LIVE, EVERYTHING, before=before) != ()


def test_the_same_facts_have_no_changes() -> None:
    """Their order and their times do not matter here either."""
    later = some_time_later(in_another_order(IN_USE))
    for operation in ALL_BUT_A_STOP:
        assert changes(operation, IN_USE, before=IN_USE) == ()
        assert changes(operation, later, before=IN_USE) == ()


def test_the_time_of_a_broadcast_is_no_change() -> None:
    """It is a note."""
    assert changes(GO_OFFLINE, some_time_later(LIVE), before=LIVE) == ()


def test_a_hidden_change_is_told_with_the_name_of_its_thing() -> None:
    """A thing that no list contains is told by its id."""
    assert changes(GO_LIVE, EVERYTHING, hidden=HIDDEN_CHANGES) == (
        'Changed here since you were asked: the address of "Camera".',
        'Changed here since you were asked: the stream key of "Main".',
        'Changed here since you were asked: the picture format of "dest_404".',
    )


def test_a_hidden_change_comes_before_visible_ones() -> None:
    """It is the reason that no read shows."""
    now = but(studio=studio("Renamed"))
    first, *rest = changes(GO_LIVE, now, hidden=HiddenChanges(1, (ADDRESS,)))
    assert first == 'Changed here since you were asked: the address of "Camera".'
    assert rest == [
        'No longer: Starts a broadcast of "Friday Show" that anyone can watch.',
        'Now: Starts a broadcast of "Renamed" that anyone can watch.',
    ]


def test_only_hidden_changes_since_the_question_are_told() -> None:
    """The person already knows the earlier ones, or was never asked about them."""
    assert changes(GO_LIVE, EVERYTHING, hidden=HIDDEN_CHANGES, since=2) == (
        'Changed here since you were asked: the picture format of "dest_404".',
    )
    assert changes(GO_LIVE, EVERYTHING, hidden=HIDDEN_CHANGES, since=3) == ()


def test_a_hidden_change_that_happened_twice_is_told_once() -> None:
    """The person learns nothing from the repetition."""
    twice = HiddenChanges(2, (ADDRESS, replace(ADDRESS, version=2)))
    assert changes(GO_LIVE, EVERYTHING, hidden=twice) == (
        'Changed here since you were asked: the address of "Camera".',
    )


def test_a_hidden_change_that_was_forgotten_is_told_without_a_name() -> None:
    """The server remembers the latest changes only."""
    assert changes(GO_LIVE, EVERYTHING, hidden=HiddenChanges(40, forgotten_version=8)) == (
        "Changed here since you were asked: something that TRaX does not show.",
    )


def test_a_hidden_change_of_a_thing_with_a_hostile_name_is_one_line() -> None:
    """The name is quoted as everywhere."""
    facts = but(sources=(source("source_1", 'A".\nNow: "B'),))
    assert changes(GO_LIVE, facts, before=facts, hidden=HiddenChanges(1, (ADDRESS,))) == (
        r'Changed here since you were asked: the address of "A\u0022.\u000aNow: \u0022B".',
    )


def test_a_hidden_change_is_mentioned_only_if_it_invalidates_a_confirmation() -> None:
    """Elsewhere it would only confuse."""
    told = [bool(changes(it, EVERYTHING, hidden=HIDDEN_CHANGES)) for it, _ in LEADS_TO_AIR]
    assert told == [leads for _, leads in LEADS_TO_AIR]
