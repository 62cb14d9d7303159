"""When the parts of a studio are read, and what a call of this server makes out of date.

A room reads them. In virtual time, to the second.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.support.product.faults import Fault
from tests.support.product.virtual_time import in_virtual_time
from tests.world.room import Room
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from tests.world.world import World

open_room: Final = partial(open_world, MINE, apps=True, virtual=True)
DESTINATIONS: Final = "/v1/studios/studio_42/destinations"
STATUS: Final = "/v1/studios/studio_42/stream-status"
CHAT: Final = "/v1/studios/studio_42/chat/messages"


def times(it: World, path: str) -> list[float]:
    """When each read of a path reached TRaX, in seconds."""
    return [read.at for read in it.trax.requests if (read.method, read.path) == ("GET", path)]


async def looked(it: World, seconds: float, *, chat: bool = False) -> Room:
    """A room that looks for some seconds, and then waits on in the background."""
    room = Room(it[MINE])
    await room.look(chat=chat)
    until = anyio.current_time() + seconds
    while anyio.current_time() < until:
        await room.look(wait=min(25, until - anyio.current_time()), chat=chat)
    room.wait(chat=chat)
    await anyio.sleep(0.1)
    return room


@pytest.mark.parametrize(("shortest", "longest"), [("2", 30), ("5", 30), ("10", 50)])
@in_virtual_time
async def test_parts_are_read_every_30_seconds_at_the_slowest(
    shortest: str, longest: float
) -> None:
    """Unless the operator asks for less."""
    async with open_room(TRAX_CHAT_POLL_SECONDS=shortest) as it:
        await looked(it, 300)
        pauses = [after - before for before, after in pairwise(times(it, DESTINATIONS))]
        assert max(pauses) <= longest + 1
        assert max(pauses) > longest * 0.75
        assert min(pauses) >= 2 * min(3.0, longest / 5)


@in_virtual_time
async def test_a_change_is_read_again_at_once_and_a_message_in_the_chat_alone() -> None:
    async with open_room() as it:
        room = await looked(it, 60, chat=True)
        await room.look(again=True)  # so that no poll is due soon
        before = {path: len(times(it, path)) for path in (DESTINATIONS, STATUS, CHAT)}
        began = it.trax.clock.now()
        await it[MINE].call("update_source", sourceId="source_1", active=False)
        await anyio.sleep(0.5)
        assert times(it, DESTINATIONS)[-1] - began < 0.5
        assert times(it, STATUS)[-1] - began < 0.5
        assert len(times(it, CHAT)) == before[CHAT]
    async with open_room() as it:
        room = await looked(it, 60, chat=True)
        await room.look(again=True)  # so that no poll is due soon
        began = it.trax.clock.now()
        before = {path: len(times(it, path)) for path in (DESTINATIONS, STATUS, CHAT)}
        await it[MINE].call("send_chat_message", text="Hello")
        await anyio.sleep(0.5)
        assert times(it, CHAT)[-1] - began < 0.5
        assert len(times(it, DESTINATIONS)) == before[DESTINATIONS]


@in_virtual_time
async def test_a_read_of_the_status_by_anybody_with_the_key_is_news_for_a_room() -> None:
    async with open_room() as it:
        room = await looked(it, 60)
        it.trax.go_live()
        await anyio.sleep(5)
        before = len(times(it, STATUS))
        await it[MINE].call("get_stream_status")
        assert (await room.look(wait=1, chat=False))["live"] is True
        assert len(times(it, STATUS)) - before <= 2


@in_virtual_time
async def test_what_is_out_of_date_is_read_no_sooner_than_trax_allows() -> None:
    async with open_room() as it:
        room = await looked(it, 20)
        it.trax.faults.add(
            Fault.error(429, "rate_limited", **{"Retry-After": "40"}), times=None, method="GET"
        )
        before = len(times(it, DESTINATIONS))
        while len(times(it, DESTINATIONS)) == before:
            await room.look(wait=25, chat=False)
        it.trax.faults.clear()
        refused = times(it, DESTINATIONS)[-1]
        await it[MINE].call("update_source", sourceId="source_1", active=False)
        for wait in (25, 25, 25):
            await room.look(wait=wait, again=True, chat=False)
        later = [at - refused for at in times(it, DESTINATIONS) if at > refused]
        assert 40 <= later[0] <= 41


@in_virtual_time
async def test_a_change_during_a_poll_is_read_after_it() -> None:
    """That poll may have been answered before the change."""
    async with open_room() as it:
        room = await looked(it, 60)
        it.trax.faults.slow(3, path=DESTINATIONS)
        wait = it[MINE].start("watch_control_room", **room.arguments(0, {"again": True}))
        await anyio.sleep(1)
        before = len(times(it, DESTINATIONS))
        await it[MINE].call("update_destination", destId="dest_2", enabled=False)
        await anyio.sleep(8)
        assert len(times(it, DESTINATIONS)) > before
        state = await room.look(chat=False)
        assert {to["id"]: to["enabled"] for to in state["destinations"]}["dest_2"] is False
        await wait.end()


@in_virtual_time
async def test_a_change_is_out_of_date_for_nobody_else() -> None:
    """Another studio is not."""
    async with open_room() as it:
        it.trax.add_studio("Morning Show", record_id="studio_43")
        other = Room(it[MINE], "studio_43")
        await other.look(chat=False)
        other.wait(chat=False)
        await anyio.sleep(5)  # no poll of its own is due then
        before = len(it.calls)
        await it[MINE].call("update_source", sourceId="source_1", active=False)
        await anyio.sleep(0.5)
        assert [call.path for call in it.calls[before:] if "studio_43" in call.path] == []
