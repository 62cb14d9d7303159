"""Every case in which consent is missing, with the result that the client gets."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.support import consent_attempts as walks
from tests.support.consent_attempts import answering_with, calling, confirming
from tests.support.consent_clients import reset, status_and_reason
from tests.support.frozen_sandbox import put_on_air
from tests.support.jsonrpc import ERAS, LEGACY, MODERN
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


WITHOUT_FORMS: Final[Mapping[str, MissingConsent]] = {
    "no flag": MissingConsent(calling(), unconfirmed()),
    "the flag alone": MissingConsent(calling(confirm=True), unconfirmed()),
    "a confirmation without the flag": MissingConsent(walks.without_the_flag, unconfirmed()),
    "a confirmation with a false flag": MissingConsent(walks.against_the_flag, unconfirmed()),
    "an invented confirmation": MissingConsent(
        confirming(secrets.token_urlsafe(16)), unconfirmed("expired")
    ),
    "an empty confirmation": MissingConsent(confirming(""), unconfirmed("expired")),
    "an expired confirmation": MissingConsent(walks.expired, unconfirmed("expired")),
    "another caller's confirmation": MissingConsent(
        walks.of_another_caller, unconfirmed("expired")
    ),
    "a confirmation of other arguments": MissingConsent(
        walks.of_other_arguments, unconfirmed("mismatch")
    ),
    "a confirmation of another operation": MissingConsent(
        walks.of_another_operation, unconfirmed("mismatch")
    ),
    "a request state as confirmation": MissingConsent(
        walks.with_request_state_as_confirmation, unconfirmed("mismatch"), (MODERN,)
    ),
    "a confirmation from before a rename": MissingConsent(
        walks.from_before_a_rename, unconfirmed("changed"), exists=all_but_a_stop
    ),
    "a confirmation from before the studio went live": MissingConsent(
        walks.from_before_going_live, unconfirmed("changed"), exists=changed_by_going_live
    ),
    "a confirmation for a studio that is live": MissingConsent(
        walks.from_before_going_live, ("nothing_to_do", None), exists=only_go_live
    ),
    "cancelled while the server reads": MissingConsent(
        walks.cancelled_while_reading, None, exists=all_but_a_stop
    ),
}

WITH_FORMS: Final[Mapping[str, MissingConsent]] = {
    "declined": MissingConsent(answering_with(declining), declined("declined")),
    "declined with the flag": MissingConsent(
        answering_with(declining, confirm=True), declined("declined")
    ),
    "declined with a confirmation": MissingConsent(
        walks.declining_with_a_confirmation, declined("declined")
    ),
    "the other choice": MissingConsent(answering_with(refusing), declined("declined")),
    "cancelled": MissingConsent(answering_with(cancelling), declined("cancelled")),
    "a form without content": MissingConsent(
        answering_with(filling_in(None)), declined("malformed")
    ),
    "a form without a choice": MissingConsent(
        answering_with(filling_in({})), declined("malformed")
    ),
    "the choice under another name": MissingConsent(
        answering_with(walks.choosing_under_another_name), declined("malformed")
    ),
    "a plain yes": MissingConsent(
        answering_with(filling_in({"choice": "yes"})), declined("malformed")
    ),
    "a boolean": MissingConsent(
        answering_with(filling_in({"choice": True})), declined("malformed")
    ),
    "a number": MissingConsent(answering_with(filling_in({"choice": 0})), declined("malformed")),
    "a list of the choice": MissingConsent(
        answering_with(altering(lambda word: [word])), declined("malformed")
    ),
    "the choice and a space": MissingConsent(
        answering_with(altering(lambda word: f"{word} ")), declined("malformed")
    ),
    "the choice in capitals": MissingConsent(
        answering_with(altering(str.upper)), declined("malformed")
    ),
    "the choice of another operation": MissingConsent(
        walks.choosing_for_another_operation, declined("malformed")
    ),
    "a client error": MissingConsent(answering_with(failing), declined("client_error"), (LEGACY,)),
    "a client that fails": MissingConsent(walks.client_fails, None, (MODERN,)),
    "no answer in five minutes": MissingConsent(
        walks.not_answering, declined("timed_out"), (LEGACY,)
    ),
    "an answer after five minutes": MissingConsent(
        walks.answering_too_late, unconfirmed("expired"), (MODERN,)
    ),
    "cancelled while a person is asked": MissingConsent(walks.cancelled_while_asking, None),
    "a change after each question": MissingConsent(
        walks.with_a_change_each_time, unconfirmed("changed"), exists=all_but_a_stop
    ),
    "an answer without a request state": MissingConsent(
        walks.without_request_state, unconfirmed("expired"), (MODERN,)
    ),
    "an invented request state": MissingConsent(
        walks.with_invented_request_state, unconfirmed("expired"), (MODERN,)
    ),
    "a request state without an answer": MissingConsent(
        walks.with_request_state_only, declined("malformed"), (MODERN,)
    ),
    "an answer under another name": MissingConsent(
        walks.answering_under_another_name, declined("malformed"), (MODERN,)
    ),
    "an answer of another kind": MissingConsent(
        walks.answering_with_another_kind, declined("malformed"), (MODERN,)
    ),
    "another question's request state": MissingConsent(
        walks.with_another_request_state, unconfirmed("mismatch"), (MODERN,)
    ),
    "a yes to other arguments": MissingConsent(
        walks.answering_for_other_arguments, unconfirmed("mismatch"), (MODERN,)
    ),
    "a confirmation as request state": MissingConsent(
        walks.with_confirmation_as_request_state, unconfirmed("mismatch"), (MODERN,)
    ),
    "another caller's answer": MissingConsent(
        walks.answered_by_another_caller, unconfirmed("expired"), (MODERN,)
    ),
}

ALL_CASES: Final[Mapping[str, MissingConsent]] = {**WITHOUT_FORMS, **WITH_FORMS}


def missing_consent(era: str, operation: GuardedOperation) -> dict[str, MissingConsent]:
    """All cases of this operation in this era."""
    return {name: it for name, it in ALL_CASES.items() if era in it.eras and it.exists(operation)}


async def run_attempt(
    clients: Clients, operation: GuardedOperation, case: MissingConsent
) -> StatusAndReason | None:
    """Make one attempt in the seeded world, and return its result."""
    reset(clients.trax)
    if operation.on_air:
        put_on_air(clients.trax)
    result = await case.attempt(clients, operation)
    return None if result is None else status_and_reason(result)


TIMED: Final = (
    "an expired confirmation",
    "no answer in five minutes",
    "an answer after five minutes",
)
"""The cases in which time must pass."""
