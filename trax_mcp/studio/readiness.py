"""Whether a studio could go on air now, and what stands in the way. Pure: facts in, findings out.

What a person is warned of before they say yes is found here as well, so that both say the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from trax_mcp.api.argument_types import Id
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Connection
from trax_mcp.api.tool_input import Effect, ToolInput
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Facts

_FINDINGS: Final[JsonObject] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"what": {"type": "string"}, "remedy": {"type": "string"}},
    },
}


_MAY_GO_LIVE: Final = "whether this key may go live (only going live shows that)"


class CheckReadiness(ToolInput, call="GET /v1/studios/{id}/stream-status", effect=Effect.READ):
    """Says whether a studio could go live now: blockers, warnings, and what to do about each.

    Use it before go_live. It changes nothing.
    """

    studio_id: Id

    @classmethod
    def answer(cls) -> JsonObject:
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
    """Something that is not as it should be, and what to do about it."""

    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """What stands in the way of going live, what may go wrong, and what could not be seen."""

    live: bool | None
    blockers: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    unknown: tuple[str, ...]
    doubted: bool = False
    """Whether it could not be seen if it is live, or where it would go."""

    @property
    def ready(self) -> bool:
        """Whether nothing stands in the way, as far as can be seen; what matters most must be."""
        return not self.blockers and not self.doubted


def judge_readiness(facts: Facts) -> Readiness:
    """What the facts mean for going live."""
    return Readiness(
        live=facts.live,
        blockers=tuple(_blockers(facts)),
        warnings=(*_silent_sources(facts), *_accounts(facts)),
        unknown=(*(f"{it.what} ({it.why})" for it in facts.unknown), _MAY_GO_LIVE),
        doubted=facts.live is None or facts.destinations is None,
    )


def beware_of(facts: Facts) -> Iterator[Finding]:
    """What a person should know before they say yes to going live."""
    yield from _no_destination(facts)
    yield from _silent_sources(facts)
    yield from _accounts(facts)


def _blockers(facts: Facts) -> Iterator[Finding]:
    if facts.live:
        since = f" since {facts.since}" if facts.since else ""
        yield Finding(f"It is on air already{since}.", "There is nothing to do.")
    if facts.health is not None and facts.health.write_enabled is False:
        what = "This TRaX deployment has writes switched off."
        yield Finding(what, "Wait until `writeEnabled` in get_health is true.")
    yield from _no_destination(facts)


def _no_destination(facts: Facts) -> Iterator[Finding]:
    if facts.destinations is not None and not facts.enabled:
        what = "No destination is enabled: nobody would receive the stream."
        yield Finding(what, "Enable one with update_destination, or add one.")


def _silent_sources(facts: Facts) -> Iterator[Finding]:
    if facts.sources is not None and not facts.active:
        what = "No source is active: viewers may see nothing."
        yield Finding(what, "Activate one with update_source, or add one.")


def _accounts(facts: Facts) -> Iterator[Finding]:
    for account in facts.connections or ():
        if account.status != "active":
            yield from _may_fail(account, facts)


def _may_fail(account: Connection, facts: Facts) -> Iterator[Finding]:
    """Destinations do not name their account, so what its trouble means is only a "may"."""
    name, state = naming.quoted(account.display_name), naming.plain(account.status)
    where = naming.platform(account.platform)
    for it in facts.enabled:
        if it.platform == account.platform:
            what = f"The {where} account {name} is {state}: {naming.destination(it)} may fail."
            yield Finding(what, f"The person signs in to {where} again, on TRaX.")
