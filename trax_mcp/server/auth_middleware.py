"""What stands before everything on HTTP but the health check: who may enter, and with which key.

The caller's TRaX key comes in `X-API-Key`, per request, and a session belongs to the key that
opened it. `Authorization` is for this server alone and never goes upstream. The door knows nothing
of tools or of TRaX.
"""

import hmac
import json
from typing import Final

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from trax_mcp.api.caller import Caller
from trax_mcp.server.whole_requests import run_whole

CALLER: Final = "trax.caller"
"""Where a request's scope holds the `Caller` that was let in."""

_KEY_PREFIX = "sk_live_"
_RESUMES = b"last-event-id"
_INVALID_REQUEST = -32600


class AuthMiddleware:
    """ASGI middleware. Only `open_path` goes by it: no spelling of another path may."""

    def __init__(self, app: ASGIApp, *, open_path: str, token: str | None) -> None:
        self._app = app
        self._open_path = open_path
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it here."""
        if scope["type"] != "http" or scope["path"] == self._open_path:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refuse_authorization(headers.get("authorization", ""))
        try:
            caller = Caller(headers.get("x-api-key") or None)
        except ValueError as error:
            refusal = refusal or _refusal(400, f"X-API-Key: {error}")
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await run_whole(self._app, _bound(scope, caller), receive, send)

    def _refuse_authorization(self, authorization: str) -> Response | None:
        # 400, since a 401 would send clients looking for OAuth.
        if any(part.startswith(_KEY_PREFIX) for part in authorization.split()):
            return _refusal(400, "A TRaX key goes into the header X-API-Key, not Authorization.")
        if self._token is None:
            return None
        scheme, _, credentials = authorization.strip().partition(" ")
        given = credentials.strip() if scheme.lower() == "bearer" else ""
        if hmac.compare_digest(given.encode(), self._token.encode()):
            return None
        return _refusal(401, "This server asks for its own token: Authorization: Bearer ...")


def _bound(scope: Scope, caller: Caller) -> Scope:
    """Say who asks, and bind the session to the key.

    The SDK answers 404 to any other user of a session's id. It answers nothing at all to whoever
    resumes a stream where no events are kept, as here: they get a new stream.
    """
    headers = [header for header in scope["headers"] if header[0] != _RESUMES]
    scope = {**scope, CALLER: caller, "headers": headers}
    if caller.key is None:
        return scope
    token = AccessToken(token="", client_id=caller.fingerprint, scopes=[])
    return {**scope, "user": AuthenticatedUser(token)}


def _refusal(status: int, message: str) -> Response:
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": _INVALID_REQUEST, "message": message}}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None  # noqa: PLR2004  unauthorized
    return Response(json.dumps(body), status, headers, media_type="application/json")
