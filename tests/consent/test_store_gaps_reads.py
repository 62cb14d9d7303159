"""Facts that change while a call reads them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import anyio
import mcp_types as types
import pytest

from tests.conftest import text_of
from tests.support.concurrency import Paused, begin
from tests.support.consent_clients import status_and_reason
from tests.support.gap_setup import (
    LIVE,
    NOT_LIVE,
    NOTHING_TO_DO,
    OFFLINE,
    RAN,
    RIVALS,
    GapSetup,
    a_change,
    a_stop_and_another_start,
    another_yes,
    open_gap_setup,
    outcome,
)
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE, GUARDED_OPERATIONS
from tests.support.jsonrpc import MODERN
from tests.support.simulated_person import yes_to
from trax_mcp.consent.rules import Mode

if TYPE_CHECKING:
    from tests.support.gap_setup import Outcome, RivalCall
    from tests.support.guarded_calls import GuardedOperation


async def test_a_stop_reads_nothing_after_its_confirmation() -> None:
    """No fact can change a yes to a stop."""
    operation = GUARDED_OPERATIONS["delete_source"]
    async with open_gap_setup(MODERN) as setup:
        trax, held = setup.clients.trax, Paused()
        trax.faults.add(held.fault, method="DELETE")
        confirmation = await setup.clients.confirmation(GO_OFFLINE)
        async with anyio.create_task_group() as tasks:
            deleted = begin(tasks, partial(setup.clients.confirmed, operation))
            await held.arrived()
            earlier = len(trax.requests)
            setup.store.watch("after look 1", held.release)
            evidence = {"confirm": True, "confirmation": confirmation}
            assert outcome(await setup.clients.call(GO_OFFLINE, **evidence)) == RAN
        assert outcome(deleted[0]) == RAN
        requests = [f"{it.method} {it.path}" for it in trax.requests][earlier:]
    reads = requests[: requests.index(OFFLINE)]
    assert reads == []


async def test_a_stop_without_consent_reads_once_if_another_call_ends() -> None:
    """Otherwise other calls could delay its question again and again."""
    rival = partial(another_yes, operation=GUARDED_OPERATIONS["delete_source"])
    async with open_gap_setup(MODERN) as setup:
        requests = setup.clients.trax.requests
        assert outcome(await setup.clients.confirmed(GO_LIVE)) == RAN
        earlier = len(requests)
        await setup.run(setup.clients.call(GO_OFFLINE), gap="before look 2", rival=rival)
        assert outcome(setup.rival_result) == RAN
        assert outcome(setup.result) == ("confirmation_required", None)
        mine = [it.path for it in list(requests)[earlier:] if it.key_name != "second"]
    assert mine
    assert len(mine) == len({*mine})


async def test_a_preview_shows_a_change_that_ends_while_it_is_made() -> None:
    """With `TRAX_CONFIRM=flag` nothing compares the yes with what was shown."""
    operation = GUARDED_OPERATIONS["update_destination, enabled, on air"]
    async with open_gap_setup(MODERN, Mode.FLAG) as setup:
        rival = partial(a_change, operation=operation)
        await setup.run(setup.clients.call(GO_LIVE), gap="before look 2", rival=rival)
        assert outcome(setup.rival_result) == RAN
        assert isinstance(setup.result, types.CallToolResult)
        shown = text_of(setup.result)
        assert setup.clients.trax.world.destinations["dest_3"].name in shown


@pytest.mark.parametrize("gap", ["before look 2", "after look 2", "before add 1"])
async def test_a_person_is_asked_again_about_a_change_while_they_are_asked_again(gap: str) -> None:
    """The first change voids their yes. The second one comes before they have read of it."""
    address = GUARDED_OPERATIONS["update_destination, rtmpUrl"]
    async with open_gap_setup(MODERN) as setup:
        asked = await setup.clients.question(GO_LIVE)
        assert outcome(await (await a_change(setup, address))()) == RAN
        said: types.InputResponses = {"consent": yes_to(asked)}
        call = setup.clients.answer(GO_LIVE, asked.request_state, said)
        await setup.run(call, gap=gap, rival=partial(a_change, operation=address.other))
        assert outcome(setup.rival_result) == RAN
        again = setup.result
        assert isinstance(again, types.InputRequiredResult), again
        said = {"consent": yes_to(again)}
        assert outcome(await setup.clients.answer(GO_LIVE, again.request_state, said)) == RAN


# A studio that is seen on air


async def a_look_by_another(setup: GapSetup) -> RivalCall:
    """Another caller asks to go live, and so sees the studio on air."""

    async def see() -> Outcome:
        return status_and_reason(await setup.clients.call(GO_LIVE, setup.clients.other))

    return see


async def go_live_unseen(setup: GapSetup) -> None:
    """Go live. The stream status hides it for the time of the watch, so the start is pending."""
    setup.clients.trax.faults.add(NOT_LIVE, times=None, path="*/stream-status")
    assert outcome(await setup.clients.confirmed(GO_LIVE)) == RAN
    setup.clients.trax.faults.clear()


@pytest.mark.parametrize("operation", [GO_LIVE, GO_OFFLINE], ids=lambda it: it.tool)
@pytest.mark.parametrize(
    "gap",
    [
        "before look 1",
        "after look 1",
        "before look 2",
        "after look 2",
        "before record_on_air 1",
        "after record_on_air 1",
    ],
)
async def test_a_call_that_sees_a_studio_on_air_does_not_hide_a_later_start(
    operation: GuardedOperation, gap: str
) -> None:
    """The one that was on air is stopped in the gap, and another one is starting."""
    async with open_gap_setup(MODERN) as setup:
        await go_live_unseen(setup)
        await setup.run(setup.clients.call(operation), gap=gap, rival=a_stop_and_another_start)
        assert setup.rival_result == [RAN, RAN]
        assert outcome(await setup.clients.call(GO_LIVE)) == NOTHING_TO_DO
        assert setup.sent == [LIVE, OFFLINE, LIVE]


async def test_a_studio_that_is_stopped_while_a_go_live_reads_is_not_called_live() -> None:
    """The go-live has read that it is on air. A stop ended since."""
    async with open_gap_setup(MODERN) as setup:
        assert outcome(await setup.clients.confirmed(GO_LIVE)) == RAN
        await setup.run(setup.clients.call(GO_LIVE), gap="before look 2", rival=RIVALS["a stop"])
        assert outcome(setup.rival_result) == RAN
        assert outcome(setup.result) == ("confirmation_required", None)


@pytest.mark.parametrize("gap", ["before look 2", "after look 2"])
async def test_a_start_that_another_call_sees_on_air_is_not_sent_again(gap: str) -> None:
    """The call has read that the studio is off air, before it came on air."""
    async with open_gap_setup(MODERN) as setup:
        await go_live_unseen(setup)
        setup.clients.trax.faults.add(NOT_LIVE, times=1, path="*/stream-status")
        await setup.run(setup.clients.call(GO_LIVE), gap=gap, rival=a_look_by_another)
        assert setup.rival_result == NOTHING_TO_DO
        assert outcome(setup.result) == NOTHING_TO_DO
        assert setup.sent == [LIVE]


@pytest.mark.parametrize("gap", ["before look 2", "after look 2"])
async def test_a_change_needs_consent_if_another_call_sees_the_start_on_air(gap: str) -> None:
    """The change has read that the studio is off air, before it came on air."""
    operation = GUARDED_OPERATIONS["update_destination, enabled, on air"]
    async with open_gap_setup(MODERN) as setup:
        await go_live_unseen(setup)
        setup.clients.trax.faults.add(NOT_LIVE, times=1, path="*/stream-status")
        await setup.run(setup.clients.call(operation), gap=gap, rival=a_look_by_another)
        assert setup.rival_result == NOTHING_TO_DO
        assert outcome(setup.result) == ("confirmation_required", None)
        assert operation.sent not in setup.clients.sent


async def test_a_start_that_was_seen_on_air_is_not_pending_after_it_has_ended() -> None:
    """Another client saw it; then somebody stopped it on TRaX's own pages."""
    async with open_gap_setup(MODERN) as setup:
        await go_live_unseen(setup)
        assert outcome(await setup.clients.call(GO_LIVE)) == NOTHING_TO_DO
        setup.clients.trax.world.go_offline(setup.clients.trax.world.studios["studio_42"])
        setup.clients.clock.advance(10)
        assert outcome(await setup.clients.confirmed(GO_LIVE)) == RAN
