"""The MCP server with sign-in in this process, on a sandbox with a manual clock."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

from tests.support.hosted_process import FILE, SECRET_FILE
from tests.support.oauth_steps import CALLBACK, OAuthSteps
from tests.support.product.frozen_sandbox import still
from tests.support.product.local_servers import listen_on_loopback, listening
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.server import Product
from tests.support.product.shared_clock import HandClock
from tests.support.product.sign_in import Internet, app_with_sign_in, sign_in_command
from tests.support.served_app import Front, plain_http
from tests.world.wire import MODERN, HttpWire, tool_call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from starlette.types import ASGIApp

    from tests.support.product.memory import Memory
    from tests.support.product.sandbox import Sandbox
    from tests.support.product.software_passkey import SoftwarePasskey

CLAUDE: Final = "https://claude.ai/oauth/mcp-oauth-client-metadata"
"""A client that is known where its document cannot be read, and the address that it returns to."""
CLAUDE_CALLBACK: Final = "https://claude.ai/api/mcp/auth_callback"


@dataclass(frozen=True)
class SignInFront(Front):
    """The server, its sandbox, and its two files."""

    app: ASGIApp
    folder: Path

    @property
    def file(self) -> Path:
        """The file of sign-ins."""
        return self.folder / FILE

    def steps(
        self, client_id: str = "", *, ip: str = "127.0.0.1", redirect_uri: str = CALLBACK
    ) -> OAuthSteps:
        """A client and a person's browser, at one IP address. They must be closed."""
        return OAuthSteps(
            str(self.product.settings.public_url),
            client_id=client_id,
            redirect_uri=redirect_uri,
            transport=httpx.ASGITransport(self.app, client=(ip, 4711)),
        )

    def steps_on_wire(self, client_id: str = "") -> OAuthSteps:
        """The same over sockets."""
        return OAuthSteps(self.address, client_id=client_id)

    def signed_in(self, era: str, tokens: Mapping[str, Any]) -> HttpWire:
        """An MCP client with these tokens, before its handshake."""
        return self.caller(era, authorization=f"Bearer {tokens['access_token']}")

    async def opened_with(self, era: str, tokens: Mapping[str, Any]) -> HttpWire:
        """The same, after its handshake."""
        caller = self.signed_in(era, tokens)
        await caller.open()
        return caller

    async def status_of(self, access_token: str) -> int:
        """The status of a call with this token."""
        caller = self.signed_in(MODERN, {"access_token": access_token})
        return (await caller.post(tool_call(MODERN, "list_studios"))).status_code

    def sign_ins(self) -> list[dict[str, str]]:
        """Who is signed in, as the operator's command lists it."""
        listed = sign_in_command(self.product, "list", "--json")
        assert listed.code == 0, listed.err
        found: list[dict[str, str]] = json.loads(listed.out)
        return found

    def revoke(self, sign_in_id: str = "--all") -> None:
        """Revoke one sign-in, or all, as the operator does."""
        revoked = sign_in_command(self.product, "revoke", sign_in_id)
        assert revoked.code == 0, revoked


@asynccontextmanager
async def signing_in(
    folder: Path,
    *,
    trax: Sandbox | None = None,
    internet: Internet | None = None,
    public_url: str | None = None,
    passkey: SoftwarePasskey | None = None,
    memory: Memory | None = None,
    short_seconds: float = 2.0,
    **settings: str,
) -> AsyncIterator[SignInFront]:
    """Serve people who sign in. Its files are in `folder`, and clients may register.

    `public_url` is where it thinks it can be reached, by default where it is. `memory` and
    `short_seconds` are as for `Product` and for the clock.
    """
    trax = trax or still()
    # First, since the product is told its address.
    listener, address = listen_on_loopback()
    clock = HandClock(trax, short_seconds=short_seconds)
    product = Product(
        trax,
        clock,
        {
            "TRAX_SIGN_IN": "1",
            "TRAX_PUBLIC_URL": public_url or address,
            "TRAX_SIGN_IN_REGISTRATION": "1",
            "TRAX_SIGN_IN_FILE": str(folder / FILE),
            "TRAX_SIGN_IN_SECRET_FILE": str(folder / SECRET_FILE),
            "TRAX_ASK": "form",
            **settings,
        },
        passkey=passkey,
        memory=memory,
    )
    own = SANDBOX_KEY if "TRAX_SANDBOX" in settings else None
    async with AsyncExitStack() as stack:
        stack.enter_context(listener)
        served = app_with_sign_in(product, internet or Internet(), key=own)
        app = await stack.enter_async_context(served)
        proxies = product.settings.trusted_proxies
        await stack.enter_async_context(listening(app, listener=listener, trusted_proxies=proxies))
        http = await stack.enter_async_context(plain_http(address))
        yield SignInFront(trax, clock, http, address, product, app, folder)


@asynccontextmanager
async def registered(
    folder: Path,
    **more: Any,  # noqa: ANN401  as for `signing_in`
) -> AsyncIterator[tuple[SignInFront, OAuthSteps]]:
    """The same, and a client that has registered."""
    async with signing_in(folder, **more) as front, front.steps() as steps:
        (await steps.register()).raise_for_status()
        yield front, steps
