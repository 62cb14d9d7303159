"""An upstream with studios of every id, for calls that need consent; it counts its requests.

Each response takes the milliseconds in the command line. Going live and offline take effect at
once. Requests under /bench reset the state and read the counts.
"""

import asyncio
import re
import sys
from dataclasses import dataclass
from typing import Any

from bench.baselines.upstream_protocol import Respond, serve

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
    (r"POST /v1/studios/\w+/go-live", {"encoderStreamId": "e", "destinationIds": ["dest_1"]}),
    (r"POST /v1/studios/\w+/go-offline", {"ok": True}),
    (r"DELETE /v1/.+", {"ok": True}),
    (r"(POST|PATCH) /v1/studios/\w+/destinations.*", _DESTINATION),
    (r"(POST|PATCH) /v1/studios/\w+/sources.*", _SOURCE),
)


@dataclass
class Upstream:
    """The state and the counts. A turn starts with a request while no other one is open."""

    pause_seconds: float
    live: bool = False
    requests: int = 0
    turns: int = 0
    open_requests: int = 0

    def answer(self, request: str, respond: Respond) -> None:
        """Answer a request to TRaX after a pause, or a control request at once."""
        request = request.partition("?")[0]
        if " /bench/" in request:
            respond(self._control(request))
            return
        self.requests += 1
        self.turns += not self.open_requests
        self.open_requests += 1
        loop = asyncio.get_running_loop()
        loop.call_later(self.pause_seconds, lambda: respond(self._answer(request)))

    def _answer(self, request: str) -> JsonObject:
        self.open_requests -= 1
        if request.endswith(("/go-live", "/go-offline")):
            self.live = request.endswith("/go-live")
        if request.endswith("/stream-status"):
            return {"live": True, "liveStartedAt": _SINCE} if self.live else {"live": False}
        if studio := re.fullmatch(r"(?:GET|PATCH) /v1/studios/(\w+)", request):
            return {**_STUDIO, "id": studio[1]}
        return next(answer for pattern, answer in _ANSWERS if re.fullmatch(pattern, request))

    def _control(self, request: str) -> JsonObject:
        """Return the counts, or reset the state, on air or off."""
        if request.endswith("/seen"):
            return {"requests": self.requests, "turns": self.turns}
        self.live, self.requests, self.turns = request.endswith("/on_air"), 0, 0
        return {}


if __name__ == "__main__":
    asyncio.run(serve(Upstream(float(sys.argv[1]) / 1000).answer))
