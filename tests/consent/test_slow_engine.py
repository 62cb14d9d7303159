"""What replicas share is slow, or away for a moment: nobody goes off air who should be on."""

from __future__ import annotations

import anyio
import pytest

from tests.support.product.server import yes_to_stop
from tests.support.product.virtual_time import in_virtual_time
from tests.support.virtual_setup import (
    COLLEAGUE,
    CUSTOMER,
    MINE,
    NO_ACCESS,
    open_virtual_replicas,
    status,
)

STRANGER = "sk_live_sandbox_nobody"
"""A key that TRaX does not know."""


@pytest.mark.parametrize("key", [STRANGER, CUSTOMER, NO_ACCESS])
@in_virtual_time
async def test_the_stop_of_a_stranger_takes_nobody_off_the_air(key: str) -> None:
    """It comes while a go-live is sent, and the engine is slow. TRaX refuses it."""
    async with open_virtual_replicas(MINE, key) as (it, _):
        yes = await it.confirmation(MINE, "go_live")
        it.slow(5, path="/go-live")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: it.use(MINE, "go_live", yes))
            await anyio.sleep(0.5)
            it.engine.late_seconds = 0.35
            stop = yes_to_stop(key, studio_id="studio_42")
            refused = status(await it.use(key, "go_offline", stop))
            assert refused in {"invalid_key", "not_found"}
            it.engine.late_seconds = 0.0
        assert it.is_live
        assert len(it.times_of("/go-offline")) == 1


@in_virtual_time
async def test_the_stop_of_a_colleague_does_so() -> None:
    async with open_virtual_replicas(MINE, COLLEAGUE) as (it, _):
        yes = await it.confirmation(MINE, "go_live")
        stop = await it.confirmation(COLLEAGUE, "go_offline")
        it.slow(5, path="/go-live")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: it.use(MINE, "go_live", yes))
            await anyio.sleep(0.5)
            it.engine.late_seconds = 0.35
            assert status(await it.use(COLLEAGUE, "go_offline", stop)) == "ran"
        assert not it.is_live
        assert len(it.times_of("/go-offline")) == 2


@in_virtual_time
async def test_a_replica_that_was_cut_off_stops_no_later_show() -> None:
    """It has sent a go-live. Elsewhere a person stopped, and went live once more."""
    async with open_virtual_replicas(MINE) as (here, there):
        yes = await here.confirmation(MINE, "go_live")
        here.slow(1, path="/go-live")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: here.use(MINE, "go_live", yes))
            await anyio.sleep(0.5)
            here.engine.is_away = True
        for tool in ("go_offline", "go_live"):
            assert status(await there.confirmed(MINE, tool)) == "ran"
        here.engine.is_away = False
        await anyio.sleep(60)
        assert there.is_live
        assert len(here.times_of("/go-offline")) + len(there.times_of("/go-offline")) == 1
