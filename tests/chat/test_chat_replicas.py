"""A client behind a proxy is told of chat by one replica, and reads it at another."""

from __future__ import annotations

import anyio
import pytest

from tests.support.product.virtual_time import in_virtual_time
from tests.world.wire import MODERN
from tests.world.world import MINE, open_world

CHAT = "trax://studios/studio_42/chat"


@pytest.mark.parametrize("with_cursor", [True, False])
@in_virtual_time
async def test_a_message_that_one_replica_told_of_is_read_at_another(*, with_cursor: bool) -> None:
    """Although the other one has just asked TRaX, and may not ask again for two seconds."""
    async with open_world(MINE, virtual=True, era=MODERN, replicas=2) as it:
        there = await it.caller(at=1)
        await it[MINE].subscribe(CHAT)
        await anyio.sleep(1.9)
        cursor = (await there.read(CHAT))["cursor"]
        it.trax.say("Hello")
        await it[MINE].wait_for_updates()
        asked = it.received["GET /v1/studios/studio_42/chat/messages"]
        began = anyio.current_time()
        read = await there.read(CHAT, after=cursor if with_cursor else None)
        assert read["messages"][-1]["text"] == "Hello"
        assert anyio.current_time() - began <= 2.0
        assert it.received["GET /v1/studios/studio_42/chat/messages"] == asked + 1
        assert (await there.read(CHAT, after=cursor)) == {**read, "messages": read["messages"][-1:]}
