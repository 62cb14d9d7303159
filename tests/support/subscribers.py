"""Clients that subscribe, in both protocol eras, and the notifications that they receive.

They are the SDK's own clients, over sockets and pipes.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp_types as types
import pytest
from mcp import Client, MCPDeprecationWarning

from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.shared_clock import STEP_SECONDS, settled
from tests.support.served_app import Front, sdk_connection, serving
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.wire import LEGACY, MODERN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from mcp.client.session import IncomingMessage
    from mcp.client.subscriptions import Subscription

    from tests.support.product.sandbox import Sandbox

STUDIO: Final = "studio_42"
CHAT: Final = "trax://studios/studio_42/chat"
STATUS: Final = "trax://studios/studio_42/stream-status"
OTHER_CHAT: Final = "trax://studios/studio_99/chat"
CHAT_PATH: Final = "/v1/studios/studio_42/chat/messages"
STATUS_PATH: Final = "/v1/studios/studio_42/stream-status"


@dataclass
class Subscriber:
    """A client, and the URIs of the update notifications that it received, in order."""

    era: str
    updates: list[str] = field(default_factory=list)
    client: Client = field(init=False)
    subscription: Subscription = field(init=False)
    _updated: anyio.Event = field(default_factory=anyio.Event)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def on_message(self, message: IncomingMessage) -> None:
        """Record an update notification: the `message_handler` of the client."""
        if isinstance(message, types.ResourceUpdatedNotification):
            self.updates.append(message.params.uri)
            self._updated.set()

    async def wait_for_updates(self, count: int = 1) -> None:
        """Wait, in real time, until it has received `count` notifications in all."""
        with anyio.fail_after(PATIENCE_SECONDS):
            while len(self.updates) < count:
                self._updated = anyio.Event()
                await self._updated.wait()

    async def subscribe(self, *uris: str) -> list[str]:
        """Subscribe to these URIs. Return those that the server accepted."""
        with anyio.fail_after(PATIENCE_SECONDS):
            if self.era != LEGACY:
                listening = self.client.listen(resource_subscriptions=uris)
                self.subscription = await self._stack.enter_async_context(listening)
                return list(self.subscription.honored.resource_subscriptions or ())
            for uri in uris:
                with pytest.warns(MCPDeprecationWarning):
                    await self.client.subscribe_resource(uri)
            return list(uris)

    async def unsubscribe(self, *uris: str) -> None:
        """Unsubscribe from these URIs; in the later era, from all."""
        with anyio.fail_after(PATIENCE_SECONDS):
            await self._stack.aclose()
            for uri in uris if self.era == LEGACY else ():
                with pytest.warns(MCPDeprecationWarning):
                    await self.client.unsubscribe_resource(uri)

    async def read(self, uri: str = CHAT, *, after: str | None = None) -> dict[str, Any]:
        """Read a resource, optionally after a cursor."""
        with anyio.fail_after(PATIENCE_SECONDS):
            full_uri = uri if after is None else f"{uri}?after={after}"
            contents = (await self.client.read_resource(full_uri)).contents[0]
        assert isinstance(contents, types.TextResourceContents)
        read: dict[str, Any] = json.loads(contents.text)
        return read

    async def cursor(self) -> str:
        """Read the chat's current cursor."""
        cursor: str = (await self.read())["cursor"]
        return cursor

    async def texts(self, *, after: str) -> list[str]:
        """The texts of the messages after a cursor. Checks that none is missing."""
        read = await self.read(after=after)
        assert not read["missed"]
        return [message["text"] for message in read["messages"]]


@asynccontextmanager
async def subscriber_on(connection: Any, era: str = MODERN) -> AsyncIterator[Subscriber]:  # noqa: ANN401  what `Client` takes
    """Connect a client until the block ends."""
    subscriber = Subscriber(era)
    client = Client(connection, mode=era, cache=None, message_handler=subscriber.on_message)
    async with client as subscriber.client, subscriber._stack:
        yield subscriber


@asynccontextmanager
async def subscriber_of(
    front: Front, era: str = MODERN, *, key: str = SANDBOX_KEY
) -> AsyncIterator[Subscriber]:
    """Connect a client over HTTP. In the earlier era, its stream is open when this yields."""
    before = open_streams(front)
    async with (
        sdk_connection(front.address, {"X-API-Key": key}) as connection,
        subscriber_on(connection, era) as subscriber,
    ):
        if era == LEGACY:
            with anyio.fail_after(PATIENCE_SECONDS):
                while open_streams(front) == before:  # noqa: ASYNC110  it can only be asked
                    await anyio.sleep(0.002)
        yield subscriber


def open_streams(front: Front) -> int:
    """How many streams of sessions are open."""
    return front.product.open_streams


def manual_clock_server(
    *, trax: Sandbox | None = None, **settings: str
) -> AbstractAsyncContextManager[Front]:
    """A server on a manual clock."""
    return serving(trax=trax, short_seconds=0, **settings)


def say(where: Front | Sandbox, text: str, *, studio: str = STUDIO) -> dict[str, Any]:
    """Add a chat message by a viewer. Returns it as TRaX sends it."""
    trax = where.trax if isinstance(where, Front) else where
    return trax.say(text, studio=studio)


def equivalent_uris() -> Iterator[str]:
    """Equivalent URIs of one chat: any letter may be percent-encoded."""
    for spelling in product(*((it, f"%{ord(it):02X}") for it in "studio_42")):
        yield f"trax://studios/{''.join(spelling)}/chat"


def poll_count(front: Front, path: str = CHAT_PATH) -> int:
    """How many requests TRaX received for a path."""
    return Counter(it.path for it in front.trax.requests)[path]


async def poll_times(front: Front, seconds: float, path: str = CHAT_PATH) -> list[float]:
    """Let time pass. Return the times of the requests to a path, in seconds from the start."""
    await settled()
    times: list[float] = []
    start = front.clock.seconds()
    while (elapsed := front.clock.seconds() - start) < seconds:
        before = poll_count(front, path)
        await front.clock.pass_by(STEP_SECONDS)
        times += [elapsed + STEP_SECONDS] * (poll_count(front, path) - before)
    return times


def intervals(times: Sequence[float]) -> list[float]:
    """The seconds between successive requests."""
    return [later - earlier for earlier, later in pairwise(times)]
