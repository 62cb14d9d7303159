"""Requests that reach the sandbox and its responses, and middleware between them and a test."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.requests import ClientDisconnect
from starlette.requests import Request as StarletteRequest

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Middleware may pass on another one."""

    method: str
    path: str
    """Still percent-encoded, without the query."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def secret(self) -> str | None:
        """The key as sent."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" else self.headers.get("x-api-key")

    @property
    def request_id(self) -> str:
        """The id as sent."""
        return self.headers.get("x-request-id", "")


@dataclass(frozen=True, slots=True)
class Response:
    """One response. `headers` are those besides the type, the length and the request's id."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    request_id: str = ""
    """As the sandbox returned it; empty in the response of a test, which gets the request's."""


RequestHandler = Callable[[Request], Awaitable[Response]]
"""Handles a request: the sandbox, alone or wrapped in middleware."""

Middleware = Callable[[Request, RequestHandler], Awaitable[Response]]
"""Gets a request and the next handler, which it may call."""


def encode_json(payload: Mapping[str, Any]) -> bytes:
    """Compact JSON in UTF-8; a lone surrogate becomes a question mark."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace")


class InterceptedApp:
    """Wraps an ASGI application in middleware, the first outermost."""

    def __init__(self, app: ASGIApp, *middleware: Middleware) -> None:
        self._app = app
        self._middleware = middleware

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the whole request, let the middleware handle it, and send the response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        read = StarletteRequest(scope, receive)
        try:
            body = await read.body()
        except ClientDisconnect:
            return
        path = scope["raw_path"].decode("ascii")
        query, headers = dict(read.query_params), dict(read.headers)
        request = Request(read.method, path, query, headers, body)

        async def handle(passed_on: Request) -> Response:
            changed = {"raw_path": passed_on.path.encode("ascii")}
            if passed_on.query is not query:
                changed["query_string"] = urlencode(passed_on.query).encode("ascii")
            return await _answer(self._app, {**scope, **changed}, passed_on.body)

        handler: RequestHandler = handle
        for middleware in reversed(self._middleware):
            handler = _wrap(middleware, handler)
        await send_response(await handler(request), request.request_id, send)


def _wrap(middleware: Middleware, next_handler: RequestHandler) -> RequestHandler:
    return lambda request: middleware(request, next_handler)


async def _answer(app: ASGIApp, scope: Scope, body: bytes) -> Response:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *parts = sent
    headers = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
    headers.pop("content-length", None)
    return Response(
        status=start["status"],
        body=b"".join(part.get("body", b"") for part in parts),
        content_type=headers.pop("content-type", ""),
        request_id=headers.pop("x-request-id", ""),
        headers=headers,
    )


async def send_response(response: Response, request_id: str, send: Send) -> None:
    """Send a response as ASGI messages."""
    headers = {
        "content-type": response.content_type,
        "content-length": str(len(response.body)),
        "x-request-id": response.request_id or request_id or "req_0",
        **{name.lower(): value for name, value in response.headers.items()},
    }
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": raw})
    await send({"type": "http.response.body", "body": response.body})
