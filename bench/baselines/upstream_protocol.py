"""HTTP/1.1 for the upstreams, as little and as fast as possible: slow ones would hide the servers.

An upstream is a function that gets the line of a request, such as `GET /v1/studios`, and a function
that sends the response.
"""

import asyncio
import json
import re
import sys
from collections.abc import Callable
from typing import Final

Respond = Callable[[object], None]
_LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


class _Connection(asyncio.Protocol):
    """One connection with keep-alive."""

    def __init__(self, answer: Callable[[str, Respond], None]) -> None:
        self._answer = answer
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  TCP servers give nothing else
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer when the request is complete."""
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if separator and len(body) >= (int(length[1]) if length else 0):
            self._received = b""
            line, _, _ = head.partition(b" HTTP/")
            self._answer(line.decode(), self._respond)

    def _respond(self, answer: object) -> None:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: req_1\r\n"
        self._transport.write(b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body))


async def serve(answer: Callable[[str, Respond], None]) -> None:
    """Serve on a free loopback port; prints the address on stderr."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(answer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}", file=sys.stderr, flush=True)
    await server.serve_forever()
