"""Whether it happened: looked at until it is known or time is up, and never claimed.

The pauses between looks pass at once, by the clock in the test's hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.conftest import OWNER
from trax_mcp.api.caller import Caller
from trax_mcp.sandbox import REVOKED_KEY, Fault
from trax_mcp.sandbox.keys import ACCOUNT
from trax_mcp.sandbox.records import Key
from trax_mcp.studio.outcome import WATCH_SECONDS, Observed, Watch

if TYPE_CHECKING:
    from tests.hand import HandClock
    from trax_mcp.api.client import Client
    from trax_mcp.sandbox import Sandbox

STUDIO: Final = "studio_42"
NARROW_KEY: Final = "sk_live_sandbox_narrow"
STATUS: Final = f"/v1/studios/{STUDIO}/stream-status"


class Told(list[tuple[float, float, str]]):
    """What was said about how far it is."""

    async def __call__(self, gone: float, most: float, doing: str) -> None:
        """Remember it."""
        self.append((gone, most, doing))


async def look(
    trax: Client, clock: HandClock, *, live: bool, caller: Caller = OWNER, told: Told | None = None
) -> Observed:
    """Watch the studio to the end."""
    watch = Watch(trax, caller, STUDIO, clock=clock)
    with anyio.fail_after(5):
        return await watch.look(live=live, progress=Told() if told is None else told)


def go_live(sandbox: Sandbox) -> None:
    """Begin a stream, at 18:00:00; it is on air three seconds later."""
    sandbox.world.go_live(sandbox.world.studios[STUDIO])


async def test_on_air_is_told_with_traxs_own_time(
    trax: Client, clock: HandClock, sandbox: Sandbox
) -> None:
    """As soon as it is so: not on air at 0, 1 and 2 s, on air at 3 s."""
    go_live(sandbox)
    told = Told()
    observed = await look(trax, clock, live=True, told=told)
    assert observed == Observed("on_air", "2026-06-05T18:00:03Z", "2026-06-05T18:00:03.000Z")
    assert told == [(gone, 15, "Waiting to be on air.") for gone in (0, 1, 2)]
    assert len(sandbox.requests) == 4


async def test_what_is_so_already_takes_one_look(
    trax: Client, clock: HandClock, sandbox: Sandbox
) -> None:
    """Nobody waits for what has happened, and nothing is said about waiting."""
    told = Told()
    observed = await look(trax, clock, live=False, told=told)
    assert observed == Observed("off_air", "2026-06-05T18:00:00Z")
    assert told == []
    assert len(sandbox.requests) == 1


async def test_off_air_is_seen_when_it_is(trax: Client, clock: HandClock, sandbox: Sandbox) -> None:
    """It lingers for a second after a stop."""
    go_live(sandbox)
    clock.advance(60)
    sandbox.world.go_offline(sandbox.world.studios[STUDIO])
    told = Told()
    observed = await look(trax, clock, live=False, told=told)
    assert observed == Observed("off_air", "2026-06-05T18:01:01Z")
    assert told == [(0, 15, "Waiting to be off air.")]


@pytest.mark.parametrize(("live", "state"), [(True, "starting"), (False, "stopping")])
async def test_after_fifteen_seconds_it_is_still_under_way(
    trax: Client, clock: HandClock, sandbox: Sandbox, *, live: bool, state: str
) -> None:
    """That is not a failure, and it is not called on air or off air either."""
    if not live:
        go_live(sandbox)
        clock.advance(60)
    began = clock.seconds()
    told = Told()
    observed = await look(trax, clock, live=live, told=told)
    assert observed.state == state
    assert observed.since is None
    assert clock.seconds() - began == WATCH_SECONDS == 15
    assert [gone for gone, _, _ in told] == list(range(15))


async def test_the_broadcasts_beginning_is_second_best(
    trax: Client, clock: HandClock, sandbox: Sandbox
) -> None:
    """Where TRaX does not say since when viewers see it."""
    go_live(sandbox)
    clock.advance(60)
    sandbox.faults.add(Fault.patched(lambda status: status.pop("liveStartedAt")))
    assert (await look(trax, clock, live=True)).since == "2026-06-05T18:00:00.000Z"


async def test_on_air_since_nobody_knows_when(
    trax: Client, clock: HandClock, sandbox: Sandbox
) -> None:
    """It is on air all the same."""
    sandbox.faults.add(Fault.status(200, {"live": True}))
    assert await look(trax, clock, live=True) == Observed("on_air", "2026-06-05T18:00:00Z")


@pytest.mark.parametrize(
    "fault",
    [Fault.status(502), Fault.dropped(), Fault.error(429, "rate_limited"), Fault.truncated()],
    ids=["gateway", "dropped", "rate limited", "unreadable"],
)
async def test_a_passing_trouble_is_looked_past(
    trax: Client, clock: HandClock, sandbox: Sandbox, fault: Fault
) -> None:
    """One look that fails is not the end; each look is one request, since the next comes soon."""
    go_live(sandbox)
    sandbox.faults.add(fault, times=2, path=STATUS)
    assert (await look(trax, clock, live=True)).state == "on_air"
    assert len(sandbox.requests) == 4


async def test_trouble_that_lasts_leaves_it_unknown(
    trax: Client, clock: HandClock, sandbox: Sandbox
) -> None:
    """After fifteen seconds, dated by our own clock; nothing that was not seen is claimed."""
    go_live(sandbox)
    sandbox.faults.add(Fault.status(502), times=None)
    assert await look(trax, clock, live=True) == Observed("unknown", "2026-06-05T18:00:15Z")


async def test_what_was_seen_last_counts(trax: Client, clock: HandClock, sandbox: Sandbox) -> None:
    """Trouble at the end of the time leaves unknown what was "starting" before."""
    sandbox.faults.add(Fault.delay(0), times=15)
    sandbox.faults.add(Fault.status(502), times=None)
    assert (await look(trax, clock, live=True)).state == "unknown"


@pytest.mark.parametrize("key", [REVOKED_KEY, NARROW_KEY], ids=["revoked", "without the scope"])
async def test_what_the_key_may_not_see_is_unknown_at_once(
    trax: Client, clock: HandClock, sandbox: Sandbox, key: str
) -> None:
    """Waiting would not help."""
    sandbox.world.keys[NARROW_KEY] = Key(NARROW_KEY, "narrow", ACCOUNT, frozenset())
    go_live(sandbox)
    observed = await look(trax, clock, live=True, caller=Caller(key))
    assert observed == Observed("unknown", "2026-06-05T18:00:00Z")
    assert len(sandbox.requests) == 1


async def test_watching_changes_nothing(trax: Client, clock: HandClock, sandbox: Sandbox) -> None:
    """It reads the status of one studio, and nothing else."""
    await look(trax, clock, live=True)
    assert {(it.method, it.path) for it in sandbox.requests} == {("GET", STATUS)}
