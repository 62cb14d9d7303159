"""Raw HTTP on blocking sockets, and an MCP client of either era."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any

from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.wire import (
    HEADER_PARAMETER,
    INITIALIZE,
    INITIALIZED,
    LEGACY,
    MODERN,
    Message,
    request,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

Header = tuple[bytes, bytes]
Headers = list[Header]
Address = tuple[str, int]


@dataclass(frozen=True)
class Response:
    """A response that was read in full."""

    status: int
    session: bytes
    body: bytes

    @property
    def messages(self) -> list[Message]:
        """The JSON-RPC messages of the body, plain or as server-sent events."""
        if self.body.startswith(b"{"):
            return [json.loads(self.body)]
        lines = self.body.replace(b"\r\n", b"\n").split(b"\n")
        return [json.loads(line[6:]) for line in lines if line.startswith(b"data: {")]


def exchange(address: Address, pieces: Iterable[bytes]) -> Response | None:
    """Send these bytes on a new connection and read the response; None if it was cut."""
    with socket.create_connection(address, timeout=PATIENCE_SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
        with HTTPResponse(connection, method="POST") as response:
            try:
                response.begin()
                body = response.read()
            except (ConnectionError, HTTPException):
                return None
            session = response.headers.get("mcp-session-id", "").encode()
            return Response(response.status, session, body)


class RawHttpClient:
    """A well-behaved client of one era."""

    def __init__(self, address: Address, era: str) -> None:
        self.address = address
        self.era = era
        self._session = b""
        if era == LEGACY:
            self._session = self.post_message(INITIALIZE).session
            assert self.post_message(INITIALIZED).status == 202
        self.baseline = self.post_message(request(era, "prompts/list")).messages
        assert self.baseline[0]["result"]["prompts"]

    def headers(self, message: Message) -> Headers:
        """The correct headers for a message, as far as headers can hold its values."""
        return [
            (b"host", b"127.0.0.1"),
            (b"accept", b"application/json, text/event-stream"),
            (b"content-type", b"application/json"),
            (b"x-api-key", SANDBOX_KEY.encode()),
            *([(b"mcp-session-id", self._session)] if self._session else ()),
            *(_routing_headers(message) if self.era == MODERN else ()),
        ]

    def post_message(self, message: Message) -> Response:
        """Post a message correctly and return the response."""
        response = self.post_body(json.dumps(message).encode(), self.headers(message))
        assert response is not None
        return response

    def post_body(self, body: bytes, headers: Headers) -> Response | None:
        """Post a body on a new connection."""
        length = b"content-length", str(len(body)).encode()
        head = request_head([*headers, length])
        return exchange(self.address, [head, body])

    def check_answered(self) -> None:
        """Check that a correct request gets the same answer as at the start."""
        assert self.post_message(request(self.era, "prompts/list")).messages == self.baseline


def request_head(headers: Iterable[Header]) -> bytes:
    """A request head; it asks the server to close the connection afterwards."""
    lines = [name + b": " + value for name, value in [*headers, (b"connection", b"close")]]
    return b"\r\n".join([b"POST /mcp HTTP/1.1", *lines, b"", b""])


def _routing_headers(message: Message) -> Headers:
    method = message.get("method")
    params = message.get("params")
    name: Any = params.get(HEADER_PARAMETER.get(str(method))) if isinstance(params, dict) else None
    return [
        (b"mcp-protocol-version", MODERN.encode()),
        (b"mcp-method", _header_value(method)),
        *([(b"mcp-name", _header_value(name))] if name is not None else ()),
    ]


def _header_value(value: object) -> bytes:
    plain = isinstance(value, str) and value.isascii() and value.isprintable()
    return str(value).encode() if plain else b"x"
