"""An engine whose scripts fail at a chosen moment, and a replica in this process that uses it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.conftest import client_on
from tests.support.jsonrpc import MODERN, HttpCaller
from tests.support.product.local_servers import listening
from tests.support.served_app import plain_http
from trax_mcp.api.caller import ANONYMOUS
from trax_mcp.clock import Clock
from trax_mcp.replicas.consent_store import SharedStore
from trax_mcp.replicas.engine import Engine
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.server.app import ServerDeps, build_server
from trax_mcp.server.http.http_app import http_app
from trax_mcp.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proof.replicas.throwaway_engine import ThrowawayEngine
    from tests.support.product.sandbox import Sandbox

Script = Callable[[], Awaitable[Any]]
EngineFault = Callable[[int, Script], Awaitable[Any]]


async def no_fault(_number: int, script: Script) -> object:
    """Run the script."""
    return await script()


class FaultyEngine(Engine):
    """Hands each script to `fault`, with its number: 1 for the first one."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.fault: EngineFault = no_fault
        self.scripts = 0

    def start_counting(self, fault: EngineFault) -> None:
        """From now on, hand scripts to this fault."""
        self.fault, self.scripts = fault, 0

    async def _run(self, script: Any, keys: Sequence[str], arguments: Sequence[Any]) -> Any:  # noqa: ANN401
        self.scripts += 1
        run = partial(script, keys=keys, args=arguments)
        return await self._call(partial(self.fault, self.scripts, run))


def losing(first: int, times: int) -> EngineFault:
    """Lose the answers of so many scripts in a row. The scripts have run."""

    async def fault(number: int, script: Script) -> object:
        answer = await script()
        if first <= number < first + times:
            raise RedisConnectionError
        return answer

    return fault


def hanging(first: int, times: float = math.inf) -> EngineFault:
    """Answer no script from this one on, or so many of them. They have not run."""

    async def fault(number: int, script: Script) -> object:
        if first <= number < first + times:
            await anyio.sleep_forever()
        return await script()

    return fault


def answering_every(nth: int) -> EngineFault:
    """Answer the first script, and then each one after so many. The others have not run."""

    async def fault(number: int, script: Script) -> object:
        if number % nth != 1:
            await anyio.sleep_forever()
        return await script()

    return fault


def slow(seconds: float) -> EngineFault:
    """Answer each script only after some seconds."""

    async def fault(_number: int, script: Script) -> object:
        await anyio.sleep(seconds)
        return await script()

    return fault


def restarting(engine: ThrowawayEngine, at: int, *, after: bool) -> EngineFault:
    """Restart the engine, empty, before or after a script runs."""

    async def restart() -> None:
        with anyio.CancelScope(shield=True):  # whoever has sent the script may wait no longer
            await engine.restart()

    async def fault(number: int, script: Script) -> object:
        if number == at and not after:
            await restart()
        answer = await script()
        if number == at and after:
            await restart()
        return answer

    return fault


async def nothing_said(_name: str, *, seconds: float) -> None:
    """A heartbeat that nobody hears."""


@asynccontextmanager
async def replica_in_process(engine: FaultyEngine, trax: Sandbox) -> AsyncIterator[HttpCaller]:
    """A replica in this process, and a client of it."""
    async with SharedStore(engine, Clock()).running() as store:
        deps = ServerDeps(store=store)
        client = client_on(trax)
        server = build_server(client, own=ANONYMOUS, deps=deps)
        app = http_app(server, read_settings({}), client=client, deps=deps)
        async with listening(app) as address, plain_http(address) as http:
            yield HttpCaller(http, MODERN, x_api_key=SANDBOX_KEY)
