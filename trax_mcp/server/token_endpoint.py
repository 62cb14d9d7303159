"""`/token` and `/revoke`, for public clients: they prove themselves by PKCE and by their tokens.

The SDK's handler of `/token` does the steps of OAuth. Its handler of `/revoke` refuses clients
without a secret, so this one is our own (RFC 7009).
"""

import math
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, cast

from mcp.server.auth.handlers.token import TokenHandler
from mcp.server.auth.middleware.client_auth import AuthenticationError
from mcp.server.auth.provider import AuthorizationCode, RefreshToken, TokenError
from mcp.shared.auth import DEFAULT_GRANT_TYPES, OAuthClientInformationFull, OAuthToken
from pydantic import AnyUrl
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from trax_mcp.server.oauth_metadata import is_resource
from trax_mcp.server.oauth_requests import NO_STORE, form_of, not_now, oauth_error
from trax_mcp.sign_in.codes import Codes
from trax_mcp.sign_in.grants import SignInUnavailable, Tokens
from trax_mcp.sign_in.store import SignInStore

_NO_CODE: Final = "This code has ended, was used before, or is another client's. Sign in again."
_NO_TOKEN: Final = "This refresh token has ended, or is another client's. Sign in again."  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenEndpoint:
    """Both endpoints. `resource` is the only one that tokens are for."""

    codes: Codes
    store: SignInStore
    resource: str

    async def handle(self, request: Request) -> Response:
        """`/token`: change a code or a refresh token for tokens."""
        form = await form_of(request)
        if isinstance(form, Response):
            return form
        if not is_resource(form.get("resource"), self.resource):
            return oauth_error("invalid_target", f"Tokens are for {self.resource} only.")
        if (form.get("grant_type") or DEFAULT_GRANT_TYPES[0]) not in DEFAULT_GRANT_TYPES:
            return oauth_error("unsupported_grant_type", "This server has no such grant type.")
        provider, clients = cast("Any", _Provider(self, form)), cast("Any", _PublicClients())
        try:
            response: Response = await TokenHandler(provider, clients).handle(request)
        except SignInUnavailable as error:
            return not_now(error)
        return response

    async def revoke(self, request: Request) -> Response:
        """`/revoke`: end the sign-in of a token, of either kind. Unknown tokens are no error."""
        form = await form_of(request)
        if isinstance(form, Response):
            return form
        token, client_id = form.get("token"), form.get("client_id")
        if not isinstance(client_id, str):
            return oauth_error("invalid_client", "client_id is missing.", HTTPStatus.UNAUTHORIZED)
        if not isinstance(token, str):
            return oauth_error("invalid_request", "token is missing.")
        try:
            self.store.revoke_token(token, client_id=client_id)
        except SignInUnavailable as error:
            return not_now(error)
        return Response(headers=NO_STORE)


class _PublicClients:
    """Believes each client its id, since codes and tokens are bound to it."""

    async def authenticate_request(self, request: Request) -> OAuthClientInformationFull:
        """The client that a form names."""
        client_id = (await request.form()).get("client_id")
        if not client_id or not isinstance(client_id, str):
            raise AuthenticationError("client_id is missing.")
        return OAuthClientInformationFull(client_id=client_id, token_endpoint_auth_method="none")  # noqa: S106


class _Provider:
    """The answers to the SDK's handler."""

    def __init__(self, endpoint: TokenEndpoint, form: FormData) -> None:
        self._codes = endpoint.codes
        self._store = endpoint.store
        self._asked = str(form.get("scope", "")).split(" ")

    async def load_authorization_code(
        self, _client: OAuthClientInformationFull, code: str
    ) -> AuthorizationCode | None:
        """The facts that a code is bound to. None: it is good no more."""
        if (grant := self._codes.find(code)) is None:
            return None
        return AuthorizationCode(
            code=code,
            scopes=[grant.access],
            expires_at=math.inf,  # `Codes` ends it
            client_id=grant.request.client.id,
            code_challenge=grant.request.code_challenge,
            redirect_uri=AnyUrl(grant.request.redirect_uri),
            redirect_uri_provided_explicitly=grant.request.has_redirect_uri,
        )

    async def exchange_authorization_code(
        self, _client: OAuthClientInformationFull, code: AuthorizationCode
    ) -> OAuthToken:
        """Use a code."""
        return _answer(self._codes.use(code.code, self._store.issue), otherwise=_NO_CODE)

    async def load_refresh_token(
        self, client: OAuthClientInformationFull, token: str
    ) -> RefreshToken:
        """A token that nobody has looked at yet: the store does all of it in one step.

        It has all scopes that are asked for, and the answer says which one was given.
        """
        return RefreshToken(token=token, client_id=client.client_id, scopes=self._asked)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, token: RefreshToken, _scopes: list[str]
    ) -> OAuthToken:
        """Use a refresh token."""
        tokens = self._store.refresh(token.token, client_id=client.client_id)
        return _answer(tokens, otherwise=_NO_TOKEN)


def _answer(tokens: Tokens | None, *, otherwise: str) -> OAuthToken:
    if tokens is None:
        raise TokenError("invalid_grant", otherwise)
    return OAuthToken(
        access_token=tokens.access_token,
        expires_in=tokens.expires_in,
        scope=tokens.access,
        refresh_token=tokens.refresh_token,
    )
