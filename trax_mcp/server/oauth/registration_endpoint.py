"""`/register`: clients without a metadata document register themselves, if the operator allows it.

Source: RFC 7591. A registered client is a public one, whatever it asked for.
"""

from dataclasses import dataclass
from typing import Any, Final, cast

from mcp.server.auth.handlers.register import RegistrationHandler
from mcp.server.auth.provider import RegistrationError
from mcp.server.auth.settings import ClientRegistrationOptions
from mcp.shared.auth import DEFAULT_GRANT_TYPES, OAuthClientInformationFull
from starlette.requests import Request
from starlette.responses import Response

from trax_mcp.sign_in.attempts import Attempts
from trax_mcp.sign_in.client_names import clean_name
from trax_mcp.sign_in.grants import OAuthClient
from trax_mcp.sign_in.redirect_uris import may_register
from trax_mcp.sign_in.store import SignInStore
from trax_mcp.web.posted_forms import address_of

_OPTIONS: Final = ClientRegistrationOptions(enabled=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationEndpoint:
    """The endpoint, and the provider that the SDK's handler asks."""

    store: SignInStore
    attempts: Attempts

    async def handle(self, request: Request) -> Response:
        """Register a client."""
        self.attempts.take(address_of(request))
        return await RegistrationHandler(cast("Any", self), _OPTIONS).handle(request)

    async def register_client(self, client: OAuthClientInformationFull) -> None:
        """Keep a client, and tell it what it was registered with.

        Raises:
            RegistrationError: a redirect address will not do.
        """
        uris = tuple(str(uri) for uri in client.redirect_uris or ())
        for uri in uris:
            if (why := may_register(uri)) is not None:
                raise RegistrationError("invalid_redirect_uri", f"A redirect address {why}.")
        client.token_endpoint_auth_method = "none"  # noqa: S105  a method
        client.client_secret = client.client_secret_expires_at = None
        client.grant_types = list(DEFAULT_GRANT_TYPES)
        client.response_types = ["code"]
        name = clean_name(client.client_name or "")
        self.store.add_client(OAuthClient(id=client.client_id, name=name, redirect_uris=uris))
