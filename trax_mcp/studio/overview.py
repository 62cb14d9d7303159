"""The state of studios, as data for programs and in sentences. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from trax_mcp.api.argument_types import LONGEST_ID, LONGEST_SHORT_TEXT
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.json_schema import (
    FLAG,
    INTEGER,
    TEXT,
    described,
    list_of,
    object_of,
    without_nulls,
)
from trax_mcp.api.models import Connection, Destination, Source
from trax_mcp.api.text_safety import truncate
from trax_mcp.studio import naming, times
from trax_mcp.studio.facts import Fact, Facts, Unknown
from trax_mcp.studio.readiness import Finding, Readiness, judge_readiness

MAX_SHOWN: Final = 20
"""The most destinations of a studio that are shown, and the same for sources and problems."""


@dataclass(frozen=True, slots=True)
class CheckedStudio:
    """The facts about a studio: all, or only its status if it has no details.

    `is_starting`: it is not on air yet, but this server has sent a go-live within the last minute.
    """

    id: str
    facts: Facts
    is_starting: bool = False
    has_details: bool = True

    @property
    def name(self) -> str:
        """Its name in a sentence."""
        return str(naming.studio(self.facts.studio))


@dataclass(frozen=True, slots=True)
class Overview:
    """Studios that were looked at, those on air first.

    `more` studios were not looked at. `unknown` says which could not be. `of_one`: only one was
    asked about.
    """

    studios: tuple[CheckedStudio, ...]
    more: int = 0
    unknown: tuple[Unknown, ...] = ()
    of_one: bool = False


def overview_schema() -> JsonObject:
    """The schema of an overview."""
    account = described(
        object_of(status=TEXT, expiresAt=TEXT),
        "The only linked account of that platform. TRaX does not say which one a destination uses.",
    )
    status = described(TEXT, "TRaX's own word, which it does not document.")
    destination = object_of(
        id=TEXT, name=TEXT, platform=TEXT, enabled=FLAG, status=status, account=account
    )
    source = object_of(id=TEXT, name=TEXT, type=TEXT, active=FLAG, status=status)
    problem = object_of(what=TEXT, remedy=TEXT, blocks=described(FLAG, "It prevents a go-live."))
    studio = object_of(
        id=TEXT,
        name=described(TEXT, "null: unknown."),
        live=described(FLAG, "null: unknown."),
        since=TEXT,
        ready=described(FLAG, "Whether it could go live. Only off air, and if known."),
        destinations=list_of(destination),
        sources=list_of(source),
        problems=list_of(problem),
        unknown=list_of(TEXT),
    )
    more = described(INTEGER, "The number of studios that were not looked at.")
    return object_of(studios=list_of(studio), more=more, unknown=list_of(TEXT))


def overview_data(overview: Overview, now: datetime) -> JsonObject:
    """An overview as data, at most 20 destinations, sources and problems of each studio."""
    data: JsonObject = {
        "studios": [_studio_data(it, now) for it in overview.studios],
        "more": overview.more,
    }
    if overview.unknown:
        data["unknown"] = [str(it) for it in overview.unknown]
    return data


def overview_sentences(overview: Overview, now: datetime) -> Iterator[str]:
    """An overview in words, one line for each studio that has details."""
    if not overview.of_one:
        yield _counted(overview)
    for studio in overview.studios:
        if studio.has_details:
            sentence = _studio_sentence(studio, _judge(studio, now), now)
            yield sentence[:1].upper() + sentence[1:]
    if brief := sum(not it.has_details for it in overview.studios):
        others = "other is" if brief == 1 else "others are"
        yield f"{brief} {others} listed without details: check one by its studioId."
    if overview.more:
        others = "more was" if overview.more == 1 else "more were"
        yield f"{overview.more:,} {others} not looked at: find_studio finds them by name."
    if overview.unknown:
        yield f"Not looked at: {naming.listed([str(it) for it in overview.unknown])}."


def _judge(studio: CheckedStudio, now: datetime) -> Readiness:
    return judge_readiness(
        studio.facts, now=now, is_starting=studio.is_starting, max_troubles=MAX_SHOWN
    )


def _studio_data(studio: CheckedStudio, now: datetime) -> JsonObject:
    facts = studio.facts
    return {
        "id": studio.id,
        "name": _short(facts.studio.name) if facts.studio else None,
        "live": facts.live,
        **({"since": _short(facts.since)} if facts.since else {}),
        **(_details(studio, now) if studio.has_details else {}),
    }


def _details(studio: CheckedStudio, now: datetime) -> JsonObject:
    facts, readiness = studio.facts, _judge(studio, now)
    not_shown = [
        f"further {fact.items} (only the first {MAX_SHOWN} are shown)"
        for fact, items in ((Fact.DESTINATIONS, facts.destinations), (Fact.SOURCES, facts.sources))
        if len(items or ()) > MAX_SHOWN
    ]
    return without_nulls(
        {
            "ready": readiness.ready,
            "destinations": _destinations_data(facts),
            "sources": _sources_data(facts.sources),
            "problems": [_finding_data(it) for it in readiness.problems],
            "unknown": [*not_shown, *readiness.unknown],
        }
    )


def _destinations_data(facts: Facts) -> list[JsonObject] | None:
    """The destinations, first those that are switched on. None if they are unknown."""
    if facts.destinations is None:
        return None
    accounts = _only_accounts(facts)
    shown = sorted(facts.destinations, key=lambda it: not it.enabled)[:MAX_SHOWN]
    return [_destination_data(it, accounts.get(it.platform)) for it in shown]


def _sources_data(sources: Sequence[Source] | None) -> list[JsonObject] | None:
    """The sources, first those that can be on screen. None if they are unknown."""
    if sources is None:
        return None
    shown = sorted(sources, key=lambda it: not it.active)[:MAX_SHOWN]
    return [_source_data(it) for it in shown]


def _only_accounts(facts: Facts) -> dict[str, Connection]:
    """The account of each platform that has only one. TRaX names no account of a destination."""
    if Fact.CONNECTIONS in facts.partial:
        return {}
    accounts = facts.connections or ()
    count = Counter(it.platform for it in accounts)
    return {it.platform: it for it in accounts if count[it.platform] == 1}


def _destination_data(it: Destination, account: Connection | None) -> JsonObject:
    return without_nulls(
        {
            "id": truncate(it.id, longest=LONGEST_ID),
            "name": _short(it.name),
            "platform": _short(it.platform),
            "enabled": it.enabled,
            "status": _short(it.status),
            "account": _account_data(account) if account else None,
        }
    )


def _account_data(account: Connection) -> JsonObject:
    return without_nulls(
        {"status": _short(account.status), "expiresAt": _short(account.expires_at)}
    )


def _source_data(it: Source) -> JsonObject:
    return without_nulls(
        {
            "id": truncate(it.id, longest=LONGEST_ID),
            "name": _short(it.name),
            "type": _short(it.type),
            "active": it.active,
            "status": _short(it.status),
        }
    )


def _finding_data(finding: Finding) -> JsonObject:
    return {"what": finding.what.text, "remedy": finding.remedy, "blocks": finding.blocks}


def _counted(overview: Overview) -> str:
    looked_at = len(overview.studios)
    if not looked_at:
        return "There is no studio to look at."
    live = [it.facts.live for it in overview.studios if not it.is_starting]
    counts = {
        "on air": live.count(True),
        "starting": looked_at - len(live),
        "off air": live.count(False),
        "unknown": live.count(None),
    }
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    all_of_them = looked_at + overview.more
    studios = "studio" if all_of_them == 1 else "studios"
    of_these = f". Of the {looked_at} that were opened last" if overview.more else ""
    return f"{all_of_them:,} {studios}{of_these}: {told}."


def _studio_sentence(studio: CheckedStudio, readiness: Readiness, now: datetime) -> str:
    facts, name = studio.facts, studio.name
    enabled = naming.platforms(it.platform for it in islice(facts.enabled, MAX_SHOWN))
    reached = f" on {enabled}" if enabled else ""
    notes = _notes(facts, readiness)
    if facts.live:
        return f"{name} is on air{times.since(facts.since, now)}{reached}{notes}."
    if studio.is_starting:
        return (
            f"{name} may be starting: a go-live was sent within the last minute, and it is not on"
            f" air yet{notes}."
        )
    if facts.live is None:
        return f"Whether {name} is on air is not known{notes}."
    if readiness.ready is None:
        return f"{name} is off air. Whether it could go live is not known{notes}."
    if readiness.ready:
        return f"{name} is off air and could go live{reached}{notes}."
    reasons = " ".join(it.what.text for it in readiness.problems if it.blocks)
    return f"{name} is off air and could not go live: {reasons}"


def _notes(facts: Facts, readiness: Readiness) -> str:
    """The end of a sentence: how many problems there are, and whether facts are missing."""
    count = len(readiness.problems)
    problems = f"; {count} thing{'' if count == 1 else 's'} to know" if count else ""
    return f"{problems}{'; not everything could be read' if facts.unknown else ''}"


def _short(text: str | None) -> str | None:
    return text and truncate(text, longest=LONGEST_SHORT_TEXT)
