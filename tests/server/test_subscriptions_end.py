"""A stopping server ends the streams of subscribers completely and without waiting.

In this process and with real signals.
"""

from __future__ import annotations

import pytest
from mcp.client.subscriptions import SubscriptionLost

from tests.support.event_streams import Session, listen_stream, session_of
from tests.support.jsonrpc import LEGACY, MODERN, HttpCaller
from tests.support.product.shared_clock import settled
from tests.support.served_app import plain_http
from tests.support.server_process import SIGNALS, running
from tests.support.subscribers import CHAT, manual_clock_server, poll_times, say, subscriber_of
from trax_mcp.sandbox import SANDBOX_KEY

pytestmark = pytest.mark.slow

META = {"io.modelcontextprotocol/subscriptionId": 1}


async def test_a_stopping_server_ends_a_listen_stream_with_its_result() -> None:
    """Each message has the id of the subscription, and polling stops."""
    async with manual_clock_server() as front:
        async with listen_stream(front.caller(MODERN, x_api_key=SANDBOX_KEY), CHAT) as stream:
            say(front, "Hello")
            await front.clock.pass_until(lambda: stream.updates)
            await front.deps.shut_down()
            await front.clock.pass_until(lambda: stream.ended)
        assert await poll_times(front, 60) == []
    accepted = {"resourceSubscriptions": [CHAT]}
    acknowledged, updated, result = stream.messages
    assert acknowledged == {
        "jsonrpc": "2.0",
        "method": "notifications/subscriptions/acknowledged",
        "params": {"notifications": accepted, "_meta": META},
    }
    assert updated == {
        "jsonrpc": "2.0",
        "method": "notifications/resources/updated",
        "params": {"uri": CHAT, "_meta": META},
    }
    assert result["id"] == 1
    assert result["result"]["_meta"].items() >= META.items()


async def test_the_sdk_client_sees_a_regular_end_of_its_subscription() -> None:
    """It does not report a lost subscription."""
    async with manual_clock_server() as front, subscriber_of(front, MODERN) as subscriber:
        await subscriber.subscribe(CHAT)
        await front.deps.shut_down()
        try:
            events = [event async for event in subscriber.subscription]
        except SubscriptionLost as lost:
            pytest.fail(str(lost))
    assert events == []


async def test_a_stopping_server_ends_the_stream_of_a_session() -> None:
    """As a complete HTTP response."""
    async with manual_clock_server() as front:
        session = await session_of(front)
        async with session.stream() as stream:
            await session.subscribe(CHAT)
            await front.deps.shut_down()
            await front.clock.pass_until(lambda: stream.ended)
    assert stream.messages == []


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_ends_the_streams_of_both_eras_completely(
    number: int,
) -> None:
    """The later era's stream ends with the result of its subscription."""
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
