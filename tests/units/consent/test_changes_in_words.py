"""What has changed since a person was asked, in words: the reason why they are asked again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.support.operation_table import CHANGES
from tests.units.consent.asked_questions import asked
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
from trax_mcp.consent.plans import plan_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation
    from trax_mcp.studio.facts import Facts

MAIN, LATE, TRYING = EVERYTHING.destinations.value or ()
ALL_BUT_A_STOP: Final = [it for it in CHANGING if it != GO_OFFLINE]
LEADS_TO_AIR: Final = [(operation_of(*it), it[1].to_air) for it in CHANGES]
ADDRESS: Final = "the address of source_1"
STREAM_KEY: Final = "the stream key of dest_1"
FORMAT: Final = "the picture format of dest_404"
HIDDEN_CHANGES: Final[Mapping[str, int]] = {ADDRESS: 1, STREAM_KEY: 1, FORMAT: 1}


def changes(
    operation: Operation[Model],
    now: Facts,
    *,
    before: Facts = EVERYTHING,
    hidden: Mapping[str, int] | None = None,
    since: Mapping[str, int] | None = None,
) -> tuple[str, ...]:
    """What a person is told who was asked `before`, when `since` were the hidden changes."""
    question = asked(operation)
    question = replace(question, preview=previewed(operation, before), hidden=since or {})
    return plan_for(operation)(operation, now, hidden, now=NOW).changes_since(question)


def test_removed_sentences_come_before_added_ones() -> None:
    """Sentences that are still shown are not repeated."""
    now = but(destinations=(MAIN, destination("dest_3", "Trying out", "kick")), sources=())
    assert changes(GO_LIVE, now) == (
        'No longer: Goes out on "Late crowd" (Twitch).',
        'No longer: Switched off: "Trying out" (Kick).',
        'No longer: Can be on screen: "Camera" (webcam).',
        "Now: The studio has no source: viewers may see nothing.",
        'Now: Goes out on "Trying out" (Kick).',
    )


def test_another_thing_of_the_same_name_is_told() -> None:
    """The sentence alone would look unchanged."""
    now = but(destinations=(destination("dest_9", "Main", "youtube"), LATE, TRYING))
    assert changes(GO_LIVE, now) == (
        'Now another one of the same name: Goes out on "Main" (YouTube).',
    )


def test_a_second_thing_of_the_same_name_is_told() -> None:
    """From then on both carry their ids."""
    now = but(destinations=(MAIN, LATE, TRYING, destination("dest_9", "Main", "youtube")))
    assert changes(GO_LIVE, now) == (
        'No longer: Goes out on "Main" (YouTube).',
        'Now: Goes out on "Main" (YouTube, dest_1).',
        'Now: Goes out on "Main" (YouTube, dest_9).',
    )


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
    first, *rest = changes(GO_LIVE, now, hidden={ADDRESS: 1})
    assert first == 'Changed here since you were asked: the address of "Camera".'
    assert rest == [
        'No longer: Starts a broadcast of "Friday Show" that anyone can watch.',
        'Now: Starts a broadcast of "Renamed" that anyone can watch.',
    ]


def test_only_hidden_changes_since_the_question_are_told() -> None:
    """The person already knows the earlier ones, or was never asked about them."""
    assert changes(
        GO_LIVE, EVERYTHING, hidden=HIDDEN_CHANGES, since={ADDRESS: 1, STREAM_KEY: 1}
    ) == ('Changed here since you were asked: the picture format of "dest_404".',)
    assert changes(GO_LIVE, EVERYTHING, hidden=HIDDEN_CHANGES, since=HIDDEN_CHANGES) == ()


def test_a_hidden_change_that_happened_twice_is_told_once() -> None:
    """The person learns nothing from the repetition, whenever they were asked."""
    told = ('Changed here since you were asked: the address of "Camera".',)
    assert changes(GO_LIVE, EVERYTHING, hidden={ADDRESS: 2}) == told
    assert changes(GO_LIVE, EVERYTHING, hidden={ADDRESS: 2}, since={ADDRESS: 1}) == told


def test_a_hidden_change_of_a_thing_with_a_hostile_name_is_one_line() -> None:
    """The name is quoted as everywhere."""
    facts = but(sources=(source("source_1", 'A".\nNow: "B'),))
    assert changes(GO_LIVE, facts, before=facts, hidden={ADDRESS: 1}) == (
        r'Changed here since you were asked: the address of "A\u0022.\u000aNow: \u0022B".',
    )


def test_a_hidden_change_is_mentioned_only_if_it_invalidates_a_confirmation() -> None:
    """Elsewhere it would only confuse."""
    told = [bool(changes(it, EVERYTHING, hidden=HIDDEN_CHANGES)) for it, _ in LEADS_TO_AIR]
    assert told == [leads for _, leads in LEADS_TO_AIR]
