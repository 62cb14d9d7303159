"""The steps of a `ConsentStore`: what it keeps under an id, for how long, and how it is used."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.support.concurrency import settle
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.store_steps import (
    ADDRESS,
    CHANGE,
    DELETE,
    GO_LIVE,
    GO_OFFLINE,
    ME,
    MOMENT,
    YOU,
    TwoClocks,
    add,
    begin,
    every_outcome,
    finish,
    in_memory,
    kept,
    look,
    make,
    possibly_applied,
    preview_of,
    try_to_begin,
)
from trax_mcp.consent.confirmations import LIFETIME_SECONDS
from trax_mcp.consent.evidence import Confirmation, UsedConfirmation, call_digest
from trax_mcp.consent.memory_store import MemoryStore
from trax_mcp.consent.preview import NOTHING_HIDDEN
from trax_mcp.consent.store import ConsentStore, Seen, Stale, Started
from trax_mcp.studio.naming import sentence

if TYPE_CHECKING:
    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock
    from trax_mcp.api.errors import Outcome
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation


# Confirmations


async def test_a_confirmation_is_kept_as_it_was_added(
    store: ConsentStore, clock: HandClock
) -> None:
    """The store adds the id, the expiry and the version of hidden changes."""
    await make(store, CHANGE, hidden_fields=[ADDRESS])
    preview = replace(preview_of(GO_LIVE), effects=(sentence("a"),), warnings=(sentence("b"),))
    seen = await look(store)
    added = await store.add(GO_LIVE, preview, seen=seen, choice="Yes", asked_again=True)
    assert isinstance(added, Confirmation)
    assert added == Confirmation(
        id=added.id,
        caller=ME.caller,
        owner=ME.owner,
        studio=GO_LIVE.studio(),
        call=call_digest(GO_LIVE, added.id),
        digest="digest",
        expires=clock.seconds() + 300,
        expires_at=clock.now() + timedelta(seconds=300),
        shown=(sentence("b"), sentence("a")),
        puts_on_air=True,
        choice="Yes",
        asked_again=True,
        hidden_version=1,
        stop_count=seen.stop_count,
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
    assert sizes[0] == 16


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


@in_memory
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


async def test_a_confirmation_expires_even_if_the_date_was_put_back(sandbox: Sandbox) -> None:
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
    """No call looks in between, and nothing has changed otherwise."""
    confirmation = await add(store)
    clock.advance(LIFETIME_SECONDS - MOMENT)
    seen = await look(store, confirmation.id)
    assert seen.confirmation == confirmation
    clock.advance(MOMENT)
    assert isinstance(await try_to_begin(store, GO_LIVE, confirmation, seen=seen), Stale)
    assert await look(store) == await look(store, confirmation.id)


@pytest.mark.parametrize("by", ["time", "sleep"])
async def test_a_confirmation_of_a_stop_that_expires_before_it_begins_is_taken_once(
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


async def test_a_confirmation_of_a_stop_is_not_taken_again_after_it_was_removed(
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


async def test_a_confirmation_of_a_stop_is_not_taken_after_a_no(store: ConsentStore) -> None:
    """The no came between the look of the stop and its begin."""
    confirmation = await add(store, GO_OFFLINE)
    seen = await look(store, confirmation.id)
    await store.discard(confirmation.id)
    assert isinstance(await try_to_begin(store, GO_OFFLINE, confirmation, seen=seen), Stale)


async def test_a_confirmation_of_a_stop_that_has_expired_is_not_taken(
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
