"""Pages of a list: items in ascending order of id, after the cursor's id.

Documented: the default of 50, the clamp at 200, 400 for a limit below 1 or not a number and for a
malformed cursor, and no `nextCursor` on the last page. A cursor's content is sandbox behaviour.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from trax_mcp.sandbox.messages import Json, invalid_request
from trax_mcp.sandbox.records import Record

DEFAULT_LIMIT = 50
MAX_LIMIT = 200

_NUMBER = re.compile(r"0*(?P<digits>[1-9][0-9]*)")
_PREFIX = "after:"


Item = TypeVar("Item", bound=Record)


def cut_page(items: Iterable[Item], query: Mapping[str, str]) -> tuple[list[Item], str | None]:
    """One page and the cursor of the next page; None after the last one."""
    size, after = read_limit(query), decode_cursor(query.get("cursor", ""))
    rest = sorted((item for item in items if item.id > after), key=lambda item: item.id)
    page = rest[:size]
    return page, encode_cursor(page[-1].id) if len(rest) > size else None


def list_page(
    items: Iterable[Item], query: Mapping[str, str], to_json: Callable[[Item], Json]
) -> Json:
    """One page as JSON: `data`, and `nextCursor` unless it is the last page."""
    page, cursor = cut_page(items, query)
    data: dict[str, Any] = {"data": [to_json(item) for item in page]}
    return data if cursor is None else {**data, "nextCursor": cursor}


def read_limit(query: Mapping[str, str]) -> int:
    """The page size of a query, at most MAX_LIMIT; 400 unless it is a number of at least 1."""
    raw = query.get("limit", str(DEFAULT_LIMIT))
    number = _NUMBER.fullmatch(raw)
    if number is None:
        raise invalid_request("limit must be a whole number of at least 1.")
    # `int` raises on thousands of digits, and nine digits are above the maximum anyway.
    return min(int(number["digits"][:9]), MAX_LIMIT)


def encode_cursor(last: str) -> str:
    """The cursor for the items after the id `last`."""
    return base64.urlsafe_b64encode(f"{_PREFIX}{last}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """The id in a cursor; empty without a cursor, 400 if it is malformed."""
    if not cursor:
        return ""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid_request("cursor is malformed.") from None
    if not text.startswith(_PREFIX) or encode_cursor(text.removeprefix(_PREFIX)) != cursor:
        raise invalid_request("cursor is malformed.")
    return text.removeprefix(_PREFIX)
