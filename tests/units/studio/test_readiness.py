"""What is wrong with a studio, and whether it could go live, from given facts. Pure.

The tests of what is shown are about the same findings as warnings before a go-live.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from tests.units.studio_facts import (
    EVERYTHING,
    LIVE,
    UNCLEAR,
    account,
    but,
    destination,
    known,
    linked,
    showing,
    source,
    to,
    unread,
)
from trax_mcp.api.models import Health
from trax_mcp.studio.facts import Facts, Read
from trax_mcp.studio.readiness import Readiness, judge_readiness

if TYPE_CHECKING:
    from trax_mcp.api.models import Destination

NOW: Final = datetime(2026, 6, 5, 20, 0, 0, tzinfo=UTC)
NOT_HERE: Final = (
    "Changes are turned off on this TRaX deployment, so the show can't be changed or ended here."
)
MAY_GO_LIVE: Final = "whether this API key may go live (TRaX only shows that when you try)"
WHICH_ACCOUNT: Final = "which account each destination uses (TRaX doesn't say)"

NO_WRITES: Final = Health.model_validate({"status": "ok", "writeEnabled": False})
MAIN: Final = destination("dest_1", "Main", "youtube")
OFF: Final = destination("dest_1", "Main", "youtube", enabled=False)
HIDDEN: Final = source("source_1", "Camera", active=False)


def first(*places: Destination) -> Facts:
    """Facts in which more destinations may be further on."""
    return but(destinations=Read(places, "only the first 1 were read"))


READY: Final[dict[str, tuple[Facts, bool | None]]] = {
    "all is well": (EVERYTHING, True),
    "the writes are off": (but(health=NO_WRITES), False),
    "the write gate is unknown": (but(health=None), True),
    "no destination is enabled": (to(OFF), False),
    "there is no destination": (to(), False),
    "the destinations are unknown": (but(destinations=None), None),
    "an enabled destination may be further on": (first(OFF), None),
    "one is enabled, more are further on": (first(MAIN), True),
    "no writes, unknown destinations": (but(health=NO_WRITES, destinations=None), False),
    "no source is active": (showing(HIDDEN), True),
    "the accounts are unknown": (but(connections=None), True),
    "an account is revoked": (linked(account("c", "R", "youtube", "revoked")), True),
    "it is on air": (LIVE, None),
    "it is on air and the writes are off": (known(LIVE, health=NO_WRITES), None),
    "it is unknown whether it is on air": (UNCLEAR, None),
    "that is unknown and nothing is enabled": (known(UNCLEAR, destinations=(OFF,)), None),
}


def test_a_studio_is_ready_only_if_it_is_certainly_off_air_and_nothing_blocks() -> None:
    judged = {case: judge_readiness(facts, now=NOW).ready for case, (facts, _) in READY.items()}
    assert judged == {case: ready for case, (_, ready) in READY.items()}


def test_a_studio_that_is_starting_is_neither_ready_nor_blocked() -> None:
    """Its go-live was sent: whatever was in the way did not stop it."""
    judged = judge_readiness(but(health=NO_WRITES, destinations=(), starting=True), now=NOW)
    assert judged.ready is None
    assert [it.blocks for it in judged.problems] == [False, False]
    assert judged.unknown == ()


Problem = tuple[str, str, bool]

GATE: Final = "Wait until `writeEnabled` in get_health is true."
ENABLE: Final = "Turn one on with update_destination, or add one."
ADD: Final = "Add one with create_destination."
ADD_SOURCE: Final = "Add one with create_source."
ACTIVATE: Final = "Turn one on with update_source, or add one."
SIGN_IN_AGAIN: Final = "To be safe, sign in to YouTube again on TRaX."
NO_SIGN_IN: Final = "has expired and needs a new sign-in on TRaX."

PROBLEMS: Final[dict[str, tuple[Facts, *tuple[Problem, ...]]]] = {
    "all is well": (EVERYTHING,),
    "all is well on air": (LIVE,),
    "the writes are off": (
        but(health=NO_WRITES), ("Changes are turned off on this TRaX deployment.", GATE, True),
    ),
    "the writes are off on air": (known(LIVE, health=NO_WRITES), (NOT_HERE, GATE, False)),
    "no destination is enabled": (
        to(OFF), ("All destinations are off, so nobody would see the show.", ENABLE, True),
    ),
    "no destination is enabled on air": (
        known(LIVE, destinations=(OFF,)),
        ("All destinations are off, so nobody may see the show.", ENABLE, False),
    ),
    "there is no destination": (
        to(), ("There are no destinations, so nobody would see the show.", ADD, True),
    ),
    "there is no destination on air": (
        known(LIVE, destinations=()),
        ("There are no destinations, so nobody may see the show.", ADD, False),
    ),
    "there is no source": (
        showing(), ("There are no sources, so viewers may see nothing.", ADD_SOURCE, False),
    ),
    "no source is active": (
        showing(HIDDEN), ("All sources are off, so viewers may see nothing.", ACTIVATE, False),
    ),
    "an account has expired": (
        linked(account("conn_2", "robin_x", "twitch", "expired")),
        (
            f'Twitch may fail: the account "robin_x" {NO_SIGN_IN}',
            "Sign in to Twitch again on TRaX.",
            False,
        ),
    ),
    "an account that no enabled destination can use has expired": (
        linked(account("conn_3", "R", "kick", "expired")),
    ),
}  # fmt: skip


def problems_of(judged: Readiness) -> list[Problem]:
    return [(it.what.text, it.remedy, it.blocks) for it in judged.problems]


def test_each_problem_has_a_remedy_and_blocks_only_off_air() -> None:
    """What is wrong now is said on air too, in words that fit."""
    for case, (facts, *problems) in PROBLEMS.items():
        assert problems_of(judge_readiness(facts, now=NOW)) == problems, case


EXPIRING: Final[dict[str | None, str | None]] = {
    None: None,
    "": None,
    "soon": None,
    "2026-06-06T20:00:01Z": None,
    "2026-06-06T20:00:00Z": "expires in 24 hours (at 2026-06-06 20:00 UTC)",
    "2026-06-05T23:30:00+02:00": "expires in 1 hour 30 minutes (at 21:30 UTC)",
    "2026-06-05T20:00:00Z": (
        "should have expired less than a minute ago (at 20:00 UTC), but TRaX still calls it active"
    ),
    "2026-06-04T20:00:00Z": (
        "should have expired 24 hours ago (at 2026-06-04 20:00 UTC), but TRaX still calls it active"
    ),
}


def test_an_account_that_expires_within_a_day_is_mentioned() -> None:
    """It blocks nothing: TRaX does not say whether it renews accounts by itself."""
    for time, what in EXPIRING.items():
        facts = linked(account("conn_1", "Robin", "youtube", expires=time))
        judged = judge_readiness(facts, now=NOW)
        told = [(f'The YouTube account "Robin" {what}.', SIGN_IN_AGAIN, False)] if what else []
        assert (problems_of(judged), judged.ready) == (told, True), time


def soon(count: int, platform: str, status: str = "active") -> Facts:
    expires = (NOW + timedelta(hours=1)).isoformat()
    accounts = (account(f"c{it}", f"R{it}", platform, status, expires) for it in range(count))
    return linked(*accounts)


def told_of(facts: Facts) -> list[str]:
    return [it.what.text for it in judge_readiness(facts, now=NOW).problems]


def test_an_account_is_mentioned_once_whatever_is_wrong_with_it() -> None:
    """A revoked account cannot expire, and an account of an unused platform does not matter."""
    assert told_of(soon(1, "youtube", "revoked")) == [
        'YouTube may fail: the account "R0" was revoked and needs a new sign-in on TRaX.'
    ]
    assert told_of(soon(1, "kick")) == []


def test_many_accounts_are_counted_and_not_all_named() -> None:
    for facts, rest in (
        (soon(12, "youtube"), "2 more accounts expire within 24 hours."),
        (
            soon(14, "youtube", "expired"),
            "4 more accounts aren't active, so their platforms may fail.",
        ),
    ):
        told = told_of(facts)
        assert (len(told), told[-1]) == (11, rest)


def test_unknown_facts_are_listed_and_off_air_the_one_that_only_a_go_live_shows() -> None:
    unknown = unread("the key lacks sources:read")
    listed = "the sources (the key lacks sources:read)"
    assert judge_readiness(but(sources=unknown), now=NOW).unknown == (listed, MAY_GO_LIVE)
    assert judge_readiness(known(LIVE, sources=unknown), now=NOW).unknown == (listed,)


TROUBLE: Final = {
    "needs_reauth": "needs a new sign-in on TRaX",
    "expired": "has expired and needs a new sign-in on TRaX",
    "revoked": "was revoked and needs a new sign-in on TRaX",
    "on_hold": "has the status on_hold",
    'ok". All is well': r'has the status "ok\u0022. All is well"',
}


def test_an_account_in_trouble_says_what_it_needs() -> None:
    for status, trouble in TROUBLE.items():
        facts = linked(account("c", "R", "youtube", status))
        assert told_of(facts) == [f'YouTube may fail: the account "R" {trouble}.'], status


def test_which_account_a_destination_uses_is_unknown_where_one_is_in_trouble() -> None:
    """TRaX does not tell it. Where all is well nobody asks."""
    for facts in (soon(3, "youtube"), soon(3, "youtube", "revoked")):
        assert judge_readiness(facts, now=NOW).unknown == (WHICH_ACCOUNT, MAY_GO_LIVE)
    assert judge_readiness(EVERYTHING, now=NOW).unknown == (MAY_GO_LIVE,)
