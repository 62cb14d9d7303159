"""The MCP endpoint as an ASGI app, with health checks and the pages of signing in beside it.

A health check is answered at once. Any other request goes through `Requests`, `Authentication`,
`Limits`, and the SDK's app.
"""

import logging
from collections.abc import Collection
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from mcp.server import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from trax_mcp import __version__
from trax_mcp.http import sessions, turns
from trax_mcp.http.authentication import PATH, Authentication, Tokens
from trax_mcp.http.limits import BODY_BYTES, Limits
from trax_mcp.http.run import Serving
from trax_mcp.observe.messages import observed_server
from trax_mcp.observe.requests import Requests
from trax_mcp.server.app import Service
from trax_mcp.server.sdk_compat import hide_session_ids, ignore_last_event_id
from trax_mcp.settings import Settings

if TYPE_CHECKING:
    from trax_mcp.sign_in.clients import Clients

_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_LOG: Final = logging.getLogger(__name__)
_CHECKED_ALREADY: Final = TransportSecuritySettings(enable_dns_rebinding_protection=False)


def http_app(service: Service, serving: Serving, *, clients: "Clients | None" = None) -> ASGIApp:
    """Make the app. Tests replace `clients`, which are those that people sign in with."""
    deployment = service.deployment
    settings, sign_ins = deployment.settings, deployment.sign_ins
    hide_session_ids()
    routes: list[Route] = []
    tokens = None
    if sign_ins is not None:
        # Only with sign-in, since they take time to import.
        from trax_mcp.sign_in.clients import Clients  # noqa: PLC0415
        from trax_mcp.sign_in.server import SCOPES, AuthorizationServer  # noqa: PLC0415
        from trax_mcp.sign_in.site import Site  # noqa: PLC0415

        authorization_server = AuthorizationServer(
            Site(
                public_url=str(settings.public_url),
                path=PATH,
                ask=service.offer.rules.ask,
                may_run=not settings.read_only,
                may_register=settings.sign_in_registration,
                sandbox_key=deployment.caller.key,
            ),
            sign_ins,
            service.clock,
            trax=service.client,
            clients=clients
            or Clients(
                service.clock,
                mac=sign_ins.client_mac,
                document_hosts=settings.client_document_hosts,
            ),
        )
        routes = authorization_server.routes()
        tokens = Tokens(
            verify=sign_ins.find,
            metadata_url=authorization_server.metadata_url,
            scopes=SCOPES,
        )
    service.client.observe(turns.end_current)
    server = observed_server(service)
    limits = Limits(_endpoints(server, routes), service, tokens=tokens)
    server.middleware += turns.resume, limits.sessions.watch
    authentication = Authentication(
        limits,
        hosts=_hosts(settings),
        origins=settings.allowed_origins,
        caller_without_key=deployment.caller,
        public_paths=[route.path for route in routes],
        server_tokens=deployment.server_tokens,
        tokens=tokens,
    )
    observed = Requests(authentication, (PATH, *(route.path for route in routes)))
    return _HealthChecks(observed, serving)


class _HealthChecks:
    """Answers `GET /healthz` and `/readyz`, which need no caller and no room."""

    def __init__(self, app: ASGIApp, serving: Serving) -> None:
        self._app = app
        self._serving = serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        path, app = scope.get("path"), self._app
        if scope["type"] == "lifespan":
            app = self._run_lifespan
        if path == "/healthz":
            app = JSONResponse({"status": "ok", "version": __version__})
        elif path == "/readyz":
            app = self._readiness()
        await app(scope, receive, send)

    async def _run_lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception:
            _LOG.exception("the app has ended")  # uvicorn's own line is cut short
            raise

    def _readiness(self) -> JSONResponse:
        serving = self._serving
        body = {"status": "ready" if serving.is_ready else "draining"}
        if serving.store_answers is not None:
            body["store"] = "ok" if serving.store_answers() else "away"
        status = HTTPStatus.OK if serving.is_ready else HTTPStatus.SERVICE_UNAVAILABLE
        return JSONResponse(body, status)


def _endpoints(server: Server[Any], routes: Collection[Route]) -> ASGIApp:
    """The MCP endpoint of the SDK, and `routes`."""
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        max_request_body_size=BODY_BYTES,
        transport_security=_CHECKED_ALREADY,
        custom_starlette_routes=[*routes],
        max_sessions=sessions.MOST_OF_ALL,
    )
    # Behind a proxy it would redirect to http, and some clients would send their key there.
    app.router.redirect_slashes = False
    return ignore_last_event_id(app)


def _hosts(settings: Settings) -> Collection[str]:
    """The names that this server may be called by."""
    public = urlsplit(settings.public_url or "").netloc if settings.sign_in else ""
    return dict.fromkeys((*_LOOPBACK, *settings.allowed_hosts, *filter(None, (public,))))
