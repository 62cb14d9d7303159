"""Identifies the callers of a server with sign-in: by `X-API-Key`, or by a token of its own.

Sources: RFC 6750 (bearer tokens) and RFC 9728, 5.1 (`resource_metadata`).
"""

from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response

from trax_mcp.api.caller import Caller
from trax_mcp.server.http.auth_middleware import Identified, bearer_token
from trax_mcp.server.http.refusal import refuse
from trax_mcp.sign_in.server import SCOPES, AuthorizationServer
from trax_mcp.sign_in.sign_ins import ACCESS_PREFIX, REFRESH_PREFIX, SignInUnavailable

_ONE_HEADER: Final = "Send either X-API-Key or Authorization, and that once. Nothing was done."
_MISPLACED: Final = "A token of this server goes into Authorization: Bearer, not X-API-Key."
_SIGN_IN: Final = "Sign in first, or send a TRaX key as X-API-Key. Nothing was done."
_ENDED: Final = "This sign-in has ended or was revoked, so nothing was done. Sign in again."


class BearerTokens:
    """Finds callers."""

    def __init__(self, sign_in: AuthorizationServer) -> None:
        self._sign_in = sign_in

    def identify(self, headers: Headers, with_key: Caller) -> Identified | Response:
        """The caller, or the refusal. `with_key` is the caller that `X-API-Key` names, if any."""
        given = [*_given(headers, "authorization"), *_given(headers, "x-api-key")]
        if len(given) > 1:
            return refuse(HTTPStatus.BAD_REQUEST, _ONE_HEADER)
        if with_key.key is not None:
            is_token = with_key.key.startswith((ACCESS_PREFIX, REFRESH_PREFIX))
            return refuse(HTTPStatus.BAD_REQUEST, _MISPLACED) if is_token else Identified(with_key)
        if (token := bearer_token(headers)) is None:
            return self._challenge(_SIGN_IN)
        try:
            found = self._sign_in.verify(token)
        except SignInUnavailable as error:
            return refuse(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        if found is None:
            return self._challenge(_ENDED, error="invalid_token")
        sign_in, caller = found
        return Identified(caller, sign_in.id)

    def _challenge(self, message: str, *, error: str | None = None) -> Response:
        parameters = {
            "resource_metadata": self._sign_in.metadata_address,
            "scope": " ".join(SCOPES),
        }
        if error is not None:
            parameters = {"error": error, "error_description": message, **parameters}
        challenge = ", ".join(f'{name}="{value}"' for name, value in parameters.items())
        headers = {"WWW-Authenticate": f"Bearer {challenge}"}
        return refuse(HTTPStatus.UNAUTHORIZED, message, headers)


def _given(headers: Headers, name: str) -> list[str]:
    return [value for value in headers.getlist(name) if value.strip()]
