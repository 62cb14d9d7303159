"""Raw HTTP on blocking sockets: connections that can be cut, and an MCP client of either era."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any, Self

from tests.support.jsonrpc import (
    HEADER_PARAMETER,
    INITIALIZE,
    INITIALIZED,
    LEGACY,
    MODERN,
    Message,
    request,
)
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.server_process import PATIENCE_SECONDS

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


class Connection:
    """One TCP connection."""

    def __init__(self, address: Address) -> None:
        self._open = ExitStack()
        self._response: HTTPResponse | None = None
        connection = socket.create_connection(address, timeout=PATIENCE_SECONDS)
        self._socket = self._open.enter_context(connection)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, pieces: Iterable[bytes]) -> None:
        """Send the pieces in order, until the server closes the connection."""
        try:
            for piece in pieces:
                self._socket.sendall(piece)
        except ConnectionError:
            pass

    def read_status(self, verb: str = "POST") -> int | None:
        """Read the response head and return the status; None if the connection was cut."""
        self._response = self._open.enter_context(HTTPResponse(self._socket, method=verb))
        try:
            self._response.begin()
        except (ConnectionError, HTTPException):
            return None
        return self._response.status

    def read_rest(self) -> Response | None:
        """Read the rest of the response; None if the connection was cut."""
        assert self._response is not None
        session = self._response.headers.get("mcp-session-id", "").encode()
        started = time.monotonic()
        try:
            body = self._response.read()
        except (ConnectionError, HTTPException):
            return None
        # The socket time-out does not fire on a stream that is kept alive by pings.
        assert time.monotonic() - started < PATIENCE_SECONDS
        return Response(self._response.status, session, body)

    def read_response(self, verb: str = "POST") -> Response | None:
        """Read the whole response; None if the connection was cut."""
        return None if self.read_status(verb) is None else self.read_rest()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._open.close()


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

    def exchange(self, pieces: Iterable[bytes], verb: str = "POST") -> Response | None:
        """Send these bytes on a new connection and return the response."""
        with Connection(self.address) as connection:
            connection.send(pieces)
            return connection.read_response(verb)

    def post_body(self, body: bytes, headers: Headers) -> Response | None:
        """Post a body on a new connection."""
        return self.exchange([request_head("POST", "/mcp", [*headers, content_length(body)]), body])

    def check_answered(self) -> None:
        """Check that a correct request gets the same answer as at the start."""
        assert self.post_message(request(self.era, "prompts/list")).messages == self.baseline


def request_head(verb: str, path: str, headers: Iterable[Header]) -> bytes:
    """A request head; it asks the server to close the connection afterwards."""
    lines = [name + b": " + value for name, value in [*headers, (b"connection", b"close")]]
    return b"\r\n".join([f"{verb} {path} HTTP/1.1".encode("latin-1"), *lines, b"", b""])


def content_length(body: bytes) -> Header:
    """The Content-Length header of a body."""
    return b"content-length", str(len(body)).encode()


def chunked(body: bytes, size: int) -> list[bytes]:
    """A body in chunks, with the last chunk."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return [*(b"%x\r\n%b\r\n" % (len(part), part) for part in parts), b"0\r\n\r\n"]


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
