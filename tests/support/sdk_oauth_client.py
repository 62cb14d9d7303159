"""The SDK's own client with its own OAuth, and a page on loopback that the browser is sent to."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata
from pydantic import AnyUrl
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.support.product.local_servers import NO_CERTIFICATES, listening
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.wire import MODERN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from mcp.client.extension import ClientExtension
    from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
    from starlette.requests import Request

CLIENT_NAME: Final = "The SDK's client"


@dataclass
class TokenMemory:
    """What a client keeps: an SDK's `TokenStorage`."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None
    provider: OAuthClientProvider | None = field(default=None, repr=False)

    def let_token_end(self) -> None:
        """Let the client believe that its token has ended, so that it refreshes."""
        assert self.provider is not None
        self.provider.context.token_expiry_time = 1.0

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


@dataclass
class Callback:
    """The page that a browser is sent back to."""

    uri: str = ""
    answers: asyncio.Queue[dict[str, str]] = field(default_factory=asyncio.Queue)

    async def result(self) -> AuthorizationCodeResult:
        """What the browser brings."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = await self.answers.get()
        return AuthorizationCodeResult(**{it: answer.get(it) for it in ("code", "state", "iss")})


@asynccontextmanager
async def callback_page() -> AsyncIterator[Callback]:
    """Serve it on a free port."""
    callback = Callback()

    async def receive(request: Request) -> PlainTextResponse:
        callback.answers.put_nowait(dict(request.query_params))
        return PlainTextResponse("Thank you. You can close this page.")

    async with listening(Starlette(routes=[Route("/callback", receive)])) as address:
        callback.uri = f"{address}/callback"
        yield callback


@asynccontextmanager
async def sdk_oauth_client(
    address: str,
    person: Callable[[str], Awaitable[object]],
    callback: Callback,
    *,
    memory: TokenMemory | None = None,
    document: str | None = None,
    era: str = MODERN,
    extensions: Sequence[ClientExtension] = (),
) -> AsyncIterator[Client]:
    """A client that sends `person` to an address when it has no token.

    With `document` it identifies itself by that address, and else registers.
    """

    async def send_person(url: str) -> None:
        await person(url)

    memory = memory or TokenMemory()
    memory.provider = auth = OAuthClientProvider(
        f"{address}/mcp",
        OAuthClientMetadata(client_name=CLIENT_NAME, redirect_uris=[AnyUrl(callback.uri)]),
        memory,
        redirect_handler=send_person,
        callback_handler=callback.result,
        client_metadata_url=document,
    )
    options: dict[str, Any] = {
        "trust_env": False,
        "verify": NO_CERTIFICATES,
        "timeout": httpx2.Timeout(PATIENCE_SECONDS),
    }
    async with httpx2.AsyncClient(auth=auth, **options) as http:
        transport = streamable_http_client(f"{address}/mcp", http_client=http)
        async with Client(transport, mode=era, extensions=extensions, cache=None) as client:
            yield client
