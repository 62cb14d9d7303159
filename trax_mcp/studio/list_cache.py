"""Caches the lists of each caller for half a minute, for listings and completions.

Decisions never use it. No caller is shown the lists of another. Items without a usable id are left
out: they could neither be listed nor suggested.
"""

from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakValueDictionary

import anyio
from cachetools import TTLCache

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import ItemT
from trax_mcp.api.operation import ListOperation
from trax_mcp.api.operations import ListDestinations, ListSources, ListStudios
from trax_mcp.clock import Clock
from trax_mcp.studio.facts import Fact, Facts
from trax_mcp.studio.pages import ItemList, read_all_pages

KEPT_SECONDS: Final = 30.0
_MAX_BYTES: Final = 64 * 1024 * 1024
"""Of all lists of all callers. The least recently used ones make room."""
_OBJECT_BYTES: Final = 1024
"""The memory that an item, or a list, takes besides its text."""

_List = ListOperation[Any]
_Key = tuple[Caller, _List]


@dataclass(slots=True, weakref_slot=True)
class _Read:
    """A read in progress. All callers that wait for it get its failure too."""

    lock: anyio.Lock = field(default_factory=anyio.Lock)
    failure: TraxError | None = None


class ListCache:
    """The lists of callers, at most `KEPT_SECONDS` old."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._lists: TTLCache[_Key, ItemList[Any]] = TTLCache(
            _MAX_BYTES, KEPT_SECONDS, timer=clock.seconds, getsizeof=_size_in_memory
        )
        self._reads: WeakValueDictionary[_Key, _Read] = WeakValueDictionary()

    async def get(self, operation: ListOperation[ItemT], caller: Caller) -> ItemList[ItemT]:
        """The items of a list. Concurrent requests for the same list share one read.

        Raises:
            TraxError: it could not be read.
        """
        key = (caller, operation)
        read = self._reads.setdefault(key, _Read())
        earlier_failure = read.failure
        async with read.lock:
            try:
                return self._lists[key]
            except KeyError:  # never read, too old, or evicted
                pass
            if read.failure is not None and read.failure is not earlier_failure:
                raise read.failure.copy()
            try:
                items = (await read_all_pages(self._client, operation, caller)).usable()
            except TraxError as error:
                read.failure = error.copy()
                raise
            self._lists[key] = items
            return items

    def known(self, caller: Caller, studio_id: str) -> Facts:
        """The facts about a studio in the lists that are kept, to name things. Reads nothing.

        They may be outdated, so none counts as complete.
        """
        if not studio_id:
            return Facts()
        lists: dict[Fact, _List] = {
            Fact.STUDIOS: ListStudios(),
            Fact.DESTINATIONS: ListDestinations(studio_id=studio_id),
            Fact.SOURCES: ListSources(studio_id=studio_id),
        }
        kept = {fact: self._lists.get((caller, it)) for fact, it in lists.items()}
        items = {fact: it.items for fact, it in kept.items() if it is not None}
        studios = items.pop(Fact.STUDIOS, ())
        return Facts(
            studio=next((it for it in studios if it.id == studio_id), None),
            destinations=items.get(Fact.DESTINATIONS),
            sources=items.get(Fact.SOURCES),
            partial=frozenset(items),
        )


def _size_in_memory(items: ItemList[Any]) -> int:
    return items.size + _OBJECT_BYTES * (1 + len(items.items))
