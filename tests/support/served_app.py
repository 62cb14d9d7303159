"""The MCP server on a port of this process: the app that `trax-mcp http` serves, on a sandbox."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
from mcp.client.streamable_http import streamable_http_client

from tests.support.product.frozen_sandbox import still
from tests.support.product.local_servers import NO_CERTIFICATES, listening
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.server import Product
from tests.support.product.shared_clock import HandClock
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.wire import HttpWire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from mcp.client import Transport

    from tests.support.product.sandbox import Sandbox


@dataclass(frozen=True)
class Front:
    """The server, its sandbox and an HTTP client. `address` is the URL without the path."""

    trax: Sandbox
    clock: HandClock
    http: httpx.AsyncClient
    address: str
    product: Product

    @property
    def keys(self) -> list[str]:
        """The key of each request that reached TRaX. Empty if it had none."""
        sent = [it.headers.get("authorization", "") for it in self.trax.requests]
        return [it.removeprefix("Bearer ") for it in sent]

    @property
    def sent(self) -> str:
        """All headers that reached TRaX, to check that secrets are not among them."""
        return str([it.headers for it in self.trax.requests])

    def caller(self, era: str, **headers: str) -> HttpWire:
        """A caller that sends these headers (`x_api_key=...`)."""
        return HttpWire(self.http, era, **headers)

    async def opened(self, era: str, **headers: str) -> HttpWire:
        """The same, after its handshake."""
        caller = self.caller(era, **headers)
        await caller.open()
        return caller


@asynccontextmanager
async def serving(
    *, trax: Sandbox | None = None, short_seconds: float = 2.0, **settings: str
) -> AsyncIterator[Front]:
    """Serve callers that send their own keys, on a sandbox with a manual clock.

    `trax` is an existing sandbox. `short_seconds` is passed to the clock. With `TRAX_SANDBOX` the
    sandbox's owner is the caller of requests without a key.
    """
    trax = trax or still()
    clock = HandClock(trax, short_seconds=short_seconds)
    product = Product(trax, clock, settings)
    app = product.app(SANDBOX_KEY if "TRAX_SANDBOX" in settings else None)
    async with listening(app) as address, plain_http(address) as http:
        yield Front(trax, clock, http, address, product)


def plain_http(
    address: str, *, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """An HTTP client that uses no proxy and has a time-out. By default it uses sockets."""
    return httpx.AsyncClient(
        base_url=address,
        trust_env=False,
        verify=NO_CERTIFICATES,
        timeout=PATIENCE_SECONDS,
        transport=transport,
    )


def error_code(result: dict[str, Any]) -> str:
    """The code of a failed call."""
    code: str = result["structuredContent"]["error"]["code"]
    return code


@asynccontextmanager
async def sdk_connection(address: str, headers: Mapping[str, str]) -> AsyncIterator[Transport]:
    """What the SDK's client connects with. It gives up no sooner than the tests do."""
    async with httpx2.AsyncClient(
        headers=headers, trust_env=False, verify=NO_CERTIFICATES, timeout=PATIENCE_SECONDS
    ) as web:
        yield streamable_http_client(f"{address}/mcp", http_client=web)
