"""Attempts to run a guarded call without consent.

They run for every guarded call and over every transport.
"""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import mcp_types as types
from mcp.shared.exceptions import MCPError

from tests.support.concurrency import Paused, cancel_while_held, settle
from tests.support.consent_clients import rename_all
from tests.support.guarded_calls import DELETE_SOURCE, GO_OFFLINE
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.simulated_person import (
    agreeing,
    choices,
    declining,
    failing,
    filled_in,
    filling_in,
    silent,
    yes_to,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from mcp import Client

    from tests.support.consent_clients import Clients
    from tests.support.guarded_calls import GuardedOperation
    from tests.support.simulated_person import Form, FormAnswer, Responder

    Attempt = Callable[[Clients, GuardedOperation], Coroutine[Any, Any, object]]

FIVE_MINUTES: Final = 300.0


# Clients that cannot ask a person: `confirm` and `confirmation`.


def calling(**evidence: object) -> Attempt:
    async def attempt(clients: Clients, operation: GuardedOperation) -> object:
        return await clients.call(operation, **evidence)

    return attempt


def confirming(confirmation: str) -> Attempt:
    return calling(confirm=True, confirmation=confirmation)


async def without_the_flag(clients: Clients, operation: GuardedOperation) -> object:
    return await clients.call(operation, confirmation=await clients.confirmation(operation))


async def against_the_flag(clients: Clients, operation: GuardedOperation) -> object:
    return await clients.call(
        operation, confirm=False, confirmation=await clients.confirmation(operation)
    )


async def expired(clients: Clients, operation: GuardedOperation) -> object:
    confirmation = await clients.confirmation(operation)
    clients.clock.advance(FIVE_MINUTES)
    return await confirming(confirmation)(clients, operation)


async def of_another_caller(clients: Clients, operation: GuardedOperation) -> object:
    return await confirming(await clients.confirmation(operation, client=clients.other))(
        clients, operation
    )


async def of_other_arguments(clients: Clients, operation: GuardedOperation) -> object:
    return await confirming(await clients.confirmation(operation.other))(clients, operation)


async def of_another_operation(clients: Clients, operation: GuardedOperation) -> object:
    return await confirming(await clients.confirmation(another(operation)))(clients, operation)


async def from_before_a_rename(clients: Clients, operation: GuardedOperation) -> object:
    confirmation = await clients.confirmation(operation)
    rename_all(clients.trax)
    return await confirming(confirmation)(clients, operation)


async def from_before_going_live(clients: Clients, operation: GuardedOperation) -> object:
    confirmation = await clients.confirmation(operation)
    put_on_air(clients.trax)
    return await confirming(confirmation)(clients, operation)


async def cancelled_while_reading(clients: Clients, operation: GuardedOperation) -> None:
    held, confirmation = Paused(), await clients.confirmation(operation)
    clients.trax.faults.add(held.fault, method="GET")
    call = partial(confirming(confirmation), clients, operation)
    await cancel_while_held(call, held, seen=partial(wait_until_read, clients.plain))
    await wait_until_read(clients.plain)


async def wait_until_read(client: Client) -> None:
    """Wait until the server has read everything that a client sent."""
    await client.list_tools()
    await settle()


def another(operation: GuardedOperation) -> GuardedOperation:
    return DELETE_SOURCE if operation.tool == "go_offline" else GO_OFFLINE


# Clients that can ask a person: forms.


def answering_with(respond: Responder, **evidence: object) -> Attempt:
    async def attempt(clients: Clients, operation: GuardedOperation) -> object:
        clients.person.answer_with(respond)
        return await clients.call(operation, clients.asking, **evidence)

    return attempt


async def choosing_under_another_name(form: Form) -> FormAnswer:
    return filled_in({"decision": choices(form)[0]})


async def declining_with_a_confirmation(clients: Clients, operation: GuardedOperation) -> object:
    confirmation = await clients.confirmation(operation)
    return await answering_with(declining, confirm=True, confirmation=confirmation)(
        clients, operation
    )


async def choosing_for_another_operation(clients: Clients, operation: GuardedOperation) -> object:
    await answering_with(declining)(clients, another(operation))
    words = choices(clients.person.forms[-1])[0]
    return await answering_with(filling_in({"choice": words}))(clients, operation)


async def client_fails(clients: Clients, operation: GuardedOperation) -> None:
    try:
        await answering_with(failing)(clients, operation)
    except MCPError:
        return
    raise AssertionError("the client answered, although it cannot show a form")


async def not_answering(clients: Clients, operation: GuardedOperation) -> object:
    results = []

    async def call() -> None:
        results.append(await clients.call(operation, clients.asking))

    clients.person.answer_with(silent)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await clients.person.asked()
        await settle()
        clients.clock.advance(FIVE_MINUTES)
    return results[0]


async def cancelled_while_asking(clients: Clients, operation: GuardedOperation) -> None:
    late = anyio.Event()

    async def respond(form: Form) -> FormAnswer:
        await late.wait()
        return await agreeing(form)

    clients.person.answer_with(respond)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(clients.call, operation, clients.asking))
        await clients.person.asked()
        tasks.cancel_scope.cancel()
    await wait_until_read(clients.asking)
    late.set()
    await wait_until_read(clients.asking)


async def with_a_change_each_time(clients: Clients, operation: GuardedOperation) -> object:
    async def respond(form: Form) -> FormAnswer:
        rename_all(clients.trax)
        return await agreeing(form)

    return await answering_with(respond)(clients, operation)


# Answers that are a call of their own, with a request state (2026-07-28).


async def without_request_state(clients: Clients, operation: GuardedOperation) -> object:
    yes = yes_to(await clients.question(operation))
    return await clients.answer(operation, None, {"consent": yes})


async def with_invented_request_state(clients: Clients, operation: GuardedOperation) -> object:
    yes = yes_to(await clients.question(operation))
    return await clients.answer(operation, secrets.token_urlsafe(16), {"consent": yes})


async def with_request_state_only(clients: Clients, operation: GuardedOperation) -> object:
    return await clients.answer(operation, (await clients.question(operation)).request_state)


async def with_another_request_state(clients: Clients, operation: GuardedOperation) -> object:
    wrong = await clients.question(another(operation))
    yes = yes_to(await clients.question(operation))
    return await clients.answer(operation, wrong.request_state, {"consent": yes})


async def answering_for_other_arguments(clients: Clients, operation: GuardedOperation) -> object:
    wrong = await clients.question(operation.other)
    return await clients.answer(operation, wrong.request_state, {"consent": yes_to(wrong)})


async def with_confirmation_as_request_state(
    clients: Clients, operation: GuardedOperation
) -> object:
    yes = yes_to(await clients.question(operation))
    return await clients.answer(operation, await clients.confirmation(operation), {"consent": yes})


async def with_request_state_as_confirmation(
    clients: Clients, operation: GuardedOperation
) -> object:
    question = await clients.question(operation)
    return await confirming(question.request_state or "")(clients, operation)


async def answered_by_another_caller(clients: Clients, operation: GuardedOperation) -> object:
    question = await clients.question(operation)
    yes: types.InputResponses = {"consent": yes_to(question)}
    return await clients.answer(operation, question.request_state, yes, client=clients.other)


async def answering_too_late(clients: Clients, operation: GuardedOperation) -> object:
    question = await clients.question(operation)
    clients.clock.advance(FIVE_MINUTES)
    return await clients.answer(operation, question.request_state, {"consent": yes_to(question)})


async def answering_under_another_name(clients: Clients, operation: GuardedOperation) -> object:
    question = await clients.question(operation)
    return await clients.answer(operation, question.request_state, {"something": yes_to(question)})


async def answering_with_another_kind(clients: Clients, operation: GuardedOperation) -> object:
    question = await clients.question(operation)
    roots = types.ListRootsResult(roots=[])
    return await clients.answer(operation, question.request_state, {"consent": roots})
