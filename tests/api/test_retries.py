"""Which requests are retried, how often and after which pause.

The client's pauses are recorded and take no time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.conftest import OWNER, call, client_on
from tests.support.product.faults import Fault
from tests.support.product.sandbox_transport import SandboxTransport
from tests.support.raw_upstream import closed_port
from tests.support.single_faults import READ, WRITE, failure_in
from trax_mcp.api.client import Client
from trax_mcp.api.errors import Failure, LostAnswer, NoConnection, Refused, TraxError
from trax_mcp.api.retries import pause_before_retry
from trax_mcp.server.app import build_server

if TYPE_CHECKING:
    from tests.support.product.sandbox import Sandbox

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
    """The client's pauses, in seconds."""

    async def sleep(self, seconds: float) -> None:
        """Record the pause and return at once."""
        self.append(round(seconds, 6))


@pytest.fixture
def fixed_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The jitter is always the middle one."""
    monkeypatch.setattr("trax_mcp.api.client.random.random", lambda: 0.5)


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
@pytest.mark.parametrize(("tool", "arguments"), [READ, WRITE])
async def test_without_a_connection_reads_and_writes_are_retried(
    sandbox: Sandbox,
    fixed_jitter: None,
    *,
    error: httpx.TransportError,
    tool: str,
    arguments: dict[str, Any],
) -> None:
    """Nothing was sent before, so a write that succeeds at the third try is sent once."""
    pauses = Pauses()
    trax = client_on(sandbox, transport=Unreachable(sandbox, error, times=2), sleep=pauses.sleep)
    result = await call(build_server(trax, own=OWNER), tool, arguments)
    assert not result.is_error
    assert pauses == [0.2, 0.4]
    first, *later = sandbox.requests  # after a message, its warnings are read
    assert (first.method, first.path) not in {(it.method, it.path) for it in later}


@pytest.mark.parametrize(
    ("fault", "pauses"),
    [
        (Fault.status(502, HTML_PAGE), [0.2, 0.4]),
        (Fault.status(504), [0.2, 0.4]),
        (Fault.error(502, "no_upstream"), [0.2, 0.4]),
        (Fault.error(429, "rate_limited", Retry_After="0"), [0.2, 0.4]),
        (Fault.error(429, "rate_limited", Retry_After="2"), [2.2, 2.4]),
        (Fault.status(429, HTML_PAGE, headers={"Retry-After": "1"}), [1.2, 1.4]),
    ],
)
async def test_a_read_is_retried_after_a_temporary_error(
    sandbox: Sandbox, fixed_jitter: None, fault: Fault, pauses: list[float]
) -> None:
    """The third try succeeds; the pauses grow, and are never shorter than `Retry-After`."""
    pauses_taken = Pauses()
    sandbox.faults.add(fault, times=2)
    server = build_server(client_on(sandbox, sleep=pauses_taken.sleep), own=OWNER)
    result = await call(server, *READ)
    assert result.structured_content == {"live": False}
    assert pauses_taken == pauses
    assert len(sandbox.requests) == 3
    assert len({received.request_id for received in sandbox.requests}) == 3


@pytest.mark.parametrize(("tool", "arguments"), [READ, WRITE])
async def test_a_refused_connection_is_tried_three_times(
    sandbox: Sandbox, tool: str, arguments: dict[str, Any]
) -> None:
    """On a real port. Nothing is sent, so even a write can be retried."""
    pauses_taken = Pauses()
    address = f"http://127.0.0.1:{closed_port()}"
    trax = Client(base_url=address, timeout_seconds=5, sleep=pauses_taken.sleep)
    result = await call(build_server(trax, own=OWNER), tool, arguments)
    await trax.aclose()
    error = failure_in(result, sandbox)
    assert re.fullmatch(r"mcp_[0-9a-f]{32}", str(error.pop("requestId")))
    assert error == {
        "code": "unreachable",
        "message": "TRaX could not be reached, so nothing was sent."
        " Check the network and TRAX_BASE_URL, then call again.",
        "retryable": True,
        "outcome": "not_applied",
    }
    assert len(pauses_taken) == 2


async def test_a_read_gives_up_after_three_tries(sandbox: Sandbox, fixed_jitter: None) -> None:
    """There is no pause after the last try."""
    pauses_taken = Pauses()
    sandbox.faults.add(Fault.status(502), times=None)
    server = build_server(client_on(sandbox, sleep=pauses_taken.sleep), own=OWNER)
    assert (await call(server, *READ)).is_error
    assert (len(sandbox.requests), pauses_taken) == (3, [0.2, 0.4])


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status(500),
        Fault.status(503),
        Fault.error(503, "write_disabled"),
        Fault.error(429, "rate_limited"),
        Fault.error(429, "rate_limited", Retry_After="3"),
        Fault.error(409, "studio_busy", Retry_After="1"),
        Fault.dropped(),
        Fault.truncated(),
    ],
    ids=lambda fault: str(fault.name),
)
async def test_a_read_is_not_retried_after_other_errors(sandbox: Sandbox, fault: Fault) -> None:
    """One try, no pause: the failure is returned at once."""
    pauses_taken = Pauses()
    sandbox.faults.add(fault)
    server = build_server(client_on(sandbox, sleep=pauses_taken.sleep), own=OWNER)
    assert (await call(server, *READ)).is_error
    assert (len(sandbox.requests), pauses_taken) == (1, [])


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status(502, HTML_PAGE),
        Fault.status(504),
        Fault.error(429, "rate_limited", Retry_After="0"),
        Fault.dropped(),
        Fault.dropped(when="after"),
    ],
    ids=lambda fault: str(fault.name),
)
async def test_a_write_is_never_sent_twice(sandbox: Sandbox, fault: Fault) -> None:
    """A repeated chat message would be visible twice."""
    pauses_taken = Pauses()
    sandbox.faults.add(fault)
    server = build_server(client_on(sandbox, sleep=pauses_taken.sleep), own=OWNER)
    assert (await call(server, *WRITE)).is_error
    assert (len(sandbox.mutations), pauses_taken) == (1, [])


def failure(**fields: Any) -> Failure:  # noqa: ANN401  fields of a Failure
    """A failure with only these fields of interest."""
    return Failure(**{"code": "c", "message": "m", "retryable": False, **fields})


@pytest.mark.parametrize(
    ("error", "tries", "mutates", "lowest", "highest"),
    [
        (NoConnection(failure()), 1, True, 0.1, 0.3),
        (NoConnection(failure()), 2, True, 0.2, 0.6),
        (Refused(failure(http_status=504)), 1, False, 0.1, 0.3),
        (Refused(failure(http_status=429, retry_after_seconds=2)), 2, False, 2.2, 2.6),
    ],
)
def test_jitter_spreads_a_pause_around_its_middle(
    *, error: TraxError, tries: int, mutates: bool, lowest: float, highest: float
) -> None:
    """From half to one and a half times, so that clients do not retry in step."""
    pauses = [
        pause_before_retry(error, tries=tries, mutates=mutates, jitter=it) for it in (0.0, 1.0)
    ]
    assert pauses == pytest.approx([lowest, highest])


@pytest.mark.parametrize(
    ("error", "tries", "mutates"),
    [
        (NoConnection(failure()), 3, False),
        (NoConnection(failure()), 3, True),
        (Refused(failure(http_status=502)), 3, False),
        (Refused(failure(http_status=502)), 1, True),
        (Refused(failure(http_status=429, retry_after_seconds=1)), 1, True),
        (LostAnswer(failure()), 1, False),
    ],
)
def test_there_is_no_retry_after_the_third_try_or_a_delivered_write(
    *, error: TraxError, tries: int, mutates: bool
) -> None:
    """The third try is the last, and a write that may have arrived is not retried."""
    assert pause_before_retry(error, tries=tries, mutates=mutates, jitter=0.5) is None
