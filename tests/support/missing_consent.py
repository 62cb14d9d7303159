"""Attempts to run a guarded call without consent, each with the result that the client gets."""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import anyio
import mcp_types as types
from mcp.shared.exceptions import MCPError

from tests.support.concurrency import Paused, cancel_while_held, settle
from tests.support.consent_clients import rename_all, status_and_reason
from tests.support.guarded_calls import DELETE_SOURCE, GO_OFFLINE
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.simulated_person import (
    agreeing,
    altering,
    cancelling,
    choices,
    declining,
    failing,
    filled_in,
    filling_in,
    refusing,
    silent,
    yes_to,
)
from tests.world.wire import ERAS, LEGACY, MODERN

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Any

    from mcp import Client

    from tests.support.consent_clients import Clients
    from tests.support.guarded_calls import GuardedOperation
    from tests.support.simulated_person import Form, FormAnswer, Responder

    Attempt = Callable[[Clients, GuardedOperation], Coroutine[Any, Any, object]]
    StatusAndReason = tuple[str, str | None]

FIVE_MINUTES: Final = 300.0


def another(operation: GuardedOperation) -> GuardedOperation:
    """Another guarded call."""
    return DELETE_SOURCE if operation.tool == "go_offline" else GO_OFFLINE


async def wait_until_read(client: Client) -> None:
    """Wait until the server has read everything that a client sent."""
    await client.list_tools()
    await settle()


# Clients that cannot ask a person: `confirm` and `confirmation`


def calling(**evidence: object) -> Attempt:
    """Call with this evidence."""
    return lambda clients, operation: clients.call(operation, **evidence)


def confirming(
    confirmed: Callable[[GuardedOperation], GuardedOperation] = lambda it: it,
    then: Callable[[Clients], object] = lambda _clients: None,
    *,
    by_another: bool = False,
    **evidence: object,
) -> Attempt:
    """Use the confirmation of a call, perhaps another one or another caller's, after a change."""

    async def attempt(clients: Clients, operation: GuardedOperation) -> object:
        client = clients.other if by_another else None
        confirmation = await clients.confirmation(confirmed(operation), client=client)
        then(clients)
        return await clients.call(
            operation, **{"confirm": True, "confirmation": confirmation, **evidence}
        )

    return attempt


expired: Final = confirming(then=lambda clients: clients.clock.advance(FIVE_MINUTES))
of_another_operation: Final = confirming(another)
from_before_a_rename: Final = confirming(then=lambda clients: rename_all(clients.trax))
from_before_going_live: Final = confirming(then=lambda clients: put_on_air(clients.trax))


async def cancelled_while_reading(clients: Clients, operation: GuardedOperation) -> None:
    held, confirmation = Paused(), await clients.confirmation(operation)
    clients.trax.faults.add(held.fault, method="GET")
    call = partial(clients.use, operation, confirmation)
    await cancel_while_held(call, held, seen=partial(wait_until_read, clients.plain))
    await wait_until_read(clients.plain)


# Clients that can ask a person: forms


def answering_with(respond: Responder, **evidence: object) -> Attempt:
    """Call, and let the person answer so."""

    async def attempt(clients: Clients, operation: GuardedOperation) -> object:
        clients.person.answer_with(respond)
        return await clients.call(operation, clients.asking, **evidence)

    return attempt


async def choosing_under_another_name(form: Form) -> FormAnswer:
    return filled_in({"decision": choices(form)[0]})


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

    before = len(clients.person.forms)
    result = await answering_with(respond)(clients, operation)
    assert len(clients.person.forms) == before + 2, "a person is asked twice at most"
    return result


# Answers that are a call of their own, with a request state (2026-07-28)

State = str | None


def answering(
    *,
    state: Callable[[State], State] = lambda it: it,
    name: str = "consent",
    answer: Callable[[types.ElicitResult], Any] = lambda yes: yes,
    by_another: bool = False,
    wait: float = 0,
) -> Attempt:
    """Answer yes to the question of a call, but with another state, name, kind, caller or time."""

    async def attempt(clients: Clients, operation: GuardedOperation) -> object:
        question = await clients.question(operation)
        clients.clock.advance(wait)
        return await clients.answer(
            operation,
            state(question.request_state),
            {name: answer(yes_to(question))},
            client=clients.other if by_another else None,
        )

    return attempt


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
    confirmation = await clients.confirmation(operation)
    return await answering(state=lambda _: confirmation)(clients, operation)


async def with_request_state_as_confirmation(
    clients: Clients, operation: GuardedOperation
) -> object:
    question = await clients.question(operation)
    return await clients.use(operation, question.request_state or "")


# The cases


def any_operation(_operation: GuardedOperation) -> bool:
    """Every operation."""
    return True


def all_but_a_stop(operation: GuardedOperation) -> bool:
    """Every operation but a stop, whose confirmation a change does not invalidate."""
    return operation.tool != "go_offline"


def only_go_live(operation: GuardedOperation) -> bool:
    """Only a go-live."""
    return operation.tool == "go_live"


def changed_by_going_live(operation: GuardedOperation) -> bool:
    """Operations that are guarded off air, and whose preview differs on air."""
    return not operation.on_air and operation.tool not in {"go_live", "send_chat_message"}


class MissingConsent(NamedTuple):
    """An attempt without consent, its result (None if it was cancelled), and where it exists."""

    attempt: Attempt
    result: StatusAndReason | None
    eras: tuple[str, ...] = ERAS
    exists: Callable[[GuardedOperation], bool] = any_operation


UNCONFIRMED: Final = ("confirmation_required", None)
EXPIRED: Final = ("confirmation_invalid", "expired")
MISMATCH: Final = ("confirmation_invalid", "mismatch")
CHANGED: Final = ("confirmation_invalid", "changed")
DECLINED: Final = ("declined", "declined")
MALFORMED: Final = ("declined", "malformed")


def invalid(attempt: Attempt, result: StatusAndReason) -> MissingConsent:
    """An attempt in the later era alone."""
    return MissingConsent(attempt, result, (MODERN,))


def malformed(respond: Responder) -> MissingConsent:
    """A person's answer that is none of the choices. No operation reads it in its own way."""
    return MissingConsent(answering_with(respond), MALFORMED, exists=only_go_live)


CASES: Final[Mapping[str, MissingConsent]] = {
    "no flag": MissingConsent(calling(), UNCONFIRMED),
    "the flag alone": MissingConsent(calling(confirm=True), UNCONFIRMED),
    "a confirmation without the flag": MissingConsent(confirming(confirm=None), UNCONFIRMED),
    "a confirmation with a false flag": MissingConsent(confirming(confirm=False), UNCONFIRMED),
    "an invented confirmation": MissingConsent(
        calling(confirm=True, confirmation=secrets.token_urlsafe(16)), EXPIRED
    ),
    "an empty confirmation": MissingConsent(calling(confirm=True, confirmation=""), EXPIRED),
    "an expired confirmation": MissingConsent(expired, EXPIRED),
    "another caller's confirmation": MissingConsent(confirming(by_another=True), EXPIRED),
    "a confirmation of other arguments": MissingConsent(
        confirming(lambda operation: operation.other), MISMATCH
    ),
    "a confirmation of another operation": MissingConsent(of_another_operation, MISMATCH),
    "a request state as confirmation": invalid(with_request_state_as_confirmation, MISMATCH),
    "a confirmation from before a rename": MissingConsent(
        from_before_a_rename, CHANGED, exists=all_but_a_stop
    ),
    "a confirmation from before the studio went live": MissingConsent(
        from_before_going_live, CHANGED, exists=changed_by_going_live
    ),
    "a confirmation for a studio that is live": MissingConsent(
        from_before_going_live, ("nothing_to_do", None), exists=only_go_live
    ),
    "cancelled while the server reads": MissingConsent(
        cancelled_while_reading, None, exists=all_but_a_stop
    ),
    # With forms
    "declined": MissingConsent(answering_with(declining), DECLINED),
    "declined with the flag": MissingConsent(answering_with(declining, confirm=True), DECLINED),
    "cancelled": MissingConsent(answering_with(cancelling), ("declined", "cancelled")),
    "a form without content": malformed(filling_in(None)),
    "a form without a choice": malformed(filling_in({})),
    "the choice under another name": malformed(choosing_under_another_name),
    "a plain yes": malformed(filling_in({"choice": "yes"})),
    "a boolean": malformed(filling_in({"choice": True})),
    "a list of the choice": malformed(altering(lambda word: [word])),
    "the choice and a space": malformed(altering(lambda word: f"{word} ")),
    "the choice in capitals": malformed(altering(str.upper)),
    "the choice of another operation": MissingConsent(choosing_for_another_operation, MALFORMED),
    "a client error": MissingConsent(
        answering_with(failing), ("declined", "client_error"), (LEGACY,)
    ),
    "a client that fails": MissingConsent(client_fails, None, (MODERN,)),
    "no answer in five minutes": MissingConsent(
        not_answering, ("declined", "timed_out"), (LEGACY,)
    ),
    "an answer after five minutes": invalid(answering(wait=FIVE_MINUTES), EXPIRED),
    "cancelled while a person is asked": MissingConsent(cancelled_while_asking, None),
    "a change after each question": MissingConsent(
        with_a_change_each_time, CHANGED, exists=all_but_a_stop
    ),
    "an answer without a request state": invalid(answering(state=lambda _: None), EXPIRED),
    "an answer with an empty request state": invalid(answering(state=lambda _: ""), EXPIRED),
    "an invented request state": invalid(
        answering(state=lambda _: secrets.token_urlsafe(16)), EXPIRED
    ),
    "a request state without an answer": invalid(with_request_state_only, MALFORMED),
    "an answer under another name": invalid(answering(name="something"), MALFORMED),
    "an answer of another kind": invalid(
        answering(answer=lambda _: types.ListRootsResult(roots=[])), MALFORMED
    ),
    "another question's request state": invalid(with_another_request_state, MISMATCH),
    "a yes to other arguments": invalid(answering_for_other_arguments, MISMATCH),
    "a confirmation as request state": invalid(with_confirmation_as_request_state, MISMATCH),
    "another caller's answer": invalid(answering(by_another=True), EXPIRED),
    # Last: after a person's no, the same call is not asked about for a minute.
    "the other choice": MissingConsent(answering_with(refusing), DECLINED),
}


def missing_consent(era: str, operation: GuardedOperation) -> dict[str, MissingConsent]:
    """All cases of this operation in this era."""
    return {name: it for name, it in CASES.items() if era in it.eras and it.exists(operation)}


async def run_attempt(
    clients: Clients, operation: GuardedOperation, case: MissingConsent
) -> StatusAndReason | None:
    """Make one attempt in the seeded world, and return its result."""
    clients.trax.reset()
    if operation.on_air:
        put_on_air(clients.trax)
    result = await case.attempt(clients, operation)
    return None if result is None else status_and_reason(result)
