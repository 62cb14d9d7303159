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
async def test_it_says_that_trax_is_away_and_that_it_is_back() -> None:
    async with in_room() as it:
        it.trax.go_live()
        await anyio.sleep(5)
        room = Room(it[MINE])
        await room.look()
        seen_at = room.answer["seenAt"]
        it.trax.faults.add(Fault.status(502), times=None)
        state = await room.look(wait=25)
        with anyio.fail_after(120):  # the chat, or what changes seldom, may be read first
            while not state["stale"]:
                state = await room.look(wait=25)
        assert (state["live"], state["ended"]) == (True, False)
        assert "502" in state["trouble"]
        assert room.answer["seenAt"] == seen_at
        it.trax.faults.clear()
        with anyio.fail_after(120):  # what changes seldom is read again last
            while state["trouble"]:
                state = await room.look(wait=25)
        assert state["stale"] is False


@in_virtual_time
async def test_a_stop_that_is_being_sent_is_shown_so_and_nobody_says_that_nothing_was_sent() -> (
    None
):
    async with in_room() as it:
        it.trax.go_live()
        await anyio.sleep(5)
        it.trax.faults.add(Fault.status(502), times=None)
        card = await Room(it[MINE]).card("go_offline")
        yes, no = card.yes, card.no
        it.tasks.start_soon(card.press, yes)
        await anyio.sleep(5)
        assert it.sent == ["POST /v1/studios/studio_42/go-offline"]
        assert (await card.look())["phase"] == "running"
        assert (await card.press(no))["phase"] == "running"
        await anyio.sleep(60)
        assert "It may still be on air" in (await card.look())["outcome"]


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
        assert ("this studio" in state["trouble"]) is (what == "the studio is deleted")
        await anyio.sleep(60)
        before = len(it.trax.requests)
        assert (await room.look(wait=25))["ended"] is True, "at once"
        assert len(it.trax.requests) == before
        if what == "the key is revoked":
            it.trax.add_key(MINE)
            assert (await room.look(again=True))["ended"] is False


@pytest.mark.parametrize("status", [400, 403, 410])
@in_virtual_time
async def test_what_was_refused_once_is_asked_for_again(status: int) -> None:
    """A gateway may have refused it."""
    async with in_room() as it:
        it.trax.go_live()
        await anyio.sleep(5)
        room = Room(it[MINE])
        await room.look()
        it.trax.faults.add(Fault.error(status, "refused"), path="*/stream-status")
        while (await room.look(wait=25))["live"] and not room.state["stale"]:
            pass
        with anyio.fail_after(120):
            while room.state["live"] is not True or room.state["stale"]:
                await room.look(wait=25)


@in_virtual_time
async def test_a_room_that_is_seen_again_gets_no_old_state() -> None:
    """Nobody has looked meanwhile, so nothing was read."""
    async with in_room() as it:
        it.trax.go_live()
        await anyio.sleep(5)
        room = Room(it[MINE])
        assert (await room.look())["live"] is True
        it.trax.go_offline()
        await anyio.sleep(600)
        assert (await room.look())["live"] is False


@in_virtual_time
async def test_a_read_that_began_before_the_last_poll_is_no_news() -> None:
    """TRaX answered it then, and the answer took long."""
    async with in_room() as it:
        room = Room(it[MINE])
        await room.look()
        await anyio.sleep(20)
        it.trax.faults.add(Fault.delay(6.0, when="after"), path="*/stream-status", times=1)
        slow = it[MINE].start("get_stream_status", studioId="studio_42")
        await anyio.sleep(0.5)
        it.trax.go_live()
        await anyio.sleep(3)
        assert (await room.look(again=True))["live"] is True
        await slow.result()
        assert (await room.look())["live"] is True


# After a press


@in_virtual_time
async def test_after_a_press_the_rooms_of_all_learn_of_it_in_a_moment() -> None:
    async with in_room() as it:
        room, other = Room(it[MINE]), Room(it[MINE])
        await room.look()
        await other.look()
        wait = other.wait()
        await anyio.sleep(5)
        await room.outcome("update_destination", destId="dest_2", enabled=False)
        await anyio.sleep(1)
        assert wait.has_ended
        state = other.keep(await wait.result())
        assert {to["id"]: to["enabled"] for to in state["destinations"]}["dest_2"] is False


@in_virtual_time
async def test_a_press_at_one_replica_is_seen_in_a_room_at_another() -> None:
    async with in_room(replicas=2) as it:
        there = await it.caller(MINE, apps=True, at=1)
        here, elsewhere = Room(it[MINE]), Room(there)
        assert (await here.look(), here.version) == (await elsewhere.look(), elsewhere.version)
        card = await here.card("go_live")
        await elsewhere.look()
        assert elsewhere.tickets == [card.ticket], "it can be answered there"
        card.caller = there
        assert "You're live" in (await card.press(card.yes))["outcome"]
        assert (await here.look(again=True))["live"] is True
        assert (await elsewhere.look(again=True))["live"] is True
        assert here.version == elsewhere.version
        assert it.sent == ["POST /v1/studios/studio_42/go-live"]


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


@in_virtual_time
async def test_a_room_that_asks_again_and_again_has_all_but_the_status_read_seldom() -> None:
    async with in_room() as it:
        room = Room(it[MINE])
        await room.look()
        await anyio.sleep(30)
        before = dict(it.received)
        for _ in range(300):
            await room.look(again=True)
            await anyio.sleep(0.2)
        asked = {path: count - before[path] for path, count in it.received.items()}
        assert max(asked.values()) == asked["GET /v1/studios/studio_42/stream-status"] <= 60
        assert asked["GET /v1/studios/studio_42/destinations"] <= 13
        assert asked["GET /v1/studios/studio_42/chat/messages"] <= 13


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
