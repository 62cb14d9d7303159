"""Polling stops when the last subscriber disconnects or unsubscribes. Over real sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.event_streams import session_of
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
from tests.world.wire import LEGACY

if TYPE_CHECKING:
    from tests.support.served_app import Front

SLOWEST_SECONDS = 10
"""The longest pause between two polls without a change."""


async def is_polled(front: Front) -> bool:
    """Whether TRaX is polled for chat."""
    return bool(await poll_times(front, 40))


async def test_polling_stops_when_the_last_client_disconnects(era: str) -> None:
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


async def test_a_reconnected_stream_gets_the_notification_of_the_time_between() -> None:
    """Polling continues in that time."""
    async with manual_clock_server() as front:
        session = await session_of(front)
        async with session.stream():
            await session.subscribe(CHAT)
        say(front, "Meanwhile")
        await front.clock.pass_by(SLOWEST_SECONDS)
        assert await poll_times(front, SLOWEST_SECONDS)
        async with session.stream() as stream:
            await front.clock.pass_until(lambda: stream.updates)
            assert await is_polled(front)
            assert stream.updates == [CHAT]
            say(front, "And now")
            await front.clock.pass_until(lambda: len(stream.updates) > 1)


async def test_a_session_is_notified_of_all_its_uris_when_its_stream_opens_again() -> None:
    """Notifications of the time between may be lost, so anything may have changed."""
    async with manual_clock_server() as front:
        session = await session_of(front)
        async with session.stream():
            await session.subscribe(CHAT, STATUS)
        async with session.stream() as stream:
            await front.clock.pass_until(lambda: len(stream.updates) > 1)
            assert stream.updates == [CHAT, STATUS]
            assert await is_polled(front)
            assert stream.updates == [CHAT, STATUS]
            say(front, "Hello")
            await front.clock.pass_until(lambda: len(stream.updates) > 2)
            assert stream.updates == [CHAT, STATUS, CHAT]
