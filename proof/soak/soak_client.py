"""An MCP client of the soak test, independent of the transport."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio

from proof.soak.server_process import TIMEOUT_SECONDS, SoakError
from tests.support.jsonrpc import Message, request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

ResultT = TypeVar("ResultT")

PAUSE_SECONDS: Final = 0.05
SILENT_STUDIO: Final = "studio_43"
"""A studio without chat, which is not removed between the shows."""

_ACKNOWLEDGED: Final = "notifications/subscriptions/acknowledged"
_UPDATED: Final = "notifications/resources/updated"


@dataclass
class Totals:
    """Totals over all processes."""

    calls: int = 0
    subscribers: int = 0
    """Subscribers that were notified and found a message at their cursor."""
    failures: int = 0
    """Errors that were expected because of a fault."""


class ProtocolError(SoakError):
    """The response is a protocol error, for example because a resource cannot be read now."""


class UpdateStream:
    """The notifications of a subscription."""

    def __init__(self) -> None:
        self._updated = anyio.Event()
        self.accepted = anyio.Event()
        """Set by the acknowledgement of the later era."""
        self._accepted_uris: list[str] = []

    def handle(self, message: Message) -> None:
        """Handle a notification."""
        if message.get("method") == _UPDATED:
            self._updated.set()
        if message.get("method") == _ACKNOWLEDGED:
            self._accepted_uris = (
                message["params"]["notifications"].get("resourceSubscriptions") or []
            )
            self.accepted.set()

    def check(self, *uris: str) -> None:
        """Check that all URIs were acknowledged; a server may accept only some.

        Raises:
            ProtocolError: some were not.
        """
        if refused := set(uris).difference(self._accepted_uris):
            raise ProtocolError(f"no subscription to {refused}")

    async def wait_for_update(self) -> None:
        """Wait for the next update."""
        await self._updated.wait()
        self._updated = anyio.Event()


class SoakClient(ABC):
    """One client, with the era and the capabilities of `tests.support.jsonrpc`."""

    def __init__(self, era: str, totals: Totals, *, capabilities: Message | None = None) -> None:
        self.era = era
        self.totals = totals
        self.capabilities = capabilities
        self._numbers = count(1)

    @abstractmethod
    async def exchange(self, message: Message) -> Message:
        """Send a request and return its response."""

    @abstractmethod
    def subscribed(self, *uris: str) -> AbstractAsyncContextManager[UpdateStream]:
        """Subscribe until the block ends. Raises ProtocolError if a URI cannot be read now."""

    def request(self, method: str, **params: Any) -> Message:  # noqa: ANN401  any JSON
        """A request with a new id."""
        return request(
            self.era, method, params, number=next(self._numbers), capabilities=self.capabilities
        )

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401  any JSON
        """Send a request and return its result.

        Raises:
            ProtocolError: the response is an error.
            SoakError: there is no response.
        """
        self.totals.calls += 1
        message = self.request(method, **params)
        try:
            with anyio.fail_after(TIMEOUT_SECONDS):
                answer = await self.exchange(message)
        except TimeoutError:
            raise SoakError(f"no answer to {method} {params}") from None
        if "error" in answer:
            raise ProtocolError(str(answer["error"]))
        result: dict[str, Any] = answer["result"]
        return result

    async def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        """Call a tool that must succeed; returns its structured content.

        Raises:
            SoakError: it failed.
        """
        result = await self.ask("tools/call", name=tool, arguments=arguments)
        if result.get("isError"):
            raise SoakError(f"{tool} {arguments}: {result['content']}")
        data: dict[str, Any] = result["structuredContent"]
        return data

    async def preview(self, tool: str, **arguments: object) -> str:
        """Call a guarded tool, which must not run; returns its confirmation."""
        result = await self.ask("tools/call", name=tool, arguments=arguments)
        confirmation = result.get("structuredContent", {}).get("confirmation")
        if not isinstance(confirmation, str):
            raise SoakError(f"{tool} {arguments} gave no confirmation: {result}")
        return confirmation

    async def call_with_consent(self, tool: str, **arguments: object) -> dict[str, Any]:
        """Call a guarded tool, and confirm its preview."""
        confirmation = await self.preview(tool, **arguments)
        return await self.call(tool, **arguments, confirm=True, confirmation=confirmation)

    async def read_chat(self, studio: str, after: str | None = None) -> dict[str, Any]:
        """Read a studio's chat, after a cursor if there is one."""
        uri = chat_uri(studio) if after is None else f"{chat_uri(studio)}?after={after}"
        result = await self.ask("resources/read", uri=uri)
        chat: dict[str, Any] = json.loads(result["contents"][0]["text"])
        return chat

    async def follow(self, studio: str) -> None:
        """Subscribe to a studio, wait for an update, read the new messages and unsubscribe.

        Raises:
            SoakError: there was no update in time.
        """
        try:
            with anyio.fail_after(TIMEOUT_SECONDS):
                cursor = (await self.retry(lambda: self.read_chat(studio)))["cursor"]
                async with AsyncExitStack() as stack:
                    updates = await self.retry(lambda: self._subscribe(stack, studio))
                    await self._read_new_messages(updates, studio, cursor)
        except TimeoutError:
            raise SoakError(f"a subscriber to {studio} was told of nothing") from None
        self.totals.subscribers += 1

    async def retry(self, action: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Repeat something until it does not raise ProtocolError, which faults may cause."""
        while True:
            try:
                return await action()
            except ProtocolError:
                self.totals.failures += 1
                await anyio.sleep(PAUSE_SECONDS)

    async def _subscribe(self, stack: AsyncExitStack, studio: str) -> UpdateStream:
        uris = (chat_uri(studio), status_uri(studio), status_uri(SILENT_STUDIO))
        return await stack.enter_async_context(self.subscribed(*uris))

    async def _read_new_messages(self, updates: UpdateStream, studio: str, cursor: str) -> None:
        while True:
            await updates.wait_for_update()
            chat = await self.retry(lambda: self.read_chat(studio, cursor))
            if chat["messages"]:
                return


def chat_uri(studio: str) -> str:
    """The URI of a studio's chat."""
    return f"trax://studios/{studio}/chat"


def status_uri(studio: str) -> str:
    """The URI of a studio's stream status."""
    return f"trax://studios/{studio}/stream-status"
