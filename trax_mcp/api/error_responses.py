"""An error answer of TRaX, put into words: what it means, and what became of the call.

Pure. Errors are told apart by their `code`, never by status or message (source: TRaX's error
documentation); a code that we do not know, or a page in its place, still gets a sensible sentence.
Upstream words are quoted, cut short and labelled as TRaX's; a key or a secret argument that they
repeat is struck out.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from typing import Final, NamedTuple
from urllib.parse import quote as percent_encode
from urllib.parse import quote_plus

from trax_mcp.api.caller import KEY, Caller
from trax_mcp.api.error_texts import KEYS_SCREEN, WRITES_OFF, WRITES_OFF_NEXT, tell, what_next
from trax_mcp.api.errors import Failure, Outcome, Refused
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.text_safety import quote

_LONGEST_QUOTE: Final = 200
_CAUTIOUS = str.maketrans({it: f"\\u{ord(it):04x}" for it in "&<>"})
"""What some writers of JSON do, for the sake of pages that it may end up in."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """An error answer, as far as it could be read. `retry_after_seconds` is from now."""

    status: int
    code: str | None
    message: str | None
    request_id: str
    required_scope: str | None
    retry_after_seconds: float | None

    @property
    def is_redirect(self) -> bool:
        """Never followed: it could carry the key elsewhere."""
        return self.status in _REDIRECTS

    @property
    def is_by_rule(self) -> bool:
        """Refused before anything was done. A 408 is a gateway that gave up, as the 5xx are."""
        return self.status in range(400, 500) and self.status != HTTPStatus.REQUEST_TIMEOUT

    @property
    def where(self) -> str:
        """The status and the code, for words that know no more."""
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
        "The key lacks the scope {scope}",
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


def refused(operation: Operation[Model], complaint: ErrorResponse, caller: Caller) -> Refused:
    """The failure that an error answer to this caller stands for."""
    meaning = _meaning(operation, complaint)
    outcome = _outcome(operation, complaint)
    scope = complaint.required_scope or operation.call.scope
    happened = meaning.happened.format(scope=scope) + _said(
        complaint.message, secrets=(*operation.secrets(), caller.key)
    )
    next_step = meaning.next.format(wait=_wait(complaint.retry_after_seconds))
    if outcome == "unknown":
        next_step = what_next(operation)
    return Refused(
        Failure(
            code=complaint.code or "bad_answer",
            message=tell(happened, outcome, next_step),
            happened=happened,
            retryable=meaning.retryable,
            outcome=outcome,
            http_status=complaint.status,
            request_id=complaint.request_id,
            required_scope=scope if complaint.code == "insufficient_scope" else None,
            retry_after_seconds=complaint.retry_after_seconds,
        )
    )


def _meaning(operation: Operation[Model], complaint: ErrorResponse) -> _Meaning:
    if (known := _MEANINGS.get(complaint.code or "")) is not None:
        return known
    if complaint.status == HTTPStatus.TOO_MANY_REQUESTS:  # as a gateway says it, with a page
        return _MEANINGS["rate_limited"]
    where = complaint.where
    if complaint.is_redirect:
        return _Meaning(
            f"TRaX's address answered with a redirect ({where}), which is not followed",
            "Check TRAX_BASE_URL.",
        )
    if complaint.is_by_rule:
        return _Meaning(f"TRaX refused the call ({where})", "The same call will fail again.")
    retryable = not operation.call.mutates
    return _Meaning(f"TRaX has trouble ({where})", "Call again later.", retryable)


def _outcome(operation: Operation[Model], complaint: ErrorResponse) -> Outcome:
    """Trouble on the way, or in between, may hide that a change was made."""
    by_rule = complaint.code in _MEANINGS or complaint.is_by_rule
    return "not_applied" if by_rule or not operation.call.mutates else "unknown"


def _said(message: str | None, *, secrets: Iterable[str | None]) -> str:
    if message is None:
        return ""
    return f" (TRaX says: {quote(_redacted(message, secrets), longest=_LONGEST_QUOTE)})"


def _redacted(message: str, secrets: Iterable[str | None]) -> str:
    """A message without secrets. One pass: a short one must not leave a part of a long one."""
    spelt = {spelling for secret in secrets if secret for spelling in _spellings(secret)}
    longest_first = sorted(spelt, key=len, reverse=True)
    found = re.compile("|".join([*map(re.escape, longest_first), KEY.pattern]))
    return found.sub(lambda it: "[secret]" if it[0] in spelt else "[key]", message)


def _spellings(secret: str) -> Iterable[str]:
    """As whoever repeats a request may write it: in JSON, in an address, in a page, or plainly."""
    exact = json.dumps(secret)[1:-1]
    yield from (exact, exact.translate(_CAUTIOUS), json.dumps(secret, ensure_ascii=False)[1:-1])
    yield from (percent_encode(secret, safe=""), quote_plus(secret), escape(secret), secret)


def _wait(seconds: float | None) -> str:
    if seconds is None:
        return "after a pause"
    return f"in {seconds:.0f} s" if seconds >= 1 else "now"
