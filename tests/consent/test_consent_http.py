"""Consent over HTTP, on a real socket, with the SDK's clients. The full tests run in memory."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import pytest
from mcp.shared.exceptions import MCPError

from tests.support.concurrency import (
    Paused,
    all_at_once,
    cancel_while_held,
)
from tests.support.consent_attempts import wait_until_read
from tests.support.consent_clients import audit_lines, reset, status_and_reason
from tests.support.guarded_calls import AUTO_GO_LIVE, DELETE_DESTINATION, GO_LIVE
from tests.support.missing_consent import missing_consent, run_attempt
from tests.support.product.faults import Fault
from tests.support.real_transports import over_http
from tests.support.simulated_person import ProgressLog, agreeing

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

USED: Final = ("confirmation_invalid", "used")
OPERATIONS: Final = (GO_LIVE, DELETE_DESTINATION, AUTO_GO_LIVE)


async def test_nothing_is_sent_without_consent_over_http(era: str) -> None:
    """In all cases, each with its result."""
    async with over_http(era) as (clients, _):
        for operation in OPERATIONS:
            for name, case in missing_consent(era, operation).items():
                result = await run_attempt(clients, operation, case)
                assert (operation.tool, name, result) == (operation.tool, name, case.result)
                assert (operation.tool, name, clients.sent) == (operation.tool, name, [])


async def test_a_call_with_consent_is_sent_once_over_http(era: str) -> None:
    """By confirmation and by form."""
    async with over_http(era) as (clients, _):
        clients.person.answer_with(agreeing)
        for operation in OPERATIONS:
            for call in (clients.confirmed, lambda it: clients.call(it, clients.asking)):
                reset(clients.trax)
                before = len(clients.sent)
                assert status_and_reason(await call(operation)) == ("ran", None)
                assert clients.sent[before:] == [operation.sent]


async def test_a_confirmation_works_once_over_http(era: str) -> None:
    """Of several concurrent uses one is sent. A later use is not."""
    async with over_http(era) as (clients, _):
        for operation in OPERATIONS:
            reset(clients.trax)
            before, confirmation = len(clients.sent), await clients.confirmation(operation)
            use = partial(clients.use, operation, confirmation)
            results = await all_at_once(clients, operation, [use] * 4)
            assert results == [("ran", None), *[USED] * 3]
            assert status_and_reason(await use()) == USED
            assert clients.sent[before:] == [operation.sent]


@pytest.mark.parametrize("given_by", ["a confirmation", "a form"])
async def test_a_call_that_is_cancelled_after_consent_completes_over_http(
    era: str, given_by: str, tmp_path: Path
) -> None:
    """By a notification or, in the later era, by closing the connection. The outcome is logged."""
    async with over_http(era, audit=tmp_path / "audit") as (clients, _):
        clients.person.answer_with(agreeing)
        for operation in OPERATIONS:
            held, before = Paused(), len(clients.sent)
            reset(clients.trax)
            call = partial(clients.call, operation, clients.asking)
            if given_by == "a confirmation":
                confirmation = await clients.confirmation(operation)
                call = partial(clients.use, operation, confirmation)
            clients.trax.faults.add(held.fault, method=operation.sent.partition(" ")[0])
            await cancel_while_held(call, held, seen=partial(wait_until_read, clients.plain))
            await clients.product.calls_finished()
            assert clients.sent[before:] == [operation.sent]
            last = audit_lines(tmp_path / "audit")[-1]
            assert (last["event"], last["operation"]) == ("sent", operation.tool)
            assert last["outcome"] == "applied"
            assert last["requestId"] == clients.trax.mutations[-1].request_id


async def test_a_call_that_times_out_in_the_client_after_consent_completes(
    era: str, tmp_path: Path
) -> None:
    """The SDK's client has a time-out of one second."""
    held = Paused()
    async with over_http(era, audit=tmp_path / "audit") as (clients, _):
        evidence = {"confirm": True, "confirmation": await clients.confirmation(GO_LIVE)}
        clients.trax.faults.add(held.fault, method="POST")
        with pytest.raises(MCPError, match=r"(?i)timed out"):
            await clients.plain.call_tool(
                "go_live", {**GO_LIVE.arguments, **evidence}, read_timeout_seconds=1
            )
        await wait_until_read(clients.plain)
        held.release()
        await clients.product.calls_finished()
        assert clients.sent == [GO_LIVE.sent]
    last = audit_lines(tmp_path / "audit")[-1]
    assert (last["event"], last["outcome"], last["observed"]) == ("sent", "applied", "on_air")


async def test_a_call_that_is_cancelled_during_observation_is_still_observed_over_http(
    era: str, tmp_path: Path
) -> None:
    """Its client had asked for progress notifications."""
    held, progress = Paused(), ProgressLog()
    async with over_http(era, audit=tmp_path / "audit") as (clients, _):
        evidence = {"confirm": True, "confirmation": await clients.confirmation(GO_LIVE)}
        observing = partial(clients.trax.faults.add, held.fault, path="*/stream-status")
        clients.trax.faults.add(Fault.followed_by(observing), method="POST")
        call = partial(
            clients.plain.call_tool,
            "go_live",
            {**GO_LIVE.arguments, **evidence},
            progress_callback=progress,
        )
        await cancel_while_held(call, held, seen=partial(wait_until_read, clients.plain))
        await clients.product.calls_finished()
    last = audit_lines(tmp_path / "audit")[-1]
    assert (last["event"], last["outcome"], last["observed"]) == ("sent", "applied", "on_air")
