"""get_stream_status says in words what TRaX's status means, and knows of a go-live under way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.conftest import call, text_of
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air

if TYPE_CHECKING:
    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox

SHOW: Final = {"studioId": "studio_42"}
STARTING: Final = (
    "The studio may be starting: a go-live was sent within the last minute and is not seen on air"
    " yet."
)


async def status(server: Server[Any]) -> str:
    """The sentence before the status."""
    result = await call(server, "get_stream_status", SHOW)
    assert not result.is_error
    return text_of(result).partition("\n")[0]


async def test_a_studio_off_air_is_called_so(server: Server[Any]) -> None:
    """Nothing was sent."""
    assert await status(server) == "The studio is off air."


async def test_a_studio_on_air_comes_with_how_long_it_has_been(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """A model does not know what time it is."""
    put_on_air(sandbox)
    sandbox.clock.advance(11 * 60)
    assert await status(server) == "The studio has been on air for 11 minutes (since 18:00 UTC)."


async def test_a_go_live_that_is_not_seen_yet_is_told_for_a_minute(
    flag_server: Server[Any], sandbox: Sandbox
) -> None:
    """TRaX still calls the studio off air."""
    off_air = Fault.status(200, {"live": False})
    sandbox.faults.add(off_air, times=None, path="*/stream-status")
    await call(flag_server, "go_live", {**SHOW, "confirm": True})
    assert await status(flag_server) == STARTING
    sandbox.clock.advance(61)
    assert await status(flag_server) == "The studio is off air."


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({}, ""),
        ({"live": None}, ""),
        ({"live": "yes and no"}, ""),
        (
            {"live": False, "encoderStreamId": "stream_1"},
            ": TRaX tells of a stream that it does not call live",
        ),
    ],
    ids=str,
)
async def test_an_unclear_status_is_not_called_off_air(
    server: Server[Any], sandbox: Sandbox, answer: dict[str, Any], reason: str
) -> None:
    """TRaX's site may have started a stream, and TRaX may leave out what it documents."""
    sandbox.faults.add(Fault.status(200, answer), path="*/stream-status")
    assert await status(server) == f"Whether the studio is on air is not known{reason}."
