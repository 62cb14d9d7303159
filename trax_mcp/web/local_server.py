"""A small web server on loopback, for pages in the browser of the person at this machine."""

import errno
import json
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from secrets import compare_digest, token_urlsafe
from typing import TYPE_CHECKING, Final

import uvicorn
from anyio.abc import TaskGroup, TaskStatus
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trax_mcp.api.contract import JsonObject
from trax_mcp.web.static_files import LOAD, read_static

if TYPE_CHECKING:
    from asyncio import Protocol, Transport

RouteHandler = Callable[[Request], Awaitable[Response]]

_MEDIA_TYPES: Final = {"css": "text/css", "js": "text/javascript"}
_NO_IPV6: Final = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
_MAX_TRIES: Final = 16
_MAX_CONNECTIONS: Final = 32
_BACKLOG: Final = 16
"""asyncio accepts up to this number of connections before `FewConnections` ends another one."""
_MAX_BODY_BYTES: Final = 16_384
"""A chat message may have 2,000 characters, each of up to four bytes."""
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class PageServer:
    """Serves a page from the first time that somebody needs it."""

    def __init__(self, tasks: TaskGroup, page: str, posts: Mapping[str, RouteHandler]) -> None:
        self._tasks = tasks
        self._page = page
        self._posts = posts
        self.origin = ""

    async def start(self) -> str:
        """Start it, unless it runs. Returns the origin.

        Raises:
            RuntimeError: it has ended at once.
        """
        if not self.origin:
            self.origin = await self._tasks.start(self._serve)
        return self.origin

    async def _serve(self, *, task_status: TaskStatus[str]) -> None:
        try:
            with suppress(Exception):  # only the page ends, and `start` starts it again
                await serve_page(self._page, self._posts, task_status=task_status)
        finally:
            self.origin = ""


async def serve_page(
    name: str, posts: Mapping[str, RouteHandler], *, task_status: TaskStatus[str]
) -> None:
    """Serve a page, its files and what is posted to us, until cancelled. Reports the origin."""
    page = read_static(name)
    loaded = [it["css"] or it["js"] for it in LOAD.finditer(page)]
    with _loopback_sockets() as (sockets, port):
        # A passkey needs a name; it cannot be for an IP address.
        origin = f"http://localhost:{port}"
        routes = [
            Route("/", _answer_with(page, "text/html")),
            *(Route(f"/{it}", _static_file(it)) for it in loaded),
            *(Route(path, post, methods=["POST"]) for path, post in posts.items()),
        ]
        app = _LocalRequestsOnly(Starlette(routes=routes), origin=origin)
        config = uvicorn.Config(
            app,
            http=_few_connections(),
            backlog=_BACKLOG,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
        )
        task_status.started(origin)
        server = _Server(config)
        try:
            await server.serve(sockets=sockets)
        finally:
            for it in getattr(server, "servers", ()):  # or the event loop keeps their numbers
                it.close()


async def read_json(request: Request) -> JsonObject:
    """The object in the JSON body, or an empty one."""
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


async def read_text(request: Request, name: str) -> str:
    """A text in the JSON body, or an empty one."""
    value = (await read_json(request)).get(name)
    return value if isinstance(value, str) else ""


def no_session() -> Response:
    """The answer to a page that has no session here."""
    return JSONResponse({"error": "no session"}, 401)


class PageAccess:
    """Lets one page in: the first that redeems the secret of its address gets a session."""

    def __init__(self) -> None:
        self._secret = ""
        self._session = ""

    @property
    def is_redeemed(self) -> bool:
        """Whether a page has used the secret."""
        return not self._secret

    def new_secret(self) -> str:
        """Make a secret for an address. An earlier one counts no more."""
        self._secret = token_urlsafe()
        return self._secret

    def redeem(self, secret: str) -> str | None:
        """Exchange the secret for a session. None if it is not the right one, or was used."""
        if not _is_same(secret, self._secret):
            return None
        self._secret, self._session = "", token_urlsafe()
        return self._session

    def has_session(self, request: Request) -> bool:
        """Whether a request brings the session."""
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return _is_same(given, self._session)


def _is_same(given: str, secret: str) -> bool:
    """Compare in constant time. An empty secret is never right."""
    return bool(secret) and compare_digest(given.encode(), secret.encode())


class _LocalRequestsOnly:
    """Middleware: other hosts (DNS rebinding), other origins and large bodies are refused.

    Source of the rules: OWASP's sheets on cross-site request forgery, and the MCP specification's
    section on DNS rebinding.
    """

    def __init__(self, app: ASGIApp, *, origin: str) -> None:
        self._app = app
        self._origin = origin
        self._host = origin.removeprefix("http://")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        refused = self._refusal(scope["method"], Headers(scope=scope))
        app = PlainTextResponse(refused, 403) if refused else self._app
        await app(scope, receive, send_with_headers)

    def _refusal(self, method: str, headers: Headers) -> str | None:
        if headers.get("host") != self._host:
            return "This page has another address."
        if method == "GET":
            return None
        if headers.get("origin") != self._origin:
            return "Only this page itself can do this."
        if headers.get("content-type") != "application/json":
            return "Only JSON is accepted."
        length = headers.get("content-length", "")
        return None if length.isdecimal() and int(length) <= _MAX_BODY_BYTES else "Too long."


def _few_connections() -> "type[Protocol]":
    """Make uvicorn's protocol for HTTP, which ends silent connections when there are many.

    Other users of this computer can open them, until the process can open nothing, nor send a stop.
    """
    from uvicorn.protocols.http.h11_impl import H11Protocol  # noqa: PLC0415  takes time to import

    class FewConnections(H11Protocol):
        def connection_made(self, transport: "Transport") -> None:  # type: ignore[override]  # as in uvicorn
            super().connection_made(transport)
            if len(self.connections) > _MAX_CONNECTIONS:
                others = (it for it in self.connections if isinstance(it, H11Protocol))
                silent = (it for it in others if it is not self and it.cycle is None)
                next(silent, self).transport.abort()

    return FewConnections


class _Server(uvicorn.Server):
    """uvicorn, but signals belong to the server around it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def _loopback_sockets() -> Iterator[tuple[list[socket.socket], int]]:
    """Listen on a port that is free on both loopback addresses. A browser may use either.

    Raises:
        OSError: there is no such port.
    """
    sockets = _try_port()
    for _ in range(_MAX_TRIES - 1):
        sockets = sockets or _try_port()
    if sockets is None:
        raise OSError(errno.EADDRINUSE, "no port is free on both loopback addresses")
    with ExitStack() as opened:
        for it in sockets:
            opened.enter_context(it)
        yield sockets, sockets[0].getsockname()[1]


def _try_port() -> list[socket.socket] | None:
    """Sockets on one free port. None if another program has its IPv6 address."""
    ipv4 = socket.create_server(("127.0.0.1", 0))
    try:
        ipv6 = socket.create_server(("::1", ipv4.getsockname()[1]), family=socket.AF_INET6)
    except OSError as error:
        if error.errno in _NO_IPV6:
            return [ipv4]
        ipv4.close()
        return None
    return [ipv4, ipv6]


def _static_file(name: str) -> RouteHandler:
    return _answer_with(read_static(name), _MEDIA_TYPES[name.rpartition(".")[2]])


def _answer_with(content: str, media_type: str) -> RouteHandler:
    async def respond(_request: Request) -> Response:
        return Response(content, media_type=media_type)

    return respond
