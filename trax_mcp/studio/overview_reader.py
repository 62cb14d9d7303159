"""Reads how one studio stands, or how all do, with few requests and few of them at a time."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Final

import anyio
from pydantic import Field

from trax_mcp.api.argument_types import Id
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Studio
from trax_mcp.api.operations import ListStudios
from trax_mcp.api.tool_input import Effect, ToolInput
from trax_mcp.studio import times
from trax_mcp.studio.concurrent_reads import MAX_AT_A_TIME, FoundT, read_concurrently
from trax_mcp.studio.fact_reader import NEVER_UNKNOWN, FactReader
from trax_mcp.studio.facts import Fact, Facts, Unknown
from trax_mcp.studio.overview import CheckedStudio, Overview, overview_schema
from trax_mcp.studio.pages import read_all_pages
from trax_mcp.studio.readiness import READINESS_FACTS

MAX_CHECKED: Final = 20
"""The most studios whose status is read."""
MAX_DETAILED: Final = 5
"""The most studios whose destinations and sources are read."""
MAX_SECONDS: Final = 25.0
"""How long reads may begin. Many clients cancel a call after a minute."""

_SHARED: Final = (Fact.CONNECTIONS, Fact.HEALTH)
_DETAILS: Final = (Fact.DESTINATIONS, Fact.SOURCES)
_GO_LIVE: Final = "whether a go-live is under way"
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


class CheckStudio(
    ToolInput,
    call="GET /v1/studios/{id}/stream-status",
    effect=Effect.READ,
    hint=(
        "Tell how a studio stands, or how all do: on air or not, destinations, sources, accounts,"
        " problems and what to do about each. Call it before go_live: it says whether that would"
        " work."
    ),
):
    """Checks how one studio stands, or how all do."""

    studio_id: Id | None = Field(
        default=None, description="Without it: all studios, those on air first."
    )

    @classmethod
    def answer_schema(cls) -> JsonObject:
        """The overview."""
        return overview_schema()


@dataclass(frozen=True, slots=True)
class OverviewReader:
    """Reads studios for one caller, once. A fact that cannot be read is unknown.

    No read begins later than `MAX_SECONDS` after the first, or after TRaX has refused one because
    there were too many: a stop may need what TRaX allows.

    `is_starting` tells whether this server has sent a go-live to a studio that is not on air yet.
    """

    client: Client
    caller: Caller
    is_starting: Callable[[str], Awaitable[bool]]
    _limiter: anyio.CapacityLimiter = field(
        default_factory=lambda: anyio.CapacityLimiter(MAX_AT_A_TIME)
    )
    _ends: float = field(default_factory=lambda: anyio.current_time() + MAX_SECONDS)
    _limited_by: list[TraxError] = field(default_factory=list)

    async def read_one(self, studio_id: str) -> Overview:
        """Read everything about one studio.

        Raises:
            TraxError: it does not exist, the key is not accepted, or nothing could be read.
        """
        reader = FactReader(self.client, self.caller, studio_id)
        found = await self._try_each(reader, READINESS_FACTS)
        if isinstance(found[0], TraxError) and not any(isinstance(it, Facts) for it in found):
            raise found[0]
        facts = _join(READINESS_FACTS, found)
        return Overview((await self._checked(studio_id, facts, has_details=True),), of_one=True)

    async def read_all(self) -> Overview:
        """Read the status of at most 20 studios, and everything about 5, those on air first.

        Of more than 20 studios, those that were opened last are read. Of each list of a studio,
        the first page is read.

        Raises:
            TraxError: the studios could not be read, or the key is not accepted.
        """
        listed = (await read_all_pages(self.client, ListStudios(), self.caller)).usable()
        studios = sorted(listed.items, key=_opened_at, reverse=True)
        checked = await read_concurrently(
            [partial(self._check, it) for it in studios[:MAX_CHECKED]]
        )
        in_order = sorted(filter(None, map(_found, checked)), key=_order)
        detailed = await self._add_details(in_order[:MAX_DETAILED])
        return Overview(
            (*detailed, *in_order[MAX_DETAILED:]),
            more=len(studios[MAX_CHECKED:]),
            unknown=listed.unknown(Fact.STUDIOS.items),
        )

    async def _check(self, studio: Studio) -> CheckedStudio:
        """Read whether a studio is on air."""
        status = await self._read(studio.id, (Fact.STATUS,))
        return await self._checked(studio.id, replace(status, studio=studio), has_details=False)

    async def _checked(self, studio_id: str, facts: Facts, *, has_details: bool) -> CheckedStudio:
        is_starting = False
        try:
            is_off = facts.status is not None and not facts.live
            is_starting = is_off and await self.is_starting(studio_id)
        except TraxError as error:  # the store of several replicas does not answer
            unknown = Unknown(_GO_LIVE, error.failure.happened)
            facts = facts.completed_by(Facts(unknown=(unknown,)))
        return CheckedStudio(studio_id, facts, is_starting=is_starting, has_details=has_details)

    async def _add_details(self, studios: Sequence[CheckedStudio]) -> list[CheckedStudio]:
        """Read the lists of each studio, and once what is the same for all."""
        if not studios:
            return []
        reads = [partial(self._read, it.id, _DETAILS) for it in studios]
        *details, shared = await read_concurrently([*reads, partial(self._read, "", _SHARED)])
        of_all = _found(shared) or Facts()
        return [
            replace(it, facts=it.facts.completed_by(of_it).completed_by(of_all), has_details=True)
            for it, of_it in zip(studios, map(_found, details), strict=True)
            if of_it is not None
        ]

    async def _read(self, studio_id: str, wanted: Sequence[Fact]) -> Facts:
        reader = FactReader(self.client, self.caller, studio_id, first_page=bool(studio_id))
        return _join(wanted, await self._try_each(reader, wanted))

    async def _try_each(
        self, reader: FactReader, wanted: Sequence[Fact]
    ) -> list[Facts | TraxError]:
        async def read(fact: Fact) -> Facts:
            async with self._limiter:
                if anyio.current_time() >= self._ends:
                    return Facts(unknown=(Unknown(fact.value, "TRaX was too slow"),))
                if self._limited_by:
                    raise self._limited_by[0].copy()
                try:
                    return await reader.read((fact,))
                except TraxError as error:
                    if error.failure.http_status == HTTPStatus.TOO_MANY_REQUESTS:
                        self._limited_by.append(error.copy())
                    raise

        return await read_concurrently([partial(read, it) for it in wanted])


def _join(wanted: Sequence[Fact], found: Sequence[Facts | TraxError]) -> Facts:
    """All facts in one. A failed one is unknown, unless the key or the studio's id is wrong."""
    facts = Facts()
    for fact, it in zip(wanted, found, strict=True):
        if isinstance(it, Facts):
            facts = facts.completed_by(it)
        elif it.failure.code in NEVER_UNKNOWN:
            raise it
        else:
            unknown = Unknown(fact.value, it.failure.happened)
            facts = facts.completed_by(Facts(unknown=(unknown,)))
    return facts


def _found(result: FoundT | TraxError) -> FoundT | None:
    """The result, or None if TRaX has no such thing, because it was deleted meanwhile."""
    if not isinstance(result, TraxError):
        return result
    if result.failure.code != "not_found":
        raise result
    return None


def _opened_at(studio: Studio) -> datetime:
    return times.parse(studio.last_opened_at) or _LONG_AGO


def _order(studio: CheckedStudio) -> int:
    """On air, then starting, unknown and off air. Otherwise the order stays."""
    if studio.is_starting:
        return 1
    match studio.facts.live:
        case True:
            return 0
        case None:
            return 2
        case False:
            return 3
