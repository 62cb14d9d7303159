"""Closes a connection without a response, for which ASGI has no message.

Under uvicorn, `send` is a method of the request's cycle, which holds the socket's transport.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class ConnectionDropped(ConnectionError):
    """A fault closes the connection."""


class DroppingApp:
    """Wraps the sandbox's ASGI application, and closes the connections that faults drop."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; without a socket, a dropped connection raises its exception."""
        try:
            await self._app(scope, receive, send)
        except ConnectionDropped as dropped:
            await _hang_up(receive, send, dropped)


async def _hang_up(receive: Receive, send: Send, dropped: ConnectionDropped) -> None:
    """Close the socket of `send` and wait until it is closed; without a socket, raise `dropped`."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise dropped
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
