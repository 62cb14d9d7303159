"""The MCP server with sign-in on a port of this process, on a sandbox with a manual clock."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.conftest import client_on
from tests.support.hosted_process import free_port
from tests.support.jsonrpc import MODERN, HttpCaller, tool_call
from tests.support.oauth_steps import OAuthSteps
from tests.support.product.frozen_sandbox import still
from tests.support.product.local_servers import listening
from tests.support.product.shared_clock import HandClock
from tests.support.served_app import Front, plain_http
from tests.support.sign_in_setup import SECRET, store_in
from trax_mcp.api.caller import ANONYMOUS
from trax_mcp.consent.rules import Mode, Rules
from trax_mcp.server.app import ServerDeps, build_server
from trax_mcp.server.http.http_app import http_app
from trax_mcp.server.tool_filter import ToolFilter
from trax_mcp.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from tests.support.product.sandbox import Sandbox
    from trax_mcp.consent.evidence import Channel
    from trax_mcp.sign_in.client_documents import ClientDocuments
    from trax_mcp.sign_in.store import SignInStore


@dataclass(frozen=True)
class SignInFront(Front):
    """The server, its sandbox, and what it keeps of sign-ins."""

    store: SignInStore

    def steps(self, client_id: str = "", **headers: str) -> OAuthSteps:
        """A client and a person's browser. They must be closed."""
        return OAuthSteps(self.address, client_id=client_id, **headers)

    def signed_in(self, era: str, tokens: Mapping[str, Any]) -> HttpCaller:
        """An MCP client with these tokens, before its handshake."""
        return self.caller(era, authorization=f"Bearer {tokens['access_token']}")

    async def opened_with(self, era: str, tokens: Mapping[str, Any]) -> HttpCaller:
        """The same, after its handshake."""
        caller = self.signed_in(era, tokens)
        await caller.open()
        return caller

    async def status_of(self, access_token: str) -> int:
        """The status of a call with this token."""
        caller = self.signed_in(MODERN, {"access_token": access_token})
        return (await caller.post(tool_call(MODERN, "list_studios"))).status_code


@asynccontextmanager
async def signing_in(
    folder: Path,
    *,
    trax: Sandbox | None = None,
    documents: ClientDocuments | None = None,
    public_url: str | None = None,
    secret: str = SECRET,
    ask: frozenset[Channel] = frozenset({"form"}),
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[SignInFront]:
    """Serve people who sign in. Its files are in `folder`, and clients may register.

    `public_url` is where it thinks it can be reached, by default where it is.
    """
    trax, port = trax or still(), free_port()
    address = f"http://127.0.0.1:{port}"
    chosen = read_settings(
        {
            "TRAX_SIGN_IN": "1",
            "TRAX_PUBLIC_URL": public_url or address,
            "TRAX_SIGN_IN_REGISTRATION": "1",
            **(settings or {}),
        }
    )
    clock = HandClock(trax)
    deps = ServerDeps(
        rules=Rules(Mode(chosen.confirm)),
        tool_filter=ToolFilter(read_only=chosen.read_only, only=frozenset(chosen.tools)),
        chat_poll_seconds=chosen.chat_poll_seconds,
        clock=clock,
        ask=ask,
        sign_in=True,
    )
    client = client_on(trax)
    store = store_in(folder, clock, secret=secret, audience=str(chosen.public_url))
    server = build_server(client, own=ANONYMOUS, deps=deps)
    app = http_app(server, chosen, client=client, deps=deps, sign_ins=store, documents=documents)
    try:
        async with (
            listening(app, port=port, trusted_proxies=chosen.trusted_proxies),
            plain_http(address) as http,
        ):
            yield SignInFront(trax, clock, http, address, deps, store)
    finally:
        store.close()


@asynccontextmanager
async def registered(
    folder: Path, settings: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[SignInFront, OAuthSteps]]:
    """The same, and a client that has registered."""
    async with signing_in(folder, settings=settings) as front, front.steps() as steps:
        (await steps.register()).raise_for_status()
        yield front, steps
