"""A stop and a start that still comes: sent again, watched on, and each of the ends of that."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.seams.consent.guards import (
    BOT,
    COLLEAGUE,
    MINE,
    START,
    STOP,
    STUDIO,
    Studios,
    open_studios,
)
from tests.seams.consent.test_stop import state_of
from tests.support.product.faults import Fault
from tests.support.product.virtual_time import in_virtual_time
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import TraxError
from trax_mcp.consent.calls import Done

if TYPE_CHECKING:
    from pathlib import Path

    from trax_mcp.consent.question import Question


async def start_that_is_not_seen(it: Studios, *, seconds: float = 600) -> Question:
    """A go-live that TRaX took and shows only after so long. Returns an approval of a stop."""
    it.trax.world.go_live_seconds = seconds
    started = await it.here.approved(START)
    assert state_of(started) == "starting"
    return await it.here.ask(STOP)


def seconds_between(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]


@in_virtual_time
async def test_while_a_start_is_pending_a_busy_stop_is_tried_every_two_seconds(
    tmp_path: Path,
) -> None:
    """For fifteen seconds."""
    async with open_studios(tmp_path) as it:
        stop = await start_that_is_not_seen(it)
        it.trax.faults.add(Fault.error(409, "stream_starting"), path="*/go-offline", times=None)
        began = anyio.current_time()
        told = await it.here.answer(stop)
        assert anyio.current_time() - began <= 15
        assert isinstance(told, Done)
        assert state_of(told) == "starting"
        (step,) = told.steps
        assert step.error is not None
        assert step.error.happened.startswith("It's off air now")
        times = it.times_of("/go-offline")
        assert len(times) == 8
        assert all(2 <= pause < 2.2 for pause in seconds_between(times))


@in_virtual_time
async def test_a_busy_stop_that_is_taken_at_last_ends_the_show(tmp_path: Path) -> None:
    async with open_studios(tmp_path) as it:
        stop = await start_that_is_not_seen(it)
        it.trax.faults.add(Fault.status(423), path="*/go-offline", times=3)
        told = await it.here.answer(stop)
        assert state_of(told) == "stopping"
        assert not it.is_live
        assert len(it.times_of("/go-offline")) == 4


@in_virtual_time
async def test_without_a_start_a_busy_stop_is_told_at_once(tmp_path: Path) -> None:
    async with open_studios(tmp_path) as it:
        stop = await it.here.ask(STOP)
        it.trax.faults.add(Fault.error(409, "not_live"), path="*/go-offline", times=None)
        told = await it.here.answer(stop)
        assert isinstance(told, Done)
        assert told.steps[0].said[0].text == '"Friday Night Show" is off air already.'
        assert len(it.times_of("/go-offline")) == 1


@pytest.mark.parametrize("is_lost", [False, True])
@in_virtual_time
async def test_a_stop_is_watched_on_and_repeated_once(tmp_path: Path, *, is_lost: bool) -> None:
    """TRaX took it, and the start comes all the same: whose, if its answer was lost, any is."""
    async with open_studios(tmp_path) as it:
        if is_lost:
            it.trax.faults.add(Fault.dropped(), path="*/go-live")
            with pytest.raises(TraxError):
                await it.here.approved(START)
            stop = await it.here.ask(STOP)
        else:
            stop = await start_that_is_not_seen(it)
        began = anyio.current_time()
        told = await it.here.answer(stop)
        assert isinstance(told, Done)
        assert anyio.current_time() - began < 2
        (_, watched) = told.steps[0].said
        assert watched.text == (
            "If it goes on air before 18:01:06 UTC, it's taken off air again. Closing the client"
            " ends that."
        )
        await anyio.sleep(10)
        come(it)
        await anyio.sleep(4)
        assert not it.is_live
        assert len(it.times_of("/go-offline")) == 2
        come(it)
        await anyio.sleep(60)
        assert it.is_live  # it was repeated once
        news = it.here.take_news()
        told = '"Friday Night Show" went on air after going offline, so it was taken off air again'
        assert news.startswith(told)
        assert news.endswith(" UTC. Then it was seen off air.")
        assert it.here.take_news() == ""
        assert it.here.lines("sent", "operation", "outcome")[-1] == ("go_offline", "applied")


@pytest.mark.parametrize("end", ["a minute", "a newer go-live", "another stream", "the process"])
@pytest.mark.parametrize("processes", [1, 2])
@in_virtual_time
async def test_the_watch_ends(tmp_path: Path, processes: int, end: str) -> None:
    """Then nothing is stopped any more."""
    async with open_studios(tmp_path, processes=processes) as it:
        await it.there.known(COLLEAGUE)
        stop = await start_that_is_not_seen(it)
        await it.here.answer(stop)
        await anyio.sleep(3)
        match end:
            case "a minute":
                await anyio.sleep(40)
                come(it)
            case "a newer go-live":
                it.trax.world.go_live_seconds = 5
                assert state_of(await it.there.approved(START, key=COLLEAGUE)) == "on_air"
            case "another stream":
                it.trax.world.go_live_seconds = 0
                it.trax.go_live()
            case "the process":
                it.here.guard.parts.background.end()
                come(it)
        await anyio.sleep(60)
        assert it.is_live
        assert len(it.times_of("/go-offline")) == 1
        assert it.here.take_news() == ""


@pytest.mark.parametrize("fault", [Fault.dropped(), Fault.status(502)])
@in_virtual_time
async def test_an_unknown_stop_is_sent_once_more_if_the_show_is_seen_after_two_seconds(
    tmp_path: Path, fault: Fault
) -> None:
    async with open_studios(tmp_path) as it:
        assert state_of(await it.here.approved(START)) == "on_air"
        stop = await it.here.ask(STOP)
        it.trax.faults.add(fault, path="*/go-offline")
        assert state_of(await it.here.answer(stop)) == "off_air"
        first, second = it.times_of("/go-offline")
        assert 2 <= second - first <= 3.1


@in_virtual_time
async def test_an_unknown_stop_is_not_sent_twice_more(tmp_path: Path) -> None:
    async with open_studios(tmp_path) as it:
        await it.here.approved(START)
        stop = await it.here.ask(STOP)
        it.trax.faults.add(Fault.status(502), path="*/go-offline", times=None)
        assert state_of(await it.here.answer(stop)) == "on_air"
        assert len(it.times_of("/go-offline")) == 2


def come(it: Studios) -> None:
    """Let the last start come on air, though a stop came before."""
    it.trax.world.go_live_seconds = 0
    stream = it.trax.world.streams.get(STUDIO)
    if stream is None:
        it.trax.go_live()
        return
    now = it.trax.clock.now()
    it.trax.world.streams[STUDIO] = replace(stream, live_since=now, live_until=inf)


@in_virtual_time
async def test_a_stop_for_which_trax_is_busy_does_not_end_the_watch_of_a_start(
    tmp_path: Path,
) -> None:
    """It has stopped nothing: the show is told as it is seen."""
    async with open_studios(tmp_path) as it:
        stop, start = await it.here.ask(STOP), await it.here.ask(START)
        it.trax.world.go_live_seconds = 8
        it.trax.faults.add(Fault.error(409, "conflict"), path="*/go-offline", times=None)
        results = []

        async def go_live() -> None:
            results.append(await it.here.answer(start))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(go_live)
            await anyio.sleep(1)
            assert state_of(await it.here.answer(stop)) == "on_air"
        assert state_of(results[0]) == "on_air"


@in_virtual_time
async def test_a_start_that_was_seen_after_a_stop_comes_no_more(tmp_path: Path) -> None:
    async with open_studios(tmp_path) as it:
        stop = await start_that_is_not_seen(it, seconds=20)
        await anyio.sleep(1)
        assert state_of(await it.here.answer(stop)) == "off_air"
        assert not await it.here.guard.go_live_is_pending(Caller(MINE), STUDIO)


@pytest.mark.parametrize("fault", [Fault.status(200, {"ok": False}), Fault.status(303)])
@in_virtual_time
async def test_a_stop_of_which_trax_said_that_it_did_not_work_is_not_sent_again(
    tmp_path: Path, fault: Fault
) -> None:
    async with open_studios(tmp_path) as it:
        await it.here.approved(START)
        stop = await it.here.ask(STOP)
        it.trax.faults.add(fault, path="*/go-offline", times=None)
        assert state_of(await it.here.answer(stop)) == "on_air"
        assert len(it.times_of("/go-offline")) == 1


@in_virtual_time
async def test_a_stop_whose_key_may_read_nothing_is_told_at_once(tmp_path: Path) -> None:
    async with open_studios(tmp_path) as it:
        stop = await it.here.ask(STOP, "preview", key=BOT)
        began = anyio.current_time()
        assert state_of(await it.here.answer(stop, key=BOT)) == "unknown"
        assert anyio.current_time() - began < 1
