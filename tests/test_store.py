"""The steps of a `ConsentStore`: confirmations, turns, stops, pending starts and hidden changes.

The tests use the protocol only. A further implementation passes them as another `store`.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.meanwhile import settle
from tests.processes import PATIENCE_SECONDS
from trax_mcp.api.operations import DeleteSource, GoLive, GoOffline, UpdateDestination
from trax_mcp.consent.evidence import Confirmation, UsedConfirmation
from trax_mcp.consent.preview import NOTHING_HIDDEN, HiddenChange, HiddenChanges
from trax_mcp.consent.store import (
    LIFETIME_SECONDS,
    MOST_CONFIRMATIONS,
    MOST_PER_CALLER,
    MOST_PLACES,
    START_SECONDS,
    ConsentStore,
    MemoryStore,
    Seen,
    Stale,
    Started,
)
from trax_mcp.studio.naming import sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.hand import HandClock
    from trax_mcp.api.errors import Outcome
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation

PLACE, OTHER_PLACE = "studio_42", "studio_43"
GO_LIVE: Final = GoLive(studio_id=PLACE)
GO_OFFLINE: Final = GoOffline(studio_id=PLACE)
DELETE: Final = DeleteSource(studio_id=PLACE, source_id="source_1")
CHANGE: Final = UpdateDestination(studio_id=PLACE, dest_id="dest_1", rtmp_url="rtmps://new.example")
NOT_STOPS: Final = (GO_LIVE, DELETE, CHANGE)
ADDRESS: Final = "the address"

ME, YOU = "fingerprint-of-me", "fingerprint-of-you"
MOMENT: Final = 0.001
"""Less than any time that matters here, in seconds."""

POSSIBLY_APPLIED: Final[tuple[Outcome, ...]] = ("applied", "unknown")
every_outcome = pytest.mark.parametrize("outcome", ["applied", "unknown", "not_applied"])
possibly_applied = pytest.mark.parametrize("outcome", POSSIBLY_APPLIED)


@pytest.fixture
def store(clock: HandClock) -> ConsentStore:
    """A store whose clock the test moves."""
    return MemoryStore(clock)


# The steps, as the guard takes them


async def add(
    store: ConsentStore, operation: Operation[Model] = GO_LIVE, *, caller: str = ME
) -> Confirmation:
    """Look, and keep what a yes would be to."""
    seen = await store.look(operation.studio(), None, caller=caller)
    added = await store.add(operation, caller=caller, digest="digest", shown=(), seen=seen)
    assert isinstance(added, Confirmation)
    return added


async def look(
    store: ConsentStore, confirmation_id: str | None = None, *, place: str = PLACE, caller: str = ME
) -> Seen:
    """Look at a place and at a confirmation."""
    return await store.look(place, confirmation_id, caller=caller)


async def kept(
    store: ConsentStore, confirmation: Confirmation, *, caller: str | None = None
) -> Confirmation | UsedConfirmation | None:
    """Return what the store keeps under an id for a caller."""
    seen = await look(store, confirmation.id, caller=caller or confirmation.caller)
    return seen.confirmation


async def try_to_begin(
    store: ConsentStore,
    operation: Operation[Model] = GO_LIVE,
    confirmation: Confirmation | None = None,
    *,
    seen: Seen | None = None,
) -> Started | Stale:
    """Look, unless `seen` is given, and begin."""
    seen = seen or await look(store, place=operation.studio())
    confirmation_id = confirmation.id if confirmation else None
    with anyio.fail_after(PATIENCE_SECONDS):
        return await store.begin(operation, confirmation_id=confirmation_id, seen=seen)


async def begin(
    store: ConsentStore,
    operation: Operation[Model] = GO_LIVE,
    confirmation: Confirmation | None = None,
) -> Started:
    """Look and begin; this must succeed."""
    started = await try_to_begin(store, operation, confirmation)
    assert isinstance(started, Started)
    return started


async def make(
    store: ConsentStore,
    operation: Operation[Model] = GO_LIVE,
    confirmation: Confirmation | None = None,
    *,
    outcome: Outcome = "applied",
    hidden_fields: Sequence[str] = (),
) -> Started:
    """Begin a call and finish it with this outcome."""
    started = await begin(store, operation, confirmation)
    await store.finish(started, outcome, hidden_fields=hidden_fields)
    return started


async def make_elsewhere(store: ConsentStore, count: int, *, first: int = 0) -> None:
    """Make a call at each of so many other places, so that the store forgets some."""
    for number in range(first, first + count):
        operation = DeleteSource(studio_id=f"elsewhere_{number}", source_id="source_1")
        started = await try_to_begin(store, operation)
        if isinstance(started, Stale):  # the place that was forgotten for it had changed more
            started = await begin(store, operation)
        await store.finish(started, "applied", hidden_fields=())


# Confirmations


async def test_a_confirmation_is_kept_as_it_was_added(
    store: ConsentStore, clock: HandClock
) -> None:
    """The store adds the id, the expiry and the version of hidden changes."""
    await make(store, CHANGE, hidden_fields=[ADDRESS])
    seen, shown = await look(store), (sentence("a"), sentence("b"))
    added = await store.add(
        GO_LIVE, caller=ME, digest="d", shown=shown, seen=seen, choice="Yes", asked_again=True
    )
    assert isinstance(added, Confirmation)
    assert added == Confirmation(
        id=added.id,
        caller=ME,
        operation=GO_LIVE,
        digest="d",
        expires=clock.seconds() + 300,
        shown=shown,
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
    assert await kept(store, confirmation, caller=YOU) is None
    await make(store, GO_LIVE, confirmation)
    assert await kept(store, confirmation, caller=YOU) is None
    assert await kept(store, confirmation) == UsedConfirmation(confirmation)


async def test_a_look_changes_nothing(store: ConsentStore) -> None:
    """Every look at the same state returns the same, and the confirmation stays usable."""
    confirmation = await add(store)
    looks = [await look(store, confirmation.id, caller=it) for it in (ME, YOU, ME, YOU)]
    assert looks[:2] == looks[2:]
    assert await kept(store, confirmation) == confirmation
    await begin(store, GO_LIVE, confirmation)


async def test_a_place_where_nothing_was_done_is_at_zero(store: ConsentStore) -> None:
    """Confirmations do not count as something that was done."""
    await add(store)
    assert await look(store) == Seen(
        place=PLACE,
        version=0,
        stop_count=0,
        hidden=NOTHING_HIDDEN,
        start_pending=False,
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


async def test_a_yes_to_a_stop_does_not_expire_while_the_stop_waits(
    store: ConsentStore, clock: HandClock
) -> None:
    """It was valid when the stop was decided."""
    confirmation = await add(store, GO_OFFLINE)
    started = await begin(store, DELETE)
    seen = await look(store, confirmation.id)
    results: list[Started | Stale] = []

    async def wait() -> None:
        results.append(await try_to_begin(store, GO_OFFLINE, confirmation, seen=seen))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await settle()
        clock.advance(LIFETIME_SECONDS)
        await store.finish(started, "applied", hidden_fields=())
    assert isinstance(results[0], Started)


@pytest.mark.parametrize("count", range(1, MOST_PER_CALLER + 1))
async def test_32_confirmations_of_a_caller_are_kept(store: ConsentStore, count: int) -> None:
    """None is evicted up to that number."""
    confirmations = [await add(store) for _ in range(count)]
    assert [await kept(store, it) for it in confirmations] == confirmations


async def test_the_oldest_unused_confirmation_of_the_same_caller_is_evicted(
    store: ConsentStore,
) -> None:
    """A caller with many confirmations does not evict those of others."""
    yours = await add(store, caller=YOU)
    mine = [await add(store) for _ in range(MOST_PER_CALLER + 3)]
    left = [it for it in mine if await kept(store, it)]
    assert left == mine[3:]
    assert len(left) == 32
    assert await kept(store, yours) == yours


async def test_a_used_confirmation_is_not_evicted_by_its_caller(store: ConsentStore) -> None:
    """Otherwise a second press after many previews would look like an unknown id."""
    confirmation = await add(store)
    await make(store, GO_LIVE, confirmation)
    others = [await add(store) for _ in range(MOST_PER_CALLER)]
    assert await kept(store, confirmation) == UsedConfirmation(confirmation)
    assert [await kept(store, it) for it in others] == others


async def test_4096_confirmations_are_kept_in_all(
    store: ConsentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unused and used ones of all callers count; the oldest is evicted. Tried with ten here."""
    assert MOST_CONFIRMATIONS == 4096
    monkeypatch.setattr("trax_mcp.consent.store.MOST_CONFIRMATIONS", 10)
    confirmations = [await add(store, DELETE, caller=f"caller {it}") for it in range(10)]
    for it in confirmations[::2]:
        await make(store, DELETE, it)
    assert None not in [await kept(store, it) for it in confirmations]
    more = [await add(store, DELETE, caller=f"another {it}") for it in range(3)]
    everything = [*confirmations, *more]
    assert [it for it in everything if await kept(store, it)] == everything[3:]


async def test_expired_confirmations_do_not_count(
    store: ConsentStore, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither for the limit of a caller, nor for the limit in all."""
    monkeypatch.setattr("trax_mcp.consent.store.MOST_CONFIRMATIONS", MOST_PER_CALLER)
    for _ in range(MOST_PER_CALLER):
        await make(store, GO_LIVE, await add(store))
    clock.advance(LIFETIME_SECONDS)
    confirmations = [await add(store) for _ in range(MOST_PER_CALLER)]
    assert [await kept(store, it) for it in confirmations] == confirmations


# Using a confirmation


async def test_a_confirmation_is_taken_once(store: ConsentStore) -> None:
    """The second begin is stale, even if it looked after the first call."""
    confirmation = await add(store, DELETE)
    await make(store, DELETE, confirmation)
    for _ in range(2):
        assert isinstance(await try_to_begin(store, DELETE, confirmation), Stale)


async def test_of_several_begins_at_once_one_takes_the_confirmation(store: ConsentStore) -> None:
    """This holds for a stop too, which nothing else makes stale."""
    confirmation = await add(store, GO_OFFLINE)
    results: list[Started | Stale] = []

    async def press() -> None:
        result = await try_to_begin(store, GO_OFFLINE, confirmation)
        results.append(result)
        if isinstance(result, Started):
            await store.finish(result, "applied", hidden_fields=())

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(press)
    assert sorted(map(type, results), key=str) == [Stale, Stale, Started]


async def test_a_call_without_a_confirmation_takes_none(store: ConsentStore) -> None:
    """It begins, and the caller's confirmations stay."""
    confirmation = await add(store)
    started = await make(store, DELETE)
    assert (started.place, started.operation) == (PLACE, DELETE)
    assert started.confirmation_id is None
    assert await kept(store, confirmation) == confirmation


async def test_a_used_confirmation_has_the_outcome_in_words(store: ConsentStore) -> None:
    """First the call is in progress; then the outcome is what was recorded."""
    confirmation = await add(store)
    started = await begin(store, GO_LIVE, confirmation)
    in_progress = UsedConfirmation(confirmation, "the call is still in progress")
    assert await kept(store, confirmation) == in_progress
    await store.finish(started, "applied", hidden_fields=())
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
    await add(store, caller=YOU)
    await store.finish(started, outcome, hidden_fields=())
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
async def test_a_stop_voids_every_confirmation_to_go_live_in_its_studio(
    store: ConsentStore, outcome: Outcome
) -> None:
    """Those of all callers are void. Others stay: of other studios, other calls, and used ones."""
    used = await add(store)
    await make(store, GO_LIVE, used)
    void = [await add(store), await add(store, caller=YOU)]
    others = [
        await add(store, GoLive(studio_id=OTHER_PLACE)),
        await add(store, GO_OFFLINE),
        await add(store, DELETE),
    ]
    await make(store, GO_OFFLINE, outcome=outcome)
    assert [await kept(store, it) for it in void] == [None, None]
    assert [await kept(store, it) for it in others] == others
    assert await kept(store, used) == UsedConfirmation(used)
    assert (await look(store)).stop_count == 1
    assert (await look(store, place=OTHER_PLACE)).stop_count == 0


async def test_a_stop_that_was_not_applied_voids_nothing(store: ConsentStore) -> None:
    """Nor is it counted."""
    confirmation = await add(store)
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
    await store.finish(stop, outcome, hidden_fields=())
    assert await kept(store, confirmation) is None


async def test_a_confirmation_that_is_given_back_before_a_stop_is_void_after_it(
    store: ConsentStore,
) -> None:
    """The stop waits for the go-live, which is not applied."""
    confirmation = await add(store)
    started = await begin(store, GO_LIVE, confirmation)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(make, store, GO_OFFLINE))
        await settle()
        await store.finish(started, "not_applied", hidden_fields=())
    assert await kept(store, confirmation) is None


@every_outcome
async def test_a_stop_is_not_stale_because_of_what_others_did(
    store: ConsentStore, outcome: Outcome
) -> None:
    """It begins, and it can be asked about, whatever happened since its look."""
    confirmation = await add(store, GO_OFFLINE)
    seen = await look(store, confirmation.id)
    for operation in (GO_LIVE, DELETE, GO_OFFLINE):
        await make(store, operation, outcome=outcome)
    added = await store.add(GO_OFFLINE, caller=ME, digest="d", shown=(), seen=seen)
    assert isinstance(added, Confirmation)
    for it in (confirmation, added):
        started = await try_to_begin(store, GO_OFFLINE, it, seen=seen)
        assert isinstance(started, Started)
        await store.finish(started, "applied", hidden_fields=())


async def test_a_stop_needs_its_confirmation(store: ConsentStore) -> None:
    """It is stale if the confirmation is used or gone."""
    used, gone = await add(store, GO_OFFLINE), await add(store, GO_OFFLINE)
    seen = await look(store)
    await make(store, GO_OFFLINE, used)
    await store.discard(gone.id)
    for it in (used, gone):
        assert isinstance(await try_to_begin(store, GO_OFFLINE, it, seen=seen), Stale)


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
    await store.finish(started, outcome, hidden_fields=())
    after = await look(store)
    assert before.version < during.version < after.version
    assert (await look(store, place=OTHER_PLACE)).version == 0


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
        added = await store.add(operation, caller=YOU, digest="d", shown=(), seen=seen)
        assert isinstance(added, Stale) == is_stale
    await store.finish(started, "not_applied", hidden_fields=())
    for seen in (before, during):
        added = await store.add(operation, caller=YOU, digest="d", shown=(), seen=seen)
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
    await make(store, GoLive(studio_id=OTHER_PLACE))
    await make(store, GoOffline(studio_id=OTHER_PLACE))
    assert isinstance(await try_to_begin(store, GO_LIVE, seen=seen), Started)


# Turns


async def test_one_call_at_a_time_runs_in_a_place(store: ConsentStore) -> None:
    """Three stops begin at once: each starts after the one before it has finished."""
    events: list[str] = []

    async def stop() -> None:
        started = await begin(store, GO_OFFLINE)
        events.append("begins")
        await settle()
        events.append("ends")
        await store.finish(started, "applied", hidden_fields=())

    with anyio.fail_after(PATIENCE_SECONDS):
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(stop)
    assert events == ["begins", "ends"] * 3


async def test_calls_in_two_places_run_at_the_same_time(store: ConsentStore) -> None:
    """A turn that is held elsewhere does not matter."""
    await begin(store, GO_LIVE)
    await begin(store, GoLive(studio_id=OTHER_PLACE))


async def test_the_other_steps_do_not_wait_for_a_turn(store: ConsentStore) -> None:
    """A question can be asked, and a no is heard, while a call is being sent."""
    await begin(store, DELETE)
    with anyio.fail_after(PATIENCE_SECONDS):
        confirmation = await add(store, GO_LIVE)
        await store.record_on_air(await look(store))
        await store.discard(confirmation.id)


async def test_a_begin_that_is_cancelled_while_it_waits_has_done_nothing(
    store: ConsentStore,
) -> None:
    """The confirmation stays, and the turn goes to the next call."""
    confirmation, stop = await add(store), await add(store, GO_OFFLINE)
    started = await begin(store, DELETE)
    before = await look(store)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(try_to_begin, store, GO_LIVE, confirmation)
        tasks.start_soon(try_to_begin, store, GO_OFFLINE, stop)
        await settle()
        tasks.cancel_scope.cancel()
    assert await look(store) == before
    assert await kept(store, stop) == stop
    await store.finish(started, "applied", hidden_fields=())
    assert await kept(store, confirmation) == confirmation
    await begin(store, GO_LIVE, confirmation)


async def test_a_begin_that_is_cancelled_as_its_turn_comes_is_done_or_not_done(
    store: ConsentStore,
) -> None:
    """The call before it finishes at the same moment. Either way no turn is left held."""
    stop = await add(store, GO_OFFLINE)
    started = await begin(store, DELETE)
    results: list[Started | Stale] = []

    async def wait() -> None:
        result = await try_to_begin(store, GO_OFFLINE, stop)
        results.append(result)
        if isinstance(result, Started):
            await store.finish(result, "not_applied", hidden_fields=())

    with anyio.fail_after(PATIENCE_SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await settle()
            await store.finish(started, "applied", hidden_fields=())
            tasks.cancel_scope.cancel()
    assert [type(it) for it in results] in ([], [Started])
    assert await kept(store, stop) == stop
    await begin(store, GO_OFFLINE, stop)


# Pending starts


async def test_a_start_is_pending_for_a_minute(store: ConsentStore, clock: HandClock) -> None:
    """It is pending in its own studio only, from begin on, and again after the next go-live."""
    assert not (await look(store)).start_pending
    started = await begin(store)
    assert (await look(store)).start_pending
    await store.finish(started, "applied", hidden_fields=())
    await store.record(started, "the call ran", on_air=False)
    clock.advance(START_SECONDS - MOMENT)
    assert (await look(store)).start_pending
    assert not (await look(store, place=OTHER_PLACE)).start_pending
    clock.advance(MOMENT)
    assert not (await look(store)).start_pending
    await make(store)
    assert (await look(store)).start_pending
    assert START_SECONDS == 60


@pytest.mark.parametrize(
    ("outcome", "is_pending"), [("applied", True), ("unknown", True), ("not_applied", False)]
)
async def test_a_start_is_pending_unless_it_was_not_applied(
    store: ConsentStore, outcome: Outcome, *, is_pending: bool
) -> None:
    """A lost answer may be a start."""
    await make(store, outcome=outcome)
    assert (await look(store)).start_pending is is_pending


@pytest.mark.parametrize(
    ("outcome", "is_pending"), [("applied", False), ("unknown", True), ("not_applied", True)]
)
async def test_a_start_is_not_pending_after_a_stop_that_was_applied(
    store: ConsentStore, outcome: Outcome, *, is_pending: bool
) -> None:
    """A stop whose answer was lost may not have ended it."""
    await make(store)
    await make(store, GO_OFFLINE, outcome=outcome)
    assert (await look(store)).start_pending is is_pending


@every_outcome
async def test_other_calls_do_not_end_a_pending_start(
    store: ConsentStore, outcome: Outcome
) -> None:
    """Neither with a result, nor without."""
    await make(store)
    started = await make(store, DELETE, outcome=outcome)
    await store.record(started, "the call ran", on_air=False)
    assert (await look(store)).start_pending


@pytest.mark.parametrize("on_air", [False, True])
async def test_a_start_is_not_pending_after_it_was_seen_on_air(
    store: ConsentStore, *, on_air: bool
) -> None:
    """The call itself watches, and records it."""
    started = await make(store)
    await store.record(started, "the call ran", on_air=on_air)
    assert (await look(store)).start_pending is not on_air


async def test_a_start_is_not_pending_after_another_call_saw_it_on_air(
    store: ConsentStore,
) -> None:
    """In its own studio only."""
    await make(store)
    await make(store, GoLive(studio_id=OTHER_PLACE))
    await store.record_on_air(await look(store))
    assert not (await look(store)).start_pending
    assert (await look(store, place=OTHER_PLACE)).start_pending


async def test_a_go_live_that_began_after_the_look_stays_pending(store: ConsentStore) -> None:
    """The studio was on air because of something earlier."""
    await make(store)
    seen = await look(store)
    await make(store, GO_OFFLINE)
    await make(store)
    await store.record_on_air(seen)
    assert (await look(store)).start_pending


async def test_an_earlier_go_live_on_air_does_not_end_a_later_pending_start(
    store: ConsentStore,
) -> None:
    """The earlier one was seen, and then stopped, before its outcome was recorded."""
    earlier = await make(store)
    await make(store, GO_OFFLINE)
    await make(store)
    await store.record(earlier, "the call ran", on_air=True)
    assert (await look(store)).start_pending


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
    assert (await look(store, place=OTHER_PLACE)).hidden == NOTHING_HIDDEN


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
    await make_elsewhere(store, MOST_PLACES + 5)
    assert (await look(store)).hidden == before


# Forgotten places


async def test_a_forgotten_place_never_looks_unchanged(store: ConsentStore) -> None:
    """A look from before the change is stale, although the place was forgotten meanwhile."""
    before = await look(store)
    await make(store, CHANGE, hidden_fields=[ADDRESS])
    await make(store, GO_OFFLINE)
    changed = await look(store)
    await make_elsewhere(store, MOST_PLACES + 5)
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
    await make_elsewhere(store, MOST_PLACES + 5)
    new = await look(store, place=OTHER_PLACE)
    assert (new.version, new.stop_count, new.hidden.version) == (
        changed.version,
        changed.stop_count,
        changed.hidden.version,
    )


async def test_the_place_that_was_used_last_is_forgotten_last(store: ConsentStore) -> None:
    """A studio in daily use is not forgotten because of many others."""
    await make(store, CHANGE, hidden_fields=[ADDRESS])
    for number in range(3):
        await make_elsewhere(store, MOST_PLACES // 2, first=number * MOST_PLACES)
        await make(store, CHANGE, hidden_fields=[f"field {number}"])
    assert len((await look(store)).hidden.latest) == 4


async def test_a_place_with_a_running_call_is_not_forgotten(store: ConsentStore) -> None:
    """The turn is still held, and a stop that waits for it gets it."""
    started = await begin(store, CHANGE)
    stopped = anyio.Event()

    async def stop() -> None:
        await make(store, GO_OFFLINE)
        stopped.set()

    with anyio.fail_after(PATIENCE_SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stop)
            await make_elsewhere(store, MOST_PLACES + 5)
            assert not stopped.is_set()
            await store.finish(started, "applied", hidden_fields=[ADDRESS])
    assert (await look(store)).hidden.latest == (HiddenChange(1, ADDRESS, "dest_1"),)
    assert (await look(store)).stop_count == 1


async def test_a_place_with_a_pending_start_is_not_forgotten(
    store: ConsentStore, clock: HandClock
) -> None:
    """Otherwise a second go-live could be sent."""
    await make(store)
    await make_elsewhere(store, MOST_PLACES + 5)
    assert (await look(store)).start_pending
    clock.advance(START_SECONDS)
    assert not (await look(store)).start_pending
