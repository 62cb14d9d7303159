"""Outcomes of guarded calls: the observed state, lost answers, and refused calls.

The sandbox's clock stands at 18:00, and it takes three seconds to go live.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import httpx
import pytest

from tests.conftest import text_of
from tests.support.consent_clients import audit_lines, data_in_text, in_memory, status_and_reason
from tests.support.guarded_calls import DELETE_DESTINATION, GO_LIVE, GO_OFFLINE, GUARDED_OPERATIONS
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.product.sandbox_transport import SandboxTransport

if TYPE_CHECKING:
    from pathlib import Path

    import mcp_types as types

    from tests.support.product.sandbox import Sandbox

RAN: Final = ("ran", None)
USED: Final = ("confirmation_invalid", "used")
NOT_LIVE: Final = Fault.status(200, {"live": False})
LIVE: Final = Fault.status(200, {"live": True})
LATER: Final = "2026-06-05T18:00:15Z"


def observed(result: types.CallToolResult) -> dict[str, Any]:
    """The observed state. Asserts that `_meta` and the text are consistent with it."""
    data = result.structured_content or {}
    seen: dict[str, Any] = data["observed"]
    assert (result.meta or {})["live.traxstreaming/outcome"] == seen["state"]
    assert json.loads(data_in_text(result)) == data
    return seen


def error(result: types.CallToolResult) -> dict[str, Any]:
    """The error without its request id. Asserts that the text is its message."""
    failure: dict[str, Any] = dict((result.structured_content or {})["error"])
    assert text_of(result) == failure["message"]
    failure.pop("requestId", None)
    return failure


async def test_a_go_live_returns_the_time_since_which_it_is_on_air(era: str) -> None:
    """The time is TRaX's, beside TRaX's whole answer."""
    async with in_memory(era) as clients:
        result = await clients.confirmed(GO_LIVE)
    on_air = {
        "state": "on_air",
        "since": "2026-06-05T18:00:03.000Z",
        "checkedAt": "2026-06-05T18:00:03Z",
    }
    assert observed(result) == on_air
    assert result.structured_content == {
        "encoderStreamId": "encoder_101",
        "destinationIds": ["dest_1", "dest_2"],
        "observed": on_air,
    }


async def test_a_go_live_that_is_not_on_air_after_15_seconds_is_starting() -> None:
    """An accepted go-live is not reported as on air."""
    async with in_memory() as clients:
        clients.trax.faults.add(NOT_LIVE, times=None, path="*/stream-status")
        result = await clients.confirmed(GO_LIVE)
        assert clients.sent == [GO_LIVE.sent]
    assert observed(result) == {"state": "starting", "checkedAt": LATER}


async def test_a_go_live_that_was_seen_on_air_can_be_sent_again_after_it_has_ended() -> None:
    """Somebody ended it on TRaX itself, within a minute of the go-live."""
    async with in_memory() as clients:
        assert observed(await clients.confirmed(GO_LIVE))["state"] == "on_air"
        clients.trax.go_offline()
        clients.clock.advance(10)
        assert observed(await clients.confirmed(GO_LIVE))["state"] == "on_air"
        assert clients.sent == [GO_LIVE.sent] * 2


async def test_a_stop_that_trax_answers_with_ok_false_is_not_said_to_be_under_way() -> None:
    """It stays on air, so the answer says what to look at."""
    async with in_memory() as clients:
        put_on_air(clients.trax)
        clients.trax.faults.add(Fault.status(200, {"ok": False}), path="*/go-offline")
        result = await clients.confirmed(GO_OFFLINE)
    assert observed(result)["state"] == "stopping"
    assert text_of(result).startswith(
        "TRaX answered `ok: false` to go_offline. Look with get_stream_status, and on the"
        " platforms; a second go_offline is harmless."
    )


async def test_a_stop_returns_that_it_is_off_air() -> None:
    """The sandbox takes one second to stop."""
    async with in_memory() as clients:
        put_on_air(clients.trax)
        result = await clients.confirmed(GO_OFFLINE)
    assert observed(result) == {"state": "off_air", "checkedAt": "2026-06-05T18:01:01Z"}


async def test_a_stop_that_is_still_live_after_15_seconds_is_stopping() -> None:
    """TRaX still answers that it is live."""
    async with in_memory() as clients:
        clients.trax.faults.add(LIVE, times=None, path="*/stream-status")
        result = await clients.confirmed(GO_OFFLINE)
    assert observed(result) == {"state": "stopping", "checkedAt": LATER}
    assert text_of(result).startswith(
        "TRaX accepted the stop; nothing shows yet that it worked. Look with get_stream_status, and"
        " on the platforms; a second go_offline is harmless. Approved by "
    )


@pytest.mark.parametrize(
    ("fault", "checked_at"),
    [
        (Fault.error(403, "insufficient_scope"), "2026-06-05T18:00:00Z"),
        (Fault.status(500), LATER),
        (Fault.error(429, "rate_limited", Retry_After="60"), LATER),
    ],
    ids=lambda it: getattr(it, "name", None),
)
async def test_a_state_that_cannot_be_read_is_unknown(*, fault: Fault, checked_at: str) -> None:
    """At once for a missing scope, else after 15 seconds of retries."""
    async with in_memory() as clients:
        breaking = partial(clients.trax.faults.add, fault, times=None, path="*/stream-status")
        clients.trax.faults.add(Fault.followed_by(breaking), path="*/go-live")
        result = await clients.confirmed(GO_LIVE)
        assert clients.sent == [GO_LIVE.sent]
    assert observed(result) == {"state": "unknown", "checkedAt": checked_at}


LOST: Final = {
    "unreachable": (Fault.dropped(when="after"), "The connection to TRaX broke before it answered"),
    "timeout": (Fault.silence(when="after"), "TRaX did not answer within 0.2 s"),
    "exploded": (
        Fault.status(500, {"error": {"code": "exploded", "message": "Boom."}}, when="after"),
        'TRaX has trouble (HTTP 500, code "exploded") (TRaX says: "Boom.")',
    ),
}


@pytest.mark.parametrize("code", LOST)
async def test_a_go_live_with_a_lost_answer_is_a_result_if_seen_on_air(
    code: str, tmp_path: Path
) -> None:
    """It says what was seen, and how the answer was lost. The audit log holds both too."""
    fault, happened = LOST[code]
    audit = tmp_path / "audit.jsonl"
    async with in_memory(TRAX_TIMEOUT_SECONDS="0.2", TRAX_AUDIT_LOG=str(audit)) as clients:
        clients.trax.faults.add(fault, path="*/go-live")
        confirmation = await clients.confirmation(GO_LIVE)
        call = partial(clients.use, GO_LIVE, confirmation)
        result = await call()
        again, new = await call(), await clients.call(GO_LIVE)
        assert clients.sent == [GO_LIVE.sent]
    assert not result.is_error
    assert result.structured_content == {"observed": observed(result)}
    assert observed(result)["state"] == "on_air"
    assert text_of(result).splitlines()[:-1] == [
        (
            "On air for less than a minute (since 18:00:03 UTC)."
            " Approved by its confirmation, after a preview."
        ),
        f"{happened}. The studio was then seen on air: do not call go_live again.",
    ]
    sent = next(it for it in audit_lines(audit) if it["event"] == "sent")
    assert (sent["outcome"], sent["code"], sent["observed"]) == ("applied", code, "on_air")
    assert status_and_reason(again) == USED
    assert "the call ran, and the studio was then on air" in text_of(again)
    assert status_and_reason(new) == ("nothing_to_do", None)
    assert "since 18:00 UTC" in text_of(new)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_go_live_with_a_lost_answer_is_unknown_if_not_seen_on_air(
    when: Literal["before", "after"],
) -> None:
    """The error says when to check, and what then. Within a minute it is not sent again."""
    async with in_memory() as clients:
        clients.trax.faults.add(Fault.dropped(when=when), path="*/go-live")
        clients.trax.faults.add(NOT_LIVE, times=None, path="*/stream-status")
        confirmation = await clients.confirmation(GO_LIVE)
        call = partial(clients.use, GO_LIVE, confirmation)
        failure = error(await call())
        again, new = await call(), await clients.call(GO_LIVE)
        assert clients.sent == [GO_LIVE.sent]
    assert failure == {
        "code": "unreachable",
        "message": "The connection to TRaX broke before it answered; whether it took effect is not"
        " known. Look with check_studio in a minute; if it is off air then, ask for a new yes.",
        "retryable": False,
        "outcome": "unknown",
    }
    assert status_and_reason(again) == USED
    assert "whether the call ran is not known" in text_of(again)
    assert status_and_reason(new) == ("nothing_to_do", None)


async def test_a_stop_with_a_lost_answer_is_a_result_if_seen_off_air() -> None:
    """It says that it is off air, and how the answer was lost."""
    async with in_memory() as clients:
        put_on_air(clients.trax)
        clients.trax.faults.add(Fault.dropped(when="after"), path="*/go-offline")
        result = await clients.confirmed(GO_OFFLINE)
        assert clients.sent == [GO_OFFLINE.sent]
    assert not result.is_error
    assert observed(result)["state"] == "off_air"
    assert text_of(result).splitlines()[:-1] == [
        "The studio is off air. Approved by its confirmation, after a preview.",
        (
            "The connection to TRaX broke before it answered."
            " The studio was then seen off air: do not call go_offline again."
        ),
    ]


async def test_a_stop_with_a_lost_answer_is_unknown_while_a_go_live_is_pending() -> None:
    """A studio that is starting looks off air too, so this is no proof of the stop."""
    async with in_memory() as clients:
        clients.trax.faults.add(NOT_LIVE, times=None, path="*/stream-status")
        assert status_and_reason(await clients.confirmed(GO_LIVE)) == RAN
        clients.trax.faults.add(Fault.dropped(), path="*/go-offline")
        failure = error(await clients.confirmed(GO_OFFLINE))
        assert clients.sent == [GO_LIVE.sent, GO_OFFLINE.sent]
    assert failure == {
        "code": "unreachable",
        "message": "The connection to TRaX broke before it answered; whether it took effect is not"
        " known. Look with get_stream_status, and on the platforms; a second go_offline is"
        " harmless.",
        "retryable": False,
        "outcome": "unknown",
    }


async def test_a_call_with_an_unreadable_success_answer_is_applied() -> None:
    """Its confirmation is used, also where the effect was not seen."""
    async with in_memory() as clients:
        clients.trax.faults.add(Fault.truncated(), path="*/go-live")
        clients.trax.faults.add(NOT_LIVE, times=None, path="*/stream-status")
        confirmation = await clients.confirmation(GO_LIVE)
        call = partial(clients.use, GO_LIVE, confirmation)
        failure = error(await call())
        assert status_and_reason(await call()) == USED
        assert clients.sent == [GO_LIVE.sent]
    assert (failure["code"], failure["outcome"]) == ("bad_answer", "applied")


REFUSALS: Final = {
    "rate_limited": Fault.error(429, "rate_limited", Retry_After="30"),
    "write_disabled": Fault.error(503, "write_disabled"),
    "insufficient_scope": Fault.error(403, "insufficient_scope"),
    "not_found": Fault.error(404, "not_found"),
    "studio_busy": Fault.error(409, "studio_busy"),
}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        *(("go_live", code) for code in REFUSALS),
        ("go_offline", "rate_limited"),
        ("delete_source", "rate_limited"),
    ],
)
async def test_a_refused_call_gives_its_confirmation_back(*, name: str, code: str) -> None:
    """The same confirmation sends it again, and is then used."""
    operation = GUARDED_OPERATIONS[name]
    async with in_memory() as clients:
        confirmation = await clients.confirmation(operation)
        clients.trax.faults.add(REFUSALS[code], method=operation.sent.partition(" ")[0])
        call = partial(clients.use, operation, confirmation)
        results = [status_and_reason(await call()) for _ in range(3)]
        assert clients.sent == [operation.sent] * 2
    assert results == [("failed", code), RAN, USED]


class Unreachable(httpx.AsyncBaseTransport):
    """A transport to a sandbox on which no change connects until `reachable` is set."""

    def __init__(self, trax: Sandbox) -> None:
        self._sandbox = SandboxTransport(trax)
        self.reachable = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Refuse the connection, or send the request."""
        if request.method != "GET" and not self.reachable:
            raise httpx.ConnectError("no route")
        return await self._sandbox.handle_async_request(request)


async def test_a_call_without_a_connection_gives_its_confirmation_back() -> None:
    """As soon as TRaX is reachable, the same confirmation works."""
    transports: list[Unreachable] = []

    def unreachable(trax: Sandbox) -> httpx.AsyncBaseTransport:
        transports.append(Unreachable(trax))
        return transports[0]

    async with in_memory(transport=unreachable) as clients:
        confirmation = await clients.confirmation(GO_LIVE)
        call = partial(clients.use, GO_LIVE, confirmation)
        failure = error(await call())
        assert clients.sent == []
        transports[0].reachable = True
        assert status_and_reason(await call()) == RAN
        assert clients.sent == [GO_LIVE.sent]
    assert (failure["code"], failure["outcome"]) == ("unreachable", "not_applied")


@pytest.mark.parametrize("fault", [Fault.status(500), Fault.status(502), Fault.dropped()])
async def test_a_call_with_an_unknown_outcome_uses_its_confirmation(fault: Fault) -> None:
    """A new call needs a new preview."""
    async with in_memory() as clients:
        confirmation = await clients.confirmation(DELETE_DESTINATION)
        clients.trax.faults.add(fault, method="DELETE")
        call = partial(clients.use, DELETE_DESTINATION, confirmation)
        assert error(await call())["outcome"] == "unknown"
        again = await call()
        assert clients.sent == [DELETE_DESTINATION.sent]
    assert status_and_reason(again) == USED
    assert "whether the call ran is not known" in text_of(again)
