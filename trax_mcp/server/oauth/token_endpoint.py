"""`/token` and `/revoke`, for public clients: they prove themselves by PKCE and by their tokens.

A client is believed its id, since codes and tokens are bound to it. The SDK's handlers are not
used: they read other redirect addresses than were sent, and want a secret for `/revoke`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from trax_mcp.server.oauth.oauth_metadata import is_resource
from trax_mcp.server.oauth.oauth_requests import NO_STORE, OAuthError, client_form, required
from trax_mcp.sign_in.codes import Codes
from trax_mcp.sign_in.grants import AuthorizationRequest, Tokens
from trax_mcp.sign_in.store import SignInStore

_NO_CODE: Final = (
    "This code has ended, was used before, or is not for this client_id, redirect_uri and"
    " code_verifier. Sign in again."
)
_NO_TOKEN: Final = "This refresh token has ended, or is another client's. Sign in again."  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenEndpoint:
    """Both endpoints. `resource` is the only one that tokens are for."""

    codes: Codes
    store: SignInStore
    resource: str

    async def handle(self, request: Request) -> Response:
        """`/token`: change a code or a refresh token for tokens. Source: RFC 6749, 4.1.3 and 6.

        A refresh gives the scope that a person has allowed, whichever is asked for, and says so.
        """
        form = await client_form(request)
        if not is_resource(form.get("resource"), self.resource):
            raise OAuthError("invalid_target", f"Tokens are for {self.resource} only.")
        match required(form, "grant_type"):
            case "authorization_code":
                tokens = self._redeem(form)
            case "refresh_token":
                tokens = self._refresh(form)
            case _:
                raise OAuthError("unsupported_grant_type", "This server has no such grant type.")
        content = {
            "access_token": tokens.access_token,
            "token_type": "Bearer",
            "expires_in": tokens.expires_in,
            "scope": tokens.access,
            "refresh_token": tokens.refresh_token,
        }
        return JSONResponse(content, headers=NO_STORE)

    def _redeem(self, form: Mapping[str, str]) -> Tokens:
        code, verifier = required(form, "code"), required(form, "code_verifier")

        def is_by_client(asked: AuthorizationRequest) -> bool:
            return (
                asked.client.id == form["client_id"]
                and asked.is_redirect_uri(form.get("redirect_uri"))
                and asked.is_verifier(verifier)
            )

        tokens = self.codes.use(code, self.store.issue, is_by_client=is_by_client)
        if tokens is None:
            raise OAuthError("invalid_grant", _NO_CODE)
        return tokens

    def _refresh(self, form: Mapping[str, str]) -> Tokens:
        token = required(form, "refresh_token")
        tokens = self.store.refresh(token, client_id=form["client_id"])
        if tokens is None:
            raise OAuthError("invalid_grant", _NO_TOKEN)
        return tokens

    async def revoke(self, request: Request) -> Response:
        """`/revoke`: end the sign-in of a token, of either kind. Unknown tokens are no error.

        Source: RFC 7009.
        """
        form = await client_form(request)
        self.store.revoke_token(required(form, "token"), client_id=form["client_id"])
        return Response(headers=NO_STORE)
