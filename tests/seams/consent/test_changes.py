"""Changes that need consent at times only: free off the air, and asked about on air."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.seams.consent.guards import MINE, START, STOP, STUDIO, open_studios
from tests.support.product.faults import Fault
from tests.support.product.virtual_time import in_virtual_time
from trax_mcp.actions.destinations import CreateDestination, UpdateDestination
from trax_mcp.actions.studios import UpdateStudio
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import TraxError
from trax_mcp.consent.calls import Answer, Ask, Call, Done

if TYPE_CHECKING:
    from pathlib import Path

SWITCH = (UpdateDestination(studio_id=STUDIO, dest_id="dest_3", enabled=True),)
SEVERAL = (UpdateStudio(studio_id=STUDIO, name="Late Show"), *SWITCH)
BY_ITSELF = (UpdateStudio(studio_id=STUDIO, auto_go_live=False),)


@in_virtual_time
async def test_a_change_off_the_air_is_free_and_one_on_air_is_asked_about(tmp_path: Path) -> None:
    async with open_studios(tmp_path) as it:
        call = Call(SWITCH, Caller(MINE))
        done = await it.here.guard.run(call)
        assert isinstance(done, Done)
        assert done.approved_by is None
        await it.here.approved(START)
        assert isinstance(await it.here.guard.run(call), Ask)
        assert isinstance(await it.here.approved(SWITCH, "preview"), Done)
        assert it.sent == ["dest_3", "go-live", "dest_3"]


@in_virtual_time
async def test_a_start_that_is_pending_counts_as_on_air(tmp_path: Path) -> None:
    async with open_studios(tmp_path) as it:
        it.trax.world.go_live_seconds = 600
        await it.here.approved(START)
        assert isinstance(await it.here.guard.run(Call(SWITCH, Caller(MINE))), Ask)
        assert await it.here.guard.go_live_is_pending(Caller(MINE), STUDIO)


@in_virtual_time
async def test_what_never_needs_consent_is_sent(tmp_path: Path) -> None:
    async with open_studios(tmp_path) as it:
        assert isinstance(await it.here.guard.run(Call(BY_ITSELF, Caller(MINE))), Done)
        it.trax.faults.add(Fault.patched(lambda it: it.update(name="Other")), method="PATCH")
        renamed = (UpdateStudio(studio_id=STUDIO, name="Late Show", auto_go_live=False),)
        with pytest.raises(TraxError, match="NOT changed"):
            await it.here.guard.run(Call(renamed, Caller(MINE)))


@in_virtual_time
async def test_free_changes_end_where_the_studio_goes_on_air_between(tmp_path: Path) -> None:
    async with open_studios(tmp_path) as it:
        it.trax.world.go_live_seconds = 0
        it.trax.faults.add(Fault.followed_by(it.trax.go_live), method="PATCH")
        done = await it.here.guard.run(Call(SEVERAL, Caller(MINE)))
        assert isinstance(done, Done)
        assert (
            done.steps[1]
            .said[0]
            .text.endswith("not sent, because the show may be on air by now, so it needs approval.")
        )


@in_virtual_time
async def test_a_switch_whose_answer_was_lost_is_read_back(tmp_path: Path) -> None:
    async with open_studios(tmp_path) as it:
        it.trax.faults.add(Fault.dropped(when="after"), method="PATCH")
        done = await it.here.guard.run(Call(SWITCH, Caller(MINE)))
        assert isinstance(done, Done)
        assert done.steps[0].lost == "The connection to TRaX broke before it answered"
        it.trax.faults.add(Fault.dropped(), method="PATCH")
        off = (UpdateDestination(studio_id=STUDIO, dest_id="dest_3", enabled=False),)
        with pytest.raises(TraxError, match="it was on right after"):
            await it.here.guard.run(Call(off, Caller(MINE)))


@in_virtual_time
async def test_confirm_alone_is_older_than_a_stop_that_comes_while_it_waits(
    tmp_path: Path,
) -> None:
    alone = Answer("", "confirm_alone")
    async with open_studios(tmp_path) as it:
        done = await it.here.guard.run(Call(START, Caller(MINE), alone))
        assert isinstance(done, Done)
        assert done.approved_by == "confirm_alone"
        stopped = await it.here.guard.run(Call(STOP, Caller(MINE), alone))
        assert isinstance(stopped, Done)
        assert it.sent == ["go-live", "go-offline"]


@in_virtual_time
async def test_a_show_goes_out_on_a_destination_that_was_added_a_moment_ago(
    tmp_path: Path,
) -> None:
    """Its id is another one than that of what was shown: none."""
    add = CreateDestination(
        studio_id=STUDIO, name="New page", platform="facebook", connection_id="conn_3"
    )
    async with open_studios(tmp_path) as it:
        done = await it.here.approved((add, *START))
        assert isinstance(done, Done)
        assert [step.outcome for step in done.steps] == ["applied", "applied"]
