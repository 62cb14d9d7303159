"""Reads how studios stand, with few requests and few at a time, and shows what is in them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from pydantic import Field

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import StreamStatus, Studio
from trax_mcp.api.operation import ListOperation
from trax_mcp.api.reads import (
    GetHealth,
    GetStreamStatus,
    GetStudio,
    ListConnections,
    ListDestinations,
    ListSources,
)
from trax_mcp.studio.composite_tools import IsStarting
from trax_mcp.studio.facts import NOT_TOLD, Facts, Kind, Read
from trax_mcp.studio.outputs import Output, ShortId, ShortText
from trax_mcp.studio.readiness import READINESS_READS, Readiness
from trax_mcp.studio.reading import Budget, FactReader, gather

MAX_READ: Final = 20
"""The most studios whose status is read."""
MAX_DETAILED: Final = 5
"""The most studios whose destinations and sources are read."""
MAX_AT_A_TIME: Final = 6
"""The most requests at the same time."""
MAX_SECONDS: Final = 25.0
"""How long reads may begin. Many clients cancel a call after a minute."""
MAX_SHOWN: Final = 20
"""The most destinations of a studio that are shown, and the same for sources."""

_FEW_PROBLEMS: Final = 2
"""No more than these are all told in words."""

DETAILS: Final[Sequence[type[ListOperation[Any]]]] = (ListDestinations, ListSources)
_SHARED: Final = (ListConnections, GetHealth)
_ORDER: Final = {True: 0, None: 1, False: 2}
_TRAX_STATUS: Final = Field(None, description="TRaX's own, undocumented word.")


@dataclass(frozen=True, slots=True)
class StudioReader:
    """Reads studios for one caller, once, within one budget."""

    client: Client
    caller: Caller
    is_starting: IsStarting | None = None
    budget: Budget = field(default_factory=lambda: Budget(MAX_AT_A_TIME, MAX_SECONDS))

    async def read_one(self, studio_id: str) -> Facts:
        """Everything about a studio. A fact that cannot be read is unknown.

        Raises:
            TraxError: it does not exist, nothing could be read, or the key is not accepted.
        """
        reader = self._reader(studio_id)
        facts = await reader.read(READINESS_READS)
        if all(facts[it].value is None for it in READINESS_READS):
            raise reader.failed[GetStudio]
        return await with_starting(studio_id, facts, self.is_starting)

    async def read_studios(
        self, studios: Sequence[Studio], *, named: int = 0
    ) -> list[tuple[str, Facts]]:
        """The status of the first 20, and everything about five.

        The first `named` studios stay the first, the others follow with those on air first. One
        that was deleted meanwhile is left out.
        """
        listed = [(it.id, Facts({GetStudio: Read(it)})) for it in studios[:MAX_READ]]
        statuses = await gather(
            [partial(self._read, which, (GetStreamStatus,), facts) for which, facts in listed]
        )
        if not any(statuses):  # not all are deleted: the key lacks the scope
            unknown: Read[StreamStatus] = Read(missing=NOT_TOLD, is_forbidden=True)
            statuses = [facts.having(GetStreamStatus, unknown) for _, facts in listed]
        known = [
            (which, await with_starting(which, facts, self.is_starting))
            for (which, _), facts in zip(listed, statuses, strict=True)
            if facts
        ]
        ids = [it.id for it in studios[:named]]
        known.sort(key=lambda it: -1 if it[0] in ids else _on_air_first(it[1]))
        if not known:
            return []
        detailed = known[:MAX_DETAILED]
        reads = [partial(self._read, which, DETAILS, facts) for which, facts in detailed]
        *details, shared = await gather([*reads, partial(self._read, "", _SHARED, Facts())])
        found = zip(detailed, details, strict=True)
        of_first = [
            (which, facts.completed_by(shared or Facts())) for (which, _), facts in found if facts
        ]
        return [*of_first, *known[MAX_DETAILED:]]

    async def _read(self, studio_id: str, wanted: Sequence[Kind], known: Facts) -> Facts | None:
        """The facts, of a studio's lists the first page. None if it was deleted meanwhile."""
        reader = replace(self._reader(studio_id), first_page=bool(studio_id))
        try:
            return await reader.read(wanted, known)
        except TraxError as error:
            if error.code != "not_found":
                raise
            return None

    def _reader(self, studio_id: str) -> FactReader:
        return FactReader(self.client, self.caller, studio_id, tolerant=True, budget=self.budget)


async def with_starting(studio_id: str, facts: Facts, is_starting: IsStarting | None) -> Facts:
    """The facts, with whether a go-live is under way, if asked and unless the studio is live."""
    if is_starting is None or facts[GetStreamStatus].value is None or facts.live:
        return facts
    try:
        return replace(facts, starting=Read(await is_starting(studio_id)))
    except TraxError as error:  # the store of several replicas does not answer
        return replace(facts, starting=Read(missing=error.happened))


def _on_air_first(facts: Facts) -> int:
    return 1 if facts.is_starting else {True: 0, None: 2, False: 3}[facts.live]


def counted(looked_at: Sequence[Facts], more: int = 0) -> str:
    """How many are on air and how many are not. `more` were not looked at."""
    if not looked_at:
        return "There are no studios."
    live = [it.live for it in looked_at if not it.is_starting]
    counts = {
        "on air": live.count(True),
        "starting": len(looked_at) - len(live),
        "off air": live.count(False),
        "unknown": live.count(None),
    }
    found = [(state, count) for state, count in counts.items() if count]
    if len(found) == 1 and not more and found[0][0] != "unknown":
        ((state, number),) = found
        all_of_them = {1: "The only studio is", 2: "Both studios are"}
        return f"{all_of_them.get(number, f'All {number} studios are')} {state}."
    told = ", ".join(f"{count} {state}" for state, count in found)
    number = len(looked_at) + more
    of_these = f". Of the {len(looked_at)} that were opened last" if more else ""
    return f"{number:,} {'studio' if number == 1 else 'studios'}{of_these}: {told}."


class ShownDestination(Output):
    """A destination."""

    id: ShortId
    name: ShortText
    platform: ShortText | None = None
    enabled: bool | None = Field(
        description="Whether it's on. null if not known. TRaX doesn't say if it's on air."
    )
    status: ShortText | None = _TRAX_STATUS


class ShownSource(Output):
    """A source."""

    id: ShortId
    name: ShortText
    type: ShortText | None = None
    active: bool | None = Field(
        description="Whether it can be on screen. null if not known. TRaX doesn't say if it is."
    )
    status: ShortText | None = _TRAX_STATUS


class Problem(Output):
    """A problem, and what to do about it."""

    what: str
    remedy: str
    blocks: bool = Field(description="It prevents a go-live.")


def shown_problems(readiness: Readiness) -> list[Problem]:
    """All problems, the most important one first."""
    return [
        Problem(what=it.what.text, remedy=it.remedy, blocks=it.blocks) for it in readiness.problems
    ]


def worst_problems(readiness: Readiness) -> list[str]:
    """Those that prevent a go-live, or else the first one, in words. Two are both told."""
    if len(problems := readiness.problems) > _FEW_PROBLEMS:
        problems = tuple(it for it in problems if it.blocks) or problems[:1]
    return [it.what.text for it in problems]


def shown_destinations(facts: Facts) -> list[ShownDestination] | None:
    """At most 20, first those that are, or may be, switched on. None if they are unknown."""
    if (items := facts[ListDestinations].value) is None:
        return None
    ordered = sorted(items, key=lambda it: _ORDER[it.enabled])
    return [ShownDestination.model_validate(it) for it in ordered[:MAX_SHOWN]]


def shown_sources(facts: Facts) -> list[ShownSource] | None:
    """At most 20, first those that are, or may be, active. None if they are unknown."""
    if (items := facts[ListSources].value) is None:
        return None
    ordered = sorted(items, key=lambda it: _ORDER[it.active])
    return [ShownSource.model_validate(it) for it in ordered[:MAX_SHOWN]]
