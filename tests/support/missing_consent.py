"""Every case in which consent is missing, with the result that the client gets."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.support import consent_attempts as attempts
from tests.support.consent_attempts import answering_with, calling, confirming
from tests.support.consent_clients import status_and_reason
from tests.support.jsonrpc import ERAS, LEGACY, MODERN
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.simulated_person import (
    altering,
    cancelling,
    declining,
    failing,
    filling_in,
    refusing,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.consent_attempts import Attempt
    from tests.support.consent_clients import Clients
    from tests.support.guarded_calls import GuardedOperation
    from tests.support.simulated_person import Responder

    StatusAndReason = tuple[str, str | None]


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


def unconfirmed(reason: str | None = None) -> StatusAndReason:
    """The result if no person was asked."""
    return ("confirmation_invalid" if reason else "confirmation_required", reason)


def declined(reason: str) -> StatusAndReason:
    """The result if a person was asked."""
    return ("declined", reason)


def malformed(respond: Responder) -> MissingConsent:
    """A person's answer that is none of the choices. No operation reads it in its own way."""
    return MissingConsent(answering_with(respond), declined("malformed"), exists=only_go_live)


WITHOUT_FORMS: Final[Mapping[str, MissingConsent]] = {
    "no flag": MissingConsent(calling(), unconfirmed()),
    "the flag alone": MissingConsent(calling(confirm=True), unconfirmed()),
    "a confirmation without the flag": MissingConsent(attempts.without_the_flag, unconfirmed()),
    "a confirmation with a false flag": MissingConsent(attempts.against_the_flag, unconfirmed()),
    "an invented confirmation": MissingConsent(
        confirming(secrets.token_urlsafe(16)), unconfirmed("expired")
    ),
    "an empty confirmation": MissingConsent(confirming(""), unconfirmed("expired")),
    "an expired confirmation": MissingConsent(attempts.expired, unconfirmed("expired")),
    "another caller's confirmation": MissingConsent(
        attempts.of_another_caller, unconfirmed("expired")
    ),
    "a confirmation of other arguments": MissingConsent(
        attempts.of_other_arguments, unconfirmed("mismatch")
    ),
    "a confirmation of another operation": MissingConsent(
        attempts.of_another_operation, unconfirmed("mismatch")
    ),
    "a request state as confirmation": MissingConsent(
        attempts.with_request_state_as_confirmation, unconfirmed("mismatch"), (MODERN,)
    ),
    "a confirmation from before a rename": MissingConsent(
        attempts.from_before_a_rename, unconfirmed("changed"), exists=all_but_a_stop
    ),
    "a confirmation from before the studio went live": MissingConsent(
        attempts.from_before_going_live, unconfirmed("changed"), exists=changed_by_going_live
    ),
    "a confirmation for a studio that is live": MissingConsent(
        attempts.from_before_going_live, ("nothing_to_do", None), exists=only_go_live
    ),
    "cancelled while the server reads": MissingConsent(
        attempts.cancelled_while_reading, None, exists=all_but_a_stop
    ),
}

WITH_FORMS: Final[Mapping[str, MissingConsent]] = {
    "declined": MissingConsent(answering_with(declining), declined("declined")),
    "declined with the flag": MissingConsent(
        answering_with(declining, confirm=True), declined("declined")
    ),
    "declined with a confirmation": MissingConsent(
        attempts.declining_with_a_confirmation, declined("declined")
    ),
    "cancelled": MissingConsent(answering_with(cancelling), declined("cancelled")),
    "a form without content": malformed(filling_in(None)),
    "a form without a choice": malformed(filling_in({})),
    "the choice under another name": malformed(attempts.choosing_under_another_name),
    "a plain yes": malformed(filling_in({"choice": "yes"})),
    "a boolean": malformed(filling_in({"choice": True})),
    "a number": malformed(filling_in({"choice": 0})),
    "a list of the choice": malformed(altering(lambda word: [word])),
    "the choice and a space": malformed(altering(lambda word: f"{word} ")),
    "the choice in capitals": malformed(altering(str.upper)),
    "the choice of another operation": MissingConsent(
        attempts.choosing_for_another_operation, declined("malformed")
    ),
    "a client error": MissingConsent(answering_with(failing), declined("client_error"), (LEGACY,)),
    "a client that fails": MissingConsent(attempts.client_fails, None, (MODERN,)),
    "no answer in five minutes": MissingConsent(
        attempts.not_answering, declined("timed_out"), (LEGACY,)
    ),
    "an answer after five minutes": MissingConsent(
        attempts.answering_too_late, unconfirmed("expired"), (MODERN,)
    ),
    "cancelled while a person is asked": MissingConsent(attempts.cancelled_while_asking, None),
    "a change after each question": MissingConsent(
        attempts.with_a_change_each_time, unconfirmed("changed"), exists=all_but_a_stop
    ),
    "an answer without a request state": MissingConsent(
        attempts.without_request_state, unconfirmed("expired"), (MODERN,)
    ),
    "an invented request state": MissingConsent(
        attempts.with_invented_request_state, unconfirmed("expired"), (MODERN,)
    ),
    "a request state without an answer": MissingConsent(
        attempts.with_request_state_only, declined("malformed"), (MODERN,)
    ),
    "an answer under another name": MissingConsent(
        attempts.answering_under_another_name, declined("malformed"), (MODERN,)
    ),
    "an answer of another kind": MissingConsent(
        attempts.answering_with_another_kind, declined("malformed"), (MODERN,)
    ),
    "another question's request state": MissingConsent(
        attempts.with_another_request_state, unconfirmed("mismatch"), (MODERN,)
    ),
    "a yes to other arguments": MissingConsent(
        attempts.answering_for_other_arguments, unconfirmed("mismatch"), (MODERN,)
    ),
    "a confirmation as request state": MissingConsent(
        attempts.with_confirmation_as_request_state, unconfirmed("mismatch"), (MODERN,)
    ),
    "another caller's answer": MissingConsent(
        attempts.answered_by_another_caller, unconfirmed("expired"), (MODERN,)
    ),
    # Last: after a person's no, the same call is not asked about for a minute.
    "the other choice": MissingConsent(answering_with(refusing), declined("declined")),
}

ALL_CASES: Final[Mapping[str, MissingConsent]] = {**WITHOUT_FORMS, **WITH_FORMS}


def missing_consent(era: str, operation: GuardedOperation) -> dict[str, MissingConsent]:
    """All cases of this operation in this era."""
    return {name: it for name, it in ALL_CASES.items() if era in it.eras and it.exists(operation)}


async def run_attempt(
    clients: Clients, operation: GuardedOperation, case: MissingConsent
) -> StatusAndReason | None:
    """Make one attempt in the seeded world, and return its result."""
    clients.trax.reset()
    if operation.on_air:
        put_on_air(clients.trax)
    result = await case.attempt(clients, operation)
    return None if result is None else status_and_reason(result)
