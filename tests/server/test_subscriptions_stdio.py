"""Update notifications of a real process over pipes, in both eras, and how the process ends.

In real time, with frequent polls. Which clients are notified is tested over sockets.
"""

from __future__ import annotations

import json
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from mcp.client.stdio import StdioServerParameters

from tests import ROOT
from tests.support.jsonrpc import LEGACY, opening, request
from tests.support.product.faults import Fault
from tests.support.product.local_servers import upstream
from tests.support.server_process import Running, environment, running
from tests.support.subscribers import CHAT, CHAT_PATH, STATUS, STUDIO, say, subscriber_on
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.product.sandbox import Sandbox
    from tests.support.subscribers import Subscriber

pytestmark = pytest.mark.slow


def settings(trax: Sandbox) -> dict[str, str]:
    """Settings with a valid key and twenty polls a second."""
    return {
        "TRAX_API_KEY": SANDBOX_KEY,
        "TRAX_BASE_URL": trax.base_url,
        "TRAX_CHAT_POLL_SECONDS": "0.05",
    }


@asynccontextmanager
async def subscriber_of(trax: Sandbox, era: str) -> AsyncIterator[Subscriber]:
    """The SDK's client, with its own process."""
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "trax_mcp"],
        env=environment(settings(trax)),
        cwd=ROOT,
    )
    async with subscriber_on(command, era) as subscriber:
        yield subscriber


async def subscribe(server: Running, era: str, *uris: str) -> None:
    """Subscribe with plain messages, and wait for the acknowledgement."""
    if era == LEGACY:
        for number, uri in enumerate(uris, 1):
            answer = await server.ask(
                request(era, "resources/subscribe", {"uri": uri}, number=number)
            )
            assert answer["result"] == {}
        return
    params = {"notifications": {"resourceSubscriptions": list(uris)}}
    await server.tell(request(era, "subscriptions/listen", params))
    await server.stdout.match("notifications/subscriptions/acknowledged")


async def test_each_new_message_is_notified_once_and_follows_the_cursor(era: str) -> None:
    """Exactly the new messages follow it."""
    async with upstream() as trax, subscriber_of(trax, era) as subscriber:
        before = await subscriber.read()
        assert await subscriber.subscribe(CHAT) == [CHAT]
        message = say(trax, "Hello")
        await subscriber.wait_for_updates()
        page = await subscriber.read(after=before["cursor"])
        assert page == {**before, "messages": [message], "cursor": page["cursor"]}
        say(trax, "Hello again")
        await subscriber.wait_for_updates(2)
        assert await subscriber.texts(after=page["cursor"]) == ["Hello again"]
        assert subscriber.updates == [CHAT] * 2
    assert {it.key_name for it in trax.requests} == {"full"}


async def test_polling_stops_when_a_client_unsubscribes(era: str) -> None:
    """Of the chat, while the status is still polled."""
    async with upstream() as trax, subscriber_of(trax, era) as subscriber:
        await subscriber.subscribe(CHAT)
        say(trax, "Hello")
        await subscriber.wait_for_updates()
        await subscriber.unsubscribe(CHAT)
        await subscriber.subscribe(STATUS)
        before = [it.path for it in trax.requests].count(CHAT_PATH)
        say(trax, "Too late")
        for times in range(4):
            toggle_broadcast(trax)
            await subscriber.wait_for_updates(2 + times)
        assert subscriber.updates == [CHAT, *[STATUS] * 4]
    assert [it.path for it in trax.requests].count(CHAT_PATH) == before


def toggle_broadcast(trax: Sandbox) -> None:
    """Go live, or offline again."""
    studio = trax.world.studios[STUDIO]
    if trax.world.stream_status(studio)["live"]:
        trax.world.go_offline(studio)
    else:
        trax.world.go_live(studio)
    trax.clock.advance(5)


async def test_another_process_continues_from_an_old_cursor(era: str) -> None:
    """Messages before it are not repeated."""
    async with upstream() as trax:
        async with subscriber_of(trax, era) as subscriber:
            say(trax, "Before")
            cursor = await subscriber.cursor()
        say(trax, "Meanwhile")
        async with subscriber_of(trax, era) as subscriber:
            await subscriber.subscribe(CHAT)
            assert await subscriber.texts(after=cursor) == ["Meanwhile"]
            say(trax, "After")
            await subscriber.wait_for_updates()
            assert await subscriber.texts(after=cursor) == ["Meanwhile", "After"]


async def test_stdout_of_a_subscribed_server_contains_only_protocol_messages(era: str) -> None:
    """Under DEBUG, also during an outage."""
    async with (
        upstream() as trax,
        running(settings=settings(trax) | {"TRAX_LOG_LEVEL": "DEBUG"}) as server,
    ):
        await server.tell(*opening(era))
        await subscribe(server, era, CHAT, STATUS)
        trax.faults.add(Fault.status(502, "<html>"), times=3)
        say(trax, "Hello")
        await server.stdout.match("resources/updated.*chat")
        toggle_broadcast(trax)
        await server.stdout.match("resources/updated.*stream-status")
        assert await server.hang_up() == 0
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in server.stdout.all)
    assert "DEBUG" in server.stderr.text
    assert "Traceback" not in server.stderr.text
    assert SANDBOX_KEY not in server.stderr.text


async def test_closing_stdin_ends_the_process(era: str) -> None:
    """At once and without output, despite a subscription."""
    async with upstream() as trax, running(settings=settings(trax)) as server:
        await server.tell(*opening(era))
        await subscribe(server, era, CHAT)
        say(trax, "Hello")
        await server.stdout.match("resources/updated")
        assert await server.hang_up() == 0
    assert server.stderr.text == ""
