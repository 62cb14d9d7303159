"""Being told of changes by a real process over pipes, in both eras, and how that process ends.

Time is real here, and TRaX is looked at often; every wait ends with what is waited for. Who is told
of what is proven over sockets; here is what only pipes can show.
"""

from __future__ import annotations

import json
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from mcp import MCPError
from mcp.client.stdio import StdioServerParameters

from tests import ROOT
from tests.audience import CHAT, CHAT_PATH, STATUS, STUDIO, say, viewing
from tests.jsonrpc import ERAS, LEGACY, MODERN, opening, request
from tests.ports import upstream
from tests.processes import SIGNALS, Running, environment, running
from trax_mcp.sandbox import SANDBOX_KEY, Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.audience import Viewer
    from trax_mcp.sandbox import Sandbox


def settings(trax: Sandbox) -> dict[str, str]:
    """A key that works, and a TRaX that may be asked twenty times a second."""
    return {
        "TRAX_API_KEY": SANDBOX_KEY,
        "TRAX_BASE_URL": trax.base_url,
        "TRAX_CHAT_POLL_SECONDS": "0.05",
    }


@asynccontextmanager
async def viewer_of(trax: Sandbox, era: str) -> AsyncIterator[Viewer]:
    """The SDK's client, with a process of its own."""
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "trax_mcp"],
        env=environment(settings(trax)),
        cwd=ROOT,
    )
    async with viewing(command, era) as viewer:
        yield viewer


async def subscribe(server: Running, era: str, *uris: str) -> None:
    """Subscribe by hand, and wait until that is accepted."""
    if era == LEGACY:
        for number, uri in enumerate(uris, 1):
            answer = await server.ask(
                request(era, "resources/subscribe", {"uri": uri}, number=number)
            )
            assert answer["result"] == {}
        return
    wanted = {"notifications": {"resourceSubscriptions": list(uris)}}
    await server.tell(request(era, "subscriptions/listen", wanted))
    await server.stdout.match("notifications/subscriptions/acknowledged")


async def test_a_new_message_is_told_of_and_read_from_the_cursor(era: str) -> None:
    """One notification for each, and behind the cursor exactly what is new."""
    async with upstream() as trax, viewer_of(trax, era) as viewer:
        before = await viewer.read()
        assert await viewer.subscribe(CHAT) == [CHAT]
        said = say(trax, "Hello")
        await viewer.hears()
        news = await viewer.read(after=before["cursor"])
        assert news == {**before, "messages": [said], "cursor": news["cursor"]}
        say(trax, "Hello again")
        await viewer.hears(2)
        assert await viewer.texts(after=news["cursor"]) == ["Hello again"]
        assert viewer.told == [CHAT] * 2
    assert {it.key_name for it in trax.requests} == {"full"}


async def test_whoever_unsubscribes_is_told_no_more_and_trax_is_left_alone(era: str) -> None:
    """While the status is looked at and told of several times, the chat is not."""
    async with upstream() as trax, viewer_of(trax, era) as viewer:
        await viewer.subscribe(CHAT)
        say(trax, "Hello")
        await viewer.hears()
        await viewer.unsubscribe(CHAT)
        await viewer.subscribe(STATUS)
        asked = [it.path for it in trax.requests].count(CHAT_PATH)
        say(trax, "Too late")
        for times in range(4):
            switch(trax)
            await viewer.hears(2 + times)
        assert viewer.told == [CHAT, *[STATUS] * 4]
    assert [it.path for it in trax.requests].count(CHAT_PATH) == asked


def switch(trax: Sandbox) -> None:
    """On air, or off air again."""
    studio = trax.world.studios[STUDIO]
    if trax.world.stream_status(studio)["live"]:
        trax.world.go_offline(studio)
    else:
        trax.world.go_live(studio)
    trax.clock.advance(5)


async def test_an_outage_loses_nothing(era: str) -> None:
    """What is said while TRaX does not answer is told of afterwards, behind the same cursor."""
    async with upstream() as trax, viewer_of(trax, era) as viewer:
        await viewer.subscribe(CHAT)
        cursor = await viewer.cursor()
        trax.faults.add(Fault.dropped(), times=3, path=CHAT_PATH)
        say(trax, "Hello")
        await viewer.hears()
        assert trax.faults.pending == 0
        assert await viewer.texts(after=cursor) == ["Hello"]


async def test_a_revoked_key_is_told_of_and_reading_says_so(era: str) -> None:
    """With the code that TRaX has for it."""
    async with upstream() as trax, viewer_of(trax, era) as viewer:
        await viewer.subscribe(CHAT)
        keys = trax.world.keys
        keys[SANDBOX_KEY] = replace(keys[SANDBOX_KEY], revoked=True)
        await viewer.hears()
        with pytest.raises(MCPError) as refused:
            await viewer.read()
    assert refused.value.data["error"]["code"] == "invalid_key"


async def test_another_process_goes_on_from_an_old_cursor(era: str) -> None:
    """Only what is newer; what came from the process before is not repeated."""
    async with upstream() as trax:
        async with viewer_of(trax, era) as viewer:
            say(trax, "Before")
            cursor = await viewer.cursor()
        say(trax, "Meanwhile")
        async with viewer_of(trax, era) as viewer:
            await viewer.subscribe(CHAT)
            assert await viewer.texts(after=cursor) == ["Meanwhile"]
            say(trax, "After")
            await viewer.hears()
            assert await viewer.texts(after=cursor) == ["Meanwhile", "After"]


async def test_stdout_carries_nothing_but_the_protocol(era: str) -> None:
    """Under DEBUG, while TRaX answers, falls silent and answers again."""
    async with (
        upstream() as trax,
        running(settings=settings(trax) | {"TRAX_LOG_LEVEL": "DEBUG"}) as server,
    ):
        await server.tell(*opening(era))
        await subscribe(server, era, CHAT, STATUS)
        trax.faults.add(Fault.status(502, "<html>"), times=3)
        say(trax, "Hello")
        await server.stdout.match("resources/updated.*chat")
        switch(trax)
        await server.stdout.match("resources/updated.*stream-status")
        assert await server.hang_up() == 0
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in server.stdout.all)
    assert "DEBUG" in server.stderr.text
    assert "Traceback" not in server.stderr.text
    assert SANDBOX_KEY not in server.stderr.text


async def test_a_client_that_hangs_up_ends_the_process(era: str) -> None:
    """At once, although it watches for that client; and it says nothing of it."""
    async with upstream() as trax, running(settings=settings(trax)) as server:
        await server.tell(*opening(era))
        await subscribe(server, era, CHAT)
        say(trax, "Hello")
        await server.stdout.match("resources/updated")
        assert await server.hang_up() == 0
    assert server.stderr.text == ""


@pytest.mark.parametrize(("number", "era"), [(it, era) for it in SIGNALS for era in ERAS])
async def test_a_signal_ends_the_process(number: int, era: str) -> None:
    """With exit code 0, at once, whatever it was about to look at.

    The later era's stream ends with the result of its subscription.
    """
    async with upstream() as trax, running(settings=settings(trax)) as server:
        await server.tell(*opening(era))
        await subscribe(server, era, CHAT)
        trax.faults.add(Fault.silence(), times=None)
        say(trax, "Never to be read")
        assert await server.stop(number) == 0
    assert server.stderr.text == ""
    if era == MODERN:
        result = json.loads(server.stdout.all[-1])["result"]
        assert result["_meta"]["io.modelcontextprotocol/subscriptionId"] == 1
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in server.stdout.all)
