"""What is tried again, how often and after how long; and that a write is not.

The client's sleep is recorded and never slept.
"""

from __future__ import annotations

from typing import Any, Final

import httpx
import pytest

from tests.conftest import OWNER, call, client_on
from tests.troubles import READ, WRITE
from trax_mcp.api.errors import Failure, LostAnswer, NoConnection, Refused, TraxError
from trax_mcp.api.retries import pause_before_retry
from trax_mcp.sandbox import Fault, Sandbox, SandboxTransport
from trax_mcp.server.app import build_server

HTML: Final = "<html><body>Bad gateway</body></html>"


class Unreachable(httpx.AsyncBaseTransport):
    """No connection for the first `times` requests; then the sandbox."""

    def __init__(self, sandbox: Sandbox, error: httpx.TransportError, times: int) -> None:
        self._sandbox = SandboxTransport(sandbox)
        self._error = error
        self._left = times

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Fail, or pass on."""
        if self._left:
            self._left -= 1
            raise self._error
        return await self._sandbox.handle_async_request(request)


class Pauses(list[float]):
    """What the client would have slept, in seconds."""

    async def sleep(self, seconds: float) -> None:
        """Remember, and go on at once."""
        self.append(round(seconds, 6))


@pytest.fixture
def jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chance has no say: each jitter is the middle one."""
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
async def test_without_a_connection_anything_is_tried_again(
    sandbox: Sandbox,
    jitter: None,
    *,
    error: httpx.TransportError,
    tool: str,
    arguments: dict[str, Any],
) -> None:
    """Nothing was sent, so a write that succeeds at the third try has been sent once."""
    pauses = Pauses()
    trax = client_on(sandbox, transport=Unreachable(sandbox, error, times=2), sleep=pauses.sleep)
    result = await call(build_server(trax, own=OWNER), tool, arguments)
    assert not result.is_error
    assert pauses == [0.2, 0.4]
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize(
    ("fault", "pauses"),
    [
        (Fault.status(502, HTML), [0.2, 0.4]),
        (Fault.status(504), [0.2, 0.4]),
        (Fault.error(502, "no_upstream"), [0.2, 0.4]),
        (Fault.error(429, "rate_limited", Retry_After="0"), [0.2, 0.4]),
        (Fault.error(429, "rate_limited", Retry_After="2"), [2.2, 2.4]),
        (Fault.status(429, HTML, headers={"Retry-After": "1"}), [1.2, 1.4]),
        (
            Fault.error(429, "rate_limited", Retry_After="Fri, 05 Jun 2026 18:00:02 GMT"),
            [2.2, 2.4],
        ),
        (
            Fault.error(429, "rate_limited", Retry_After="Fri, 05 Jun 2026 17:00:00 GMT"),
            [0.2, 0.4],
        ),
    ],
)
async def test_a_read_rides_out_passing_trouble(
    sandbox: Sandbox, jitter: None, fault: Fault, pauses: list[float]
) -> None:
    """Twice in vain, then it is answered; the pauses grow, and never undercut TRaX's wish."""
    slept = Pauses()
    sandbox.faults.add(fault, times=2)
    server = build_server(client_on(sandbox, sleep=slept.sleep), own=OWNER)
    result = await call(server, *READ)
    assert result.structured_content == {"live": False}
    assert slept == pauses
    assert len(sandbox.requests) == 3
    assert len({received.request_id for received in sandbox.requests}) == 3


async def test_a_read_gives_up_after_three_tries(sandbox: Sandbox, jitter: None) -> None:
    """And does not sleep after the last."""
    slept = Pauses()
    sandbox.faults.add(Fault.status(502), times=None)
    server = build_server(client_on(sandbox, sleep=slept.sleep), own=OWNER)
    assert (await call(server, *READ)).is_error
    assert (len(sandbox.requests), slept) == (3, [0.2, 0.4])


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status(500),
        Fault.status(503),
        Fault.error(503, "write_disabled"),
        Fault.error(429, "rate_limited"),
        Fault.error(429, "rate_limited", Retry_After="3"),
        Fault.error(429, "rate_limited", Retry_After="Fri, 05 Jun 2026 18:00:03 GMT"),
        Fault.error(409, "studio_busy", Retry_After="1"),
        Fault.dropped(),
        Fault.truncated(),
    ],
    ids=lambda fault: str(fault.name),
)
async def test_a_read_does_not_wait_for_trouble_that_stays(sandbox: Sandbox, fault: Fault) -> None:
    """One try, no pause: the caller is told at once."""
    slept = Pauses()
    sandbox.faults.add(fault)
    server = build_server(client_on(sandbox, sleep=slept.sleep), own=OWNER)
    assert (await call(server, *READ)).is_error
    assert (len(sandbox.requests), slept) == (1, [])


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status(502, HTML),
        Fault.status(504),
        Fault.error(429, "rate_limited", Retry_After="0"),
        Fault.dropped(),
        Fault.dropped(when="after"),
    ],
    ids=lambda fault: str(fault.name),
)
async def test_a_write_is_never_sent_twice(sandbox: Sandbox, fault: Fault) -> None:
    """One whose answer is lost is worse when it is repeated: viewers would see it twice."""
    slept = Pauses()
    sandbox.faults.add(fault)
    server = build_server(client_on(sandbox, sleep=slept.sleep), own=OWNER)
    assert (await call(server, *WRITE)).is_error
    assert (len(sandbox.mutations), slept) == (1, [])


def account(**known: Any) -> Failure:  # noqa: ANN401  fields of a Failure
    """A failure of which only this matters."""
    return Failure(**{"code": "c", "message": "m", "retryable": False, **known})


@pytest.mark.parametrize(
    ("error", "tries", "mutates", "least", "most"),
    [
        (NoConnection(account()), 1, True, 0.1, 0.3),
        (NoConnection(account()), 2, True, 0.2, 0.6),
        (Refused(account(http_status=504)), 1, False, 0.1, 0.3),
        (Refused(account(http_status=429, retry_after_seconds=2)), 2, False, 2.2, 2.6),
    ],
)
def test_jitter_spreads_a_pause_around_its_middle(
    *, error: TraxError, tries: int, mutates: bool, least: float, most: float
) -> None:
    """Half as long to one and a half times: callers that failed together do not return together."""
    pauses = [
        pause_before_retry(error, tries=tries, mutates=mutates, jitter=it) for it in (0.0, 1.0)
    ]
    assert pauses == pytest.approx([least, most])


@pytest.mark.parametrize(
    ("error", "tries", "mutates"),
    [
        (NoConnection(account()), 3, False),
        (NoConnection(account()), 3, True),
        (Refused(account(http_status=502)), 3, False),
        (Refused(account(http_status=502)), 1, True),
        (Refused(account(http_status=429, retry_after_seconds=1)), 1, True),
        (LostAnswer(account()), 1, False),
    ],
)
def test_no_pause_means_no_other_try(*, error: TraxError, tries: int, mutates: bool) -> None:
    """The third try is the last, and a write that may have arrived is not tried again."""
    assert pause_before_retry(error, tries=tries, mutates=mutates, jitter=0.5) is None
