"""A replica that sleeps between the beginning of a call and its sending."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.product.frozen_sandbox import still
from tests.support.shared_store import open_shared_store
from tests.support.store_steps import (
    GO_LIVE,
    GO_OFFLINE,
    TwoClocks,
    add,
    begin,
    finish,
    kept,
    make,
)

if TYPE_CHECKING:
    from proof.replicas.throwaway_engine import ThrowawayEngine


@pytest.mark.parametrize("sleeps", ["its process", "its machine"])
async def test_a_replica_that_slept_before_sending_sends_nothing_and_gives_the_yes_back(
    engine: ThrowawayEngine, sleeps: str
) -> None:
    """Others may have taken its turn. One clock stands still while a machine sleeps."""
    clock = TwoClocks(still())
    async with open_shared_store(engine.url, clock) as store:
        confirmation = await add(store)
        started = await begin(store, GO_LIVE, confirmation)
        assert store.may_send(started)
        (clock.advance if sleeps == "its process" else clock.sleep_through)(1.5)
        assert not store.may_send(started)
        await finish(store, started, "not_applied")
        assert await kept(store, confirmation) == confirmation
        assert store.may_send(await begin(store, GO_LIVE, confirmation))


async def test_a_stop_is_sent_however_late(engine: ThrowawayEngine) -> None:
    clock = TwoClocks(still())
    async with open_shared_store(engine.url, clock) as store:
        started = await begin(store, GO_OFFLINE, await add(store, GO_OFFLINE))
        clock.advance(10)
        assert store.may_send(started)


async def test_a_stop_during_the_sleep_voids_the_yes_that_is_given_back(
    engine: ThrowawayEngine,
) -> None:
    clock = TwoClocks(still())
    async with open_shared_store(engine.url, clock) as store:
        confirmation = await add(store)
        started = await begin(store, GO_LIVE, confirmation)
        await make(store, GO_OFFLINE)
        await finish(store, started, "not_applied")
        assert await kept(store, confirmation) is None
