"""Clients of the soak test over HTTP, each with its own key and connections."""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Self

import anyio
import httpx

from proof.soak.server_process import TIMEOUT_SECONDS, SoakError
from proof.soak.soak_client import PAUSE_SECONDS, ProtocolError, SoakClient, Totals, UpdateStream
from tests.support.jsonrpc import INITIALIZED, LEGACY, HttpCaller, hello, read_answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from tests.support.jsonrpc import Message

_NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Unused, but httpx would create one for each client, which is slow."""

_SESSION: Final = "mcp-session-id"
_DATA: Final = "data: {"


class HttpSoakClient(SoakClient):
    """One client. Leaving the block closes its connections, but not its session."""

    def __init__(
        self,
        address: str,
        era: str,
        key: str,
        totals: Totals,
        *,
        capabilities: Message | None = None,
    ) -> None:
        super().__init__(era, totals, capabilities=capabilities)
        # No connection is reused: a server on fast time might close it at that moment.
        self.http = httpx.AsyncClient(
            base_url=address,
            trust_env=False,
            timeout=TIMEOUT_SECONDS,
            verify=_NO_TLS,
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        self.caller = HttpCaller(self.http, era, x_api_key=key)

    async def __aenter__(self) -> Self:
        """Initialize, if the era has that."""
        if self.era == LEGACY:
            response = await self.caller.post(hello(self.capabilities or {}))
            self.caller.session = response.headers[_SESSION]
            await self.caller.post(INITIALIZED)
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self.http.aclose()

    async def exchange(self, message: Message) -> Message:
        """Post a request."""
        try:
            response = await self.caller.post(message)
        except httpx.HTTPError as error:
            raise SoakError(f"{error!r} in place of an answer to {message}") from None
        if "content-type" not in response.headers:
            raise SoakError(f"HTTP {response.status_code} to {message}")
        return read_answer(response)

    async def end_session(self) -> None:
        """Delete the session, if the era has one."""
        if self.era == LEGACY:
            await self.http.delete("/mcp", headers=self.caller.all_headers())

    async def abandon(self, message: Message, *, after: str = "") -> None:
        """Post a request and close the connection: at once, or when a line contains `after`."""
        self.totals.calls += 1
        with anyio.move_on_after(PAUSE_SECONDS if not after else TIMEOUT_SECONDS):
            async with self._stream_post(message) as response:
                async for line in response.aiter_lines():
                    if after and after in line:
                        return
            if after:
                raise SoakError(f"{message} was answered without {after}")

    def subscribed(self, *uris: str) -> AbstractAsyncContextManager[UpdateStream]:
        """Subscribe until the block ends."""
        return (
            self._session_subscription(*uris) if self.era == LEGACY else self._listen_request(*uris)
        )

    @asynccontextmanager
    async def _session_subscription(self, *uris: str) -> AsyncIterator[UpdateStream]:
        for uri in uris:
            await self.ask("resources/subscribe", uri=uri)
        stream = self.http.stream("GET", "/mcp", headers=self.caller.all_headers())
        async with stream as response, _read_updates(response) as updates:
            yield updates
            for uri in uris:
                await self.ask("resources/unsubscribe", uri=uri)

    @asynccontextmanager
    async def _listen_request(self, *uris: str) -> AsyncIterator[UpdateStream]:
        self.totals.calls += 1
        wanted = {"resourceSubscriptions": list(uris)}
        message = self.request("subscriptions/listen", notifications=wanted)
        async with self._stream_post(message) as response, _read_updates(response) as updates:
            await updates.accepted.wait()
            updates.check(*uris)
            yield updates

    def _stream_post(self, message: Message) -> AbstractAsyncContextManager[httpx.Response]:
        headers = self.caller.all_headers(message)
        return self.http.stream("POST", "/mcp", json=message, headers=headers)


@asynccontextmanager
async def _read_updates(response: httpx.Response) -> AsyncIterator[UpdateStream]:
    """Read a stream until the block ends.

    Raises:
        ProtocolError: the response is not a stream.
    """
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        raise ProtocolError((await response.aread()).decode())
    updates = UpdateStream()
    reader = asyncio.create_task(_read_lines(updates, response))
    try:
        yield updates
    finally:
        reader.cancel()
        await asyncio.wait([reader])


async def _read_lines(updates: UpdateStream, response: httpx.Response) -> None:
    async for line in response.aiter_lines():
        if line.startswith(_DATA):
            updates.handle(json.loads(line.removeprefix("data: ")))
