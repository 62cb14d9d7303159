"""With consent a call is sent exactly once, even if the client cancels it afterwards."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import mcp_types as types
import pytest

from tests.conftest import text_of
from tests.support.concurrency import Paused, all_at_once, cancel_while_held, settle
from tests.support.consent_clients import audit_lines, in_memory, status_and_reason
from tests.support.guarded_calls import (
    AUTO_GO_LIVE,
    DELETE_DESTINATION,
    GO_LIVE,
    GO_OFFLINE,
    GUARDED_OPERATIONS,
)
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.simulated_person import agreeing, yes_to
from tests.world.wire import LEGACY, MODERN

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path
    from typing import Any

    from tests.support.consent_clients import Clients
    from tests.support.guarded_calls import GuardedOperation

    Call = Callable[[], Coroutine[Any, Any, types.CallToolResult | types.InputRequiredResult]]

RAN: Final = ("ran", None)
USED: Final = ("confirmation_invalid", "used")

by_either = pytest.mark.parametrize(
    ("era", "given_by"), [(MODERN, "a confirmation"), (MODERN, "a form"), (LEGACY, "a form")]
)
"""A form is an answer in one era and a request of the server in the other."""
each_kind = pytest.mark.parametrize(
    "operation", [GO_LIVE, GO_OFFLINE, AUTO_GO_LIVE], ids=lambda it: it.tool
)


async def ready(clients: Clients, operation: GuardedOperation, given_by: str) -> Call:
    """A call with consent: with a confirmation, or by a client whose person agrees."""
    if operation.on_air:
        put_on_air(clients.trax)
    if given_by == "a form":
        clients.person.answer_with(agreeing)
        return partial(clients.call, operation, clients.asking)
    confirmation = await clients.confirmation(operation)
    return partial(clients.use, operation, confirmation)


async def answered(clients: Clients, operation: GuardedOperation) -> Call:
    """The yes to a question, as a call of its own that a client can repeat (2026-07-28)."""
    if operation.on_air:
        put_on_air(clients.trax)
    question = await clients.question(operation)
    yes: types.InputResponses = {"consent": yes_to(question)}
    return partial(clients.answer, operation, question.request_state, yes)


@pytest.mark.parametrize("name", GUARDED_OPERATIONS)
async def test_a_confirmation_sends_its_call_once(name: str) -> None:
    """The second use gets the outcome of the first, and no new confirmation."""
    operation = GUARDED_OPERATIONS[name]
    async with in_memory() as clients:
        call = await ready(clients, operation, "a confirmation")
        assert status_and_reason(await call()) == RAN
        again = await call()
        assert clients.sent == [operation.sent]
    assert status_and_reason(again) == USED
    assert isinstance(again, types.CallToolResult)
    assert "was used already: the call ran" in text_of(again)
    assert not {"confirmation", "preview"} & set(again.structured_content or {})


@each_kind
async def test_a_form_sends_its_call_once(era: str, operation: GuardedOperation) -> None:
    """For a client whose person agrees."""
    async with in_memory(era) as clients:
        call = await ready(clients, operation, "a form")
        assert status_and_reason(await call()) == RAN
        assert clients.sent == [operation.sent]


@each_kind
async def test_an_answer_works_once(operation: GuardedOperation) -> None:
    """If the answer is a call of its own, a client can send it twice (2026-07-28)."""
    async with in_memory(MODERN) as clients:
        answer = await answered(clients, operation)
        assert [status_and_reason(await answer()) for _ in range(2)] == [RAN, USED]
        assert clients.sent == [operation.sent]


@each_kind
@pytest.mark.parametrize("given_by", ["a confirmation", "an answer"])
async def test_eight_concurrent_uses_of_a_yes_send_one_call(
    operation: GuardedOperation, given_by: str
) -> None:
    """The others run while the first is being sent."""
    async with in_memory() as clients:
        use = (
            await answered(clients, operation)
            if given_by == "an answer"
            else await ready(clients, operation, given_by)
        )
        results = await all_at_once(clients, operation, [use] * 8)
        assert clients.sent == [operation.sent]
    assert results == [RAN, *[USED] * 7]


@pytest.mark.parametrize(
    ("operation", "late"),
    [(GO_LIVE, ("nothing_to_do", None)), (DELETE_DESTINATION, ("failed", "not_found"))],
    ids=lambda it: getattr(it, "tool", None),
)
async def test_two_concurrent_confirmations_of_an_operation_send_one_call(
    operation: GuardedOperation, late: tuple[str, str]
) -> None:
    """The second call reads the facts again, and finds the first one done."""
    async with in_memory() as clients:
        calls = [
            partial(
                clients.use, operation, await clients.confirmation(operation, client=it), client=it
            )
            for it in (clients.plain, clients.other)
        ]
        results = await all_at_once(clients, operation, calls)
        assert clients.sent == [operation.sent]
    assert results == sorted([RAN, late], reverse=True)


@pytest.mark.parametrize("operation", [GO_LIVE, DELETE_DESTINATION], ids=lambda it: it.tool)
@by_either
async def test_a_call_that_is_cancelled_after_consent_completes(
    *, era: str, operation: GuardedOperation, given_by: str, tmp_path: Path
) -> None:
    """Its last line in the audit log has the outcome."""
    held = Paused()
    async with in_memory(era, TRAX_AUDIT_LOG=str(tmp_path / "audit")) as clients:
        call = await ready(clients, operation, given_by)
        clients.trax.faults.add(held.fault, method=operation.sent.partition(" ")[0])
        await cancel_while_held(call, held, seen=settle)
        await clients.calls_finished()
        assert clients.sent == [operation.sent]
        (sent,) = clients.trax.mutations
    before, after = audit_lines(tmp_path / "audit")[-2:]
    assert [before["event"], after["event"]] == ["sending", "sent"]
    assert (after["operation"], after["outcome"]) == (operation.tool, "applied")
    assert after["requestId"] == sent.request_id


@pytest.mark.parametrize(("operation", "seen"), [(GO_LIVE, "on_air"), (GO_OFFLINE, "off_air")])
async def test_a_call_that_is_cancelled_during_observation_is_still_observed(
    *, operation: GuardedOperation, seen: str, tmp_path: Path
) -> None:
    """The observed state is in the audit log."""
    held = Paused()
    async with in_memory(TRAX_AUDIT_LOG=str(tmp_path / "audit")) as clients:
        call = await ready(clients, operation, "a confirmation")
        observing = partial(clients.trax.faults.add, held.fault, path="*/stream-status")
        clients.trax.faults.add(Fault.followed_by(observing), method="POST")
        await cancel_while_held(call, held, seen=settle)
        await clients.calls_finished()
        assert clients.sent == [operation.sent]
    last = audit_lines(tmp_path / "audit")[-1]
    assert (last["event"], last["outcome"], last["observed"]) == ("sent", "applied", seen)


async def test_a_call_that_is_cancelled_before_it_is_sent_keeps_its_confirmation() -> None:
    """Nothing is sent, and the same confirmation still works."""
    held = Paused()
    async with in_memory() as clients:
        call = await ready(clients, GO_LIVE, "a confirmation")
        clients.trax.faults.add(held.fault, method="GET")
        await cancel_while_held(call, held, seen=settle)
        assert clients.sent == []
        assert status_and_reason(await call()) == RAN
        assert clients.sent == [GO_LIVE.sent]
