"""Turns an error response of TRaX into a failure: its meaning and its outcome.

The `code` decides, not the status or the message (source: TRaX's error documentation). Unknown
codes and HTML pages get a general message. TRaX's own text is redacted, quoted and shortened.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from typing import Final, NamedTuple
from urllib.parse import quote as percent_encode
from urllib.parse import quote_plus

from trax_mcp.api.caller import Caller, redact
from trax_mcp.api.error_texts import (
    KEYS_SCREEN,
    WRITES_OFF,
    WRITES_OFF_NEXT,
    compose_message,
    next_step_for,
)
from trax_mcp.api.errors import Failure, Outcome, Refused
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.text_safety import quote

_LONGEST_QUOTE: Final = 200
_HTML_SAFE = str.maketrans({it: f"\\u{ord(it):04x}" for it in "&<>"})
"""Some JSON encoders escape these, so that the JSON can stand in an HTML page."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """An error response, as far as it could be read. `retry_after_seconds` counts from now."""

    status: int
    code: str | None
    message: str | None
    request_id: str
    required_scope: str | None
    retry_after_seconds: float | None

    @property
    def is_redirect(self) -> bool:
        """Redirects are never followed: they could send the key elsewhere."""
        return self.status in _REDIRECTS

    @property
    def is_rejection(self) -> bool:
        """Whether TRaX refused before doing anything. A 408 can come from a gateway, as a 5xx."""
        return self.status in range(400, 500) and self.status != HTTPStatus.REQUEST_TIMEOUT

    @property
    def status_text(self) -> str:
        """The status and the code, for general messages."""
        return f"HTTP {self.status}" + (f", code {self.code}" if self.code else "")


class _Meaning(NamedTuple):
    happened: str
    next: str
    retryable: bool = False


_MEANINGS: Final[Mapping[str, _Meaning]] = {
    "invalid_request": _Meaning(
        "TRaX refused the request as invalid",
        "Correct the arguments: the same call will fail again.",
    ),
    "invalid_key": _Meaning(
        "TRaX does not accept this key, which is unknown, revoked or expired",
        f"Make a new one on {KEYS_SCREEN}.",
    ),
    "insufficient_scope": _Meaning(
        "The key lacks {scope}",
        f"Use a key that has it: keys are made on {KEYS_SCREEN}.",
    ),
    "not_found": _Meaning(
        "TRaX has no such thing, or this key's account may not see it",
        "Check the id against the matching list tool.",
    ),
    "rate_limited": _Meaning(
        "TRaX is rate limiting this key", "Call again {wait}.", retryable=True
    ),
    "write_disabled": _Meaning(WRITES_OFF, WRITES_OFF_NEXT),
}
"""The documented codes (source: the error table of TRaX's documentation)."""

_NEED_ANOTHER_KEY: Final = frozenset({"invalid_key", "insufficient_scope"})
_CONNECT_AGAIN: Final = (
    " Then disconnect this client from the server, and connect it with that key."
)
"""For a caller who has signed in: the client cannot send another key by itself."""


def refused(operation: Operation[Model], response: ErrorResponse, caller: Caller) -> Refused:
    """The failure for an error response to this caller."""
    meaning = _meaning(operation, response)
    outcome = _outcome(operation, response)
    scope = response.required_scope or operation.call.scope
    quoted = _quote_message(response.message, secrets=(*operation.secrets(), caller.key))
    named = f"the scope {scope}" if scope else "a scope that it needs"
    happened = meaning.happened.format(scope=named) + quoted
    next_step = meaning.next.format(wait=_describe_wait(response.retry_after_seconds))
    if outcome == "unknown":
        next_step = next_step_for(operation)
    elif caller.client and response.code in _NEED_ANOTHER_KEY:
        next_step += _CONNECT_AGAIN
    return Refused(
        Failure(
            code=response.code or "bad_answer",
            message=compose_message(
                happened, outcome if operation.call.mutates else None, next_step
            ),
            happened=happened,
            retryable=meaning.retryable,
            outcome=outcome,
            http_status=response.status,
            request_id=response.request_id,
            required_scope=scope if response.code == "insufficient_scope" else None,
            retry_after_seconds=response.retry_after_seconds,
        )
    )


def _meaning(operation: Operation[Model], response: ErrorResponse) -> _Meaning:
    if (known := _MEANINGS.get(response.code or "")) is not None:
        return known
    if response.status == HTTPStatus.TOO_MANY_REQUESTS:  # from a gateway, without a code
        return _MEANINGS["rate_limited"]
    status = response.status_text
    if response.is_redirect:
        return _Meaning(
            f"TRaX's address answered with a redirect ({status}), which is not followed",
            "Check TRAX_BASE_URL.",
        )
    if response.is_rejection:
        return _Meaning(f"TRaX refused the call ({status})", "The same call will fail again.")
    retryable = not operation.call.mutates
    return _Meaning(f"TRaX has trouble ({status})", "Call again later.", retryable)


def _outcome(operation: Operation[Model], response: ErrorResponse) -> Outcome:
    """If a gateway answered with an error, TRaX may still have applied the change."""
    rejected = response.code in _MEANINGS or response.is_rejection
    return "not_applied" if rejected or not operation.call.mutates else "unknown"


def _quote_message(message: str | None, *, secrets: Iterable[str | None]) -> str:
    if message is None:
        return ""
    encodings = [encoding for secret in secrets if secret for encoding in _encodings(secret)]
    redacted = redact(message, encodings, placeholder="[secret]")
    return f" (TRaX says: {quote(redacted, longest=_LONGEST_QUOTE)})"


def _encodings(secret: str) -> Iterable[str]:
    """A secret as an error may repeat it: in JSON, in a URL, in HTML, or unchanged."""
    exact = json.dumps(secret)[1:-1]
    yield from (exact, exact.translate(_HTML_SAFE), json.dumps(secret, ensure_ascii=False)[1:-1])
    yield from (percent_encode(secret, safe=""), percent_encode(secret), quote_plus(secret))
    yield from (escape(secret), secret)


def _describe_wait(seconds: float | None) -> str:
    if seconds is None:
        return "after a pause"
    return f"in {seconds:.0f} s" if seconds >= 1 else "now"
