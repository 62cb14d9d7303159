"""ASGI middleware that decides who may call, and with which TRaX key.

The key comes in `X-API-Key` with each request, or is that of a person who has signed in. A session
belongs to the key or the sign-in that opened it. `Authorization` holds a token of this server's own
and never goes to TRaX. Only where there are no such tokens, it may hold the key.
"""

import hmac
import json
import logging
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import mcp_types as types
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trax_mcp.api.caller import Caller
from trax_mcp.http.front_page import front_page, is_browser
from trax_mcp.observe.requests import REQUEST_ID_HEADER
from trax_mcp.server.request import CALLER
from trax_mcp.settings import KEY_PREFIX
from trax_mcp.sign_in import ACCESS_PREFIX, REFRESH_PREFIX, SignInUnavailable

if TYPE_CHECKING:
    from trax_mcp.sign_in.sign_ins import SignIn

PATH: Final = "/mcp"

_LOOPBACK_ORIGINS: Final = ("http://127.0.0.1", "http://localhost", "http://[::1]")
_CLOSE: Final = {"Connection": "close"}
"""Of a response to a request whose body may not have arrived."""
_HEADERS: Final[Mapping[HTTPStatus, Mapping[str, str]]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
    HTTPStatus.FORBIDDEN: _CLOSE,
    HTTPStatus.NOT_FOUND: {"X-Content-Type-Options": "nosniff"},
    HTTPStatus.REQUEST_TIMEOUT: _CLOSE,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: _CLOSE,
    HTTPStatus.MISDIRECTED_REQUEST: _CLOSE,
    HTTPStatus.SERVICE_UNAVAILABLE: {**_CLOSE, "Retry-After": "5"},
}

_WRONG_HEADER: Final = (
    "A TRaX key isn't a token of this server. Send it as X-API-Key. Nothing was done."
)
_KEY_ONCE: Final = (
    "Send the TRaX key once, as X-API-Key or as Authorization: Bearer. Nothing was done."
)

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The tokens of people who have signed in.

    `verify` raises SignInUnavailable. `metadata_url` is where a client learns how to sign in.
    Sources: RFC 6750 (bearer tokens) and RFC 9728, 5.1 (`resource_metadata`).
    """

    verify: "Callable[[str], tuple[SignIn, Caller] | None]"
    metadata_url: str
    scopes: Sequence[str]

    def challenge(self, message: str, *, error: str | None = None) -> Response:
        """The response to a caller who must sign in."""
        parameters = {"resource_metadata": self.metadata_url, "scope": " ".join(self.scopes)}
        if error is not None:
            parameters = {"error": error, "error_description": message, **parameters}
        challenge = ", ".join(f'{name}="{value}"' for name, value in parameters.items())
        return refuse(HTTPStatus.UNAUTHORIZED, message, {"WWW-Authenticate": f"Bearer {challenge}"})


def refuse(status: HTTPStatus, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON-RPC error without an id. By default it has the headers that belong to the status."""
    error = {"code": types.INVALID_REQUEST, "message": message}
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": error})
    headers = _HEADERS.get(status) if headers is None else headers
    return Response(body, status, headers, media_type="application/json")


def bearer_token(headers: Headers) -> str | None:
    """The token in `Authorization`, if there is one."""
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    return (token.strip() or None) if scheme.lower() == "bearer" else None


def is_one_of(tokens: Collection[str], given: str) -> bool:
    """Whether a token is one of these, in a time that does not tell which, or how nearly."""
    matches = [hmac.compare_digest(given.encode(), it.encode()) for it in tokens]
    return any(matches)


class Authentication:
    """Passes requests for the MCP endpoint on with their caller, and refuses the others.

    `hosts` are the names that this server may be called by, and `origins` those of web pages that
    may call it: others may be DNS rebinding. `caller_without_key` makes requests without a key.
    Requests for `public_paths`, in exactly this spelling, need no caller. The others must bring one
    of `server_tokens`, if there are any. With `tokens`, they must bring one of those or a key.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Collection[str],
        origins: Collection[str],
        caller_without_key: Caller,
        public_paths: Collection[str] = (),
        server_tokens: Collection[str] = (),
        tokens: Tokens | None = None,
    ) -> None:
        self._app = app
        self._host = _any_port(hosts)
        self._origin = _any_port([*_LOOPBACK_ORIGINS, *origins])
        self._caller_without_key = caller_without_key
        self._public_paths = frozenset(public_paths)
        self._server_tokens = server_tokens
        self._tokens = tokens
        self._admit_pages: ASGIApp = self._admit
        if origins:
            self._admit_pages = CORSMiddleware(
                self._admit,
                allow_origin_regex=_any_port(origins).pattern,
                allow_methods=("GET", "POST", "DELETE"),
                allow_headers=("*",),
                expose_headers=(
                    "Mcp-Session-Id",
                    "Retry-After",
                    REQUEST_ID_HEADER,
                    *(("WWW-Authenticate",) if tokens else ()),
                ),
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        path = scope.get("path")
        if scope["type"] != "http":
            app = self._app
        elif path in self._public_paths:
            app, send = self._refuse_host(scope) or self._app, _without_sniffing(send)
        elif path in {"/", PATH, f"{PATH}/"} and is_browser(scope):
            app = self._refuse_host(scope) or self._front_page(scope)
        elif path in {PATH, f"{PATH}/"}:  # as some clients spell it
            scope = {**scope, "path": PATH, "raw_path": PATH.encode()}
            app = self._admit_pages
        else:
            app = refuse(HTTPStatus.NOT_FOUND, f"There is nothing here. MCP is at {PATH}.")
        await app(scope, receive, send)

    def _front_page(self, scope: Scope) -> Response:
        is_practice = self._caller_without_key.key is not None
        return front_page(Headers(scope=scope)["host"], PATH, is_practice=is_practice)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        refusal = self._refuse_host(scope) or self._refuse_origin(headers)
        found = refusal or self._refuse_authorization(headers) or self._identify(headers)
        if isinstance(found, Response):
            await found(scope, receive, send)
        else:
            await self._app(self._with_caller(scope, *found), receive, send)

    def _refuse_host(self, scope: Scope) -> Response | None:
        host = Headers(scope=scope).get("host", "")
        if self._host.fullmatch(host):
            return None
        _LOG.warning("Refused a request for another host: %s", host or "none")
        return refuse(HTTPStatus.MISDIRECTED_REQUEST, "This server has another name.")

    def _refuse_origin(self, headers: Headers) -> Response | None:
        origin = headers.get("origin")
        if not origin or self._origin.fullmatch(origin):
            return None
        _LOG.warning("Refused a request of another origin: %s", origin)
        return refuse(HTTPStatus.FORBIDDEN, "Pages of this origin may not call this server.")

    def _refuse_authorization(self, headers: Headers) -> Response | None:
        """Refuse a wrong token. A TRaX key is one: it is not this server's."""
        if self._tokens is not None:
            if _names_key(headers):
                return self._tokens.challenge(_WRONG_HEADER, error="invalid_token")
            return None  # `_identify` verifies it
        if not self._server_tokens:
            return None
        if _names_key(headers):
            return refuse(HTTPStatus.UNAUTHORIZED, _WRONG_HEADER)
        if is_one_of(self._server_tokens, bearer_token(headers) or ""):
            return None
        message = "This server asks for its own token: Authorization: Bearer ..."
        return refuse(HTTPStatus.UNAUTHORIZED, message)

    def _identify(self, headers: Headers) -> Response | tuple[Caller, str | None]:
        """The caller, and the id of their sign-in if they have signed in."""
        caller = _caller_by_key(headers)
        if isinstance(caller, Response):
            return caller
        if self._tokens is None:
            return (self._caller_without_key if caller.key is None else caller), None
        if len(_given(headers)) > 1:
            message = "Send either X-API-Key or Authorization, and that once. Nothing was done."
            return refuse(HTTPStatus.BAD_REQUEST, message)
        if caller.key is None:
            return _identify_by_token(self._tokens, bearer_token(headers))
        if caller.key.startswith((ACCESS_PREFIX, REFRESH_PREFIX)):
            message = "A token of this server goes into Authorization: Bearer, not X-API-Key."
            return refuse(HTTPStatus.BAD_REQUEST, message)
        return caller, None

    def _with_caller(self, scope: Scope, caller: Caller, sign_in_id: str | None) -> Scope:
        """Set the caller, and the user: the SDK answers 404 to another user of a session."""
        if caller is self._caller_without_key:
            return {**scope, CALLER: caller}
        token = AccessToken(token="", client_id=caller.fingerprint, scopes=[], subject=sign_in_id)
        return {**scope, CALLER: caller, "user": AuthenticatedUser(token)}


def _caller_by_key(headers: Headers) -> Response | Caller:
    """The caller whose key is in the headers. They may have none."""
    name, key = "X-API-Key", headers.get("x-api-key") or None
    if _names_key(headers):
        name, key = "Authorization", bearer_token(headers)
        if len(_given(headers)) > 1 or not (key or "").startswith(KEY_PREFIX):
            return refuse(HTTPStatus.BAD_REQUEST, _KEY_ONCE)
    try:
        return Caller(key)
    except ValueError as error:
        return refuse(HTTPStatus.BAD_REQUEST, f"{name}: {error}")


def _identify_by_token(tokens: Tokens, token: str | None) -> Response | tuple[Caller, str | None]:
    if token is None:
        message = "Sign in first, or send a TRaX key as X-API-Key. Nothing was done."
        return tokens.challenge(message)
    try:
        found = tokens.verify(token)
    except SignInUnavailable as error:
        return refuse(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
    if found is None:
        message = "This sign-in has ended or was revoked, so nothing was done. Sign in again."
        return tokens.challenge(message, error="invalid_token")
    sign_in, caller = found
    return caller, sign_in.id


def _without_sniffing(send: Send) -> Send:
    async def run(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).setdefault("X-Content-Type-Options", "nosniff")
        await send(message)

    return run


def _names_key(headers: Headers) -> bool:
    """Whether a TRaX key stands in `Authorization`, in whatever way."""
    given = " ".join(headers.getlist("authorization")).split()
    return any(part.startswith(KEY_PREFIX) for part in given)


def _given(headers: Headers) -> list[str]:
    """What the caller gives to be known by."""
    given = [*headers.getlist("authorization"), *headers.getlist("x-api-key")]
    return [value for value in given if value.strip()]


def _any_port(names: Collection[str]) -> re.Pattern[str]:
    pattern = "|".join(rf"{re.escape(name)}(:\d+)?" for name in names)
    return re.compile(pattern, re.ASCII | re.IGNORECASE)
