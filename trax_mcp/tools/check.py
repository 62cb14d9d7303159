"""check_studio: how one studio stands, or how all do, with few requests and few at a time."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Final, NamedTuple

from pydantic import Field, ValidationError

from trax_mcp.api.arguments import Id
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import StreamStatus, Studio
from trax_mcp.api.operation import Effect
from trax_mcp.api.reads import GetStreamStatus, GetStudio, ListDestinations, ListStudios
from trax_mcp.studio import naming, times
from trax_mcp.studio.composite_tools import CompositeTool, IsStarting, ToolUse
from trax_mcp.studio.facts import UNDER_WAY, Facts, Read, things
from trax_mcp.studio.naming import Name
from trax_mcp.studio.outputs import Output, ShortText, StudioTool, Words
from trax_mcp.studio.readiness import Readiness, judge_readiness
from trax_mcp.studio.reading import read_all_pages
from trax_mcp.tools.overview import (
    DETAILS,
    MAX_READ,
    MAX_SHOWN,
    Problem,
    ShownDestination,
    ShownSource,
    StudioReader,
    counted,
    shown_destinations,
    shown_problems,
    shown_sources,
    with_starting,
    worst_problems,
)

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


class CheckedStudio(Output):
    """How a studio stands. Only one with details has what follows `since`."""

    id: str
    name: ShortText | None = Field(description="null if not known.")
    live: bool | None = Field(description="null if not known.")
    since: ShortText | None = None
    ready: bool | None = Field(
        None, description="Whether it could go live. Left out on air, and if not known."
    )
    destinations: list[ShownDestination] | None = None
    sources: list[ShownSource] | None = None
    problems: list[Problem] | None = None
    unknown: list[str] | None = None


class Overview(Output):
    """The studios that were looked at, those on air first."""

    studios: list[CheckedStudio]
    more: int = Field(description="How many studios weren't looked at.")
    unknown: list[str] | None = None


class CheckStudio(
    StudioTool,
    CompositeTool,
    endpoint="GET /v1/studios/{id}/stream-status",
    effect=Effect.READ,
    hint=(
        "Check one studio or all: on air, off air or about to start, destinations, sources,"
        " problems (of linked accounts too) and what to do about each."
    ),
):
    """Checks how one studio stands, or how all do."""

    output = Overview
    studio_id: Id | None = Field(default=None, description="If left out: all studios.")

    async def run(self, use: ToolUse) -> tuple[JsonObject, Words]:
        """Check one studio, or all.

        Of all, the status of those 20 is read that were opened last, and everything about five,
        those on air first. A fact that cannot be read is unknown.

        Raises:
            TraxError: the studio does not exist, nothing about it or no list of studios could be
                read, or the key is not accepted.
        """
        reader = StudioReader(use.client, use.caller, use.is_starting)
        more, unknown = 0, list[str]()
        if self.studio_id:
            looked_at = [(self.studio_id, await reader.read_one(self.studio_id))]
        else:
            listed = await read_all_pages(use.client, ListStudios(), use.caller)
            studios = sorted(listed.value or (), key=_opened_at, reverse=True)
            looked_at = await reader.read_studios(studios)
            more, unknown = len(studios[MAX_READ:]), [*map(str, listed.unknown(ListStudios))]
        now = use.clock.now()
        judged = [_Judged(it, facts, judge_readiness(facts, now=now)) for it, facts in looked_at]
        checked = [_checked(it) for it in judged]
        overview = Overview(studios=checked, more=more, unknown=unknown or None)
        if self.studio_id:
            return overview.data(), Words(_about(judged[0], now))
        lines = _about_all(judged, overview, now)
        return overview.data(), Words("\n".join(lines), message=_how_to_see_more(judged, overview))


class _Judged(NamedTuple):
    studio_id: str
    facts: Facts
    readiness: Readiness

    @property
    def has_details(self) -> bool:
        """Whether more than the status was read."""
        return ListDestinations in self.facts.reads


async def tell_status(
    answer: JsonObject, studio_id: str, *, is_starting: IsStarting, now: datetime
) -> str:
    """What an answer to get_stream_status means, and whether a go-live is under way."""
    try:
        facts = Facts({GetStreamStatus: Read(StreamStatus.model_validate(answer))})
    except ValidationError:
        facts = Facts()
    facts = await with_starting(studio_id, facts, is_starting)
    sentences = [f"{broadcast('the show', facts, now)}."]
    if facts.starting.missing:
        sentences.append(f"It's unclear {UNDER_WAY} ({facts.starting.missing}).")
    return " ".join(map(_capitalised, sentences))


def _opened_at(studio: Studio) -> datetime:
    return times.parse(studio.last_opened_at) or _LONG_AGO


def _checked(it: _Judged) -> CheckedStudio:
    facts, readiness = it.facts, it.readiness
    studio = facts[GetStudio].value
    not_shown = [
        f"other {things(kind)} (only the first {MAX_SHOWN} are shown)"
        for kind in DETAILS
        if len(facts[kind].value or ()) > MAX_SHOWN
    ]
    return CheckedStudio(
        id=it.studio_id,
        name=studio.name if studio else None,
        live=facts.live,
        since=facts.since or None,
        ready=readiness.ready,
        destinations=shown_destinations(facts),
        sources=shown_sources(facts),
        problems=shown_problems(readiness) if it.has_details else None,
        unknown=[*not_shown, *readiness.unknown] if it.has_details else None,
    )


def _about_all(judged: Sequence[_Judged], overview: Overview, now: datetime) -> Iterator[str]:
    """How many there are, one line for each studio that has details, and what is missing."""
    yield counted([it.facts for it in judged], overview.more)
    detailed = [it for it in judged if it.has_details]
    yield from (_about(it, now) for it in detailed)
    if brief := len(judged) - len(detailed):
        others = "other is" if brief == 1 else "others are"
        yield f"{brief} {others} listed without details."
    if overview.more:
        others = "more wasn't" if overview.more == 1 else "more weren't"
        yield f"{overview.more:,} {others} looked at."
    if overview.unknown:
        yield f"Not looked at: {naming.listed(overview.unknown)}."


def _how_to_see_more(judged: Sequence[_Judged], overview: Overview) -> str:
    steps = list[str]()
    if any(not it.has_details for it in judged):
        steps.append("For the details of one, give its `studioId`.")
    if overview.more:
        steps.append("To reach the others, search by name with find_studio.")
    return " ".join(steps)


def _about(judged: _Judged, now: datetime) -> str:
    """How a studio stands: on air or not, where it would stream to, and the worst problem."""
    facts, readiness = judged.facts, judged.readiness
    state = broadcast(naming.studio(facts[GetStudio].value), facts, now)
    enabled = naming.platforms(it.platform for it in islice(facts.enabled, MAX_SHOWN))
    is_on = f", with {enabled} on" if enabled else ""
    if facts.live is not False or facts.is_starting:
        state += is_on
    elif readiness.ready:
        state += f" and ready to go live on {enabled}"
    elif readiness.ready is False:
        state += f"{is_on} and can't go live yet"
    else:
        state += f"{is_on}. It's unclear whether it could go live"
    sentences = [f"{state}."]
    told = worst_problems(readiness)
    sentences += told
    if more := len(readiness.problems) - len(told):
        sentences.append(f"{more} more problem{' is' if more == 1 else 's are'} listed.")
    if facts.unknown:
        sentences.append("Not everything could be read.")
    return _capitalised(" ".join(sentences))


def broadcast(name: Name | str, facts: Facts, now: datetime, *, for_how_long: bool = True) -> str:
    """A sentence without its end: whether a studio is on air, and for how long or since when."""
    if facts.live and facts.since and not for_how_long:
        return f"{name} has been on air{times.since(facts.since, now)}"
    if facts.live:
        return f"{name} {times.on_air(facts.since, now)}"
    if facts.is_starting:
        return (
            f"{name} may be starting: a go-live was sent in the last minute, but it hasn't been"
            " seen on air yet"
        )
    if facts.live is None:
        status, reason = facts[GetStreamStatus].value, ""
        if status is not None and status.live is False:
            reason = ": TRaX lists a stream, but doesn't call it live"
        return f"it's unclear whether {name} is on air{reason}"
    return f"{name} is off air"


def _capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
