"""The sandbox's ASGI application: routes from the contract document, middleware, handlers.

Paths are split before they are percent-decoded, so that an encoded slash stays inside its segment.
Sandbox behaviour: unknown paths, undocumented methods and the upload URL answer like documented
calls.
"""

import re
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from urllib.parse import unquote

from starlette.requests import ClientDisconnect
from starlette.requests import Request as StarletteRequest
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from trax_mcp.sandbox.contract_calls import Call, documented_calls
from trax_mcp.sandbox.handlers import HANDLERS, Handler
from trax_mcp.sandbox.messages import (
    Middleware,
    Refusal,
    Request,
    RequestHandler,
    Response,
    encode_json,
    not_found,
)
from trax_mcp.sandbox.middleware import (
    RateLimiter,
    answer_refusals,
    check_body,
    require_key,
    require_scope,
    require_writes_enabled,
    wrap,
)
from trax_mcp.sandbox.world import World

UPLOADS = "/uploads/{token}"

MAX_KEPT_BYTES = 1 << 20
"""The part of a body that is kept; the rest of an upload is only counted."""

_VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def create_app(world: World, middleware: Sequence[Middleware] = ()) -> ASGIApp:
    """Build the ASGI app, with `middleware` outermost.

    Raises:
        RuntimeError: the handlers and the contract disagree.
    """
    outer = (*middleware, answer_refusals)
    rate_limiter = RateLimiter(world.clock, world.deployment)
    handlers: defaultdict[str, dict[str, RequestHandler]] = defaultdict(dict)
    for call, handler in match_handlers(HANDLERS):
        inner = _call_middlewares(world, call, rate_limiter)
        handlers[call.path][call.method] = wrap(inner, _call_handler(world, call, handler))
    handlers[UPLOADS]["PUT"] = _upload_handler(world)
    routes = [Route(path, Endpoint(by_method, outer)) for path, by_method in handlers.items()]
    return SandboxApp(Router(routes, redirect_slashes=False, default=Endpoint({}, outer)))


def match_handlers(handlers: Mapping[tuple[str, str], Handler]) -> list[tuple[Call, Handler]]:
    """Pair each documented call with its handler; RuntimeError if either has no partner."""
    documented = {(call.method, call.path): call for call in documented_calls()}
    if unmatched := documented.keys() ^ handlers.keys():
        raise RuntimeError(
            f"the contract and the sandbox's handlers disagree on {sorted(unmatched)}"
        )
    return [(call, handlers[key]) for key, call in documented.items()]


def _call_middlewares(world: World, call: Call, rate_limiter: RateLimiter) -> Sequence[Middleware]:
    """The middleware of one call, outermost first. A call without a scope is public.

    Sandbox behaviour: public calls are not rate limited.
    """
    keys = (require_key(world), require_scope(call.scope), rate_limiter.limit) if call.scope else ()
    writes = (require_writes_enabled(world.deployment),) if call.gated else ()
    bodies = (check_body(call),) if call.request else ()
    return (*keys, *writes, *bodies)


def _call_handler(world: World, call: Call, handler: Handler) -> RequestHandler:
    async def handle(request: Request) -> Response:
        return Response(call.success, encode_json(handler(world, request)))

    return handle


def _upload_handler(world: World) -> RequestHandler:
    async def handle(request: Request) -> Response:
        world.library.receive(request.ids["token"], request.size)
        return Response(200, b"", content_type="text/plain")

    return handle


def _method_not_allowed(methods: Iterable[str]) -> Refusal:
    """405; `Allow` lists the path's methods: RFC 9110, section 15.5.6."""
    allow = {"Allow": ", ".join(methods)}
    return Refusal(405, "method_not_allowed", "This path has no such method.", headers=allow)


def _refusal_handler(refusal: Refusal) -> RequestHandler:
    async def handle(request: Request) -> Response:
        return refusal.to_response(request.request_id)

    return handle


class SandboxApp:
    """The outermost ASGI callable."""

    def __init__(self, router: Router) -> None:
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route by the raw path."""
        if scope["type"] == "http":
            scope = {**scope, "path": scope["raw_path"].decode("ascii")}
        with suppress(ClientDisconnect):
            await self._router(scope, receive, send)


class Endpoint:
    """All methods of one path; without methods, a path that does not exist."""

    def __init__(
        self, by_method: Mapping[str, RequestHandler], outer: Iterable[Middleware]
    ) -> None:
        self._by_method = {method: wrap(outer, handler) for method, handler in by_method.items()}
        refusal = _method_not_allowed(by_method) if by_method else not_found("path")
        self._default = wrap(outer, _refusal_handler(refusal))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the whole request, handle it and send the response."""
        request = await _read_request(StarletteRequest(scope, receive))
        response = await self._by_method.get(request.method, self._default)(request)
        await send_response(response, request.request_id, send)


async def _read_request(request: StarletteRequest) -> Request:
    body, size = bytearray(), 0
    async for chunk in request.stream():
        size += len(chunk)
        body += chunk[: MAX_KEPT_BYTES - len(body)]
    return Request(
        method=request.method,
        path=request.scope["path"],
        ids={name: unquote(value) for name, value in request.path_params.items()},
        query=dict(request.query_params),
        headers=dict(request.headers),
        body=bytes(body),
        size=size,
        request_id=_request_id(request.headers.get("x-request-id", "")),
    )


def _request_id(sent: str) -> str:
    """Echo the caller's id. Sandbox behaviour: not if it is long or has unusual characters."""
    return sent if _VALID_REQUEST_ID.fullmatch(sent) else f"req_{secrets.token_hex(12)}"


async def send_response(response: Response, request_id: str, send: Send) -> None:
    """Send a response as ASGI messages."""
    headers = {
        "content-type": response.content_type,
        "content-length": str(len(response.body)),
        "x-request-id": request_id,
        **{name.lower(): value for name, value in response.headers.items()},
    }
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": raw})
    await send({"type": "http.response.body", "body": response.body})
