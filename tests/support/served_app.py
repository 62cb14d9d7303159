"""The MCP server on a port of this process: the app that `trax-mcp http` serves, on a sandbox."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from tests.conftest import OWNER, client_on
from tests.support.frozen_sandbox import still
from tests.support.jsonrpc import HttpCaller
from tests.support.local_servers import NO_CERTIFICATES, listening
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.shared_clock import HandClock
from trax_mcp.api.caller import ANONYMOUS
from trax_mcp.consent.rules import Mode, Rules
from trax_mcp.server.app import ServerDeps, build_server
from trax_mcp.server.http.http_app import http_app
from trax_mcp.server.tool_filter import ToolFilter
from trax_mcp.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.recorded_sandbox import Sandbox


@dataclass(frozen=True)
class Front:
    """The server, its sandbox and an HTTP client. `address` is the URL without the path."""

    trax: Sandbox
    clock: HandClock
    http: httpx.AsyncClient
    address: str
    deps: ServerDeps

    @property
    def keys(self) -> list[str]:
        """The key of each request that reached TRaX. Empty if it had none."""
        sent = [it.headers.get("authorization", "") for it in self.trax.requests]
        return [it.removeprefix("Bearer ") for it in sent]

    @property
    def sent(self) -> str:
        """All headers that reached TRaX, to check that secrets are not among them."""
        return str([it.headers for it in self.trax.requests])

    def caller(self, era: str, **headers: str) -> HttpCaller:
        """A caller that sends these headers (`x_api_key=...`)."""
        return HttpCaller(self.http, era, **headers)

    async def opened(self, era: str, **headers: str) -> HttpCaller:
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
    trax, chosen = trax or still(), read_settings(settings)
    clock = HandClock(trax, short_seconds=short_seconds)
    deps = ServerDeps(
        rules=Rules(Mode(chosen.confirm)),
        tool_filter=ToolFilter(read_only=chosen.read_only, only=frozenset(chosen.tools)),
        chat_poll_seconds=chosen.chat_poll_seconds,
        clock=clock,
    )
    client, own = client_on(trax), OWNER if chosen.sandbox else ANONYMOUS
    server = build_server(client, own=own, deps=deps)
    app = http_app(server, chosen, client=client, deps=deps, own=own)
    async with listening(app) as address, plain_http(address) as http:
        yield Front(trax, clock, http, address, deps)


def plain_http(address: str) -> httpx.AsyncClient:
    """An HTTP client that uses no proxy and has a time-out."""
    return httpx.AsyncClient(
        base_url=address, trust_env=False, verify=NO_CERTIFICATES, timeout=PATIENCE_SECONDS
    )


def error_code(result: dict[str, Any]) -> str:
    """The code of a failed call."""
    code: str = result["structuredContent"]["error"]["code"]
    return code
