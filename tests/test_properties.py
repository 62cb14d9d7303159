"""Whatever is called, in whatever order and all at once: no yes is used twice, and none is made up.

Hypothesis plays clients, people, other people and trouble against the road; the ledger judges what
reaches TRaX. A failing example is a list of steps that can be read from top to bottom.
"""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plots import (
    CHANGES,
    FAULTS,
    GO_LIVE,
    GO_OFFLINE,
    NEW_KEY,
    OPERATIONS,
    PLACES,
    Agree,
    AtOnce,
    Brings,
    Call,
    Carry,
    Meanwhile,
    Nothing,
    S,
    Say,
    Step,
    Trouble,
    Wait,
    play,
)
from trax_mcp.api.operations import DeleteDestination, UpdateDestination
from trax_mcp.consent.rules import Mode

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLES: Final = int(os.environ.get("HYPOTHESIS_EXAMPLES", "150"))
"""How many plots are tried; many more by hand, now and then."""


# Scenes with a history

ASK: Final = AtOnce((Call(),))
AGREE: Final = AtOnce((Call(Agree(0)),))
STOP: Final = AtOnce((Call(operation=GO_OFFLINE),))
DELETE: Final = Call(operation=DeleteDestination(**S, dest_id="dest_1"))
ENABLE: Final = Call(operation=UpdateDestination(**S, dest_id="dest_3", enabled=True))

SCENES: Final[dict[str, tuple[Sequence[Step], set[int]]]] = {
    "a yes": ([ASK, AGREE], {1}),
    "a yes, twice": ([ASK, AGREE, AGREE], {1}),
    "a yes, twice at once": ([ASK, AtOnce((Call(Agree(0)), Call(Agree(0))))], {1}),
    "a yes to a stop, twice at once": ([STOP, AtOnce((Call(Agree(0)), Call(Agree(0))))], {1}),
    "two callers' yes at once": (
        [AtOnce((Call(), Call(who=1))), AtOnce((Call(Agree(0)), Call(Agree(1))))],
        {1},
    ),
    "a yes from another key": ([ASK, AtOnce((Call(Agree(0, "by another")),))], {0}),
    "a yes to another call": (
        [AtOnce((Call(operation=NEW_KEY),)), AtOnce((Call(Agree(0, "for another")),))],
        {0},
    ),
    "a yes too late": ([ASK, Wait(301), AGREE], {0}),
    "a yes to what has changed": ([ASK, Meanwhile("enable dest_3"), AGREE], {0}),
    "a second yes to what has changed": ([ASK, Meanwhile("enable dest_3"), AGREE, AGREE], {1}),
    "two acts at once, one of which changes the other": (
        [AtOnce((Call(), DELETE)), AtOnce((Call(Agree(0)), Call(Agree(1))))],
        {1, 2},
    ),
    "a yes that was refused, and again": (
        [ASK, Trouble("refused", "going live"), AGREE, AGREE],
        {2},
    ),
    "a yes whose answer was lost, and again": (
        [ASK, Trouble("lost before", "going live"), AGREE, AGREE],
        {1},
    ),
    "a yes that a gateway swallowed, and again": (
        [ASK, Trouble("gateway", "going live"), AGREE, AGREE],
        {1},
    ),
    "a start, and another beside it": ([ASK, AGREE, ASK, AGREE], {1}),
    "a start, a stop, and a start": ([ASK, AGREE, STOP, AGREE, ASK, AGREE], {3}),
    "a start, a stop that is lost, and a start": (
        [ASK, AGREE, STOP, Trouble("lost before", "going offline"), AGREE, ASK, AGREE],
        {2},
    ),
    "a stop between a start and its yes": ([ASK, STOP, AGREE, AtOnce((Call(Agree(1)),))], {1}),
    "a change that viewers would see, beside a start": (
        [ASK, AtOnce((Call(Agree(0)), ENABLE))],
        {0, 1},  # whichever comes first: the start as it was shown, or the change, which voids it
    ),
}
"""Steps that have a history, and how many guarded changes may arrive, by who comes first."""

TURNS: Final = ((0,), (0, 12, 0), (60, 1, 5, 0, 0, 30))
"""How long requests take, one after the other: calls at once meet differently in each."""


@pytest.mark.parametrize("turns", TURNS, ids=str)
@pytest.mark.parametrize("start_seconds", [3, 50])
@pytest.mark.parametrize("can_ask", [False, True], ids=["confirmed", "asked"])
@pytest.mark.parametrize("scene", SCENES)
def test_a_scene_with_a_history(
    scene: str, *, can_ask: bool, start_seconds: int, turns: Sequence[int]
) -> None:
    """By confirmation and by a person's answer; and so the rest here is known not to be idle."""
    plot, arrivals = SCENES[scene]
    with patch("trax_mcp.sandbox.stream.GO_LIVE_SECONDS", start_seconds):
        ledger = play([_by(step, can_ask=can_ask) for step in plot], turns=turns)
    assert ledger.sent in arrivals


def _by(step: Step, *, can_ask: bool) -> Step:
    if not isinstance(step, AtOnce):
        return step
    return AtOnce(tuple(replace(call, can_ask=can_ask) for call in step.calls))


# All others

backs = st.sampled_from((0, 0, 0, 1, 1, 2, 4))
nothing = st.builds(Nothing, confirm=st.booleans())
yes = st.builds(Agree, backs)
nearly = st.one_of(
    st.builds(Agree, backs, st.sampled_from(("by another", "for another"))),
    st.builds(Carry, backs, confirm=st.booleans()),
    st.builds(Say, backs, choice=st.sampled_from(("yes", "no", "other"))),
    st.builds(
        Say, backs, said=st.sampled_from(("declined", "cancelled", "timed_out", "malformed"))
    ),
)


def calling(brings: st.SearchStrategy[Brings]) -> st.SearchStrategy[Call]:
    """Calls that bring such evidence."""
    return st.builds(
        Call,
        brings,
        operation=st.sampled_from((GO_LIVE, GO_LIVE, GO_OFFLINE)) | st.sampled_from(OPERATIONS),
        who=st.sampled_from((0, 0, 1)),
        can_ask=st.booleans(),
    )


def at_once(several: st.SearchStrategy[Call], most: int = 3) -> st.SearchStrategy[AtOnce]:
    """Some of these calls at the same time."""
    return st.builds(AtOnce, st.lists(several, min_size=1, max_size=most).map(tuple))


interludes: st.SearchStrategy[Step] = st.one_of(
    st.builds(Wait, st.sampled_from((1, 20, 61, 301))),
    st.builds(Meanwhile, st.sampled_from(sorted(CHANGES))),
    st.builds(
        Trouble, st.sampled_from(sorted(FAULTS)), st.sampled_from(sorted(PLACES)), st.integers(1, 2)
    ),
    at_once(calling(nothing | nearly)),
)
scenes = st.tuples(
    at_once(calling(st.just(Nothing())), most=2),
    st.lists(interludes, max_size=2),
    at_once(calling(yes | yes | nearly)),
).map(lambda scene: [scene[0], *scene[1], scene[2]])
"""Somebody asks, something may happen, and up to three try to say yes."""

plots = st.lists(scenes, min_size=1, max_size=5).map(lambda several: [*chain(*several)])
modes = st.sampled_from((Mode.AUTO, Mode.AUTO, Mode.PREVIEW, Mode.HUMAN, Mode.FLAG))


@settings(
    max_examples=EXAMPLES,
    derandomize="CI" in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    plot=plots,
    mode=modes,
    turns=st.lists(st.sampled_from((0, 0, 1, 3, 12, 40)), min_size=1, max_size=4),
    start_seconds=st.sampled_from((3, 3, 25, 50)),
)
def test_what_reaches_trax_was_agreed_to_and_no_more(
    plot: Sequence[Step], mode: Mode, turns: Sequence[int], start_seconds: int
) -> None:
    """Each guarded change spends a valid yes of its own; a start under way is never sent again.

    And a stop that has its yes gets through, whatever else happens.
    """
    with patch("trax_mcp.sandbox.stream.GO_LIVE_SECONDS", start_seconds):
        play(plot, mode=mode, turns=turns)
