"""Caches the lists of each caller for half a minute, for listings and completions.

Decisions never use it. No caller is shown the lists of another.
"""

from typing import Any, Final
from weakref import WeakValueDictionary

import anyio
from cachetools import TTLCache

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.models import ItemT
from trax_mcp.api.operation import ListOperation
from trax_mcp.api.reads import GetStudio, ListDestinations, ListSources, ListStudios
from trax_mcp.clock import Clock
from trax_mcp.studio.facts import Facts, Read
from trax_mcp.studio.reading import read_all_pages

KEPT_SECONDS: Final = 30.0
_MAX_ITEMS: Final = 50_000
"""Of all lists of all callers, and one for each list. The least recently used make room."""

_Items = Read[tuple[Any, ...]]
_Key = tuple[Caller, ListOperation[Any]]


class ListCache:
    """The lists of callers, at most `KEPT_SECONDS` old."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._lists: TTLCache[_Key, _Items] = TTLCache(
            _MAX_ITEMS,
            KEPT_SECONDS,
            timer=clock.seconds,
            getsizeof=lambda it: 1 + len(it.value or ()),
        )
        self._locks: WeakValueDictionary[_Key, anyio.Lock] = WeakValueDictionary()

    async def get(self, operation: ListOperation[ItemT], caller: Caller) -> Read[tuple[ItemT, ...]]:
        """The items of a list. Of concurrent requests for the same list, one reads at a time.

        Raises:
            TraxError: it could not be read.
        """
        key = (caller, operation)
        async with self._locks.setdefault(key, anyio.Lock()):
            if kept := self._lists.get(key):  # else never read, too old, or evicted
                return kept
            self._lists[key] = found = await read_all_pages(self._client, operation, caller)
            return found

    def known(self, caller: Caller, studio_id: str) -> Facts:
        """The facts about a studio in the lists that are kept, to name things. Reads nothing.

        They may be outdated, so none counts as whole.
        """
        if not studio_id:
            return Facts()

        def kept(operation: ListOperation[Any]) -> _Items:
            read = self._lists.get((caller, operation), Read())
            return Read(read.value, "it was read earlier") if read.value is not None else read

        studio = kept(ListStudios()).by_id.get(studio_id)
        return Facts(
            {
                GetStudio: Read(studio),
                ListDestinations: kept(ListDestinations(studio_id=studio_id)),
                ListSources: kept(ListSources(studio_id=studio_id)),
            }
        )
