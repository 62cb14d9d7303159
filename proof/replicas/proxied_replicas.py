"""Two replicas behind a real HAProxy, with the configuration that `deploy/` ships."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import ssl
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import httpx
import httpx2
from mcp.client.streamable_http import streamable_http_client

from proof.replicas.throwaway_engine import throwaway_engine
from tests import ROOT
from tests.support.consent_clients import SECOND_KEY
from tests.support.loopback_ports import held_port
from tests.support.product.local_servers import listening
from tests.support.product.sandbox import SANDBOX_KEY, Sandbox
from tests.support.served_app import plain_http
from tests.support.server_process import PATIENCE_SECONDS, Running, running
from tests.world.wire import HttpWire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from tests.support.guarded_calls import GuardedOperation

DRAIN_SECONDS: Final = 1.5
"""Three health checks of the proxy."""
CONFIGURATION: Final = ROOT / "deploy/haproxy.cfg"
_DOWN: Final = " is DOWN"
_PAUSE_SECONDS: Final = 0.02


@dataclass
class ProxiedReplica:
    """A replica on a port of its own, which stays the same when it starts again."""

    port: int
    settings: Mapping[str, str]
    running: Running = field(init=False)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def address(self) -> str:
        """Its URL without the path, past the proxy."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it, and wait until it is ready."""
        self.running = await self._stack.enter_async_context(
            running("http", "--port", str(self.port), settings=self.settings)
        )
        await self.running.address()
        await wait_for_status(self.address, "/readyz")

    async def restart(self) -> None:
        """Let it drain and end, and start it again."""
        self.running.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await self.running.process.wait() == 0
        await self.start()

    async def aclose(self) -> None:
        """End it."""
        await self._stack.aclose()


@dataclass
class ProxiedReplicas:
    """The proxy's address, the replicas behind it, and the sandbox that they call."""

    address: str
    proxy: Running
    trax: Sandbox
    both: tuple[ProxiedReplica, ProxiedReplica]
    _stack: AsyncExitStack = field(repr=False)

    async def next_down(self) -> None:
        """Wait until the proxy notices that one more replica is not ready."""
        lines = self.proxy.stdout
        known = sum(_DOWN in it for it in lines.all)

        def find_next(line: str) -> bool | None:
            nonlocal known
            known -= _DOWN in line
            return True if known < 0 else None

        await lines.find(find_next)

    def count(self, operation: GuardedOperation) -> int:
        """How often an operation reached TRaX."""
        return [f"{it.method} {it.path}" for it in self.trax.mutations].count(operation.sent)

    async def caller(
        self, era: str, *, key: str = SANDBOX_KEY, address: str | None = None
    ) -> HttpWire:
        """A light client of the proxy, or of an address past it."""
        http = await self._stack.enter_async_context(plain_http(address or self.address))
        return HttpWire(http, era, x_api_key=key)

    async def connection(
        self, *, key: str = SANDBOX_KEY, address: str | None = None, trusted: Path | None = None
    ) -> Any:  # noqa: ANN401  what `Client` takes
        """A connection to the proxy, or to another address, for the SDK's client.

        `trusted` is the certificate of the authority that it trusts.
        """
        verify = True if trusted is None else ssl.create_default_context(cafile=str(trusted))
        web = await self._stack.enter_async_context(
            httpx2.AsyncClient(
                headers={"X-API-Key": key}, trust_env=False, verify=verify, timeout=PATIENCE_SECONDS
            )
        )
        return streamable_http_client(f"{address or self.address}/mcp", http_client=web)


@asynccontextmanager
async def proxied_replicas() -> AsyncIterator[ProxiedReplicas]:
    """Start everything, and end it with the block."""
    trax = Sandbox(rate_limit=None)
    trax.add_key(SECOND_KEY)
    async with (
        throwaway_engine() as engine,
        listening(trax.app) as trax.base_url,
        AsyncExitStack() as stack,
    ):
        settings = {
            "TRAX_BASE_URL": trax.base_url,
            "TRAX_STORE_URL": engine.url,
            "TRAX_DRAIN_SECONDS": str(DRAIN_SECONDS),
            "TRAX_LOG_LEVEL": "WARNING",
        }
        first, second = (stack.enter_context(held_port()) for _ in range(2))
        both = ProxiedReplica(first, settings), ProxiedReplica(second, settings)
        for it in both:
            stack.push_async_callback(it.aclose)
            await it.start()
        names = (f"127.0.0.1:{it.port}" for it in both)
        address, proxy = await stack.enter_async_context(shipped_proxy(*names))
        async with AsyncExitStack() as clients:
            yield ProxiedReplicas(address, proxy, trax, both, clients)


@asynccontextmanager
async def shipped_proxy(
    first: str, second: str, *, configuration: Path = CONFIGURATION, **variables: str
) -> AsyncIterator[tuple[str, Running]]:
    """HAProxy before two replicas, on a free port; yields its address and its process.

    `variables` are those that its configuration names.
    """
    program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "there is no HAProxy: see `make proof PART=replicas`"
    with held_port() as port, held_port() as metrics:
        places = {"PROXY_BIND": f"127.0.0.1:{port}", "PROXY_METRICS": f"127.0.0.1:{metrics}"}
        process = await asyncio.create_subprocess_exec(
            program,
            *("-db", "-f", str(configuration)),
            env=os.environ | places | {"REPLICA_1": first, "REPLICA_2": second} | variables,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        proxy = Running(process)
        try:
            await wait_for_port(port)
            scheme = "https" if "PROXY_CERTIFICATE" in variables else "http"
            yield f"{scheme}://127.0.0.1:{port}", proxy
        finally:
            await proxy.leave()


async def wait_for_port(port: int) -> None:
    """Wait until a process listens on a port."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(_PAUSE_SECONDS)


async def wait_for_status(address: str, path: str, status: int = HTTPStatus.OK) -> None:
    """Wait until a health check answers with this status."""
    async with asyncio.timeout(PATIENCE_SECONDS), plain_http(address) as http:
        while await _status(http, path) != status:  # noqa: ASYNC110  another process: it can only be asked
            await asyncio.sleep(_PAUSE_SECONDS)


async def _status(http: httpx.AsyncClient, path: str) -> int | None:
    try:
        return (await http.get(path)).status_code
    except httpx.TransportError:
        return None
