"""The messages of all failures except TRaX's error responses, which are in `error_responses`.

Each says what happened, what was not done, and what to do next. No function here takes a secret.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from trax_mcp.api.errors import (
    BadAnswer,
    Failure,
    LostAnswer,
    NoConnection,
    NotSent,
    Outcome,
    TraxError,
)
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.text_safety import quote

KEYS_SCREEN: Final = "TRaX's Developer / API Keys screen"
WRITES_OFF: Final = "This TRaX deployment has writes switched off"
WRITES_OFF_NEXT: Final = (
    "Retrying will not help: `writeEnabled` in get_health shows when that changes."
)
_OUTCOME_CLAUSES: Final[Mapping[Outcome, str]] = {
    "not_applied": "nothing was changed",
    "unknown": "whether it took effect is not known",
    "applied": "it has taken effect, so do not call again",
}


def no_key() -> NotSent:
    """The caller has no key and the call needs one."""
    next_step = (
        f"Make one on {KEYS_SCREEN} and set it as TRAX_API_KEY (over HTTP: send it as X-API-Key)."
    )
    return NotSent(_nothing_sent("no_key", "There is no TRaX key", next_step))


def write_disabled() -> NotSent:
    """The deployment takes no changes, as seen before asking for consent."""
    return NotSent(
        _nothing_sent("write_disabled", WRITES_OFF, WRITES_OFF_NEXT, clause="; nothing was changed")
    )


def store_unavailable() -> NotSent:
    """The store that remembers consent for all replicas does not answer."""
    happened = "The store that this server's replicas share does not answer"
    next_step = "Try again in a moment. Going offline works meanwhile."
    clause = "; nothing was changed"
    return NotSent(
        _nothing_sent("store_unavailable", happened, next_step, clause=clause, retryable=True)
    )


def not_listed(operation: Operation[Model], *, what: str, listed_by: str) -> NotSent:
    """The target of an operation is not in its list."""
    happened, next_step = f"TRaX lists no such {what}", f"Check the id with {listed_by}."
    clause = f", so {operation.tool_name} was not sent"
    return NotSent(_nothing_sent("not_found", happened, next_step, clause=clause))


def another_studio(operation: Operation[Model], *, answered: str) -> NotSent:
    """TRaX answers for a studio under another id than the one that was given."""
    given, known = (quote(it, longest=80) for it in (operation.studio(), answered))
    happened = f"TRaX knows the studio {given} as {known}"
    next_step = "Call again with that `studioId`: all that is known of a studio is kept by its id."
    return NotSent(_nothing_sent("not_found", happened, next_step, clause=""))


def client_setup_failed() -> NotSent:
    """The environment names a wrong proxy, certificate or address."""
    next_step = (
        "Check TRAX_BASE_URL, SSL_CERT_FILE and the proxy variables (HTTPS_PROXY, ALL_PROXY,"
        " NO_PROXY)."
    )
    happened = "The way to TRaX could not be prepared"
    return NotSent(_nothing_sent("unreachable", happened, next_step))


def interrupted(operation: Operation[Model]) -> LostAnswer:
    """The time limit passed, or the server shut down, while the call was being sent."""
    happened = "The call was cut short before TRaX answered"
    return LostAnswer(_failure(operation, "timeout", happened, request_id=None))


def no_connection(*, request_id: str) -> NoConnection:
    """TRaX could not be reached."""
    next_step = "Check the network and TRAX_BASE_URL, then call again."
    failure = _nothing_sent("unreachable", "TRaX could not be reached", next_step, retryable=True)
    return NoConnection(replace(failure, request_id=request_id))


def too_busy(*, is_shared: bool) -> NotSent:
    """The caller has too many other requests in flight, or shares their number with others."""
    whose = "keys that TRaX has not accepted here yet" if is_shared else "this key"
    happened = f"Too many other calls with {whose} are waiting for TRaX"
    next_step = "Wait for their answers, then call again."
    return NotSent(_nothing_sent("unreachable", happened, next_step, retryable=True))


def timed_out(operation: Operation[Model], *, request_id: str, seconds: float) -> LostAnswer:
    """The call was sent, but no answer came in time."""
    happened = f"TRaX did not answer within {seconds:g} s"
    return LostAnswer(_failure(operation, "timeout", happened, request_id=request_id))


def connection_broken(operation: Operation[Model], *, request_id: str) -> LostAnswer:
    """The call was sent, perhaps in part, but the connection broke before an answer began."""
    happened = "The connection to TRaX broke before it answered"
    return LostAnswer(_failure(operation, "unreachable", happened, request_id=request_id))


def response_mismatch(operation: Operation[Model], *, request_id: str) -> LostAnswer:
    """TRaX answered another request of this server, perhaps of another caller."""
    happened = "TRaX answered another request in place of this one"
    return LostAnswer(_failure(operation, "bad_answer", happened, request_id=request_id))


def unreadable(
    operation: Operation[Model],
    *,
    request_id: str,
    status: int,
    why: str = "is not a JSON object",
    code: str = "bad_answer",
) -> BadAnswer:
    """TRaX accepted the call, but its answer cannot be read. A mutation is applied."""
    happened = f"TRaX accepted {operation.tool_name}, but its answer {why}"
    failure = _failure(operation, code, happened, request_id=request_id, if_mutating="applied")
    return BadAnswer(replace(failure, http_status=status))


def incomplete(operation: Operation[Model], *, request_id: str, status: int) -> BadAnswer:
    """TRaX accepted the call, but its answer lacks what the contract requires."""
    why = "lacks what it should hold"
    return unreadable(operation, request_id=request_id, status=status, why=why)


def unreadable_cursor(operation: Operation[Model], *, request_id: str, status: int) -> BadAnswer:
    """The cursor in a page is neither missing nor a string."""
    why = "says nothing readable of the next page"
    return unreadable(operation, request_id=request_id, status=status, why=why)


def not_understood() -> BadAnswer:
    """An answer of TRaX caused an unexpected error in this server."""
    message = "What TRaX answered was not understood. Call again later."
    return BadAnswer(Failure(code="bad_answer", message=message, retryable=True))


def pagination_loop(operation: Operation[Model]) -> BadAnswer:
    """The pages of a list do not end."""
    happened = f"TRaX's answers to {operation.tool_name} do not end"
    return BadAnswer(_failure(operation, "bad_answer", happened, request_id=None))


def seen_without_answer(happened: str, tool_name: str, state: str) -> str:
    """The answer to a go-live or a stop was lost, but the studio was seen in this state."""
    seen = state.replace("_", " ")
    return f"{happened}. The studio was then seen {seen}: do not call {tool_name} again."


def not_sent_because(error: TraxError, operation: Operation[Model]) -> TraxError:
    """A change was not sent, because a read before it failed. The read does not say so itself."""
    failure = error.failure
    rest = failure.message.removeprefix(f"{failure.happened}.")
    if not failure.happened or rest == failure.message:
        return error
    message = f"{failure.happened}; {operation.tool_name} was not sent.{rest}"
    return type(error)(replace(failure, message=message))


def compose_message(happened: str, outcome: Outcome | None, next_step: str) -> str:
    """Say what happened, what the call changed, and what to do next.

    `outcome` is None for a read: nobody expects it to change anything.
    """
    if outcome is None:
        return f"{happened}. {next_step}"
    return f"{happened}; {_OUTCOME_CLAUSES[outcome]}. {next_step}"


def next_step_for(operation: Operation[Model]) -> str:
    """The next step after a call whose outcome is unknown or not visible in its answer."""
    if operation.verify_with is None:
        return "Call again later."
    return f"Look with {operation.verify_with} before anything else."


def _nothing_sent(
    code: str,
    happened: str,
    next_step: str,
    *,
    clause: str = ", so nothing was sent",
    retryable: bool = False,
) -> Failure:
    message = f"{happened}{clause}. {next_step}"
    return Failure(code=code, message=message, happened=happened, retryable=retryable)


def _failure(
    operation: Operation[Model],
    code: str,
    happened: str,
    *,
    request_id: str | None,
    if_mutating: Outcome = "unknown",
) -> Failure:
    outcome = if_mutating if operation.call.mutates else None
    return Failure(
        code=code,
        message=compose_message(happened, outcome, next_step_for(operation)),
        happened=happened,
        retryable=not operation.call.mutates,
        outcome=outcome or "not_applied",
        request_id=request_id,
    )
