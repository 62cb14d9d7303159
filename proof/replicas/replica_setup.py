"""Two real `trax-mcp http` processes that share an engine, and the sandbox as their upstream."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from proof.replicas.throwaway_engine import ThrowawayEngine, throwaway_engine
from tests.support.consent_clients import SECOND_KEY
from tests.support.product.local_servers import listening
from tests.support.product.sandbox import SANDBOX_KEY, Sandbox
from tests.support.served_app import plain_http
from tests.support.server_process import PATIENCE_SECONDS, Running, running
from tests.world.wire import MODERN, HttpWire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.simulated_person import Person

_MAX_REQUESTS: Final = 1_000_000
"""A thousand yeses make more requests than the log of other tests keeps."""
_PAUSE_SECONDS: Final = 0.02
_SETTINGS: Final = {"TRAX_LOG_LEVEL": "WARNING", "TRAX_TIMEOUT_SECONDS": "5"}


class Replica:
    """A replica as a process. `address` is its URL without the path."""

    def __init__(self, running: Running, address: str) -> None:
        self.running = running
        self.address = address

    def kill(self) -> None:
        """End it at once, as when its machine fails."""
        self.running.process.kill()

    def suspend(self) -> None:
        """Stop its process, as when its machine sleeps."""
        self.running.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let its process go on."""
        self.running.process.send_signal(signal.SIGCONT)


@dataclass
class Replicas:
    """Two replicas, the engine that they share, and the sandbox that they call.

    `settings` are those of each.
    """

    engine: ThrowawayEngine
    trax: Sandbox
    a: Replica
    b: Replica
    settings: dict[str, str] = field(repr=False)
    _stack: AsyncExitStack = field(repr=False)

    @property
    def both(self) -> tuple[Replica, Replica]:
        """The replicas."""
        return self.a, self.b

    @property
    def changes(self) -> Counter[str]:
        """How often each change reached the sandbox: `POST /v1/studios`, without the query."""
        return Counter(f"{it.method} {it.path}" for it in self.trax.mutations)

    async def start(self, **settings: str) -> Replica:
        """Start one more replica, with more settings."""
        (replica,) = await start_replicas(self._stack, [self.settings | settings])
        return replica

    async def caller(
        self, replica: Replica, *, era: str = MODERN, key: str = SANDBOX_KEY
    ) -> HttpWire:
        """A light client of a replica, over plain HTTP."""
        http = await self._stack.enter_async_context(plain_http(replica.address))
        caller = HttpWire(http, era, x_api_key=key)
        await caller.open()
        return caller

    @asynccontextmanager
    async def client(
        self,
        replica: Replica,
        *,
        era: str = MODERN,
        key: str = SANDBOX_KEY,
        person: Person | None = None,
    ) -> AsyncIterator[Client]:
        """The SDK's client of a replica."""
        async with httpx2.AsyncClient(
            headers={"X-API-Key": key}, trust_env=False, timeout=PATIENCE_SECONDS
        ) as web:
            http = streamable_http_client(f"{replica.address}/mcp", http_client=web)
            async with Client(http, mode=era, cache=None, elicitation_callback=person) as client:
                yield client


@asynccontextmanager
async def open_replicas(*, over_tls: bool = False, **settings: str) -> AsyncIterator[Replicas]:
    """Start everything, and end it with the block. `settings` are those of the replicas."""
    with patch("tests.support.product.request_log.MAX_REQUESTS", _MAX_REQUESTS):
        trax = Sandbox(rate_limit=None)
    trax.add_key(SECOND_KEY)
    async with (
        throwaway_engine(tls=over_tls) as engine,
        listening(trax.app) as upstream,
        AsyncExitStack() as stack,
    ):
        trax.base_url = upstream
        environment = {
            **_SETTINGS,
            "TRAX_BASE_URL": upstream,
            "TRAX_STORE_URL": engine.url,
            **settings,
        }
        a, b = await start_replicas(stack, [environment] * 2)
        async with AsyncExitStack() as clients:
            yield Replicas(engine, trax, a, b, environment, clients)


async def start_replicas(stack: AsyncExitStack, settings: list[dict[str, str]]) -> list[Replica]:
    """Start replicas at the same time, each with its settings."""
    processes = [
        await stack.enter_async_context(running("http", "--port", "0", settings=it))
        for it in settings
    ]
    return [Replica(it, await it.address()) for it in processes]


async def until_told(address: str, store: str) -> None:
    """Wait until the server at an address says this of its engine, by `GET /readyz`."""
    async with asyncio.timeout(PATIENCE_SECONDS), plain_http(address) as http:
        while (await http.get("/readyz")).json().get("store") != store:  # noqa: ASYNC110  it can only be asked
            await asyncio.sleep(_PAUSE_SECONDS)
