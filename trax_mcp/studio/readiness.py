"""Whether a studio could go on air, and what prevents it. Pure.

The same findings warn a person before they agree to a go-live.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from trax_mcp.api.argument_types import Id
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Connection, Destination
from trax_mcp.api.tool_input import Effect, ToolInput
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Fact, Facts
from trax_mcp.studio.naming import Sentence, sentence

READINESS_FACTS: Final = (
    Fact.STUDIO,
    Fact.STATUS,
    Fact.DESTINATIONS,
    Fact.SOURCES,
    Fact.CONNECTIONS,
    Fact.HEALTH,
)
"""Everything that a go-live depends on."""
MAX_TROUBLES: Final = 100
"""The most destinations of troubled accounts that are named. A few hundred of each make many."""

_FINDINGS: Final[JsonObject] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"what": {"type": "string"}, "remedy": {"type": "string"}},
    },
}

_MAY_GO_LIVE: Final = "whether this key may go live (only going live shows that)"


class CheckReadiness(
    ToolInput,
    call="GET /v1/studios/{id}/stream-status",
    effect=Effect.READ,
    hint=(
        "Says whether a studio could go live now: blockers, warnings, and what to do about each."
        " Use it before go_live. It changes nothing."
    ),
):
    """Checks whether a studio could go live now."""

    studio_id: Id

    @classmethod
    def answer_schema(cls) -> JsonObject:
        """The report."""
        return {
            "type": "object",
            "properties": {
                "studioId": {"type": "string"},
                "ready": {"type": "boolean", "description": "Nothing stands in the way."},
                "live": {"type": "boolean"},
                "blockers": _FINDINGS,
                "warnings": _FINDINGS,
                "unknown": {"type": "array", "items": {"type": "string"}},
            },
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem, and what to do about it."""

    what: Sentence
    remedy: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """What prevents a go-live, what may go wrong, and what is unknown."""

    live: bool | None
    blockers: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    unknown: tuple[str, ...]
    is_undecided: bool = False
    """Whether it is unknown if the studio is live, or where a broadcast would go."""

    @property
    def ready(self) -> bool:
        """Whether nothing prevents a go-live and everything important is known."""
        return not self.blockers and not self.is_undecided


def judge_readiness(facts: Facts) -> Readiness:
    """Judge the facts."""
    return Readiness(
        live=facts.live,
        blockers=tuple(_blockers(facts)),
        warnings=(*_missing_sources(facts), *_troubled_accounts(facts)),
        unknown=(*map(str, facts.unknown), _MAY_GO_LIVE),
        is_undecided=facts.live is None or not (facts.enabled or _reaches_nobody(facts)),
    )


def go_live_warnings(facts: Facts) -> Iterator[Finding]:
    """What a person should know before they agree to a go-live."""
    yield from _missing_destinations(facts)
    yield from _missing_sources(facts)
    yield from _troubled_accounts(facts)


def _blockers(facts: Facts) -> Iterator[Finding]:
    if facts.live:
        what = Sentence(f"It is on air already{naming.since(facts.since)}.")
        yield Finding(what, "There is nothing to do.")
    if facts.health is not None and facts.health.write_enabled is False:
        what = Sentence("This TRaX deployment has writes switched off.")
        yield Finding(what, "Wait until `writeEnabled` in get_health is true.")
    yield from _missing_destinations(facts)


def _missing_destinations(facts: Facts) -> Iterator[Finding]:
    if _reaches_nobody(facts):
        what = Sentence("No destination is enabled: nobody would receive the stream.")
        yield Finding(what, "Enable one with update_destination, or add one.")


def _reaches_nobody(facts: Facts) -> bool:
    """Whether it is known that no destination is enabled."""
    is_whole = facts.destinations is not None and Fact.DESTINATIONS not in facts.partial
    return is_whole and not facts.enabled


def _missing_sources(facts: Facts) -> Iterator[Finding]:
    is_whole = facts.sources is not None and Fact.SOURCES not in facts.partial
    if is_whole and not facts.active:
        what = Sentence("No source is active: viewers may see nothing.")
        yield Finding(what, "Activate one with update_source, or add one.")


def _troubled_accounts(facts: Facts) -> Iterator[Finding]:
    """Destinations do not name their account, so all of its platform are reported."""
    accounts = [it for it in facts.connections or () if it.status != "active"]
    enabled: defaultdict[str, list[Destination]] = defaultdict(list)
    for it in facts.enabled:
        enabled[it.platform].append(it)
    pairs = ((account, it) for account in accounts for it in enabled[account.platform])
    yield from (_may_fail(*pair) for pair in islice(pairs, MAX_TROUBLES))
    further = sum(len(enabled[it.platform]) for it in accounts) - MAX_TROUBLES
    if further > 0:
        what = Sentence(f"{further:,} more destinations of such accounts may fail.")
        yield Finding(what, "The person signs in to all of them again, on TRaX.")


def _may_fail(account: Connection, destination: Destination) -> Finding:
    platform = naming.platform(account.platform)
    what = sentence(
        "The {} account {} is {}: {} may fail.",
        platform,
        naming.connection(account),
        naming.word(account.status),
        naming.destination(destination),
    )
    return Finding(what, f"The person signs in to {platform} again, on TRaX.")
