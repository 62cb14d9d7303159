"""Keyset pages: items in ascending order of id, cut after the cursor's id.

Documented: the default of 50, the clamp at 200, 400 for a limit below 1 or not a number and for a
malformed cursor, and a last page that omits `nextCursor`. What a cursor holds is sandbox behaviour.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any, TypeVar

from trax_mcp.sandbox.messages import Json, invalid
from trax_mcp.sandbox.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

DEFAULT_LIMIT = 50
MAX_LIMIT = 200

_NUMBER = re.compile(r"0*(?P<digits>[1-9][0-9]*)")
_MARK = "after:"


Item = TypeVar("Item", bound=Record)


def page(items: Iterable[Item], query: Mapping[str, str]) -> tuple[list[Item], str | None]:
    """One page and the cursor of the next, which is None after the last."""
    size, after = limit(query), opened(query.get("cursor", ""))
    rest = sorted((item for item in items if item.id > after), key=lambda item: item.id)
    cut = rest[:size]
    return cut, closed(cut[-1].id) if len(rest) > size else None


def listed(items: Iterable[Item], query: Mapping[str, str], show: Callable[[Item], Json]) -> Json:
    """A page as the contract's list: `data`, and `nextCursor` unless it is the last."""
    cut, cursor = page(items, query)
    data: dict[str, Any] = {"data": [show(item) for item in cut]}
    return data if cursor is None else {**data, "nextCursor": cursor}


def limit(query: Mapping[str, str]) -> int:
    """The page size that was asked for, clamped; 400 unless it is a number of at least 1."""
    raw = query.get("limit", str(DEFAULT_LIMIT))
    number = _NUMBER.fullmatch(raw)
    if number is None:
        raise invalid("limit must be a whole number of at least 1.")
    # `int` refuses thousands of digits, and nine are more than the maximum already.
    return min(int(number["digits"][:9]), MAX_LIMIT)


def closed(last: str) -> str:
    """An opaque cursor for everything after the id `last`."""
    return base64.urlsafe_b64encode(f"{_MARK}{last}".encode()).decode().rstrip("=")


def opened(cursor: str) -> str:
    """The id that a cursor stands for; an empty one starts over, a malformed one is 400."""
    if not cursor:
        return ""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid("cursor is malformed.") from None
    if not text.startswith(_MARK) or closed(text.removeprefix(_MARK)) != cursor:
        raise invalid("cursor is malformed.")
    return text.removeprefix(_MARK)
