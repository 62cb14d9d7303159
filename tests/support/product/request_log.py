"""The requests that reached the sandbox, recorded on arrival.

A request is recorded before any fault applies and even without a response, so that a test can
count what was really sent.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    from tests.support.product.exchanges import Request, RequestHandler, Response

MAX_REQUESTS = 10_000


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request as it arrived. `key_name` is None for a missing or unknown key."""

    method: str
    path: str
    """Still percent-encoded, without the query."""
    query: Mapping[str, str]
    body_json: Any
    key_name: str | None
    request_id: str
    headers: Mapping[str, str] = field(repr=False)
    at: float = 0.0
    """When it arrived, in seconds of the sandbox's clock."""


class RequestLog:
    """The most recent requests, oldest first. `keys` are those that the sandbox accepts."""

    def __init__(self, keys: Container[str], now: Callable[[], float]) -> None:
        self.requests: deque[ReceivedRequest] = deque(maxlen=MAX_REQUESTS)
        self.keys = keys
        self._now = now

    async def record(self, request: Request, next_handler: RequestHandler) -> Response:
        """The outermost middleware: record a request and pass it on."""
        self.requests.append(self._to_received(request))
        return await next_handler(request)

    def _to_received(self, request: Request) -> ReceivedRequest:
        secret = request.secret or ""
        return ReceivedRequest(
            method=request.method,
            path=request.path,
            query=request.query,
            body_json=_parse_json(request.body),
            key_name=secret.rpartition("_")[2] if secret in self.keys else None,
            request_id=request.request_id,
            headers=request.headers,
            at=self._now(),
        )


def _parse_json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
