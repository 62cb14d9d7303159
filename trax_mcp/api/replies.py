"""What an answer is: a reply from TRaX -> the answer, or the error that it stands for.

Pure: no I/O, no clock. Errors are told apart by their `code`, never by status or message (source:
TRaX's error documentation). How a failure is put into words is decided in `failures`.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Generic

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.failures import Complaint, refused, unreadable
from trax_mcp.api.operation import Answer_co, Operation

_REQUEST_ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)
_SCOPE = re.compile(r"[\w.:-]{1,64}", re.ASCII)
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Reply:
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


def read_reply(operation: Operation[Answer_co], reply: Reply) -> Answer[Answer_co]:
    """Return the answer that a reply holds.

    Raises:
        Refused: TRaX answered with an error, or with a status that is not a success.
        BadAnswer: TRaX accepted the call, and the answer is not a JSON object.
    """
    if not is_success(reply.status):
        raise refused(operation, _read_complaint(reply))
    data = _parse(reply.body)
    if not isinstance(data, dict):
        raise unreadable(operation, request_id=reply.request_id, status=reply.status)
    return Answer(data, reply.request_id)


def read_request_id(headers: Mapping[str, str], *, sent: str) -> str:
    """The id under which TRaX knows the request: its own, if it is one, else the one we sent."""
    return _matching(_REQUEST_ID, headers.get("x-request-id")) or sent


def _read_complaint(reply: Reply) -> Complaint:
    document = _parse(reply.body)
    error = document.get("error") if isinstance(document, dict) else None
    error = error if isinstance(error, dict) else {}
    message = error.get("message")
    return Complaint(
        status=reply.status,
        code=_matching(_CODE, error.get("code")),
        message=message if isinstance(message, str) and message.strip() else None,
        request_id=_matching(_REQUEST_ID, error.get("requestId")) or reply.request_id,
        required_scope=_matching(_SCOPE, error.get("requiredScope")),
        retry_after_seconds=_read_retry_after(reply),
    )


def _parse(body: bytes) -> object:
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None


def _refuse_constant(name: str) -> None:
    """Python reads NaN and Infinity; JSON has neither, and our callers would choke on them."""
    raise ValueError(name)


def _matching(pattern: re.Pattern[str], value: object) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def _read_retry_after(reply: Reply) -> float | None:
    """Seconds from now; HTTP allows a number and a date (RFC 9110, section 10.2.3)."""
    header = reply.headers.get("retry-after", "").strip()
    if header.isascii() and header.isdigit():
        return float(header[:9])
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    seconds = (until.replace(tzinfo=until.tzinfo or UTC) - reply.received).total_seconds()
    return float(max(0, math.ceil(seconds)))
