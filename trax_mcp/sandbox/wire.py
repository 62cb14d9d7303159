"""Ending a connection without an answer, which ASGI has no message for.

Under uvicorn the `send` that an app is given belongs to the request's cycle, which holds the
socket's transport; closing that is what a lost connection looks like. Where there is no socket, the
drop travels on as an exception.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Receive, Send

    from trax_mcp.sandbox.messages import ConnectionDropped


async def hang_up(receive: Receive, send: Send, dropped: ConnectionDropped) -> None:
    """Close the socket behind `send` and wait until it is closed; without one, raise `dropped`."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise dropped
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
