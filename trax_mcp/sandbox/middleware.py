"""The concerns around every handler: each gate answers itself or passes the request inward.

What each gate answers is documented; **their order is sandbox behaviour**: log, fault, key, scope,
rate, write gate, body.
"""

from __future__ import annotations

import json
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING

from trax_mcp.sandbox.messages import Answer, Answerer, Middleware, Refusal, Request, invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trax_mcp.sandbox.clock import Clock
    from trax_mcp.sandbox.contract import Call
    from trax_mcp.sandbox.deployment import Deployment
    from trax_mcp.sandbox.world import World


def wrap(gates: Iterable[Middleware], answerer: Answerer) -> Answerer:
    """The answerer inside its gates, the first gate outermost."""
    for gate in reversed(tuple(gates)):
        answerer = _inside(gate, answerer)
    return answerer


def _inside(gate: Middleware, onward: Answerer) -> Answerer:
    return lambda asked: gate(asked, onward)


async def enveloped(asked: Request, onward: Answerer) -> Answer:
    """A refusal from further in becomes the error envelope."""
    try:
        return await onward(asked)
    except Refusal as refusal:
        return refusal.answer(asked.request_id)


def keyed(world: World) -> Middleware:
    """401 unless a valid key came along."""

    async def gate(asked: Request, onward: Answerer) -> Answer:
        key = world.key(asked.secret)
        if key is None or key.revoked:
            raise Refusal(401, "invalid_key", "The API key is missing or not valid.")
        return await onward(replace(asked, key=key))

    return gate


def scoped(scope: str) -> Middleware:
    """403 unless the key has this scope; no scope implies another (inferred)."""

    async def gate(asked: Request, onward: Answerer) -> Answer:
        if scope not in asked.valid_key.scopes:
            message = f"This key lacks the scope {scope}."
            raise Refusal(403, "insufficient_scope", message, required_scope=scope)
        return await onward(asked)

    return gate


def write_gated(deployment: Deployment) -> Middleware:
    """503 while the deployment's writes are off."""

    async def gate(asked: Request, onward: Answerer) -> Answer:
        if not deployment.write_enabled:
            raise Refusal(503, "write_disabled", "Writes are disabled on this deployment.")
        return await onward(asked)

    return gate


def checked(call: Call) -> Middleware:
    """400 unless the body is what the contract's schema says; adds the parsed body."""

    async def gate(asked: Request, onward: Answerer) -> Answer:
        try:
            payload = json.loads(asked.body)
        except (ValueError, RecursionError):
            raise invalid("The body is not JSON.") from None
        if complaint := call.complaint(payload):
            raise invalid(complaint)
        return await onward(replace(asked, payload=payload))

    return gate


class Buckets:
    """One token bucket per key, refilled by the clock."""

    def __init__(self, clock: Clock, deployment: Deployment) -> None:
        self._clock = clock
        self._deployment = deployment
        self._levels: dict[str, tuple[float, float]] = {}

    async def gate(self, asked: Request, onward: Answerer) -> Answer:
        """429 with `Retry-After` in whole seconds while the key's bucket is empty."""
        wait = self._take(asked.valid_key.secret)
        if wait > 0:
            later = {"Retry-After": str(ceil(wait))}
            raise Refusal(429, "rate_limited", "Too many requests.", headers=later)
        return await onward(asked)

    def _take(self, secret: str) -> float:
        """Take one token; answers 0, or how many seconds until there is one."""
        limit = self._deployment.rate_limit
        if limit is None:
            return 0.0
        now = self._clock.now()
        level, since = self._levels.get(secret, (limit.burst, now))
        level = min(limit.burst, level + (now - since) * limit.per_second)
        taken = level >= 1
        self._levels[secret] = (level - taken, now)
        return 0.0 if taken else (1 - level) / limit.per_second
