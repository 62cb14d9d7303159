"""Consent over stdio, with real processes of `trax-mcp`. The full tests run in memory."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.concurrency import Paused, all_at_once, cancel_while_held
from tests.support.consent_clients import audit_lines, reset, status_and_reason, two_key_sandbox
from tests.support.guarded_calls import AUTO_GO_LIVE, DELETE_DESTINATION, GO_LIVE
from tests.support.missing_consent import TIMED, missing_consent, run_attempt
from tests.support.product.faults import Fault
from tests.support.product.local_servers import listening
from tests.support.real_transports import over_stdio, process
from tests.support.simulated_person import Person, agreeing

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.guarded_calls import GuardedOperation

pytestmark = pytest.mark.slow

USED: Final = ("confirmation_invalid", "used")
OPERATIONS: Final = (GO_LIVE, DELETE_DESTINATION, AUTO_GO_LIVE)
OF_ANOTHER_PROCESS: Final = ("a request state as confirmation", "a confirmation as request state")
"""Cases in which a process gets the id of another process. It does not know such an id."""


async def test_nothing_is_sent_without_consent_on_stdio(era: str) -> None:
    """In all cases that need no time to pass, each with its result."""
    async with over_stdio(era) as clients:
        for operation in OPERATIONS:
            for name, case in missing_consent(era, operation).items():
                if name not in TIMED:
                    result = await run_attempt(clients, operation, case)
                    unknown = name in OF_ANOTHER_PROCESS
                    expected = ("confirmation_invalid", "expired") if unknown else case.result
                    assert (operation.tool, name, result) == (operation.tool, name, expected)
                    assert (operation.tool, name, clients.sent) == (operation.tool, name, [])


async def test_nothing_is_sent_after_five_minutes(era: str) -> None:
    """In a process whose clock is fast."""
    async with over_stdio(era, program="tests.support.fast_clock_server") as clients:
        for operation in OPERATIONS:
            for name, case in missing_consent(era, operation).items():
                if name in TIMED:
                    result = await run_attempt(clients, operation, case)
                    assert (operation.tool, name, result) == (operation.tool, name, case.result)
                    assert (operation.tool, name, clients.sent) == (operation.tool, name, [])


async def test_a_call_with_consent_is_sent_once_on_stdio(era: str) -> None:
    """By confirmation and by form. The studio is on air when it is first observed."""
    async with over_stdio(era) as clients:
        clients.person.answer_with(agreeing)
        for operation in OPERATIONS:
            for call in (clients.confirmed, lambda it: clients.call(it, clients.asking)):
                reset(clients.trax)
                advancing = Fault.followed_by(partial(clients.trax.clock.advance, 60))
                clients.trax.faults.add(advancing, method="POST")
                before = len(clients.sent)
                assert status_and_reason(await call(operation)) == ("ran", None)
                assert clients.sent[before:] == [operation.sent]


async def test_a_confirmation_works_once_on_stdio(era: str) -> None:
    """Of several concurrent uses one is sent. A later use is not."""
    async with over_stdio(era) as clients:
        for operation in OPERATIONS:
            reset(clients.trax)
            before, confirmation = len(clients.sent), await clients.confirmation(operation)
            use = partial(clients.use, operation, confirmation)
            on_air = partial(clients.trax.clock.advance, 60)
            results = await all_at_once(clients, operation, [use] * 4, then=on_air)
            assert results == [("ran", None), *[USED] * 3]
            assert status_and_reason(await use()) == USED
            assert clients.sent[before:] == [operation.sent]


@pytest.mark.parametrize("operation", [GO_LIVE, DELETE_DESTINATION], ids=lambda it: str(it.tool))
async def test_a_call_that_is_cancelled_after_consent_completes_on_stdio(
    era: str, operation: GuardedOperation, tmp_path: Path
) -> None:
    """The client cancels and closes the pipe. The process logs the outcome before it ends."""
    trax, person = two_key_sandbox(), Person()
    held = Paused(then=partial(trax.clock.advance, 60))
    trax.faults.add(held.fault, method=operation.sent.partition(" ")[0])
    person.answer_with(agreeing)
    async with (
        listening(trax.app) as address,
        process(era, address, person, audit=tmp_path / "audit") as client,
    ):
        call = partial(client.call_tool, operation.tool, operation.arguments)
        await cancel_while_held(call, held, seen=client.list_tools)
    assert [f"{it.method} {it.path}" for it in trax.mutations] == [operation.sent]
    last = audit_lines(tmp_path / "audit")[-1]
    assert (last["event"], last["operation"], last["outcome"]) == (
        "sent",
        operation.tool,
        "applied",
    )
    assert last["requestId"] == trax.mutations[0].request_id
