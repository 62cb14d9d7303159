"""The sandbox of the race, as a process: `python -m proof.race.controlled_sandbox`.

Requests under /race/ reset it, add faults and read its log; all others go to the sandbox.
"""

import sys
from typing import Any, Final

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from tests.support.faults import Fault
from tests.support.recorded_sandbox import Sandbox
from trax_mcp.server.http_server import listen, serve_http, url_of

RETRY_AFTER_SECONDS: Final = 37
"""A number that does not occur elsewhere in a response."""

FAULTS: Final = {
    "404": Fault.error(404, "not_found", "No such resource."),
    "429": Fault.error(429, "rate_limited", "Slow down.", Retry_After=str(RETRY_AFTER_SECONDS)),
    "500": Fault.error(500, "internal", "Something broke."),
    "503": Fault.error(503, "write_disabled", "Writes are off."),
    "html": Fault.status(200, "<html><body>Sign in</body></html>", content_type="text/html"),
    "broken": Fault.truncated(),
    "dropped": Fault.dropped(),
}


class ControlledSandbox:
    """A sandbox that can be replaced by a new one."""

    def __init__(self) -> None:
        self._reset()
        self._control_routes = Router(
            [
                Route("/race/reset", self.reset, methods=["POST"]),
                Route("/race/fault", self.add_fault, methods=["POST"]),
                Route("/race/received", self.received),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route to the control requests or the sandbox."""
        is_control = scope["type"] == "http" and scope["path"].startswith("/race/")
        await (self._control_routes if is_control else self._sandbox.app)(scope, receive, send)

    async def reset(self, _request: Request) -> Response:
        """Replace the sandbox."""
        self._reset()
        return JSONResponse({})

    async def add_fault(self, request: Request) -> Response:
        """Apply a fault to all future requests of a method."""
        arguments = await request.json()
        fault = FAULTS[arguments["name"]]
        self._sandbox.faults.add(fault, times=None, method=arguments["method"], path="/v1/*")
        return JSONResponse({})

    async def received(self, _request: Request) -> Response:
        """The requests since the last reset."""
        requests: list[dict[str, Any]] = [
            {"method": it.method, "path": it.path} for it in self._sandbox.requests
        ]
        return JSONResponse(requests)

    def _reset(self) -> None:
        self._sandbox = Sandbox(rate_limit=None)


def main() -> None:
    """Serve on a free loopback port; prints the address on stderr."""
    with listen("127.0.0.1", 0) as listener:
        print(url_of(listener), file=sys.stderr, flush=True)
        anyio.run(serve_http, ControlledSandbox(), listener)


if __name__ == "__main__":
    main()
