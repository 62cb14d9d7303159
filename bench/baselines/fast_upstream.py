"""An upstream that answers every request with one studio, as fast as possible.

A slow upstream would hide the cost of the servers.
"""

import asyncio
import json
import sys

_STUDIO = {
    "id": "studio_42",
    "name": "Friday Night Show",
    "ownerSub": "owner_of_the_bench",
    "role": "owner",
    "createdAt": "2026-01-09T18:30:00Z",
    "description": "Every Friday at eight, from the old brewery.",
    "lastOpenedAt": "2026-03-06T19:02:11Z",
}
_BODY = json.dumps(_STUDIO).encode()
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: req_1\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)


class OneStudio(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, for requests without a body."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  TCP servers give nothing else
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        """Respond when the head of the request is complete."""
        self._received += data
        if self._received.endswith(b"\r\n\r\n"):
            self._received = b""
            self._transport.write(_ANSWER)


async def main() -> None:
    """Serve on a free loopback port; prints the address on stderr."""
    server = await asyncio.get_running_loop().create_server(OneStudio, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}", file=sys.stderr, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
