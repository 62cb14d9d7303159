"""ASGI middleware that limits unfinished requests, so that no client can block the others."""

from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

import anyio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trax_mcp.api.accepted_keys import NOT_ACCEPTED, AcceptedKeys
from trax_mcp.api.caller import Caller
from trax_mcp.server.http.auth_middleware import CALLER
from trax_mcp.server.http.cut_answers import RecordedAnswer
from trax_mcp.server.http.http_protocol import REQUEST_SECONDS
from trax_mcp.server.http.refusal import refuse
from trax_mcp.server.sdk_compat import InFlight

LARGEST_REQUEST_BYTES: Final = 256 * 1024
"""Every call within the limits of its arguments fits. Reading a larger one can take seconds, in
which no stop is sent."""
MAX_REQUESTS: Final = 200
"""The most requests in flight of one key that TRaX has accepted."""
OTHER_WAIT_SECONDS: Final = 3.0
"""The most time that a request without an accepted key waits at the limit."""
MAX_OTHER_REQUESTS: Final = 100
"""The most requests in flight of all callers whose key TRaX has not accepted."""

_LATE: Final = refuse(
    HTTPStatus.REQUEST_TIMEOUT,
    f"The request was not complete within {REQUEST_SECONDS:g} s. Nothing was done. Send it again.",
)
_STOPPING: Final = refuse(
    HTTPStatus.SERVICE_UNAVAILABLE, "The server is stopping. Nothing was done. Try again later."
)
_TOO_MANY: Final = refuse(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Too many requests at once with this key, or without a key that TRaX accepts in X-API-Key.",
)


class ReceiveBodyFirst:
    """Waits a limited time for the body of a request, and then runs the app.

    The app must refuse a body of more than `most` bytes, of which it gets only the beginning, or
    nothing if its length says so.
    A client that disconnects earlier gets no answer. The SDK would wait for ever, and log that as
    an error of the server.
    """

    def __init__(
        self, app: ASGIApp, in_flight: InFlight, *, most: int = LARGEST_REQUEST_BYTES
    ) -> None:
        self._app = app
        self._in_flight = in_flight
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run a request, or refuse it."""
        if scope["type"] != "http" or _declared_bytes(scope) > self._most:
            await self._app(scope, receive, send)
            return
        received: deque[Message] = deque()
        with self._in_flight.track(), anyio.move_on_after(REQUEST_SECONDS) as limit:
            received.append(await _receive_body(receive, self._most))

        async def receive_again() -> Message:
            return received.popleft() if received else await receive()

        if not received:
            refusal = _LATE if limit.cancelled_caught else _STOPPING
            await refusal(scope, receive, send)
        elif received[0]["type"] != "http.disconnect":
            await self._app(scope, receive_again, send)


def _declared_bytes(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


async def _receive_body(receive: Receive, most: int) -> Message:
    """The whole body, or as much of it as the app needs to refuse its size."""
    body, more_body = bytearray(), True
    while more_body and len(body) <= most:
        message = await receive()
        if message["type"] == "http.disconnect":
            return message
        body += message.get("body", b"")
        more_body = message.get("more_body", False)
    return {"type": "http.request", "body": bytes(body), "more_body": more_body}


class RequestLimit:
    """Limits how many requests run at once, of each accepted key and of all other callers together.

    An open stream counts as a request. At the limit, a new request ends the oldest one. One without
    an accepted key waits for a while first: many of them at once would take the time of all others.
    """

    def __init__(self, app: ASGIApp, keys: AcceptedKeys) -> None:
        self._app = app
        self._keys = keys
        self._requests: defaultdict[str, dict[anyio.CancelScope, Caller]] = defaultdict(dict)
        """The requests of each owner, oldest first."""
        self._line = anyio.Lock()
        """Only the first one in line waits for a request to end; the others wait for it."""
        self._ended = anyio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = RecordedAnswer(send)
        await self._wait_for_others(scope[CALLER])
        with self._count(scope[CALLER]) as request:
            await self._app(scope, receive, answer.send)
        await answer.complete_if_cut(request, _TOO_MANY, scope, receive)

    async def _wait_for_others(self, caller: Caller) -> None:
        """Wait until callers without an accepted key are below their limit, but not for long."""
        if self._keys.owner(caller) == NOT_ACCEPTED and self._is_full(NOT_ACCEPTED):
            with anyio.move_on_after(OTHER_WAIT_SECONDS):
                async with self._line:
                    while self._is_full(NOT_ACCEPTED):
                        await self._ended.wait()

    def _is_full(self, owner: str) -> bool:
        limit = MAX_OTHER_REQUESTS if owner == NOT_ACCEPTED else MAX_REQUESTS
        return len(self._requests.get(owner, ())) >= limit

    @contextmanager
    def _count(self, caller: Caller) -> Iterator[anyio.CancelScope]:
        """Count a request until the block ends, which a newer request may end."""
        owner = self._keys.owner(caller)
        requests = self._requests[owner]
        while self._is_full(owner):
            oldest = next(iter(requests))
            its_caller = requests.pop(oldest)
            if self._keys.owner(its_caller) == owner:  # TRaX may have accepted it since
                oldest.cancel()
        with anyio.CancelScope() as request:
            requests[request] = caller
            try:
                yield request
            finally:
                requests.pop(request, None)
                # Not `requests`: others may have begun since that became empty.
                if not self._requests[owner]:
                    del self._requests[owner]
                self._ended.set()
                self._ended = anyio.Event()
