"""Lists that come in pages, read to their end.

TRaX ends a list by leaving `nextCursor` out, and by nothing else. The room knows no list by name.
"""

from typing import Any

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.error_texts import pagination_loop
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation

_LARGEST_PAGE = 200
_MOST_PAGES = 50


async def read_all_pages(
    client: Client, operation: Operation[Model], caller: Caller, *, persist: bool = True
) -> object:
    """Read an operation's answer; of one that comes in pages, all items as a tuple.

    Raises:
        TraxError: a page could not be read, or the pages do not end.
    """
    if "cursor" not in type(operation).model_fields:
        return await client.read(operation, caller, persist=persist)
    items: list[Model] = []
    seen: set[str] = set()
    cursor: str | None = None
    while True:
        next_page = operation.model_copy(update={"cursor": cursor, "limit": _LARGEST_PAGE})
        page: Any = await client.read(next_page, caller, persist=persist)
        items += page.data
        cursor = page.next_cursor
        if not cursor:
            return tuple(items)
        if cursor in seen or len(seen) == _MOST_PAGES:
            raise pagination_loop(operation)
        seen.add(cursor)
