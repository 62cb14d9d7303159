"""A stop: sent first, told by what was seen, and counted as TRaX took it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
from tests.support.product.faults import Fault
from tests.support.product.virtual_time import in_virtual_time
from trax_mcp.consent import parts
from trax_mcp.consent.calls import Ask, Done, NotRun

if TYPE_CHECKING:
    from pathlib import Path

    from trax_mcp.consent.calls import Result
    from trax_mcp.consent.ways import Way


def state_of(result: Result) -> str:
    """What was seen after a call."""
    assert isinstance(result, Done), result
    assert result.observed is not None
    return result.observed.state


@pytest.mark.parametrize("way", ["form", "preview", "page"])
@in_virtual_time
async def test_a_stop_that_is_approved_reads_nothing_before_it_is_sent(
    tmp_path: Path, way: Way
) -> None:
    async with open_studios(tmp_path) as it:
        await it.here.approved(START)
        question = await it.here.ask(STOP, way)
        before = len(it.trax.requests)
        assert state_of(await it.here.answer(question)) == "off_air"
        assert it.trax.requests[before].path.endswith("/go-offline")
        assert not it.is_live
        used = await it.here.answer(question)
        assert isinstance(used, NotRun)
        assert used.why == "the call ran, and the show was then off air"


@in_virtual_time
async def test_a_stop_may_be_refused_and_its_word_is_good_for_it_alone(tmp_path: Path) -> None:
    async with open_studios(tmp_path) as it:
        await it.here.known(MINE)
        no = await it.here.answer(await it.here.ask(STOP), "Stay on air")
        assert isinstance(no, NotRun)
        assert no.reason == "declined"
        form = await it.here.ask(STOP)
        by_model = await it.here.answer(form, by="confirmation")
        assert isinstance(by_model, Ask)
        assert by_model.reason == "mismatch"
        start = await it.here.ask(START, "preview")
        mixed = await it.here.answer(form, question_id=start.id, by="confirmation")
        assert isinstance(mixed, Ask)
        assert mixed.reason == "mismatch"
        stolen = await it.here.answer(await it.here.ask(STOP, "preview"), key=COLLEAGUE)
        assert isinstance(stolen, Ask)
        await anyio.sleep(300)
        late = await it.here.answer(form)
        assert isinstance(late, NotRun)
        assert late.reason == "expired"
        assert it.sent == []


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("seconds", [1, 5, 9])
@pytest.mark.parametrize("stopper", [MINE, COLLEAGUE, BOT])
@in_virtual_time
async def test_after_a_stop_during_a_slow_go_live_the_studio_is_off_air(
    tmp_path: Path, processes: int, seconds: float, stopper: str
) -> None:
    """It waits two seconds for the go-live; after that, the go-live undoes itself."""
    async with open_studios(tmp_path, processes=processes) as it:
        await it.here.known(MINE, COLLEAGUE)
        stop = await it.there.ask(STOP, "preview", key=stopper)
        start = await it.here.ask(START)
        it.trax.faults.slow(seconds, path="/go-live")
        results: dict[str, Any] = {}

        async def go_live() -> None:
            results["go_live"] = await it.here.answer(start)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(go_live)
            await anyio.sleep(1)
            pressed = anyio.current_time()
            results["stop"] = await it.there.answer(stop, key=stopper)
        (first, *_) = it.times_of("/go-offline")
        assert first - pressed < 2.5
        assert not it.is_live
        assert state_of(results["go_live"]) == "stopping"
        undone = results["go_live"].undone
        assert undone is (None if seconds == 1 else True)


@in_virtual_time
async def test_an_approval_from_before_a_stop_is_void(tmp_path: Path) -> None:
    """Also one that another person has at another process."""
    async with open_studios(tmp_path, processes=2) as it:
        await it.there.known(COLLEAGUE)
        start = await it.there.ask(START, "preview", key=COLLEAGUE)
        await it.here.approved(STOP)
        void = await it.there.answer(start, key=COLLEAGUE)
        assert isinstance(void, Ask)
        assert void.reason == "expired"
        assert it.sent == ["go-offline"]


FATES = {
    "counts": [
        Fault.status(204),
        Fault.error(409, "stream_starting"),
        Fault.status(423),
        Fault.status(425),
        Fault.status(200, {"ok": False}),
    ],
    "refused": [
        Fault.status(301, headers={"Location": "https://other.example"}),
        Fault.status(400),
        Fault.error(401, "invalid_key"),
        Fault.error(403, "insufficient_scope"),
        Fault.error(404, "not_found"),
        Fault.status(410),
        Fault.error(503, "write_disabled"),
    ],
    "unknown": [
        Fault.status(408),
        Fault.status(500),
        Fault.status(503),
        Fault.status(200, "<html>", content_type="text/html"),
        Fault.dropped(),
    ],
}
"""What TRaX may answer to a stop, by what it means for others."""


async def _is_void_after_stop(it: Studios, fault: Fault, *, may_read: bool) -> bool:
    """Whether a colleague's stop, which TRaX answers so, voids an approval of somebody else."""
    await it.here.known(MINE, COLLEAGUE)
    start = await it.here.ask(START)
    stop = await it.here.ask(STOP, key=COLLEAGUE)
    if not may_read:
        it.trax.add_key(COLLEAGUE, scopes=["stream:golive"])
    it.trax.faults.add(fault, path="*/go-offline", times=None)
    await it.here.answer(stop, key=COLLEAGUE)
    it.trax.faults.clear()
    return not isinstance(await it.here.answer(start), Done)


@pytest.mark.parametrize("may_read", [True, False])
@pytest.mark.parametrize(
    ("fate", "number"), [(fate, it) for fate, faults in FATES.items() for it in range(len(faults))]
)
@in_virtual_time
async def test_a_stop_counts_for_others_as_trax_took_it(
    tmp_path: Path, fate: str, number: int, *, may_read: bool
) -> None:
    """One that nobody knows of counts once its key has read the status after it."""
    async with open_studios(tmp_path) as it:
        is_void = await _is_void_after_stop(it, FATES[fate][number], may_read=may_read)
        assert is_void is (fate == "counts" or (fate == "unknown" and may_read))


@in_virtual_time
async def test_a_stop_of_ones_own_counts_at_once(tmp_path: Path) -> None:
    """Even one that TRaX refuses."""
    async with open_studios(tmp_path) as it:
        start, stop = await it.here.ask(START), await it.here.ask(STOP)
        it.trax.faults.add(Fault.status(410), path="*/go-offline")
        await it.here.answer(stop)
        void = await it.here.answer(start)
        assert isinstance(void, NotRun)
        assert void.reason == "expired"


@pytest.mark.parametrize("processes", [1, 2])
@in_virtual_time
async def test_a_stop_whose_answer_is_lost_is_repeated_after_its_client_has_hung_up(
    tmp_path: Path, processes: int
) -> None:
    """And its outcome is in the audit log."""
    async with open_studios(tmp_path, processes=processes) as it:
        await it.here.approved(START)
        stop = await it.here.ask(STOP)
        it.trax.faults.slow(1, path="/go-offline")
        it.trax.faults.add(Fault.dropped(), path="*/go-offline")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(it.here.answer, stop)
            await anyio.sleep(0.5)
            tasks.cancel_scope.cancel()
        await anyio.sleep(10)
        assert not it.is_live
        last = it.here.lines("sent", "operation", "outcome", "observed")[-1]
        assert last == ("go_offline", "applied", "off_air")


@in_virtual_time
async def test_a_bug_in_what_follows_an_answer_is_logged_and_ends_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    async with open_studios(tmp_path) as it:
        it.trax.world.go_live_seconds = 600
        await it.here.approved(START)
        await it.here.approved(STOP)
        with monkeypatch.context() as patch:
            patch.setattr(it.here.guard.parts.client, "call", fail)
            await anyio.sleep(10)
        assert [line.getMessage() for line in caplog.records if line.name == parts.__name__] == [
            "work after the answer of a call failed"
        ]
        assert state_of(await it.here.approved(STOP)) == "stopping"


@in_virtual_time
async def test_hanging_up_makes_no_stop_unknown(tmp_path: Path) -> None:
    async with open_studios(tmp_path) as it:
        await it.here.known(MINE, COLLEAGUE)
        start = await it.here.ask(START)
        stop = await it.here.ask(STOP, key=COLLEAGUE)
        it.trax.faults.slow(1, path="/go-offline")
        async with anyio.create_task_group() as tasks:

            async def press() -> None:
                await it.here.answer(stop, key=COLLEAGUE)

            tasks.start_soon(press)
            await anyio.sleep(0.5)
            tasks.cancel_scope.cancel()
        void = await it.here.answer(start)
        assert isinstance(void, NotRun)
        assert it.sent == ["go-offline"]


@in_virtual_time
async def test_a_stop_goes_alone_where_the_store_is_away(tmp_path: Path) -> None:
    """And counts as soon as the store hears of it, from when it was sent."""
    async with open_studios(tmp_path, processes=2) as it:
        await it.there.known(COLLEAGUE)
        start = await it.there.ask(START, key=COLLEAGUE)
        stop = await it.here.ask(STOP)
        it.here.cut_off()
        began = anyio.current_time()
        await it.here.answer(stop)
        assert it.times_of("/go-offline")[0] - began < 0.5
        it.here.cut_off(is_away=False)
        await anyio.sleep(2)
        void = await it.there.answer(start, key=COLLEAGUE)
        assert isinstance(void, NotRun)
        newer = await it.there.approved(START, key=COLLEAGUE)
        assert state_of(newer) == "on_air"
        assert STUDIO in it.trax.sent[-1]
