"""HTTP in bytes, on sockets that block: lines that can be cut, and a caller of either era.

It knows how MCP rides on HTTP, and nothing of what is in the bodies.
"""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any, Self

from tests.jsonrpc import INITIALIZE, INITIALIZED, LEGACY, MODERN, NAMED_BY, Message, request
from tests.processes import PATIENCE_SECONDS
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from collections.abc import Iterable

Header = tuple[bytes, bytes]
Headers = list[Header]
Address = tuple[str, int]


@dataclass(frozen=True)
class Response:
    """What came back."""

    status: int
    session: bytes
    body: bytes

    @property
    def messages(self) -> list[Message]:
        """The JSON-RPC messages in it, plain or as server-sent events."""
        if self.body.startswith(b"{"):
            return [json.loads(self.body)]
        lines = self.body.replace(b"\r\n", b"\n").split(b"\n")
        return [json.loads(line[6:]) for line in lines if line.startswith(b"data: {")]


class Line:
    """One connection."""

    def __init__(self, address: Address) -> None:
        self._open = ExitStack()
        self._answer: HTTPResponse | None = None
        line = socket.create_connection(address, timeout=PATIENCE_SECONDS)
        self._socket = self._open.enter_context(line)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, pieces: Iterable[bytes]) -> None:
        """Send, one piece after the other, unless the other side wants no more."""
        try:
            for piece in pieces:
                self._socket.sendall(piece)
        except ConnectionError:
            pass

    def head(self, verb: str = "POST") -> int | None:
        """The status of the answer, as soon as its head is here; None if the line was cut."""
        self._answer = self._open.enter_context(HTTPResponse(self._socket, method=verb))
        try:
            self._answer.begin()
        except (ConnectionError, HTTPException):
            return None
        return self._answer.status

    def rest(self) -> Response | None:
        """The whole answer whose head is here; None if the line was cut."""
        assert self._answer is not None
        session = self._answer.headers.get("mcp-session-id", "").encode()
        began = time.monotonic()
        try:
            body = self._answer.read()
        except (ConnectionError, HTTPException):
            return None
        # A stream that is kept alive by pings runs into no time-out of the socket.
        assert time.monotonic() - began < PATIENCE_SECONDS
        return Response(self._answer.status, session, body)

    def reply(self, verb: str = "POST") -> Response | None:
        """The whole answer; None if the line was cut."""
        return None if self.head(verb) is None else self.rest()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up, whatever is still under way."""
        self._open.close()


class Caller:
    """A client of one era, which knows how it should be done."""

    def __init__(self, address: Address, era: str) -> None:
        self.address = address
        self.era = era
        self._session = b""
        if era == LEGACY:
            self._session = self.told(INITIALIZE).session
            assert self.told(INITIALIZED).status == 202
        self.plain = self.told(request(era, "prompts/list")).messages
        assert self.plain[0]["result"]["prompts"]

    def headers(self, message: Message) -> Headers:
        """The headers that go with a message, as far as they can carry what is in it."""
        return [
            (b"host", b"127.0.0.1"),
            (b"accept", b"application/json, text/event-stream"),
            (b"content-type", b"application/json"),
            (b"x-api-key", SANDBOX_KEY.encode()),
            *([(b"mcp-session-id", self._session)] if self._session else ()),
            *(_routing(message) if self.era == MODERN else ()),
        ]

    def told(self, message: Message) -> Response:
        """Post a message as it should be done, and return what comes back."""
        reply = self.posted(json.dumps(message).encode(), self.headers(message))
        assert reply is not None
        return reply

    def exchange(self, pieces: Iterable[bytes], verb: str = "POST") -> Response | None:
        """Send this on a line of its own, and return what comes back."""
        with Line(self.address) as line:
            line.send(pieces)
            return line.reply(verb)

    def posted(self, body: bytes, headers: Headers) -> Response | None:
        """Post a body on a line of its own."""
        return self.exchange([head("POST", "/mcp", [*headers, length(body)]), body])

    def is_answered(self) -> None:
        """A plain good request gets the answer that it got in the beginning."""
        assert self.told(request(self.era, "prompts/list")).messages == self.plain


def head(verb: str, path: str, headers: Iterable[Header]) -> bytes:
    """A request without its body; the server is to close the line after its answer."""
    lines = [name + b": " + value for name, value in [*headers, (b"connection", b"close")]]
    return b"\r\n".join([f"{verb} {path} HTTP/1.1".encode("latin-1"), *lines, b"", b""])


def length(body: bytes) -> Header:
    """The header that tells how long a body is."""
    return b"content-length", str(len(body)).encode()


def chunked(body: bytes, size: int) -> list[bytes]:
    """A body in chunks, with its end."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return [*(b"%x\r\n%b\r\n" % (len(part), part) for part in parts), b"0\r\n\r\n"]


def _routing(message: Message) -> Headers:
    method = message.get("method")
    params = message.get("params")
    name: Any = params.get(NAMED_BY.get(str(method))) if isinstance(params, dict) else None
    return [
        (b"mcp-protocol-version", MODERN.encode()),
        (b"mcp-method", _carried(method)),
        *([(b"mcp-name", _carried(name))] if name is not None else ()),
    ]


def _carried(value: object) -> bytes:
    plain = isinstance(value, str) and value.isascii() and value.isprintable()
    return str(value).encode() if plain else b"x"
