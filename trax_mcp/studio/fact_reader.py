"""Reads facts from TRaX, concurrently.

A fact that this key may not read is unknown. Any other failure is raised.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any, Final, TypeVar

import anyio

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.error_texts import another_studio, interrupted
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import ItemT, Model, Studio
from trax_mcp.api.operation import Answer_co, ListOperation, Operation
from trax_mcp.api.operations import (
    GetHealth,
    GetStreamStatus,
    GetStudio,
    ListConnections,
    ListDestinations,
    ListSources,
    ListStudios,
)
from trax_mcp.studio.concurrent_reads import read_concurrently
from trax_mcp.studio.facts import Fact, Facts, Unknown
from trax_mcp.studio.pages import ItemList, read_all_pages

QUICK_SECONDS: Final = 2.0
"""The most time that a quick reader takes for one fact."""

_MAX_STUDIOS: Final = 10
_FURTHER_STUDIOS: Final = f"further {Fact.STUDIOS.items}"
NEVER_UNKNOWN: Final = frozenset({"not_found", "invalid_key", "no_key"})
_FORBIDDEN: Final = 403

_LISTS: Final = (Fact.DESTINATIONS, Fact.SOURCES, Fact.CONNECTIONS, Fact.STUDIOS)

FactT = TypeVar("FactT")


@dataclass(frozen=True, slots=True)
class FactReader:
    """Reads facts about one studio for one caller.

    A `quick` reader takes at most 2 seconds for each fact, sends each request once, and treats
    every failure but a wrong key or id as unknown. An `urgent` one may use the connection that is
    kept for stops. With `first_page`, of each list only the first page is read.
    """

    client: Client
    caller: Caller
    studio_id: str
    quick: bool = False
    urgent: bool = False
    first_page: bool = False

    async def read(self, wanted: Sequence[Fact], known: Facts | None = None) -> Facts:
        """Return the wanted facts. With `known` facts, `STATUS` and `STUDIO` are not read again.

        Raises:
            TraxError: the studio does not exist, or has another id in TRaX's answer, the key is not
                accepted, or TRaX fails for the moment. Of several failures, the first in the order
                of `wanted`.
        """
        read_before = {Fact.STATUS, Fact.STUDIO} if known else set()
        missing = [it for it in wanted if it not in {Fact.STUDIO_DETAILS, *read_before}]
        known = known or Facts()
        reads = self._reads()
        results = await read_concurrently([reads[it] for it in missing])
        found: dict[Fact, Any] = dict(zip(missing, results, strict=True))
        failed = {fact: it for fact, it in found.items() if isinstance(it, TraxError)}
        unknown = [self._unknown(fact, it) for fact, it in failed.items()]
        facts = _facts({fact: it for fact, it in found.items() if fact not in failed})
        facts = replace(
            facts,
            studio=facts.studio or known.studio,
            status=facts.status or known.status,
            unknown=(*known.unknown, *unknown, *facts.unknown),
        )
        return await self._add_details(facts) if Fact.STUDIO_DETAILS in wanted else facts

    def _reads(self) -> Mapping[Fact, Callable[[], Awaitable[object]]]:
        """The read of each fact. `_add_details` reads `STUDIO_DETAILS`."""
        here = self.studio_id
        return {
            Fact.STUDIO: lambda: self._get_studio(GetStudio(studio_id=here)),
            Fact.STATUS: lambda: self._get(GetStreamStatus(studio_id=here)),
            Fact.DESTINATIONS: lambda: self._list(ListDestinations(studio_id=here)),
            Fact.SOURCES: lambda: self._list(ListSources(studio_id=here)),
            Fact.CONNECTIONS: lambda: self._list(ListConnections()),
            Fact.HEALTH: lambda: self._get(GetHealth()),
            Fact.STUDIOS: self._usable_studios,
        }

    async def _add_details(self, facts: Facts) -> Facts:
        """Add the status and destinations of the first studios."""
        # TRaX promises no order: sorted, so that the same studios are read each time.
        studios = sorted(facts.studios or (), key=lambda it: it.id)[:_MAX_STUDIOS]
        readers = [replace(self, studio_id=it.id) for it in studios]
        wanted = (Fact.STATUS, Fact.DESTINATIONS)
        details = []
        for found in await read_concurrently([partial(it.read, wanted) for it in readers]):
            if isinstance(found, TraxError):
                raise found
            details.append(found)
        unknown = dict.fromkeys(it for found in details for it in found.unknown)
        known = tuple(it for it in facts.unknown if it.what != _FURTHER_STUDIOS)
        if len(facts.studios or ()) > _MAX_STUDIOS or known != facts.unknown:
            unknown[Unknown(_FURTHER_STUDIOS, f"only the first {len(studios)} are read")] = None
        named = (replace(it, studio=studio) for it, studio in zip(details, studios, strict=True))
        return replace(facts, studio_details=tuple(named), unknown=(*known, *unknown))

    async def _get(self, operation: Operation[Answer_co]) -> Answer_co:
        return await self._in_time(
            operation,
            self.client.call(operation, self.caller, retry=not self.quick, urgent=self.urgent),
        )

    async def _get_studio(self, operation: GetStudio) -> Studio:
        """The studio. TRaX may find it by an id that is spelt differently; no other part does."""
        studio = await self._get(operation)
        if studio.id != operation.studio_id:
            raise another_studio(operation, answered=studio.id)
        return studio

    async def _usable_studios(self) -> ItemList[Studio]:
        return (await self._list(ListStudios())).usable()  # their details are read by id

    async def _list(self, operation: ListOperation[ItemT]) -> ItemList[ItemT]:
        return await self._in_time(
            operation,
            read_all_pages(
                self.client,
                operation,
                self.caller,
                retry=not self.quick,
                urgent=self.urgent,
                until=lambda _: self.first_page,
            ),
        )

    async def _in_time(self, operation: Operation[Model], reading: Awaitable[FactT]) -> FactT:
        if not self.quick:
            return await reading
        with anyio.move_on_after(QUICK_SECONDS):
            return await reading
        raise interrupted(operation)

    def _unknown(self, fact: Fact, error: TraxError) -> Unknown:
        """Turn a failure into an unknown fact, or raise it."""
        failure = error.failure
        may_be_unknown = failure.http_status == _FORBIDDEN or self.quick
        if failure.code in NEVER_UNKNOWN or not may_be_unknown:
            raise error
        scope = failure.required_scope
        return Unknown(fact.value, f"the key lacks {scope}" if scope else "TRaX did not tell")


def _facts(found: Mapping[Fact, Any]) -> Facts:
    """The facts that could be read."""
    lists = {fact: found[fact] for fact in _LISTS if fact in found}
    lacking = {fact: it.unknown(fact.items) for fact, it in lists.items()}
    items = {fact: it.items for fact, it in lists.items()}
    return Facts(
        studio=found.get(Fact.STUDIO),
        status=found.get(Fact.STATUS),
        destinations=items.get(Fact.DESTINATIONS),
        sources=items.get(Fact.SOURCES),
        connections=items.get(Fact.CONNECTIONS),
        health=found.get(Fact.HEALTH),
        studios=items.get(Fact.STUDIOS),
        unknown=tuple(chain.from_iterable(lacking.values())),
        partial=frozenset(fact for fact, unknown in lacking.items() if unknown),
    )
