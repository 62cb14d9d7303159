"""The steps of a `ConsentStore`: versions, and the turns in which calls are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from tests.support.concurrency import settle
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.store_steps import (
    CHANGE,
    DELETE,
    GO_LIVE,
    GO_OFFLINE,
    ME,
    NOT_STOPS,
    OTHER_STUDIO,
    OUTCOMES,
    add,
    begin,
    finish,
    kept,
    look,
    make,
    stops_counted,
    try_to_add,
    try_to_begin,
    waiting,
)
from trax_mcp.api.operations import GoLive, GoOffline
from trax_mcp.consent.store import ConsentStore, Stale, Started

if TYPE_CHECKING:
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation


# Versions


@pytest.mark.parametrize("operation", [*NOT_STOPS, GO_OFFLINE], ids=lambda it: it.tool_name)
async def test_the_version_moves_when_a_call_begins_and_when_it_ends(
    store: ConsentStore, operation: Operation[Model]
) -> None:
    """It moves at that place only, whatever the outcome is."""
    elsewhere = await look(store, studio=OTHER_STUDIO)
    for outcome in OUTCOMES:
        before = await look(store)
        started = await begin(store, operation)
        during = await look(store)
        await finish(store, started, outcome)
        after = await look(store)
        assert before.version < during.version < after.version
        assert await look(store, studio=OTHER_STUDIO) == elsewhere


@pytest.mark.parametrize("other", [*NOT_STOPS, GO_OFFLINE], ids=lambda it: it.tool_name)
@pytest.mark.parametrize("operation", NOT_STOPS, ids=lambda it: it.tool_name)
async def test_a_step_is_stale_after_a_call_that_began_or_ended_since_the_look(
    store: ConsentStore, operation: Operation[Model], other: Operation[Model]
) -> None:
    """A stale step has done nothing: the confirmation stays, and the turn is free."""
    confirmation = await add(store, operation)
    before = await look(store, confirmation.id)
    started = await begin(store, other)
    during = await look(store, confirmation.id)
    for seen, is_stale in ((before, True), (during, False)):
        added = await try_to_add(store, operation, seen=seen)
        assert isinstance(added, Stale) == is_stale
    await finish(store, started, "not_applied")
    for seen in (before, during):
        added = await try_to_add(store, operation, seen=seen)
        assert isinstance(added, Stale)
        assert isinstance(await try_to_begin(store, operation, confirmation, seen=seen), Stale)
    assert await kept(store, confirmation) == confirmation
    await begin(store, operation, confirmation)


async def test_a_stale_begin_changes_nothing(store: ConsentStore) -> None:
    """No start is pending, and the version stays."""
    seen = await look(store)
    await make(store, DELETE)
    now = await look(store)
    assert isinstance(await try_to_begin(store, GO_LIVE, seen=seen), Stale)
    assert await look(store) == now


async def test_calls_in_other_places_make_nothing_stale(store: ConsentStore) -> None:
    """Each place has its own version."""
    seen = await look(store)
    await make(store, GoLive(studio_id=OTHER_STUDIO))
    await make(store, GoOffline(studio_id=OTHER_STUDIO))
    assert isinstance(await try_to_begin(store, GO_LIVE, seen=seen), Started)


# Turns


@pytest.mark.parametrize("operation", NOT_STOPS, ids=lambda it: it.tool_name)
async def test_one_call_at_a_time_runs_in_a_place(
    store: ConsentStore, operation: Operation[Model]
) -> None:
    """Of three calls at once, each starts after the one before it has finished."""
    events: list[str] = []

    async def call() -> None:
        while isinstance(started := await try_to_begin(store, operation), Stale):
            pass
        events.append("begins")
        await settle()
        events.append("ends")
        await finish(store, started)

    with anyio.fail_after(PATIENCE_SECONDS):
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(call)
    assert events == ["begins", "ends"] * 3


async def test_calls_in_two_places_run_at_the_same_time(store: ConsentStore) -> None:
    """A turn that is held elsewhere does not matter."""
    await begin(store, GO_LIVE)
    await begin(store, GoLive(studio_id=OTHER_STUDIO))


@pytest.mark.parametrize("operation", [*NOT_STOPS, GO_OFFLINE], ids=lambda it: it.tool_name)
async def test_a_stop_begins_while_any_other_call_is_being_sent(
    store: ConsentStore, operation: Operation[Model]
) -> None:
    """Another stop too: nothing in the store holds a stop up."""
    other, stop = await begin(store, operation), await begin(store, GO_OFFLINE)
    await finish(store, other)
    await finish(store, stop)
    assert await stops_counted(store) == (2 if operation is GO_OFFLINE else 1)


async def test_a_stop_begins_while_others_wait_for_the_turn(store: ConsentStore) -> None:
    """It does not stand in their line."""
    started = await begin(store, DELETE)
    async with waiting(store, CHANGE) as results:
        await make(store, GO_OFFLINE)
        assert results == []
        await finish(store, started)
        await settle()
        assert [type(it) for it in results] == [Stale]


@pytest.mark.parametrize("operation", NOT_STOPS, ids=lambda it: it.tool_name)
async def test_other_calls_wait_until_no_stop_is_being_sent(
    store: ConsentStore, operation: Operation[Model]
) -> None:
    """Then they are stale, although one of two stops was in flight at their look already."""
    stops = [await store.note_overlap(await begin(store, GO_OFFLINE)) for _ in range(2)]
    async with waiting(store, operation) as results:
        for stop in stops:
            assert results == []
            await finish(store, stop)
            await settle()
        assert [type(it) for it in results] == [Stale]
    assert not (await look(store)).go_live_pending
    await begin(store, operation)


async def test_a_stop_that_begins_while_another_call_waits_is_waited_for_too(
    store: ConsentStore,
) -> None:
    """A go-live begins only when the studio is at rest."""
    first = await begin(store, GO_OFFLINE)
    async with waiting(store, GO_LIVE) as results:
        second = await begin(store, GO_OFFLINE)
        await finish(store, first)
        await settle()
        assert results == []
        await finish(store, second)
        await settle()
        assert [type(it) for it in results] == [Stale]


async def test_calls_do_not_wait_for_a_stop_elsewhere(store: ConsentStore) -> None:
    """Each studio has its own stops."""
    await begin(store, GoOffline(studio_id=OTHER_STUDIO))
    await begin(store, GO_LIVE)


async def test_the_other_steps_do_not_wait_for_a_turn(store: ConsentStore) -> None:
    """A question can be asked, and a no is heard, while calls are being sent."""
    await begin(store, DELETE)
    await begin(store, GO_OFFLINE)
    with anyio.fail_after(PATIENCE_SECONDS):
        confirmation = await add(store, GO_LIVE)
        await store.record_on_air(await look(store))
        await store.record_auto_go_live(ME, on=True)
        await store.discard(confirmation.id)


@pytest.mark.parametrize("held_by", [DELETE, GO_OFFLINE], ids=lambda it: it.tool_name)
async def test_a_begin_that_is_cancelled_while_it_waits_has_done_nothing(
    store: ConsentStore, held_by: Operation[Model]
) -> None:
    """The confirmation stays, and the turn goes to the next call."""
    confirmation, other = await add(store, CHANGE), await add(store, CHANGE)
    started = await begin(store, held_by)
    before = await look(store)
    async with waiting(store, CHANGE, confirmation), waiting(store, CHANGE, other) as results:
        await settle()
    assert results == []
    assert await look(store) == before
    await finish(store, started)
    assert [await kept(store, it) for it in (confirmation, other)] == [confirmation, other]
    for it in (confirmation, other):
        await make(store, CHANGE, it)


@pytest.mark.parametrize("held_by", [DELETE, GO_OFFLINE], ids=lambda it: it.tool_name)
async def test_a_begin_that_is_cancelled_as_its_turn_comes_leaves_the_turn_free(
    store: ConsentStore, held_by: Operation[Model]
) -> None:
    """The call before it finishes at the same moment."""
    confirmation = await add(store, CHANGE)
    started = await begin(store, held_by)
    async with waiting(store, CHANGE, confirmation) as results:
        await settle()
        await finish(store, started)
    assert [type(it) for it in results] in ([], [Stale])
    assert await kept(store, confirmation) == confirmation
    await begin(store, CHANGE, confirmation)


@pytest.mark.parametrize("operation", [CHANGE, GO_OFFLINE], ids=lambda it: it.tool_name)
@pytest.mark.parametrize("rounds", range(8))
async def test_a_begin_that_is_cancelled_at_any_moment_is_done_or_not_done(
    store: ConsentStore, operation: Operation[Model], rounds: int
) -> None:
    """After as many rounds of the event loop. Either way no turn is left held."""
    before, confirmation = await look(store), await add(store, operation)
    results: list[Started] = []

    async def call() -> None:
        started = await begin(store, operation, confirmation)
        results.append(started)
        await finish(store, started, "not_applied")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        for _ in range(rounds):
            await anyio.lowlevel.cancel_shielded_checkpoint()
        tasks.cancel_scope.cancel()
    assert await kept(store, confirmation) == confirmation
    await make(store, DELETE)
    shared, own = before.version
    assert (await look(store)).version == (shared + (4 if results else 2), own)
