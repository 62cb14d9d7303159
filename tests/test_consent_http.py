"""Consent over HTTP, on a real socket, with the SDK's own clients: what reaches TRaX.

Breadth is proven in memory; here is what the wire could spoil.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import pytest
from mcp.shared.exceptions import MCPError

from tests.acts import AUTO_GO_LIVE, DELETE_DESTINATION, GO_LIVE
from tests.consent import audited, restore, told
from tests.meanwhile import Paused, acted, afterwards, all_at_once, gives_up
from tests.person import Told, agreeing
from tests.walks import heard
from tests.ways import take, ways
from tests.wires import over_http

if TYPE_CHECKING:
    from pathlib import Path

USED: Final = ("confirmation_invalid", "used")
ACTS: Final = (GO_LIVE, DELETE_DESTINATION, AUTO_GO_LIVE)


async def test_without_consent_nothing_is_sent(era: str) -> None:
    """By no way at all; and each caller is told why, unless they are gone."""
    async with over_http(era) as (desk, _):
        for act in ACTS:
            for way, it in ways(era, act).items():
                came = await take(desk, act, it)
                assert (act.tool, way, came) == (act.tool, way, it.told)
                assert (act.tool, way, desk.sent) == (act.tool, way, [])


async def test_with_consent_it_is_sent_once(era: str) -> None:
    """By a confirmation, and by a form."""
    async with over_http(era) as (desk, _):
        desk.person.will(agreeing)
        for act in ACTS:
            for way in (desk.confirmed, lambda act: desk.call(act, desk.asking)):
                restore(desk.trax)
                before = len(desk.sent)
                assert told(await way(act)) == ("ran", None)
                assert desk.sent[before:] == [act.sent]


async def test_a_confirmation_is_good_for_once(era: str) -> None:
    """Of several uses at once one is sent, and no later one."""
    async with over_http(era) as (desk, _):
        for act in ACTS:
            restore(desk.trax)
            before, confirmation = len(desk.sent), await desk.confirmation(act)
            use = partial(desk.call, act, confirm=True, confirmation=confirmation)
            results = await all_at_once(desk, act, [use] * 4)
            assert results == [("ran", None), *[USED] * 3]
            assert told(await use()) == USED
            assert desk.sent[before:] == [act.sent]


@pytest.mark.parametrize("agreed", ["a confirmation", "a form"])
async def test_a_client_that_gives_up_after_the_yes_undoes_nothing(
    era: str, agreed: str, tmp_path: Path
) -> None:
    """By its notification, or in the later era by hanging up: the outcome is written down."""
    async with over_http(era, audit=tmp_path / "audit") as (desk, _):
        desk.person.will(agreeing)
        for act in ACTS:
            held, before = Paused(), len(desk.sent)
            restore(desk.trax)
            call = partial(desk.call, act, desk.asking)
            if agreed == "a confirmation":
                confirmation = await desk.confirmation(act)
                call = partial(desk.call, act, confirm=True, confirmation=confirmation)
            desk.trax.faults.add(held.fault, method=act.sent.partition(" ")[0])
            await gives_up(call, held, seen=partial(heard, desk.plain))
            await acted(desk.house)
            assert desk.sent[before:] == [act.sent]
            last = audited(tmp_path / "audit")[-1]
            assert (last["event"], last["operation"]) == ("sent", act.tool)
            assert last["outcome"] == "applied"
            assert last["requestId"] == desk.trax.mutations[-1].request_id


async def test_a_client_whose_time_is_up_after_the_yes_undoes_nothing(
    era: str, tmp_path: Path
) -> None:
    """The SDK's client gives up by itself, a second after it began."""
    held = Paused()
    async with over_http(era, audit=tmp_path / "audit") as (desk, _):
        evidence = {"confirm": True, "confirmation": await desk.confirmation(GO_LIVE)}
        desk.trax.faults.add(held.fault, method="POST")
        with pytest.raises(MCPError, match=r"(?i)timed out"):
            await desk.plain.call_tool(
                "go_live", {**GO_LIVE.arguments, **evidence}, read_timeout_seconds=1
            )
        await heard(desk.plain)
        held.release()
        await acted(desk.house)
        assert desk.sent == [GO_LIVE.sent]
    last = audited(tmp_path / "audit")[-1]
    assert (last["event"], last["outcome"], last["observed"]) == ("sent", "applied", "on_air")


async def test_a_client_that_gives_up_while_it_is_watched_holds_nothing_up(
    era: str, tmp_path: Path
) -> None:
    """It asked to be told about progress, and takes none of it any more."""
    held, progress = Paused(), Told()
    async with over_http(era, audit=tmp_path / "audit") as (desk, _):
        evidence = {"confirm": True, "confirmation": await desk.confirmation(GO_LIVE)}
        watching = partial(desk.trax.faults.add, held.fault, path="*/stream-status")
        desk.trax.faults.add(afterwards(watching), method="POST")
        call = partial(
            desk.plain.call_tool,
            "go_live",
            {**GO_LIVE.arguments, **evidence},
            progress_callback=progress,
        )
        await gives_up(call, held, seen=partial(heard, desk.plain))
        await acted(desk.house)
    last = audited(tmp_path / "audit")[-1]
    assert (last["event"], last["outcome"], last["observed"]) == ("sent", "applied", "on_air")
