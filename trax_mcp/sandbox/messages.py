"""The values that pass through the sandbox: what was asked, what is answered, how it is refused.

Nothing here knows the world or HTTP's machinery; gates, faults and handlers speak in these values.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trax_mcp.sandbox.records import Key

Json = Mapping[str, Any]

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as it passes inward. Gates add `key` and `payload` on the way."""

    method: str
    path: str
    """Still percent-encoded, without the query."""
    ids: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    """The beginning of it, if it is long."""
    size: int
    """How many bytes came in all."""
    request_id: str
    key: Key | None = None
    payload: Json = field(default_factory=dict, repr=False)

    @property
    def valid_key(self) -> Key:
        """Whose request this is. Only asked behind the key gate."""
        if self.key is None:
            raise RuntimeError("the key gate comes first")
        return self.key

    @property
    def account(self) -> str:
        """For whom the key acts."""
        return self.valid_key.account

    @property
    def secret(self) -> str | None:
        """The key as sent. Sandbox behaviour: with both headers, Authorization wins."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            return token.strip()
        return self.headers.get("x-api-key")


@dataclass(frozen=True, slots=True)
class Answer:
    """One response. A fault sets `broken_at`: after so many bytes the connection ends."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    broken_at: int | None = None


Answerer = Callable[[Request], Awaitable[Answer]]
"""Anything that answers a request: a handler, or a handler inside its gates."""

Middleware = Callable[[Request, Answerer], Awaitable[Answer]]
"""One concern: given a request and whatever lies further in, answers, raises or waits."""


class ConnectionDropped(ConnectionError):
    """The connection ends here. `started` says whether part of an answer had already been sent."""

    def __init__(self, *, started: bool = False) -> None:
        super().__init__("the sandbox dropped the connection")
        self.started = started


class Refusal(Exception):
    """A call that is answered with the error envelope."""

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

    def answer(self, request_id: str) -> Answer:
        """The envelope every TRaX error comes in."""
        error = {"code": self.code, "message": self.message, "requestId": request_id}
        if self.required_scope:
            error["requiredScope"] = self.required_scope
        return Answer(self.status, encoded({"error": error}), headers=self.headers)


def invalid(message: str) -> Refusal:
    """400: the same request will fail again."""
    return Refusal(400, "invalid_request", message)


def not_found(what: str = "resource") -> Refusal:
    """404: absent, or another account's; the answer never tells which."""
    return Refusal(404, "not_found", f"No such {what}.")


def encoded(payload: Json) -> bytes:
    """Compact JSON in UTF-8; a lone surrogate that someone sent becomes a question mark."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace")
