"""The clients of `consent_clients` over real transports.

Over HTTP the server is in this process, over stdio in one of its own. The sandbox is in this
process either way.
"""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests import ROOT
from tests.support.consent_clients import SECOND_KEY, Clients, two_key_sandbox
from tests.support.guarded_calls import GUARD_ALSO
from tests.support.product.local_servers import NO_CERTIFICATES, listening
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.server import Product
from tests.support.product.shared_clock import HandClock
from tests.support.server_process import PATIENCE_SECONDS, environment
from tests.support.simulated_person import Person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class NoTime:
    """The time of a process, which no test can advance."""

    def advance(self, seconds: float) -> None:
        """Fail."""
        raise NotImplementedError


@asynccontextmanager
async def over_http(era: str, *, audit: Path | None = None) -> AsyncIterator[tuple[Clients, str]]:
    """Clients of the app that `trax-mcp http` serves, with a manual clock; and its address."""
    trax = two_key_sandbox()
    clock, person = HandClock(trax), Person()
    log = "" if audit is None else str(audit)
    product = Product(trax, clock, {"TRAX_GUARD_ALSO": GUARD_ALSO, "TRAX_AUDIT_LOG": log})
    async with listening(product.app()) as address, AsyncExitStack() as stack:

        async def caller(key: str, asked: Person | None = None) -> Client:
            web = httpx2.AsyncClient(
                headers={"X-API-Key": key},
                trust_env=False,
                verify=NO_CERTIFICATES,
                timeout=PATIENCE_SECONDS,
            )
            http = streamable_http_client(
                f"{address}/mcp", http_client=await stack.enter_async_context(web)
            )
            client = Client(http, mode=era, cache=None, elicitation_callback=asked)
            return await stack.enter_async_context(client)

        plain, asking = await caller(SANDBOX_KEY), await caller(SANDBOX_KEY, person)
        other = await caller(SECOND_KEY)
        yield Clients(trax, clock, plain, asking, other, person, product), address


@asynccontextmanager
async def over_stdio(era: str, *, audit: Path | None = None) -> AsyncIterator[Clients]:
    """One server process with one client, which stands for all, and asks the person."""
    trax, person = two_key_sandbox(), Person()
    async with listening(trax.app) as address:
        settings = {"TRAX_API_KEY": SANDBOX_KEY, "TRAX_BASE_URL": address}
        if audit is not None:
            settings["TRAX_AUDIT_LOG"] = str(audit)
        command = StdioServerParameters(
            command=sys.executable, args=["-m", "trax_mcp"], env=environment(settings), cwd=ROOT
        )
        async with Client(command, mode=era, cache=None, elicitation_callback=person) as client:
            yield Clients(trax, NoTime(), client, client, client, person)
