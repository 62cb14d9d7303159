"""Rooms over HTTP: their stops pass every limit, and their looks hold nobody up."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.support.product.limits import smaller_limits
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.answers import data_of
from tests.world.panel import open_panel
from tests.world.room import Room
from tests.world.sign_in import registered
from tests.world.world import CUSTOMER, MINE, Over, open_world

if TYPE_CHECKING:
    from pathlib import Path

over_http: Final = partial(open_world, MINE, apps=True, over=Over.HTTP)
STUDIO: Final = {"studioId": "studio_42"}


async def test_a_stop_in_a_room_needs_no_place_though_looks_of_rooms_take_all() -> None:
    """Nor does what the person answers."""
    with smaller_limits(requests=3):
        async with over_http() as it:
            room = Room(it[MINE])
            await room.look()
            looks = [room.wait() for _ in range(3)]
            with anyio.fail_after(PATIENCE_SECONDS):
                while it.product.requests_in_flight < 3:  # noqa: ASYNC110  it can only be asked
                    await anyio.sleep(0.01)
            refused = await room.press("update_source", sourceId="source_1", active=True)
            assert data_of(refused)["error"]["code"] == "rate_limited"
            card = await room.card("go_offline")
            await card.press(card.yes)
            assert it.sent == ["POST /v1/studios/studio_42/go-offline"]
            for look in looks:
                await look.end()


@pytest.mark.timing
async def test_looks_that_wait_hold_no_other_call_up() -> None:
    """Two messages are worked on at a time, each for 0.2 s at most."""
    async with over_http() as it:
        room = Room(it[MINE])
        await room.look()
        looks = [room.wait() for _ in range(24)]
        await anyio.sleep(0.1)
        began = anyio.current_time()
        assert not (await it[MINE].call("get_health")).is_error
        assert anyio.current_time() - began < 1.5
        for look in looks:
            await look.end()


async def test_looks_end_with_the_server() -> None:
    async with over_http() as it:
        room = Room(it[MINE])
        await room.look()
        look = room.wait()
        await anyio.sleep(0.1)
        await it.product.shut_down()
        assert "shutting down" in await look.failure()


@pytest.mark.parametrize("access", ["read", "run"])
async def test_who_has_signed_in_to_look_gets_a_room_without_buttons(
    tmp_path: Path, access: str
) -> None:
    async with registered(tmp_path, TRAX_ASK="panel,preview") as (it, steps):
        tokens = await steps.sign_in(MINE, access=access)
        room = Room(await it.caller(tokens["access_token"], apps=True))
        state = await room.look()
        assert set(state["can"].values()) == {access == "run"}
        pressed = await room.press("go_live")
        assert bool(pressed.is_error) is (access == "read"), pressed
        assert it.sent == []


async def test_a_room_shows_nothing_of_another_key(tmp_path: Path) -> None:
    """Two sign-ins of one client with one key are one caller."""
    async with registered(tmp_path, TRAX_ASK="panel,preview") as (it, steps):
        keys = (MINE, MINE, CUSTOMER)
        tokens = [await steps.sign_in(key) for key in keys]
        mine, again, other = [await it.caller(token["access_token"], apps=True) for token in tokens]
        panel = await open_panel(mine, "go_live")
        rooms = [Room(caller) for caller in (mine, again, other)]
        for room in rooms:
            await room.look()
        assert [room.tickets for room in rooms] == [[panel.ticket], [panel.ticket], []]
        assert [room.state["ended"] for room in rooms] == [False, False, True]
