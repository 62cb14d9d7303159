"""A client of a server in a show, over whichever transport: what it asks, and what it hears.

It knows tools and addresses by their names. When it comes and how it leaves is the show's affair.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio

from proof.soak.server import PATIENCE_SECONDS, SoakError
from tests.jsonrpc import Message, request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

ResultT = TypeVar("ResultT")

PAUSE_SECONDS: Final = 0.05
SILENT_STUDIO: Final = "studio_43"
"""One that is there between the shows as well. Nobody ever talks there."""

_ACKNOWLEDGED: Final = "notifications/subscriptions/acknowledged"
_UPDATED: Final = "notifications/resources/updated"


@dataclass
class Tally:
    """What has happened so far, in all processes."""

    calls: int = 0
    subscribers: int = 0
    """Those who were told of something, and found it at their cursor."""
    troubles: int = 0
    """Answers that said that something was wrong, as it was."""


class Refused(SoakError):
    """A protocol error came back, as where a resource cannot be read for the moment."""


class Ear:
    """What has been heard of on a subscription."""

    def __init__(self) -> None:
        self._news = anyio.Event()
        self.accepted = anyio.Event()
        """Set once the later era's acknowledgement is here."""
        self._honoured: list[str] = []

    def hear(self, message: Message) -> None:
        """Take in what the server says by itself."""
        if message.get("method") == _UPDATED:
            self._news.set()
        if message.get("method") == _ACKNOWLEDGED:
            self._honoured = message["params"]["notifications"].get("resourceSubscriptions") or []
            self.accepted.set()

    def check(self, *uris: str) -> None:
        """See that all of these were acknowledged.

        Raises:
            Refused: they were not. Of several, what can be watched is.
        """
        if refused := set(uris).difference(self._honoured):
            raise Refused(f"no subscription to {refused}")

    async def told(self) -> None:
        """Wait until it was told of something, since the last time."""
        await self._news.wait()
        self._news = anyio.Event()


class Guest(ABC):
    """One client. `era` is its protocol's and `able` what it can do, as in `tests.jsonrpc`."""

    def __init__(self, era: str, tally: Tally, *, able: Message | None = None) -> None:
        self.era = era
        self.tally = tally
        self.able = able
        self._numbers = count(1)

    @abstractmethod
    async def exchange(self, message: Message) -> Message:
        """Send a request and return its answer."""

    @abstractmethod
    def subscribed(self, *uris: str) -> AbstractAsyncContextManager[Ear]:
        """Be subscribed to these until the block ends; then take it back in the era's way.

        Entering raises `Refused` where they cannot be read for the moment.
        """

    def request(self, method: str, **params: Any) -> Message:  # noqa: ANN401  any JSON
        """A request, with a number that none before had."""
        return request(self.era, method, params, number=next(self._numbers), able=self.able)

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401  any JSON
        """Ask for something.

        Raises:
            Refused: the answer is an error.
            SoakError: there is none.
        """
        self.tally.calls += 1
        message = self.request(method, **params)
        try:
            with anyio.fail_after(PATIENCE_SECONDS):
                answer = await self.exchange(message)
        except TimeoutError:
            raise SoakError(f"no answer to {method} {params}") from None
        if "error" in answer:
            raise Refused(str(answer["error"]))
        result: dict[str, Any] = answer["result"]
        return result

    async def tool(self, tool: str, **arguments: object) -> dict[str, Any]:
        """Call a tool that must succeed; returns what it says as data.

        Raises:
            SoakError: it has failed.
        """
        result = await self.ask("tools/call", name=tool, arguments=arguments)
        if result.get("isError"):
            raise SoakError(f"{tool} {arguments}: {result['content']}")
        data: dict[str, Any] = result["structuredContent"]
        return data

    async def preview(self, tool: str, **arguments: object) -> str:
        """Call a guarded tool, which must not run; returns the confirmation that comes back."""
        result = await self.ask("tools/call", name=tool, arguments=arguments)
        confirmation = result.get("structuredContent", {}).get("confirmation")
        if not isinstance(confirmation, str):
            raise SoakError(f"{tool} {arguments} gave no confirmation: {result}")
        return confirmation

    async def agree(self, tool: str, **arguments: object) -> dict[str, Any]:
        """Call it, be shown what it would do, and say yes."""
        confirmation = await self.preview(tool, **arguments)
        return await self.tool(tool, **arguments, confirm=True, confirmation=confirmation)

    async def read_chat(self, studio: str, after: str | None = None) -> dict[str, Any]:
        """Read a studio's chat, from a cursor if there is one."""
        uri = chat_of(studio) if after is None else f"{chat_of(studio)}?after={after}"
        read = await self.ask("resources/read", uri=uri)
        chat: dict[str, Any] = json.loads(read["contents"][0]["text"])
        return chat

    async def follow(self, studio: str) -> None:
        """Subscribe to a studio, be told, read on from the cursor, and take it back.

        Raises:
            SoakError: nothing came, though somebody talks all the time.
        """
        try:
            with anyio.fail_after(PATIENCE_SECONDS):
                cursor = (await self.patiently(lambda: self.read_chat(studio)))["cursor"]
                async with AsyncExitStack() as stack:
                    ear = await self.patiently(lambda: self._enter(stack, studio))
                    await self._until_read(ear, studio, cursor)
        except TimeoutError:
            raise SoakError(f"a subscriber to {studio} was told of nothing") from None
        self.tally.subscribers += 1

    async def patiently(self, act: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Do something that may be refused while things go wrong, until it is done."""
        while True:
            try:
                return await act()
            except Refused:
                self.tally.troubles += 1
                await anyio.sleep(PAUSE_SECONDS)

    async def _enter(self, stack: AsyncExitStack, studio: str) -> Ear:
        uris = (chat_of(studio), status_of(studio), status_of(SILENT_STUDIO))
        return await stack.enter_async_context(self.subscribed(*uris))

    async def _until_read(self, ear: Ear, studio: str, cursor: str) -> None:
        while True:
            await ear.told()
            chat = await self.patiently(lambda: self.read_chat(studio, cursor))
            if chat["messages"]:
                return


def chat_of(studio: str) -> str:
    """Where a studio's chat stands."""
    return f"trax://studios/{studio}/chat"


def status_of(studio: str) -> str:
    """Where it stands whether a studio is on air."""
    return f"trax://studios/{studio}/stream-status"
