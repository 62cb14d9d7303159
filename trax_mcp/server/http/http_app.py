"""The MCP endpoint as an ASGI app, with health checks, authentication and CORS around it."""

import re
from collections.abc import Collection
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mcp.server import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.client import Client
from trax_mcp.server.app import ServerDeps
from trax_mcp.server.http.auth_middleware import AuthMiddleware
from trax_mcp.server.http.request_limits import (
    LARGEST_REQUEST_BYTES,
    ReceiveBodyFirst,
    RequestLimit,
)
from trax_mcp.server.http.sessions import Sessions
from trax_mcp.server.sdk_compat import (
    check_host_first,
    complete_streams,
    hide_session_ids,
    track_streams,
)
from trax_mcp.settings import Settings

if TYPE_CHECKING:
    from trax_mcp.sign_in.clients import Clients
    from trax_mcp.sign_in.sign_ins import SignIns

PATH = "/mcp"
_HEALTH_PATH = "/healthz"
_READY_PATH = "/readyz"
_LARGEST_FORM_BYTES = 16 * 1024
_OTHER_HOST = PlainTextResponse("This server has another name.", HTTPStatus.MISDIRECTED_REQUEST)
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def http_app(
    server: Server[Any],
    settings: Settings,
    *,
    client: Client,
    deps: ServerDeps,
    own: Caller = ANONYMOUS,
    sign_ins: "SignIns | None" = None,
    clients: "Clients | None" = None,
) -> ASGIApp:
    """Make the app. `client`, `deps` and `own` are those that `server` was built with.

    With `sign_ins`, people can sign in, and every call needs a key or a token. Tests replace
    `clients`.
    """
    hide_session_ids()
    security = _transport_security(settings)
    endpoints = _endpoints(server, security, deps)
    app = complete_streams(track_streams(endpoints, deps.open_streams), deps.in_flight)
    app = Sessions(app, path=PATH, client=client, deps=deps)
    app = ReceiveBodyFirst(app, deps.in_flight)
    app = check_host_first(RequestLimit(app, client.accepted_keys), security)
    bearer_tokens = sign_in = None
    if sign_ins is not None:
        # Only with sign-in, since they take time to import.
        from trax_mcp.server.oauth.bearer_tokens import BearerTokens  # noqa: PLC0415
        from trax_mcp.server.oauth.ended_sign_ins import EndedSignIns  # noqa: PLC0415
        from trax_mcp.sign_in.screens import Site  # noqa: PLC0415
        from trax_mcp.sign_in.server import AuthorizationServer  # noqa: PLC0415

        authorization_server = AuthorizationServer(
            Site(
                public_url=str(settings.public_url),
                mode=deps.rules.mode,
                needs_passkey=deps.needs_passkey,
                sandbox_key=own.key,
            ),
            sign_ins,
            deps.clock,
            trax=client,
            path=PATH,
            may_run=not settings.read_only,
            may_register=settings.sign_in_registration,
            clients=clients,
        )
        sign_in = _sign_in_app(authorization_server.routes(), settings, deps)
        bearer_tokens = BearerTokens(authorization_server)
        app = EndedSignIns(app, authorization_server.verify, deps.clock)
    app = AuthMiddleware(
        app,
        own=own,
        public_paths=(_HEALTH_PATH, _READY_PATH),
        public_app=endpoints,
        mcp_token=settings.mcp_token.get_secret_value() if settings.mcp_token else None,
        bearer_tokens=bearer_tokens,
    )
    app = _with_cors(app, settings)
    if sign_in is not None:
        app = _beside(app, sign_in)
    return _with_or_without_slash(app)


def _endpoints(
    server: Server[Any], security: TransportSecuritySettings, deps: ServerDeps
) -> ASGIApp:
    """The MCP endpoint of the SDK, and the health checks."""

    async def healthz(_request: Request) -> JSONResponse:
        return deps.readiness.health()

    async def readyz(_request: Request) -> JSONResponse:
        return deps.readiness.response()

    app = server.streamable_http_app(
        streamable_http_path=PATH,
        max_request_body_size=LARGEST_REQUEST_BYTES,
        transport_security=security,
        custom_starlette_routes=[Route(_HEALTH_PATH, healthz), Route(_READY_PATH, readyz)],
        max_sessions=None,  # `Sessions` limits them, for each caller
    )
    # Behind a proxy it would redirect to http, and some clients would send their key there.
    app.router.redirect_slashes = False
    return app


def _with_cors(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Let web pages of the allowed origins call, and read where to sign in."""
    if not settings.allowed_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origin_regex="|".join(
            rf"{re.escape(origin)}(:\d+)?" for origin in settings.allowed_origins
        ),
        allow_methods=("GET", "POST", "DELETE"),
        allow_headers=("*",),
        expose_headers=("Mcp-Session-Id", *(("WWW-Authenticate",) if settings.sign_in else ())),
    )


def _with_or_without_slash(app: ASGIApp) -> ASGIApp:
    """Serve the endpoint at `/mcp/` too, as some clients spell it."""

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path") == f"{PATH}/":
            scope = {**scope, "path": PATH, "raw_path": PATH.encode()}
        await app(scope, receive, send)

    return run


def _sign_in_app(routes: list[Route], settings: Settings, deps: ServerDeps) -> ASGIApp:
    """The addresses of signing in. Other hosts are refused (DNS rebinding)."""
    starlette = Starlette(routes=routes)
    starlette.router.redirect_slashes = False  # as above
    app = ReceiveBodyFirst(starlette, deps.in_flight, most=_LARGEST_FORM_BYTES)
    host = re.compile("|".join(rf"{re.escape(it)}(:\d+)?" for it in _hosts(settings)), re.ASCII)

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault("X-Content-Type-Options", "nosniff")
            await send(message)

        named = host.fullmatch(Headers(scope=scope).get("host", "").lower())
        await (app if named else _OTHER_HOST)(scope, receive, send_complete)

    return run


def _beside(app: ASGIApp, sign_in: ASGIApp) -> ASGIApp:
    """Send what is not for the MCP endpoint or the health checks to the app of signing in."""

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", PATH)
        is_ours = path in (PATH, _HEALTH_PATH, _READY_PATH) or path.startswith(f"{PATH}/")
        await (app if is_ours else sign_in)(scope, receive, send)

    return run


def _hosts(settings: Settings) -> Collection[str]:
    """The names that this server may be called by."""
    public = urlsplit(settings.public_url or "").netloc if settings.sign_in else ""
    return dict.fromkeys((*_LOOPBACK, *settings.allowed_hosts, *filter(None, (public,))))


def _transport_security(settings: Settings) -> TransportSecuritySettings:
    """Allow loopback and the names in the settings. `:*` stands for any port."""
    hosts = _hosts(settings)
    origins = dict.fromkeys((*(f"http://{host}" for host in _LOOPBACK), *settings.allowed_origins))
    return TransportSecuritySettings(
        allowed_hosts=[pattern for name in hosts for pattern in (name, f"{name}:*")],
        allowed_origins=[pattern for name in origins for pattern in (name, f"{name}:*")],
    )
