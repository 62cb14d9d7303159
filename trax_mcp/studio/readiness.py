"""The problems of a studio, and whether it could go live. Pure.

The same findings warn a person before they agree to a go-live.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from trax_mcp.studio import naming, times
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
MAX_NAMED: Final = 10
"""The most accounts that are named for one reason, and the most destinations of one account."""

_EXPIRES_SOON: Final = timedelta(hours=24)
_MAY_GO_LIVE: Final = "whether this key may go live (only going live shows that)"


class Finding(NamedTuple):
    """A problem, and what to do about it. `blocks`: it prevents a go-live."""

    what: Sentence
    remedy: str
    blocks: bool = False


class Readiness(NamedTuple):
    """The problems of a studio and its unknown facts.

    `ready`: whether it could go live. None if that is unknown, or if it is or may be on air.
    """

    problems: tuple[Finding, ...]
    unknown: tuple[str, ...]
    ready: bool | None = None


def judge_readiness(facts: Facts, *, now: datetime) -> Readiness:
    """Judge the facts."""
    problems = (
        *_switched_off_writes(facts),
        *_missing_destinations(facts),
        *_missing_sources(facts),
        *_troubled_accounts(facts),
        *_expiring_accounts(facts, now),
    )
    unknown = tuple(map(str, facts.unknown))
    if facts.live is not False or facts.is_starting:
        return Readiness(tuple(it._replace(blocks=False) for it in problems), unknown)
    ready = not any(it.blocks for it in problems)
    is_undecided = ready and not facts.enabled
    return Readiness(problems, (*unknown, _MAY_GO_LIVE), None if is_undecided else ready)


def go_live_warnings(facts: Facts) -> Iterator[Finding]:
    """Problems that a person should know before they agree to a go-live."""
    yield from _missing_destinations(facts)
    yield from _missing_sources(facts)
    yield from _troubled_accounts(facts)


def _switched_off_writes(facts: Facts) -> Iterator[Finding]:
    if facts.writes_are_off:
        limits = ": the broadcast can be neither changed nor ended here" if facts.live else ""
        what = Sentence(f"This TRaX deployment has writes switched off{limits}.")
        yield Finding(what, "Wait until `writeEnabled` in get_health is true.", blocks=True)


def _missing_destinations(facts: Facts) -> Iterator[Finding]:
    if facts.destinations.is_whole and not facts.enabled:
        verb = "may be receiving" if facts.live else "would receive"
        what = Sentence(f"No destination is enabled: nobody {verb} the stream.")
        yield Finding(what, "Enable one with update_destination, or add one.", blocks=True)


def _missing_sources(facts: Facts) -> Iterator[Finding]:
    if facts.sources.is_whole and not facts.active:
        what = Sentence("No source is active: viewers may see nothing.")
        yield Finding(what, "Activate one with update_source, or add one.")


def _troubled_accounts(facts: Facts) -> Iterator[Finding]:
    """Destinations do not name their account, so each of its platform may fail."""
    platforms = {it.platform for it in facts.enabled}
    troubled = [
        it
        for it in facts.connections.value or ()
        if it.status != "active" and it.platform in platforms
    ]
    for account in troubled[:MAX_NAMED]:
        reached = [it for it in facts.enabled if it.platform == account.platform]
        # TRaX promises no order, and consent is to the same sentence each time.
        named = sorted(reached, key=lambda it: (it.name, it.id))[:MAX_NAMED]
        names = [naming.quoted(it.name) for it in named]
        if further := len(reached) - len(named):
            names.append(f"{further:,} more")
        platform, name = naming.platform(account.platform), naming.connection(account)
        what = Sentence(
            f"The {platform} account {name} is {naming.word(account.status)}:"
            f" {naming.listed(names)} may fail.",
            ids=(account.id, *(it.id for it in named)),
        )
        yield Finding(what, f"The person signs in to {platform} again, on TRaX.")
    if (further := len(troubled) - MAX_NAMED) > 0:
        what = Sentence(f"{further:,} more accounts are not active: their destinations may fail.")
        yield Finding(what, "The person signs in to all of them again, on TRaX.")


def _expiring_accounts(facts: Facts, now: datetime) -> Iterator[Finding]:
    """Accounts in use that TRaX calls active, and that expire soon or should have."""
    platforms = {it.platform for it in facts.enabled}
    expiring = [
        (account, expires)
        for account in facts.connections.value or ()
        if account.status == "active" and account.platform in platforms
        if (expires := times.parse(account.expires_at)) and expires <= now + _EXPIRES_SOON
    ]
    for account, expires in expiring[:MAX_NAMED]:
        platform = naming.platform(account.platform)
        at = times.at(expires, now, in_seconds=False)
        when = f"expires at {at}" if expires > now else f"was to expire at {at}, but is active"
        what = sentence("The {} account {} {}.", platform, naming.connection(account), when)
        yield Finding(what, f"To be sure, the person signs in to {platform} again, on TRaX.")
    if (further := len(expiring) - MAX_NAMED) > 0:
        what = Sentence(f"{further:,} more accounts expire within 24 hours.")
        yield Finding(what, "To be sure, the person signs in to them again, on TRaX.")
