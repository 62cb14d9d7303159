"""Closes a connection without a response, for which ASGI has no message.

Under uvicorn, `send` is a method of the request's cycle, which holds the socket's transport.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Receive, Send

    from trax_mcp.sandbox.messages import ConnectionDropped


async def hang_up(receive: Receive, send: Send, dropped: ConnectionDropped) -> None:
    """Close the socket of `send` and wait until it is closed; without a socket, raise `dropped`."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise dropped
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
