"""What an answer is: a reply from TRaX -> the answer, or the error that it stands for.

Pure: no I/O, no clock. How a failure is put into words is decided in `failures` and `refusals`.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Generic

from trax_mcp.api.caller import KEY, Caller
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.error_responses import ErrorResponse, refused
from trax_mcp.api.error_texts import unreadable, unreadable_cursor
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Answer_co, Operation

_TOKEN = re.compile(r"[\w.:-]{1,64}", re.ASCII)
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_DEEPEST = 100
_LONGEST_WISH_SECONDS = 999_999_999.0
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer, read to its end. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    request_id: str
    received: datetime


@dataclass(frozen=True, slots=True)
class Answer(Generic[Answer_co]):
    """What TRaX answered, untouched, and the request id under which it can be found again."""

    data: JsonObject
    request_id: str


def is_success(status: int) -> bool:
    """Whether TRaX accepted the call."""
    return status in range(200, 300)


def read_response(
    operation: Operation[Answer_co], reply: Response, caller: Caller
) -> Answer[Answer_co]:
    """Return the answer that a reply to this caller holds.

    Raises:
        Refused: TRaX answered with an error, or with a status that is not a success.
        BadAnswer: TRaX accepted the call, and the answer is not a JSON object, or is a page of a
            list that says nothing readable of the next one.
    """
    if not is_success(reply.status):
        raise refused(operation, _read_complaint(reply), caller)
    data = _parse(reply.body)
    if not isinstance(data, dict):
        raise unreadable(operation, request_id=reply.request_id, status=reply.status)
    if _can_read_on(operation) and not isinstance(data.get("nextCursor"), str | None):
        raise unreadable_cursor(operation, request_id=reply.request_id)
    return Answer(data, reply.request_id)


def _can_read_on(operation: Operation[Model]) -> bool:
    """Whether its answer is a page, which without a readable cursor would pass for the last."""
    return "cursor" in type(operation).model_fields


def read_request_id(headers: Mapping[str, str], *, sent: str) -> str:
    """The id under which TRaX knows the request: its own, if it is one, else the one we sent."""
    return _matching(_TOKEN, headers.get("x-request-id")) or sent


def _read_complaint(reply: Response) -> ErrorResponse:
    document = _parse(reply.body)
    error = document.get("error") if isinstance(document, dict) else None
    error = error if isinstance(error, dict) else {}
    message = error.get("message")
    return ErrorResponse(
        status=reply.status,
        code=_matching(_CODE, error.get("code")),
        message=message if isinstance(message, str) and message.strip() else None,
        request_id=_matching(_TOKEN, error.get("requestId")) or reply.request_id,
        required_scope=_matching(_TOKEN, error.get("requiredScope")),
        retry_after_seconds=_read_retry_after(reply),
    )


def _parse(body: bytes) -> object:
    text = body.decode("utf-8-sig", errors="replace")
    try:
        document = json.loads(text, parse_constant=_read_number, parse_float=_read_number)
        if _is_too_deep(text, document):
            return None
        return _without_lone_surrogates(document) if _SURROGATE.search(text) else document
    except (ValueError, RecursionError):
        return None


def _read_number(text: str) -> float:
    """Python reads NaN, Infinity and 1e999; JSON has none, and our callers would choke on them."""
    if not math.isfinite(number := float(text)):
        raise ValueError(text)
    return number


def _is_too_deep(text: str, document: object) -> bool:
    """What is nested deeper than the SDK can write could not be passed on."""
    if text.count("[") + text.count("{") <= _DEEPEST:
        return False
    level = [document]
    for _ in range(_DEEPEST):
        level = [inner for outer in level for inner in _within(outer)]
    return bool(level)


def _within(document: object) -> Iterable[object]:
    if isinstance(document, dict):
        return document.values()
    return document if isinstance(document, list) else ()


def _without_lone_surrogates(document: object) -> object:
    """Half a surrogate pair can stand in JSON as an escape and be passed on by nobody."""
    return json.loads(json.dumps(document, ensure_ascii=False).encode(errors="replace"))


def _matching(pattern: re.Pattern[str], value: object) -> str | None:
    """The value, if it is such a token. A key looks like one, and is shown to nobody."""
    if not isinstance(value, str) or KEY.search(value):
        return None
    return value if pattern.fullmatch(value) else None


def _read_retry_after(reply: Response) -> float | None:
    """Seconds from now; HTTP allows a number and a date (RFC 9110, section 10.2.3).

    A date is by TRaX's clock, which ours need not agree with: what counts is how far it lies behind
    the date of the answer.
    """
    header = reply.headers.get("retry-after", "").strip()
    if header.isascii() and header.isdigit():
        return min(float(header), _LONGEST_WISH_SECONDS)
    if (until := _read_date(header)) is None:
        return None
    answered = _read_date(reply.headers.get("date", "")) or reply.received
    seconds = math.ceil((until - answered).total_seconds())
    return float(min(max(0, seconds), _LONGEST_WISH_SECONDS))


def _read_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date.replace(tzinfo=date.tzinfo or UTC)
