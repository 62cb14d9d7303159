"""The real clock: seconds that nobody can set, dates in UTC, and UTC wherever the machine is."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.conftest import call
from tests.support.guarded_calls import GO_LIVE, STUDIO
from tests.world.answers import text_of
from trax_mcp.clock import Clock

if TYPE_CHECKING:
    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox


def test_seconds_are_those_that_no_change_of_the_date_moves() -> None:
    """They lie between two readings of the monotonic clock, which no time server sets."""
    before, seconds, after = time.monotonic(), Clock().seconds(), time.monotonic()
    assert before <= seconds <= after


def test_the_date_is_in_utc() -> None:
    """With its zone, on a machine that is hours away."""
    assert time.localtime().tm_gmtoff
    before, now, after = datetime.now(UTC), Clock().now(), datetime.now(UTC)
    assert before <= now <= after
    assert now.utcoffset() == timedelta(0)


async def test_a_time_that_is_called_utc_is_in_utc(flag_server: Server, sandbox: Sandbox) -> None:
    """Not in the zone of the machine: a person in India reads when the show began."""
    began = datetime.fromtimestamp(sandbox.clock.now(), UTC)
    await call(flag_server, GO_LIVE.tool, {**GO_LIVE.arguments, "confirm": True})
    shown = text_of(await call(flag_server, "get_stream_status", STUDIO))
    assert f"since {began:%H:%M} UTC" in shown
