"""HTTP clients of a server on loopback: a plain one, and what the SDK's client connects with."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import httpx2
from mcp.client.streamable_http import streamable_http_client

from tests.support.product.local_servers import NO_CERTIFICATES
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from mcp.client import Transport


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


@asynccontextmanager
async def sdk_connection(address: str, headers: Mapping[str, str]) -> AsyncIterator[Transport]:
    """What the SDK's client connects with. It gives up no sooner than the tests do."""
    async with httpx2.AsyncClient(
        headers=headers, trust_env=False, verify=NO_CERTIFICATES, timeout=PATIENCE_SECONDS
    ) as web:
        yield streamable_http_client(f"{address}/mcp", http_client=web)
