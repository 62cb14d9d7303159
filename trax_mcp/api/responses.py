"""Reads the body of a successful response of TRaX, or says why it cannot be read."""

import gc
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Literal, NoReturn, cast

from pydantic import ValidationError

from trax_mcp.api.arguments import LONGEST_CURSOR
from trax_mcp.api.caller import KEY_PATTERN
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import no_passing, not_from_trax, unread, unreadable
from trax_mcp.api.models import read_switch
from trax_mcp.api.operation import ListOperation, Operation, Response_co

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

TOKEN: Final = re.compile(r"[\w.:-]{1,64}", re.ASCII)
"""An id or a scope of TRaX that can be shown as it is."""
_NO_JSON: Final = object()
_IDS: Final = ("Id", "Ids")
_MOST_LEVELS: Final = 100
"""Of objects and lists in each other. Nothing here or in the SDK has to go down further."""
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,40}")
_PAGE_TYPES: Final = frozenset({"text/html", "application/xhtml+xml"})
_PAGE: Final = re.compile(rb"\s*<(?:!doctype\s+html|html)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Response(Generic[Response_co]):
    """TRaX's response, and the request id under which TRaX's logs list it.

    It is unchanged, but for ids that are numbers: they are text, as TRaX documents.

    `status` is the HTTP status: 201 for most that create something. `size` is in bytes: an empty
    response says that a change was accepted, and nothing else.
    """

    data: JsonObject
    request_id: str
    status: int
    size: int

    @property
    def outcome(self) -> Literal["applied"]:
        """What is known of the operation, as of a failure."""
        return "applied"


def is_success(status: int) -> bool:
    """Whether TRaX accepted the call."""
    return status in range(200, 300)


def read_response(
    operation: Operation[Response_co],
    body: bytes,
    *,
    status: int,
    request_id: str,
    content_type: str,
) -> Response[Response_co]:
    """Read the body of a successful response. To a change it may be empty.

    Raises:
        BadAnswer: it is not a JSON object, or is a page with an unreadable cursor.
    """
    body = body.strip()
    data = {} if operation.endpoint.mutates and not body else _read_json(body, _with_text_ids)
    if not isinstance(data, dict):
        if page := name_of_page(body, content_type):
            raise not_from_trax(operation, f"A {page}", status=status, request_id=request_id)
        why = "isn't a JSON object" if body else "is empty"
        failure = unread(operation, why, status=status, request_id=request_id)
        is_whole = data is not _NO_JSON  # so the next one will be like it
        raise no_passing(failure) if is_whole and not operation.endpoint.mutates else failure
    # Without a readable cursor a page would look like the last one.
    if isinstance(operation, ListOperation) and not _is_cursor(data.get("nextCursor")):
        why = "has an unreadable `nextCursor`"
        raise no_passing(unreadable(operation, why, status=status, request_id=request_id))
    return Response(data, request_id, status, size=len(body))


def says_that_it_worked(response: JsonObject) -> bool:
    """Whether a response to a change says so: by `ok`, or with neither `ok` nor an error."""
    ok, error = response.get("ok"), response.get("error")
    is_error = isinstance(error, dict) or (isinstance(error, str) and bool(error))
    return not is_error and (ok is None or ok == 1 or read_switch(ok) is True)


def read_model(operation: Operation[Response_co], response: Response[Response_co]) -> Response_co:
    """Return a response as a model.

    Raises:
        BadAnswer: it lacks a required field. It names the field and says no value.
    """
    try:
        return cast("Response_co", operation.response.model_validate(response.data))
    except ValidationError as error:
        failure = unreadable(
            operation,
            _problem(error.errors(include_input=False)[0]),
            status=response.status,
            request_id=response.request_id,
        )
    raise no_passing(failure, look=operation.look if operation.endpoint.mutates else "")


def _problem(error: "ErrorDetails") -> str:
    """What is wrong with a field: "has no `id`"."""
    field = "".join(f"[{it}]" if isinstance(it, int) else f".{it}" for it in error["loc"])
    if error["type"] == "missing":
        return f"has no `{field[1:]}`"
    return f"has `{field[1:]}` of an undocumented type"


@contextmanager
def _without_collection() -> Iterator[None]:
    """Collect no garbage: amid millions of objects of a response, that holds up all others."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def read_object(body: bytes) -> JsonObject | None:
    """The JSON object in a body. None if there is none."""
    value = _read_json(body)
    return value if isinstance(value, dict) else None


@_without_collection()
def _read_json(body: bytes, change: Callable[[JsonObject], JsonObject] | None = None) -> object:
    """The JSON in a body, with each object changed so. `_NO_JSON` if it can't be read.

    Lone surrogates, which JSON can hold as escapes and UTF-8 cannot, are replaced: a viewer can
    send one, and would make the chat of all unreadable.
    """
    text = body.decode("utf-8-sig", errors="replace")
    try:
        data = json.loads(text, parse_constant=_refuse, object_hook=change)
        if _is_deep(data):
            return _NO_JSON
        if _SURROGATE.search(text):
            data = json.loads(json.dumps(data, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError):
        return _NO_JSON
    return cast("object", data)


def name_of_page(body: bytes, content_type: str) -> str:
    """What to call a body that is made for a browser. Empty for any other."""
    media_type = _media_type(content_type)
    if media_type in _PAGE_TYPES:
        return f"page ({media_type})"
    return "page (HTML)" if _PAGE.match(body) else ""


def _media_type(content_type: str) -> str:
    """The media type, without parameters. Empty if it is none."""
    media_type = content_type.partition(";")[0].strip().lower()
    return read_token(_MEDIA_TYPE, media_type) or ""


def _is_deep(data: object) -> bool:
    """Whether it has too many levels, looked at level by level."""
    level: Iterable[object] = [data]
    for _ in range(_MOST_LEVELS):
        level = [
            inner
            for it in level
            if isinstance(it, dict | list)
            for inner in (it.values() if isinstance(it, dict) else it)
        ]
        if not level:
            return False
    return True


def _with_text_ids(found: JsonObject) -> JsonObject:
    """An object with numbers that are ids as text, so that they can be sent back."""
    for name, value in found.items():
        if name == "id" or name.endswith(_IDS):
            is_list = isinstance(value, list)
            found[name] = [_id_text(it) for it in value] if is_list else _id_text(value)
    return found


def _id_text(value: object) -> object:
    return str(value) if type(value) is int else value  # not a boolean


def read_token(pattern: re.Pattern[str], value: object) -> str | None:
    """The value if it matches. A value with a TRaX key counts as no match."""
    if not isinstance(value, str) or KEY_PATTERN.search(value):
        return None
    return value if pattern.fullmatch(value) else None


def read_request_id(headers: Mapping[str, str], *, sent: str) -> str:
    """The request id that TRaX uses: its own if that is valid, else the one that was sent."""
    return read_token(TOKEN, headers.get("x-request-id")) or sent


def _refuse(constant: str) -> NoReturn:
    """Python accepts NaN and Infinity, which are not JSON and break clients."""
    raise ValueError(constant)


def _is_cursor(value: object) -> bool:
    """Whether it can be sent back, or says that there is no next page."""
    return value is None or (isinstance(value, str) and len(value) <= LONGEST_CURSOR)
