"""What is measured of requests over HTTP: ASGI middleware, only where telemetry is on."""

import time
from collections.abc import Collection
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trax_mcp.http.door import HEALTH_PATH, PATH, READY_PATH
from trax_mcp.telemetry import Telemetry

_OTHER: Final = "_OTHER"
"""What stands for all unknown names. Source: semantic conventions for HTTP."""
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_NO_STATUS: Final = 500
"""What uvicorn answers where the app has not."""


class MeasuredHttp:
    """ASGI middleware around all others. `routes` are the paths besides those of MCP and health."""

    def __init__(self, app: ASGIApp, telemetry: Telemetry, routes: Collection[str] = ()) -> None:
        self._app = app
        self._telemetry = telemetry
        self._routes = frozenset((PATH, HEALTH_PATH, READY_PATH, *routes))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run a request, and measure it when its answer is complete, or its client has left."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, is_measured, has_left = time.perf_counter(), False, False
        status: int | None = None

        def measure() -> None:
            nonlocal is_measured
            if not is_measured:
                is_measured = True
                answered = status if status or has_left else _NO_STATUS
                self._measure(scope, answered, time.perf_counter() - began)

        async def receive_and_note() -> Message:
            nonlocal has_left
            message = await receive()
            has_left |= message["type"] == "http.disconnect"
            return message

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif not message.get("more_body", False):
                measure()  # before the client has it, and may look at the metrics
            await send(message)

        try:
            await self._app(scope, receive_and_note, send_and_note)
        finally:
            measure()

    def _measure(self, scope: Scope, status: int | None, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        route = scope["path"] if scope["path"] in self._routes else _OTHER
        self._telemetry.measure_http(method, route, status, seconds)
