"""A small web server on loopback, for pages in the browser of the person at this machine."""

import errno
import json
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.resources import files
from secrets import compare_digest, token_urlsafe
from typing import Final

import uvicorn
from anyio.abc import TaskStatus
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trax_mcp.web.local_requests import LocalRequestsOnly

Endpoint = Callable[[Request], Awaitable[Response]]

_MEDIA_TYPES: Final = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
_NO_IPV6: Final = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
_MAX_TRIES: Final = 16
_BACKLOG: Final = 16
"""asyncio accepts up to this number of connections before `FewConnections` ends another one."""


async def serve_pages(
    start_page: str,
    static: tuple[str, ...],
    posts: Mapping[str, Endpoint],
    *,
    task_status: TaskStatus[str],
) -> None:
    """Serve our files and what is posted to us, until cancelled. Reports the origin."""
    with _loopback_sockets() as (sockets, port):
        # A passkey needs a name; it cannot be for an IP address.
        origin = f"http://localhost:{port}"
        routes = [
            Route("/", _static_file(start_page)),
            *(Route(f"/{name}", _static_file(name)) for name in static),
            *(Route(path, post, methods=["POST"]) for path, post in posts.items()),
        ]
        app = LocalRequestsOnly(Starlette(routes=routes), origin=origin)
        config = uvicorn.Config(
            app,
            http=f"{__package__}.few_connections:FewConnections",  # h11 is loaded with it
            backlog=_BACKLOG,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
        )
        task_status.started(origin)
        await _Server(config).serve(sockets=sockets)


async def read_text(request: Request, name: str) -> str:
    """A text in the JSON body, or an empty one."""
    try:
        body = json.loads(await request.body())
    except ValueError:
        return ""
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) else ""


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


def _static_file(name: str) -> Endpoint:
    content = files("trax_mcp.web").joinpath("static", name).read_bytes()
    media_type = _MEDIA_TYPES[name.rpartition(".")[2]]

    async def respond(_request: Request) -> Response:
        return Response(content, media_type=media_type)

    return respond
