"""Property tests: for any concurrent calls in any order, each guarded change has its own consent.

Hypothesis generates calls, answers, changes and faults. The ledger judges what reaches TRaX.
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

from tests.support.consent_steps import (
    CHANGES,
    FAULTS,
    GO_LIVE,
    GO_OFFLINE,
    NEW_KEY,
    OPERATIONS,
    REQUESTS,
    STUDIO,
    AddFault,
    Agree,
    AtOnce,
    Call,
    Change,
    EvidenceStep,
    NoConfirmation,
    Step,
    Wait,
    WithAnswer,
    WithConfirmation,
    run_steps,
)
from trax_mcp.api.operations import DeleteDestination, UpdateDestination
from trax_mcp.consent.rules import Mode

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.slow

EXAMPLES: Final = int(os.environ.get("HYPOTHESIS_EXAMPLES", "75"))
"""How many step lists are tried."""


# Fixed histories

ASK: Final = AtOnce((Call(),))
AGREE: Final = AtOnce((Call(Agree(0)),))
STOP: Final = AtOnce((Call(operation=GO_OFFLINE),))
DELETE: Final = Call(operation=DeleteDestination(**STUDIO, dest_id="dest_1"))
ENABLE: Final = Call(operation=UpdateDestination(**STUDIO, dest_id="dest_3", enabled=True))

HISTORIES: Final[dict[str, tuple[Sequence[Step], set[int]]]] = {
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
    "a yes to what has changed": ([ASK, Change("enable dest_3"), AGREE], {0}),
    "a second yes to what has changed": ([ASK, Change("enable dest_3"), AGREE, AGREE], {1}),
    "two calls at once, one of which changes the other": (
        [AtOnce((Call(), DELETE)), AtOnce((Call(Agree(0)), Call(Agree(1))))],
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
    "a yes with a gateway error, and again": (
        [ASK, AddFault("gateway", "going live"), AGREE, AGREE],
        {1},
    ),
    "a start, and another beside it": ([ASK, AGREE, ASK, AGREE], {1}),
    "a start, a stop, and a start": ([ASK, AGREE, STOP, AGREE, ASK, AGREE], {3}),
    "a start, a stop that is lost, and a start": (
        [ASK, AGREE, STOP, AddFault("lost before", "going offline"), AGREE, ASK, AGREE],
        {2},
    ),
    "a stop between a start and its yes": ([ASK, STOP, AGREE, AtOnce((Call(Agree(1)),))], {1}),
    "a change that viewers would see, beside a start": (
        [ASK, AtOnce((Call(Agree(0)), ENABLE))],
        {0, 1},  # the start may be sent first, or the change, which invalidates its confirmation
    ),
}
"""Step lists, and how many guarded changes may arrive. It depends on the order of calls."""

TURNS: Final = ((0,), (0, 12, 0), (60, 1, 5, 0, 0, 30))
"""How long the requests take. Concurrent calls interleave differently in each."""


@pytest.mark.parametrize("turns", TURNS, ids=str)
@pytest.mark.parametrize("start_seconds", [3, 50])
@pytest.mark.parametrize("can_ask", [False, True], ids=["confirmed", "asked"])
@pytest.mark.parametrize("history", HISTORIES)
def test_a_fixed_history_sends_the_expected_number_of_changes(
    history: str, *, can_ask: bool, start_seconds: int, turns: Sequence[int]
) -> None:
    """With a confirmation and with a person's answer. Shows that the ledger sees changes."""
    steps, arrivals = HISTORIES[history]
    with patch("trax_mcp.sandbox.stream_run.GO_LIVE_SECONDS", start_seconds):
        ledger = run_steps([_by(step, can_ask=can_ask) for step in steps], turns=turns)
    assert ledger.sent in arrivals


def _by(step: Step, *, can_ask: bool) -> Step:
    if not isinstance(step, AtOnce):
        return step
    return AtOnce(tuple(replace(call, can_ask=can_ask) for call in step.calls))


# Generated steps

backs = st.sampled_from((0, 0, 0, 1, 1, 2, 4))
no_evidence = st.builds(NoConfirmation, confirm=st.booleans())
yes = st.builds(Agree, backs)
invalid = st.one_of(
    st.builds(Agree, backs, st.sampled_from(("by another", "for another"))),
    st.builds(WithConfirmation, backs, confirm=st.booleans()),
    st.builds(WithAnswer, backs, choice=st.sampled_from(("yes", "no", "other"))),
    st.builds(
        WithAnswer,
        backs,
        reply=st.sampled_from(("declined", "cancelled", "timed_out", "malformed")),
    ),
)


def calling(evidence: st.SearchStrategy[EvidenceStep]) -> st.SearchStrategy[Call]:
    """Calls with this evidence."""
    return st.builds(
        Call,
        evidence,
        operation=st.sampled_from((GO_LIVE, GO_LIVE, GO_OFFLINE)) | st.sampled_from(OPERATIONS),
        who=st.sampled_from((0, 0, 1)),
        can_ask=st.booleans(),
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
    at_once(calling(no_evidence | invalid)),
)
histories = st.tuples(
    at_once(calling(st.just(NoConfirmation())), most=2),
    st.lists(events, max_size=2),
    at_once(calling(yes | yes | invalid)),
).map(lambda history: [history[0], *history[1], history[2]])
"""Calls without evidence, then events, then up to three calls with a yes."""

step_lists = st.lists(histories, min_size=1, max_size=5).map(lambda several: [*chain(*several)])
modes = st.sampled_from((Mode.AUTO, Mode.AUTO, Mode.PREVIEW, Mode.HUMAN, Mode.FLAG))


@settings(
    max_examples=EXAMPLES,
    derandomize="CI" in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    steps=step_lists,
    mode=modes,
    turns=st.lists(st.sampled_from((0, 0, 1, 3, 12, 40)), min_size=1, max_size=4),
    start_seconds=st.sampled_from((3, 3, 25, 50)),
)
def test_each_guarded_change_uses_a_valid_consent_of_its_own(
    steps: Sequence[Step], mode: Mode, turns: Sequence[int], start_seconds: int
) -> None:
    """A pending go-live is not sent again, and a stop with consent is always sent."""
    with patch("trax_mcp.sandbox.stream_run.GO_LIVE_SECONDS", start_seconds):
        run_steps(steps, mode=mode, turns=turns)
