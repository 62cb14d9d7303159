"""The authorization server: every address of signing in, as one app beside the MCP endpoint."""

import re
from collections.abc import Awaitable, Callable, Collection
from http import HTTPStatus
from typing import Final

from mcp.server.auth.routes import cors_middleware
from mcp.server.transport_security import RequestBodyLimitMiddleware
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.contract import JsonObject
from trax_mcp.server.app import Service
from trax_mcp.server.oauth.authorization_endpoint import AuthorizationEndpoint
from trax_mcp.server.oauth.oauth_metadata import (
    AUTHORIZE,
    REGISTER,
    RESOURCE_METADATA,
    REVOKE,
    SERVER_METADATA,
    TOKEN,
    resource_metadata,
    server_metadata,
)
from trax_mcp.server.oauth.oauth_requests import OAuthError, error_response
from trax_mcp.server.oauth.registration_endpoint import RegistrationEndpoint
from trax_mcp.server.oauth.token_endpoint import TokenEndpoint
from trax_mcp.settings import Settings
from trax_mcp.sign_in.attempts import (
    MAX_AUTHORIZATION_REQUESTS,
    MAX_REGISTRATIONS,
    MAX_WRONG_KEYS,
    Attempts,
    TooManyAttempts,
)
from trax_mcp.sign_in.client_documents import ClientDocuments
from trax_mcp.sign_in.codes import Codes
from trax_mcp.sign_in.grants import SignInUnavailable
from trax_mcp.sign_in.pending import PendingSignIns
from trax_mcp.sign_in.store import SignInStore
from trax_mcp.web.sign_in_list_page import SignInListPage
from trax_mcp.web.sign_in_page import SignInPage
from trax_mcp.web.sign_in_screens import Site

_LARGEST_BODY_BYTES: Final = 16 * 1024
_CACHED: Final = {"Cache-Control": "public, max-age=3600"}
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer that has none of its own."""

_OTHER_HOST: Final = PlainTextResponse(
    "This server has another name.", HTTPStatus.MISDIRECTED_REQUEST
)

_Handler = Callable[[Request], Awaitable[Response]]


def sign_in_app(
    store: SignInStore,
    settings: Settings,
    *,
    client: Client,
    deps: Service,
    own: Caller,
    path: str,
    hosts: Collection[str],
    documents: ClientDocuments | None = None,
) -> "SignInApp":
    """Make the app. `path` is that of the MCP endpoint, and `own` the sandbox's owner, if any.

    `hosts` are the names that this server may be called by.
    """
    issuer = settings.public_url or ""
    resource = issuer + path
    has_registration = settings.sign_in_registration
    codes, pending = Codes(deps.clock, store.revoke), PendingSignIns(deps.clock.seconds)
    site = Site(
        public_url=issuer,
        mode=deps.rules.mode,
        needs_passkey=deps.needs_passkey,
        sandbox_key=own.key,
    )
    authorization = AuthorizationEndpoint(
        site=site,
        documents=documents or ClientDocuments(deps.clock),
        store=store,
        pending=pending,
        attempts=Attempts(deps.clock, limit=MAX_AUTHORIZATION_REQUESTS),
        resource=resource,
        can_run=not settings.read_only,
    )
    tokens = TokenEndpoint(codes=codes, store=store, resource=resource)
    registration = RegistrationEndpoint(
        store=store, attempts=Attempts(deps.clock, limit=MAX_REGISTRATIONS)
    )
    wrong_keys = Attempts(deps.clock, limit=MAX_WRONG_KEYS)
    page = SignInPage(
        site=site,
        pending=pending,
        codes=codes,
        client=client,
        attempts=wrong_keys,
        clock=deps.clock,
    )
    sign_in_list = SignInListPage(site, store=store, attempts=wrong_keys, clock=deps.clock)
    routes = [
        _document(SERVER_METADATA, server_metadata(issuer, has_registration=has_registration)),
        *(
            _document(RESOURCE_METADATA + suffix, resource_metadata(issuer, resource=resource))
            for suffix in (path, "")  # clients look there if they were not told where
        ),
        Route(AUTHORIZE, authorization.handle, methods=["GET"]),
        _for_programs(TOKEN, tokens.handle),
        _for_programs(REVOKE, tokens.revoke),
        *([_for_programs(REGISTER, registration.handle)] if has_registration else []),
        *page.routes(),
        *sign_in_list.routes(),
    ]
    errors = dict.fromkeys((OAuthError, TooManyAttempts, SignInUnavailable), error_response)
    endpoints = Starlette(routes=routes, exception_handlers=errors)
    endpoints.router.redirect_slashes = False  # behind a proxy it would redirect to http
    app: ASGIApp = RequestBodyLimitMiddleware(endpoints, _LARGEST_BODY_BYTES)
    return SignInApp(app, hosts=hosts, paths=[route.path for route in routes])


def _document(path: str, content: JsonObject) -> Route:
    response = JSONResponse(content, headers=_CACHED)

    async def respond(_request: Request) -> Response:
        return response

    methods = ["GET", "OPTIONS"]
    return Route(path, cors_middleware(respond, methods), methods=methods)


def _for_programs(path: str, handle: _Handler) -> Route:
    """A route that clients may call from any web page: they prove themselves, no cookie does."""
    methods = ["POST", "OPTIONS"]
    return Route(path, cors_middleware(handle, methods), methods=methods)


class SignInApp:
    """Refuses requests for other hosts (DNS rebinding), and completes the headers of answers.

    `paths` are those of its endpoints.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str], paths: Collection[str]) -> None:
        self._app = app
        self.paths = paths
        self._host = re.compile("|".join(rf"{re.escape(host)}(:\d+)?" for host in hosts), re.ASCII)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run a request, or refuse it."""

        async def send_complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        host = Headers(scope=scope).get("host", "").lower()
        app = self._app if self._host.fullmatch(host) else _OTHER_HOST
        await app(scope, receive, send_complete)
