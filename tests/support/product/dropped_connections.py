"""Closes a connection without a complete response, for which ASGI has no message.

Under uvicorn, `send` is a method of the request's cycle, which holds the socket's transport.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.product.exchanges import send_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from tests.support.product.exchanges import Response


class ConnectionDropped(ConnectionError):
    """A fault closes the connection. `started`: part of the response has already been sent."""

    def __init__(self, *, started: bool = False) -> None:
        super().__init__("the sandbox dropped the connection")
        self.started = started


class BrokenOff(ConnectionDropped):
    """A fault closes the connection after `keep` bytes of the body of a response."""

    def __init__(self, response: Response, request_id: str, *, keep: int) -> None:
        super().__init__(started=True)
        self._response, self._request_id, self._keep = response, request_id, keep

    async def send_beginning(self, send: Send) -> None:
        """Send the announced length and the bytes before the end."""

        async def send_part(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": message["body"][: self._keep], "more_body": True}
            await send(message)

        await send_response(self._response, self._request_id, send_part)


class DroppingApp:
    """Wraps the sandbox's ASGI application, and closes the connections that faults drop."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; without a socket, a dropped connection raises its exception."""
        try:
            await self._app(scope, receive, send)
        except ConnectionDropped as dropped:
            if isinstance(dropped, BrokenOff):
                await dropped.send_beginning(send)
            await _hang_up(receive, send, dropped)


async def _hang_up(receive: Receive, send: Send, dropped: ConnectionDropped) -> None:
    """Close the socket of `send` and wait until it is closed; without a socket, raise `dropped`."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise dropped
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
