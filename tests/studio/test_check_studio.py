"""check_studio of one studio, or of all in one call, with few requests to TRaX.

`tests/units/studio/test_readiness` has each problem and its remedy. The snapshots have every word.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from tests.support.concurrency import MostAtOnce
from tests.support.fact_reads import (
    ACCOUNTS,
    HEALTH,
    PLACES,
    SOURCES,
    STATUS,
    STUDIO,
    STUDIOS,
    asked,
    enable_many,
    narrow,
)
from tests.support.long_lists import destination, long_list
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.product.virtual_time import in_virtual_time
from tests.support.studio_answers import sentences_and_data, shown
from tests.world.answers import error_in
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    import mcp_types as types
    from syrupy.assertion import SnapshotAssertion

    from tests.support.product.sandbox import Sandbox
    from tests.world.world import World

OWNED: Final = ["studio_42", "studio_51", "studio_43", "studio_60"]
"""The four studios of the sandbox, the one that was opened last first."""

NOT_ON_AIR: Final = Fault.status(200, {"live": False})


async def check(it: World, studio: str = "studio_42") -> types.CallToolResult:
    """Check one studio."""
    return await it[MINE].call("check_studio", studioId=studio)


async def check_all(it: World) -> types.CallToolResult:
    """Check all studios."""
    return await it[MINE].client.call_tool("check_studio", {})


def add_many(trax: Sandbox, count: int) -> None:
    """Add studios, each opened later than the one before it."""
    for number in range(count):
        which = f"studio_7{number:02}"
        trax.add_studio(f"Take {number:02}", record_id=which)
        trax.change(which, lastOpenedAt=trax.clock.now() + number)


# One studio


async def test_a_studio_off_air_says_that_it_could_go_live_and_what_is_switched_on(
    snapshot: SnapshotAssertion,
) -> None:
    """All in one call, with one request for each fact, all at the same time."""
    async with open_world(MINE) as it:
        most = MostAtOnce()
        it.trax.faults.add(most.fault, times=None)
        assert shown(await check(it)) == snapshot
    assert asked(it.trax) == dict.fromkeys((STUDIO, STATUS, PLACES, SOURCES, ACCOUNTS, HEALTH), 1)
    assert most.count == 6


async def test_a_studio_on_air_says_for_how_long_and_what_is_wrong_now(
    snapshot: SnapshotAssertion,
) -> None:
    """Never that it is on air on a platform, which TRaX does not tell, or whether it is ready."""
    async with open_world(MINE) as it:
        put_on_air(it.trax)
        put_on_air(it.trax, "studio_60")
        assert shown(await check(it)) == snapshot
        it.trax.write_enabled = False
        assert shown(await check(it, "studio_60")) == snapshot


async def test_a_studio_that_is_starting_is_not_called_ready(snapshot: SnapshotAssertion) -> None:
    """TRaX says off air, but this server has just sent a go-live."""
    async with open_world(MINE, TRAX_ASK="confirm_alone") as it:
        it.trax.faults.add(NOT_ON_AIR, times=None, path="*/stream-status")
        await it[MINE].call("go_live", confirm=True)
        assert shown(await check(it)) == snapshot
        it.hand_clock.advance(61)
        assert sentences_and_data(await check(it))[1]["studios"][0]["ready"]


async def test_a_blocked_studio_says_why_and_what_to_do(snapshot: SnapshotAssertion) -> None:
    """What blocks comes first, and is in the sentence."""
    async with open_world(MINE) as it:
        it.trax.write_enabled = False
        assert shown(await check(it, "studio_60")) == snapshot


async def test_the_status_words_of_trax_are_shown_as_they_are() -> None:
    """TRaX documents none, so no problem is made of one."""
    async with open_world(MINE) as it:
        for path, word in ((PLACES, "error"), (SOURCES, "disconnected")):
            worded = Fault.extra({"status": word})  # noqa: S610  no Django here
            it.trax.faults.add(worded, path=path)
        (studio,) = sentences_and_data(await check(it))[1]["studios"]
    assert {each["status"] for each in studio["destinations"]} == {"error"}
    assert {each["status"] for each in studio["sources"]} == {"disconnected"}
    assert (studio["ready"], studio["problems"]) == (True, [])


@pytest.mark.parametrize("scope", ["studios:read", "stream:read", "destinations:read"])
async def test_what_the_key_may_not_read_is_unknown(
    scope: str, snapshot: SnapshotAssertion
) -> None:
    """Without the status or the destinations nobody can say whether it could go live."""
    async with open_world() as it:
        caller = await it.caller(narrow(it.trax, scope))
        assert shown(await caller.call("check_studio", studioId="studio_42")) == snapshot


async def test_what_fails_is_unknown_and_of_nothing_the_call_fails(
    snapshot: SnapshotAssertion,
) -> None:
    """TRaX is not asked again for it."""
    async with open_world(MINE) as it:
        it.trax.faults.add(Fault.error(500, "internal"), times=None, path=SOURCES)
        assert shown(await check(it)) == snapshot
        it.trax.faults.add(Fault.error(500, "internal"), times=None)
        assert error_in(await check(it))["code"] == "internal"
        assert len(it.trax.requests) == 6 + 6


@pytest.mark.parametrize(
    ("key", "studio", "code"),
    [(MINE, "studio_99", "not_found"), ("sk_live_unknown", "studio_42", "invalid_key")],
)
async def test_a_wrong_id_or_key_is_a_failure(key: str, studio: str, code: str) -> None:
    """Although health, which needs no key, could be read."""
    async with open_world(key) as it:
        result = await it[key].call("check_studio", studioId=studio)
    assert error_in(result)["code"] == code


async def test_many_destinations_and_long_texts_are_cut() -> None:
    """Those that are switched on come first. All of them count. A model reads all of the data."""
    async with open_world(MINE) as it:
        enable_many(it.trax, 2_000)
        sentences, overview = sentences_and_data(await check(it))
        (studio,) = overview["studios"]
        assert " go live on YouTube, Twitch and " in sentences[0]
        assert len(studio["destinations"]) == 20
        assert all(each["enabled"] for each in studio["destinations"])
        assert studio["unknown"][0] == "other destinations (only the first 20 are shown)"
        assert len(json.dumps(studio)) < 3_000
        for path in (STUDIO, PLACES, SOURCES, ACCOUNTS):
            fields = dict.fromkeys(
                ("name", "platform", "type", "status", "expiresAt"), "x" * 100_000
            )
            long = Fault.extra(fields)  # noqa: S610  no Django here
            it.trax.faults.add(long, path=path)
        assert len(json.dumps(sentences_and_data(await check(it)))) < 15_000


# All studios


async def test_four_shows_take_one_call(snapshot: SnapshotAssertion) -> None:
    """Each list is read once, and at most six at the same time."""
    async with open_world(MINE) as it:
        put_on_air(it.trax, "studio_43")
        most = MostAtOnce()
        it.trax.faults.add(most.fault, times=None)
        assert shown(await check_all(it)) == snapshot
    parts = [f"/v1/studios/{studio}" for studio in OWNED]
    reads = [
        f"{it}/{part}" for it in parts for part in ("stream-status", "destinations", "sources")
    ]
    assert asked(it.trax) == dict.fromkeys((STUDIOS, ACCOUNTS, HEALTH, *reads), 1)
    assert most.count == 6


async def test_of_30_studios_20_are_looked_at_and_5_in_detail(snapshot: SnapshotAssertion) -> None:
    """Those that were opened last, and those on air first."""
    async with open_world(MINE) as it:
        add_many(it.trax, 26)
        put_on_air(it.trax, "studio_715")
        put_on_air(it.trax, "studio_707")
        assert shown(await check_all(it)) == snapshot
    assert asked(it.trax).total() == 1 + 20 + 5 * 2 + 2


async def test_an_unreadable_and_a_starting_studio_come_after_those_on_air(
    snapshot: SnapshotAssertion,
) -> None:
    """The first may be on air. Each is counted by itself."""
    async with open_world(MINE, TRAX_ASK="confirm_alone") as it:
        put_on_air(it.trax, "studio_43")
        it.trax.faults.add(NOT_ON_AIR, times=None, path="*/studio_60/stream-status")
        await it[MINE].call("go_live", studioId="studio_60", confirm=True)
        fails = Fault.error(500, "internal")
        it.trax.faults.add(fails, times=None, path="*/studio_51/stream-status")
        assert shown(await check_all(it)) == snapshot


async def test_a_studio_that_is_deleted_meanwhile_is_left_out() -> None:
    """TRaX lists it, and then it is gone."""
    async with open_world(MINE) as it:
        it.trax.faults.add(Fault.error(404, "not_found"), path="*/studio_51/stream-status")
        sentences, overview = sentences_and_data(await check_all(it))
    assert [each["id"] for each in overview["studios"]] == ["studio_42", "studio_43", "studio_60"]
    assert sentences[0] == "All 3 studios are off air."


async def test_a_check_ends_when_trax_limits_the_key() -> None:
    """A stop may need what TRaX still allows. Six reads were under way already."""
    async with open_world(MINE) as it:
        add_many(it.trax, 26)
        limited = Fault.error(429, "rate_limited", Retry_After="60")
        it.trax.faults.add(limited, times=None, path="/v1/studios/*")
        sentences, overview = sentences_and_data(await check_all(it))
    assert sentences[0] == "30 studios. Of the 20 that were opened last: 20 unknown."
    assert overview["studios"][0]["unknown"][0] == (
        'whether the studio is live (TRaX is rate limiting this API key (TRaX says: "Scripted."))'
    )
    assert asked(it.trax).total() <= 1 + 6


async def test_studios_that_cannot_be_listed_are_a_failure_and_none_take_one_request() -> None:
    async with open_world(MINE) as it:
        it.trax.faults.add(Fault.status(200, {"data": []}), path=STUDIOS)
        nothing: dict[str, Any] = {"studios": [], "more": 0}
        assert sentences_and_data(await check_all(it)) == (
            ["There are no studios."],
            nothing,
        )
        it.trax.faults.add(Fault.error(500, "internal"), times=None, path=STUDIOS)
        assert error_in(await check_all(it))["code"] == "internal"
    assert asked(it.trax) == {STUDIOS: 2}


async def test_of_each_list_of_a_studio_one_page_is_read() -> None:
    """Thousands of destinations take one request, and it is unknown whether one is enabled."""
    async with open_world(MINE) as it:
        it.trax.faults.add(long_list(3_000, destination), times=None, path=PLACES)
        _, overview = sentences_and_data(await check_all(it))
    show = overview["studios"][0]
    assert (show["id"], "ready" in show, len(show["destinations"])) == ("studio_42", False, 20)
    assert show["unknown"][:2] == [
        "other destinations (only the first 20 are shown)",
        "other destinations (only the first 200 were read)",
    ]
    assert asked(it.trax)[PLACES] == 1
    assert len(json.dumps(overview)) < 6_000


@in_virtual_time
async def test_a_check_ends_before_a_client_gives_up(snapshot: SnapshotAssertion) -> None:
    """TRaX lists the studios and is silent about each of them."""
    async with open_world(MINE, virtual=True) as it:
        add_many(it.trax, 5)
        it.trax.faults.add(Fault.silence(), times=None, path="/v1/studios/*")
        began = anyio.current_time()
        result = await check_all(it)
        assert anyio.current_time() - began == 30
    assert shown(result) == snapshot
