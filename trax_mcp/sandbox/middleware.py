"""The middleware around every handler.

The response of each is documented; **their order is sandbox behaviour**: key, scope, rate, write
gate, body.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from math import ceil

from trax_mcp.sandbox.contract_calls import Call
from trax_mcp.sandbox.deployment import Deployment
from trax_mcp.sandbox.messages import (
    Middleware,
    Refusal,
    Request,
    RequestHandler,
    Response,
    invalid_request,
)
from trax_mcp.sandbox.system_clock import Clock
from trax_mcp.sandbox.world import World


def wrap(middlewares: Iterable[Middleware], handler: RequestHandler) -> RequestHandler:
    """Wrap a handler in middleware, the first outermost."""
    for middleware in reversed(tuple(middlewares)):
        handler = _wrap_once(middleware, handler)
    return handler


def _wrap_once(middleware: Middleware, next_handler: RequestHandler) -> RequestHandler:
    return lambda request: middleware(request, next_handler)


async def answer_refusals(request: Request, next_handler: RequestHandler) -> Response:
    """Turn a refusal into its response."""
    try:
        return await next_handler(request)
    except Refusal as refusal:
        return refusal.to_response(request.request_id)


def require_key(world: World) -> Middleware:
    """401 unless the key is valid."""

    async def handle(request: Request, next_handler: RequestHandler) -> Response:
        key = world.key(request.secret)
        if key is None:
            raise Refusal(401, "invalid_key", "The API key is missing or not valid.")
        return await next_handler(replace(request, key=key))

    return handle


def require_scope(scope: str) -> Middleware:
    """403 unless the key has this scope. Inferred: no scope implies another."""

    async def handle(request: Request, next_handler: RequestHandler) -> Response:
        if scope not in request.valid_key.scopes:
            message = f"This key lacks the scope {scope}."
            raise Refusal(403, "insufficient_scope", message, required_scope=scope)
        return await next_handler(request)

    return handle


def require_writes_enabled(deployment: Deployment) -> Middleware:
    """503 while the deployment does not accept writes."""

    async def handle(request: Request, next_handler: RequestHandler) -> Response:
        if not deployment.write_enabled:
            raise Refusal(503, "write_disabled", "Writes are disabled on this deployment.")
        return await next_handler(request)

    return handle


def check_body(call: Call) -> Middleware:
    """400 unless the body matches the contract's schema; adds the parsed body to the request."""

    async def handle(request: Request, next_handler: RequestHandler) -> Response:
        try:
            payload = json.loads(request.body)
        except (ValueError, RecursionError):
            raise invalid_request("The body is not JSON.") from None
        if error := call.find_error(payload):
            raise invalid_request(error)
        return await next_handler(replace(request, payload=payload))

    return handle


class RateLimiter:
    """One token bucket per key."""

    def __init__(self, clock: Clock, deployment: Deployment) -> None:
        self._clock = clock
        self._deployment = deployment
        self._levels: dict[str, tuple[float, float]] = {}

    async def limit(self, request: Request, next_handler: RequestHandler) -> Response:
        """429 with `Retry-After` in whole seconds while the key's bucket is empty."""
        wait = self._take(request.valid_key.secret)
        if wait > 0:
            headers = {"Retry-After": str(ceil(wait))}
            raise Refusal(429, "rate_limited", "Too many requests.", headers=headers)
        return await next_handler(request)

    def _take(self, secret: str) -> float:
        """Take one token. Returns 0, or the seconds until there is one."""
        limit = self._deployment.rate_limit
        if limit is None:
            return 0.0
        now = self._clock.now()
        level, since = self._levels.get(secret, (limit.burst, now))
        level = min(limit.burst, level + (now - since) * limit.per_second)
        taken = level >= 1
        self._levels[secret] = (level - taken, now)
        return 0.0 if taken else (1 - level) / limit.per_second
