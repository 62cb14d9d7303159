"""Keys that TRaX has accepted at one replica have room of their own at all, also at a new one."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import anyio

from proof.replicas.presses import until
from proof.replicas.test_engine_contents import kept_for_good
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import still
from tests.support.product.local_servers import listening
from tests.support.product.memory import engine_memory
from tests.support.product.server import Product
from tests.support.product.shared_clock import HandClock
from tests.support.served_app import plain_http
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.wire import MODERN, HttpWire, tool_call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import httpx

    from proof.replicas.throwaway_engine import ThrowawayEngine
    from tests.support.product.faults import Request, RequestHandler, Response
    from tests.support.product.sandbox import Sandbox

HERD: Final = 80
"""More than the 64 requests to TRaX that all share whose key it has not accepted."""
EXCHANGE_SECONDS: Final = 2.0
KEYS: Final = [f"sk_live_sandbox_herd_{number}" for number in range(HERD)]
STRANGER: Final = "sk_live_sandbox_stranger"
TOO_LARGE_FOR_STRANGERS: Final = tool_call(MODERN, "get_health", x="x" * 40 * 1024)


@dataclass
class Replica:
    """A replica in this process."""

    http: httpx.AsyncClient

    def caller(self, key: str) -> HttpWire:
        """A caller of it with this key."""
        return HttpWire(self.http, MODERN, x_api_key=key)

    async def has_room_for(self, key: str) -> bool:
        """Whether a key has room of its own: strangers may send less."""
        response = await self.caller(key).post(TOO_LARGE_FOR_STRANGERS)
        assert response.status_code in {HTTPStatus.OK, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
        return response.status_code == HTTPStatus.OK


@dataclass
class Replicas:
    """Replicas on one engine, and the sandbox behind them, where all keys are good."""

    engine: ThrowawayEngine
    trax: Sandbox
    clock: HandClock
    _stack: AsyncExitStack

    async def start(self) -> Replica:
        """Start one more."""
        memory = await self._stack.enter_async_context(engine_memory(self.engine.url))
        product = Product(self.trax, self.clock, memory=memory)
        address = await self._stack.enter_async_context(listening(product.app()))
        return Replica(await self._stack.enter_async_context(plain_http(address)))

    async def until(self, is_so: Callable[[], Awaitable[bool]]) -> None:
        """Let replicas exchange what they know until something is so."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await is_so():
                self.clock.advance(EXCHANGE_SECONDS)


@asynccontextmanager
async def replicas_on(engine: ThrowawayEngine) -> AsyncIterator[Replicas]:
    """An engine for replicas. They end with the block."""
    trax = still()
    for key in (*KEYS, STRANGER):
        trax.add_key(key)
    async with AsyncExitStack() as stack:
        yield Replicas(engine, trax, HandClock(trax, short_seconds=0), stack)


async def test_a_herd_at_a_new_replica_has_the_room_of_its_own_keys(
    engine: ThrowawayEngine,
) -> None:
    """At a TRaX that does not answer yet: the requests of all of them are there at once."""
    released = anyio.Event()

    async def hold(request: Request, next_handler: RequestHandler) -> Response:
        await released.wait()
        return await next_handler(request)

    async with replicas_on(engine) as them:
        old, other = await them.start(), await them.start()
        await asyncio.gather(*(old.caller(key).call("list_studios") for key in KEYS))
        for key in KEYS:
            await them.until(lambda key=key: other.has_room_for(key))  # type: ignore[misc]
        new = await them.start()
        before = len(them.trax.requests)
        them.trax.faults.add(Fault("held", hold), times=None, path="/v1/studios")
        calls = [asyncio.create_task(new.caller(key).call("list_studios")) for key in KEYS]
        await until(lambda: len(them.trax.requests) == before + HERD)
        assert not await new.has_room_for(STRANGER)
        released.set()
        assert not any(it.get("isError") for it in await asyncio.gather(*calls))
    dump = await engine.contents()
    assert dump
    assert [it for it in KEYS if it.encode() in dump] == []
    assert await kept_for_good(engine) == 0


async def test_a_key_that_trax_refuses_loses_its_room_everywhere(engine: ThrowawayEngine) -> None:
    """But for where TRaX has accepted it itself, and has not been asked since."""
    key = KEYS[0]
    async with replicas_on(engine) as them:
        first, second, third = [await them.start() for _ in range(3)]
        await first.caller(key).call("list_studios")
        for it in (second, third):
            await them.until(lambda it=it: it.has_room_for(key))  # type: ignore[misc]
        them.trax.remove_key(key)
        refused = await second.caller(key).call("list_studios")
        assert refused["structuredContent"]["error"]["code"] == "invalid_key"
        assert not await second.has_room_for(key)

        async def third_knows() -> bool:
            return not await third.has_room_for(key)

        await them.until(third_knows)
        assert not await second.has_room_for(key)
        assert not await (await them.start()).has_room_for(key)


async def test_while_the_engine_is_away_what_is_known_stays(engine: ThrowawayEngine) -> None:
    """And what is new is told when it is back."""
    early, late = KEYS[:2]
    async with replicas_on(engine) as them:
        one, other = await them.start(), await them.start()
        await one.caller(early).call("list_studios")
        await them.until(lambda: other.has_room_for(early))
        await engine.kill()
        await one.caller(late).call("list_studios")
        for _ in range(3):
            them.clock.advance(EXCHANGE_SECONDS)
            assert await other.has_room_for(early)
            assert not await other.has_room_for(late)
        await engine.start()
        await them.until(lambda: other.has_room_for(late))
