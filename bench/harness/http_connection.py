"""A minimal, fast HTTP/1.1 connection for one request after another, and the streams on it."""

import re
import select
import socket
import time
from typing import Final

from bench.harness.process import TIMEOUT_SECONDS, HarnessError

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_CLOSING: Final = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_CHUNK_BYTES: Final = 1 << 16


class ProtocolError(HarnessError):
    """The response is an error."""


class HttpConnection:
    """A connection to a port of loopback; opened again when the server closes it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._received = b""

    def fileno(self) -> int:
        """For `select`; changes when the connection is opened again."""
        return self.open().fileno()

    def open(self) -> socket.socket:
        """The socket, which is connected if necessary."""
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), TIMEOUT_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def send(self, request: bytes) -> None:
        """Send a request; the previous response must have been read."""
        self._received = b""
        self.open().sendall(request)

    def receive(self) -> bytes | None:
        """Read once; returns the complete response, or None if more must arrive.

        Raises:
            HarnessError: the server closed the connection without a response.
        """
        chunk = self.read()
        self._received += chunk
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not chunk and not separator:
            raise HarnessError("the connection was closed without an answer")
        if chunk and not (separator and _is_complete(head, body)):
            return None
        if not chunk or _CLOSING.search(head):
            self.close()
        return self._received

    def read(self) -> bytes:
        """Read once; empty at the end.

        Raises:
            HarnessError: the connection broke, or nothing arrived in time.
        """
        try:
            return self.open().recv(_CHUNK_BYTES)
        except OSError as error:
            raise HarnessError(f"the connection broke: {error}") from None

    def ask(self, request: bytes) -> tuple[bytes, bytes]:
        """Send a request and wait for its response: head and body."""
        self.send(request)
        while (answer := self.receive()) is None:
            pass
        head, _, body = answer.partition(b"\r\n\r\n")
        return head, _decode_chunks(body) if _CHUNKED.search(head) else body

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class EventStream:
    """An unending response, in which texts are found."""

    def __init__(self, connection: HttpConnection) -> None:
        self.connection = connection
        self.close = connection.close
        self._remainder = b""

    def read_matches(self, pattern: bytes) -> int:
        """Read once; returns how often the pattern occurs.

        Raises:
            HarnessError: nothing arrives.
        """
        data = self._remainder + self._read()
        self._remainder = data.rpartition(pattern)[2]
        return data.count(pattern)

    def read_events(self) -> list[bytes]:
        """Read once; returns the complete events that have data."""
        *events, self._remainder = (self._remainder + self._read()).split(b"\n\n")
        return [it for it in events if b"data:" in it]

    def _read(self) -> bytes:
        if not (chunk := self.connection.read()):
            raise HarnessError(f"a stream ended, after {self._remainder!r}")
        return chunk

    def wait_for(self, pattern: bytes) -> bytes:
        """Read until the pattern occurs; returns the rest of its line.

        Raises:
            HarnessError: it does not occur in time.
        """
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while pattern not in self._remainder:
            if time.monotonic() > deadline:
                raise HarnessError(f"a stream goes on without {pattern!r}")
            self._remainder += self._read()
        _, _, self._remainder = self._remainder.partition(pattern)
        return self._remainder.partition(b"\n")[0]

    def check(self) -> None:
        """Read the head of the response.

        Raises:
            ProtocolError: it is no stream.
        """
        while b"\r\n\r\n" not in self._remainder:
            self._remainder += self._read()
        head, _, self._remainder = self._remainder.partition(b"\r\n\r\n")
        if b"text/event-stream" not in head:
            raise ProtocolError(f"in place of a stream: {self._remainder!r}")


def wait_until_ready(connections: list[HttpConnection]) -> list[HttpConnection]:
    """The connections on which something has arrived.

    Raises:
        HarnessError: there were none in time.
    """
    ready, _, _ = select.select(connections, [], [], TIMEOUT_SECONDS)
    if not ready:
        raise HarnessError(f"no answer within {TIMEOUT_SECONDS:g} s")
    return ready


def _is_complete(head: bytes, body: bytes) -> bool:
    if length := _LENGTH.search(head):
        return len(body) >= int(length[1])
    if _CHUNKED.search(head):
        return body.endswith(b"0\r\n\r\n")
    return head.split(b" ", 2)[1] in {b"202", b"204"}


def _decode_chunks(body: bytes) -> bytes:
    decoded = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        decoded += rest[:length]
        body = rest[length + 2 :] if length else b""
    return decoded
