"""What is written down of a request over HTTP: its id in each line of the log, and a metric.

The id is the caller's `X-Request-Id`, or a new one, and the answer gives it back.
"""

import re
import time
from collections.abc import Collection
from typing import Final
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trax_mcp.api.caller import KEY_PATTERN
from trax_mcp.instruments import FAILED, HTTP_REQUESTS, OTHER, REFUSED
from trax_mcp.observe.logs import CURRENT_IDS, RequestIds

REQUEST_ID_HEADER: Final = "X-Request-Id"
IDS: Final = "trax.request_ids"
"""The key of the `RequestIds` in a request's scope."""

_HEADER: Final = REQUEST_ID_HEADER.lower().encode()
_REQUEST_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_NO_STATUS: Final = 500
"""What uvicorn answers where the app has not."""


class Requests:
    """ASGI middleware around all but health checks. `routes` are the paths that there are."""

    def __init__(self, app: ASGIApp, routes: Collection[str]) -> None:
        self._app = app
        self._routes = frozenset(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run a request, and measure it when its answer is complete, or its client has left."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, is_measured, has_left = time.perf_counter(), False, False
        status: int | None = None
        request_id = _request_id(scope)
        scope[IDS] = ids = RequestIds(request_id)
        CURRENT_IDS.set(ids)

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
                with_id = (_HEADER, request_id.encode())
                message = {**message, "headers": [*message.get("headers", ()), with_id]}
            elif not message.get("more_body", False):
                measure()  # before the client has it, and may look at the metrics
            await send(message)

        try:
            await self._app(scope, receive_and_note, send_and_note)
        finally:
            measure()

    def _measure(self, scope: Scope, status: int | None, seconds: float) -> None:
        labels: dict[str, str | int] = {
            "http.request.method": scope["method"] if scope["method"] in _METHODS else OTHER,
            "http.route": scope["path"] if scope["path"] in self._routes else OTHER,
        }
        if status is not None:
            labels["http.response.status_code"] = status
        HTTP_REQUESTS.record(seconds, labels)
        if status is not None and status >= FAILED:
            REFUSED.add(1, {"http.response.status_code": status})


def _request_id(scope: Scope) -> str:
    """The id of a request. Names of headers in a scope are in lower case."""
    given = next((it for name, it in scope["headers"] if name == _HEADER), b"").decode("latin-1")
    # A key has no place there, and would be in each line.
    is_usable = _REQUEST_ID.fullmatch(given) and not KEY_PATTERN.search(given)
    return given if is_usable else uuid4().hex
