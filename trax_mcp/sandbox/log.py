"""What reached the sandbox, written down on arrival.

That is before any fault strikes, and whether or not there will be an answer: a test counts here
what was really sent. The log knows no rule.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trax_mcp.sandbox.messages import Answer, Answerer, Request
    from trax_mcp.sandbox.world import World

REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived. `key_name` is None for a missing or unknown key."""

    method: str
    path: str
    """Still percent-encoded, without the query."""
    query: Mapping[str, str]
    body_json: Any
    key_name: str | None
    request_id: str
    headers: Mapping[str, str] = field(repr=False)


class Log:
    """The most recent requests, oldest first."""

    def __init__(self, world: World) -> None:
        self.requests: deque[Received] = deque(maxlen=REMEMBERED)
        self._world = world

    async def gate(self, asked: Request, onward: Answerer) -> Answer:
        """The outermost gate."""
        self.requests.append(self._received(asked))
        return await onward(asked)

    def _received(self, asked: Request) -> Received:
        key = self._world.key(asked.secret)
        return Received(
            method=asked.method,
            path=asked.path,
            query=asked.query,
            body_json=_parsed(asked.body),
            key_name=key.name if key else None,
            request_id=asked.request_id,
            headers=asked.headers,
        )


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
