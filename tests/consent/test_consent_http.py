"""Consent over HTTP, on a real socket, with the SDK's clients. The full tests run in memory."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from tests.support.concurrency import Paused, all_at_once, cancel_while_held
from tests.support.consent_clients import audit_lines, status_and_reason
from tests.support.guarded_calls import DELETE_DESTINATION, GO_LIVE
from tests.support.missing_consent import missing_consent, run_attempt, wait_until_read
from tests.support.real_transports import over_http
from tests.support.simulated_person import agreeing

if TYPE_CHECKING:
    from pathlib import Path

RAN: Final = ("ran", None)
USED: Final = ("confirmation_invalid", "used")


ON_THE_WIRE: Final = {
    "no flag",
    "an invented confirmation",
    "another caller's confirmation",
    "a request state as confirmation",
    "cancelled while the server reads",
    "declined",
    "a client error",
    "a client that fails",
    "cancelled while a person is asked",
    "another caller's answer",
    "no answer in five minutes",
}
"""Cases in which callers, connections or streams matter."""


async def test_nothing_is_sent_without_consent_over_http(era: str) -> None:
    """Each case has its result."""
    async with over_http(era) as (clients, _):
        cases = missing_consent(era, DELETE_DESTINATION)
        for name in [it for it in cases if it in ON_THE_WIRE]:
            case = cases[name]
            result = await run_attempt(clients, DELETE_DESTINATION, case)
            assert (name, result) == (name, case.result)
            assert (name, clients.sent) == (name, [])


async def test_a_yes_sends_one_call_over_http(era: str) -> None:
    """By confirmation, of whose concurrent uses one is sent; and by form."""
    async with over_http(era) as (clients, _):
        clients.person.answer_with(agreeing)
        confirmation = await clients.confirmation(GO_LIVE)
        use = partial(clients.use, GO_LIVE, confirmation)
        assert await all_at_once(clients, GO_LIVE, [use] * 4) == [RAN, *[USED] * 3]
        assert status_and_reason(await use()) == USED
        by_form = await clients.call(DELETE_DESTINATION, clients.asking)
        assert status_and_reason(by_form) == RAN
        assert clients.sent == [GO_LIVE.sent, DELETE_DESTINATION.sent]


async def test_a_call_that_is_cancelled_after_consent_completes_over_http(
    era: str, tmp_path: Path
) -> None:
    """By a notification or, in the later era, by closing the connection. The outcome is logged."""
    held = Paused()
    async with over_http(era, audit=tmp_path / "audit") as (clients, _):
        confirmation = await clients.confirmation(GO_LIVE)
        clients.trax.faults.add(held.fault, method="POST")
        call = partial(clients.use, GO_LIVE, confirmation)
        await cancel_while_held(call, held, seen=partial(wait_until_read, clients.plain))
        await clients.calls_finished()
        assert clients.sent == [GO_LIVE.sent]
    last = audit_lines(tmp_path / "audit")[-1]
    assert (last["event"], last["outcome"], last["observed"]) == ("sent", "applied", "on_air")
    assert last["requestId"] == clients.trax.mutations[-1].request_id
