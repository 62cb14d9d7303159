"""Every failure but an error answer (those are in `refusals`), put into words.

Pure. Each text says what happened, what was not done, and what to do next. No secret can enter,
since none is handed in.
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

KEYS_SCREEN: Final = "TRaX's Developer / API Keys screen"
WRITES_OFF: Final = "This TRaX deployment has writes switched off"
WRITES_OFF_NEXT: Final = (
    "Retrying will not help: `writeEnabled` in get_health shows when that changes."
)
_BECAME: Final[Mapping[Outcome, str]] = {
    "not_applied": "nothing was changed",
    "unknown": "whether it took effect is not known",
    "applied": "it has taken effect, so do not call again",
}


def no_key() -> NotSent:
    """The caller has no key and the call needs one."""
    return _not_sent(
        "no_key",
        f"There is no TRaX key, so nothing was sent. Make one on {KEYS_SCREEN}"
        " and set it as TRAX_API_KEY (over HTTP: send it as X-API-Key).",
    )


def write_disabled() -> NotSent:
    """The deployment takes no changes: seen by looking, before anybody is asked."""
    return _not_sent("write_disabled", f"{WRITES_OFF}; {_BECAME['not_applied']}. {WRITES_OFF_NEXT}")


def not_listed(operation: Operation[Model], *, what: str, listed_by: str) -> NotSent:
    """What an operation is about is not in the list where it would be."""
    return _not_sent(
        "not_found",
        f"TRaX lists no such {what}, so {operation.tool_name} was not sent."
        f" Check the id with {listed_by}.",
    )


def client_setup_failed() -> NotSent:
    """The environment lets no client be made: a proxy, certificate or address is wrong."""
    return _not_sent(
        "unreachable",
        "The way to TRaX could not be prepared, so nothing was sent. Check TRAX_BASE_URL,"
        " SSL_CERT_FILE and the proxy variables (HTTPS_PROXY, ALL_PROXY, NO_PROXY).",
    )


def interrupted(operation: Operation[Model]) -> LostAnswer:
    """Sent, or about to be, when the time for it was over or the server stopped."""
    happened = "The call was cut short before TRaX answered"
    return LostAnswer(_account(operation, "timeout", happened, request_id=None))


def no_connection(*, request_id: str) -> NoConnection:
    """TRaX could not be reached."""
    message = (
        "TRaX could not be reached, so nothing was sent."
        " Check the network and TRAX_BASE_URL, then call again."
    )
    return NoConnection(
        Failure(code="unreachable", message=message, retryable=True, request_id=request_id)
    )


def timed_out(operation: Operation[Model], *, request_id: str, seconds: float) -> LostAnswer:
    """Sent, and no answer came in time."""
    happened = f"TRaX did not answer within {seconds:g} s"
    return LostAnswer(_account(operation, "timeout", happened, request_id=request_id))


def cut_off(operation: Operation[Model], *, request_id: str) -> LostAnswer:
    """Sent, or partly, and the connection broke before an answer began."""
    happened = "The connection to TRaX broke before it answered"
    return LostAnswer(_account(operation, "unreachable", happened, request_id=request_id))


def response_mismatch(operation: Operation[Model], *, request_id: str) -> LostAnswer:
    """Sent, and what came back was the answer to another request of ours, perhaps of another's."""
    happened = "TRaX answered another request in place of this one"
    return LostAnswer(_account(operation, "bad_answer", happened, request_id=request_id))


def unreadable(
    operation: Operation[Model],
    *,
    request_id: str,
    status: int,
    why: str = "is not a JSON object",
    code: str = "bad_answer",
) -> BadAnswer:
    """TRaX accepted the call and its answer cannot be read. A mutation has been done."""
    happened = f"TRaX accepted {operation.tool_name}, but its answer {why}"
    account = _account(operation, code, happened, request_id=request_id, mutated="applied")
    return BadAnswer(replace(account, http_status=status))


def incomplete(operation: Operation[Model], *, request_id: str) -> BadAnswer:
    """TRaX accepted the call, and its answer is not what the contract promises."""
    return unreadable(operation, request_id=request_id, status=200, why="lacks what it should hold")


def unreadable_cursor(operation: Operation[Model], *, request_id: str) -> BadAnswer:
    """A page that neither says where the next one begins nor that there is none."""
    why = "says nothing readable of the next page"
    return unreadable(operation, request_id=request_id, status=200, why=why)


def not_understood() -> BadAnswer:
    """What TRaX answered has brought us into trouble of our own."""
    message = "What TRaX answered was not understood; nothing was changed. Call again later."
    return BadAnswer(Failure(code="bad_answer", message=message, retryable=True))


def pagination_loop(operation: Operation[Model]) -> BadAnswer:
    """A list whose pages do not end."""
    happened = f"TRaX's answers to {operation.tool_name} do not end"
    return BadAnswer(_account(operation, "bad_answer", happened, request_id=None))


def found_out(error: TraxError, operation: Operation[Model], seen: str | None) -> TraxError:
    """The same failure, with what was seen afterwards: that it took effect after all."""
    if error.failure.outcome != "unknown" or seen is None:
        return error
    message = (
        f"{error.failure.happened}, but {operation.tool_name} took effect: {seen}."
        " Do not call it again."
    )
    return type(error)(replace(error.failure, outcome="applied", retryable=False, message=message))


def tell(happened: str, outcome: Outcome, next_step: str) -> str:
    """What happened, what became of the call, what to do next: in two sentences."""
    return f"{happened}; {_BECAME[outcome]}. {next_step}"


def what_next(operation: Operation[Model]) -> str:
    """What to do when it is not known, or only known by looking, what became of a call."""
    if operation.verify_with is None:
        return "Call again later."
    return f"Look with {operation.verify_with} before anything else."


def _not_sent(code: str, message: str) -> NotSent:
    return NotSent(Failure(code=code, message=message, retryable=False))


def _account(
    operation: Operation[Model],
    code: str,
    happened: str,
    *,
    request_id: str | None,
    mutated: Outcome = "unknown",
) -> Failure:
    outcome = mutated if operation.call.mutates else "not_applied"
    return Failure(
        code=code,
        message=tell(happened, outcome, what_next(operation)),
        happened=happened,
        retryable=not operation.call.mutates,
        outcome=outcome,
        request_id=request_id,
    )
