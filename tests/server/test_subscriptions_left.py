"""Polling stops when the last subscriber disconnects or unsubscribes. Over real sockets.

A session of the earlier era without a stream keeps its subscriptions for half a minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.event_streams import listen_stream, session_of
from tests.support.jsonrpc import LEGACY, MODERN
from tests.support.product.faults import Fault
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY
from tests.support.subscribers import (
    CHAT,
    STATUS,
    STATUS_PATH,
    manual_clock_server,
    poll_count,
    poll_times,
    say,
    subscriber_of,
)
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from tests.support.jsonrpc import HttpCaller
    from tests.support.served_app import Front

GRACE_SECONDS = 30
SLOWEST_SECONDS = 10
"""The longest pause between two polls without a change."""


def listener(front: Front) -> HttpCaller:
    """A caller of the later era."""
    return front.caller(MODERN, x_api_key=SANDBOX_KEY)


async def is_polled(front: Front) -> bool:
    """Whether TRaX is polled for chat."""
    return bool(await poll_times(front, 40))


async def test_polling_stops_when_the_last_client_disconnects(era: str) -> None:
    """Not before."""
    async with manual_clock_server() as front:
        async with subscriber_of(front, era) as first:
            await first.subscribe(CHAT)
            async with subscriber_of(front, era) as second:
                await second.subscribe(CHAT)
            assert await is_polled(front)
        assert not await is_polled(front)


async def test_a_client_that_unsubscribes_is_not_notified(era: str) -> None:
    """Polling stops, until it subscribes again."""
    async with manual_clock_server() as front, subscriber_of(front, era) as subscriber:
        await subscriber.subscribe(CHAT)
        assert await is_polled(front)
        await subscriber.unsubscribe(CHAT)
        assert not await is_polled(front)
        say(front, "Too late")
        await front.clock.pass_by(60)
        assert subscriber.updates == []
        await subscriber.subscribe(CHAT)
        say(front, "Subscribed again")
        await front.clock.pass_until(lambda: subscriber.updates)


async def test_a_client_ends_one_of_several_subscriptions(era: str) -> None:
    """In the later era by closing its stream. The other one continues."""
    async with manual_clock_server() as front, subscriber_of(front, era) as subscriber:
        await subscriber.subscribe(CHAT)
        if era == LEGACY:
            await subscriber.subscribe(STATUS)
            await subscriber.unsubscribe(STATUS)
        else:
            async with subscriber.client.listen(resource_subscriptions=[STATUS]):
                pass
        before = poll_count(front, STATUS_PATH)
        say(front, "Hello")
        await front.clock.pass_until(lambda: subscriber.updates)
        await front.clock.pass_by(60)
        assert (subscriber.updates, poll_count(front, STATUS_PATH)) == ([CHAT], before)


async def test_polling_stops_when_a_listen_stream_is_dropped() -> None:
    """Without a message from the client."""
    async with manual_clock_server() as front:
        async with listen_stream(listener(front), CHAT) as stream:
            assert await is_polled(front)
            assert not stream.ended
        assert not await is_polled(front)


async def test_polling_stops_when_a_session_is_deleted() -> None:
    """Its stream ends."""
    async with manual_clock_server() as front:
        session = await session_of(front)
        async with session.stream() as stream:
            await session.subscribe(CHAT)
            assert await is_polled(front)
            await session.end()
            assert not await is_polled(front)
            assert stream.ended


async def test_polling_stops_for_a_session_without_a_stream_after_half_a_minute() -> None:
    """The session stays valid."""
    async with manual_clock_server() as front:
        session = await session_of(front)
        await session.subscribe(CHAT)
        assert (await poll_times(front, GRACE_SECONDS))[-1] > GRACE_SECONDS - SLOWEST_SECONDS
        assert not await is_polled(front)
        assert (await session.ask("ping"))["result"] == {}


async def test_a_reconnected_stream_gets_the_notification_of_the_time_between() -> None:
    """Polling continues in that time."""
    async with manual_clock_server() as front:
        session = await session_of(front)
        async with session.stream():
            await session.subscribe(CHAT)
        say(front, "Meanwhile")
        await front.clock.pass_by(GRACE_SECONDS - 5 - SLOWEST_SECONDS)
        assert await poll_times(front, SLOWEST_SECONDS)
        async with session.stream() as stream:
            await front.clock.pass_until(lambda: stream.updates)
            assert await is_polled(front)
            assert stream.updates == [CHAT]
            say(front, "And now")
            await front.clock.pass_until(lambda: len(stream.updates) > 1)


async def test_the_half_minute_restarts_with_each_dropped_stream() -> None:
    """Four short interruptions are not a long one."""
    async with manual_clock_server() as front:
        session = await session_of(front)
        await session.subscribe(CHAT)
        for _ in range(4):
            await front.clock.pass_by(GRACE_SECONDS - 5)
            async with session.stream():
                pass
        assert await poll_times(front, GRACE_SECONDS - 5)
        assert not (await poll_times(front, 40))[2:]


async def test_a_session_is_notified_of_all_its_uris_after_a_long_interruption() -> None:
    """There were no polls, so anything may have changed."""
    async with manual_clock_server() as front:
        session = await session_of(front)
        async with session.stream():
            await session.subscribe(CHAT, STATUS)
        await front.clock.pass_by(GRACE_SECONDS)
        assert not await is_polled(front)
        async with session.stream() as stream:
            await front.clock.pass_until(lambda: len(stream.updates) > 1)
            assert stream.updates == [CHAT, STATUS]
            assert await is_polled(front)
            assert stream.updates == [CHAT, STATUS]
            say(front, "Hello")
            await front.clock.pass_until(lambda: len(stream.updates) > 2)
            assert stream.updates == [CHAT, STATUS, CHAT]


async def test_a_session_without_a_stream_may_subscribe_and_is_notified_later() -> None:
    """Not of a subscription that it has ended."""
    async with manual_clock_server() as front:
        session = await session_of(front)
        await session.subscribe(STATUS)
        await front.clock.pass_by(GRACE_SECONDS)
        await session.subscribe(CHAT)
        assert (await session.ask("resources/unsubscribe", uri=STATUS))["result"] == {}
        assert not await is_polled(front)
        async with session.stream() as stream:
            await front.clock.pass_until(lambda: stream.updates)
            assert stream.updates == [CHAT]
            say(front, "Hello")
            await front.clock.pass_until(lambda: len(stream.updates) > 1)


async def test_a_session_that_reconnects_in_an_outage_keeps_its_subscriptions() -> None:
    """It is notified again after the outage."""
    async with manual_clock_server() as front:
        session = await session_of(front)
        await session.subscribe(CHAT)
        await front.clock.pass_by(GRACE_SECONDS)
        front.trax.faults.add(Fault.dropped(), times=None)
        async with session.stream() as stream:
            await front.clock.pass_by(60)
            assert stream.updates == [CHAT]
            front.trax.faults.clear()
            await front.clock.pass_by(60)
            say(front, "Hello")
            await front.clock.pass_until(lambda: len(stream.updates) > 1)


async def test_a_refused_stream_neither_starts_nor_ends_the_half_minute() -> None:
    """Refused because of another key, or as a second stream of the session."""
    async with manual_clock_server() as front:
        session = await session_of(front)
        await session.subscribe(CHAT)
        for _ in range(6):
            await front.clock.pass_by(GRACE_SECONDS / 6)
            async with session.stream(x_api_key=ANOTHER_ACCOUNT_KEY) as refused:
                assert refused.status == 404
        assert not await is_polled(front)
        async with session.stream():
            async with session.stream() as second:
                assert second.status == 409
            await front.clock.pass_by(GRACE_SECONDS)
            assert await is_polled(front)
