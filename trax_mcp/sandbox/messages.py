"""The requests, responses and refusals that middleware and handlers exchange."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trax_mcp.sandbox.records import Key

Json = Mapping[str, Any]

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Middleware adds `key` and `payload`."""

    method: str
    path: str
    """Still percent-encoded, without the query."""
    ids: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    """Only its beginning if it is long."""
    size: int
    """Bytes of the whole body."""
    request_id: str
    key: Key | None = None
    payload: Json = field(default_factory=dict, repr=False)

    @property
    def valid_key(self) -> Key:
        """The key. Raises RuntimeError before `require_key` has run."""
        if self.key is None:
            raise RuntimeError("the key is checked first")
        return self.key

    @property
    def account(self) -> str:
        """The account of the key."""
        return self.valid_key.account

    @property
    def secret(self) -> str | None:
        """The key as sent. Sandbox behaviour: with both headers, Authorization wins."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            return token.strip()
        return self.headers.get("x-api-key")


@dataclass(frozen=True, slots=True)
class Response:
    """One response."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


RequestHandler = Callable[[Request], Awaitable[Response]]
"""Handles a request: a handler, alone or wrapped in middleware."""

Middleware = Callable[[Request, RequestHandler], Awaitable[Response]]
"""Gets a request and the next handler, which it may call."""


class Refusal(Exception):
    """A call fails; its response is the error envelope."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        required_scope: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.required_scope, self.headers = required_scope, headers or {}

    def to_response(self, request_id: str) -> Response:
        """TRaX's error envelope."""
        error = {"code": self.code, "message": self.message, "requestId": request_id}
        if self.required_scope:
            error["requiredScope"] = self.required_scope
        return Response(self.status, encode_json({"error": error}), headers=self.headers)


def invalid_request(message: str) -> Refusal:
    """400."""
    return Refusal(400, "invalid_request", message)


def not_found(what: str = "resource") -> Refusal:
    """404 if it is absent or another account's; both look the same."""
    return Refusal(404, "not_found", f"No such {what}.")


def encode_json(payload: Json) -> bytes:
    """Compact JSON in UTF-8; a lone surrogate becomes a question mark."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace")
