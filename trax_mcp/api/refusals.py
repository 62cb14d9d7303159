"""Turns an error response of TRaX into a failure: its meaning and its outcome.

The `code` decides, not the status or the message (source: TRaX's error documentation). Where it is
unknown, the status says what to do. TRaX's own text is redacted, quoted and shortened, and a page
that answers in TRaX's place is called one.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import escape
from http import HTTPStatus
from itertools import chain
from math import ceil
from typing import Final
from urllib.parse import quote as percent_encode
from urllib.parse import quote_plus, urlsplit

from trax_mcp.api.caller import Caller, redact
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import (
    NEW_KEY,
    WRITES_OFF,
    WRITES_OFF_NEXT,
    NotSent,
    Outcome,
    Refused,
    changed,
    no_key,
)
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.responses import TOKEN, Response, name_of_page, read_object, read_token
from trax_mcp.api.text_safety import quote
from trax_mcp.settings import KEYS_SCREEN

_LONGEST_QUOTE: Final = 200
_MESSAGES: Final = ("message", "detail", "title")
"""The fields of other forms of errors, RFC 9457 among them, that hold a sentence."""
_MAX_RETRY_AFTER_SECONDS: Final = 999_999_999.0
_SECONDS: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

MEANINGS: Final[Mapping[str, tuple[str, str]]] = {
    "invalid_request": (
        "TRaX refused the request as invalid",
        "Correct the arguments: the same call will fail again.",
    ),
    "invalid_key": (
        "TRaX doesn't accept this API key: it's unknown, revoked or expired",
        f"Create a new one on {KEYS_SCREEN}.",
    ),
    "insufficient_scope": (
        "The key lacks {scope}",
        f"Use a key that has it. Keys are created on {KEYS_SCREEN}.",
    ),
    "not_found": (
        "TRaX didn't find it, or this API key's account can't see it",
        "Check the id with the matching list tool.",
    ),
    "rate_limited": ("TRaX is rate limiting this API key", "Call again {wait}."),
    "write_disabled": (WRITES_OFF, WRITES_OFF_NEXT),
}
"""The documented codes: what happened, and what to do next (source: TRaX's table of errors)."""

_BY_STATUS: Final[Mapping[int, str]] = {
    400: "Check the arguments.",
    401: "The API key may be wrong, revoked or expired:"
    f" check it, or create a new one on {KEYS_SCREEN}.",
    402: "Check on TRaX what the account's plan allows.",
    403: f"The API key may lack {{scope}}. Keys are created on {KEYS_SCREEN}.",
    404: "Check the id with the matching list tool.",
    409: "It can't be done right now. Check what's there before you call again.",
    410: "Check the id with the matching list tool.",
    413: "Check the arguments.",
    415: "Check the arguments.",
    422: "Check the arguments.",
}
"""What to do where the code is unknown. None of it claims that the same call would fail again."""
_NEED_ANOTHER_KEY: Final = frozenset({"invalid_key", "insufficient_scope"})
_OF_THE_KEY: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_CONNECT_AGAIN: Final = (
    " Then disconnect this client from the server, and connect it with that key."
)
"""For a caller who has signed in: the client cannot send another key by itself."""


def without_key(caller: Caller) -> NotSent:
    """The caller has no key and the call needs one, or TRaX has refused theirs a moment ago."""
    if not caller.is_refused:
        return no_key()
    happened, next_step = MEANINGS["invalid_key"]
    return NotSent("invalid_key", happened, next_step + _CONNECT_AGAIN * bool(caller.client))


def refused(
    operation: Operation[Model],
    caller: Caller,
    *,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    request_id: str,
) -> Refused:
    """The failure for an error response to this caller.

    What is not as TRaX documents it counts as missing.
    """
    data = read_object(body)
    page = name_of_page(body, headers.get("content-type", "")) if data is None and body else ""
    data = data or {}
    error = data.get("error")
    error = error if isinstance(error, dict) else {}
    code = read_token(_CODE, error.get("code")) or ""
    scope = read_token(TOKEN, error.get("requiredScope")) or operation.endpoint.scope
    seconds = _read_retry_after(headers)
    meaning = MEANINGS.get(code)
    if meaning is None and status == HTTPStatus.TOO_MANY_REQUESTS:  # from a gateway
        meaning = MEANINGS["rate_limited"]
    is_rate_limited = meaning == MEANINGS["rate_limited"]
    # Before anything was done. A 408 can come from a gateway, as a 5xx.
    is_rejected = meaning is not None or (
        status in range(400, 500) and status != HTTPStatus.REQUEST_TIMEOUT
    )
    needs_another_key = code in _NEED_ANOTHER_KEY or (
        meaning is None and not page and not operation.endpoint.public and status in _OF_THE_KEY
    )
    if meaning is None:
        meaning = _by_status(operation, status, code, is_rejected=is_rejected)
        if status in _REDIRECTS:
            meaning = _redirect(_host(headers.get("location", ""), operation, caller), status)
    happened, next_step = (it.replace("{scope}", _scope(scope)) for it in meaning)
    if page and status not in _REDIRECTS:
        happened = f"A {page}, not TRaX's API, answered {status}"
    # If a gateway answered with an error, TRaX may still have applied the change.
    outcome: Outcome = "not_applied" if is_rejected or not operation.endpoint.mutates else "unknown"
    if outcome == "unknown":
        next_step = operation.look
    elif page and is_rejected and not is_rate_limited:
        next_step = "Check the network and TRAX_BASE_URL."
    elif caller.client and needs_another_key:
        next_step += _CONNECT_AGAIN
    may_pass = not is_rejected and status not in _REDIRECTS and not operation.endpoint.mutates
    return Refused(
        code or "bad_answer",
        happened + _quote(_message_in(data), operation, caller),
        next_step.replace("{wait}", _describe_wait(seconds)),
        not_done=changed(operation, outcome),
        remedy=NEW_KEY if needs_another_key else "",
        outcome=outcome,
        retryable=is_rate_limited or may_pass,
        http_status=status,
        request_id=read_token(TOKEN, error.get("requestId")) or request_id,
        required_scope=scope if code == "insufficient_scope" else None,
        retry_after_seconds=seconds,
    )


def did_not_work(operation: Operation[Model], caller: Caller, response: Response[Model]) -> Refused:
    """The failure for a response to a change that doesn't say that it worked. It may have."""
    happened = "TRaX answered that it didn't work"
    failure = Refused.after_sending(
        operation,
        "bad_answer",
        happened + _quote(_message_in(response.data), operation, caller),
        http_status=response.status,
        request_id=response.request_id,
    )
    return replace(failure, not_done=". It's unclear whether it took effect anyway")


def _by_status(
    operation: Operation[Model], status: int, code: str, *, is_rejected: bool
) -> tuple[str, str]:
    """What happened and what to do, where the code says nothing."""
    told = f"HTTP {status}" + (f", code {_word(code)}" if code else "")
    if not is_rejected:
        return f"TRaX has a problem ({told})", "Call again later."
    next_step = _BY_STATUS.get(status, "Run `trax-mcp doctor`.")
    if operation.endpoint.public or (status == HTTPStatus.NOT_FOUND and not operation.target_id()):
        next_step = "Check TRAX_BASE_URL."
    elif status == HTTPStatus.CONFLICT and operation.studio():
        next_step = "It can't be done right now. Check with check_studio before you call again."
    return f"TRaX refused the call ({told})", next_step


def _redirect(to: str, status: int) -> tuple[str, str]:
    """A redirect is not followed: the key would go elsewhere."""
    happened = f"TRaX's address redirects{to} (HTTP {status}), which isn't followed"
    return happened, "Check TRAX_BASE_URL."


def _host(location: str, operation: Operation[Model], caller: Caller) -> str:
    """Where a redirect leads: the host alone, since all else could hold a secret."""
    host = None
    with suppress(ValueError):
        host = urlsplit(location).hostname
    if host:
        return f" to {_redacted(host, operation, caller)}"
    return " to another path there" if location else ""


def _scope(scope: str | None) -> str:
    return f"the scope {_word(scope)}" if scope else "a scope that it needs"


def _word(token: str) -> str:
    """A code or a scope in quotes: TRaX's word, which could be read as ours."""
    return quote(token, longest=_LONGEST_QUOTE)


def _message_in(data: JsonObject) -> str:
    """TRaX's own sentence in an error, where one of the usual forms has it. Empty if none does."""
    error = data.get("error")
    nested = error.get("message") if isinstance(error, dict) else None
    found = (nested, *(data.get(it) for it in _MESSAGES), error)
    return next((it for it in found if isinstance(it, str) and it.strip()), "")


def _quote(message: str, operation: Operation[Model], caller: Caller) -> str:
    """TRaX's own words, without the secrets of the call."""
    return f" (TRaX says: {_redacted(message, operation, caller)})" if message else ""


def _redacted(text: str, operation: Operation[Model], caller: Caller) -> str:
    """A text of TRaX's in quotes, without the secrets of the call."""
    secrets = [it for it in (*operation.secrets(), caller.key) if it]
    spelt = chain.from_iterable(map(_spellings, secrets))
    return quote(redact(text, *spelt, mark="[secret]"), longest=_LONGEST_QUOTE)


def _spellings(secret: str) -> Iterator[str]:
    """A secret as an error may repeat it: unchanged, in JSON, in a URL, or in HTML."""
    yield secret
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield (in_json := json.dumps(secret)[1:-1])
    yield in_json.translate({ord(it): f"\\u{ord(it):04x}" for it in "&<>"})
    yield from (percent_encode(secret, safe=""), percent_encode(secret), quote_plus(secret))
    yield escape(secret)


def _describe_wait(seconds: float | None) -> str:
    if seconds is None:
        return "after a pause"
    return f"in {seconds:.0f} s" if seconds >= 1 else "now"


def _read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, rounded up. A date counts from that of the response (RFC 9110, section 10.2.3)."""
    after = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(after):
        return float(ceil(min(float(after), _MAX_RETRY_AFTER_SECONDS)))
    until, answered = _read_date(after), _read_date(headers.get("date", ""))
    if until is None or answered is None:
        return None
    seconds = (until - answered).total_seconds()
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER_SECONDS)


def _read_date(header: str) -> datetime | None:
    try:
        return parsedate_to_datetime(header).replace(tzinfo=UTC)  # HTTP has no other zone
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
