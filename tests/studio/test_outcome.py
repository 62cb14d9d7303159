"""After a go-live or a stop the status is read until it is as wanted, for 15 seconds at most.

What is said when it is not so in time is tested in `tests/consent/test_consent_outcome`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.fact_reads import STATUS
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.resource_reads import client_of
from tests.support.simulated_person import ProgressLog

if TYPE_CHECKING:
    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox

CONFIRMED: Final = {"studioId": "studio_42", "confirm": True}
FOUND: Final = {
    "state": "on_air",
    "since": "2026-06-05T18:00:03.000Z",
    "checkedAt": "2026-06-05T18:00:03Z",
}


async def observe(
    server: Server[Any], tool: str = "go_live"
) -> tuple[dict[str, Any], list[tuple[float, float | None, str | None]]]:
    """What was observed after a change, and the progress meanwhile."""
    progress = ProgressLog()
    async with client_of(server) as client:
        result = await client.call_tool(tool, CONFIRMED, progress_callback=progress)
    return (result.structured_content or {})["observed"], progress.all


def reads_after(sandbox: Sandbox, change: str) -> int:
    """How often the status was read since a change. Nothing else may be read."""
    (sent,) = [it for it, log in enumerate(sandbox.requests) if log.path.endswith(change)]
    later = list(sandbox.requests)[sent + 1 :]
    assert {(it.method, it.path) for it in later} == {("GET", STATUS)}
    return len(later)


async def test_a_client_sees_the_progress_until_a_studio_is_on_air(
    flag_server: Server[Any], sandbox: Sandbox
) -> None:
    """The studio is not on air at 0, 1 and 2 s, and is on air at 3 s."""
    observed, progress = await observe(flag_server)
    assert observed == FOUND
    assert progress == [(gone, 15, "Waiting to be on air.") for gone in (0, 1, 2)]
    assert reads_after(sandbox, "go-live") == 4


async def test_a_client_sees_the_progress_until_a_studio_is_off_air(
    flag_server: Server[Any], sandbox: Sandbox
) -> None:
    """The studio stays on air for a second after a stop."""
    put_on_air(sandbox)
    observed, progress = await observe(flag_server, "go_offline")
    assert observed == {"state": "off_air", "checkedAt": "2026-06-05T18:01:01Z"}
    assert progress == [(0, 15, "Waiting to be off air.")]


@pytest.mark.parametrize(
    "fault",
    [Fault.status(502), Fault.dropped(), Fault.error(429, "rate_limited"), Fault.truncated()],
    ids=["gateway", "dropped", "rate limited", "unreadable"],
)
async def test_a_read_that_fails_is_followed_by_another(
    flag_server: Server[Any], sandbox: Sandbox, fault: Fault
) -> None:
    """Each read is one request without retries, since the next read comes soon."""
    break_twice = Fault.followed_by(lambda: sandbox.faults.add(fault, times=2, path=STATUS))
    sandbox.faults.add(break_twice, path="*/go-live")
    assert (await observe(flag_server))[0] == FOUND
    assert reads_after(sandbox, "go-live") == 4


async def test_the_latest_read_decides(flag_server: Server[Any], sandbox: Sandbox) -> None:
    """A failure at the end makes the state unknown, although it was "starting" before."""
    off_air = Fault.status(200, {"live": False})

    def fail_last() -> None:
        sandbox.faults.add(off_air, times=15, path=STATUS)
        sandbox.faults.add(Fault.status(502), times=None, path=STATUS)

    sandbox.faults.add(Fault.followed_by(fail_last), path="*/go-live")
    assert (await observe(flag_server))[0]["state"] == "unknown"


@pytest.mark.parametrize(
    ("missing", "since"),
    [
        (("liveStartedAt",), {"since": "2026-06-05T18:00:00.000Z"}),
        (("liveStartedAt", "broadcastStartedAt"), {}),
    ],
)
async def test_the_start_of_the_broadcast_stands_in_for_a_missing_live_time(
    flag_server: Server[Any], sandbox: Sandbox, *, missing: tuple[str, ...], since: dict[str, str]
) -> None:
    """TRaX does not always tell since when viewers see it. The status alone decides."""

    def leave_out(status: dict[str, Any]) -> None:
        for name in missing:
            status.pop(name, None)

    sandbox.faults.add(Fault.patched(leave_out), times=None, path=STATUS)
    observed, _ = await observe(flag_server)
    assert observed == {"state": "on_air", **since, "checkedAt": "2026-06-05T18:00:03Z"}
