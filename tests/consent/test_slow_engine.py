"""What replicas share is slow, or away for a moment: nobody goes off air who should be on."""

from __future__ import annotations

import anyio
import pytest

from tests.support.product.server import yes_to_stop
from tests.support.product.virtual_time import in_virtual_time
from tests.world.answers import has_run, outcome
from tests.world.world import COLLEAGUE, CUSTOMER, MINE, NO_ACCESS, open_world

STRANGER = "sk_live_sandbox_nobody"
"""A key that TRaX does not know."""


@pytest.mark.parametrize("key", [STRANGER, CUSTOMER, NO_ACCESS])
@in_virtual_time
async def test_the_stop_of_a_stranger_takes_nobody_off_the_air(key: str) -> None:
    """It comes while a go-live is sent, and the engine is slow. TRaX refuses it."""
    async with open_world(MINE, key, virtual=True, replicas=2) as it:
        yes = await it[MINE].confirmation("go_live")
        it.trax.faults.slow(5, path="/go-live")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: it[MINE].use("go_live", yes))
            await anyio.sleep(0.5)
            it.replicas[0].engine.late_seconds = 0.35
            stop = yes_to_stop(key, studio_id="studio_42")
            refused = outcome(await it[key].use("go_offline", stop))
            assert refused in {("failed", "invalid_key"), ("failed", "not_found")}
            it.replicas[0].engine.late_seconds = 0.0
        assert it.is_live
        assert len(it.times_of("/go-offline")) == 1


@in_virtual_time
async def test_the_stop_of_a_colleague_does_so() -> None:
    async with open_world(MINE, COLLEAGUE, virtual=True, replicas=2) as it:
        yes = await it[MINE].confirmation("go_live")
        stop = await it[COLLEAGUE].confirmation("go_offline")
        it.trax.faults.slow(5, path="/go-live")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: it[MINE].use("go_live", yes))
            await anyio.sleep(0.5)
            it.replicas[0].engine.late_seconds = 0.35
            assert has_run(await it[COLLEAGUE].use("go_offline", stop))
        assert not it.is_live
        assert len(it.times_of("/go-offline")) == 2


@in_virtual_time
async def test_a_replica_that_was_cut_off_stops_no_later_show() -> None:
    """It has sent a go-live. Elsewhere a person stopped, and went live once more."""
    async with open_world(MINE, virtual=True, replicas=2) as it:
        there, engine = await it.caller(at=1), it.replicas[0].engine
        yes = await it[MINE].confirmation("go_live")
        it.trax.faults.slow(1, path="/go-live")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: it[MINE].use("go_live", yes))
            await anyio.sleep(0.5)
            engine.is_away = True
        for tool in ("go_offline", "go_live"):
            assert has_run(await there.confirmed(tool))
        engine.is_away = False
        await anyio.sleep(60)
        assert it.is_live
        assert len(it.times_of("/go-offline")) == 1
