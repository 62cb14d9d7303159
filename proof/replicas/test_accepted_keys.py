"""Keys that TRaX has accepted at one replica have room of their own at all, and at a new one."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import anyio

from proof.replicas.replicas import at_both, until
from tests.support.product.faults import Fault
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.answers import error_in, has_run
from tests.world.wire import tool_call
from tests.world.world import COLLEAGUE, MINE, Over, World, open_world

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from proof.replicas.throwaway_engine import ThrowawayEngine
    from tests.support.product.sandbox import Sandbox

HERD: Final = 80
"""More than the 64 requests to TRaX that all share whose key it has not accepted."""
EXCHANGE_SECONDS: Final = 2.0
KEYS: Final = [f"sk_live_sandbox_herd_{number}" for number in range(HERD)]
STRANGER: Final = "sk_live_sandbox_stranger"


def replicas(
    engine: ThrowawayEngine, count: int, trax: Sandbox | None = None
) -> AbstractAsyncContextManager[World]:
    """So many replicas on an engine, at a TRaX of their own or of others."""
    return open_world(over=Over.HTTP, replicas=count, engine=engine.url, trax=trax)


async def has_room(it: World, at: int, key: str) -> bool:
    """Whether a key has room of its own at a replica: strangers may send less."""
    wire = await it.wire(key, at=at)
    response = await wire.post(tool_call(wire.era, "get_health", x="x" * 40 * 1024))
    assert response.status_code in {HTTPStatus.OK, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
    return response.status_code == HTTPStatus.OK


async def until_room(it: World, at: int, key: str, *, expected: bool = True) -> None:
    """Wait until a replica has exchanged with the others what it knows of a key."""
    with anyio.fail_after(PATIENCE_SECONDS):
        while await has_room(it, at, key) != expected:  # noqa: ASYNC110  it can only be asked
            await anyio.sleep(0.1)


async def test_a_herd_at_a_new_replica_has_the_room_of_its_own_keys(
    engine: ThrowawayEngine,
) -> None:
    """At a TRaX that does not answer yet: the requests of all of them are there at once."""
    async with replicas(engine, 2) as it:
        for key in (*KEYS, STRANGER):
            it.trax.add_key(key)
        await asyncio.gather(*[(await it.wire(key)).call("list_studios") for key in KEYS])
        for key in KEYS:
            await until_room(it, 1, key)
        async with replicas(engine, 1, it.trax) as new:
            before, released = len(it.trax.requests), anyio.Event()
            it.trax.faults.add(Fault.delay(released), times=None, path="/v1/studios")
            wires = [await new.wire(key) for key in KEYS]
            calls = [asyncio.create_task(wire.call("list_studios")) for wire in wires]
            await until(lambda: len(it.trax.requests) == before + HERD)
            assert not await has_room(new, 0, STRANGER)
            released.set()
            assert not any(told.get("isError") for told in await asyncio.gather(*calls))
    dump = await engine.contents()
    assert dump
    assert [key for key in KEYS if key.encode() in dump] == []
    assert await engine.kept_for_good() == 0


async def test_a_key_that_trax_refuses_loses_its_room_everywhere(engine: ThrowawayEngine) -> None:
    """But for where TRaX has accepted it itself, and has not been asked since."""
    async with replicas(engine, 3) as it:
        first, second = await at_both(it, key=COLLEAGUE)
        assert has_run(await first.call("list_studios"))
        for at in (1, 2):
            await until_room(it, at, COLLEAGUE)
        it.trax.remove_key(COLLEAGUE)
        assert error_in(await second.call("list_studios"))["code"] == "invalid_key"
        assert not await has_room(it, 1, COLLEAGUE)
        await until_room(it, 2, COLLEAGUE, expected=False)
        assert not await has_room(it, 1, COLLEAGUE)
        async with replicas(engine, 1, it.trax) as new:
            assert not await has_room(new, 0, COLLEAGUE)


async def test_while_the_engine_is_away_what_is_known_stays(engine: ThrowawayEngine) -> None:
    """And what is new is told when it is back."""
    async with replicas(engine, 2) as it:
        assert has_run(await (await it.caller()).call("list_studios"))
        await until_room(it, 1, MINE)
        await engine.kill()
        assert has_run(await (await it.caller(COLLEAGUE)).call("list_studios"))
        await anyio.sleep(1.5 * EXCHANGE_SECONDS)  # they try to exchange it in vain
        assert await has_room(it, 1, MINE)
        assert not await has_room(it, 1, COLLEAGUE)
        await engine.start()
        await until_room(it, 1, COLLEAGUE)
