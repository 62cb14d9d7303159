"""What has changed since a person was asked, in words: the reason why they are asked again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from tests.support.operation_table import CHANGES
from tests.units.consent.shown_table import CHANGING, GO_LIVE, GO_OFFLINE, operation_of
from tests.units.studio_facts import (
    EVERYTHING,
    IN_USE,
    LIVE,
    NOW,
    but,
    destination,
    in_another_order,
    previewed,
    some_time_later,
    source,
    studio,
)
from trax_mcp.consent.evidence import Confirmation, call_digest
from trax_mcp.consent.plans import plan_for
from trax_mcp.consent.preview import NOTHING_HIDDEN, HiddenChange, HiddenChanges

if TYPE_CHECKING:
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation
    from trax_mcp.studio.facts import Facts

MAIN, LATE, TRYING = EVERYTHING.destinations or ()
ALL_BUT_A_STOP: Final = [it for it in CHANGING if it != GO_OFFLINE]
LEADS_TO_AIR: Final = [(operation_of(*it), it[1].to_air) for it in CHANGES]
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
