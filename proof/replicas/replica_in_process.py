"""A replica in this process, which costs no start, and a light client of it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.support.product.local_servers import listening
from tests.support.product.memory import engine_memory
from tests.support.product.sandbox import SANDBOX_KEY, Sandbox
from tests.support.product.server import Product
from tests.support.served_app import plain_http
from tests.world.wire import MODERN, HttpWire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def replica_in_process(url: str, trax: Sandbox) -> AsyncIterator[HttpWire]:
    """A client of a replica on the engine at `url`, which has the sandbox's key."""
    async with engine_memory(url) as memory:
        product = Product(trax, memory.clock, memory=memory)
        async with listening(product.app()) as address, plain_http(address) as http:
            yield HttpWire(http, MODERN, x_api_key=SANDBOX_KEY)
