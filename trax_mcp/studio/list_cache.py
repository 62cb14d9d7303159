"""Caches the lists of each caller for half a minute, for listings and completions.

Decisions never use it. No caller is shown the lists of another. Items without a usable id are left
out: they could neither be listed nor suggested.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

import anyio

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Connection, Destination, Source, Studio
from trax_mcp.api.operation import ListOperation
from trax_mcp.api.operations import ListConnections, ListDestinations, ListSources, ListStudios
from trax_mcp.clock import Clock
from trax_mcp.studio.pages import ItemList, read_all_pages

KEPT_SECONDS: Final = 30.0
_MAX_CALLERS = 100
_MAX_LISTS = 20
"""Of one caller: their studios and connections, and two lists for each of nine studios."""

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")
_List = ListOperation[Any]
_Lists = OrderedDict[_List, tuple[float, ItemList[Any]]]
"""The lists of one caller, with the time of each read, in seconds."""


@dataclass(slots=True, weakref_slot=True)
class _Read:
    """A read in progress. All callers that wait for it get its failure too."""

    lock: anyio.Lock = field(default_factory=anyio.Lock)
    failure: TraxError | None = None


class ListCache:
    """The lists of callers, at most `KEPT_SECONDS` old. Each method raises `TraxError`."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._lists: OrderedDict[Caller, _Lists] = OrderedDict()
        self._reads: WeakValueDictionary[tuple[Caller, _List], _Read] = WeakValueDictionary()

    async def studios(self, caller: Caller) -> ItemList[Studio]:
        """The studios that the caller may see."""
        return await self._get(ListStudios(), caller)

    async def connections(self, caller: Caller) -> ItemList[Connection]:
        """The platform accounts that the caller has linked."""
        return await self._get(ListConnections(), caller)

    async def destinations(self, caller: Caller, studio_id: str) -> ItemList[Destination]:
        """The destinations of a studio."""
        return await self._get(ListDestinations(studio_id=studio_id), caller)

    async def sources(self, caller: Caller, studio_id: str) -> ItemList[Source]:
        """The sources of a studio."""
        return await self._get(ListSources(studio_id=studio_id), caller)

    async def _get(self, operation: _List, caller: Caller) -> ItemList[Any]:
        """The items of a list. Concurrent requests for the same list share one read."""
        read = self._reads.setdefault((caller, operation), _Read())
        earlier_failure = read.failure
        async with read.lock:
            if (cached := self._cached(operation, caller)) is not None:
                return cached
            if read.failure is not None and read.failure is not earlier_failure:
                raise read.failure.copy()
            return await self._fetch(operation, caller, read)

    async def _fetch(self, operation: _List, caller: Caller, read: _Read) -> ItemList[Any]:
        try:
            items = (await read_all_pages(self._client, operation, caller)).usable()
        except TraxError as error:
            read.failure = error.copy()
            raise
        self._store(operation, caller, items)
        return items

    def _cached(self, operation: _List, caller: Caller) -> ItemList[Any] | None:
        read_at, items = self._lists.get(caller, _Lists()).get(operation, (None, ItemList()))
        is_fresh = read_at is not None and self._clock.seconds() - read_at < KEPT_SECONDS
        return items if is_fresh else None

    def _store(self, operation: _List, caller: Caller, items: ItemList[Any]) -> None:
        self._remove_expired_callers()
        lists = self._lists.get(caller, _Lists())
        _put_last(lists, operation, (self._clock.seconds(), items), limit=_MAX_LISTS)
        _put_last(self._lists, caller, lists, limit=_MAX_CALLERS)

    def _remove_expired_callers(self) -> None:
        """Remove callers whose lists are all too old."""
        now = self._clock.seconds()
        while self._lists:
            lists = next(iter(self._lists.values()))  # of the caller whose last read is oldest
            read_at, _ = next(reversed(lists.values()))
            if now - read_at < KEPT_SECONDS:
                return
            self._lists.popitem(last=False)


def _put_last(entries: OrderedDict[KeyT, ValueT], key: KeyT, value: ValueT, *, limit: int) -> None:
    """Put an entry at the end, and remove the first one if there are too many."""
    entries[key] = value
    entries.move_to_end(key)
    if len(entries) > limit:
        entries.popitem(last=False)
