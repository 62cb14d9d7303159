"""A client of the soak test over stdio: the only client of its process."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Self

from proof.soak.server_process import piped
from proof.soak.soak_client import ProtocolError, SoakClient, Totals, UpdateStream
from tests.support.jsonrpc import INITIALIZE, INITIALIZED, LEGACY, Message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from contextlib import AbstractAsyncContextManager

    from proof.soak.server_process import Server


class StdioSoakClient(SoakClient):
    """The client of a process."""

    def __init__(self, server: Server, era: str, totals: Totals) -> None:
        super().__init__(era, totals)
        self._server = server
        self._answers: dict[Any, asyncio.Future[Message]] = {}
        self._streams: set[UpdateStream] = set()

    async def __aenter__(self) -> Self:
        """Initialize, if the era has that."""
        self._reader = asyncio.create_task(self._read_messages())
        if self.era == LEGACY:
            await self.exchange(INITIALIZE)
            await self._send(INITIALIZED)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reader.cancel()

    async def exchange(self, message: Message) -> Message:
        """Write a request, and wait for its response."""
        with self._pending_response(message) as answer:
            await self._send(message)
            return await answer

    async def abandon(self, method: str, **params: Any) -> None:  # noqa: ANN401  any JSON
        """Send a request and cancel it at once."""
        self.totals.calls += 1
        message = self.request(method, **params)
        await self._send(message)
        await self._cancel(message)

    def subscribed(self, *uris: str) -> AbstractAsyncContextManager[UpdateStream]:
        """Subscribe until the block ends."""
        return (
            self._session_subscription(*uris) if self.era == LEGACY else self._listen_request(*uris)
        )

    @asynccontextmanager
    async def _session_subscription(self, *uris: str) -> AsyncIterator[UpdateStream]:
        for uri in uris:
            await self.ask("resources/subscribe", uri=uri)
        with self._receive_updates() as updates:
            yield updates
        for uri in uris:
            await self.ask("resources/unsubscribe", uri=uri)

    @asynccontextmanager
    async def _listen_request(self, *uris: str) -> AsyncIterator[UpdateStream]:
        self.totals.calls += 1
        wanted = {"resourceSubscriptions": list(uris)}
        message = self.request("subscriptions/listen", notifications=wanted)
        with self._receive_updates() as updates, self._pending_response(message) as answer:
            await self._send(message)
            await _wait_for_acknowledgement(answer, updates)
            try:
                updates.check(*uris)
                yield updates
            finally:
                await self._cancel(message)

    @contextmanager
    def _receive_updates(self) -> Iterator[UpdateStream]:
        updates = UpdateStream()
        self._streams.add(updates)
        try:
            yield updates
        finally:
            self._streams.discard(updates)

    @contextmanager
    def _pending_response(self, message: Message) -> Iterator[asyncio.Future[Message]]:
        """A future of the response; it is dropped at the end of the block."""
        answer = asyncio.get_running_loop().create_future()
        self._answers[message["id"]] = answer
        try:
            yield answer
        finally:
            del self._answers[message["id"]]

    async def _read_messages(self) -> None:
        stdout = piped(self._server.process.stdout)
        while line := await stdout.readline():
            message: Message = json.loads(line)
            answer = self._answers.get(message.get("id"))
            if answer is not None:
                answer.set_result(message)
            for updates in self._streams:
                updates.handle(message)

    async def _cancel(self, message: Message) -> None:
        params = {"requestId": message["id"]}
        await self._send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})

    async def _send(self, message: Message) -> None:
        stdin = piped(self._server.process.stdin)
        stdin.write(json.dumps(message).encode() + b"\n")
        await stdin.drain()


async def _wait_for_acknowledgement(answer: asyncio.Future[Message], updates: UpdateStream) -> None:
    """Wait until a subscription is acknowledged.

    Raises:
        ProtocolError: there is a response instead.
    """
    accepted = asyncio.create_task(updates.accepted.wait())
    await asyncio.wait((answer, accepted), return_when=asyncio.FIRST_COMPLETED)
    accepted.cancel()
    if answer.done():
        raise ProtocolError(str(answer.result()))
