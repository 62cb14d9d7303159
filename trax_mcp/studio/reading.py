"""Reads facts from TRaX, concurrently, lists to their end, and the status until it is on air."""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from typing import Any, Final, TypeVar

import anyio
from pydantic import ValidationError

from trax_mcp.api.arguments import LARGEST_PAGE
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import NotSent, Refused, TraxError, pagination_loop
from trax_mcp.api.models import MAX_ITEMS, ItemT, Studio
from trax_mcp.api.operation import ListOperation, Progress
from trax_mcp.api.reads import GetStreamStatus, GetStudio, ListDestinations, ListStudios
from trax_mcp.clock import Clock, iso
from trax_mcp.studio import naming
from trax_mcp.studio.facts import NOT_TOLD, OBSERVED_SECONDS, Facts, Kind, Observed, Read
from trax_mcp.studio.failed_reads import missing_facts

QUICK_SECONDS: Final = 2.0
"""The most time that a quick reader takes for one fact."""

_MAX_PAGES: Final = 100
_MAX_STUDIOS: Final = 10
_PAUSE_SECONDS: Final = 1.0
_CURSOR_REFUSED: Final = frozenset({400, 404, 410})

FoundT = TypeVar("FoundT")


async def gather(reads: Sequence[Callable[[], Awaitable[FoundT]]]) -> list[FoundT]:
    """Run all reads at the same time. Returns the result of each, in order.

    Raises:
        TraxError: a read failed. All have ended; of several failures, it is the first in order.
    """
    found: dict[int, FoundT] = {}
    failed: dict[int, TraxError] = {}

    async def run(index: int, read: Callable[[], Awaitable[FoundT]]) -> None:
        try:
            found[index] = await read()
        except TraxError as error:
            failed[index] = error

    async with anyio.create_task_group() as tasks:
        for index, read in enumerate(reads):
            tasks.start_soon(run, index, read)
    if failed:
        raise failed[min(failed)]
    return [found[index] for index in range(len(reads))]


async def read_all_pages(
    client: Client,
    operation: ListOperation[ItemT],
    caller: Caller,
    *,
    retry: bool = True,
    urgent: bool = False,
    until: Callable[[ItemT], bool] = lambda _: False,
) -> Read[tuple[ItemT, ...]]:
    """The items of a list: all, or the first 10,000. Those that cannot be read are left out.

    No page is read after one with an item for which `until` is true. Where TRaX refuses the first
    page, it is asked for as many items as it likes; where it refuses a further one, whose cursor
    may be too old, the list begins again, once.

    Raises:
        TraxError: a page could not be read, a cursor came twice, or there are over 100 pages.
    """
    items: list[ItemT | None] = []
    seen: set[str | None] = {None}
    cursor: str | None = None
    limit: int | None = LARGEST_PAGE
    has_begun_again = has_null = False
    while True:
        asked = operation.next_page(cursor, limit=limit)
        try:
            page = await client.call(asked, caller, retry=retry, urgent=urgent)
        except Refused as refusal:
            if cursor is None and limit and refusal.http_status == HTTPStatus.BAD_REQUEST:
                limit = None
            elif cursor and refusal.http_status in _CURSOR_REFUSED and not has_begun_again:
                items, seen, cursor, has_begun_again, has_null = [], {None}, None, True, False
            else:
                raise
            continue
        items += page.data or ()
        has_null |= page.data is None
        # An empty page that leads to itself is the end, however TRaX means it.
        cursor = page.next_cursor if page.data or page.next_cursor not in seen else None
        if not cursor or len(items) >= MAX_ITEMS or any(map(until, page.items)):
            is_cut = bool(cursor) or len(items) > MAX_ITEMS
            del items[MAX_ITEMS:]
            return Read(
                tuple(it for it in items if it is not None),
                only_first(len(items)) if is_cut else "",
                unreadable=items.count(None),
                # Of other lists, an empty one hides nothing that matters.
                is_null=has_null and isinstance(operation, ListDestinations),
            )
        if cursor in seen or len(seen) > _MAX_PAGES:
            raise pagination_loop(operation)
        seen.add(cursor)


def only_first(count: int) -> str:
    """Why a list is not whole."""
    return f"only the first {count:,} were read"


class Budget:
    """What several reads may take together: `at_a_time` requests, none begun after `seconds`.

    None begins after TRaX has limited the key either: a stop may need what TRaX still allows.
    """

    def __init__(self, at_a_time: float = math.inf, seconds: float = math.inf) -> None:
        self._limiter = anyio.CapacityLimiter(at_a_time)
        self._ends = anyio.current_time() + seconds
        self._limited_by: TraxError | None = None

    async def spend(self, read: Callable[[], Awaitable[Read[Any]]]) -> Read[Any]:
        """Read in turn."""
        async with self._limiter:
            if anyio.current_time() >= self._ends:
                return Read(missing="TRaX was too slow")
            if self._limited_by:
                raise self._limited_by
            try:
                return await read()
            except TraxError as error:
                if error.http_status == HTTPStatus.TOO_MANY_REQUESTS:
                    self._limited_by = error
                raise


@dataclass(frozen=True, slots=True)
class FactReader:
    """Reads facts about one studio for one caller.

    A fact that this key may not read is missing, and so is one that only warns, such as the
    sources, if it fails in another way. To a `tolerant` reader all of them are, unless the key or
    an id is wrong. A `quick` one is tolerant, takes at most two seconds for each fact, and sends
    each request once. An `urgent` one may use the connection that is kept for stops. With
    `first_page`, of each list only the first page is read. `failed` has the reason in full for each
    fact that TRaX did not give.
    """

    client: Client
    caller: Caller
    studio_id: str = ""
    quick: bool = False
    urgent: bool = False
    first_page: bool = False
    tolerant: bool = False
    budget: Budget = field(default_factory=Budget)
    failed: dict[Kind, TraxError] = field(default_factory=dict, compare=False)

    async def read(self, wanted: Sequence[Kind], known: Facts | None = None) -> Facts:
        """The wanted facts, together with the `known` ones, which are not read again.

        With the list of studios, what is of one studio is read of each of the first ten.

        Raises:
            TraxError: the studio does not exist, or has another id in TRaX's answer, the key is not
                accepted, or TRaX fails and the reader is not tolerant. Of several failures, the
                first in the order of `wanted`.
        """
        known = known or Facts()
        of_each = [it for it in wanted if ListStudios in wanted and _is_of_a_studio(it)]
        unread = [it for it in wanted if it not in known.reads and it not in of_each]
        reads = await gather([partial(self._try, it) for it in unread])
        failed, found = dict[Kind, TraxError](), known
        for kind, it in zip(unread, reads, strict=True):
            if isinstance(it, Read):
                found = found.having(kind, it)
            else:
                failed[kind] = it
        if failed:
            self.failed.update(failed)
            missing = missing_facts(failed, found, unread, tolerant=self.tolerant, quick=self.quick)
            found = replace(found, reads={**found.reads, **missing})
        listed = found[ListStudios]
        if not of_each or listed.value is None:
            return found
        # TRaX promises no order: sorted, so that the same studios are read each time.
        first = sorted(listed.value, key=lambda it: it.id)[:_MAX_STUDIOS]
        readers = [(replace(self, studio_id=it.id), Facts({GetStudio: Read(it)})) for it in first]
        each = await gather([partial(reader.read, of_each, it) for reader, it in readers])
        is_cut = listed.missing or len(listed.value) > len(first)
        cut = Read(tuple(first), only_first(len(first)) if is_cut else "")
        return replace(found.having(ListStudios, cut), per_studio=tuple(each))

    async def _try(self, kind: Kind) -> Read[Any] | TraxError:
        try:
            with anyio.move_on_after(QUICK_SECONDS if self.quick else None):
                return await self.budget.spend(partial(self._read, kind))
        except ValidationError:
            return Read(missing="its id can't be used in a call")
        except TraxError as error:
            return error
        return Read(missing=NOT_TOLD)

    async def _read(self, kind: Kind) -> Read[Any]:
        of_studio = {"studio_id": self.studio_id} if _is_of_a_studio(kind) else {}
        operation, retry = kind.model_validate(of_studio), not self.quick
        if isinstance(operation, ListOperation):
            return await read_all_pages(
                self.client,
                operation,
                self.caller,
                retry=retry,
                urgent=self.urgent,
                until=lambda _: self.first_page,
            )
        found = await self.client.call(operation, self.caller, retry=retry, urgent=self.urgent)
        if isinstance(found, Studio):
            self._check_id(found)
        return Read(found)

    def _check_id(self, studio: Studio) -> None:
        """TRaX may find a studio by an id that is spelt differently; no other part does."""
        if studio.id != self.studio_id:
            given, known = naming.quoted(self.studio_id), naming.quoted(studio.id)
            happened = f"TRaX knows the studio {given} as {known}"
            next_step = "Call again with that `studioId`."
            raise NotSent("not_found", happened, next_step, not_done="")


def _is_of_a_studio(kind: Kind) -> bool:
    return "studio_id" in kind.model_fields


async def observe_go_live(
    client: Client, caller: Caller, studio_id: str, *, clock: Clock, progress: Progress
) -> Observed:
    """Poll until the studio is on air, for `OBSERVED_SECONDS` at most.

    TRaX accepts a go-live before the studio is on air, so only the status shows the result.
    """
    operation, began, observed = GetStreamStatus(studio_id=studio_id), clock.seconds(), None
    while True:
        elapsed = clock.seconds() - began
        try:
            status = await client.call(operation, caller, retry=False)
        except TraxError as error:
            observed = Observed("unknown", iso(clock.now()))
            if not error.retryable:
                return observed
        else:
            checked_at = iso(clock.now())
            if status.live:
                return Observed("on_air", checked_at, status.since)
            observed = Observed("unknown" if status.live is None else "starting", checked_at)
        if elapsed >= OBSERVED_SECONDS:
            return observed
        await progress(int(elapsed), int(OBSERVED_SECONDS), "Waiting until it's on air.")
        await clock.sleep(_PAUSE_SECONDS)
