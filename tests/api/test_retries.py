"""Which calls are sent again, how often and after which pause. The pauses take no time."""

from __future__ import annotations

import re
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.conftest import call
from tests.support.loopback_ports import closed_port
from tests.support.product.faults import Fault
from tests.support.product.sandbox_transport import SandboxTransport
from tests.support.product.server import Product
from tests.support.single_faults import READ, WRITE, failure_in
from tests.world.answers import plain_data_of

if TYPE_CHECKING:
    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox
    from tests.support.single_faults import Call

HTML_PAGE: Final = "<html><body>Bad gateway</body></html>"


class Unreachable(httpx.AsyncBaseTransport):
    """Fails to connect for the first `times` requests, then reaches the sandbox."""

    def __init__(self, sandbox: Sandbox, error: httpx.TransportError, times: int) -> None:
        self._sandbox = SandboxTransport(sandbox)
        self._error = error
        self._remaining = times

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Fail, or pass the request on."""
        if self._remaining:
            self._remaining -= 1
            raise self._error
        return await self._sandbox.handle_async_request(request)


class Pauses(list[float]):
    """The pauses before requests are sent again, in seconds."""

    async def sleep(self, seconds: float) -> None:
        """Record the pause and return at once."""
        self.append(seconds)

    def check(self, *middle: float) -> None:
        """Pauses vary, so that clients do not retry in step, around 0.2 s and then 0.4 s."""
        varied = [0.1, 0.2][: len(middle)]
        assert len(self) == len(middle)
        for pause, expected, by in zip(self, middle, varied, strict=True):
            assert expected - by <= pause <= expected + by


def pausing_server(
    sandbox: Sandbox, *, transport: httpx.AsyncBaseTransport | None = None
) -> tuple[Server[Any], Pauses]:
    """A server, and the pauses that it takes."""
    pauses = Pauses()
    return Product(sandbox, transport=transport, pause=pauses.sleep).server(), pauses


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("late"),
        httpx.PoolTimeout("full"),
        httpx.ProxyError("no"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_change_is_sent_again_if_no_connection_was_made(
    sandbox: Sandbox, error: httpx.TransportError
) -> None:
    """Nothing was sent before, so a change that succeeds at the third try is sent once."""
    server, pauses = pausing_server(sandbox, transport=Unreachable(sandbox, error, times=2))
    assert not (await call(server, *WRITE)).is_error
    assert len(sandbox.mutations) == 1
    pauses.check(0.2, 0.4)


@pytest.mark.parametrize("tool_call", [READ, WRITE], ids=["read", "write"])
async def test_a_refused_connection_is_tried_three_times(
    sandbox: Sandbox, tool_call: tuple[str, dict[str, Any]]
) -> None:
    """On a real port."""
    pauses = Pauses()
    settings = {"TRAX_BASE_URL": f"http://127.0.0.1:{closed_port()}"}
    async with aclosing(Product(sandbox, None, settings, pause=pauses.sleep)) as product:
        error = failure_in(await call(product.server(), *tool_call), sandbox)
    assert re.fullmatch(r"mcp_[0-9a-f]{32}", str(error.pop("requestId")))
    assert error == {
        "code": "unreachable",
        "message": "TRaX couldn't be reached, so nothing was sent."
        " Check the network and TRAX_BASE_URL, then call again.",
        "retryable": True,
        "outcome": "not_applied",
    }
    assert len(pauses) == 2


@pytest.mark.parametrize(
    ("fault", "pauses_between"),
    [
        (Fault.status(502, HTML_PAGE), [0.2, 0.4]),
        (Fault.status(504), [0.2, 0.4]),
        (Fault.error(429, "rate_limited", Retry_After="0"), [0.2, 0.4]),
        (Fault.status(429, HTML_PAGE, headers={"Retry-After": "2"}), [2.2, 2.4]),
    ],
)
async def test_a_read_is_sent_again_after_a_temporary_error(
    sandbox: Sandbox, fault: Fault, pauses_between: list[float]
) -> None:
    """The third try succeeds; the pauses grow, and are never shorter than `Retry-After`."""
    server, pauses = pausing_server(sandbox)
    sandbox.faults.add(fault, times=2)
    assert plain_data_of(await call(server, *READ)) == {"live": False}
    assert len({it.request_id for it in sandbox.requests}) == len(sandbox.requests) == 3
    pauses.check(*pauses_between)


ONCE: Final = (
    *((READ, Fault.status(500)), (READ, Fault.error(503, "write_disabled"))),
    *((READ, Fault.error(429, "rate_limited", Retry_After=it)) for it in ("", "3")),
    (READ, Fault.error(409, "studio_busy", Retry_After="1")),
    *((READ, Fault.dropped()), (READ, Fault.truncated())),
    *((WRITE, Fault.status(502, HTML_PAGE)), (WRITE, Fault.status(504))),
    (WRITE, Fault.error(429, "rate_limited", Retry_After="0")),
    *((WRITE, Fault.dropped(when=it)) for it in ("before", "after")),
)


@pytest.mark.parametrize(
    ("tool_call", "fault"), ONCE, ids=[f"{it[0]}, {fault.name}" for it, fault in ONCE]
)
async def test_a_change_is_never_sent_twice_and_a_read_not_after_other_errors(
    sandbox: Sandbox, tool_call: Call, fault: Fault
) -> None:
    """One try, no pause. A repeated chat message would be visible twice."""
    server, pauses = pausing_server(sandbox)
    sandbox.faults.add(fault)
    assert (await call(server, *tool_call)).is_error
    assert (len(sandbox.requests), pauses) == (1, [])
