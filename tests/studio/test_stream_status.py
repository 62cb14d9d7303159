"""What a stream status means in words, and how it is read after a go-live or a stop.

It is read until it is as wanted, for 15 seconds at most. What is said when it is not so in time is
tested in `tests/consent/test_consent_outcome`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.fact_reads import STATUS
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.simulated_person import ProgressLog
from tests.world.answers import text_of
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from tests.world.world import World

OFF_AIR: Final = Fault.status(200, {"live": False})
STARTING: Final = (
    "The show may be starting: a go-live was sent in the last minute, but it hasn't been seen on"
    " air yet."
)
FOUND: Final = {
    "state": "on_air",
    "since": "2026-06-05T18:00:03.000Z",
    "checkedAt": "2026-06-05T18:00:03Z",
}


async def status(it: World) -> str:
    """The sentence before the status."""
    result = await it[MINE].call("get_stream_status")
    assert not result.is_error
    return text_of(result).partition("\n")[0]


async def test_a_studio_is_off_air_or_on_air_for_so_long() -> None:
    """A model does not know what time it is."""
    async with open_world(MINE) as it:
        assert await status(it) == "The show is off air."
        put_on_air(it.trax)
        it.hand_clock.advance(11 * 60)
        told = await status(it)
    assert told == "The show has been on air for 11 minutes (since 18:00 UTC)."


async def test_a_go_live_that_is_not_seen_yet_is_told_for_a_minute() -> None:
    """TRaX still calls the studio off air."""
    async with open_world(MINE, TRAX_ASK="confirm_alone") as it:
        it.trax.faults.add(OFF_AIR, times=None, path=STATUS)
        await it[MINE].call("go_live", confirm=True)
        assert await status(it) == STARTING
        it.hand_clock.advance(61)
        assert await status(it) == "The show is off air."


async def test_an_unclear_status_is_not_called_off_air() -> None:
    """TRaX's site may have started a stream, and TRaX may leave out what it documents."""
    unclear: list[tuple[dict[str, Any], str]] = [
        ({}, ""),
        ({"live": None}, ""),
        ({"live": "yes and no"}, ""),
        (
            {"live": False, "encoderStreamId": "stream_1"},
            ": TRaX lists a stream, but doesn't call it live",
        ),
    ]
    async with open_world(MINE) as it:
        for answer, reason in unclear:
            it.trax.faults.add(Fault.status(200, answer), path=STATUS)
            assert await status(it) == f"It's unclear whether the show is on air{reason}."


# After a go-live or a stop


async def observed(it: World, tool: str = "go_live") -> tuple[dict[str, Any], int]:
    """What is observed after a change, and by how many reads. Nothing but the status is read."""
    it[MINE].progress = ProgressLog()
    found: dict[str, Any] = (await it[MINE].data(tool, confirm=True))["observed"]
    sent = [each.method for each in it.trax.requests]
    later = list(it.trax.requests)[len(sent) - sent[::-1].index("POST") :]
    assert {(each.method, each.path) for each in later} == {("GET", STATUS)}
    return found, len(later)


async def test_a_client_sees_the_progress_until_a_studio_is_on_or_off_air() -> None:
    """It is not on air at 0, 1 and 2 s, and is at 3 s. It stays on air for a second after a stop.

    A state that is as wanted already takes one read, and no progress.
    """
    async with open_world(MINE, TRAX_ASK="confirm_alone") as it:
        assert await observed(it) == (FOUND, 4)
        waited = [(gone, 15, "Waiting until it's on air.") for gone in (0, 1, 2)]
        assert progress_of(it) == waited
        it.hand_clock.advance(57)
        found, _ = await observed(it, "go_offline")
        assert found == {"state": "off_air", "checkedAt": "2026-06-05T18:01:01Z"}
        assert progress_of(it) == [(0, 15, "Waiting until it's off air.")]
        found, reads = await observed(it, "go_offline")
        assert (found["state"], reads) == ("off_air", 1)
        assert progress_of(it) == []


def progress_of(it: World) -> list[tuple[float, float | None, str | None]]:
    """The progress of the last change."""
    progress = it[MINE].progress
    assert isinstance(progress, ProgressLog)
    return progress.all


@pytest.mark.parametrize(
    "fault",
    [Fault.status(502), Fault.dropped(), Fault.error(429, "rate_limited"), Fault.truncated()],
    ids=["gateway", "dropped", "rate limited", "unreadable"],
)
async def test_a_read_that_fails_is_followed_by_another(fault: Fault) -> None:
    """Each read is one request without retries, since the next read comes soon."""
    async with open_world(MINE, TRAX_ASK="confirm_alone") as it:
        twice = Fault.followed_by(lambda: it.trax.faults.add(fault, times=2, path=STATUS))
        it.trax.faults.add(twice, path="*/go-live")
        assert await observed(it) == (FOUND, 4)


async def test_the_latest_read_decides() -> None:
    """A failure at the end makes the state unknown, although it was "starting" before."""
    async with open_world(MINE, TRAX_ASK="confirm_alone") as it:

        def fail_last() -> None:
            it.trax.faults.add(OFF_AIR, times=15, path=STATUS)
            it.trax.faults.add(Fault.status(502), times=None, path=STATUS)

        it.trax.faults.add(Fault.followed_by(fail_last), path="*/go-live")
        assert (await observed(it))[0]["state"] == "unknown"


@pytest.mark.parametrize(
    ("missing", "since"),
    [
        (("liveStartedAt",), {"since": "2026-06-05T18:00:00.000Z"}),
        (("liveStartedAt", "broadcastStartedAt"), {}),
    ],
)
async def test_the_start_of_the_broadcast_stands_in_for_a_missing_live_time(
    missing: tuple[str, ...], since: dict[str, str]
) -> None:
    """TRaX does not always tell since when viewers see it. The status alone decides."""

    def leave_out(status: dict[str, Any]) -> None:
        for name in missing:
            status.pop(name, None)

    async with open_world(MINE, TRAX_ASK="confirm_alone") as it:
        it.trax.faults.add(Fault.patched(leave_out), times=None, path=STATUS)
        found, _ = await observed(it)
    assert found == {"state": "on_air", **since, "checkedAt": "2026-06-05T18:00:03Z"}
