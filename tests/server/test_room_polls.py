"""How often TRaX is asked for what rooms show, and what a room says while it can't be asked."""

from __future__ import annotations

from functools import partial
from typing import Final

import anyio
import pytest

from tests.support.product.faults import Fault
from tests.support.product.virtual_time import in_virtual_time
from tests.world.room import Room
from tests.world.world import COLLEAGUE, MINE, Over, open_world

in_room: Final = partial(open_world, MINE, apps=True, virtual=True)


# What breaks


@in_virtual_time
async def test_it_says_within_a_second_of_a_poll_that_trax_is_away_and_that_it_is_back() -> None:
    async with in_room() as it:
        it.trax.go_live()
        await anyio.sleep(5)
        room = Room(it[MINE])
        await room.look()
        seen_at = room.answer["seenAt"]
        it.trax.faults.add(Fault.status(502), times=None)
        state = await room.look(wait=25)
        assert (state["live"], state["stale"], state["ended"]) == (True, True, False)
        assert "502" in state["trouble"]
        assert room.answer["seenAt"] == seen_at
        it.trax.faults.clear()
        for _ in range(3):
            state = await room.look(wait=25)
        assert (state["stale"], state["trouble"]) == (False, None)


@pytest.mark.parametrize("what", ["the key is revoked", "the studio is deleted"])
@in_virtual_time
async def test_a_room_ends_with_its_key_or_its_studio_and_can_try_again(what: str) -> None:
    async with in_room() as it:
        room = Room(it[MINE])
        await room.look()
        if what == "the key is revoked":
            it.trax.remove_key()
        else:
            it.trax.remove("studio_42")
        state = await room.look(wait=25)
        assert state["ended"] is True
        assert state["trouble"]
        await anyio.sleep(60)
        before = len(it.trax.requests)
        assert (await room.look(wait=25))["ended"] is True, "at once"
        assert len(it.trax.requests) == before
        if what == "the key is revoked":
            it.trax.add_key(MINE)
            assert (await room.look(again=True))["ended"] is False


# How often TRaX is asked


@in_virtual_time
async def test_nothing_is_asked_while_no_room_looks() -> None:
    async with in_room() as it:
        room = Room(it[MINE])
        await room.look(wait=25)
        await room.look(wait=25)
        await anyio.sleep(1)
        before = len(it.calls)
        await anyio.sleep(300)
        assert len(it.calls) == before


@in_virtual_time
async def test_out_of_sight_no_chat_is_asked_for() -> None:
    async with in_room() as it:
        room = Room(it[MINE])
        await room.look(chat=False)
        for _ in range(3):
            await room.look(chat=False, wait=25)
        assert [path for path in it.received if "/chat" in path] == []


async def polls_of(rooms: int) -> dict[str, int]:
    """How often each part was asked for in two minutes in which so many rooms look."""
    async with in_room() as it:

        async def look_on() -> None:
            room = Room(it[MINE])
            while True:
                await room.look(wait=25)

        async with anyio.create_task_group() as tasks:
            for _ in range(rooms):
                tasks.start_soon(look_on)
            await anyio.sleep(120)
            tasks.cancel_scope.cancel()
        return dict(it.received)


@in_virtual_time
async def test_two_rooms_ask_trax_as_often_as_one() -> None:
    one, two = await polls_of(1), await polls_of(2)
    assert one.keys() == two.keys()
    assert all(abs(one[path] - two[path]) <= 2 for path in one), (one, two)
    assert one["GET /v1/studios/studio_42/destinations"] <= 2 + 120 / 6


async def test_rooms_of_two_clients_share_their_polls_over_http() -> None:
    async with open_world(MINE, COLLEAGUE, apps=True, over=Over.HTTP) as it:
        again = await it.caller(MINE, apps=True)
        rooms = [Room(it[MINE]), Room(again)]
        for room in rooms:
            assert (await room.look())["live"] is False
        assert it.received["GET /v1/studios/studio_42/stream-status"] == 1
        assert (await Room(it[COLLEAGUE]).look())["live"] is False
        assert it.received["GET /v1/studios/studio_42/stream-status"] == 2, (
            "no key shares another's"
        )
