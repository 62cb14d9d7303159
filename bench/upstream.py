"""A TRaX that answers every request with one studio, as fast as possible.

A slow one would hide what the servers cost.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from typing import Final

STUDIO: Final = {
    "id": "studio_42",
    "name": "Friday Night Show",
    "ownerSub": "owner_of_the_bench",
    "role": "owner",
    "createdAt": "2026-01-09T18:30:00Z",
    "description": "Every Friday at eight, from the old brewery.",
    "lastOpenedAt": "2026-03-06T19:02:11Z",
}
_BODY: Final = json.dumps(STUDIO).encode()
_HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: req_1\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


class _Connection(asyncio.Protocol):
    """One connection with keep-alive."""

    def __init__(self) -> None:
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
            self._transport.write(b"%bContent-Length: %d\r\n\r\n%b" % (_HEAD, len(_BODY), _BODY))


async def main() -> None:
    """Serve on a free loopback port, and print the address on stderr."""
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(f"listening on http://127.0.0.1:{port}", file=sys.stderr, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
