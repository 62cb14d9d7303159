"""Reads a paginated list to its end, or up to a limit."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Generic, Self

from trax_mcp.api.argument_types import is_id
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.error_texts import pagination_loop
from trax_mcp.api.models import ItemT
from trax_mcp.api.operation import ListOperation
from trax_mcp.api.responses import read_model
from trax_mcp.studio.facts import Unknown

MAX_ITEMS: Final = 10_000
MAX_BYTES: Final = 16 * 1024 * 1024
_MAX_PAGES: Final = 100


@dataclass(frozen=True, slots=True)
class ItemList(Generic[ItemT]):
    """The items of a list that were read.

    `is_cut`: there are more. `left_out`: how many were dropped for their ids. `size`: the bytes of
    the answers that they came in, at most 16 MiB.
    """

    items: tuple[ItemT, ...] = ()
    is_cut: bool = False
    left_out: int = 0
    size: int = 0

    def usable(self) -> Self:
        """The list without the items whose id cannot be used in a call or a URI."""
        items = tuple(it for it in self.items if is_id(it.id))
        return replace(self, items=items, left_out=len(self.items) - len(items))

    def unknown(self, what: str) -> tuple[Unknown, ...]:
        """The missing items of the list, in words. `what` names the items: "studios"."""
        further = Unknown(f"further {what}", f"only the first {len(self.items):,} are read")
        unusable = Unknown(f"{self.left_out:,} of the {what}", "TRaX gives no usable id")
        return (*((further,) if self.is_cut else ()), *((unusable,) if self.left_out else ()))


async def read_all_pages(
    client: Client,
    operation: ListOperation[ItemT],
    caller: Caller,
    *,
    retry: bool = True,
    urgent: bool = False,
    until: Callable[[ItemT], bool] = lambda _: False,
) -> ItemList[ItemT]:
    """Return the items of a list: all, or the first 10,000, or those within 16 MiB.

    No page is read after one with an item for which `until` is true.

    Raises:
        TraxError: a page could not be read, a cursor came twice, or there are over 100 pages.
    """
    items: list[ItemT] = []
    seen: set[str] = set()
    size, cursor = 0, None
    while True:
        request = operation.next_page(cursor)
        answer = await client.send(request, caller, retry=retry, urgent=urgent)
        size += answer.size
        if size > MAX_BYTES:
            return ItemList(tuple(items), is_cut=True, size=MAX_BYTES)
        page = read_model(request, answer)
        items += page.data
        cursor = page.next_cursor
        if len(items) > MAX_ITEMS or (cursor and len(items) == MAX_ITEMS):
            return ItemList(tuple(items[:MAX_ITEMS]), is_cut=True, size=size)
        if not cursor or any(map(until, page.data)):
            return ItemList(tuple(items), is_cut=bool(cursor), size=size)
        if cursor in seen or len(seen) == _MAX_PAGES:
            raise pagination_loop(operation)
        seen.add(cursor)
