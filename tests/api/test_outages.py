"""An outage of TRaX is two lines of the log: that it fails, and that it is back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import mcp
import pytest

from tests.support.guarded_calls import STUDIO
from tests.support.product.faults import Fault

if TYPE_CHECKING:
    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock

FAILURES: Final = {
    "TRaX fails (internal_error, HTTP 500).": Fault.error(500, "internal_error"),
    "TRaX fails (bad_answer, HTTP 200).": Fault.status(200, "<h1>Log in</h1>"),
    "TRaX fails (unreachable).": Fault.dropped(),
}
REFUSALS: Final = (
    Fault.error(403, "insufficient_scope"),
    Fault.error(404, "not_found"),
    Fault.error(429, "rate_limited"),
    Fault.error(503, "write_disabled"),
)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines about outages."""
    return [it.getMessage() for it in caplog.records if it.name == "trax_mcp.api.outages"]


async def read(server: Server[object]) -> None:
    """Read from TRaX once."""
    async with mcp.Client(server, cache=None) as client:
        await client.call_tool("get_stream_status", STUDIO)


@pytest.mark.parametrize("line", FAILURES)
async def test_an_outage_is_a_line_at_its_beginning_and_one_at_its_end(
    server: Server[object],
    sandbox: Sandbox,
    clock: HandClock,
    caplog: pytest.LogCaptureFixture,
    line: str,
) -> None:
    """It ends with the first answer."""
    for _ in range(2):
        caplog.clear()
        sandbox.faults.add(FAILURES[line], times=None)
        for _ in range(3):
            await read(server)
            clock.advance(4)
        assert told(caplog) == [line]
        sandbox.faults.clear()
        await read(server)
        await read(server)
        assert told(caplog) == [line, "TRaX is back, after 12 s."]


async def test_a_trax_that_fails_every_other_call_is_told_each_time(
    server: Server[object], sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        sandbox.faults.add(Fault.error(500, "internal_error"), times=1)
        await read(server)
        await read(server)
    lines = ["TRaX fails (internal_error, HTTP 500).", "TRaX is back, after 0 s."]
    assert told(caplog) == lines * 3


async def test_a_refusal_is_no_outage(
    server: Server[object], sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong key, a wrong id or too many calls are the caller's own."""
    for fault in REFUSALS:
        sandbox.faults.add(fault, times=1)
        await read(server)
    assert told(caplog) == []
