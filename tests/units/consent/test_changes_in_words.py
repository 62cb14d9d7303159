"""What has changed since a person was asked, in words: the reason why they are asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.units.consent.shown_table import CHANGING, GO_LIVE, GO_OFFLINE
from tests.units.studio_facts import (
    EVERYTHING,
    IN_USE,
    LIVE,
    but,
    destination,
    in_another_order,
    previewed,
    some_time_later,
    to,
)
from trax_mcp.actions.shown import changes_since
from trax_mcp.api.reads import ListDestinations

if TYPE_CHECKING:
    from trax_mcp.actions.change import Change
    from trax_mcp.studio.facts import Facts

MAIN, LATE, TRYING = EVERYTHING[ListDestinations].value or ()


def changes(operation: Change[Any], now: Facts, *, before: Facts = EVERYTHING) -> tuple[str, ...]:
    """What a person is told who was asked `before`."""
    told = changes_since(previewed(operation, before), previewed(operation, now))
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
            "Now: There are no sources, so viewers may see nothing.",
            'Now: Streams to: "Trying out" (Kick).',
        ),
    ),
    "the sentence of another thing of the same name would look unchanged": (
        to(SAME_NAME, LATE, TRYING),
        (f"Now another one with the same name: {OUT_ON_MAIN}).",),
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
