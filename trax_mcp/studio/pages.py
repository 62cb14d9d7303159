"""Reads a paginated list to its end."""

from typing import Final

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.error_texts import pagination_loop
from trax_mcp.api.models import ItemT
from trax_mcp.api.operation import ListOperation

_MOST_PAGES: Final = 50


async def read_all_pages(
    client: Client,
    operation: ListOperation[ItemT],
    caller: Caller,
    *,
    retry: bool = True,
    urgent: bool = False,
) -> tuple[ItemT, ...]:
    """Return all items of a list.

    Raises:
        TraxError: a page could not be read, a cursor came twice, or there are over 50 pages.
    """
    items: list[ItemT] = []
    seen: set[str] = set()
    cursor: str | None = None
    while True:
        page = await client.read(operation.next_page(cursor), caller, retry=retry, urgent=urgent)
        items += page.data
        cursor = page.next_cursor
        if not cursor:
            return tuple(items)
        if cursor in seen or len(seen) == _MOST_PAGES:
            raise pagination_loop(operation)
        seen.add(cursor)
