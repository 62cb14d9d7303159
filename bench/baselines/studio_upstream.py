"""An upstream with one studio, for calls that need consent; it counts its requests.

Each response takes the milliseconds in the command line. Going live and offline take effect at
once. Requests under /bench reset the state and read the counts.
"""

import asyncio
import json
import re
import sys
from dataclasses import dataclass
from typing import Any

JsonObject = dict[str, Any]

_SINCE = "2026-03-06T20:00:00Z"
_STUDIO = {"id": "studio_42", "name": "Friday Night Show", "ownerSub": "owner", "role": "owner"}
_DESTINATION = {
    "id": "dest_1",
    "studioId": "studio_42",
    "name": "Main channel",
    "platform": "youtube",
    "enabled": True,
    "vertical": False,
}
_SOURCE = {
    "id": "source_1",
    "studioId": "studio_42",
    "name": "Host camera",
    "type": "webcam",
    "active": True,
}
_CONNECTION = {
    "id": "conn_1",
    "platform": "youtube",
    "displayName": "Robin",
    "connectionType": "oauth",
    "connectedAt": _SINCE,
    "status": "active",
}

_ANSWERS: tuple[tuple[str, JsonObject], ...] = (
    (r"GET /v1/health", {"status": "ok", "writeEnabled": True}),
    (r"GET /v1/studios", {"data": [_STUDIO]}),
    (r"GET /v1/connections", {"data": [_CONNECTION]}),
    (r"GET /v1/studios/\w+/destinations", {"data": [_DESTINATION]}),
    (r"GET /v1/studios/\w+/sources", {"data": [_SOURCE]}),
    (r"(GET|PATCH) /v1/studios/\w+", _STUDIO),
    (r"POST /v1/studios/\w+/go-live", {"encoderStreamId": "e", "destinationIds": ["dest_1"]}),
    (r"POST /v1/studios/\w+/go-offline", {"ok": True}),
    (r"DELETE /v1/.+", {"ok": True}),
    (r"(POST|PATCH) /v1/studios/\w+/destinations.*", _DESTINATION),
    (r"(POST|PATCH) /v1/studios/\w+/sources.*", _SOURCE),
)


@dataclass
class World:
    """The state and the counts. A turn starts with a request while no other one is open."""

    live: bool = False
    requests: int = 0
    turns: int = 0
    open_requests: int = 0

    async def answer(self, request: str, pause_seconds: float) -> JsonObject:
        """Answer a request to TRaX after a pause."""
        self.requests += 1
        self.turns += not self.open_requests
        self.open_requests += 1
        await asyncio.sleep(pause_seconds)
        self.open_requests -= 1
        if request.endswith(("/go-live", "/go-offline")):
            self.live = request.endswith("/go-live")
        if request.endswith("/stream-status"):
            return {"live": True, "liveStartedAt": _SINCE} if self.live else {"live": False}
        return next(answer for pattern, answer in _ANSWERS if re.fullmatch(pattern, request))

    def control(self, request: str) -> JsonObject:
        """Return the counts, or reset the state, on air or off."""
        if request.endswith("/seen"):
            return {"requests": self.requests, "turns": self.turns}
        self.live, self.requests, self.turns = request.endswith("/on_air"), 0, 0
        return {}


async def main(pause_seconds: float) -> None:
    """Serve on a free loopback port; prints the address on stderr."""
    world = World()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            request = head.partition(" HTTP/")[0].partition("?")[0]
            if length := re.search(r"\r\ncontent-length: (\d+)", head, re.IGNORECASE):
                await reader.readexactly(int(length[1]))
            is_control = " /bench/" in request
            answer = (
                world.control(request) if is_control else await world.answer(request, pause_seconds)
            )
            writer.write(_response(answer))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}", file=sys.stderr, flush=True)
    await server.serve_forever()


async def _head(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode()
    except (asyncio.IncompleteReadError, ConnectionError):
        return ""


def _response(answer: JsonObject) -> bytes:
    body = json.dumps(answer).encode()
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: req_1\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) / 1000))
