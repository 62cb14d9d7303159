"""A minimal, fast HTTP/1.1 connection for one request after another."""

import re
import select
import socket
import time
from typing import Final

from bench.measured_process import TIMEOUT_SECONDS, BenchError

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_CLOSING: Final = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_CHUNK_BYTES: Final = 1 << 16


class HttpConnection:
    """A connection to a server on loopback; reconnection when the server closes it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = self._connect()
        self._received = b""

    def fileno(self) -> int:
        """For `select`; changes when the connection is reconnection."""
        return self._socket.fileno()

    def send(self, request: bytes) -> None:
        """Send a request; the previous response must have been read."""
        self._received = b""
        self._socket.sendall(request)

    def receive(self) -> bytes | None:
        """Read once; returns the complete response, or None if more must arrive.

        Raises:
            BenchError: the server closed the connection without a response.
        """
        chunk = self.read()
        self._received += chunk
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not chunk and not separator:
            raise BenchError("the connection was closed without an answer")
        if chunk and not (separator and _is_complete(head, body)):
            return None
        if not chunk or _CLOSING.search(head):
            self._socket.close()
            self._socket = self._connect()
        return self._received

    def read(self) -> bytes:
        """Read once; empty at the end.

        Raises:
            BenchError: the connection broke.
        """
        try:
            return self._socket.recv(_CHUNK_BYTES)
        except OSError as error:
            raise BenchError(f"the connection broke: {error.strerror}") from None

    def ask(self, request: bytes) -> tuple[bytes, bytes]:
        """Send a request and wait for its response: head and body."""
        self.send(request)
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while (remaining := deadline - time.monotonic()) > 0:
            if select.select([self], [], [], remaining)[0] and (answer := self.receive()):
                head, _, body = answer.partition(b"\r\n\r\n")
                return head, _decode_chunks(body) if _CHUNKED.search(head) else body
        raise BenchError(f"no answer within {TIMEOUT_SECONDS:g} s")

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port), TIMEOUT_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


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
