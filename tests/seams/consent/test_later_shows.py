"""A show that somebody begins on TRaX's own site after a stop: no part of that stop ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from tests.seams.consent.guards import MINE, START, STOP, Studios, open_studios
from tests.support.product.faults import Fault
from tests.support.product.virtual_time import in_virtual_time
from trax_mcp.api.errors import TraxError

if TYPE_CHECKING:
    from pathlib import Path


def begin_elsewhere(it: Studios) -> None:
    """Let a show begin on TRaX's own site."""
    it.trax.world.go_live_seconds = 0
    it.trax.go_live()


@pytest.mark.parametrize("processes", [1, 2])
@in_virtual_time
async def test_the_stream_of_a_go_live_that_was_answered_after_the_stop_is_known(
    tmp_path: Path, processes: int
) -> None:
    async with open_studios(tmp_path, processes=processes) as it:
        await it.here.known(MINE)
        start, stop = await it.here.ask(START), await it.here.ask(STOP)
        it.trax.faults.add(Fault.delay(4, when="after"), path="*/go-live")
        it.trax.world.go_live_seconds = 600
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(it.here.answer, start)
            await anyio.sleep(0.5)
            await it.here.answer(stop)
        await anyio.sleep(5)
        before = it.times_of("/go-offline")
        begin_elsewhere(it)
        await anyio.sleep(60)
        assert it.is_live
        assert it.times_of("/go-offline") == before
        assert it.here.take_news() == ""


@in_virtual_time
async def test_a_machine_that_sleeps_watches_for_no_longer_than_a_minute(tmp_path: Path) -> None:
    async with open_studios(tmp_path) as it:
        it.trax.faults.add(Fault.dropped(), path="*/go-live")
        with pytest.raises(TraxError):
            await it.here.approved(START)
        await it.here.approved(STOP)
        before = it.times_of("/go-offline")
        it.here.clock.suspend(8 * 3600)
        begin_elsewhere(it)
        await anyio.sleep(60)
        assert it.is_live
        assert it.times_of("/go-offline") == before
        assert it.here.take_news() == ""


@in_virtual_time
async def test_a_go_live_whose_end_is_told_minutes_later_is_not_undone(tmp_path: Path) -> None:
    """The store was away from its process meanwhile."""
    async with open_studios(tmp_path, processes=2) as it:
        await it.here.known(MINE)
        await it.there.known(MINE)
        start = await it.here.ask(START)
        it.trax.faults.add(Fault.delay(1, when="after"), path="*/go-live")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(it.here.answer, start)
            await anyio.sleep(0.5)
            it.here.cut_off()
        await it.there.approved(STOP)
        await anyio.sleep(60)
        before = it.times_of("/go-offline")
        begin_elsewhere(it)
        it.here.cut_off(is_away=False)
        await anyio.sleep(60)
        assert it.is_live
        assert it.times_of("/go-offline") == before
