"""Clients that subscribe, in both protocol eras, and what each of them is told.

They are the SDK's own clients, on sockets and pipes. It knows how one subscribes and reads, and no
rule of when somebody is told.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx2
import mcp_types as types
import pytest
from mcp import Client, MCPDeprecationWarning
from mcp.client.streamable_http import streamable_http_client

from tests.front import Front, serving
from tests.hand import STEP_SECONDS, settled
from tests.jsonrpc import LEGACY
from tests.processes import PATIENCE_SECONDS
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from mcp.client.session import IncomingMessage
    from mcp.client.subscriptions import Subscription

    from trax_mcp.sandbox import Sandbox

STUDIO: Final = "studio_42"
CHAT: Final = "trax://studios/studio_42/chat"
STATUS: Final = "trax://studios/studio_42/stream-status"
OTHERS_CHAT: Final = "trax://studios/studio_99/chat"
CHAT_PATH: Final = "/v1/studios/studio_42/chat/messages"
STATUS_PATH: Final = "/v1/studios/studio_42/stream-status"


@dataclass
class Viewer:
    """A client, and the addresses that it was told of, in order."""

    era: str
    told: list[str] = field(default_factory=list)
    client: Client = field(init=False)
    subscription: Subscription = field(init=False)
    _news: anyio.Event = field(default_factory=anyio.Event)
    _left: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def hear(self, message: IncomingMessage) -> None:
        """Take in what the server says by itself."""
        if isinstance(message, types.ResourceUpdatedNotification):
            self.told.append(message.params.uri)
            self._news.set()

    async def hears(self, times: int = 1) -> None:
        """Wait, in real time, until it was told so many times in all."""
        with anyio.fail_after(PATIENCE_SECONDS):
            while len(self.told) < times:
                self._news = anyio.Event()
                await self._news.wait()

    async def subscribe(self, *uris: str) -> list[str]:
        """Subscribe to these, and return what the server says it will tell of."""
        with anyio.fail_after(PATIENCE_SECONDS):
            if self.era != LEGACY:
                listening = self.client.listen(resource_subscriptions=uris)
                self.subscription = await self._left.enter_async_context(listening)
                return list(self.subscription.honored.resource_subscriptions or ())
            for uri in uris:
                with pytest.warns(MCPDeprecationWarning):
                    await self.client.subscribe_resource(uri)
            return list(uris)

    async def unsubscribe(self, *uris: str) -> None:
        """Be told of these no more; in the later era of nothing."""
        with anyio.fail_after(PATIENCE_SECONDS):
            await self._left.aclose()
            for uri in uris if self.era == LEGACY else ():
                with pytest.warns(MCPDeprecationWarning):
                    await self.client.unsubscribe_resource(uri)

    async def read(self, uri: str = CHAT, *, after: str | None = None) -> dict[str, Any]:
        """Read a resource, from a cursor if there is one."""
        with anyio.fail_after(PATIENCE_SECONDS):
            address = uri if after is None else f"{uri}?after={after}"
            contents = (await self.client.read_resource(address)).contents[0]
        assert isinstance(contents, types.TextResourceContents)
        read: dict[str, Any] = json.loads(contents.text)
        return read

    async def cursor(self) -> str:
        """Where the chat stands now."""
        cursor: str = (await self.read())["cursor"]
        return cursor

    async def texts(self, *, after: str) -> list[str]:
        """What was said after a cursor, if it is known that nothing is missing."""
        read = await self.read(after=after)
        assert not read["missed"]
        return [message["text"] for message in read["messages"]]


@asynccontextmanager
async def viewing(connection: Any, era: str) -> AsyncIterator[Viewer]:  # noqa: ANN401  what `Client` takes
    """A client on a connection, until the block ends."""
    viewer = Viewer(era)
    client = Client(connection, mode=era, cache=None, message_handler=viewer.hear)
    async with client as viewer.client, viewer._left:
        yield viewer


@asynccontextmanager
async def viewer_of(front: Front, era: str, *, key: str = SANDBOX_KEY) -> AsyncIterator[Viewer]:
    """A client on a socket, with its stream open where its era has one."""
    before = open_streams(front)
    async with (
        httpx2.AsyncClient(headers={"X-API-Key": key}, trust_env=False) as web,
        viewing(streamable_http_client(f"{front.address}/mcp", http_client=web), era) as viewer,
    ):
        if era == LEGACY:
            with anyio.fail_after(PATIENCE_SECONDS):
                while open_streams(front) == before:
                    await anyio.lowlevel.checkpoint()
        yield viewer


def open_streams(front: Front) -> int:
    """How many streams of sessions are open."""
    return front.house.presence._open.total()


def staging(*, trax: Sandbox | None = None, **settings: str) -> AbstractAsyncContextManager[Front]:
    """A server where time passes only when the test says so."""
    return serving(trax=trax, short_seconds=0, **settings)


def say(where: Front | Sandbox, text: str, *, studio: str = STUDIO) -> dict[str, Any]:
    """Let a viewer say something; returns it as TRaX tells it."""
    trax = where.trax if isinstance(where, Front) else where
    said: dict[str, Any] = dict(trax.world.say(studio, text, author="Ann").shown())
    return said


def spellings(studio: str = "studio_42") -> Iterator[str]:
    """The address of one chat, in ever more spellings: any letter may be percent-encoded."""
    for letters in product(*((it, f"%{ord(it):02X}") for it in studio)):
        yield f"trax://studios/{''.join(letters)}/chat"


def looks(front: Front, path: str = CHAT_PATH) -> int:
    """How often TRaX was asked for something."""
    return Counter(it.path for it in front.trax.requests)[path]


async def moments(front: Front, seconds: float, path: str = CHAT_PATH) -> list[float]:
    """Let time pass, and tell when TRaX was asked, in seconds from now."""
    await settled()
    asked: list[float] = []
    began = front.clock.seconds()
    while (gone := front.clock.seconds() - began) < seconds:
        before = looks(front, path)
        await front.clock.pass_by(STEP_SECONDS)
        asked += [gone + STEP_SECONDS] * (looks(front, path) - before)
    return asked


def pauses(asked: Sequence[float]) -> list[float]:
    """How long TRaX was left alone, from each time that it was asked to the next."""
    return [later - sooner for sooner, later in pairwise(asked)]
