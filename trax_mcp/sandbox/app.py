"""The sandbox over HTTP: finds the call, admits the request, runs the handler.

Sandbox behaviour: unknown paths, undocumented methods and the upload URL answer like documented
calls.
"""

import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from math import ceil
from typing import Any, Final
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Router, compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from trax_mcp.sandbox.contract import CALLS, Call
from trax_mcp.sandbox.handlers import HANDLERS, ApiRequest
from trax_mcp.sandbox.world import BASE_URL, ApiError, World

BURST: Final = 600.0
PER_SECOND: Final = 50.0
"""The token bucket of each key. Sandbox behaviour: TRaX's own sizes are not documented."""

_UPLOADS: Final = "/uploads/{token}"
_PATHS: Final = {path: compile_path(path)[0] for path in (*(path for _, path in CALLS), _UPLOADS)}
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")


Reply = Callable[[Request], Awaitable[Response]]


class Sandbox:
    """A small TRaX. `app` is its ASGI application. Two sandboxes share nothing."""

    def __init__(
        self, now: Callable[[], float] = time.time, *, empty: bool = False, base_url: str = BASE_URL
    ) -> None:
        self.world = World(now, empty=empty, base_url=base_url)
        self.burst, self.per_second = BURST, PER_SECOND
        self.answer: Reply = self._answer
        """Answers a request, or raises ApiError. A deviation wraps it."""
        self.app: ASGIApp = Router(default=self._serve, redirect_slashes=False)
        self._levels: dict[str, tuple[float, float]] = {}

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        sent = request.headers.get("x-request-id", "")
        # Sandbox behaviour: an id that is long or has unusual characters is not echoed.
        request_id = sent if _REQUEST_ID.fullmatch(sent) else f"req_{secrets.token_hex(12)}"
        try:
            response = await self.answer(request)
        except ApiError as it:
            response = _json({"error": {**it.error, "requestId": request_id}}, it.status)
            response.headers.update(it.headers or {})
        except ClientDisconnect:
            return
        response.headers["X-Request-Id"] = request_id
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path, ids = _find_path(request)
        if (request.method, path) == ("PUT", _UPLOADS):
            size = 0
            async for chunk in request.stream():
                size += len(chunk)
            self.world.receive_upload(ids["token"], size)
            return Response()
        call = CALLS.get((request.method, path))
        if call is None:
            raise _method_not_allowed(path)
        admitted = await self._admit(request, call, ids)
        return _json(HANDLERS[request.method, path](admitted), call.success)

    async def _admit(self, request: Request, call: Call, ids: Mapping[str, str]) -> ApiRequest:
        """Check the key, the scope, the rate, the write gate and the body.

        Sandbox behaviour: this order, and that public calls are not rate limited. Inferred: no
        scope implies another.
        """
        account, body = "", {}
        if call.scope is not None:
            secret = _secret(request)
            key = self.world.keys.get(secret)
            if key is None:
                raise ApiError(401, "invalid_key", "The API key is missing or not valid.")
            if call.scope not in key.scopes:
                message = f"This key lacks the scope {call.scope}."
                raise ApiError(403, "insufficient_scope", message, requiredScope=call.scope)
            if (wait := self._take_token(secret)) > 0:
                headers = {"Retry-After": str(ceil(wait))}
                raise ApiError(429, "rate_limited", "Too many requests.", headers=headers)
            account = key.account
        if call.gated and not self.world.write_enabled:
            raise ApiError(503, "write_disabled", "Writes are disabled on this deployment.")
        if call.validator is not None:
            try:
                body = json.loads(await request.body())
            except (ValueError, RecursionError):
                raise ApiError(400, "invalid_request", "The body isn't JSON.") from None
            if error := call.find_error(body):
                raise ApiError(400, "invalid_request", error)
        return ApiRequest(self.world, account, ids, request.query_params, body)

    def _take_token(self, secret: str) -> float:
        """Take a token from a key's bucket. Returns 0, or the seconds until there is one."""
        now = self.world.now()
        level, since = self._levels.get(secret, (self.burst, now))
        level = min(self.burst, level + (now - since) * self.per_second)
        is_taken = level >= 1
        self._levels[secret] = (level - is_taken, now)
        return 0.0 if is_taken else (1 - level) / self.per_second


def _find_path(request: Request) -> tuple[str, dict[str, str]]:
    """The contract's path, and the ids in it.

    It is matched before it is percent-decoded, so that an encoded slash stays inside its segment.
    """
    raw = request.scope["raw_path"].decode("latin-1")
    for path, pattern in _PATHS.items():
        if found := pattern.match(raw):
            return path, {name: unquote(value) for name, value in found.groupdict().items()}
    raise ApiError(404, "not_found", "No such path.")


def _method_not_allowed(path: str) -> ApiError:
    """405; `Allow` lists the path's methods: RFC 9110, section 15.5.6."""
    allow = ", ".join([method for method, it in CALLS if it == path] or ["PUT"])
    message = "This path has no such method."
    return ApiError(405, "method_not_allowed", message, headers={"Allow": allow})


def _secret(request: Request) -> str:
    """The key as sent. Sandbox behaviour: with both headers, Authorization wins."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return request.headers.get("x-api-key", "")


def _json(answer: Any, status: int) -> Response:  # noqa: ANN401  any JSON
    """Compact JSON without what is never returned; a lone surrogate becomes a question mark."""
    text = json.dumps(_public(answer), ensure_ascii=False, separators=(",", ":"))
    return Response(text.encode(errors="replace"), status, media_type="application/json")


def _public(value: Any) -> Any:  # noqa: ANN401  any JSON
    if isinstance(value, dict):
        return {name: _public(it) for name, it in value.items() if not name.startswith("_")}
    return [_public(it) for it in value] if isinstance(value, list) else value
