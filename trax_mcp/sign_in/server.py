"""The authorization server: signing in at the MCP endpoint, by OAuth 2.1.

That of the SDK is not used. In `mcp` 2.3.0 it takes a challenge without a method for S256, revokes
no token of a public client, and sends errors without an issuer.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from http import HTTPStatus
from importlib.resources import files
from typing import Final

from cachetools import TTLCache
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, request_response

from trax_mcp.api.client import Client
from trax_mcp.api.contract import JsonObject
from trax_mcp.clock import Clock
from trax_mcp.sign_in import SignInUnavailable
from trax_mcp.sign_in.attempts import Attempts
from trax_mcp.sign_in.client_descriptions import OAuthError
from trax_mcp.sign_in.clients import Clients
from trax_mcp.sign_in.forms import Forms, check_resource, client_form, required
from trax_mcp.sign_in.list_page import SignInListPage
from trax_mcp.sign_in.redirect_uris import redirect_host
from trax_mcp.sign_in.screens import PAGE_HEADERS, PageHandler
from trax_mcp.sign_in.sign_in_page import Codes, SignInPage
from trax_mcp.sign_in.sign_ins import UNUSED_SECONDS, Scope, SignIns, TokenPair
from trax_mcp.sign_in.site import Site

SCOPES: Final = tuple(it.value for it in Scope)
_CODE_SECONDS: Final = 60
"""Source: RFC 6749, 4.1.2, which recommends at most ten minutes."""
_MAX_CODES: Final = 2_000
_RETRY_SECONDS: Final = 60
_RESOURCE_METADATA: Final = "/.well-known/oauth-protected-resource"
_CACHED: Final = {"Cache-Control": "public, max-age=3600"}
_NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_STYLES: Final = {
    "approval.css": "trax_mcp.web",
    "page.css": "trax_mcp.web",
    "sign_in.css": "trax_mcp.sign_in",
}
"""By the package that has them: the pages look like the one on a person's own computer."""
_NO_CODE: Final = (
    "This code has ended, was used before, or isn't for this client_id, redirect_uri and"
    " code_verifier. Sign in again."
)
_NO_TOKEN: Final = "This refresh token has ended, or is another client's. Sign in again."  # noqa: S105


class AuthorizationServer:
    """The endpoints and the pages."""

    def __init__(
        self, site: Site, sign_ins: SignIns, clock: Clock, *, trax: Client, clients: Clients
    ) -> None:
        self._site = site
        self._issuer = site.public_url
        self._sign_ins = sign_ins
        self._clients = clients
        self._codes: Codes = TTLCache(_MAX_CODES, _CODE_SECONDS, clock.seconds)
        forms, attempts = Forms(self._issuer, clock), Attempts(clock)
        self._page = SignInPage(
            site=site, forms=forms, clients=clients, attempts=attempts, codes=self._codes, trax=trax
        )
        self._list_page = SignInListPage(site, sign_ins, forms=forms, attempts=attempts)

    @property
    def metadata_url(self) -> str:
        """Where a client reads how to sign in, for `WWW-Authenticate`. Source: RFC 9728, 5.1."""
        return f"{self._issuer}{_RESOURCE_METADATA}{self._site.path}"

    def routes(self) -> list[Route]:
        """All addresses of signing in."""
        register = _for_programs("/register", self._register)
        # Clients that were not told where look at the path of the resource, or above it.
        paths = (_RESOURCE_METADATA + self._site.path, _RESOURCE_METADATA)
        return [
            _document("/.well-known/oauth-authorization-server", self._server_metadata()),
            *(_document(it, self._resource_metadata()) for it in paths),
            *self._page.routes(),
            *self._list_page.routes(),
            *(_style(name, package) for name, package in _STYLES.items()),
            _for_programs("/token", self._give_tokens),
            _for_programs("/revoke", self._revoke),
            *([register] if self._site.may_register else []),
        ]

    async def _give_tokens(self, request: Request) -> Response:
        """Change a code or a refresh token for tokens. Source: RFC 6749, 4.1.3 and 6.

        The client id is not authenticated: codes and tokens are bound to it. A refresh gives the
        scope that a person has allowed, whichever is asked for, and says so.
        """
        form = await client_form(request)
        check_resource(form.get("resource"), self._site.resource)
        match required(form, "grant_type"):
            case "authorization_code":
                tokens, problem = self._redeem(form), _NO_CODE
            case "refresh_token":
                given = required(form, "refresh_token")
                tokens = self._sign_ins.refresh(given, client_id=form["client_id"])
                problem = _NO_TOKEN
            case _:
                raise OAuthError("unsupported_grant_type", "This server has no such grant type.")
        if tokens is None:
            raise OAuthError("invalid_grant", problem)
        content = {
            "access_token": tokens.access_token,
            "token_type": "Bearer",
            "expires_in": UNUSED_SECONDS,
            "scope": tokens.access,
            "refresh_token": tokens.refresh_token,
        }
        return JSONResponse(content, headers=_NO_STORE)

    def _redeem(self, form: Mapping[str, str]) -> TokenPair | None:
        """The tokens for a code, which is gone then. Others who send it do not use it up."""
        code, verifier = required(form, "code"), required(form, "code_verifier")
        allowed = self._codes.get(code)
        if allowed is None or allowed.client_id != form["client_id"]:
            return None
        if _challenge_of(verifier) != allowed.challenge:
            return None
        if form.get("redirect_uri", allowed.redirect_uri) != allowed.redirect_uri:
            return None
        tokens = self._sign_ins.begin(
            allowed.key,
            allowed.access,
            client_id=allowed.client_id,
            client_name=allowed.client_name,
            redirect_host=redirect_host(allowed.redirect_uri),
        )
        self._codes.pop(code, None)
        return tokens

    async def _revoke(self, request: Request) -> Response:
        """End the sign-in of a token, of either kind. Unknown ones are no error: RFC 7009."""
        form = await client_form(request)
        self._sign_ins.revoke_token(required(form, "token"), client_id=form["client_id"])
        return Response(headers=_NO_STORE)

    async def _register(self, request: Request) -> Response:
        """Tell a client without a document its id, which is its description. Source: RFC 7591."""
        client = self._clients.register(await request.body())
        content = {
            "client_id": client.id,
            "client_name": client.name,
            "redirect_uris": [*client.redirect_uris],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }
        return JSONResponse(content, HTTPStatus.CREATED, _NO_STORE)

    # Issuers and resources are compared as strings, so they are written as they are.

    def _server_metadata(self) -> JsonObject:
        """Sources: RFC 8414, RFC 9207, and the draft on Client ID Metadata Documents."""
        registration = {"registration_endpoint": f"{self._issuer}/register"}
        return {
            "issuer": self._issuer,
            "authorization_endpoint": f"{self._issuer}/authorize",
            "token_endpoint": f"{self._issuer}/token",
            "revocation_endpoint": f"{self._issuer}/revoke",
            **(registration if self._site.may_register else {}),
            "scopes_supported": [*SCOPES],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["none"],
            "revocation_endpoint_auth_methods_supported": ["none"],
            "code_challenge_methods_supported": ["S256"],
            "client_id_metadata_document_supported": True,
            "authorization_response_iss_parameter_supported": True,
        }

    def _resource_metadata(self) -> JsonObject:
        """Source: RFC 9728."""
        return {
            "resource": self._site.resource,
            "authorization_servers": [self._issuer],
            "scopes_supported": [*SCOPES],
            "bearer_methods_supported": ["header"],
            "resource_name": "TRaX",
        }


def _challenge_of(verifier: str) -> str:
    """The S256 challenge. Source: RFC 7636, 4.6."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def _for_programs(path: str, handle: PageHandler) -> Route:
    """A route for clients, which are told of errors as RFC 6749, 5.2, has it."""

    async def run(request: Request) -> Response:
        try:
            return await handle(request)
        except OAuthError as error:
            return _error(error.error, str(error), error.status)
        except SignInUnavailable as error:
            response = _error("temporarily_unavailable", str(error), HTTPStatus.SERVICE_UNAVAILABLE)
            response.headers["Retry-After"] = str(_RETRY_SECONDS)
            return response

    return _open_route(path, run, "POST")


def _error(name: str, description: str, status: HTTPStatus) -> Response:
    content = {"error": name, "error_description": description}
    return JSONResponse(content, status, _NO_STORE)


def _document(path: str, content: JsonObject) -> Route:
    async def respond(_request: Request) -> Response:
        return JSONResponse(content, headers=_CACHED)

    return _open_route(path, respond, "GET")


def _open_route(path: str, handle: PageHandler, method: str) -> Route:
    """A route that any web page may use: clients prove themselves, no cookie does."""
    methods = [method, "OPTIONS"]
    app = CORSMiddleware(
        request_response(handle), allow_origins="*", allow_methods=methods, allow_headers=["*"]
    )
    return Route(path, app, methods=methods)


def _style(name: str, package: str) -> Route:
    content = files(package).joinpath("static", name).read_bytes()

    async def respond(_request: Request) -> Response:
        return Response(content, headers=PAGE_HEADERS, media_type="text/css")

    return Route(f"/sign-in/{name}", respond, methods=["GET"])
