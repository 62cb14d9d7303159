"""Chat and stream status over two replicas: each key looks at TRaX once, and everybody is told."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx
import httpx2
import pytest
import pytest_asyncio
from mcp.client.streamable_http import streamable_http_client

from proof.replicas.replica_setup import Replicas, open_replicas
from tests.support.concurrency import Paused
from tests.support.faults import Fault
from tests.support.sandbox_accounts import REVOKED_KEY
from tests.support.served_app import error_code
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.subscribers import (
    CHAT,
    CHAT_PATH,
    STATUS,
    STATUS_PATH,
    STUDIO,
    Subscriber,
    say,
    subscriber_on,
)
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.sandbox.keys import ACCOUNT, SCOPES
from trax_mcp.sandbox.records import Key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proof.replicas.replica_setup import Replica
    from tests.support.jsonrpc import HttpCaller

POLL_SECONDS: Final = 0.25
SLOWEST: Final = 5
"""The longest pause between looks at a quiet chat, as a multiple of the shortest."""
REPLACED_SECONDS: Final = 5.0
TOGETHER_SECONDS: Final = 0.05
CHAT_LOOK: Final = f"GET {CHAT_PATH}"
STATUS_LOOK: Final = f"GET {STATUS_PATH}"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def kept() -> AsyncIterator[Replicas]:
    """Two replicas that look often, for all tests that kill none of them."""
    async with open_replicas(TRAX_CHAT_POLL_SECONDS=str(POLL_SECONDS)) as replicas:
        yield replicas


@pytest_asyncio.fixture(loop_scope="module")
async def replicas() -> AsyncIterator[Replicas]:
    """Two replicas that look often, for one test."""
    async with open_replicas(TRAX_CHAT_POLL_SECONDS=str(POLL_SECONDS)) as replicas:
        yield replicas


@pytest.fixture
def key(kept: Replicas) -> str:
    """A key of its own for each test, so that it shares nothing with the others."""
    return new_key(kept)


def new_key(replicas: Replicas) -> str:
    """One more key of the same account."""
    keys = replicas.trax.world.keys
    key = f"sk_live_sandbox_chat_{len(keys)}"
    keys[key] = Key(key, key, ACCOUNT, SCOPES)
    return key


@asynccontextmanager
async def subscribed(
    replica: Replica, uri: str = CHAT, *, key: str = SANDBOX_KEY
) -> AsyncIterator[Subscriber]:
    """A client of a replica that has subscribed, and read what is there."""
    async with (
        httpx2.AsyncClient(headers={"X-API-Key": key}, trust_env=False) as web,
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


async def read(caller: HttpCaller, after: str | None = None, **arguments: object) -> dict[str, Any]:
    """Read chat at once, by the tool. Returns what is structured in its result."""
    if after is not None:
        arguments |= {"after": after, "timeoutSeconds": 0}
    result = await caller.call("wait_for_chat_messages", studioId=STUDIO, limit=200, **arguments)
    structured: dict[str, Any] = result["structuredContent"]
    return structured


def texts(answer: dict[str, Any]) -> list[str]:
    """The texts of all messages of an answer that misses none."""
    assert not answer["missed"]
    return [message["text"] for message in answer["messages"]]


async def read_all(caller: HttpCaller, after: str) -> list[str]:
    """The texts of all messages after a cursor, none missed, over several answers."""
    found: list[str] = []
    while new := texts(answer := await read(caller, after)):
        found += new
        after = answer["cursor"]
    return found


async def test_two_replicas_look_as_often_as_one_and_tell_everybody_together(
    kept: Replicas,
    key: str,
) -> None:
    """The cursor of each is good on the other. The order is the same."""
    async with subscribed(kept.a, key=key) as at_a, subscribed(kept.b, key=key) as at_b:
        cursors = [await at_a.cursor(), await at_b.cursor()]
        before, began = kept.received[CHAT_LOOK], time.monotonic()
        said = [f"message {number}" for number in range(12)]
        apart = [await tell(kept, text, at_a, at_b) for text in said]
        looks = kept.received[CHAT_LOOK] - before
        assert len(said) <= looks <= (time.monotonic() - began) / POLL_SECONDS + 1
        assert median(apart) < TOGETHER_SECONDS
        assert await at_a.texts(after=cursors[1]) == said
        assert await at_b.texts(after=cursors[0]) == said


async def test_a_quiet_chat_is_looked_at_as_rarely_as_by_one(kept: Replicas, key: str) -> None:
    async with subscribed(kept.a, key=key), subscribed(kept.b, key=key):
        await anyio.sleep(6 * POLL_SECONDS)  # by then one replica alone has slowed down
        before = kept.received[CHAT_LOOK]
        await anyio.sleep(2 * SLOWEST * POLL_SECONDS)
        assert 1 <= kept.received[CHAT_LOOK] - before <= 3


async def test_readers_on_all_replicas_share_a_look(kept: Replicas, key: str) -> None:
    """Also while it lasts."""
    callers = [await kept.caller(it, key=key) for it in kept.both]
    held = Paused()
    kept.trax.faults.add(held.fault, path=CHAT_PATH)
    answers: list[dict[str, Any]] = []

    async def look(caller: HttpCaller) -> None:
        answers.append(await read(caller) | {"waitedSeconds": 0})

    before = kept.received[CHAT_LOOK]
    async with anyio.create_task_group() as tasks:
        for caller in callers * 4:
            tasks.start_soon(look, caller)
        await held.arrived()
        await anyio.sleep(1)  # until all of them wait
        held.release()
    assert kept.received[CHAT_LOOK] == before + 1
    assert answers == [answers[0]] * 8


async def test_a_cursor_holds_when_all_replicas_have_been_replaced(replicas: Replicas) -> None:
    """Even where TRaX no longer shows all messages since."""
    caller = await replicas.caller(replicas.a)
    cursor: str = (await read(caller))["cursor"]
    said = [f"message {number}" for number in range(450)]
    for part in (said[:150], said[150:300], said[300:]):
        for text in part:
            say(replicas.trax, text)
        await anyio.sleep(POLL_SECONDS)  # so that the next read looks
        await read(caller, cursor)
    for it in replicas.both:
        it.kill()
    fresh = await replicas.caller(await replicas.start())
    assert await read_all(fresh, cursor) == said


async def test_two_keys_share_nothing(kept: Replicas, key: str) -> None:
    """Each looks for itself. One that TRaX refuses gets nothing of what another may read."""
    first = await kept.caller(kept.a, key=key)
    before, streams = kept.received[CHAT_LOOK], await streams_of(kept)
    expected = await read(first)
    assert expected["messages"]
    other_key = new_key(kept)
    second = await kept.caller(kept.b, key=other_key)
    assert (await read(second))["messages"] == expected["messages"]
    assert kept.received[CHAT_LOOK] == before + 2
    revoked = await kept.caller(kept.b, key=REVOKED_KEY)
    refused = await revoked.call("wait_for_chat_messages", studioId=STUDIO)
    assert error_code(refused) == "invalid_key"
    assert len(await streams_of(kept) - streams) == 2


async def streams_of(replicas: Replicas) -> set[bytes]:
    """The names of all streams of items."""
    async with replicas.engine.client() as engine:
        return {it async for it in engine.scan_iter(match="*:items")}


async def test_a_refusal_is_shared_with_its_retry_after(kept: Replicas, key: str) -> None:
    """The other replica does not ask TRaX before the time is up."""
    callers = [await kept.caller(it, key=key) for it in kept.both]
    kept.trax.faults.add(Fault.error(429, "rate_limited", Retry_After="60"), path=CHAT_PATH)
    before = kept.received[CHAT_LOOK]
    refused = [await it.call("wait_for_chat_messages", studioId=STUDIO) for it in callers]
    assert all(it["isError"] for it in refused)
    assert refused[0] == refused[1]
    assert kept.received[CHAT_LOOK] == before + 1


async def test_a_replica_that_dies_while_it_looks_is_replaced(replicas: Replicas) -> None:
    """The other tells its clients within five seconds, and no message is lost."""
    async with subscribed(replicas.b) as client:
        cursor = await client.cursor()
        caller = await replicas.caller(replicas.a)
        await anyio.sleep(POLL_SECONDS)  # so that the next read looks
        held = Paused()
        replicas.trax.faults.add(held.fault, path=CHAT_PATH)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(end_with_its_server, caller)
            await held.arrived()
            say(replicas.trax, "Still there?")
            replicas.a.kill()
            with anyio.fail_after(REPLACED_SECONDS):
                await client.wait_for_updates()
            held.release()
        assert await client.texts(after=cursor) == ["Still there?"]


async def end_with_its_server(caller: HttpCaller) -> None:
    """Read chat on a replica that is killed meanwhile."""
    try:
        await read(caller)
    except httpx.HTTPError:
        return


async def test_each_replica_looks_for_itself_while_the_engine_is_away(
    kept: Replicas, key: str
) -> None:
    """Afterwards they share again, on an engine that has forgotten everything."""
    async with subscribed(kept.a, key=key) as at_a, subscribed(kept.b, key=key) as at_b:
        cursors = [await at_a.cursor(), await at_b.cursor()]
        await tell(kept, "before", at_a, at_b)
        await kept.engine.kill()
        await tell(kept, "without", at_a, at_b)
        await kept.engine.start()
        await anyio.sleep(1)  # until both have found it again
        await tell(kept, "again", at_a, at_b)
        await tell(kept, "once more", at_a, at_b)
        before, began = kept.received[CHAT_LOOK], time.monotonic()
        said = [f"message {number}" for number in range(6)]
        apart = [await tell(kept, text, at_a, at_b) for text in said]
        looks = kept.received[CHAT_LOOK] - before
        assert looks <= (time.monotonic() - began) / POLL_SECONDS + 1
        assert median(apart) < TOGETHER_SECONDS
        said = ["before", "without", "again", "once more", *said]
        assert await at_a.texts(after=cursors[1]) == said
        assert await at_b.texts(after=cursors[0]) == said


async def test_a_change_of_the_status_is_told_on_all_replicas(kept: Replicas, key: str) -> None:
    """By one look. The second change is found by a read on one of them."""
    async with (
        subscribed(kept.a, STATUS, key=key) as at_a,
        subscribed(kept.b, STATUS, key=key) as at_b,
    ):
        before, began = kept.received[STATUS_LOOK], time.monotonic()
        world = kept.trax.world
        world.go_live(world.studios[STUDIO])
        kept.trax.clock.advance(60)
        with anyio.fail_after(PATIENCE_SECONDS):
            await at_a.wait_for_updates()
            await at_b.wait_for_updates()
        looks = kept.received[STATUS_LOOK] - before
        assert looks <= (time.monotonic() - began) / POLL_SECONDS + 1
        world.go_offline(world.studios[STUDIO])
        kept.trax.clock.advance(60)
        assert not (await at_a.read(STATUS))["live"]
        with anyio.fail_after(PATIENCE_SECONDS):
            await at_b.wait_for_updates(2)
