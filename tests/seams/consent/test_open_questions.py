"""Questions in a panel or on the page: shown, answered once, joined, left and withdrawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from tests.seams.consent.guards import (
    COLLEAGUE,
    MINE,
    START,
    STOP,
    Process,
    open_studios,
)
from tests.support.product.faults import Fault
from tests.support.product.virtual_time import in_virtual_time
from trax_mcp.actions.stream import GoLive
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import TraxError
from trax_mcp.consent.calls import Ask, Call, Done, NotRun
from trax_mcp.consent.open_questions import OpenQuestions

if TYPE_CHECKING:
    from pathlib import Path

    from trax_mcp.actions.shown import Operations
    from trax_mcp.consent.open_questions import OpenQuestion

YES = "Go live on YouTube and Twitch"
NO = "Don't go live"


async def open_question(
    it: OpenQuestions, process: Process, operations: Operations = START, *, key: str = MINE
) -> OpenQuestion:
    """Ask in a panel."""
    call = Call(operations, Caller(key))
    asked = await process.guard.run(call)
    assert isinstance(asked, Ask)
    return await it.open(call, asked, process.guard.question(call, asked, "panel"))


async def shown_question(it: OpenQuestions, process: Process) -> OpenQuestion:
    """Ask in a panel, and let the person read."""
    question = await open_question(it, process)
    await question.report()
    await anyio.sleep(2)
    return question


@pytest.mark.parametrize("processes", [1, 2])
@in_virtual_time
async def test_a_press_runs_the_call_once_and_the_call_learns_it(
    tmp_path: Path, processes: int
) -> None:
    """At whichever process it arrives."""
    async with open_studios(tmp_path, processes=processes) as it:
        here, there = OpenQuestions(it.here.guard), OpenQuestions(it.there.guard)
        asked = await shown_question(here, it.here)
        learnt = []

        async def wait() -> None:
            learnt.append(await asked.wait(50))

        async def press() -> None:
            pressed = await there.get(asked.ticket, Caller(MINE))
            assert pressed is not None
            await pressed.answer(YES, by="panel")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.sleep(1)
            for _ in range(3):
                tasks.start_soon(press)
        (done,) = learnt
        assert isinstance(done, Done)
        assert done.approved_by == "panel"
        assert it.sent == ["go-live"]
        assert await there.get(asked.ticket, Caller(COLLEAGUE)) is None


@in_virtual_time
async def test_what_nobody_could_read_or_was_not_offered_counts_for_nothing(
    tmp_path: Path,
) -> None:
    async with open_studios(tmp_path) as it:
        questions = OpenQuestions(it.here.guard)
        questions.needs_passkey = True
        asked = await open_question(questions, it.here)
        assert await asked.answer(YES, by="passkey") is None  # not shown
        await asked.report()
        assert await asked.answer(NO, by="panel") is None  # too soon
        await anyio.sleep(2)
        assert await asked.answer("Sure", by="panel") is None
        assert await asked.answer(YES, by="panel") is None  # without the passkey
        result = await asked.answer(NO, by="panel")
        assert isinstance(result, NotRun)
        assert result.reason == "declined"
        assert await asked.answer(YES, by="passkey") is None
        assert it.sent == []


@in_virtual_time
async def test_a_question_about_what_has_changed_ends(tmp_path: Path) -> None:
    """Its panel says so, and the next call asks."""
    async with open_studios(tmp_path) as it:
        questions = OpenQuestions(it.here.guard)
        asked = await shown_question(questions, it.here)
        it.trax.change("dest_3", enabled=True)
        result = await asked.answer(YES, by="panel")
        assert isinstance(result, NotRun)
        assert result.reason == "changed"
        assert result.changes
        state = await asked.state()
        assert state.phase == "ended"
        assert state.result() == result
        newer = await open_question(questions, it.here)
        assert newer.id != asked.id


@in_virtual_time
async def test_the_same_call_joins_the_question_that_is_open(tmp_path: Path) -> None:
    """Also one that was left, for a minute; a stop voids it."""
    async with open_studios(tmp_path) as it:
        questions, call = OpenQuestions(it.here.guard), Call(START, Caller(MINE))
        asked = await shown_question(questions, it.here)
        assert (await open_question(questions, it.here)).id == asked.id
        await asked.leave()
        await anyio.sleep(50)
        found = await questions.find(call)
        assert found is not None
        assert (found[0].id, found[1]) == (asked.id, "open")
        await found[0].join()
        await anyio.sleep(50)
        assert await questions.find(call) is not None
        await it.here.approved(STOP)
        assert await questions.find(call) is None
        assert isinstance(await asked.answer(YES, by="panel"), NotRun)
        assert it.sent == ["go-offline"]


@in_virtual_time
async def test_a_question_that_nothing_shows_is_told_so(tmp_path: Path) -> None:
    async with open_studios(tmp_path) as it:
        questions = OpenQuestions(it.here.guard)
        asked = await open_question(questions, it.here)
        assert not await asked.wait_for_report()
        await asked.give_up_showing()
        assert (await asked.state()).phase == "unreported"
        await asked.report()
        assert await asked.answer(YES, by="panel") is None
        assert it.here.lines("withdrawn", "reason") == [("nothing has shown it",)]


@in_virtual_time
async def test_one_question_more_than_a_page_has_room_for_withdraws_the_oldest(
    tmp_path: Path,
) -> None:
    async with open_studios(tmp_path) as it:
        questions, opened = OpenQuestions(it.here.guard), []
        for number in range(33):
            studio_id = it.trax.add_studio(f"Show {number}")
            operations = (GoLive(studio_id=studio_id),)
            opened.append(await open_question(questions, it.here, operations))
        phases = [(await asked.state()).phase for asked in opened]
        assert phases == ["ended"] + ["open"] * 32


@pytest.mark.parametrize("is_away", [False, True])
@in_virtual_time
async def test_a_stop_in_a_panel_needs_its_ticket_alone(tmp_path: Path, *, is_away: bool) -> None:
    """Though the store is away."""
    async with open_studios(tmp_path, processes=2) as it:
        questions = OpenQuestions(it.here.guard)
        await it.here.approved(START)
        asked = await open_question(questions, it.here, STOP)
        await anyio.sleep(2)
        if is_away:
            it.here.cut_off()
        pressed = await questions.get(asked.ticket, Caller(MINE))
        assert pressed is not None
        assert isinstance(await pressed.answer("Go offline", by="panel"), Done)
        assert not it.is_live


@in_virtual_time
async def test_a_failure_is_kept_for_the_call_that_waits(tmp_path: Path) -> None:
    async with open_studios(tmp_path) as it:
        questions = OpenQuestions(it.here.guard)
        asked = await shown_question(questions, it.here)
        it.trax.faults.add(Fault.status(400), method="POST", path="*/go-live")
        await asked.answer(YES, by="panel")
        assert isinstance(await asked.wait(1), TraxError)
