"""A stop is told by what was seen after it, and not by what TRaX answered. In virtual time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.support.concurrency import begin
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.product.virtual_time import in_virtual_time
from tests.world.answers import audit_lines, data_of, error_in, outcome, state_in, text_of
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from pathlib import Path

    import mcp_types as types

    from tests.world.world import World

in_virtual_world: Final = partial(open_world, MINE, virtual=True)

STOP: Final = "*/go-offline"
STATUS: Final = "*/stream-status"
LIVE: Final = Fault.status(200, {"live": True})
NOT_LIVE: Final = Fault.status(200, {"live": False})
PAGE: Final = Fault.status(200, "<html>Back soon</html>", content_type="text/html")
ELSEWHERE: Final = "nd it on TRaX's own site or on the platforms."
ACCEPTED: Final = "TRaX accepted the request to go offline, but the show goes on."
MAY_COME: Final = (
    '"Friday Night Show" is off air now, but a start may still come. If it goes on air after all,'
    " end it on TRaX's own site or on the platforms."
)

UNPROVEN: Final[dict[str, Fault]] = {
    "401": Fault.error(401, "invalid_key"),
    "403": Fault.error(403, "insufficient_scope"),
    "a page with 403": Fault.status(403, "<html>", content_type="text/html"),
    "404": Fault.error(404, "not_found"),
    "409": Fault.error(409, "conflict"),
    "423": Fault.error(423, "locked"),
    "429": Fault.error(429, "rate_limited", Retry_After="120"),
    "writes off": Fault.error(503, "write_disabled"),
    "402": Fault.error(402, "payment_required"),
    "500": Fault.status(500),
    "503 page": Fault.status(503, "<html>", content_type="text/html"),
    "lost": Fault.dropped(),
    "a page with 200": PAGE,
    "ok: false": Fault.status(200, {"ok": False}),
    "ok, and nothing happens": Fault.status(200, {"ok": True}),
}
"""Answers to a stop that does nothing."""


def see(it: World, fault: Fault) -> None:
    """From now on the status of every studio is read so."""
    it.trax.faults.add(fault, times=None, path=STATUS)


async def stop(it: World, *, answer: str = "", seen: Fault) -> types.CallToolResult:
    """A stop that TRaX answers so, or as it does, and what is seen afterwards."""
    confirmation = await it[MINE].confirmation("go_offline")
    if answer:
        it.trax.faults.add(UNPROVEN[answer], path=STOP)
    see(it, seen)
    return await it[MINE].use("go_offline", confirmation)


@pytest.mark.parametrize("answer", UNPROVEN)
@in_virtual_time
async def test_a_show_that_goes_on_is_told_first_of_all(answer: str) -> None:
    """As an error, with the time when it was seen, and where else to end it."""
    async with in_virtual_world() as it:
        put_on_air(it.trax)
        it.trax.faults.add(UNPROVEN[answer], path=STOP, times=None)
        result = await it[MINE].confirmed("go_offline")
        assert it.is_live
    seen = data_of(result)["observed"]
    assert seen["state"] == "on_air"
    assert (result.meta or {})["live.traxstreaming/outcome"] == "on_air"
    said, error = f"STILL ON AIR (seen {seen['checkedAt'][11:19]} UTC). ", error_in(result)
    assert text_of(result) == error["message"]
    for text in (text_of(result), data_of(result)["summary"]):
        assert text.startswith(said)
        assert f". E{ELSEWHERE}" in text
    assert error["outcome"] in {"not_applied", "unknown"}
    assert error["retryable"] is (answer == "429")


@pytest.mark.parametrize("answer", ["403", "500", "lost"])
@in_virtual_time
async def test_where_nothing_can_be_seen_it_is_told_where_else_to_end_the_show(answer: str) -> None:
    async with in_virtual_world() as it:
        put_on_air(it.trax)
        result = await stop(it, answer=answer, seen=Fault.status(500))
    assert text_of(result).startswith("It may still be on air: the status couldn't be read. ")
    assert f". If it's on air, e{ELSEWHERE}" in text_of(result)
    assert (result.is_error, state_in(result)) == (True, "unknown")


@in_virtual_time
async def test_an_accepted_stop_that_cannot_be_seen_is_no_proof() -> None:
    async with in_virtual_world() as it:
        put_on_air(it.trax)
        result = await stop(it, seen=Fault.error(403, "insufficient_scope"))
    assert " may still be on air: TRaX accepted the request to go offline, but " in text_of(result)
    assert f"e{ELSEWHERE}" in text_of(result)
    assert (result.is_error, state_in(result)) == (False, "unknown")


@in_virtual_time
async def test_a_show_that_was_seen_on_air_last_is_told_although_trax_fails_then() -> None:
    async with in_virtual_world() as it:
        put_on_air(it.trax)
        it.trax.faults.add(UNPROVEN["ok, and nothing happens"], path=STOP)
        confirmation = await it[MINE].confirmation("go_offline")
        async with anyio.create_task_group() as tasks:
            stopped = begin(tasks, partial(it[MINE].use, "go_offline", confirmation))
            await anyio.sleep(4.5)
            see(it, Fault.status(502))
    assert text_of(stopped[0]).startswith("STILL ON AIR (seen ")
    assert ACCEPTED in text_of(stopped[0])


# What was seen outweighs what was answered


@pytest.mark.parametrize("answer", ["500", "lost", "a page with 200", "ok: false"])
@in_virtual_time
async def test_a_stop_that_was_seen_to_work_is_done_whatever_trax_answered(answer: str) -> None:
    async with in_virtual_world() as it:
        put_on_air(it.trax)
        result = await stop(it, answer=answer, seen=NOT_LIVE)
    assert text_of(result).startswith('"Friday Night Show" is off air.')
    assert (result.is_error, state_in(result)) == (False, "off_air")


@in_virtual_time
async def test_a_stop_of_what_is_off_air_already_is_no_failure(tmp_path: Path) -> None:
    """TRaX refuses it with 409. The audit log has that nothing was changed."""
    audit = tmp_path / "audit.jsonl"
    async with in_virtual_world(TRAX_AUDIT_LOG=str(audit)) as it:
        it.trax.faults.add(UNPROVEN["409"], path=STOP)
        result = await it[MINE].confirmed("go_offline")
    assert text_of(result).startswith('"Friday Night Show" is off air already.\n')
    assert (result.is_error, state_in(result)) == (False, "off_air")
    sent = audit_lines(audit)[-1]
    assert (sent["event"], sent["outcome"], sent["observed"]) == ("sent", "not_applied", "off_air")


@in_virtual_time
async def test_a_stop_that_trax_refuses_the_key_is_told_to_be_off_air_if_it_is() -> None:
    async with in_virtual_world() as it:
        it.trax.faults.add(UNPROVEN["403"], path=STOP)
        result = await it[MINE].confirmed("go_offline")
    assert text_of(result).startswith("It's off air (seen ")
    assert outcome(result) == ("failed", "insufficient_scope")
    assert state_in(result) == "off_air"


# A start that may still come


@pytest.mark.parametrize(
    ("answer", "is_error", "state", "next_step"),
    [
        ("ok, and nothing happens", False, "stopping", "Check with check_studio in a minute."),
        ("lost", True, "stopping", "Check with check_studio in a minute."),
        ("409", True, "starting", "Call go_offline again in a few seconds."),
        ("423", True, "starting", "Call go_offline again in a few seconds."),
    ],
)
@in_virtual_time
async def test_a_stop_before_a_start_was_seen_is_not_told_as_done(
    *, answer: str, is_error: bool, state: str, next_step: str
) -> None:
    """TRaX takes 25 seconds to start, and the start wins. `check_studio` does not forget it."""
    async with in_virtual_world() as it:
        see(it, NOT_LIVE)
        assert state_in(await it[MINE].confirmed("go_live")) == "starting"
        it.trax.faults.add(UNPROVEN[answer], path=STOP, times=None)
        result = await it[MINE].confirmed("go_offline")
        looked = await it[MINE].call("check_studio", studioId="studio_42")
    begins = "It's off air now (seen " if is_error else MAY_COME
    assert text_of(result).startswith(begins)
    assert "a start may still come." in text_of(result)
    assert next_step in text_of(result)
    assert (result.is_error, state_in(result)) == (is_error, state)
    assert '"Friday Night Show" may be starting' in text_of(looked)


@in_virtual_time
async def test_after_a_stop_that_a_start_may_outlive_a_person_can_go_live_again() -> None:
    async with in_virtual_world() as it:
        see(it, NOT_LIVE)
        await it[MINE].confirmed("go_live")
        await it[MINE].confirmed("go_offline")
        it.trax.faults.clear()
        await anyio.sleep(2)  # so long TRaX takes to stop
        assert state_in(await it[MINE].confirmed("go_live")) == "on_air"


@in_virtual_time
async def test_a_start_that_is_seen_on_air_before_the_stop_has_come() -> None:
    """The question about the stop shows it, or the watch of the stop."""
    for is_asked in (True, False):
        async with in_virtual_world() as it:
            confirmation = await it[MINE].confirmation("go_offline")
            see(it, NOT_LIVE)
            assert state_in(await it[MINE].confirmed("go_live")) == "starting"
            it.trax.faults.clear()
            if is_asked:
                confirmation = await it[MINE].confirmation("go_offline")
                see(it, NOT_LIVE)  # TRaX stops it at once
            result = await it[MINE].use("go_offline", confirmation)
            looked = await it[MINE].call("check_studio", studioId="studio_42")
        assert text_of(result).startswith('"Friday Night Show" is off air.\n')
        assert state_in(result) == "off_air"
        assert " is off air and ready to go live" in text_of(looked)


@pytest.mark.parametrize("answer", ["409", "403", "429"])
@in_virtual_time
async def test_a_stop_that_trax_refused_does_not_end_the_watch_of_a_start(answer: str) -> None:
    """The start is told by what was seen. `a stop came after it` is said of no refused one."""
    async with in_virtual_world() as it:
        it.trax.faults.add(NOT_LIVE, times=10, path=STATUS)
        go_live = await it[MINE].confirmation("go_live")
        stop = await it[MINE].confirmation("go_offline")
        it.trax.faults.add(UNPROVEN[answer], times=None, path=STOP)
        async with anyio.create_task_group() as tasks:
            started = begin(tasks, partial(it[MINE].use, "go_live", go_live))
            await anyio.sleep(4)
            assert (await it[MINE].use("go_offline", stop)).is_error
    assert state_in(started[0]) == "on_air"
    assert "a request to go offline came" not in text_of(started[0])


@in_virtual_time
async def test_a_start_that_could_not_be_taken_off_the_air_again_is_told_as_it_is_seen() -> None:
    """A stop comes while the go-live is sent. TRaX refuses that one, and the one that undoes it."""
    async with in_virtual_world() as it:
        go_live = await it[MINE].confirmation("go_live")
        stop = await it[MINE].confirmation("go_offline")
        it.trax.faults.slow(5, path="/go-live")
        it.trax.faults.add(UNPROVEN["409"], times=None, path=STOP)
        async with anyio.create_task_group() as tasks:
            started = begin(tasks, partial(it[MINE].use, "go_live", go_live))
            await anyio.sleep(1)
            await it[MINE].use("go_offline", stop)
        assert it.is_live
        assert len(it.times_of("/go-live")) == 1
    assert state_in(started[0]) == "on_air"
    failed = "Then a request to go offline came, but the show couldn't be taken off air."
    assert failed in text_of(started[0])
