"""A caller's things by name, kept for half a minute and never shown to another caller.

For listings and suggestions, where what is half a minute old is good enough; nothing is decided by
it.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

import anyio

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Connection, Destination, Model, Source, Studio
from trax_mcp.api.operation import Operation
from trax_mcp.api.operations import ListConnections, ListDestinations, ListSources, ListStudios
from trax_mcp.clock import Clock
from trax_mcp.studio.pages import read_all_pages

KEPT_SECONDS: Final = 30.0
_MOST_CALLERS = 100
_MOST_LISTS = 20
"""Of one caller: two that are theirs, and two for each of some studios."""

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")
_List = Operation[Model]
_Kept = OrderedDict[_List, tuple[float, tuple[Any, ...]]]


@dataclass(slots=True, weakref_slot=True)
class _Reading:
    """A list that is being read. Whoever waited for it shares its failure too."""

    lock: anyio.Lock = field(default_factory=anyio.Lock)
    failure: TraxError | None = None


class ListCache:
    """What callers have, as far as it was read a moment ago. Each method raises `TraxError`."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._kept: OrderedDict[Caller, _Kept] = OrderedDict()
        self._reading: WeakValueDictionary[tuple[Caller, _List], _Reading] = WeakValueDictionary()

    async def studios(self, caller: Caller) -> tuple[Studio, ...]:
        """All studios that a caller may see."""
        return await self._whole(ListStudios(), caller)

    async def connections(self, caller: Caller) -> tuple[Connection, ...]:
        """All platform accounts that a caller has linked."""
        return await self._whole(ListConnections(), caller)

    async def destinations(self, caller: Caller, studio_id: str) -> tuple[Destination, ...]:
        """All destinations of a studio."""
        return await self._whole(ListDestinations(studio_id=studio_id), caller)

    async def sources(self, caller: Caller, studio_id: str) -> tuple[Source, ...]:
        """All sources of a studio."""
        return await self._whole(ListSources(studio_id=studio_id), caller)

    async def _whole(self, wanted: _List, caller: Caller) -> tuple[Any, ...]:
        """A list to its end. Who asks while it is being read waits for that very reading."""
        reading = self._reading.setdefault((caller, wanted), _Reading())
        before = reading.failure
        async with reading.lock:
            if (known := self._recall(wanted, caller)) is not None:
                return known
            if reading.failure is not None and reading.failure is not before:
                raise reading.failure.again()
            return await self._read(wanted, caller, reading)

    async def _read(self, wanted: _List, caller: Caller, reading: _Reading) -> tuple[Any, ...]:
        try:
            read: Any = await read_all_pages(self._client, wanted, caller)
        except TraxError as error:
            reading.failure = error.again()
            raise
        self._remember(wanted, caller, tuple(read))
        return tuple(read)

    def _recall(self, wanted: _List, caller: Caller) -> tuple[Any, ...] | None:
        read_at, items = self._kept.get(caller, _Kept()).get(wanted, (None, ()))
        fresh = read_at is not None and self._clock.seconds() - read_at < KEPT_SECONDS
        return items if fresh else None

    def _remember(self, wanted: _List, caller: Caller, items: tuple[Any, ...]) -> None:
        self._forget_the_gone()
        lists = self._kept.get(caller, _Kept())
        _put_last(lists, wanted, (self._clock.seconds(), items), most=_MOST_LISTS)
        _put_last(self._kept, caller, lists, most=_MOST_CALLERS)

    def _forget_the_gone(self) -> None:
        """Let go of callers who have read nothing for so long that all of theirs is too old."""
        now = self._clock.seconds()
        while self._kept:
            lists = next(iter(self._kept.values()))  # of whoever read longest ago
            read_at, _ = next(reversed(lists.values()))
            if now - read_at < KEPT_SECONDS:
                return
            self._kept.popitem(last=False)


def _put_last(kept: OrderedDict[KeyT, ValueT], key: KeyT, value: ValueT, *, most: int) -> None:
    """Keep one more, and let the one go that was read longest ago."""
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > most:
        kept.popitem(last=False)
