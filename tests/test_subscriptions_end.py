"""How a server that stops ends the streams of those who subscribed: well, and without waiting.

First in this process, where both ends are in the test's hand, then with real signals.
"""

from __future__ import annotations

import pytest
from mcp.client.subscriptions import SubscriptionLost

from tests.audience import CHAT, moments, say, staging, viewer_of
from tests.front import plain_http
from tests.hand import settled
from tests.jsonrpc import LEGACY, MODERN, HttpCaller
from tests.processes import SIGNALS, running
from tests.streams import Session, listen_stream, session_of
from trax_mcp.sandbox import SANDBOX_KEY

META = {"io.modelcontextprotocol/subscriptionId": 1}


async def test_a_server_that_stops_ends_listen_streams_with_their_result() -> None:
    """Acknowledgement, news, result, each with the id of the subscription; and TRaX is let be."""
    async with staging() as front:
        async with listen_stream(front.caller(MODERN, x_api_key=SANDBOX_KEY), CHAT) as stream:
            say(front, "Hello")
            await front.clock.pass_until(lambda: stream.told)
            await front.house.stop()
            await front.clock.pass_until(lambda: stream.ended)
        assert await moments(front, 60) == []
    filtered = {"resourceSubscriptions": [CHAT]}
    acknowledged, updated, result = stream.messages
    assert acknowledged == {
        "jsonrpc": "2.0",
        "method": "notifications/subscriptions/acknowledged",
        "params": {"notifications": filtered, "_meta": META},
    }
    assert updated == {
        "jsonrpc": "2.0",
        "method": "notifications/resources/updated",
        "params": {"uri": CHAT, "_meta": META},
    }
    assert result["id"] == 1
    assert result["result"]["_meta"].items() >= META.items()


async def test_a_client_sees_that_the_server_has_ended_the_stream_well() -> None:
    """The SDK's client ends its loop, and does not report a lost subscription."""
    async with staging() as front, viewer_of(front, MODERN) as viewer:
        await viewer.subscribe(CHAT)
        await front.house.stop()
        try:
            events = [event async for event in viewer.subscription]
        except SubscriptionLost as lost:
            pytest.fail(str(lost))
    assert events == []


async def test_a_server_that_stops_ends_the_streams_of_sessions() -> None:
    """Whole, as HTTP has it; the session itself ends with the server."""
    async with staging() as front:
        session = await session_of(front)
        async with session.stream() as stream:
            await session.subscribe(CHAT)
            await front.house.stop()
            await front.clock.pass_until(lambda: stream.ended)
    assert stream.messages == []


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_ends_a_server_with_subscribers_and_each_sees_a_whole_answer(
    number: int,
) -> None:
    """One stream of each era; the later one's ends with the result of its subscription."""
    async with (
        running("http", "--sandbox", "--port", "0") as server,
        plain_http(await server.address()) as http,
    ):
        session = Session(HttpCaller(http, LEGACY))
        await session.caller.open()
        listener = HttpCaller(http, MODERN)
        async with session.stream() as earlier, listen_stream(listener, CHAT) as later:
            await session.subscribe(CHAT)
            assert await server.stop(number) == 0
            await settled()
    assert (earlier.ended, later.ended) == (True, True)
    assert later.messages[-1]["result"]["_meta"].items() >= META.items()
    assert len(server.stderr.all) == 1
