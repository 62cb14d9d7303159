"""The sandbox as an upstream of the race: a process that can be set anew, and tells what it saw.

Run as `python -m proof.race.directed`. Under /race/ it is directed, everything else is the
sandbox's; it knows no entrant.
"""

import sys
from typing import Any, Final

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from trax_mcp.sandbox import Sandbox
from trax_mcp.sandbox.faults import Fault
from trax_mcp.server.http_server import listen, serve_http, url_of

RETRY_AFTER_SECONDS: Final = 37
"""A number that nothing else in an answer holds."""

TROUBLES: Final = {
    "404": Fault.error(404, "not_found", "No such resource."),
    "429": Fault.error(429, "rate_limited", "Slow down.", Retry_After=str(RETRY_AFTER_SECONDS)),
    "500": Fault.error(500, "internal", "Something broke."),
    "503": Fault.error(503, "write_disabled", "Writes are off."),
    "html": Fault.status(200, "<html><body>Sign in</body></html>", content_type="text/html"),
    "broken": Fault.truncated(),
    "dropped": Fault.dropped(),
}


class DirectedSandbox:
    """One sandbox after another, each as good as new."""

    def __init__(self) -> None:
        self._anew()
        self._direction = Router(
            [
                Route("/race/anew", self.anew, methods=["POST"]),
                Route("/race/trouble", self.trouble, methods=["POST"]),
                Route("/race/received", self.received),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the sandbox, or be directed."""
        directed = scope["type"] == "http" and scope["path"].startswith("/race/")
        await (self._direction if directed else self._sandbox.app)(scope, receive, send)

    async def anew(self, _request: Request) -> Response:
        """Begin again."""
        self._anew()
        return JSONResponse({})

    async def trouble(self, request: Request) -> Response:
        """From now on, answer requests of this method with this trouble."""
        asked = await request.json()
        fault = TROUBLES[asked["name"]]
        self._sandbox.faults.add(fault, times=None, method=asked["method"], path="/v1/*")
        return JSONResponse({})

    async def received(self, _request: Request) -> Response:
        """What has reached the sandbox since it began."""
        seen: list[dict[str, Any]] = [
            {"method": it.method, "path": it.path} for it in self._sandbox.requests
        ]
        return JSONResponse(seen)

    def _anew(self) -> None:
        self._sandbox = Sandbox(rate_limit=None)


def main() -> None:
    """Serve on a free port of loopback, named on stderr."""
    with listen("127.0.0.1", 0) as listener:
        print(url_of(listener), file=sys.stderr, flush=True)
        anyio.run(serve_http, DirectedSandbox(), listener)


if __name__ == "__main__":
    main()
