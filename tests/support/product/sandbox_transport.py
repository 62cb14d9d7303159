"""The sandbox as an httpx transport: without a port, with the errors of a real connection."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import anyio
import httpx

from tests.support.product.dropped_connections import ConnectionDropped

if TYPE_CHECKING:
    from tests.support.product.sandbox import Sandbox


class SandboxTransport(httpx.AsyncBaseTransport):
    """Sends requests to a sandbox in this process.

    A dropped connection raises `httpx.ReadError`, one that ends inside a response
    `httpx.RemoteProtocolError`. The read timeout (seconds) limits the whole response.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._transport = httpx.ASGITransport(sandbox.app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass one request to the app; raises the errors that httpx raises on a connection."""
        await anyio.lowlevel.checkpoint()  # others run meanwhile, as while a network is waited for
        seconds = request.extensions.get("timeout", {}).get("read")
        try:
            with anyio.fail_after(inf if seconds is None else seconds):
                return await self._transport.handle_async_request(request)
        except TimeoutError as error:
            raise httpx.ReadTimeout("the sandbox did not answer in time") from error
        except ConnectionDropped as dropped:
            raise _to_httpx_error(dropped) from dropped


def _to_httpx_error(dropped: ConnectionDropped) -> httpx.TransportError:
    if dropped.started:
        return httpx.RemoteProtocolError("peer closed connection without sending complete body")
    return httpx.ReadError("the connection was closed without an answer")
