"""The world with people who sign in: its server is built as `trax-mcp http --sign-in` builds it."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

from tests.support.hosted_process import FILE, SECRET_FILE
from tests.support.http_clients import plain_http
from tests.support.product.frozen_sandbox import frozen_sandbox
from tests.support.product.local_servers import https_of, listen_on_loopback, listening
from tests.support.product.server import Product
from tests.support.product.shared_clock import HandClock
from tests.support.product.sign_in import Internet, sign_in_command
from tests.world.oauth import CALLBACK, OAuthSteps
from tests.world.replica import Replica
from tests.world.wire import MODERN, HttpWire, credentials, tool_call
from tests.world.world import Over, World, called_by, known_to_all

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from starlette.types import ASGIApp

    from tests.support.product.memory import Memory
    from tests.support.product.sandbox import Sandbox
    from tests.support.product.software_passkey import SoftwarePasskey

CLAUDE: Final = "https://claude.ai/oauth/mcp-oauth-client-metadata"
"""A client that is known where its document cannot be read, and the address that it returns to."""
CLAUDE_CALLBACK: Final = "https://claude.ai/api/mcp/auth_callback"


@dataclass(kw_only=True)
class SignInWorld(World):
    """A world at whose server people sign in. The server's two files are in `folder`.

    `caller` and `wire` also take an access token in place of a key.
    """

    app: ASGIApp
    folder: Path

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

    def signed_in(self, tokens: Mapping[str, Any], era: str = MODERN) -> HttpWire:
        """A client over HTTP with these tokens, before its handshake."""
        return HttpWire(self.http, era, **credentials(tokens["access_token"]))

    async def status_of(self, tokens: Mapping[str, Any]) -> int:
        """The status of a call with these tokens."""
        return (await self.signed_in(tokens).post(tool_call(MODERN, "list_studios"))).status_code

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
    tls: ssl.SSLContext | None = None,
    short_seconds: float = 2.0,
    **settings: str,
) -> AsyncIterator[SignInWorld]:
    """Open a world at whose server people sign in.

    `public_url` is where the server thinks that it can be reached, by default where it is. With
    `tls` it speaks HTTPS, as a proxy in front of it would. The rest is as for `open_world`.
    """
    trax = known_to_all(trax or frozen_sandbox())
    internet = internet or Internet()
    clock = HandClock(trax, short_seconds=short_seconds)
    # First, since the product is told its address.
    listener, address = listen_on_loopback()
    address = https_of(address) if tls else address
    product = Product(
        trax,
        clock,
        {
            "TRAX_SIGN_IN": "1",
            "TRAX_PUBLIC_URL": public_url or address,
            "TRAX_CLIENT_DOCUMENT_HOSTS": ", ".join(internet.hosts),
            "TRAX_SIGN_IN_FILE": str(folder / FILE),
            "TRAX_SIGN_IN_SECRET_FILE": str(folder / SECRET_FILE),
            "TRAX_ASK": "form,preview",
            **settings,
        },
        passkey=passkey,
        memory=memory,
    )
    async with AsyncExitStack() as stack:
        stack.enter_context(listener)
        stack.push_async_callback(product.aclose)
        app = product.app(internet)
        proxies = product.settings.trusted_proxies
        await stack.enter_async_context(
            listening(app, listener=listener, trusted_proxies=proxies, tls=tls)
        )
        it = SignInWorld(
            trax,
            clock,
            MODERN,
            Over.HTTP,
            settings,
            [Replica(product, address)],
            app=app,
            folder=folder,
        )
        it.http = await stack.enter_async_context(plain_http(address))
        async with called_by(it):
            yield it


@asynccontextmanager
async def registered(
    folder: Path,
    **more: Any,  # noqa: ANN401  as for `signing_in`
) -> AsyncIterator[tuple[SignInWorld, OAuthSteps]]:
    """The same, and a client that has registered."""
    async with signing_in(folder, **more) as it, it.steps() as steps:
        (await steps.register()).raise_for_status()
        yield it, steps
