"""The problems of a studio, and whether it could go live. Pure.

The same findings warn a person before they agree to a go-live.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from trax_mcp.api.models import Connection
from trax_mcp.api.reads import (
    GetHealth,
    GetStreamStatus,
    GetStudio,
    ListConnections,
    ListDestinations,
    ListSources,
)
from trax_mcp.studio import naming, times
from trax_mcp.studio.facts import Facts
from trax_mcp.studio.naming import Looks, Name, Sentence, say, sentence

READINESS_READS: Final = (
    GetStudio,
    GetStreamStatus,
    ListDestinations,
    ListSources,
    ListConnections,
    GetHealth,
)
"""Everything that a go-live depends on."""
MAX_NAMED: Final = 10
"""The most accounts that are named for one reason."""

_EXPIRES_SOON: Final = timedelta(hours=24)
_SWITCH_ON: Final = "Turn one on here, or ask your assistant to add one."
_ADD: Final = "Ask your assistant to add one."
_MAY_GO_LIVE: Final = "whether this API key may go live (TRaX only shows that when you try)"
_WHICH_ACCOUNT: Final = "which account each destination uses (TRaX doesn't say)"
_SIGN_IN_NEEDED: Final[Mapping[str, str]] = {
    "needs_reauth": "needs a new sign-in on TRaX",
    "expired": "has expired and needs a new sign-in on TRaX",
    "revoked": "was revoked and needs a new sign-in on TRaX",
}
"""What an account's status means (source: the contract, `Connection.status`)."""


class Finding(NamedTuple):
    """A problem, and what to do about it. `blocks`: it prevents a go-live.

    `remedy_here` is the remedy for a person, where it names a tool. Where `what` has a duration,
    `lasting` says the same without one, and `at` is its time.
    """

    what: Sentence
    remedy: str
    blocks: bool = False
    remedy_here: str = ""
    lasting: Sentence | None = None
    at: str | None = None


class Readiness(NamedTuple):
    """The problems of a studio and its unknown facts.

    `ready`: whether it could go live. None if that is unknown, or if it is or may be on air.
    """

    problems: tuple[Finding, ...]
    unknown: tuple[str, ...]
    ready: bool | None = None


def judge_readiness(facts: Facts, *, now: datetime) -> Readiness:
    """Judge the facts. The most important problem comes first."""
    of_accounts = (*_troubled_accounts(facts), *_expiring_accounts(facts, now))
    problems = (
        *_switched_off_writes(facts),
        *_missing_destinations(facts),
        *_missing_sources(facts),
        *of_accounts,
    )
    unknown = (*map(str, facts.unknown), *([_WHICH_ACCOUNT] if of_accounts else []))
    if facts.live is not False or facts.is_starting:
        return Readiness(tuple(it._replace(blocks=False) for it in problems), unknown)
    ready = not any(it.blocks for it in problems)
    # Where the studio cannot be read, go_live is refused, unless a scope is all that is missing.
    is_refused = facts[GetStudio].value is None and not facts[GetStudio].is_forbidden
    is_undecided = ready and (is_refused or not facts.enabled)
    return Readiness(problems, (*unknown, _MAY_GO_LIVE), None if is_undecided else ready)


def go_live_warnings(facts: Facts) -> Iterator[Finding]:
    """Problems that a person should know before they agree to a go-live."""
    yield from _missing_destinations(facts)
    yield from _missing_sources(facts)
    yield from _troubled_accounts(facts)


def _switched_off_writes(facts: Facts) -> Iterator[Finding]:
    if facts.writes_are_off:
        limits = ", so the show can't be changed or ended here" if facts.live else ""
        what = say(f"Changes are turned off on this TRaX deployment{limits}.")
        remedy = "Wait until `writeEnabled` in get_health is true."
        yield Finding(
            what, remedy, blocks=True, remedy_here="Wait until TRaX accepts changes again."
        )


def _missing_destinations(facts: Facts) -> Iterator[Finding]:
    if facts.all_reach_is_known and not facts.enabled:
        nobody = "nobody may see the show" if facts.live else "nobody would see the show"
        if facts[ListDestinations].value:
            what = say(f"All destinations are off, so {nobody}.")
            remedy = "Turn one on with update_destination, or add one."
            yield Finding(what, remedy, blocks=True, remedy_here=_SWITCH_ON)
        else:
            what = say(f"There are no destinations, so {nobody}.")
            yield Finding(what, "Add one with create_destination.", blocks=True, remedy_here=_ADD)


def _missing_sources(facts: Facts) -> Iterator[Finding]:
    if facts[ListSources].is_whole and not facts.active:
        if facts[ListSources].value:
            what = say("All sources are off, so viewers may see nothing.")
            remedy = "Turn one on with update_source, or add one."
            yield Finding(what, remedy, remedy_here=_SWITCH_ON)
        else:
            what = say("There are no sources, so viewers may see nothing.")
            yield Finding(what, "Add one with create_source.", remedy_here=_ADD)


def _troubled_accounts(facts: Facts) -> Iterator[Finding]:
    """TRaX does not tell which account a destination uses, so all of its platform may fail."""
    platforms = _platforms(facts)
    troubled = [
        it
        for it in facts[ListConnections].value or ()
        if it.status != "active" and it.platform in platforms
    ]
    looks = _looks(troubled[:MAX_NAMED], facts)
    for account in troubled[:MAX_NAMED]:
        platform, name = naming.platform(account.platform), _account(account, looks)
        trouble = "has a status that can't be read"
        if account.status is not None:
            other = f"has the status {naming.word(account.status)}"
            trouble = _SIGN_IN_NEEDED.get(account.status, other)
        what = sentence("{} may fail: the account {} {}.", platform, name, trouble)
        yield Finding(what, f"Sign in to {platform} again on TRaX.")
    if (further := len(troubled) - MAX_NAMED) > 0:
        what = say(f"{further:,} more accounts aren't active, so their platforms may fail.")
        yield Finding(what, "Sign in to all of them again on TRaX.")


def _platforms(facts: Facts) -> set[str | None]:
    """The platforms of the destinations that are or may be on."""
    return {it.platform for it in (*facts.enabled, *facts.perhaps_enabled)}


def _looks(named: Iterable[Connection], facts: Facts) -> Mapping[str | None, Looks]:
    """How the names of all accounts look, by the platforms of these."""
    accounts = facts[ListConnections].value or ()
    return {
        platform: Looks(
            {it.id: it.display_name for it in accounts if it.platform == platform},
            longest=naming.SHOWN_NAME,
        )
        for platform in {it.platform for it in named}
    }


def _account(account: Connection, looks: Mapping[str | None, Looks]) -> Name:
    """An account by name, and by its id if another one of its platform looks the same."""
    return naming.connection(account, among=looks[account.platform])


def _expiring_accounts(facts: Facts, now: datetime) -> Iterator[Finding]:
    """Accounts in use that TRaX calls active, and that expire soon or should have."""
    platforms = _platforms(facts)
    expiring = [
        (account, expires)
        for account in facts[ListConnections].value or ()
        if account.status == "active" and account.platform in platforms
        if (expires := times.parse(account.expires_at)) and expires <= now + _EXPIRES_SOON
    ]
    looks = _looks([account for account, _ in expiring[:MAX_NAMED]], facts)
    for account, expires in expiring[:MAX_NAMED]:
        platform, name = naming.platform(account.platform), _account(account, looks)
        what = sentence("The {} account {} {}.", platform, name, _expiry(expires, now))
        has_expired = "should have expired, but TRaX still calls it active"
        state = "expires soon" if expires > now else has_expired
        yield Finding(
            what,
            f"To be safe, sign in to {platform} again on TRaX.",
            lasting=sentence("The {} account {} {}.", platform, name, state),
            at=account.expires_at,
        )
    if (further := len(expiring) - MAX_NAMED) > 0:
        what = say(f"{further:,} more accounts expire within 24 hours.")
        yield Finding(what, "To be safe, sign in to them again on TRaX.")


def _expiry(expires: datetime, now: datetime) -> str:
    """The verb of a sentence: "expires in 2 hours (at 20:00 UTC)"."""
    length, at = times.duration(abs(expires - now)), times.at(expires, now, in_seconds=False)
    if expires > now:
        return f"expires in {length} (at {at})"
    return f"should have expired {length} ago (at {at}), but TRaX still calls it active"
