"""A go-live or a stop runs, and in each gap between its steps of the store a rival comes.

`GO_LIVE_TABLE` has the result of a go-live for each rival and phase:

    rival           asks             waits                   sends           has sent
    the same yes    -                used                    ran             ran
    another yes     nothing to do    nothing to do           ran             ran
    a stop          ran, after it    expired                 ran, before it  ran, before it
    a change        ran              changed, or asks again  ran             ran
    a cancellation  was not sent     was not sent            ran             ran

A stop passes two steps more: before it begins it waits for a go-live that is being sent, and after
it was sent it asks whether that go-live has ended since. `STOP_TABLE` is about these 20 gaps.
"""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import ANY

import mcp_types as types
import pytest

from tests.conftest import text_of
from tests.support.concurrency import Paused
from tests.support.gap_setup import (
    CANCELLED,
    CHANGED,
    EXPIRED,
    LIVE,
    NOTHING_TO_DO,
    OFFLINE,
    PHASES,
    RAN,
    RIVALS,
    USED,
    End,
    GapSetup,
    Phase,
    a_stop_and_another_start,
    check_is_usable,
    open_gap_setup,
    outcome,
    the_same_yes,
    with_confirmation,
)
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE
from tests.support.jsonrpc import LEGACY, MODERN
from tests.support.product.faults import Fault
from tests.support.simulated_person import agreeing, yes_to

if TYPE_CHECKING:
    from collections.abc import (
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )

    from tests.support.gap_setup import RivalCall
    from tests.support.guarded_calls import GuardedOperation

pytestmark = pytest.mark.slow  # every gap with every rival

GO_LIVE_PHASES: Final[Mapping[Phase, Sequence[str]]] = {
    **PHASES,
    "sends": (
        "after begin 1",
        "before was_overtaken 1",
        "after was_overtaken 1",
        "before finish 1",
    ),
}
"""The gaps of a go-live that runs."""

STOP_PHASES: Final[Mapping[Phase, Sequence[str]]] = {
    **PHASES,
    "waits": ("after add 1", "before look 3", "after look 3", "before begin 1"),
    "sends": (
        "after begin 1",
        "before wait_for_go_live 1",
        "after wait_for_go_live 1",
        "before note_overlap 1",
        "after note_overlap 1",
        "before go_live_may_follow 1",
        "after go_live_may_follow 1",
        "before finish 1",
    ),
}
"""The gaps of a stop that runs."""

LAST_GAPS: Final = {phase: gaps[-1:] for phase, gaps in PHASES.items()}
"""One gap of each phase."""

GO_LIVE_GAPS: Final = tuple(gap for gaps in GO_LIVE_PHASES.values() for gap in gaps)
STOP_GAPS: Final = tuple(gap for gaps in STOP_PHASES.values() for gap in gaps)


async def with_form(setup: GapSetup, operation: GuardedOperation) -> object:
    """Call, and choose the operation in each form."""
    if setup.era == LEGACY:
        setup.clients.person.answer_with(agreeing)
        return await setup.clients.call(operation, setup.clients.asking)
    result = await setup.clients.answer(operation)
    while isinstance(result, types.InputRequiredResult):
        said: types.InputResponses = {"consent": yes_to(result)}
        setup.again = partial(setup.clients.answer, operation, result.request_state, said)
        result = await setup.again()
    return result


WAYS: Final = {"confirmation": with_confirmation, "form": with_form}
BOTH_RAN: Final = End(RAN, RAN, (LIVE,))

NOT_AS_SHOWN: Final = End(CHANGED, RAN, ())
"""With a form the person is asked again, agrees again, and `BOTH_RAN`."""

_CHANGE: Final[Mapping[Phase, End]] = {
    "asks": BOTH_RAN,
    "waits": NOT_AS_SHOWN,
    "sends": End(RAN, ANY, (LIVE,)),  # the rival runs, unless it sees the studio on air by then
    "has sent": BOTH_RAN,
}

GO_LIVE_TABLE: Final[Mapping[str, Mapping[Phase, End]]] = {
    "the same yes": {
        "waits": End(USED, RAN, (LIVE,)),
        "sends": End(RAN, USED, (LIVE,)),
        "has sent": End(RAN, USED, (LIVE,)),
    },
    "another yes": {
        "asks": End(NOTHING_TO_DO, RAN, (LIVE,)),
        "waits": End(NOTHING_TO_DO, RAN, (LIVE,)),
        "sends": End(RAN, NOTHING_TO_DO, (LIVE,)),
        "has sent": End(RAN, NOTHING_TO_DO, (LIVE,)),
    },
    "a stop": {
        "asks": End(RAN, RAN, (OFFLINE, LIVE)),
        "waits": End(EXPIRED, RAN, (OFFLINE,)),
        "sends": End(RAN, RAN, (LIVE, OFFLINE)),
        "has sent": End(RAN, RAN, (LIVE, OFFLINE)),
    },
    "another destination": _CHANGE,
    "another address": _CHANGE,
    "a cancellation": {
        "asks": End(CANCELLED, CANCELLED, ()),
        "waits": End(CANCELLED, CANCELLED, ()),
        "sends": End(ANY, CANCELLED, (LIVE,)),
        "has sent": End(ANY, CANCELLED, (LIVE,)),
    },
}

STOP_TABLE: Final[Mapping[str, Mapping[Phase, End]]] = {
    "the same yes": {
        "waits": End(USED, RAN, (OFFLINE,)),
        "sends": End(RAN, USED, (OFFLINE,)),
        "has sent": End(RAN, USED, (OFFLINE,)),
    },
    "another yes": {
        "asks": End(RAN, RAN, (LIVE, OFFLINE)),
        "waits": End(RAN, RAN, (LIVE, OFFLINE)),
        "sends": End(RAN, EXPIRED, (OFFLINE,)),
        "has sent": End(RAN, EXPIRED, (OFFLINE,)),
    },
    "a stop": dict.fromkeys(PHASES, End(RAN, RAN, (OFFLINE, OFFLINE))),
    "another destination": dict.fromkeys(PHASES, End(RAN, RAN, (OFFLINE,))),
    "a cancellation": {
        "asks": End(CANCELLED, CANCELLED, ()),
        "waits": End(CANCELLED, CANCELLED, ()),
        "sends": End(ANY, CANCELLED, (OFFLINE,)),
        "has sent": End(ANY, CANCELLED, (OFFLINE,)),
    },
}


def every_gap(
    table: Mapping[str, Mapping[Phase, End]],
    phases: Mapping[Phase, Sequence[str]],
    ways: Iterable[tuple[str, str]],
) -> Iterator[Any]:
    """Combine the ways with rivals and gaps, as far as they exist."""
    for (era, way), (rival, ends) in product(ways, table.items()):
        for phase, end in ends.items():
            for gap in phases[phase]:
                if is_possible(era, way, rival, gap):
                    name = f"{era}, {way}, {rival}, {gap}"
                    yield pytest.param(era, way, rival, gap, end, id=name)


def is_possible(era: str, way: str, rival: str, gap: str) -> bool:
    """The same yes can be given twice only by a client that knows its confirmation."""
    return rival != "the same yes" or (gap != "after add 1" and (era, way) != (LEGACY, "form"))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("operation", "gaps"),
    [(GO_LIVE, GO_LIVE_GAPS), (GO_OFFLINE, STOP_GAPS)],
    ids=["go_live", "go_offline"],
)
async def test_a_call_without_rivals_passes_the_gaps_in_order(
    era: str, way: str, operation: GuardedOperation, gaps: Sequence[str]
) -> None:
    """The tables have all gaps that there are."""
    async with open_gap_setup(era) as setup:
        setup.store.watch()
        assert outcome(await WAYS[way](setup, operation)) == RAN
        assert setup.store.passed == [*gaps]


@pytest.mark.parametrize(
    ("era", "way", "rival", "gap", "end"),
    [
        *every_gap(GO_LIVE_TABLE, GO_LIVE_PHASES, [(MODERN, "confirmation"), (LEGACY, "form")]),
        *every_gap(GO_LIVE_TABLE, LAST_GAPS, [(MODERN, "form")]),
    ],
)
async def test_a_go_live_with_a_rival_in_a_gap_ends_as_in_the_table(
    era: str, way: str, rival: str, gap: str, end: End
) -> None:
    """At most one go-live per yes is sent, and none after a stop on an older yes."""
    if way == "form" and end is NOT_AS_SHOWN:
        end = BOTH_RAN
    async with open_gap_setup(era) as setup:
        call = WAYS[way](setup, GO_LIVE)
        await setup.run(call, gap=gap, rival=RIVALS[rival])
        assert End(outcome(setup.result), outcome(setup.rival_result), tuple(setup.sent)) == end
        assert setup.on_air == (setup.sent[-1:] == [LIVE])
        if rival == "a cancellation" and setup.again is not None:
            assert outcome(await setup.again()) == (USED if end.sent else RAN)
            assert setup.sent == [LIVE]
        await check_is_usable(setup)


@pytest.mark.parametrize(
    ("era", "way", "rival", "gap", "end"),
    [*every_gap(STOP_TABLE, STOP_PHASES, [(MODERN, "confirmation")])],
)
async def test_a_stop_with_a_rival_in_a_gap_ends_as_in_the_table(
    era: str, way: str, rival: str, gap: str, end: End
) -> None:
    """After the stop the studio is off air. The rival `another yes` is a go-live."""
    async with open_gap_setup(era) as setup:
        call = WAYS[way](setup, GO_OFFLINE)
        await setup.run(call, gap=gap, rival=RIVALS[rival])
        assert End(outcome(setup.result), outcome(setup.rival_result), tuple(setup.sent)) == end
        assert not setup.on_air
        if rival == "a cancellation" and setup.again is not None:
            assert outcome(await setup.again()) == (USED if end.sent else RAN)
            assert setup.sent == [OFFLINE]
        await check_is_usable(setup)


# Rivals in single gaps


async def a_go_live_with_a_new_yes(setup: GapSetup) -> object:
    """Another caller previews a go-live, and agrees."""
    confirmation = await setup.clients.confirmation(GO_LIVE, client=setup.clients.other)
    evidence = {"confirm": True, "confirmation": confirmation}
    return await setup.clients.call(GO_LIVE, setup.clients.other, **evidence)


async def test_a_stop_in_the_gap_after_a_go_live_has_finished_ends_its_watch() -> None:
    """The go-live says that the studio is stopping, not that it is starting."""
    async with open_gap_setup(MODERN) as setup:
        call = with_confirmation(setup, GO_LIVE)
        await setup.run(call, gap="after finish 1", rival=RIVALS["a stop"])
        assert isinstance(setup.result, types.CallToolResult)
        assert (setup.result.structured_content or {})["observed"]["state"] == "stopping"


async def test_a_go_live_in_the_gap_after_a_stop_has_finished_is_watched_to_the_end() -> None:
    """Its yes is later than the stop, which ends only the watches of earlier ones."""
    async with open_gap_setup(MODERN) as setup:
        held = Paused()
        hold = partial(setup.clients.trax.faults.add, held.fault, path="*/stream-status")
        setup.clients.trax.faults.add(Fault.followed_by(hold), path="*/go-live")

        async def a_later_yes(setup: GapSetup) -> RivalCall:
            return partial(a_go_live_with_a_new_yes, setup)

        async def stop() -> object:
            result = await with_confirmation(setup, GO_OFFLINE)
            held.release()
            return result

        await setup.run(stop(), gap="after finish 1", rival=a_later_yes)
        assert (outcome(setup.result), outcome(setup.rival_result)) == (RAN, RAN)
        assert setup.sent == [OFFLINE, LIVE]
        assert isinstance(setup.rival_result, types.CallToolResult)
        assert (setup.rival_result.structured_content or {})["observed"]["state"] == "on_air"


async def test_a_refused_call_says_nothing_about_a_later_use_of_its_confirmation() -> None:
    """The confirmation was given back and used again before the refused call ended."""
    async with open_gap_setup(MODERN) as setup:
        refusal = Fault.error(429, "rate_limited", Retry_After="60")
        setup.clients.trax.faults.add(refusal, path="*/go-live")
        call = with_confirmation(setup, GO_LIVE)
        await setup.run(call, gap="after finish 1", rival=the_same_yes)
        assert outcome(setup.result) == ("failed", "rate_limited")
        assert outcome(setup.rival_result) == RAN
        assert setup.again is not None
        again = await setup.again()
        assert isinstance(again, types.CallToolResult)
        assert outcome(again) == USED
        assert "the call ran, and the studio was then on air" in text_of(again)


@pytest.mark.parametrize(
    "gap",
    [
        "before record 1",
        "after record 1",
    ],
)
async def test_a_go_live_that_is_recorded_late_does_not_hide_a_later_start(gap: str) -> None:
    """It was seen on air. Then it was stopped, and another one is starting."""
    async with open_gap_setup(MODERN) as setup:
        call = with_confirmation(setup, GO_LIVE)
        await setup.run(call, gap=gap, rival=a_stop_and_another_start)
        assert outcome(setup.result) == RAN
        assert setup.rival_result == [RAN, RAN]
        assert outcome(await setup.clients.call(GO_LIVE)) == NOTHING_TO_DO
        assert setup.sent == [LIVE, OFFLINE, LIVE]
