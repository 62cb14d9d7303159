"""What is known of a studio, what is missing, and why. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.units.studio_facts import EVERYTHING, LIVE, NOW, READS, but, in_studio, known, unread
from trax_mcp.api.models import StreamStatus
from trax_mcp.api.reads import GetStreamStatus, ListDestinations, ListSources
from trax_mcp.studio.facts import WORDS, Facts, Read
from trax_mcp.studio.readiness import judge_readiness

CUT: Final = replace(EVERYTHING[ListDestinations], missing="only the first 3 were read")


def test_a_fact_is_whole_only_if_all_of_it_was_read() -> None:
    reads = (Read[int](), unread("no answer"), CUT, EVERYTHING[ListDestinations])
    assert [it.is_whole for it in reads] == [False, False, False, True]


def test_what_is_missing_is_named_once_in_the_order_of_the_facts() -> None:
    """A list that was cut lacks further items. What lacks in several studios is told once."""
    scope = unread("the key lacks stream:read")
    here, there = (in_studio("A", it, None).having(GetStreamStatus, scope) for it in ("s1", "s2"))
    facts = but(health=unread("no answer"), destinations=CUT, per_studio=(here, there))
    assert [*map(str, facts.unknown)] == [
        "other destinations (only the first 3 were read)",
        "whether TRaX accepts changes (no answer)",
        "whether the studio is live (the key lacks stream:read)",
    ]


def test_facts_are_completed_by_those_that_they_lack() -> None:
    """What was read later counts, and a reason is kept where nobody knows better."""
    later = known(status=LIVE[GetStreamStatus].value, sources=unread("no answer"))
    both = later.completed_by(EVERYTHING)
    assert (both.live, both[ListSources]) == (True, EVERYTHING[ListSources])
    assert later.completed_by(Facts())[ListSources] == unread("no answer")


def test_a_status_that_contradicts_itself_says_nothing() -> None:
    """TRaX's own site may have started a stream that is not called live."""
    status = StreamStatus.model_validate({"live": False, "liveStartedAt": "2026-06-05T18:00:03Z"})
    assert known(status=status).live is None
    assert judge_readiness(but(status=status), now=NOW).ready is None


def test_each_fact_has_a_place_and_words() -> None:
    assert {*READS.values()} == {*WORDS}
    assert all(WORDS.values())
