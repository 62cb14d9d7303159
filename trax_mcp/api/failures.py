"""Every failure on the way to TRaX, put into words.

Pure. Each text says what happened, what was not done, and what to do next. Upstream words are
quoted, cut short and labelled as TRaX's; a key or a secret argument that they repeat is struck out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from trax_mcp.api.errors import (
    BadAnswer,
    Failure,
    LostAnswer,
    NoConnection,
    NotSent,
    Outcome,
    Refused,
    TraxError,
)
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.quoting import quote_words

_LONGEST_QUOTE = 200
_KEYS_SCREEN = "TRaX's Developer / API Keys screen"
_KEY = re.compile(r"sk_live_[\w-]+")
_REQUEST_TIMEOUT, _TOO_MANY_REQUESTS = 408, 429


@dataclass(frozen=True, slots=True)
class Complaint:
    """An error answer, as far as it could be read. `retry_after_seconds` is from now."""

    status: int
    code: str | None
    message: str | None
    request_id: str
    required_scope: str | None
    retry_after_seconds: float | None


class _Meaning(NamedTuple):
    happened: str
    next: str
    retryable: bool = False


_MEANINGS: Mapping[str, _Meaning] = {
    "invalid_request": _Meaning(
        "TRaX refused the request as invalid",
        "Correct the arguments: the same call will fail again.",
    ),
    "invalid_key": _Meaning(
        "TRaX does not accept this key, which is unknown, revoked or expired",
        f"Make a new one on {_KEYS_SCREEN}.",
    ),
    "insufficient_scope": _Meaning(
        "The key lacks the scope {scope}",
        f"Use a key that has it: keys are made on {_KEYS_SCREEN}.",
    ),
    "not_found": _Meaning(
        "TRaX has no such thing, or this key's account may not see it",
        "Check the id against the matching list tool.",
    ),
    "rate_limited": _Meaning(
        "TRaX is rate limiting this key", "Call again {wait}.", retryable=True
    ),
    "write_disabled": _Meaning(
        "This TRaX deployment has writes switched off",
        "Retrying will not help: `writeEnabled` in get_health shows when that changes.",
    ),
}
"""The documented codes (source: the error table of TRaX's documentation)."""

_BECAME: Mapping[Outcome, str] = {
    "not_applied": "nothing was changed",
    "unknown": "whether it took effect is not known",
    "applied": "it has taken effect, so do not call again",
}


def no_key() -> NotSent:
    """The caller has no key and the call needs one."""
    message = (
        f"There is no TRaX key, so nothing was sent. Make one on {_KEYS_SCREEN}"
        " and set it as TRAX_API_KEY (over HTTP: send it as X-API-Key)."
    )
    return NotSent(Failure(code="no_key", message=message, retryable=False))


def no_connection(*, request_id: str) -> NoConnection:
    """TRaX could not be reached."""
    message = (
        "TRaX could not be reached, so nothing was sent."
        " Check the network and TRAX_BASE_URL, then call again."
    )
    return NoConnection(
        Failure(code="unreachable", message=message, retryable=True, request_id=request_id)
    )


def read_only(known_as: str) -> NotSent:
    """The operator lets only reading tools run."""
    message = (
        f"This server only reads (TRAX_READ_ONLY), so {known_as} was not sent."
        " Whoever runs the server can change that."
    )
    return NotSent(Failure(code="read_only", message=message, retryable=False))


def not_offered(known_as: str) -> NotSent:
    """The operator does not offer this tool."""
    message = (
        f"This server does not offer {known_as} (TRAX_TOOLS), so nothing was sent."
        " Whoever runs the server can change that."
    )
    return NotSent(Failure(code="not_offered", message=message, retryable=False))


def write_disabled() -> NotSent:
    """The deployment takes no changes: seen by looking, before anybody is asked."""
    meaning = _MEANINGS["write_disabled"]
    message = f"{meaning.happened}; {_BECAME['not_applied']}. {meaning.next}"
    return NotSent(Failure(code="write_disabled", message=message, retryable=False))


def not_listed(operation: Operation[Model], *, what: str, listed_by: str) -> NotSent:
    """What an operation is about is not in the list where it would be."""
    message = (
        f"TRaX lists no such {what}, so {operation.known_as} was not sent."
        f" Check the id with {listed_by}."
    )
    return NotSent(Failure(code="not_found", message=message, retryable=False))


def endless(operation: Operation[Model]) -> BadAnswer:
    """A list whose pages do not end."""
    message = f"TRaX's answers to {operation.known_as} do not end; nothing was changed."
    return BadAnswer(Failure(code="bad_answer", message=message, retryable=True))


def timed_out(operation: Operation[Model], *, request_id: str | None, seconds: float) -> LostAnswer:
    """Sent, and no answer came in time."""
    return _lost(operation, "timeout", f"TRaX did not answer within {seconds:g} s", request_id)


def found_out(error: TraxError, operation: Operation[Model], seen: str | None) -> TraxError:
    """The same failure with what was seen afterwards: that it happened after all, or not yet."""
    if error.failure.outcome != "unknown" or seen is None:
        return error
    happened = error.failure.message.partition(";")[0]
    message = f"{happened}, but {operation.known_as} took effect: {seen}. Do not call it again."
    return type(error)(replace(error.failure, outcome="applied", retryable=False, message=message))


def cut_off(operation: Operation[Model], *, request_id: str) -> LostAnswer:
    """Sent, or partly, and the connection broke before an answer began."""
    return _lost(
        operation, "unreachable", "The connection to TRaX broke before it answered", request_id
    )


def unreadable(
    operation: Operation[Model],
    *,
    request_id: str,
    status: int,
    why: str = "is not a JSON object",
    code: str = "bad_answer",
) -> BadAnswer:
    """TRaX accepted the call and its answer cannot be read. A mutation has been done."""
    outcome: Outcome = "applied" if operation.call.mutates else "not_applied"
    happened = f"TRaX accepted {operation.known_as}, but its answer {why}"
    return BadAnswer(
        Failure(
            code=code,
            message=f"{happened}; {_BECAME[outcome]}. {_what_next(operation)}",
            retryable=not operation.call.mutates,
            outcome=outcome,
            http_status=status,
            request_id=request_id,
        )
    )


def refused(operation: Operation[Model], complaint: Complaint) -> Refused:
    """TRaX answered with an error; an unknown code or a page in its place is one too."""
    meaning = _meaning(complaint, mutates=operation.call.mutates)
    outcome = _outcome(complaint, mutates=operation.call.mutates)
    scope = complaint.required_scope or operation.call.scope
    happened = meaning.happened.format(scope=scope) + _said(operation, complaint.message)
    next_step = meaning.next.format(wait=_wait(complaint.retry_after_seconds))
    if outcome == "unknown":
        next_step = _what_next(operation)
    return Refused(
        Failure(
            code=complaint.code or "bad_answer",
            message=f"{happened}; {_BECAME[outcome]}. {next_step}",
            retryable=meaning.retryable,
            outcome=outcome,
            http_status=complaint.status,
            request_id=complaint.request_id,
            required_scope=scope if complaint.code == "insufficient_scope" else None,
            retry_after_seconds=complaint.retry_after_seconds,
        )
    )


def _lost(
    operation: Operation[Model], code: str, happened: str, request_id: str | None
) -> LostAnswer:
    outcome: Outcome = "unknown" if operation.call.mutates else "not_applied"
    return LostAnswer(
        Failure(
            code=code,
            message=f"{happened}; {_BECAME[outcome]}. {_what_next(operation)}",
            retryable=not operation.call.mutates,
            outcome=outcome,
            request_id=request_id,
        )
    )


def _said(operation: Operation[Model], message: str | None) -> str:
    if message is None:
        return ""
    for secret in operation.secrets():
        message = message.replace(secret, "[secret]")
    words = quote_words(_KEY.sub("[key]", message), longest=_LONGEST_QUOTE)
    return f" (TRaX says: {words})"


def _meaning(complaint: Complaint, *, mutates: bool) -> _Meaning:
    if (known := _MEANINGS.get(complaint.code or "")) is not None:
        return known
    if complaint.status == _TOO_MANY_REQUESTS:  # a gateway's page says it as well as an envelope
        return _MEANINGS["rate_limited"]
    where = f"HTTP {complaint.status}" + (f", code {complaint.code}" if complaint.code else "")
    match 5 if complaint.status == _REQUEST_TIMEOUT else complaint.status // 100:
        case 3:  # never followed: it could carry the key elsewhere
            return _Meaning(
                f"TRaX's address answered with a redirect ({where}), which is not followed",
                "Check TRAX_BASE_URL.",
            )
        case 5:
            return _Meaning(f"TRaX has trouble ({where})", "Call again later.", not mutates)
        case _:
            return _Meaning(f"TRaX refused the call ({where})", "The same call will fail again.")


def _outcome(complaint: Complaint, *, mutates: bool) -> Outcome:
    """Refused by rule is not applied; trouble on the way, or in between, may hide a success."""
    if not mutates or complaint.code in _MEANINGS:
        return "not_applied"
    refused_by_rule = complaint.status in range(400, 500) and complaint.status != _REQUEST_TIMEOUT
    return "not_applied" if refused_by_rule else "unknown"


def _what_next(operation: Operation[Model]) -> str:
    if operation.seen_by is None:
        return "Call again later."
    return f"Look with {operation.seen_by} before anything else."


def _wait(seconds: float | None) -> str:
    if seconds is None:
        return "after a pause"
    return f"in {seconds:.0f} s" if seconds >= 1 else "now"
