"""The steps of a `ConsentStore`: confirmations, turns, stops, pending starts and hidden changes.

The tests use the protocol only. A further implementation passes them as another `store`.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import anyio
import pytest

from tests.support.concurrency import settle
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.store_steps import (
    ADDRESS,
    AUTO_GO_LIVE,
    CHANGE,
    DELETE,
    GO_LIVE,
    GO_OFFLINE,
    LEADING_TO_AIR,
    ME,
    MOMENT,
    NOT_STOPS,
    OTHER_STUDIO,
    YOU,
    TwoClocks,
    add,
    begin,
    finish,
    kept,
    look,
    make,
    make_elsewhere,
    preview_of,
    try_to_add,
    try_to_begin,
)
from trax_mcp.api.operations import GoLive, GoOffline, UpdateDestination
from trax_mcp.consent.confirmations import LIFETIME_SECONDS
from trax_mcp.consent.evidence import Confirmation, UsedConfirmation
from trax_mcp.consent.memory_store import MAX_PLACES, PENDING_SECONDS, MemoryStore
from trax_mcp.consent.preview import NOTHING_HIDDEN, HiddenChange, HiddenChanges
from trax_mcp.consent.store import ConsentStore, Seen, Stale, Started
from trax_mcp.studio.naming import sentence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.support.recorded_sandbox import Sandbox
    from tests.support.shared_clock import HandClock
    from trax_mcp.api.errors import Outcome
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation

ArgumentT = TypeVar("ArgumentT")
ResultT = TypeVar("ResultT")

POSSIBLY_APPLIED: Final[tuple[Outcome, ...]] = ("applied", "unknown")
OUTCOMES: Final[tuple[Outcome, ...]] = (*POSSIBLY_APPLIED, "not_applied")
every_outcome = pytest.mark.parametrize("outcome", OUTCOMES)
possibly_applied = pytest.mark.parametrize("outcome", POSSIBLY_APPLIED)


@pytest.fixture
def store(clock: HandClock) -> ConsentStore:
    """A store whose clock the test moves."""
    return MemoryStore(clock)


@asynccontextmanager
async def running(
    step: Callable[[ArgumentT], Awaitable[ResultT]], argument: ArgumentT
) -> AsyncIterator[list[ResultT]]:
    """Run a step beside the block, and cancel it at the end. Its result is in the list."""
    results: list[ResultT] = []

    async def run() -> None:
        results.append(await step(argument))

    with anyio.fail_after(PATIENCE_SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            await settle()
            yield results
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def waiting(
    store: ConsentStore, operation: Operation[Model], confirmation: Confirmation | None = None
) -> AsyncIterator[list[Started | Stale]]:
    """Begin a call beside the block, which it waits for; cancel it at the end."""
    async with running(partial(try_to_begin, store, operation), confirmation) as results:
        assert results == []
        yield results


async def go_live_may_follow(store: ConsentStore, stop: Started) -> bool:
    """Whether a go-live may have taken effect after a stop, which must be known at once."""
    with anyio.fail_after(PATIENCE_SECONDS):
        return await store.go_live_may_follow(stop)


# Confirmations


async def test_a_confirmation_is_kept_as_it_was_added(
    store: ConsentStore, clock: HandClock
) -> None:
    """The store adds the id, the expiry and the version of hidden changes."""
    await make(store, CHANGE, hidden_fields=[ADDRESS])
    preview = replace(preview_of(GO_LIVE), effects=(sentence("a"),), warnings=(sentence("b"),))
    added = await store.add(
        GO_LIVE, preview, seen=await look(store), choice="Yes", asked_again=True
    )
    assert isinstance(added, Confirmation)
    assert added == Confirmation(
        id=added.id,
        caller=ME.caller,
        owner=ME.owner,
        operation=GO_LIVE,
        digest="digest",
        expires=clock.seconds() + 300,
        expires_at=clock.now() + timedelta(seconds=300),
        shown=(sentence("b"), sentence("a")),
        puts_on_air=True,
        choice="Yes",
        asked_again=True,
        hidden_version=1,
    )
    assert await kept(store, added) == added


async def test_an_id_cannot_be_guessed_and_can_be_copied(
    store: ConsentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has 128 bits from the system's random source, in 22 characters without escapes."""
    sizes: list[int] = []

    def random_bytes(count: int) -> bytes:
        sizes.append(count)
        return bytes(range(count))

    monkeypatch.setattr("secrets.token_bytes", random_bytes)
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", (await add(store)).id)
    assert sizes == [16]


async def test_no_two_ids_are_the_same(store: ConsentStore) -> None:
    """This holds for the same call of the same caller too."""
    assert len({(await add(store)).id for _ in range(200)}) == 200


@pytest.mark.parametrize("invented", [None, "", "invented", "A" * 22, "\x00", "é" * 22])
async def test_an_invented_id_has_no_confirmation(
    store: ConsentStore, invented: str | None
) -> None:
    """It cannot be looked at, taken, discarded or given back."""
    confirmation = await add(store)
    assert (await look(store, invented)).confirmation is None
    if invented is not None:
        seen = await look(store)
        assert isinstance(await store.begin(GO_LIVE, confirmation_id=invented, seen=seen), Stale)
        await store.discard(invented)
    assert await kept(store, confirmation) == confirmation


async def test_a_confirmation_belongs_to_one_caller(store: ConsentStore) -> None:
    """For another caller it does not exist, before and after its use."""
    confirmation = await add(store)
    assert await kept(store, confirmation, place=YOU) is None
    await make(store, GO_LIVE, confirmation)
    assert await kept(store, confirmation, place=YOU) is None
    assert await kept(store, confirmation) == UsedConfirmation(confirmation)


async def test_a_look_changes_nothing(store: ConsentStore) -> None:
    """Every look at the same state returns the same, and the confirmation stays usable."""
    confirmation = await add(store)
    looks = [await look(store, confirmation.id, place=it) for it in (ME, YOU, ME, YOU)]
    assert looks[:2] == looks[2:]
    assert await kept(store, confirmation) == confirmation
    await begin(store, GO_LIVE, confirmation)


async def test_a_place_where_nothing_was_done_is_at_zero(store: ConsentStore) -> None:
    """Confirmations do not count as something that was done."""
    await add(store)
    assert await look(store) == Seen(
        place=ME,
        version=(0, 0),
        stop_count=0,
        hidden=NOTHING_HIDDEN,
        go_live_pending=False,
        auto_go_live=False,
        confirmation=None,
    )


@pytest.mark.parametrize("used", [False, True], ids=["unused", "used"])
async def test_a_confirmation_lives_five_minutes(
    store: ConsentStore, clock: HandClock, *, used: bool
) -> None:
    """A used one is remembered for as long."""
    confirmation = await add(store)
    if used:
        await make(store, GO_LIVE, confirmation)
    clock.advance(LIFETIME_SECONDS - MOMENT)
    expected = UsedConfirmation(confirmation) if used else confirmation
    assert await kept(store, confirmation) == expected
    clock.advance(MOMENT)
    assert await kept(store, confirmation) is None
    assert LIFETIME_SECONDS == 300


async def test_a_confirmation_expires_while_a_computer_sleeps(sandbox: Sandbox) -> None:
    """The monotonic clock stands still then. The date does not."""
    clock = TwoClocks(sandbox)
    store = MemoryStore(clock)
    confirmation, used = await add(store, DELETE), await add(store, DELETE)
    await make(store, DELETE, used)
    clock.sleep_through(LIFETIME_SECONDS - MOMENT)
    assert await kept(store, confirmation) == confirmation
    assert await kept(store, used) == UsedConfirmation(used)
    clock.sleep_through(MOMENT)
    assert await kept(store, confirmation) is None
    assert await kept(store, used) is None
    assert isinstance(await try_to_begin(store, DELETE, confirmation), Stale)


async def test_a_confirmation_expires_though_the_date_was_put_back(sandbox: Sandbox) -> None:
    """The monotonic clock cannot be put back."""
    clock = TwoClocks(sandbox)
    store = MemoryStore(clock)
    confirmation = await add(store)
    clock.sleep_through(-3600)
    clock.advance(LIFETIME_SECONDS - MOMENT)
    assert await kept(store, confirmation) == confirmation
    clock.advance(MOMENT)
    assert await kept(store, confirmation) is None


async def test_a_confirmation_that_expires_between_look_and_begin_is_not_taken(
    store: ConsentStore, clock: HandClock
) -> None:
    """Nobody looks in between, and nothing has changed otherwise."""
    confirmation = await add(store)
    clock.advance(LIFETIME_SECONDS - MOMENT)
    seen = await look(store, confirmation.id)
    assert seen.confirmation == confirmation
    clock.advance(MOMENT)
    assert isinstance(await try_to_begin(store, GO_LIVE, confirmation, seen=seen), Stale)
    assert await look(store) == await look(store, confirmation.id)


@pytest.mark.parametrize("by", ["time", "sleep"])
async def test_a_yes_to_a_stop_that_expires_before_it_begins_is_taken_once(
    sandbox: Sandbox, by: str
) -> None:
    """It was valid when the stop was decided. A stop that came with the same yes is stale."""
    clock = TwoClocks(sandbox)
    store = MemoryStore(clock)
    confirmation = await add(store, GO_OFFLINE)
    seen = await look(store, confirmation.id)
    (clock.advance if by == "time" else clock.sleep_through)(LIFETIME_SECONDS)
    assert await kept(store, confirmation) is None
    started = await try_to_begin(store, GO_OFFLINE, confirmation, seen=seen)
    assert isinstance(started, Started)
    assert isinstance(await try_to_begin(store, GO_OFFLINE, confirmation, seen=seen), Stale)
    await finish(store, started)
    assert isinstance(await try_to_begin(store, GO_OFFLINE, confirmation, seen=seen), Stale)


async def test_a_yes_to_a_stop_is_not_taken_again_when_it_was_used_and_removed(
    store: ConsentStore, clock: HandClock
) -> None:
    """Two stops came with the same yes, and saw it before it expired."""
    confirmation = await add(store, GO_OFFLINE)
    seen = await look(store, confirmation.id)
    started = await try_to_begin(store, GO_OFFLINE, confirmation, seen=seen)
    assert isinstance(started, Started)
    await finish(store, started)
    clock.advance(LIFETIME_SECONDS)
    await add(store, DELETE)  # removes what has expired
    assert isinstance(await try_to_begin(store, GO_OFFLINE, confirmation, seen=seen), Stale)


async def test_a_yes_to_a_stop_is_not_taken_after_a_no(store: ConsentStore) -> None:
    """The no came between the look of the stop and its begin."""
    confirmation = await add(store, GO_OFFLINE)
    seen = await look(store, confirmation.id)
    await store.discard(confirmation.id)
    assert isinstance(await try_to_begin(store, GO_OFFLINE, confirmation, seen=seen), Stale)


async def test_a_yes_to_a_stop_that_has_expired_is_not_taken(
    store: ConsentStore, clock: HandClock
) -> None:
    """It was no longer valid at the look."""
    confirmation = await add(store, GO_OFFLINE)
    clock.advance(LIFETIME_SECONDS)
    seen = await look(store, confirmation.id)
    assert isinstance(await try_to_begin(store, GO_OFFLINE, confirmation, seen=seen), Stale)


# Using a confirmation


async def test_a_confirmation_is_taken_once(store: ConsentStore) -> None:
    """The second begin is stale, even if it looked after the first call."""
    confirmation = await add(store, DELETE)
    await make(store, DELETE, confirmation)
    for _ in range(2):
        assert isinstance(await try_to_begin(store, DELETE, confirmation), Stale)


@pytest.mark.parametrize("operation", [GO_LIVE, GO_OFFLINE], ids=lambda it: it.tool_name)
async def test_of_several_begins_at_once_one_takes_the_confirmation(
    store: ConsentStore, operation: Operation[Model]
) -> None:
    """This holds for a stop too, which nothing else makes stale and which waits for nothing."""
    confirmation = await add(store, operation)
    results: list[Started | Stale] = []

    async def press() -> None:
        result = await try_to_begin(store, operation, confirmation)
        results.append(result)
        if isinstance(result, Started):
            await settle()
            await finish(store, result)

    with anyio.fail_after(PATIENCE_SECONDS):
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(press)
    assert sorted(map(type, results), key=str) == [Stale, Stale, Started]


async def test_a_call_without_a_confirmation_takes_none(store: ConsentStore) -> None:
    """It begins, and the caller's confirmations stay."""
    confirmation = await add(store)
    started = await make(store, DELETE)
    assert (started.place, started.operation) == (ME, DELETE)
    assert started.confirmation_id is None
    assert await kept(store, confirmation) == confirmation


async def test_a_used_confirmation_has_the_outcome_in_words(store: ConsentStore) -> None:
    """First the call is in progress; then the outcome is what was recorded."""
    confirmation = await add(store)
    started = await begin(store, GO_LIVE, confirmation)
    in_progress = UsedConfirmation(confirmation, "the call is still in progress")
    assert await kept(store, confirmation) == in_progress
    await finish(store, started)
    assert await kept(store, confirmation) == in_progress
    await store.record(started, "the call ran", on_air=True)
    assert await kept(store, confirmation) == UsedConfirmation(confirmation, "the call ran")
    assert isinstance(await try_to_begin(store, GO_LIVE, confirmation), Stale)


async def test_a_confirmation_is_given_back_if_the_call_was_not_applied(
    store: ConsentStore,
) -> None:
    """It is the same confirmation, and it is taken once again."""
    confirmation = await add(store)
    started = await make(store, GO_LIVE, confirmation, outcome="not_applied")
    assert await kept(store, confirmation) == confirmation
    await store.record(started, "the call did not run", on_air=False)
    assert await kept(store, confirmation) == confirmation
    await make(store, GO_LIVE, confirmation)
    assert isinstance(await try_to_begin(store, GO_LIVE, confirmation), Stale)


@possibly_applied
async def test_a_confirmation_stays_used_if_the_call_may_have_been_applied(
    store: ConsentStore, outcome: Outcome
) -> None:
    """A lost answer is not a reason to send again."""
    confirmation = await add(store)
    await make(store, GO_LIVE, confirmation, outcome=outcome)
    assert await kept(store, confirmation) == UsedConfirmation(confirmation)


async def test_a_confirmation_that_is_given_back_keeps_its_expiry(
    store: ConsentStore, clock: HandClock
) -> None:
    """A call that was not applied does not prolong a yes."""
    confirmation = await add(store)
    clock.advance(LIFETIME_SECONDS - 1)
    await make(store, GO_LIVE, confirmation, outcome="not_applied")
    clock.advance(1)
    assert await kept(store, confirmation) is None


@every_outcome
async def test_a_confirmation_that_expires_during_its_call_does_not_come_back(
    store: ConsentStore, clock: HandClock, outcome: Outcome
) -> None:
    """The call ends as usual."""
    confirmation = await add(store)
    started = await begin(store, GO_LIVE, confirmation)
    clock.advance(LIFETIME_SECONDS)
    await add(store, place=YOU)
    await finish(store, started, outcome)
    await store.record(started, "the call ended", on_air=False)
    assert await kept(store, confirmation) is None


async def test_a_discarded_confirmation_is_forgotten(store: ConsentStore) -> None:
    """Other confirmations stay, and a second discard changes nothing."""
    confirmation, other = await add(store), await add(store)
    for _ in range(2):
        await store.discard(confirmation.id)
        assert await kept(store, confirmation) is None
        assert await kept(store, other) == other
    assert isinstance(await try_to_begin(store, GO_LIVE, confirmation), Stale)


async def test_a_used_confirmation_is_not_discarded(store: ConsentStore) -> None:
    """It must still be told apart from an unknown id."""
    confirmation = await add(store)
    await make(store, GO_LIVE, confirmation)
    await store.discard(confirmation.id)
    assert await kept(store, confirmation) == UsedConfirmation(confirmation)


# Stops


@possibly_applied
async def test_a_stop_voids_every_confirmation_that_leads_to_air_in_its_studio(
    store: ConsentStore, outcome: Outcome
) -> None:
    """Those of all callers are void. Others stay: of other studios, other calls, and used ones."""
    used = await add(store)
    await make(store, GO_LIVE, used)
    void = [await add(store, it, place=place) for it in LEADING_TO_AIR for place in (ME, YOU)]
    others = [
        await add(store, GoLive(studio_id=OTHER_STUDIO)),
        await add(store, GO_OFFLINE),
        await add(store, DELETE),
        await add(store, CHANGE),
    ]
    await make(store, GO_OFFLINE, outcome=outcome)
    for it in void:
        assert await kept(store, it, place=replace(ME, caller=it.caller)) is None
    assert [await kept(store, it) for it in others] == others
    assert await kept(store, used) == UsedConfirmation(used)
    assert (await look(store)).stop_count == 1
    assert (await look(store, studio=OTHER_STUDIO)).stop_count == 0


@pytest.mark.parametrize("operation", LEADING_TO_AIR, ids=lambda it: it.tool_name)
async def test_a_stop_that_was_not_applied_voids_nothing(
    store: ConsentStore, operation: Operation[Model]
) -> None:
    """Nor is it counted."""
    confirmation = await add(store, operation)
    await make(store, GO_OFFLINE, outcome="not_applied")
    assert await kept(store, confirmation) == confirmation
    assert (await look(store)).stop_count == 0


@possibly_applied
async def test_a_stop_voids_a_confirmation_that_was_added_while_it_was_sent(
    store: ConsentStore, outcome: Outcome
) -> None:
    """The yes is older than the end of the stop."""
    stop = await begin(store, GO_OFFLINE)
    confirmation = await add(store)
    await finish(store, stop, outcome)
    assert await kept(store, confirmation) is None


async def test_a_confirmation_that_is_given_back_during_a_stop_is_void_after_it(
    store: ConsentStore,
) -> None:
    """The stop is sent beside the go-live, which is not applied."""
    confirmation = await add(store)
    started = await begin(store, GO_LIVE, confirmation)
    stop = await begin(store, GO_OFFLINE)
    await finish(store, started, "not_applied")
    assert await kept(store, confirmation) == confirmation
    await finish(store, stop)
    assert await kept(store, confirmation) is None


@pytest.mark.parametrize("operation", LEADING_TO_AIR, ids=lambda it: it.tool_name)
async def test_a_confirmation_that_is_given_back_after_a_stop_is_void(
    store: ConsentStore, operation: Operation[Model]
) -> None:
    """The yes is older than the stop, which was sent beside the call that TRaX refused."""
    confirmation = await add(store, operation)
    started = await begin(store, operation, confirmation)
    await make(store, GO_OFFLINE)
    await finish(store, started, "not_applied")
    assert not isinstance(await kept(store, confirmation), Confirmation)
    assert isinstance(await try_to_begin(store, operation, confirmation), Stale)


@every_outcome
async def test_a_stop_is_not_stale_because_of_what_others_did(
    store: ConsentStore, outcome: Outcome
) -> None:
    """It begins, and it can be asked about, whatever happened since its look."""
    confirmation = await add(store, GO_OFFLINE)
    seen = await look(store, confirmation.id)
    for operation in (GO_LIVE, DELETE, GO_OFFLINE):
        await make(store, operation, outcome=outcome)
    added = await add(store, GO_OFFLINE, seen=seen)
    for it, then in ((confirmation, seen), (added, replace(seen, confirmation=added))):
        started = await try_to_begin(store, GO_OFFLINE, it, seen=then)
        assert isinstance(started, Started)
        await finish(store, started)


async def test_a_stop_needs_its_confirmation(store: ConsentStore) -> None:
    """It is stale if the confirmation is used or gone."""
    used, gone = await add(store, GO_OFFLINE), await add(store, GO_OFFLINE)
    looks = [await look(store, it.id) for it in (used, gone)]
    await make(store, GO_OFFLINE, used)
    await store.discard(gone.id)
    for it, seen in zip((used, gone), looks, strict=True):
        assert isinstance(await try_to_begin(store, GO_OFFLINE, it, seen=seen), Stale)
        assert isinstance(await try_to_begin(store, GO_OFFLINE, it), Stale)


# Versions


@every_outcome
@pytest.mark.parametrize("operation", [*NOT_STOPS, GO_OFFLINE], ids=lambda it: it.tool_name)
async def test_the_version_moves_when_a_call_begins_and_when_it_ends(
    store: ConsentStore, operation: Operation[Model], outcome: Outcome
) -> None:
    """It moves at that place only."""
    before = await look(store)
    started = await begin(store, operation)
    during = await look(store)
    await finish(store, started, outcome)
    after = await look(store)
    assert before.version < during.version < after.version
    assert (await look(store, studio=OTHER_STUDIO)).version == (0, 0)


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
    assert (await look(store)).stop_count == (2 if operation is GO_OFFLINE else 1)


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
    confirmation = await add(store, operation)
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
    assert (await look(store)).version == (4 if results else 2, 0)


# Stops and the go-lives that are being sent


async def test_a_stop_waits_for_the_go_live_that_is_being_sent(store: ConsentStore) -> None:
    """`wait_for_go_live` ends when the go-live has ended, whatever came of it."""
    for outcome in OUTCOMES:
        started = await begin(store)
        async with running(store.wait_for_go_live, ME) as results:
            assert results == []
            await finish(store, started, outcome)
            await settle()
            assert results == [None]
        await make(store, GO_OFFLINE)


async def test_a_stop_waits_again_for_a_later_go_live(store: ConsentStore) -> None:
    """The first one was stopped, and has ended."""
    await make(store)
    await make(store, GO_OFFLINE)
    started = await begin(store)
    async with running(store.wait_for_go_live, ME) as results:
        assert results == []
        await finish(store, started)
        await settle()
        assert results == [None]


@pytest.mark.parametrize(
    "operation", [DELETE, CHANGE, AUTO_GO_LIVE, GO_OFFLINE], ids=lambda it: it.tool_name
)
async def test_a_stop_waits_for_no_other_call(
    store: ConsentStore, operation: Operation[Model]
) -> None:
    """Neither for a go-live that has its answer and is only pending, nor for one elsewhere."""
    await make(store)
    await begin(store, GoLive(studio_id=OTHER_STUDIO))
    await begin(store, operation)
    with anyio.fail_after(PATIENCE_SECONDS):
        await store.wait_for_go_live(ME)


async def test_a_stop_does_not_wait_for_a_go_live_that_waits_for_its_turn(
    store: ConsentStore,
) -> None:
    """It has not begun, so TRaX cannot receive it after the stop."""
    started = await begin(store, DELETE)
    async with waiting(store, GO_LIVE):
        with anyio.fail_after(PATIENCE_SECONDS):
            await store.wait_for_go_live(ME)
        stop = await begin(store, GO_OFFLINE)
        assert (await store.note_overlap(stop)).overlapping_go_lives == ()
        await finish(store, started)
        await finish(store, stop)


async def test_a_wait_for_a_go_live_that_is_cancelled_changes_nothing(store: ConsentStore) -> None:
    """A stop waits for a limited time."""
    started = await begin(store)
    before = await look(store)
    async with running(store.wait_for_go_live, ME) as results:
        pass
    assert results == []
    assert await look(store) == before
    await finish(store, started)


@pytest.mark.parametrize(
    ("outcome", "may_follow"), [("applied", True), ("unknown", True), ("not_applied", False)]
)
async def test_a_go_live_outlives_a_stop_if_it_may_have_been_applied(
    store: ConsentStore, outcome: Outcome, *, may_follow: bool
) -> None:
    """It was being sent when the stop began, so TRaX may have received it last."""
    started = await begin(store)
    stop = await begin(store, GO_OFFLINE)
    stop = await store.note_overlap(stop)
    assert stop.overlapping_go_lives == (started.number,)
    async with running(store.go_live_may_follow, stop) as results:
        assert results == []
        await finish(store, started, outcome)
        await settle()
        assert results == [may_follow]
    await finish(store, stop)


@every_outcome
async def test_a_go_live_that_ended_during_the_stop_outlives_it_too(
    store: ConsentStore, outcome: Outcome
) -> None:
    """Which of the two TRaX received first is not known."""
    started = await begin(store)
    stop = await store.note_overlap(await begin(store, GO_OFFLINE))
    await finish(store, started, outcome)
    assert await go_live_may_follow(store, stop) is (outcome != "not_applied")


async def test_both_of_two_stops_learn_that_a_go_live_may_follow_them(store: ConsentStore) -> None:
    """The first one that is finished does not hide it from the other."""
    started = await begin(store)
    stops = [await store.note_overlap(await begin(store, GO_OFFLINE)) for _ in range(2)]
    await finish(store, started)
    for stop in stops:
        assert await go_live_may_follow(store, stop)
        await finish(store, stop)


@every_outcome
async def test_no_go_live_outlives_a_stop_that_began_after_it_ended(
    store: ConsentStore, outcome: Outcome
) -> None:
    """TRaX received the stop last."""
    await make(store, outcome=outcome)
    stop = await store.note_overlap(await begin(store, GO_OFFLINE))
    assert not await go_live_may_follow(store, stop)


@pytest.mark.parametrize(
    "operation", [DELETE, AUTO_GO_LIVE, GO_OFFLINE], ids=lambda it: it.tool_name
)
async def test_no_other_call_outlives_a_stop(
    store: ConsentStore, operation: Operation[Model]
) -> None:
    """Nor does a go-live in another studio."""
    await begin(store, GoLive(studio_id=OTHER_STUDIO))
    await begin(store, operation)
    stop = await store.note_overlap(await begin(store, GO_OFFLINE))
    assert not await go_live_may_follow(store, stop)


# Pending starts


async def test_a_start_is_pending_for_a_minute(store: ConsentStore, clock: HandClock) -> None:
    """It is pending in its own studio only, from begin on, and again after the next go-live."""
    assert not (await look(store)).go_live_pending
    started = await begin(store)
    assert (await look(store)).go_live_pending
    await finish(store, started)
    await store.record(started, "the call ran", on_air=False)
    clock.advance(PENDING_SECONDS - MOMENT)
    assert (await look(store)).go_live_pending
    assert not (await look(store, studio=OTHER_STUDIO)).go_live_pending
    clock.advance(MOMENT)
    assert not (await look(store)).go_live_pending
    await make(store)
    assert (await look(store)).go_live_pending
    assert PENDING_SECONDS == 60


async def test_a_start_is_pending_for_as_long_as_it_is_being_sent(
    store: ConsentStore, clock: HandClock
) -> None:
    """The minute counts from its answer on."""
    started = await begin(store)
    clock.advance(2 * PENDING_SECONDS)
    assert (await look(store)).go_live_pending
    await finish(store, started)
    clock.advance(PENDING_SECONDS - MOMENT)
    assert (await look(store)).go_live_pending
    clock.advance(MOMENT)
    assert not (await look(store)).go_live_pending


@pytest.mark.parametrize(
    ("outcome", "is_pending"), [("applied", True), ("unknown", True), ("not_applied", False)]
)
async def test_a_start_is_pending_unless_it_was_not_applied(
    store: ConsentStore, outcome: Outcome, *, is_pending: bool
) -> None:
    """A lost answer may be a start."""
    await make(store, outcome=outcome)
    assert (await look(store)).go_live_pending is is_pending


@pytest.mark.parametrize(
    ("outcome", "is_pending"), [("applied", False), ("unknown", True), ("not_applied", True)]
)
async def test_a_start_is_not_pending_after_a_stop_that_was_applied(
    store: ConsentStore, outcome: Outcome, *, is_pending: bool
) -> None:
    """A stop whose answer was lost may not have ended it."""
    await make(store)
    await make(store, GO_OFFLINE, outcome=outcome)
    assert (await look(store)).go_live_pending is is_pending


@every_outcome
async def test_other_calls_do_not_end_a_pending_go_live(
    store: ConsentStore, outcome: Outcome
) -> None:
    """Neither with a result, nor without."""
    await make(store)
    started = await make(store, DELETE, outcome=outcome)
    await store.record(started, "the call ran", on_air=False)
    assert (await look(store)).go_live_pending


@pytest.mark.parametrize("on_air", [False, True])
async def test_a_start_is_not_pending_after_it_was_seen_on_air(
    store: ConsentStore, *, on_air: bool
) -> None:
    """The call itself watches, and records it."""
    started = await make(store)
    await store.record(started, "the call ran", on_air=on_air)
    assert (await look(store)).go_live_pending is not on_air


async def test_a_start_is_not_pending_after_another_call_saw_it_on_air(
    store: ConsentStore,
) -> None:
    """In its own studio only."""
    await make(store)
    await make(store, GoLive(studio_id=OTHER_STUDIO))
    await store.record_on_air(await look(store))
    assert not (await look(store)).go_live_pending
    assert (await look(store, studio=OTHER_STUDIO)).go_live_pending


async def test_a_go_live_that_began_after_the_look_stays_pending(store: ConsentStore) -> None:
    """The studio was on air because of something earlier."""
    await make(store)
    seen = await look(store)
    await make(store, GO_OFFLINE)
    await make(store)
    await store.record_on_air(seen)
    assert (await look(store)).go_live_pending


async def test_an_earlier_go_live_on_air_does_not_end_a_later_pending_go_live(
    store: ConsentStore,
) -> None:
    """The earlier one was seen, and then stopped, before its outcome was recorded."""
    earlier = await make(store)
    await make(store, GO_OFFLINE)
    await make(store)
    await store.record(earlier, "the call ran", on_air=True)
    assert (await look(store)).go_live_pending


async def test_a_studio_that_was_never_changed_can_be_seen_on_air(store: ConsentStore) -> None:
    """Nothing is pending there, before or after."""
    seen = await look(store)
    await store.record_on_air(seen)
    assert await look(store) == seen


# Hidden changes


@pytest.mark.parametrize(
    ("outcome", "version"), [("applied", 1), ("unknown", 1), ("not_applied", 0)]
)
async def test_a_hidden_change_counts_unless_it_was_not_applied(
    store: ConsentStore, outcome: Outcome, version: int
) -> None:
    """It counts in its own place only."""
    await make(store, CHANGE, outcome=outcome, hidden_fields=[ADDRESS])
    hidden = (await look(store)).hidden
    assert hidden == HiddenChanges(version, (HiddenChange(1, ADDRESS, "dest_1"),) * version)
    assert (await look(store, studio=OTHER_STUDIO)).hidden == NOTHING_HIDDEN


async def test_a_call_without_hidden_fields_hides_nothing(store: ConsentStore) -> None:
    """Its changes can be read."""
    for operation in (*NOT_STOPS, GO_OFFLINE):
        await make(store, operation)
    assert (await look(store)).hidden == NOTHING_HIDDEN


async def test_each_hidden_field_is_a_change(store: ConsentStore) -> None:
    """They have versions in order, and can be asked for since one of them."""
    fields = [ADDRESS, "the stream key", "the platform"]
    await make(store, CHANGE, hidden_fields=fields[:2])
    before = (await look(store)).hidden.version
    await make(store, CHANGE, hidden_fields=fields[2:])
    hidden = (await look(store)).hidden
    assert [(it.version, it.what) for it in hidden.latest] == [*enumerate(fields, start=1)]
    assert [it.what for it in hidden.since(before)] == fields[2:]


async def test_the_latest_32_hidden_changes_are_remembered(store: ConsentStore) -> None:
    """The version counts all of them."""
    for number in range(40):
        await make(store, CHANGE, hidden_fields=[f"field {number}"])
    hidden = (await look(store)).hidden
    assert hidden.version == 40
    assert [it.what for it in hidden.latest] == [f"field {number}" for number in range(8, 40)]
    assert hidden.forgotten_version == 8


async def test_a_repeated_hidden_change_pushes_no_other_one_out(store: ConsentStore) -> None:
    """Of the same change of the same thing the latest is remembered."""
    await make(store, CHANGE, hidden_fields=["the address"])
    for _ in range(40):
        await make(store, CHANGE, hidden_fields=["the picture format"])
    hidden = (await look(store)).hidden
    assert [(it.version, it.what) for it in hidden.latest] == [
        (1, "the address"),
        (41, "the picture format"),
    ]
    assert hidden.forgotten_version == 0


async def test_hidden_changes_elsewhere_void_no_yes(store: ConsentStore) -> None:
    """A place that somebody was asked about is not forgotten while the confirmation lives."""
    await add(store, GO_LIVE)
    before = (await look(store)).hidden
    busy = UpdateDestination(studio_id="busy", dest_id="d", rtmp_url="rtmp://new.example")
    await make(store, busy, hidden_fields=["the address", "the stream key"])
    await make_elsewhere(store, MAX_PLACES + 5)
    assert (await look(store)).hidden == before


# Forgotten places


async def test_a_forgotten_place_never_looks_unchanged(store: ConsentStore) -> None:
    """A look from before the change is stale, although the place was forgotten meanwhile."""
    before = await look(store)
    await make(store, CHANGE, hidden_fields=[ADDRESS])
    await make(store, GO_OFFLINE)
    changed = await look(store)
    await make_elsewhere(store, MAX_PLACES + 5)
    now = await look(store)
    assert (now.version, now.stop_count, now.hidden.version) == (
        changed.version,
        changed.stop_count,
        changed.hidden.version,
    )
    assert now.hidden.latest == ()
    assert isinstance(await try_to_begin(store, GO_LIVE, seen=before), Stale)
    assert isinstance(await try_to_begin(store, GO_LIVE, seen=now), Started)


async def test_a_new_place_counts_as_the_most_changed_of_the_forgotten(
    store: ConsentStore,
) -> None:
    """Nothing is known about it: it may have been forgotten too."""
    await make(store, CHANGE, hidden_fields=[ADDRESS])
    await make(store, GO_OFFLINE)
    changed = await look(store)
    await make_elsewhere(store, MAX_PLACES + 5)
    new = await look(store, studio=OTHER_STUDIO)
    assert (new.version, new.stop_count, new.hidden.version) == (
        changed.version,
        changed.stop_count,
        changed.hidden.version,
    )


async def test_the_place_that_was_used_last_is_forgotten_last(store: ConsentStore) -> None:
    """A studio in daily use is not forgotten because of many others."""
    await make(store, CHANGE, hidden_fields=[ADDRESS])
    for number in range(3):
        await make_elsewhere(store, MAX_PLACES // 2, first=number * MAX_PLACES)
        await make(store, CHANGE, hidden_fields=[f"field {number}"])
    assert len((await look(store)).hidden.latest) == 4


async def test_a_place_with_a_running_call_is_not_forgotten(store: ConsentStore) -> None:
    """The turn is still held, and a call that waits for it gets it."""
    started = await begin(store, CHANGE)
    async with waiting(store, DELETE) as results:
        await make_elsewhere(store, MAX_PLACES + 5)
        assert results == []
        await finish(store, started, hidden_fields=[ADDRESS])
        await settle()
        assert [type(it) for it in results] == [Stale]
    assert (await look(store)).hidden.latest == (HiddenChange(1, ADDRESS, "dest_1"),)


async def test_a_place_with_a_running_stop_is_not_forgotten(store: ConsentStore) -> None:
    """A call that waits for its end is woken."""
    stop = await begin(store, GO_OFFLINE)
    async with waiting(store, DELETE) as results:
        await make_elsewhere(store, MAX_PLACES + 5)
        assert results == []
        await finish(store, stop)
        await settle()
        assert [type(it) for it in results] == [Stale]
    assert (await look(store)).stop_count == 1


async def test_a_place_with_a_running_stop_that_nobody_waits_for_is_not_forgotten(
    store: ConsentStore,
) -> None:
    """A go-live still waits for it afterwards."""
    stop = await begin(store, GO_OFFLINE)
    await make_elsewhere(store, MAX_PLACES + 5)
    async with waiting(store, GO_LIVE):
        await finish(store, stop)
    assert (await look(store)).stop_count == 1


async def test_a_place_with_a_pending_go_live_is_not_forgotten(
    store: ConsentStore, clock: HandClock
) -> None:
    """Otherwise a second go-live could be sent."""
    await make(store)
    await make_elsewhere(store, MAX_PLACES + 5)
    assert (await look(store)).go_live_pending
    clock.advance(PENDING_SECONDS)
    assert not (await look(store)).go_live_pending


# autoGoLive


async def test_a_studio_that_this_server_lets_go_live_by_itself_is_remembered(
    store: ConsentStore,
) -> None:
    """Until this server turns it off. It belongs to its own studio."""
    assert not (await look(store)).auto_go_live
    for on in (True, True, False, False, True):
        await store.record_auto_go_live(ME, on=on)
        assert (await look(store)).auto_go_live is on
        assert (await look(store, place=YOU)).auto_go_live is on
        assert not (await look(store, studio=OTHER_STUDIO)).auto_go_live


@every_outcome
async def test_no_call_turns_the_memory_of_auto_go_live_off(
    store: ConsentStore, outcome: Outcome
) -> None:
    """A studio that was stopped may go live by itself again."""
    await store.record_auto_go_live(ME, on=True)
    for operation in (*NOT_STOPS, GO_OFFLINE):
        await make(store, operation, outcome=outcome)
    assert (await look(store)).auto_go_live


async def test_a_studio_that_goes_live_by_itself_is_never_forgotten(
    store: ConsentStore, clock: HandClock
) -> None:
    """However many other places there are, and however long it takes."""
    await store.record_auto_go_live(ME, on=True)
    clock.advance(LIFETIME_SECONDS)
    await make_elsewhere(store, MAX_PLACES + 5)
    assert (await look(store)).auto_go_live
    assert not (await look(store, studio="elsewhere_0")).auto_go_live
    assert not (await look(store, studio="never_used")).auto_go_live
