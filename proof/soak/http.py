"""Guests over HTTP: each with a key and connections of its own, and with many ways to be gone."""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Self

import anyio
import httpx

from proof.soak.guest import PAUSE_SECONDS, Ear, Guest, Refused, Tally
from proof.soak.server import PATIENCE_SECONDS, SoakError
from tests.jsonrpc import INITIALIZED, LEGACY, HttpCaller, hello, read_answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from tests.jsonrpc import Message

_NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Made once: it is needed by nobody, and what takes longest about a client."""

_SESSION: Final = "mcp-session-id"
_DATA: Final = "data: {"


class HttpGuest(Guest):
    """One client, with a key of its own. To leave the block is to hang up without a word."""

    def __init__(
        self, address: str, era: str, key: str, tally: Tally, *, able: Message | None = None
    ) -> None:
        super().__init__(era, tally, able=able)
        # No connection waits to be used again: a hasty server might close it at that moment.
        self.http = httpx.AsyncClient(
            base_url=address,
            trust_env=False,
            timeout=PATIENCE_SECONDS,
            verify=_NO_TLS,
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        self.caller = HttpCaller(self.http, era, x_api_key=key)

    async def __aenter__(self) -> Self:
        """Shake hands, where its era does."""
        if self.era == LEGACY:
            greeted = await self.caller.post(hello(self.able or {}))
            self.caller.session = greeted.headers[_SESSION]
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
        """Post it."""
        try:
            response = await self.caller.post(message)
        except httpx.HTTPError as error:
            raise SoakError(f"{error!r} in place of an answer to {message}") from None
        if "content-type" not in response.headers:
            raise SoakError(f"HTTP {response.status_code} to {message}")
        return read_answer(response)

    async def end(self) -> None:
        """Delete the session; the later era has none."""
        if self.era == LEGACY:
            await self.http.delete("/mcp", headers=self.caller.all_headers())

    async def give_up(self, message: Message, *, once: str = "") -> None:
        """Post something and hang up on it: at once, or when this was read of its answer."""
        self.tally.calls += 1
        with anyio.move_on_after(PAUSE_SECONDS if not once else PATIENCE_SECONDS):
            async with self._posting(message) as response:
                async for line in response.aiter_lines():
                    if once and once in line:
                        return
            if once:
                raise SoakError(f"{message} was answered without {once}")

    def subscribed(self, *uris: str) -> AbstractAsyncContextManager[Ear]:
        """Be subscribed to these until the block ends."""
        return self._as_session(*uris) if self.era == LEGACY else self._listening(*uris)

    @asynccontextmanager
    async def _as_session(self, *uris: str) -> AsyncIterator[Ear]:
        for uri in uris:
            await self.ask("resources/subscribe", uri=uri)
        stream = self.http.stream("GET", "/mcp", headers=self.caller.all_headers())
        async with stream as response, _heard(response) as ear:
            yield ear
            for uri in uris:
                await self.ask("resources/unsubscribe", uri=uri)

    @asynccontextmanager
    async def _listening(self, *uris: str) -> AsyncIterator[Ear]:
        self.tally.calls += 1
        wanted = {"resourceSubscriptions": list(uris)}
        message = self.request("subscriptions/listen", notifications=wanted)
        async with self._posting(message) as response, _heard(response) as ear:
            await ear.accepted.wait()
            ear.check(*uris)
            yield ear

    def _posting(self, message: Message) -> AbstractAsyncContextManager[httpx.Response]:
        headers = self.caller.all_headers(message)
        return self.http.stream("POST", "/mcp", json=message, headers=headers)


@asynccontextmanager
async def _heard(response: httpx.Response) -> AsyncIterator[Ear]:
    """Listen to a stream until the block ends.

    Raises:
        Refused: it is none.
    """
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        raise Refused((await response.aread()).decode())
    ear = Ear()
    filling = asyncio.create_task(_fill(ear, response))
    try:
        yield ear
    finally:
        filling.cancel()
        await asyncio.wait([filling])


async def _fill(ear: Ear, response: httpx.Response) -> None:
    async for line in response.aiter_lines():
        if line.startswith(_DATA):
            ear.hear(json.loads(line.removeprefix("data: ")))
