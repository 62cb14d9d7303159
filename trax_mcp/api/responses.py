"""Turns an HTTP response of TRaX into an answer, or raises the error that it means."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Generic

from pydantic import ValidationError

from trax_mcp.api.argument_types import LONGEST_CURSOR
from trax_mcp.api.caller import KEY_PATTERN, Caller
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.error_responses import ErrorResponse, refused
from trax_mcp.api.error_texts import incomplete, unreadable, unreadable_cursor
from trax_mcp.api.errors import TooLarge
from trax_mcp.api.operation import Answer_co, ListOperation, Operation

_TOKEN = re.compile(r"[\w.:-]{1,64}", re.ASCII)
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MAX_DEPTH = 100
_MAX_PAGE_ITEMS = 20_000  # TRaX documents 200; millions would keep the event loop busy for seconds
_MAX_RETRY_AFTER_SECONDS = 999_999_999.0
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Response:
    """A complete HTTP response. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    request_id: str
    received: datetime


@dataclass(frozen=True, slots=True)
class Answer(Generic[Answer_co]):
    """TRaX's answer, unchanged, and the request id under which TRaX's logs list it.

    `status` is the HTTP status: 201 for most that create something. `size` is in bytes.
    """

    data: JsonObject
    request_id: str
    status: int
    size: int


def is_success(status: int) -> bool:
    """Whether TRaX accepted the call."""
    return status in range(200, 300)


def read_response(
    operation: Operation[Answer_co], response: Response, caller: Caller
) -> Answer[Answer_co]:
    """Return the answer in a response to this caller.

    Raises:
        Refused: the status is not a success.
        BadAnswer: TRaX accepted the call, but the answer is not a JSON object, or is a page with
            an unreadable cursor or too many items.
    """
    if not is_success(response.status):
        raise refused(operation, _read_error(response), caller)
    data = _parse(response.body)
    if not isinstance(data, dict):
        raise unreadable(operation, request_id=response.request_id, status=response.status)
    if _has_too_many_items(data):
        request_id, status = response.request_id, response.status
        why = f"has more than {_MAX_PAGE_ITEMS:,} items"
        error = unreadable(operation, request_id=request_id, status=status, why=why)
        raise TooLarge(error.failure)
    # Without a readable cursor a page would look like the last one.
    if isinstance(operation, ListOperation) and not _is_cursor(data.get("nextCursor")):
        raise unreadable_cursor(operation, request_id=response.request_id, status=response.status)
    return Answer(data, response.request_id, response.status, size=len(response.body))


def read_model(operation: Operation[Answer_co], answer: Answer[Answer_co]) -> Answer_co:
    """Return an answer as a model.

    Raises:
        BadAnswer: it lacks a required field.
    """
    try:
        return operation.answer_model().model_validate(answer.data)
    except ValidationError:
        raise incomplete(operation, request_id=answer.request_id, status=answer.status) from None


def _has_too_many_items(answer: JsonObject) -> bool:
    items = answer.get("data")
    return isinstance(items, list) and len(items) > _MAX_PAGE_ITEMS


def _is_cursor(value: object) -> bool:
    """Whether it can be sent back, or says that there is no next page."""
    return value is None or (isinstance(value, str) and len(value) <= LONGEST_CURSOR)


def read_request_id(headers: Mapping[str, str], *, sent: str) -> str:
    """The request id that TRaX uses: its own if that is valid, else the one that was sent."""
    return _match_token(_TOKEN, headers.get("x-request-id")) or sent


def _read_error(response: Response) -> ErrorResponse:
    document = _parse(response.body)
    error = document.get("error") if isinstance(document, dict) else None
    error = error if isinstance(error, dict) else {}
    message = error.get("message")
    return ErrorResponse(
        status=response.status,
        code=_match_token(_CODE, error.get("code")),
        message=message if isinstance(message, str) and message.strip() else None,
        request_id=_match_token(_TOKEN, error.get("requestId")) or response.request_id,
        required_scope=_match_token(_TOKEN, error.get("requiredScope")),
        retry_after_seconds=_read_retry_after(response),
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
    """Python accepts NaN, Infinity and 1e999, which are not JSON and break clients.

    Raises:
        ValueError: the number is not finite.
    """
    if not math.isfinite(number := float(text)):
        raise ValueError(text)
    return number


def _is_too_deep(text: str, document: object) -> bool:
    """Whether the document is nested deeper than the MCP SDK can serialise."""
    if text.count("[") + text.count("{") <= _MAX_DEPTH:
        return False
    level = [document]
    for _ in range(_MAX_DEPTH):
        level = [child for parent in level for child in _children(parent)]
    return bool(level)


def _children(document: object) -> Iterable[object]:
    if isinstance(document, dict):
        return document.values()
    return document if isinstance(document, list) else ()


def _without_lone_surrogates(document: object) -> object:
    """Replace lone surrogates, which JSON can hold as escapes and UTF-8 cannot."""
    return json.loads(json.dumps(document, ensure_ascii=False).encode(errors="replace"))


def _match_token(pattern: re.Pattern[str], value: object) -> str | None:
    """The value if it matches. A value with a TRaX key counts as no match."""
    if not isinstance(value, str) or KEY_PATTERN.search(value):
        return None
    return value if pattern.fullmatch(value) else None


def _read_retry_after(response: Response) -> float | None:
    """Seconds from now. HTTP allows a number or a date (RFC 9110, section 10.2.3).

    A date is compared with the `Date` of the response, since TRaX's clock may differ from ours.
    """
    header = response.headers.get("retry-after", "").strip()
    if header.isascii() and header.isdigit():
        return min(float(header), _MAX_RETRY_AFTER_SECONDS)
    if (until := _read_date(header)) is None:
        return None
    answered = _read_date(response.headers.get("date", "")) or response.received
    seconds = math.ceil((until - answered).total_seconds())
    return float(min(max(0, seconds), _MAX_RETRY_AFTER_SECONDS))


def _read_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date.replace(tzinfo=date.tzinfo or UTC)
