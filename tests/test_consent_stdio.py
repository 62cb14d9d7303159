"""Consent over stdio, with real processes of `trax-mcp`: what reaches a TRaX on a port.

Breadth is proven in memory; here is what pipes and processes could spoil.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

from tests.acts import AUTO_GO_LIVE, DELETE_DESTINATION, GO_LIVE
from tests.consent import audited, peopled, restore, told
from tests.meanwhile import Paused, afterwards, all_at_once, gives_up
from tests.person import Person, agreeing
from tests.ports import listening
from tests.ways import LATE, take, ways
from tests.wires import over_stdio, process

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acts import Act

USED: Final = ("confirmation_invalid", "used")
ACTS: Final = (GO_LIVE, DELETE_DESTINATION, AUTO_GO_LIVE)
ELSEWHERE: Final = ("a question's handle for a confirmation", "a confirmation for a handle")
"""Handles of one process that another is given, which has never issued them."""


async def test_without_consent_nothing_is_sent(era: str) -> None:
    """By no way at all; what one process has shown, another does not know."""
    async with over_stdio(era) as desk:
        for act in ACTS:
            for way, it in ways(era, act).items():
                if way not in LATE:
                    came = await take(desk, act, it)
                    expected = ("confirmation_invalid", "expired") if way in ELSEWHERE else it.told
                    assert (act.tool, way, came) == (act.tool, way, expected)
                    assert (act.tool, way, desk.sent) == (act.tool, way, [])


async def test_after_five_minutes_nothing_is_sent(era: str) -> None:
    """In a process where they pass at once."""
    async with over_stdio(era, program="tests.hurried_server") as desk:
        for act in ACTS:
            for way, it in ways(era, act).items():
                if way in LATE:
                    came = await take(desk, act, it)
                    assert (act.tool, way, came) == (act.tool, way, it.told)
                    assert (act.tool, way, desk.sent) == (act.tool, way, [])


async def test_with_consent_it_is_sent_once(era: str) -> None:
    """By a confirmation, and by a form; the studio is on air when it is first looked at."""
    async with over_stdio(era) as desk:
        desk.person.will(agreeing)
        for act in ACTS:
            for way in (desk.confirmed, lambda act: desk.call(act, desk.asking)):
                restore(desk.trax)
                passing = afterwards(partial(desk.trax.clock.advance, 60))
                desk.trax.faults.add(passing, method="POST")
                before = len(desk.sent)
                assert told(await way(act)) == ("ran", None)
                assert desk.sent[before:] == [act.sent]


async def test_a_confirmation_is_good_for_once(era: str) -> None:
    """Of several uses at once one is sent, and no later one."""
    async with over_stdio(era) as desk:
        for act in ACTS:
            restore(desk.trax)
            before, confirmation = len(desk.sent), await desk.confirmation(act)
            use = partial(desk.call, act, confirm=True, confirmation=confirmation)
            on_air = partial(desk.trax.clock.advance, 60)
            results = await all_at_once(desk, act, [use] * 4, then=on_air)
            assert results == [("ran", None), *[USED] * 3]
            assert told(await use()) == USED
            assert desk.sent[before:] == [act.sent]


@pytest.mark.parametrize("act", [GO_LIVE, DELETE_DESTINATION], ids=lambda it: str(it.tool))
async def test_a_client_that_gives_up_after_the_yes_undoes_nothing(
    era: str, act: Act, tmp_path: Path
) -> None:
    """It says so and hangs up; the process ends when the outcome is written down."""
    trax, person = peopled(), Person()
    held = Paused(then=partial(trax.clock.advance, 60))
    trax.faults.add(held.fault, method=act.sent.partition(" ")[0])
    person.will(agreeing)
    async with (
        listening(trax.app) as address,
        process(era, address, person, audit=tmp_path / "audit") as client,
    ):
        call = partial(client.call_tool, act.tool, act.arguments)
        await gives_up(call, held, seen=client.list_tools)
    assert [f"{it.method} {it.path}" for it in trax.mutations] == [act.sent]
    last = audited(tmp_path / "audit")[-1]
    assert (last["event"], last["operation"], last["outcome"]) == ("sent", act.tool, "applied")
    assert last["requestId"] == trax.mutations[0].request_id
