"""What has changed since a person was asked, in words: the reason why they are asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

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
    showing,
    some_time_later,
    source,
    studio,
    to,
)
from trax_mcp.actions.shown import changes_since, show
from trax_mcp.actions.view import View
from trax_mcp.api.reads import ListDestinations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trax_mcp.actions.change import Change
    from trax_mcp.studio.facts import Facts

MAIN, LATE, TRYING = EVERYTHING[ListDestinations].value or ()
ADDRESS: Final = "the address of source_1"
STREAM_KEY: Final = "the stream key of dest_1"
FORMAT: Final = "the picture format of dest_404"
HIDDEN_CHANGES: Final[Mapping[str, int]] = {ADDRESS: 1, STREAM_KEY: 1, FORMAT: 1}


def changes(
    operation: Change[Any],
    now: Facts,
    *,
    before: Facts = EVERYTHING,
    hidden: Mapping[str, int] | None = None,
    since: Mapping[str, int] | None = None,
) -> tuple[str, ...]:
    """What a person is told who was asked `before`, when `since` were the hidden changes."""
    view = View(now, hidden or {}, now=NOW)
    told = changes_since(previewed(operation, before), since or {}, show((operation,), view), view)
    return tuple(it.text for it in told)


OUT_ON_MAIN: Final = 'Streams to: "Main" (YouTube'
SAME_NAME: Final = destination("dest_9", "Main", "youtube")
CHANGED: Final[dict[str, tuple[Facts, tuple[str, ...]]]] = {
    "removed sentences come before added ones": (
        but(destinations=(MAIN, destination("dest_3", "Trying out", "kick")), sources=()),
        (
            'No longer: Streams to: "Late crowd" (Twitch).',
            'No longer: Stays off: "Trying out" (Kick).',
            'No longer: May be on screen: "Camera".',
            "Now: The studio has no source, so viewers may see nothing.",
            'Now: Streams to: "Trying out" (Kick).',
        ),
    ),
    "the sentence of another thing of the same name would look unchanged": (
        to(SAME_NAME, LATE, TRYING),
        (f"Now another one of the same name: {OUT_ON_MAIN}).",),
    ),
    "two things of the same name carry their ids": (
        to(MAIN, LATE, TRYING, SAME_NAME),
        (
            f"No longer: {OUT_ON_MAIN}).",
            f"Now: {OUT_ON_MAIN}, dest_1).",
            f"Now: {OUT_ON_MAIN}, dest_9).",
        ),
    ),
}


@pytest.mark.parametrize("kind", CHANGED)
def test_what_has_changed_is_told_and_nothing_else(kind: str) -> None:
    now, told = CHANGED[kind]
    assert changes(GO_LIVE, now) == told


def test_one_of_two_things_of_the_same_name_that_is_removed_is_told() -> None:
    assert changes(GO_LIVE, EVERYTHING, before=to(MAIN, LATE, SAME_NAME)) != ()


def test_the_same_facts_have_no_changes() -> None:
    """Their order and their times do not matter here either. A stop tells only times, in notes."""
    later = some_time_later(in_another_order(IN_USE))
    for operation in (it for it in CHANGING if it != GO_OFFLINE):
        assert changes(operation, IN_USE, before=IN_USE) == ()
        assert changes(operation, later, before=IN_USE) == ()
    assert changes(GO_OFFLINE, some_time_later(LIVE), before=LIVE) == ()


SINCE: Final = "Changed here:"
CAMERA_ADDRESS: Final = f'{SINCE} the address of "Camera".'
HIDDEN: Final[dict[str, tuple[Mapping[str, int], Mapping[str, int], tuple[str, ...]]]] = {
    "a thing that no list contains is told by its id": (
        HIDDEN_CHANGES,
        {},
        (
            CAMERA_ADDRESS,
            f'{SINCE} the stream key of "Main" (YouTube).',
            f'{SINCE} the picture format of "dest_404".',
        ),
    ),
    "those from before the question are not": (
        HIDDEN_CHANGES,
        {ADDRESS: 1, STREAM_KEY: 1},
        (f'{SINCE} the picture format of "dest_404".',),
    ),
    "all are from before": (HIDDEN_CHANGES, HIDDEN_CHANGES, ()),
    "a change that happened twice is told once": ({ADDRESS: 2}, {}, (CAMERA_ADDRESS,)),
    "a second time after the question": ({ADDRESS: 2}, {ADDRESS: 1}, (CAMERA_ADDRESS,)),
}


@pytest.mark.parametrize("kind", HIDDEN)
def test_a_hidden_change_since_the_question_is_told_with_the_name_of_its_thing(kind: str) -> None:
    hidden, since, told = HIDDEN[kind]
    assert changes(GO_LIVE, EVERYTHING, hidden=hidden, since=since) == told


def test_a_hidden_change_comes_before_visible_ones() -> None:
    assert changes(GO_LIVE, but(studio=studio("Renamed")), hidden={ADDRESS: 1}) == (
        CAMERA_ADDRESS,
        'You were asked: Go live with "Friday Show"?',
        'It\'s now: Go live with "Renamed"?',
    )


def test_a_hidden_change_of_a_thing_with_a_hostile_name_is_one_line() -> None:
    facts = showing(source("source_1", 'A".\nNow: "B'))
    assert changes(GO_LIVE, facts, before=facts, hidden={ADDRESS: 1}) == (
        rf'{SINCE} the address of "A\u0022.\u000aNow: \u0022B".',
    )


def test_a_hidden_change_is_mentioned_only_if_it_invalidates_a_confirmation() -> None:
    for row in CHANGES:
        told = changes(operation_of(*row), EVERYTHING, hidden=HIDDEN_CHANGES)
        assert bool(told) is row[1].to_air, row
