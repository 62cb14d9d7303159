"""What is wrong with a studio, and whether it could go live, from given facts. Pure.

`test_plans` is about the same findings as warnings before a go-live.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.studio_facts import EVERYTHING, LIVE, UNCLEAR, account, but, destination, source
from trax_mcp.api.models import Health
from trax_mcp.studio.facts import Fact, Facts, Unknown
from trax_mcp.studio.readiness import MAX_EXPIRING, Readiness, judge_readiness

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW: Final = datetime(2026, 6, 5, 20, 0, 0, tzinfo=UTC)
NOT_HERE: Final = (
    "This TRaX deployment has writes switched off: the broadcast can be neither changed nor ended"
    " here."
)
MAY_GO_LIVE: Final = "whether this key may go live (only going live shows that)"

NO_WRITES: Final = Health.model_validate({"status": "ok", "writeEnabled": False})
MAIN: Final = destination("dest_1", "Main", "youtube")
OFF: Final = destination("dest_1", "Main", "youtube", enabled=False)
HIDDEN: Final = source("source_1", "Camera", active=False)

READY: Final[dict[str, tuple[Facts, bool | None]]] = {
    "all is well": (EVERYTHING, True),
    "the writes are off": (but(health=NO_WRITES), False),
    "the write gate is unknown": (but(health=None), True),
    "no destination is enabled": (but(destinations=(OFF,)), False),
    "there is no destination": (but(destinations=()), False),
    "the destinations are unknown": (but(destinations=None), None),
    "an enabled destination may be further on": (
        but(destinations=(OFF,), partial=frozenset({Fact.DESTINATIONS})),
        None,
    ),
    "one is enabled, more are further on": (
        but(destinations=(MAIN,), partial=frozenset({Fact.DESTINATIONS})),
        True,
    ),
    "the writes are off and the destinations unknown": (
        but(health=NO_WRITES, destinations=None),
        False,
    ),
    "no source is active": (but(sources=(HIDDEN,)), True),
    "the accounts are unknown": (but(connections=None), True),
    "an account is revoked": (but(connections=(account("c", "R", "youtube", "revoked"),)), True),
    "it is on air": (LIVE, None),
    "it is on air and the writes are off": (replace(LIVE, health=NO_WRITES), None),
    "it is unknown whether it is on air": (UNCLEAR, None),
    "that is unknown and nothing is enabled": (replace(UNCLEAR, destinations=(OFF,)), None),
}


@pytest.mark.parametrize("case", READY)
def test_a_studio_is_ready_only_if_it_is_certainly_off_air_and_nothing_blocks(case: str) -> None:
    """None where that is not known, or where it is on air."""
    facts, ready = READY[case]
    assert judge_readiness(facts, now=NOW).ready is ready


def test_a_studio_that_is_starting_is_neither_ready_nor_blocked() -> None:
    """Its go-live was sent: whatever was in the way did not stop it."""
    judged = judge_readiness(but(health=NO_WRITES, destinations=()), now=NOW, is_starting=True)
    assert judged.ready is None
    assert [it.blocks for it in judged.problems] == [False, False]
    assert judged.unknown == ()


PROBLEMS: Final[dict[str, tuple[Facts, list[tuple[str, str, bool]]]]] = {
    "all is well": (EVERYTHING, []),
    "all is well on air": (LIVE, []),
    "the writes are off": (
        but(health=NO_WRITES),
        [
            (
                "This TRaX deployment has writes switched off.",
                "Wait until `writeEnabled` in get_health is true.",
                True,
            )
        ],
    ),
    "the writes are off on air": (
        replace(LIVE, health=NO_WRITES),
        [
            (
                NOT_HERE,
                "Wait until `writeEnabled` in get_health is true.",
                False,
            )
        ],
    ),
    "no destination is enabled": (
        but(destinations=(OFF,)),
        [
            (
                "No destination is enabled: nobody would receive the stream.",
                "Enable one with update_destination, or add one.",
                True,
            )
        ],
    ),
    "no destination is enabled on air": (
        replace(LIVE, destinations=(OFF,)),
        [
            (
                "No destination is enabled: nobody may be receiving the stream.",
                "Enable one with update_destination, or add one.",
                False,
            )
        ],
    ),
    "no source is active": (
        but(sources=(HIDDEN,)),
        [
            (
                "No source is active: viewers may see nothing.",
                "Activate one with update_source, or add one.",
                False,
            )
        ],
    ),
    "an account has expired": (
        but(connections=(account("conn_2", "robin_x", "twitch", "expired"),)),
        [
            (
                'The Twitch account "robin_x" is expired: "Late crowd" (Twitch) may fail.',
                "The person signs in to Twitch again, on TRaX.",
                False,
            )
        ],
    ),
    "an account that no enabled destination can use has expired": (
        but(connections=(account("conn_3", "R", "kick", "expired"),)),
        [],
    ),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_each_problem_has_a_remedy_and_blocks_only_off_air(case: str) -> None:
    """What is wrong now is said on air too, in words that fit."""
    facts, problems = PROBLEMS[case]
    judged = judge_readiness(facts, now=NOW)
    assert [(it.what.text, it.remedy, it.blocks) for it in judged.problems] == problems


EXPIRING: Final[dict[str | None, str | None]] = {
    None: None,
    "": None,
    "soon": None,
    "2026-06-06T20:00:01Z": None,
    "2026-06-06T20:00:00Z": "expires at 2026-06-06 20:00 UTC",
    "2026-06-05T23:30:00+02:00": "expires at 21:30 UTC",
    "2026-06-05T20:00:00Z": "was to expire at 20:00 UTC, but is active",
    "2026-06-04T20:00:00Z": "was to expire at 2026-06-04 20:00 UTC, but is active",
}


@pytest.mark.parametrize("time", EXPIRING)
def test_an_account_that_expires_within_a_day_is_mentioned(time: str | None) -> None:
    """It blocks nothing: TRaX does not say whether it renews accounts by itself."""
    facts = but(connections=(account("conn_1", "Robin", "youtube", expires=time),))
    judged = judge_readiness(facts, now=NOW)
    what = EXPIRING[time]
    assert [(it.what.text, it.remedy, it.blocks) for it in judged.problems] == (
        [
            (
                f'The YouTube account "Robin" {what}.',
                "To be sure, the person signs in to YouTube again, on TRaX.",
                False,
            )
        ]
        if what
        else []
    )
    assert judged.ready


def soon(count: int, platform: str, status: str = "active") -> Facts:
    """Facts with many accounts that expire in an hour."""
    expires = (NOW + timedelta(hours=1)).isoformat()
    accounts = (account(f"c{it}", f"R{it}", platform, status, expires) for it in range(count))
    return but(connections=tuple(accounts))


def what(judged: Readiness) -> Sequence[str]:
    """The problems, in words."""
    return [it.what.text for it in judged.problems]


def test_an_account_is_mentioned_once_whatever_is_wrong_with_it() -> None:
    """A revoked account cannot expire, and an account of an unused platform does not matter."""
    assert what(judge_readiness(soon(1, "youtube", "revoked"), now=NOW)) == [
        'The YouTube account "R0" is revoked: "Main" (YouTube) may fail.'
    ]
    assert what(judge_readiness(soon(1, "kick"), now=NOW)) == []


def test_many_accounts_are_counted_and_not_all_named() -> None:
    """Both those that expire soon and those that are in trouble."""
    told = what(judge_readiness(soon(MAX_EXPIRING + 2, "youtube"), now=NOW))
    assert len(told) == MAX_EXPIRING + 1
    assert told[-1] == "2 more accounts expire within 24 hours."
    told = what(judge_readiness(soon(7, "youtube", "expired"), now=NOW, max_troubles=3))
    assert len(told) == 4
    assert told[-1] == "4 more destinations of such accounts may fail."


def test_unknown_facts_are_listed_and_off_air_the_one_that_only_a_go_live_shows() -> None:
    """On air nobody asks whether the key may go live."""
    unknown = Unknown("the sources", "the key lacks sources:read")
    listed = "the sources (the key lacks sources:read)"
    assert judge_readiness(but(unknown=(unknown,)), now=NOW).unknown == (listed, MAY_GO_LIVE)
    assert judge_readiness(replace(LIVE, unknown=(unknown,)), now=NOW).unknown == (listed,)
