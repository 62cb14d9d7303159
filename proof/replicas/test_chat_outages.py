"""Chat over two replicas, of which one is gone, or all, or the engine: nothing is missed."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, Final

import anyio
import httpx
import pytest_asyncio

from proof.replicas.chat_clients import (
    CHAT_LOOK,
    POLL_SECONDS,
    TOGETHER_SECONDS,
    read,
    read_all,
    subscribed,
    tell,
)
from proof.replicas.replica_setup import Replicas, open_replicas
from tests.support.concurrency import Paused
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.subscribers import CHAT_PATH, say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.world.wire import HttpWire

REPLACED_SECONDS: Final = 5.0


@pytest_asyncio.fixture
async def replicas() -> AsyncIterator[Replicas]:
    """Two replicas that look often, for one test, which may end them."""
    async with open_replicas(TRAX_CHAT_POLL_SECONDS=str(POLL_SECONDS)) as replicas:
        yield replicas


async def test_a_cursor_holds_when_all_replicas_have_been_replaced(replicas: Replicas) -> None:
    """Even where TRaX no longer shows all messages since: the last page is kept for the next."""
    caller = await replicas.caller(replicas.a)
    cursor: str = (await read(caller))["cursor"]
    said = [f"message {number}" for number in range(300)]
    for text in said[:150]:
        say(replicas.trax, text)
    await read(caller, cursor, timeoutSeconds=PATIENCE_SECONDS, gatherSeconds=0)
    for text in said[150:]:
        say(replicas.trax, text)
    for it in replicas.both:
        it.kill()
    fresh = await replicas.caller(await replicas.start())
    assert await read_all(fresh, cursor) == said


async def test_a_replica_that_dies_while_it_looks_is_replaced(replicas: Replicas) -> None:
    """The other tells its clients within five seconds, and no message is lost."""
    async with subscribed(replicas.b) as client:
        cursor = await client.cursor()
        caller = await replicas.caller(replicas.a)
        replicas.b.suspend()  # so that A looks, as soon as it may
        held = Paused()
        replicas.trax.faults.add(held.fault, path=CHAT_PATH)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(end_with_its_server, caller, cursor)
            await held.arrived()
            say(replicas.trax, "Still there?")
            replicas.a.kill()
            replicas.b.resume()
            with anyio.fail_after(REPLACED_SECONDS):
                await client.wait_for_updates()
            held.release()
        assert await client.texts(after=cursor) == ["Still there?"]


async def end_with_its_server(caller: HttpWire, cursor: str) -> None:
    """Wait for chat on a replica that is killed meanwhile."""
    try:
        await read(caller, cursor, timeoutSeconds=PATIENCE_SECONDS)
    except httpx.HTTPError:
        return


async def test_each_replica_looks_for_itself_while_the_engine_is_away(replicas: Replicas) -> None:
    """Afterwards they share again, on an engine that has forgotten everything."""
    async with subscribed(replicas.a) as at_a, subscribed(replicas.b) as at_b:
        cursors = [await at_a.cursor(), await at_b.cursor()]
        await tell(replicas, "before", at_a, at_b)
        await replicas.engine.kill()
        await tell(replicas, "without", at_a, at_b)
        await replicas.engine.start()
        await shared_again(replicas)
        await tell(replicas, "again", at_a, at_b)
        await tell(replicas, "once more", at_a, at_b)
        before, began = replicas.received[CHAT_LOOK], time.monotonic()
        said = [f"message {number}" for number in range(6)]
        apart = [await tell(replicas, text, at_a, at_b) for text in said]
        looks = replicas.received[CHAT_LOOK] - before
        assert looks <= (time.monotonic() - began) / POLL_SECONDS + 1
        assert median(apart) < TOGETHER_SECONDS
        said = ["before", "without", "again", "once more", *said]
        assert await at_a.texts(after=cursors[1]) == said
        assert await at_b.texts(after=cursors[0]) == said


async def shared_again(replicas: Replicas) -> None:
    """Wait until a replica has kept what it read on the engine that is back."""
    async with replicas.engine.client() as client:
        with anyio.fail_after(PATIENCE_SECONDS):
            while not await client.keys("{trax}:page:*"):  # noqa: ASYNC110  it can only be asked
                await anyio.sleep(POLL_SECONDS / 10)
