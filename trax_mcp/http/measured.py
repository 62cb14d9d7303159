"""What is measured of requests over HTTP."""

import time
from collections.abc import Collection
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trax_mcp.http.door import PATH
from trax_mcp.instruments import FAILED, HTTP_REQUESTS, OTHER, REFUSED

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_NO_STATUS: Final = 500
"""What uvicorn answers where the app has not."""


class MeasuredHttp:
    """ASGI middleware around all others. `routes` are the paths besides MCP's."""

    def __init__(self, app: ASGIApp, routes: Collection[str] = ()) -> None:
        self._app = app
        self._routes = frozenset((PATH, *routes))

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
        method = scope["method"] if scope["method"] in _METHODS else OTHER
        route = scope["path"] if scope["path"] in self._routes else OTHER
        labels: dict[str, str | int] = {"http.request.method": method, "http.route": route}
        if status is not None:
            labels["http.response.status_code"] = status
        HTTP_REQUESTS.record(seconds, labels)
        if status is not None and status >= FAILED:
            REFUSED.add(1, {"http.response.status_code": status})
