"""Clients that read chat at a replica, or are told of it."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx2
from mcp.client.streamable_http import streamable_http_client

from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.subscribers import CHAT, CHAT_PATH, STUDIO, Subscriber, say, subscriber_on

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proof.replicas.replica_setup import Replica, Replicas
    from tests.world.wire import HttpWire

POLL_SECONDS: Final = 0.25
TOGETHER_SECONDS: Final = 0.05
CHAT_LOOK: Final = f"GET {CHAT_PATH}"
_NUMBERS: Final = count()


def new_key(replicas: Replicas) -> str:
    """One more key of the same account."""
    key = f"sk_live_sandbox_chat_{next(_NUMBERS)}"
    replicas.trax.add_key(key)
    return key


@asynccontextmanager
async def subscribed(
    replica: Replica, uri: str = CHAT, *, key: str = SANDBOX_KEY
) -> AsyncIterator[Subscriber]:
    """A client of a replica that has subscribed, and read what is there."""
    async with (
        httpx2.AsyncClient(
            headers={"X-API-Key": key}, trust_env=False, timeout=PATIENCE_SECONDS
        ) as web,
        subscriber_on(streamable_http_client(f"{replica.address}/mcp", http_client=web)) as client,
    ):
        assert await client.subscribe(uri) == [uri]
        await client.read(uri)
        yield client


async def time_of_update(client: Subscriber, seen: int) -> float:
    """When a client that has seen so many updates gets one more."""
    await client.wait_for_updates(seen + 1)
    return time.monotonic()


async def tell(replicas: Replicas, text: str, *clients: Subscriber) -> float:
    """Say something, and wait until all clients are told. Returns how far apart, in seconds."""
    times: list[float] = []

    async def wait(client: Subscriber, seen: int) -> None:
        times.append(await time_of_update(client, seen))

    async with anyio.create_task_group() as tasks:
        for client in clients:
            tasks.start_soon(wait, client, len(client.updates))
        await anyio.lowlevel.checkpoint()
        say(replicas.trax, text)
    return max(times) - min(times)


async def read(caller: HttpWire, after: str | None = None, **arguments: object) -> dict[str, Any]:
    """Read chat by the tool, at once by default. Returns what is structured in its result."""
    if after is not None:
        arguments = {"after": after, "timeoutSeconds": 0} | arguments
    result = await caller.call("wait_for_chat_messages", studioId=STUDIO, limit=200, **arguments)
    structured: dict[str, Any] = result["structuredContent"]
    return structured


def texts(answer: dict[str, Any]) -> list[str]:
    """The texts of all messages of an answer that misses none."""
    assert not answer["missed"]
    return [message["text"] for message in answer["messages"]]


async def read_all(caller: HttpWire, after: str) -> list[str]:
    """The texts of all messages after a cursor, none missed, over several answers."""
    found: list[str] = []
    while new := texts(answer := await read(caller, after)):
        found += new
        after = answer["cursor"]
    return found
