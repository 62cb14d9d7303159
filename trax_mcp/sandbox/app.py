"""The sandbox over HTTP: routes made from the contract document, each handler inside its gates.

Paths are split before they are percent-decoded, so that an encoded slash stays inside its segment.
Sandbox behaviour: unknown paths, undocumented methods and the upload URL answer in the manner of
documented calls.
"""

from __future__ import annotations

import re
import secrets
from collections import defaultdict
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.requests import ClientDisconnect
from starlette.requests import Request as StarletteRequest
from starlette.routing import Route, Router

from trax_mcp.sandbox.contract import Call, calls
from trax_mcp.sandbox.handlers import HANDLERS, Handler
from trax_mcp.sandbox.messages import (
    Answer,
    Answerer,
    ConnectionDropped,
    Middleware,
    Refusal,
    Request,
    encoded,
    not_found,
)
from trax_mcp.sandbox.middleware import (
    Buckets,
    checked,
    enveloped,
    keyed,
    scoped,
    wrap,
    write_gated,
)
from trax_mcp.sandbox.wire import hang_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

    from trax_mcp.sandbox.faults import Faults
    from trax_mcp.sandbox.log import Log
    from trax_mcp.sandbox.world import World

UPLOADS = "/uploads/{token}"

KEPT_BYTES = 1 << 20
"""How much of a body is kept; the rest, of an upload, is only counted."""

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def create_app(world: World, *, faults: Faults, log: Log) -> ASGIApp:
    """The whole sandbox as ASGI. Raises RuntimeError if handlers and contract disagree."""
    outer: tuple[Middleware, ...] = (log.gate, faults.gate, enveloped)
    buckets = Buckets(world.clock, world.deployment)
    answerers: defaultdict[str, dict[str, Answerer]] = defaultdict(dict)
    for call, handler in judged(HANDLERS):
        inner = _gates(world, call, buckets)
        answerers[call.path][call.method] = wrap(inner, _handled(world, call, handler))
    answerers[UPLOADS]["PUT"] = _received(world)
    routes = [Route(path, Endpoint(by_method, outer)) for path, by_method in answerers.items()]
    return Edge(Router(routes, redirect_slashes=False, default=Endpoint({}, outer)))


def judged(handlers: Mapping[tuple[str, str], Handler]) -> list[tuple[Call, Handler]]:
    """Each documented call with its handler; RuntimeError if either lacks the other."""
    documented = {(call.method, call.path): call for call in calls()}
    if stray := documented.keys() ^ handlers.keys():
        raise RuntimeError(f"the contract and the sandbox's handlers disagree on {sorted(stray)}")
    return [(call, handlers[where]) for where, call in documented.items()]


def _gates(world: World, call: Call, buckets: Buckets) -> Sequence[Middleware]:
    """What stands before one call's handler, outermost first. A call without a scope is public.

    Sandbox behaviour: public calls cost no rate.
    """
    keys = (keyed(world), scoped(call.scope), buckets.gate) if call.scope else ()
    writes = (write_gated(world.deployment),) if call.gated else ()
    bodies = (checked(call),) if call.request else ()
    return (*keys, *writes, *bodies)


def _handled(world: World, call: Call, handler: Handler) -> Answerer:
    async def answer(asked: Request) -> Answer:
        return Answer(call.success, encoded(handler(world, asked)))

    return answer


def _received(world: World) -> Answerer:
    async def answer(asked: Request) -> Answer:
        world.library.receive(asked.ids["token"], asked.size)
        return Answer(200, b"", content_type="text/plain")

    return answer


def _not_allowed(methods: Iterable[str]) -> Refusal:
    """405, and `Allow` says what the path has: RFC 9110, section 15.5.6."""
    allow = {"Allow": ", ".join(methods)}
    return Refusal(405, "method_not_allowed", "This path has no such method.", headers=allow)


def _refused(refusal: Refusal) -> Answerer:
    async def answer(asked: Request) -> Answer:
        return refusal.answer(asked.request_id)

    return answer


class Edge:
    """Where ASGI ends and the sandbox begins."""

    def __init__(self, router: Router) -> None:
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route by the path as it was sent, and end the connection where a fault says so."""
        if scope["type"] == "http":
            scope = {**scope, "path": scope["raw_path"].decode("ascii")}
        try:
            await self._router(scope, receive, send)
        except ClientDisconnect:
            return
        except ConnectionDropped as dropped:
            await hang_up(receive, send, dropped)


class Endpoint:
    """All methods of one path; with no methods at all, a path that does not exist."""

    def __init__(self, by_method: Mapping[str, Answerer], outer: Iterable[Middleware]) -> None:
        self._by_method = {method: wrap(outer, one) for method, one in by_method.items()}
        refusal = _not_allowed(by_method) if by_method else not_found("path")
        self._otherwise = wrap(outer, _refused(refusal))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the whole request, answer it, send the answer."""
        asked = await _asked(StarletteRequest(scope, receive))
        answer = await self._by_method.get(asked.method, self._otherwise)(asked)
        await _send(answer, asked.request_id, send)


async def _asked(request: StarletteRequest) -> Request:
    kept, size = bytearray(), 0
    async for chunk in request.stream():
        size += len(chunk)
        kept += chunk[: KEPT_BYTES - len(kept)]
    return Request(
        method=request.method,
        path=request.scope["path"],
        ids={name: unquote(value) for name, value in request.path_params.items()},
        query=dict(request.query_params),
        headers=dict(request.headers),
        body=bytes(kept),
        size=size,
        request_id=_request_id(request.headers.get("x-request-id", "")),
    )


def _request_id(sent: str) -> str:
    """The caller's own id is echoed. Sandbox behaviour: unless it is long or odd."""
    return sent if _SANE_REQUEST_ID.fullmatch(sent) else f"req_{secrets.token_hex(12)}"


async def _send(answer: Answer, request_id: str, send: Send) -> None:
    headers = {
        "content-type": answer.content_type,
        "content-length": str(len(answer.body)),
        "x-request-id": request_id,
        **{name.lower(): value for name, value in answer.headers.items()},
    }
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    broken = answer.broken_at is not None
    body = answer.body[: answer.broken_at]
    await send({"type": "http.response.body", "body": body, "more_body": broken})
    if broken:
        raise ConnectionDropped(started=True)
