"""The sandbox as an httpx transport: no port, no network, and failures as a wire would show them.

It knows httpx and the sandbox's app, nothing of what is asked.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import anyio
import httpx

from trax_mcp.sandbox.messages import ConnectionDropped

if TYPE_CHECKING:
    from trax_mcp.sandbox.sandbox import Sandbox


class SandboxTransport(httpx.AsyncBaseTransport):
    """Sends requests to a sandbox in this process.

    A connection that is dropped is `httpx.ReadError`, one that breaks off inside an answer is
    `httpx.RemoteProtocolError`, and the read timeout (seconds) holds for the whole answer.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._transport = httpx.ASGITransport(sandbox.app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass one request to the app; raises what httpx would raise for the same trouble."""
        seconds = request.extensions.get("timeout", {}).get("read")
        try:
            with anyio.fail_after(inf if seconds is None else seconds):
                return await self._transport.handle_async_request(request)
        except TimeoutError as error:
            raise httpx.ReadTimeout("the sandbox did not answer in time") from error
        except ConnectionDropped as dropped:
            raise _failure(dropped) from dropped


def _failure(dropped: ConnectionDropped) -> httpx.TransportError:
    if dropped.started:
        return httpx.RemoteProtocolError("peer closed connection without sending complete body")
    return httpx.ReadError("the connection was closed without an answer")
