"""ASGI middleware that decides who may call, and with which TRaX key.

The key comes in `X-API-Key` with each request, or is that of a person who has signed in. A session
belongs to the key or the sign-in that opened it. `Authorization` holds a token of this server's own
and never goes to TRaX.
"""

import hmac
from collections.abc import Collection
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from trax_mcp.api.caller import Caller
from trax_mcp.server.http.refusal import refuse
from trax_mcp.server.sdk_compat import without_last_event_id
from trax_mcp.setting_types import KEY_PREFIX

if TYPE_CHECKING:
    from trax_mcp.server.oauth.bearer_tokens import BearerTokens

CALLER: Final = "trax.caller"
"""The key of the `Caller` in a request's scope."""

_MISPLACED_KEY: Final = "A TRaX key goes into the header X-API-Key, not Authorization."
_UNAUTHORIZED: Final = "This server asks for its own token: Authorization: Bearer ..."


class Identified(NamedTuple):
    """Who makes a request. `sign_in_id` is that of their token, if they have signed in."""

    caller: Caller
    sign_in_id: str | None = None


def bearer_token(headers: Headers) -> str | None:
    """The token in `Authorization`, if there is one."""
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    return (token.strip() or None) if scheme.lower() == "bearer" else None


class AuthMiddleware:
    """Passes every request that is authorized to `app`.

    `own` is the caller of requests without a key. `public_paths`, in exactly this spelling, need no
    authorization and go to `public_app`. The others must bring the `mcp_token`, if
    there is one. With `bearer_tokens`, they must bring one of those or a key.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        own: Caller,
        public_paths: Collection[str],
        public_app: ASGIApp,
        mcp_token: str | None,
        bearer_tokens: "BearerTokens | None" = None,
    ) -> None:
        self._app = app
        self._own = own
        self._public_app = public_app
        self._public_paths = public_paths
        self._mcp_token = mcp_token
        self._bearer_tokens = bearer_tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its caller, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"] in self._public_paths:
            await self._public_app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refuse_authorization(headers)
        try:
            caller = Caller(headers.get("x-api-key") or None)
        except ValueError as error:
            refusal = refusal or refuse(HTTPStatus.BAD_REQUEST, f"X-API-Key: {error}")
        identified = refusal or self._identify(headers, caller)
        if isinstance(identified, Response):
            await identified(scope, receive, send)
            return
        scope = self._with_caller(without_last_event_id(scope), identified)
        await self._app(scope, receive, send)

    def _identify(self, headers: Headers, caller: Caller) -> Identified | Response:
        if self._bearer_tokens is None:
            return Identified(caller)
        return self._bearer_tokens.identify(headers, caller)

    def _refuse_authorization(self, headers: Headers) -> Response | None:
        # 400, since a 401 would send clients looking for OAuth.
        if any(part.startswith(KEY_PREFIX) for part in headers.get("authorization", "").split()):
            return refuse(HTTPStatus.BAD_REQUEST, _MISPLACED_KEY)
        if self._mcp_token is None:
            return None
        token = bearer_token(headers) or ""
        if hmac.compare_digest(token.encode(), self._mcp_token.encode()):
            return None
        return refuse(HTTPStatus.UNAUTHORIZED, _UNAUTHORIZED)

    def _with_caller(self, scope: Scope, identified: Identified) -> Scope:
        """Set the caller, and the user: the SDK answers 404 to another user of a session."""
        caller, sign_in_id = identified
        if caller.key is None:
            return {**scope, CALLER: self._own}
        token = AccessToken(token="", client_id=caller.fingerprint, scopes=[], subject=sign_in_id)
        return {**scope, CALLER: caller, "user": AuthenticatedUser(token)}
