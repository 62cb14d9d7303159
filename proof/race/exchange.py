"""HTTP/1.1 as bytes: one connection, one request after another, as little client as there can be.

Written for speed and for nothing else: it knows three ways in which a body can end, and no MCP.
"""

import re
import select
import socket
import time
from typing import Final

from bench.processes import PATIENCE_SECONDS, BenchError

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_CLOSING: Final = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_CHUNK_BYTES: Final = 1 << 16


class Exchange:
    """A connection to a server of loopback, opened again wherever the server closes it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = self._connected()
        self._seen = b""

    def fileno(self) -> int:
        """For whoever waits for several; another one once the connection was opened again."""
        return self._socket.fileno()

    def send(self, request: bytes) -> None:
        """Send a whole request; the answer to the one before has been read."""
        self._seen = b""
        self._socket.sendall(request)

    def receive(self) -> bytes | None:
        """Read what is there: the whole answer, head and body, or None if more must come.

        Raises:
            BenchError: the server has closed the connection without an answer.
        """
        chunk = self.read()
        self._seen += chunk
        head, ended, body = self._seen.partition(b"\r\n\r\n")
        if not chunk and not ended:
            raise BenchError("the connection was closed without an answer")
        if chunk and not (ended and _is_whole(head, body)):
            return None
        if not chunk or _CLOSING.search(head):
            self._socket.close()
            self._socket = self._connected()
        return self._seen

    def read(self) -> bytes:
        """Read what is there, as it comes; nothing is the end.

        Raises:
            BenchError: the connection broke.
        """
        try:
            return self._socket.recv(_CHUNK_BYTES)
        except OSError as error:
            raise BenchError(f"the connection broke: {error.strerror}") from None

    def ask(self, request: bytes) -> tuple[bytes, bytes]:
        """Send a request and wait for its answer: head and body."""
        self.send(request)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (patience := deadline - time.monotonic()) > 0:
            if select.select([self], [], [], patience)[0] and (answer := self.receive()):
                head, _, body = answer.partition(b"\r\n\r\n")
                return head, _unchunked(body) if _CHUNKED.search(head) else body
        raise BenchError(f"no answer within {PATIENCE_SECONDS:g} s")

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _connected(self) -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", self._port), PATIENCE_SECONDS)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened


def _is_whole(head: bytes, body: bytes) -> bool:
    if length := _LENGTH.search(head):
        return len(body) >= int(length[1])
    if _CHUNKED.search(head):
        return body.endswith(b"0\r\n\r\n")
    return head.split(b" ", 2)[1] in {b"202", b"204"}


def _unchunked(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        whole += rest[:length]
        body = rest[length + 2 :] if length else b""
    return whole
