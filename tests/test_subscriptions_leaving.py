"""When clients leave, in whatever way, nothing is looked at for them any more. Real sockets.

A session of the earlier era outlives its stream, so that there time decides: it is given half a
minute to come back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.audience import CHAT, STATUS, STATUS_PATH, looks, moments, say, staging, viewer_of
from tests.jsonrpc import LEGACY, MODERN
from tests.streams import listen_stream, session_of
from trax_mcp.sandbox import SANDBOX_KEY, STRANGER_KEY, Fault

if TYPE_CHECKING:
    from tests.front import Front
    from tests.jsonrpc import HttpCaller

AWAY_SECONDS = 30
SLOWEST_SECONDS = 10
"""The longest pause between two looks, while nothing happens."""


def listener(front: Front) -> HttpCaller:
    """A caller of the later era."""
    return front.caller(MODERN, x_api_key=SANDBOX_KEY)


async def is_watched(front: Front) -> bool:
    """Whether TRaX is asked for chat, in a time in which it would be several times."""
    return bool(await moments(front, 40))


async def test_a_client_that_closes_is_looked_for_no_more(era: str) -> None:
    """The last one to leave ends the loop, and not the first."""
    async with staging() as front:
        async with viewer_of(front, era) as stays:
            await stays.subscribe(CHAT)
            async with viewer_of(front, era) as leaves:
                await leaves.subscribe(CHAT)
            assert await is_watched(front)
        assert not await is_watched(front)


async def test_a_client_that_unsubscribes_is_told_no_more(era: str) -> None:
    """It is still there, and TRaX is left alone."""
    async with staging() as front, viewer_of(front, era) as viewer:
        await viewer.subscribe(CHAT)
        assert await is_watched(front)
        await viewer.unsubscribe(CHAT)
        assert not await is_watched(front)
        say(front, "Too late")
        await front.clock.pass_by(60)
        assert viewer.told == []
        await viewer.subscribe(CHAT)
        say(front, "Back again")
        await front.clock.pass_until(lambda: viewer.told)


async def test_one_subscription_of_several_is_given_up(era: str) -> None:
    """In the earlier era by its address, in the later by ending its stream; the other stays."""
    async with staging() as front, viewer_of(front, era) as viewer:
        await viewer.subscribe(CHAT)
        if era == LEGACY:
            await viewer.subscribe(STATUS)
            await viewer.unsubscribe(STATUS)
        else:
            async with viewer.client.listen(resource_subscriptions=[STATUS]):
                pass
        asked = looks(front, STATUS_PATH)
        say(front, "Hello")
        await front.clock.pass_until(lambda: viewer.told)
        await front.clock.pass_by(60)
        assert (viewer.told, looks(front, STATUS_PATH)) == ([CHAT], asked)


async def test_a_dropped_listen_stream_is_looked_for_no_more() -> None:
    """The connection breaks without a word; in the later era nothing outlives it."""
    async with staging() as front:
        async with listen_stream(listener(front), CHAT) as stream:
            assert await is_watched(front)
            assert not stream.ended
        assert not await is_watched(front)


async def test_a_deleted_session_is_looked_for_no_more() -> None:
    """At once, and its stream ends."""
    async with staging() as front:
        session = await session_of(front)
        async with session.stream() as stream:
            await session.subscribe(CHAT)
            assert await is_watched(front)
            await session.end()
            assert not await is_watched(front)
            assert stream.ended


async def test_a_session_without_a_stream_is_looked_for_no_longer_than_half_a_minute() -> None:
    """It could be told nothing; it lives on, and can subscribe again."""
    async with staging() as front:
        session = await session_of(front)
        await session.subscribe(CHAT)
        assert (await moments(front, AWAY_SECONDS))[-1] > AWAY_SECONDS - SLOWEST_SECONDS
        assert not await is_watched(front)
        assert (await session.ask("ping"))["result"] == {}


async def test_a_stream_that_is_dropped_for_a_moment_loses_nothing() -> None:
    """TRaX is looked at all the while, and whoever comes back is told of what came meanwhile."""
    async with staging() as front:
        session = await session_of(front)
        async with session.stream():
            await session.subscribe(CHAT)
        say(front, "Meanwhile")
        await front.clock.pass_by(AWAY_SECONDS - 5 - SLOWEST_SECONDS)
        assert await moments(front, SLOWEST_SECONDS)
        async with session.stream() as stream:
            await front.clock.pass_until(lambda: stream.told)
            assert await is_watched(front)
            assert stream.told == [CHAT]
            say(front, "And now")
            await front.clock.pass_until(lambda: len(stream.told) > 1)


async def test_half_a_minute_begins_anew_with_each_drop() -> None:
    """Four short drops are not a long one."""
    async with staging() as front:
        session = await session_of(front)
        await session.subscribe(CHAT)
        for _ in range(4):
            await front.clock.pass_by(AWAY_SECONDS - 5)
            async with session.stream():
                pass
        assert await moments(front, AWAY_SECONDS - 5)
        assert not (await moments(front, 40))[2:]


async def test_a_session_that_was_away_for_long_is_told_and_looked_for_again() -> None:
    """Of everything that it is subscribed to, since nobody has looked meanwhile."""
    async with staging() as front:
        session = await session_of(front)
        async with session.stream():
            await session.subscribe(CHAT, STATUS)
        await front.clock.pass_by(AWAY_SECONDS)
        assert not await is_watched(front)
        async with session.stream() as stream:
            await front.clock.pass_until(lambda: len(stream.told) > 1)
            assert stream.told == [CHAT, STATUS]
            assert await is_watched(front)
            assert stream.told == [CHAT, STATUS]
            say(front, "Hello")
            await front.clock.pass_until(lambda: len(stream.told) > 2)
            assert stream.told == [CHAT, STATUS, CHAT]


async def test_a_session_that_is_away_may_subscribe_and_is_told_when_it_is_back() -> None:
    """Nobody looks for it before; what it gives up meanwhile it is not told of."""
    async with staging() as front:
        session = await session_of(front)
        await session.subscribe(STATUS)
        await front.clock.pass_by(AWAY_SECONDS)
        await session.subscribe(CHAT)
        assert (await session.ask("resources/unsubscribe", uri=STATUS))["result"] == {}
        assert not await is_watched(front)
        async with session.stream() as stream:
            await front.clock.pass_until(lambda: stream.told)
            assert stream.told == [CHAT]
            say(front, "Hello")
            await front.clock.pass_until(lambda: len(stream.told) > 1)


async def test_whoever_comes_back_during_an_outage_is_told_once_it_is_over() -> None:
    """What it was promised before holds, although nobody can look when it comes."""
    async with staging() as front:
        session = await session_of(front)
        await session.subscribe(CHAT)
        await front.clock.pass_by(AWAY_SECONDS)
        front.trax.faults.add(Fault.dropped(), times=None)
        async with session.stream() as stream:
            await front.clock.pass_by(60)
            assert stream.told == [CHAT]
            front.trax.faults.clear()
            await front.clock.pass_by(60)
            say(front, "Hello")
            await front.clock.pass_until(lambda: len(stream.told) > 1)


async def test_only_a_stream_that_was_let_in_counts_as_being_there() -> None:
    """Not one with another key, as often as it comes; and the going of a second one is no going."""
    async with staging() as front:
        session = await session_of(front)
        await session.subscribe(CHAT)
        for _ in range(6):
            await front.clock.pass_by(AWAY_SECONDS / 6)
            async with session.stream(x_api_key=STRANGER_KEY) as stolen:
                assert stolen.status == 404
        assert not await is_watched(front)
        async with session.stream():
            async with session.stream() as second:
                assert second.status == 409
            await front.clock.pass_by(AWAY_SECONDS)
            assert await is_watched(front)
