"""Property tests: for any concurrent calls in any order, each guarded change has its own consent.

Hypothesis generates calls, answers, changes and faults. The ledger judges what reaches TRaX.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.consent_steps import (
    CHANGES,
    DELETE,
    ENABLE,
    FAULTS,
    NEW_KEY,
    OPERATIONS,
    REQUESTS,
    AddFault,
    Answer,
    AtOnce,
    Call,
    Change,
    Confirmation,
    Step,
    Wait,
    Yes,
    run_steps,
)
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE
from tests.support.hypothesis_profiles import unshrunk

if TYPE_CHECKING:
    from collections.abc import Sequence

# Fixed histories

ASK: Final = AtOnce((Call(),))
AGREE: Final = AtOnce((Call(evidence=Yes()),))
STOP: Final = AtOnce((Call(GO_OFFLINE),))
TWICE: Final = AtOnce((Call(evidence=Yes()), Call(evidence=Yes())))

HISTORIES: Final[dict[str, tuple[Sequence[Step], set[int]]]] = {
    "a yes, twice": ([ASK, AGREE, AGREE], {1}),
    "a yes, twice at once": ([ASK, TWICE], {1}),
    "a yes to a stop, twice at once": ([STOP, TWICE], {1}),
    "two callers' yes at once": (
        [AtOnce((Call(), Call(who=1))), AtOnce((Call(evidence=Yes(0)), Call(evidence=Yes(1))))],
        {1},
    ),
    "a yes from another key": ([ASK, AtOnce((Call(evidence=Yes(0, "by another")),))], {0}),
    "a yes to another call": (
        [AtOnce((Call(NEW_KEY),)), AtOnce((Call(evidence=Yes(0, "for another")),))],
        {0},
    ),
    "a yes too late": ([ASK, Wait(301), AGREE], {0}),
    "a yes to what has changed, and another": (
        [ASK, Change("enable dest_3"), AGREE, AGREE],
        {1},
    ),
    "two calls at once, one of which changes the other": (
        [AtOnce((Call(), Call(DELETE))), AtOnce((Call(evidence=Yes(0)), Call(evidence=Yes(1))))],
        {1, 2},
    ),
    "a yes that was refused, and again": (
        [ASK, AddFault("refused", "going live"), AGREE, AGREE],
        {2},
    ),
    "a yes whose answer was lost, and again": (
        [ASK, AddFault("lost before", "going live"), AGREE, AGREE],
        {1},
    ),
    "a start, a stop, and a start": ([ASK, AGREE, STOP, AGREE, ASK, AGREE], {3}),
    "a stop between a start and its yes": (
        [ASK, STOP, AGREE, AtOnce((Call(evidence=Yes(1)),))],
        {1},
    ),
    "a change that viewers would see, beside a start": (
        [ASK, AtOnce((Call(evidence=Yes()), Call(ENABLE)))],
        {0, 1},  # the start may be sent first, or the change, which invalidates its confirmation
    ),
}
"""Step lists, and how many guarded changes may arrive. It depends on the order of calls."""


@pytest.mark.parametrize("can_ask", [False, True], ids=["confirmed", "asked"])
@pytest.mark.parametrize("history", HISTORIES)
def test_a_fixed_history_sends_the_expected_number_of_changes(
    history: str, *, can_ask: bool
) -> None:
    """With a confirmation and with a person's answer. Shows that the ledger sees changes."""
    steps, arrivals = HISTORIES[history]
    ledger = run_steps([_by(step, can_ask=can_ask) for step in steps], delays=(0, 0.4, 0))
    assert ledger.guarded_changes in arrivals


def _by(step: Step, *, can_ask: bool) -> Step:
    if not isinstance(step, AtOnce):
        return step
    return AtOnce(tuple(replace(call, can_ask=can_ask) for call in step.calls))


# Generated steps

backs = st.sampled_from((0, 0, 0, 1, 1, 2, 4))
yes = st.builds(Yes, backs)
invalid = st.one_of(
    st.builds(Yes, backs, st.sampled_from(("by another", "for another"))),
    st.builds(Confirmation, backs, confirm=st.booleans()),
    st.builds(
        Answer,
        backs,
        st.sampled_from(("yes", "no", "another choice", "decline", "cancel", "nothing")),
    ),
)


def calling(
    evidence: st.SearchStrategy[Yes | Confirmation | Answer | None],
) -> st.SearchStrategy[Call]:
    """Calls with this evidence."""
    return st.builds(
        Call,
        st.sampled_from((GO_LIVE, GO_LIVE, GO_OFFLINE)) | st.sampled_from(OPERATIONS),
        evidence,
        who=st.sampled_from((0, 0, 1)),
        can_ask=st.booleans(),
        confirm=st.sampled_from((None, None, True, False)),
    )


def at_once(several: st.SearchStrategy[Call], most: int = 3) -> st.SearchStrategy[AtOnce]:
    """Up to `most` of these calls at the same time."""
    return st.builds(AtOnce, st.lists(several, min_size=1, max_size=most).map(tuple))


events: st.SearchStrategy[Step] = st.one_of(
    st.builds(Wait, st.sampled_from((1, 20, 61, 301))),
    st.builds(Change, st.sampled_from(sorted(CHANGES))),
    st.builds(
        AddFault,
        st.sampled_from(sorted(FAULTS)),
        st.sampled_from(sorted(REQUESTS)),
        st.integers(1, 2),
    ),
    at_once(calling(st.none() | invalid)),
)
histories = st.tuples(
    at_once(calling(st.none()), most=2),
    st.lists(events, max_size=2),
    at_once(calling(yes | yes | invalid)),
).map(lambda history: [history[0], *history[1], history[2]])
"""Calls without evidence, then events, then up to three calls with a yes."""

step_lists = st.lists(histories, min_size=1, max_size=5).map(lambda several: [*chain(*several)])
modes = st.sampled_from(("auto", "auto", "preview", "human", "flag"))


@pytest.mark.fuzz
@given(
    steps=step_lists,
    mode=modes,
    delays=st.lists(st.sampled_from((0.0, 0.0, 0.1, 0.7, 3.0)), min_size=1, max_size=4),
)
@unshrunk(250)
def test_each_guarded_change_uses_a_valid_consent_of_its_own(
    steps: Sequence[Step], mode: str, delays: Sequence[float]
) -> None:
    """A pending go-live is not sent again, and a stop with consent is always sent."""
    run_steps(steps, mode=mode, delays=delays)
