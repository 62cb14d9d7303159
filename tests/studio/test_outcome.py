"""`OutcomeObserver` polls the status until it is as wanted, or for 15 seconds. It never guesses.

The test moves the clock, so that pauses between reads take no time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.conftest import OWNER
from tests.support.product.faults import Fault
from tests.support.product.sandbox_accounts import REVOKED_KEY
from trax_mcp.api.caller import Caller
from trax_mcp.sandbox.keys import ACCOUNT
from trax_mcp.sandbox.records import Key
from trax_mcp.studio.facts import Observed
from trax_mcp.studio.outcome import OBSERVED_SECONDS, OutcomeObserver

if TYPE_CHECKING:
    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock
    from trax_mcp.api.client import Client

STUDIO: Final = "studio_42"
NARROW_KEY: Final = "sk_live_sandbox_narrow"
STATUS: Final = f"/v1/studios/{STUDIO}/stream-status"


class ProgressReports(list[tuple[float, float, str]]):
    """The progress that was reported."""

    async def __call__(self, gone: float, most: float, doing: str) -> None:
        """Keep a report."""
        self.append((gone, most, doing))


async def watch(
    trax: Client,
    clock: HandClock,
    *,
    live: bool,
    caller: Caller = OWNER,
    reports: ProgressReports | None = None,
) -> Observed:
    """Watch the studio to the end."""
    watching = OutcomeObserver(trax, caller, STUDIO, clock=clock)
    with anyio.fail_after(5):
        return await watching.run(
            live=live, progress=ProgressReports() if reports is None else reports
        )


def go_live(sandbox: Sandbox) -> None:
    """Begin a stream, at 18:00:00; it is on air three seconds later."""
    sandbox.world.go_live(sandbox.world.studios[STUDIO])


async def test_a_studio_on_air_has_the_start_time_of_trax(
    trax: Client, clock: HandClock, sandbox: Sandbox
) -> None:
    """The studio is not on air at 0, 1 and 2 s, and is on air at 3 s."""
    go_live(sandbox)
    reports = ProgressReports()
    observed = await watch(trax, clock, live=True, reports=reports)
    assert observed == Observed("on_air", "2026-06-05T18:00:03Z", "2026-06-05T18:00:03.000Z")
    assert reports == [(gone, 15, "Waiting to be on air.") for gone in (0, 1, 2)]
    assert len(sandbox.requests) == 4


async def test_a_state_that_is_as_wanted_already_takes_one_read(
    trax: Client, clock: HandClock, sandbox: Sandbox
) -> None:
    """No progress is reported, since there is nothing to wait for."""
    reports = ProgressReports()
    observed = await watch(trax, clock, live=False, reports=reports)
    assert observed == Observed("off_air", "2026-06-05T18:00:00Z")
    assert reports == []
    assert len(sandbox.requests) == 1


async def test_a_stop_is_seen_once_the_studio_is_off_air(
    trax: Client, clock: HandClock, sandbox: Sandbox
) -> None:
    """The studio stays on air for a second after a stop."""
    go_live(sandbox)
    clock.advance(60)
    sandbox.world.go_offline(sandbox.world.studios[STUDIO])
    reports = ProgressReports()
    observed = await watch(trax, clock, live=False, reports=reports)
    assert observed == Observed("off_air", "2026-06-05T18:01:01Z")
    assert reports == [(0, 15, "Waiting to be off air.")]


@pytest.mark.parametrize(("live", "state"), [(True, "starting"), (False, "stopping")])
async def test_a_change_that_takes_longer_than_15_seconds_is_still_under_way(
    trax: Client, clock: HandClock, sandbox: Sandbox, *, live: bool, state: str
) -> None:
    """It is no failure, and the studio counts as neither on air nor off air."""
    if not live:
        go_live(sandbox)
        clock.advance(60)
    began = clock.seconds()
    reports = ProgressReports()
    observed = await watch(trax, clock, live=live, reports=reports)
    assert observed.state == state
    assert observed.since is None
    assert clock.seconds() - began == OBSERVED_SECONDS == 15
    assert [gone for gone, _, _ in reports] == list(range(15))


async def test_the_start_of_the_broadcast_stands_in_for_a_missing_live_time(
    trax: Client, clock: HandClock, sandbox: Sandbox
) -> None:
    """TRaX does not always tell since when viewers see it."""
    go_live(sandbox)
    clock.advance(60)
    sandbox.faults.add(Fault.patched(lambda status: status.pop("liveStartedAt")))
    assert (await watch(trax, clock, live=True)).since == "2026-06-05T18:00:00.000Z"


async def test_a_studio_without_any_time_is_on_air_too(
    trax: Client, clock: HandClock, sandbox: Sandbox
) -> None:
    """The status alone decides."""
    sandbox.faults.add(Fault.status(200, {"live": True}))
    assert await watch(trax, clock, live=True) == Observed("on_air", "2026-06-05T18:00:00Z")


@pytest.mark.parametrize(
    "fault",
    [Fault.status(502), Fault.dropped(), Fault.error(429, "rate_limited"), Fault.truncated()],
    ids=["gateway", "dropped", "rate limited", "unreadable"],
)
async def test_a_read_that_fails_is_followed_by_another(
    trax: Client, clock: HandClock, sandbox: Sandbox, fault: Fault
) -> None:
    """Each read is one request without retries, since the next read comes soon."""
    go_live(sandbox)
    sandbox.faults.add(fault, times=2, path=STATUS)
    assert (await watch(trax, clock, live=True)).state == "on_air"
    assert len(sandbox.requests) == 4


async def test_reads_that_keep_failing_leave_the_state_unknown(
    trax: Client, clock: HandClock, sandbox: Sandbox
) -> None:
    """The time of the check is that of our own clock."""
    go_live(sandbox)
    sandbox.faults.add(Fault.status(502), times=None)
    assert await watch(trax, clock, live=True) == Observed("unknown", "2026-06-05T18:00:15Z")


async def test_the_latest_read_decides(trax: Client, clock: HandClock, sandbox: Sandbox) -> None:
    """A failure at the end makes the state unknown, although it was "starting" before."""
    sandbox.faults.add(Fault.delay(0), times=15)
    sandbox.faults.add(Fault.status(502), times=None)
    assert (await watch(trax, clock, live=True)).state == "unknown"


@pytest.mark.parametrize("key", [REVOKED_KEY, NARROW_KEY], ids=["revoked", "without the scope"])
async def test_a_status_that_the_key_may_not_read_is_unknown_at_once(
    trax: Client, clock: HandClock, sandbox: Sandbox, key: str
) -> None:
    """A later read would fail too."""
    sandbox.world.keys[NARROW_KEY] = Key(NARROW_KEY, "narrow", ACCOUNT, frozenset())
    go_live(sandbox)
    observed = await watch(trax, clock, live=True, caller=Caller(key))
    assert observed == Observed("unknown", "2026-06-05T18:00:00Z")
    assert len(sandbox.requests) == 1


async def test_watching_changes_nothing(trax: Client, clock: HandClock, sandbox: Sandbox) -> None:
    """It only reads the status of one studio."""
    await watch(trax, clock, live=True)
    assert {(it.method, it.path) for it in sandbox.requests} == {("GET", STATUS)}
