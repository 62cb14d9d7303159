"""Rivals in the gaps of calls that pass fewer: without consent, with the flag, or with a no."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import ANY

import mcp_types as types
import pytest

from tests.support.gap_setup import (
    CANCELLED,
    CHANGED,
    DECLINED,
    EXPIRED,
    GAPS,
    LIVE,
    NOTHING_TO_DO,
    OFFLINE,
    PHASES,
    RAN,
    RIVALS,
    USED,
    End,
    GapSetup,
    another_yes,
    check_is_usable,
    open_gap_setup,
    outcome,
)
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE, GUARDED_OPERATIONS
from tests.support.jsonrpc import LEGACY, MODERN
from tests.support.simulated_person import declining, yes_to
from trax_mcp.consent.rules import Mode

if TYPE_CHECKING:
    from collections.abc import (
        Iterator,
        Mapping,
    )

    from tests.support.gap_setup import RivalCall
    from tests.support.guarded_calls import GuardedOperation

SHORT_GAPS: Final = ("before look 1", "after look 1", "before look 2", "after look 2", *GAPS[10:])
"""A change that needs no yes, or only the flag: it looks, reads, looks again, and begins."""

NEEDS_YES: Final = End(("confirmation_required", None), RAN, (LIVE,))
CHANGED_FIRST: Final = End(RAN, CHANGED, ())


@pytest.mark.parametrize(
    ("gap", "end"),
    [(gap, NEEDS_YES if gap in GAPS[:11] else CHANGED_FIRST) for gap in SHORT_GAPS],
)
async def test_a_change_needs_consent_if_a_go_live_comes_in_a_gap(gap: str, end: End) -> None:
    """It needed none off air. If the change comes first, the go-live is not as it was shown."""
    operation = GUARDED_OPERATIONS["update_destination, enabled, on air"]
    async with open_gap_setup(MODERN) as setup:
        await setup.run(setup.clients.call(operation), gap=gap, rival=another_yes)
        assert End(outcome(setup.result), outcome(setup.rival_result), tuple(setup.sent)) == end
        assert (operation.sent in setup.clients.sent) == (end.call == RAN)
        await check_is_usable(setup)


async def a_stop_by_flag(setup: GapSetup) -> RivalCall:
    """Another caller stops, where the flag is enough."""
    return partial(setup.clients.call, GO_OFFLINE, setup.clients.other, confirm=True)


STOPPED: Final = End(("confirmation_required", None), RAN, (OFFLINE,))


@pytest.mark.parametrize(
    ("gap", "end"),
    [
        ("before look 1", End(RAN, RAN, (OFFLINE, LIVE))),  # it has not begun to look
        *((gap, STOPPED) for gap in SHORT_GAPS[1:5]),
        *((gap, End(RAN, RAN, (LIVE, OFFLINE))) for gap in SHORT_GAPS[5:]),
    ],
)
async def test_a_stop_in_a_gap_invalidates_the_flag_of_a_go_live(gap: str, end: End) -> None:
    """With `TRAX_CONFIRM=flag` the store keeps no yes that a stop could void."""
    async with open_gap_setup(MODERN, Mode.FLAG) as setup:
        call = setup.clients.call(GO_LIVE, confirm=True)
        await setup.run(call, gap=gap, rival=a_stop_by_flag)
        assert End(outcome(setup.result), outcome(setup.rival_result), tuple(setup.sent)) == end
        assert setup.on_air == (setup.sent[-1:] == [LIVE])
        assert outcome(await setup.clients.call(GO_OFFLINE, confirm=True)) == RAN
        assert outcome(await setup.clients.call(GO_LIVE, confirm=True)) == RAN


# All gaps of a no


NO_GAPS: Final = (
    *PHASES["asks"],
    *("after add 1", "before look 3", "after look 3", "before discard 1", "after discard 1"),
)
"""A no needs no facts, so after it there is one look."""

NO_TABLE: Final[Mapping[str, Mapping[str, End]]] = {
    "the same yes": {
        "before look 3": End(USED, RAN, (LIVE,)),
        **dict.fromkeys(("after look 3", "before discard 1"), End(DECLINED, RAN, (LIVE,))),
        "after discard 1": End(DECLINED, EXPIRED, ()),
    },
    "another yes": {
        **dict.fromkeys(PHASES["asks"], End(NOTHING_TO_DO, RAN, (LIVE,))),
        **dict.fromkeys(NO_GAPS[5:], End(DECLINED, RAN, (LIVE,))),
    },
    "a stop": {
        **dict.fromkeys(PHASES["asks"], End(DECLINED, RAN, (OFFLINE,))),
        **dict.fromkeys(("after add 1", "before look 3"), End(EXPIRED, RAN, (OFFLINE,))),
        **dict.fromkeys(NO_GAPS[7:], End(DECLINED, RAN, (OFFLINE,))),
    },
    "another destination": dict.fromkeys(NO_GAPS, End(DECLINED, RAN, ())),
    "a cancellation": {
        **dict.fromkeys(NO_GAPS[:-1], End(CANCELLED, CANCELLED, ())),
        NO_GAPS[-1]: End(ANY, CANCELLED, ()),
    },
}


async def with_a_no(setup: GapSetup, operation: GuardedOperation) -> object:
    """Call, and decline the form."""
    if setup.era == LEGACY:
        setup.clients.person.answer_with(declining)
        return await setup.clients.call(operation, setup.clients.asking)
    asked = await setup.clients.answer(operation)
    if not isinstance(asked, types.InputRequiredResult):
        return asked
    yes: types.InputResponses = {"consent": yes_to(asked)}
    setup.again = partial(setup.clients.answer, operation, asked.request_state, yes)
    no: types.InputResponses = {"consent": types.ElicitResult(action="decline")}
    return await setup.clients.answer(operation, asked.request_state, no)


def every_gap_of_a_no() -> Iterator[Any]:
    """Combine rivals and gaps."""
    for rival, ends in NO_TABLE.items():
        for gap, end in ends.items():
            yield pytest.param(rival, gap, end, id=f"{rival}, {gap}")


async def test_a_no_without_rivals_passes_the_gaps_in_order(era: str) -> None:
    """The table has all gaps that there are."""
    async with open_gap_setup(era) as setup:
        setup.store.watch()
        assert outcome(await with_a_no(setup, GO_LIVE)) == DECLINED
        assert setup.store.passed == [*NO_GAPS]


@pytest.mark.parametrize(("rival", "gap", "end"), [*every_gap_of_a_no()])
async def test_a_no_with_a_rival_in_a_gap_ends_as_in_the_table(
    rival: str, gap: str, end: End
) -> None:
    """A no sends nothing. A yes to the same question is used or void afterwards."""
    async with open_gap_setup(
        MODERN
    ) as setup:  # in the other era nobody can answer a question twice
        call = with_a_no(setup, GO_LIVE)
        await setup.run(call, gap=gap, rival=RIVALS[rival])
        assert End(outcome(setup.result), outcome(setup.rival_result), tuple(setup.sent)) == end
        if end.call is not CANCELLED and setup.again is not None:
            assert outcome(await setup.again()) in (EXPIRED, USED, NOTHING_TO_DO)
            assert tuple(setup.sent) == end.sent
        await check_is_usable(setup)
