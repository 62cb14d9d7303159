"""A guest on stdio: the one client that a process has, for as long as both live."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Self

from proof.soak.guest import Ear, Guest, Refused, Tally
from proof.soak.server import piped
from tests.jsonrpc import INITIALIZE, INITIALIZED, LEGACY, Message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from contextlib import AbstractAsyncContextManager

    from proof.soak.server import Server


class PipeGuest(Guest):
    """The client of a process. It listens until the block ends."""

    def __init__(self, server: Server, era: str, tally: Tally) -> None:
        super().__init__(era, tally)
        self._server = server
        self._answers: dict[Any, asyncio.Future[Message]] = {}
        self._ears: set[Ear] = set()

    async def __aenter__(self) -> Self:
        """Shake hands, where its era does."""
        self._listening = asyncio.create_task(self._listen())
        if self.era == LEGACY:
            await self.exchange(INITIALIZE)
            await self._tell(INITIALIZED)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.cancel()

    async def exchange(self, message: Message) -> Message:
        """Write a line, and wait for the one that answers it."""
        with self._expected(message) as answer:
            await self._tell(message)
            return await answer

    async def give_up(self, method: str, **params: Any) -> None:  # noqa: ANN401  any JSON
        """Ask for something, and take it back at once."""
        self.tally.calls += 1
        message = self.request(method, **params)
        await self._tell(message)
        await self._cancel(message)

    def subscribed(self, *uris: str) -> AbstractAsyncContextManager[Ear]:
        """Be subscribed to these until the block ends."""
        return self._as_session(*uris) if self.era == LEGACY else self._as_request(*uris)

    @asynccontextmanager
    async def _as_session(self, *uris: str) -> AsyncIterator[Ear]:
        for uri in uris:
            await self.ask("resources/subscribe", uri=uri)
        with self._hearing() as ear:
            yield ear
        for uri in uris:
            await self.ask("resources/unsubscribe", uri=uri)

    @asynccontextmanager
    async def _as_request(self, *uris: str) -> AsyncIterator[Ear]:
        self.tally.calls += 1
        wanted = {"resourceSubscriptions": list(uris)}
        message = self.request("subscriptions/listen", notifications=wanted)
        with self._hearing() as ear, self._expected(message) as answer:
            await self._tell(message)
            await _first(answer, ear)
            try:
                ear.check(*uris)
                yield ear
            finally:
                await self._cancel(message)

    @contextmanager
    def _hearing(self) -> Iterator[Ear]:
        ear = Ear()
        self._ears.add(ear)
        try:
            yield ear
        finally:
            self._ears.discard(ear)

    @contextmanager
    def _expected(self, message: Message) -> Iterator[asyncio.Future[Message]]:
        """What will be answered, or never; nobody waits for it after the block."""
        answer = asyncio.get_running_loop().create_future()
        self._answers[message["id"]] = answer
        try:
            yield answer
        finally:
            del self._answers[message["id"]]

    async def _listen(self) -> None:
        stdout = piped(self._server.process.stdout)
        while line := await stdout.readline():
            message: Message = json.loads(line)
            answer = self._answers.get(message.get("id"))
            if answer is not None:
                answer.set_result(message)
            for ear in self._ears:
                ear.hear(message)

    async def _cancel(self, message: Message) -> None:
        params = {"requestId": message["id"]}
        await self._tell({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})

    async def _tell(self, message: Message) -> None:
        stdin = piped(self._server.process.stdin)
        stdin.write(json.dumps(message).encode() + b"\n")
        await stdin.drain()


async def _first(answer: asyncio.Future[Message], ear: Ear) -> None:
    """Wait until a subscription is acknowledged.

    Raises:
        Refused: it is answered instead.
    """
    accepted = asyncio.create_task(ear.accepted.wait())
    await asyncio.wait((answer, accepted), return_when=asyncio.FIRST_COMPLETED)
    accepted.cancel()
    if answer.done():
        raise Refused(str(answer.result()))
