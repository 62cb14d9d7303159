"""The concerns around every handler: each wrapper answers itself or passes the request inward.

What each gate answers is documented; **their order is sandbox behaviour**: log, fault, key, scope,
rate, write gate, body.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

from trax_mcp.sandbox.exchange import Answer, Answerer, Asked, Gate, Refusal, invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trax_mcp.sandbox.clock import Clock
    from trax_mcp.sandbox.contract import Call
    from trax_mcp.sandbox.world import World


def behind(gates: Iterable[Gate], answerer: Answerer) -> Answerer:
    """The answerer inside its gates, the first gate outermost."""
    for gate in reversed(tuple(gates)):
        answerer = gate(answerer)
    return answerer


def enveloped(onward: Answerer) -> Answerer:
    """A refusal from further in becomes the error envelope."""

    async def answer(asked: Asked) -> Answer:
        try:
            return await onward(asked)
        except Refusal as refusal:
            return refusal.answer(asked.request_id)

    return answer


def keyed(world: World, call: Call) -> Gate:
    """401 unless a valid key came along; a call without a scope is public."""

    def gate(onward: Answerer) -> Answerer:
        async def answer(asked: Asked) -> Answer:
            key = world.key(asked.secret)
            if key is None or key.revoked:
                raise Refusal(401, "invalid_key", "The API key is missing or not valid.")
            return await onward(replace(asked, key=key))

        return answer if call.scope else onward

    return gate


def scoped(call: Call) -> Gate:
    """403 unless the key has the call's scope; no scope implies another (inferred)."""

    def gate(onward: Answerer) -> Answerer:
        async def answer(asked: Asked) -> Answer:
            if asked.key and call.scope not in asked.key.scopes:
                message = f"This key lacks the scope {call.scope}."
                raise Refusal(403, "insufficient_scope", message, required_scope=call.scope)
            return await onward(asked)

        return answer if call.scope else onward

    return gate


def write_gated(world: World, call: Call) -> Gate:
    """503 for every mutating call while the deployment's writes are off."""

    def gate(onward: Answerer) -> Answerer:
        async def answer(asked: Asked) -> Answer:
            if not world.write_enabled:
                message = "Writes are disabled on this deployment."
                raise Refusal(503, "write_disabled", message)
            return await onward(asked)

        return answer if call.gated else onward

    return gate


def checked(call: Call) -> Gate:
    """400 unless the body is what the contract's schema says; adds the parsed body."""

    def gate(onward: Answerer) -> Answerer:
        async def answer(asked: Asked) -> Answer:
            try:
                payload = json.loads(asked.body)
            except (ValueError, RecursionError):
                raise invalid("The body is not JSON.") from None
            if complaint := call.complaint(payload):
                raise invalid(complaint)
            return await onward(replace(asked, payload=payload))

        return answer if call.request else onward

    return gate


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A token bucket: `burst` requests at once, refilled at `per_second`."""

    burst: float
    per_second: float


GENEROUS = RateLimit(burst=600, per_second=50)
"""Sandbox behaviour: TRaX's own bucket sizes are not documented."""


class Buckets:
    """One token bucket per key, refilled by the clock. Sandbox behaviour: public calls are free."""

    def __init__(self, clock: Clock, limit: RateLimit | None) -> None:
        self.limit = limit
        self._clock = clock
        self._levels: dict[str, tuple[float, float]] = {}

    def gate(self, onward: Answerer) -> Answerer:
        """429 with `Retry-After` in whole seconds while the key's bucket is empty."""

        async def answer(asked: Asked) -> Answer:
            wait = self._take(asked.key.secret) if asked.key else 0.0
            if wait > 0:
                seconds = ceil(wait)
                raise Refusal(429, "rate_limited", "Too many requests.", retry_after=seconds)
            return await onward(asked)

        return answer

    def _take(self, secret: str) -> float:
        """Take one token; answers 0, or how many seconds until there is one."""
        if self.limit is None:
            return 0.0
        now = self._clock.now()
        level, since = self._levels.get(secret, (self.limit.burst, now))
        level = min(self.limit.burst, level + (now - since) * self.limit.per_second)
        taken = level >= 1
        self._levels[secret] = (level - taken, now)
        return 0.0 if taken else (1 - level) / self.limit.per_second
