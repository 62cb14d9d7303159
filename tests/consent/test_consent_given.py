"""With consent a call is sent exactly once, even if the client cancels it afterwards."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import mcp_types as types
import pytest

from tests.support.concurrency import Paused, all_at_once, cancel_while_held
from tests.support.guarded_calls import DELETE_DESTINATION, GO_LIVE, GO_OFFLINE, GUARDED_OPERATIONS
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.product.virtual_time import in_virtual_time
from tests.support.simulated_person import Person, agreeing, yes_to
from tests.world.answers import RAN, audit_lines, outcome, text_of
from tests.world.wire import LEGACY, MODERN
from tests.world.world import COLLEAGUE, MINE, World, open_world

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path
    from typing import Any

    from tests.support.guarded_calls import GuardedOperation

    Call = Callable[[], Coroutine[Any, Any, types.CallToolResult | types.InputRequiredResult]]

USED: Final = ("confirmation_invalid", "used")

each_way = pytest.mark.parametrize(
    ("era", "way"), [(MODERN, "a confirmation"), (MODERN, "a form"), (LEGACY, "a form")]
)
"""A form is an answer in one era and a request of the server in the other."""


async def ready(it: World, operation: GuardedOperation, way: str) -> Call:
    """A call with consent, which a client can make more than once."""
    if operation.on_air:
        put_on_air(it.trax)
    if way == "a form":
        return partial((await it.caller(person=Person(agreeing))).call, operation)
    if way == "an answer":
        asking = await it.caller(person=Person())
        question = await asking.question(operation)
        yes: types.InputResponses = {"consent": yes_to(question)}
        return partial(asking.answer, operation, question.request_state, yes)
    return partial(it[MINE].use, operation, await it[MINE].confirmation(operation))


@pytest.mark.parametrize("name", GUARDED_OPERATIONS)
async def test_a_confirmation_sends_its_call_once(name: str) -> None:
    """The second use gets the outcome of the first, and no new confirmation."""
    operation = GUARDED_OPERATIONS[name]
    async with open_world(MINE, TRAX_GUARD_ALSO="send_chat_message") as it:
        call = await ready(it, operation, "a confirmation")
        assert outcome(await call()) == RAN
        again = await call()
        assert it.sent == [operation.sent]
    assert outcome(again) == USED
    assert isinstance(again, types.CallToolResult)
    assert "was already used: the call ran" in text_of(again)
    assert not {"confirmation", "preview"} & set(again.structured_content or {})


@pytest.mark.parametrize("operation", [GO_LIVE, GO_OFFLINE], ids=lambda it: it.tool)
async def test_a_form_sends_its_call_once(era: str, operation: GuardedOperation) -> None:
    async with open_world(MINE, era=era) as it:
        call = await ready(it, operation, "a form")
        assert outcome(await call()) == RAN
        assert it.sent == [operation.sent]


@pytest.mark.parametrize("operation", [GO_LIVE, GO_OFFLINE], ids=lambda it: it.tool)
@pytest.mark.parametrize("way", ["a confirmation", "an answer"])
async def test_eight_concurrent_uses_of_a_yes_send_one_call(
    operation: GuardedOperation, way: str
) -> None:
    """The others run while the first is being sent. A later use sends nothing either."""
    async with open_world(MINE) as it:
        use = await ready(it, operation, way)
        assert await all_at_once(it.trax, operation, [use] * 8) == [RAN, *[USED] * 7]
        assert outcome(await use()) == USED
        assert it.sent == [operation.sent]


@pytest.mark.parametrize(
    ("operation", "late"),
    [(GO_LIVE, ("nothing_to_do", None)), (DELETE_DESTINATION, ("failed", "not_found"))],
    ids=lambda it: getattr(it, "tool", None),
)
async def test_two_concurrent_confirmations_of_an_operation_send_one_call(
    operation: GuardedOperation, late: tuple[str, str]
) -> None:
    """The second call reads the facts again, and finds the first one done."""
    async with open_world(MINE, COLLEAGUE) as it:
        calls = [
            partial(it[key].use, operation, await it[key].confirmation(operation))
            for key in (MINE, COLLEAGUE)
        ]
        results = await all_at_once(it.trax, operation, calls)
        assert it.sent == [operation.sent]
    assert results == sorted([RAN, late], reverse=True)


@pytest.mark.parametrize("operation", [GO_LIVE, DELETE_DESTINATION], ids=lambda it: it.tool)
@each_way
@in_virtual_time
async def test_a_call_that_is_cancelled_after_consent_completes(
    *, era: str, operation: GuardedOperation, way: str, tmp_path: Path
) -> None:
    """Its last line in the audit log has the outcome."""
    held = Paused()
    audit = tmp_path / "audit"
    async with open_world(MINE, era=era, virtual=True, TRAX_AUDIT_LOG=str(audit)) as it:
        call = await ready(it, operation, way)
        it.trax.faults.add(held.fault, method=operation.sent.partition(" ")[0])
        await cancel_while_held(call, held)
        await it.product.calls_finished()
        assert it.sent == [operation.sent]
        (sent,) = it.trax.mutations
    before, after = audit_lines(audit)[-2:]
    assert [before["event"], after["event"]] == ["sending", "sent"]
    assert (after["operation"], after["outcome"]) == (operation.tool, "applied")
    assert after["requestId"] == sent.request_id


@in_virtual_time
async def test_a_call_that_is_cancelled_during_observation_is_still_observed(
    tmp_path: Path,
) -> None:
    """The observed state is in the audit log."""
    held = Paused()
    audit = tmp_path / "audit"
    async with open_world(MINE, virtual=True, TRAX_AUDIT_LOG=str(audit)) as it:
        call = await ready(it, GO_LIVE, "a confirmation")
        observing = partial(it.trax.faults.add, held.fault, path="*/stream-status")
        it.trax.faults.add(Fault.followed_by(observing), method="POST")
        await cancel_while_held(call, held)
        await it.product.calls_finished()
        assert it.sent == [GO_LIVE.sent]
    last = audit_lines(audit)[-1]
    assert (last["event"], last["outcome"], last["observed"]) == ("sent", "applied", "on_air")


@in_virtual_time
async def test_a_call_that_is_cancelled_before_it_is_sent_keeps_its_confirmation() -> None:
    """Nothing is sent, and the same confirmation still works."""
    held = Paused()
    async with open_world(MINE, virtual=True) as it:
        call = await ready(it, GO_LIVE, "a confirmation")
        it.trax.faults.add(held.fault, method="GET")
        await cancel_while_held(call, held)
        assert it.sent == []
        assert outcome(await call()) == RAN
        assert it.sent == [GO_LIVE.sent]
