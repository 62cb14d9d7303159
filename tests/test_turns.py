"""Turns: places are forgotten, and what was done there is not taken for nothing."""

from __future__ import annotations

from trax_mcp.consent.turns import MOST_PLACES, Turns


def test_only_so_many_places_are_remembered() -> None:
    """The oldest goes; what is remembered does not grow with the studios that were changed."""
    turns = Turns()
    for number in range(MOST_PLACES + 5):
        turns.at(f"studio_{number}").acts = 2
    assert turns.so_far("studio_0") is turns.so_far("studio_4")
    assert turns.so_far("studio_5") is turns.at("studio_5")


def test_what_was_used_last_is_forgotten_last() -> None:
    """Not what was made last: a studio in daily use outlives those of an afternoon."""
    turns = Turns()
    used = turns.at("used")
    for number in range(MOST_PLACES):
        turns.at(f"studio_{number}")
        assert turns.at("used") is used


def test_a_place_that_was_forgotten_is_never_taken_for_untouched() -> None:
    """Whoever looked before the act sees another count afterwards, forgotten or not."""
    turns = Turns()
    before = turns.so_far("studio_42").acts
    turn = turns.at("studio_42")
    turn.acts, turn.stops = 2, 1
    for number in range(MOST_PLACES):
        turns.at(f"studio_{number}_of_others")
    assert turns.so_far("studio_42") is not turn
    assert turns.so_far("studio_42").acts != before
    assert (turns.at("studio_42").acts, turns.at("studio_42").stops) == (2, 1)


async def test_where_somebody_acts_or_watches_nothing_is_forgotten() -> None:
    """A stop must still find the lock that is held, and the watch that it ends."""
    turns = Turns()
    acting, watching = turns.at("acting"), turns.at("watching")
    async with acting.lock:
        with watching.watched():
            for number in range(MOST_PLACES + 1):
                turns.at(f"studio_{number}")
            assert turns.at("acting") is acting
            assert turns.at("watching") is watching


async def test_a_stop_ends_every_watch() -> None:
    """Two go-lives may be watched at once, the first of them for nothing."""
    turn = Turns().at("studio_42")
    with turn.watched() as _, turn.watched() as _:
        turn.end_watches()
        assert [scope.cancel_called for scope in turn.watches] == [True, True]
    assert turn.is_idle()
