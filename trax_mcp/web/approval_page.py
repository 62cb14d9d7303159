"""The page that asks a person: a small web server on loopback, started with the first question.

The page's secret reaches the browser in the fragment of an address, which no server log and no
referrer holds. The first page that redeems it gets a session; all other pages can do nothing.
"""

import json
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.resources import files
from typing import Final

import anyio
import uvicorn
from anyio.abc import TaskGroup
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trax_mcp.clock import Clock
from trax_mcp.consent.approvals import Approval
from trax_mcp.web.approval_view import describe
from trax_mcp.web.browser import RedirectFile, has_browser, open_browser
from trax_mcp.web.local_requests import LocalRequestsOnly

_FILES: Final = {
    "/": ("page.html", "text/html"),
    "/approval.css": ("approval.css", "text/css"),
    "/page.css": ("page.css", "text/css"),
    "/approval.js": ("approval.js", "text/javascript"),
    "/page.js": ("page.js", "text/javascript"),
}
_POLL_SECONDS: Final = 20.0
"""How long a request of the page waits for something new."""
_PATIENCE_SECONDS: Final = 4.0
"""After this long without a report, the question is opened in another way."""
_SECRET_BYTES: Final = 32
_MAX_SHOWN: Final = 8


class ApprovalPage:
    """Shows approvals in one tab of the browser. Use as `async with open_page() as page`."""

    def __init__(self, tasks: TaskGroup, clock: Clock) -> None:
        self._tasks = tasks
        self._clock = clock
        self._origin: str | None = None
        self._starting = anyio.Lock()
        self._approvals: dict[str, Approval] = {}
        self._secret = ""
        self._session = ""
        self._was_opened_twice = False
        self._polls = 0
        self._version = 0
        self._changed = anyio.Event()

    def can_open(self) -> bool:
        """Whether there seems to be a browser that a person sees."""
        return has_browser()

    def show(self, approval: Approval, *, after_seconds: float = 0) -> None:
        """Begin to show an approval, unless another channel shows it by then."""
        self._tasks.start_soon(self._show, approval, after_seconds)

    async def _show(self, approval: Approval, after_seconds: float) -> None:
        if after_seconds and await self._was_reported(approval, after_seconds):
            return
        approval.channel = "page"
        self._approvals[approval.ticket] = approval
        for ticket in tuple(self._approvals)[:-_MAX_SHOWN]:
            del self._approvals[ticket]
        approval.on_change = self._note_change
        self._note_change()
        await self._open(approval)

    async def _open(self, approval: Approval) -> None:
        """Open the page in the browser, unless a tab that is open shows the approval itself."""
        async with self._starting:
            if self._origin is None:
                self._origin = await self._tasks.start(self._serve)
        if self._polls and await self._was_reported(approval, _PATIENCE_SECONDS):
            return
        address = self._new_address()
        redirect = RedirectFile(address)
        try:
            open_browser(redirect.address)
            if await self._was_reported(approval, _PATIENCE_SECONDS):
                return
        finally:
            redirect.delete()
        if self._secret:  # not every browser may read that file
            open_browser(address)

    async def _was_reported(self, approval: Approval, seconds: float) -> bool:
        """Whether the question was shown in time, or needs no showing any more."""
        async with self._clock.move_on_after(seconds):
            await approval.reported.wait()
        return approval.reported.is_set()

    def _new_address(self) -> str:
        self._secret = secrets.token_urlsafe(_SECRET_BYTES)
        self._was_opened_twice = False
        return f"{self._origin}/#{self._secret}"

    def _note_change(self) -> None:
        self._version += 1
        self._changed.set()
        self._changed = anyio.Event()

    # The requests of the page

    async def _redeem(self, request: Request) -> Response:
        """Exchange the secret for a session. The first page gets it."""
        secret = await _text(request, "secret")
        if not self._secret or not _is_same(secret, self._secret):
            self._was_opened_twice = self._was_opened_twice or bool(secret)
            self._note_change()
            return JSONResponse({"error": "used"}, 409)
        self._secret, self._session = "", secrets.token_urlsafe(_SECRET_BYTES)
        return JSONResponse({"session": self._session})

    async def _poll(self, request: Request) -> Response:
        """Wait for something new, and return what the page shows."""
        if not self._has_session(request):
            return _no_session()
        known = await _text(request, "version")
        self._polls += 1
        try:
            with anyio.move_on_after(_POLL_SECONDS):
                while known == str(self._version):
                    await self._changed.wait()
        finally:
            self._polls -= 1
        return self._state()

    async def _report(self, request: Request) -> Response:
        """The page shows a question to a person."""
        if not self._has_session(request):
            return _no_session()
        if approval := self._approvals.get(await _text(request, "ticket")):
            approval.report(await _text(request, "question"))
        return self._state()

    async def _answer(self, request: Request) -> Response:
        """A person has pressed a button."""
        if not self._has_session(request):
            return _no_session()
        if approval := self._approvals.get(await _text(request, "ticket")):
            question, choice = await _text(request, "question"), await _text(request, "choice")
            await approval.answer(question, choice)
        return self._state()

    def _state(self) -> Response:
        shown = [{"ticket": it.ticket, **describe(it)} for it in self._approvals.values()]
        return JSONResponse(
            {
                "version": str(self._version),
                "openedTwice": self._was_opened_twice,
                "approvals": shown,
            }
        )

    def _has_session(self, request: Request) -> bool:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return bool(self._session) and _is_same(given, self._session)

    # The server

    async def _serve(self, *, task_status: anyio.abc.TaskStatus[str]) -> None:
        with _loopback_sockets() as (sockets, port):
            origin = f"http://localhost:{port}"
            routes = [
                *(Route(path, _file(*it)) for path, it in _FILES.items()),
                Route("/redeem", self._redeem, methods=["POST"]),
                Route("/state", self._poll, methods=["POST"]),
                Route("/report", self._report, methods=["POST"]),
                Route("/answer", self._answer, methods=["POST"]),
            ]
            app = LocalRequestsOnly(Starlette(routes=routes), origin=origin)
            config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False)
            task_status.started(origin)
            await _Server(config).serve(sockets=sockets)


class _Server(uvicorn.Server):
    """uvicorn, but signals belong to the MCP server around it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def open_page(clock: Clock) -> AsyncIterator[ApprovalPage]:
    """The page of this process. Its server starts with the first question."""
    async with anyio.create_task_group() as tasks:
        yield ApprovalPage(tasks, clock)
        tasks.cancel_scope.cancel()


@contextmanager
def _loopback_sockets() -> Iterator[tuple[list[socket.socket], int]]:
    """Listen on a free port of both loopback addresses, so that nobody else has the other one."""
    with socket.create_server(("127.0.0.1", 0)) as ipv4:
        port: int = ipv4.getsockname()[1]
        try:
            ipv6 = socket.create_server(("::1", port), family=socket.AF_INET6)
        except OSError:  # this machine has no IPv6
            yield [ipv4], port
            return
        with ipv6:
            yield [ipv4, ipv6], port


def _file(name: str, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that returns one of our files."""
    content = files("trax_mcp.web").joinpath("static", name).read_bytes()

    async def respond(_request: Request) -> Response:
        return Response(content, media_type=media_type)

    return respond


async def _text(request: Request, name: str) -> str:
    """A text in the JSON body, or an empty one."""
    try:
        body = json.loads(await request.body())
    except ValueError:
        return ""
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) else ""


def _is_same(given: str, secret: str) -> bool:
    return secrets.compare_digest(given.encode(), secret.encode())


def _no_session() -> Response:
    return JSONResponse({"error": "no session"}, 401)
