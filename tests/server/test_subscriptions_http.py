"""Update notifications over real sockets, in both eras, and the polls that they cause.

On a manual clock.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from tests.support.jsonrpc import ERAS, LEGACY
from tests.support.product.faults import Fault
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY
from tests.support.subscribers import (
    CHAT,
    OTHER_CHAT,
    STATUS,
    STATUS_PATH,
    STUDIO,
    intervals,
    manual_clock_server,
    poll_count,
    poll_times,
    say,
    subscriber_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.slow


async def test_a_new_message_is_notified_once_and_follows_the_cursor(era: str) -> None:
    """Without further messages, no notification follows."""
    async with manual_clock_server() as front, subscriber_of(front, era) as subscriber:
        before = await subscriber.read()
        assert await subscriber.subscribe(CHAT) == [CHAT]
        sent = [say(front, "Hello"), say(front, "Hello again")]
        await front.clock.pass_until(lambda: subscriber.updates)
        assert subscriber.updates == [CHAT]
        page = await subscriber.read(after=before["cursor"])
        assert page == {**before, "messages": sent, "cursor": page["cursor"]}
        assert await subscriber.texts(after=page["cursor"]) == []
        say(front, "Third")
        await front.clock.pass_until(lambda: len(subscriber.updates) > 1)
        assert await subscriber.texts(after=page["cursor"]) == ["Third"]
        await front.clock.pass_by(60)
        assert subscriber.updates == [CHAT] * 2


async def test_messages_before_the_subscription_are_not_notified() -> None:
    """Neither to the first subscriber nor to later ones."""
    async with (
        manual_clock_server() as front,
        subscriber_of(front) as first,
        subscriber_of(front) as second,
    ):
        say(front, "Before")
        await first.subscribe(CHAT)
        await front.clock.pass_by(60)
        await second.subscribe(CHAT)
        await front.clock.pass_by(60)
        assert (first.updates, second.updates) == ([], [])


async def test_a_message_between_a_read_and_the_subscription_is_notified(era: str) -> None:
    """The client need not read again."""
    async with manual_clock_server() as front, subscriber_of(front, era) as subscriber:
        cursor = await subscriber.cursor()
        await front.clock.pass_by(60)
        say(front, "In between")
        await front.clock.pass_by(60)
        await subscriber.subscribe(CHAT)
        await front.clock.pass_by(60)
        assert subscriber.updates == [CHAT]
        assert await subscriber.texts(after=cursor) == ["In between"]


async def test_many_clients_of_one_caller_cause_no_more_polls_than_one() -> None:
    """In both eras together. All are notified."""
    single = await times_of_polls(eras=[LEGACY])
    together = await times_of_polls(eras=[*ERAS, *ERAS, *ERAS])
    assert single == together
    assert min(intervals(single)) == 2
    assert 8 <= max(intervals(single)) <= 10


async def times_of_polls(*, eras: Sequence[str]) -> Sequence[float]:
    """The times of chat polls in two minutes, with a message after the first."""
    no_jitter = SimpleNamespace(random=lambda: 0.0)
    with patch("trax_mcp.chat.watcher.random", no_jitter):
        async with manual_clock_server() as front, AsyncExitStack() as stack:
            subscribers = [
                await stack.enter_async_context(subscriber_of(front, era)) for era in eras
            ]
            for subscriber in subscribers:
                await subscriber.subscribe(CHAT)
            times = await poll_times(front, 60)
            say(front, "Hello")
            times += [60 + it for it in await poll_times(front, 60)]
            assert [subscriber.updates for subscriber in subscribers] == [[CHAT]] * len(eras)
    return times


async def test_accounts_are_notified_only_of_their_own_studios(era: str) -> None:
    """Each studio is polled with the key of its own account."""
    async with (
        manual_clock_server() as front,
        subscriber_of(front, era) as owner,
        subscriber_of(front, era, key=ANOTHER_ACCOUNT_KEY) as other,
    ):
        await owner.subscribe(CHAT)
        await other.subscribe(OTHER_CHAT)
        say(front, "Hello")
        await front.clock.pass_until(lambda: owner.updates)
        await front.clock.pass_by(60)
        assert (owner.updates, other.updates) == ([CHAT], [])
        say(front, "Hello, other account", studio="studio_99")
        await front.clock.pass_until(lambda: other.updates)
        await front.clock.pass_by(60)
        assert (owner.updates, other.updates) == ([CHAT], [OTHER_CHAT])
    assert {(it.path.split("/")[3], it.key_name) for it in front.trax.requests} == {
        ("studio_42", "full"),
        ("studio_99", "other"),
    }


async def test_going_live_a_dropped_stream_and_going_offline_are_notified(era: str) -> None:
    """Once for each."""
    async with manual_clock_server() as front, subscriber_of(front, era) as subscriber:
        world = front.trax.world
        await subscriber.subscribe(STATUS)
        world.go_live(world.studios[STUDIO])
        await front.clock.pass_until(lambda: subscriber.updates)
        assert (await subscriber.read(STATUS))["live"]
        stream = world.streams.pop(STUDIO)
        await front.clock.pass_until(lambda: len(subscriber.updates) > 1)
        assert not (await subscriber.read(STATUS))["live"]
        world.streams[STUDIO] = stream
        await front.clock.pass_until(lambda: len(subscriber.updates) > 2)
        world.go_offline(world.studios[STUDIO])
        await front.clock.pass_until(lambda: len(subscriber.updates) > 3)
        assert not (await subscriber.read(STATUS))["live"]
        await front.clock.pass_by(60)
        assert subscriber.updates == [STATUS] * 4


async def test_unknown_status_fields_that_always_change_are_not_notified() -> None:
    """Such as the number of viewers."""
    numbers = count(1)

    def count_up(answer: dict[str, Any]) -> None:
        answer |= {"viewers": next(numbers), "bitrate": 1 / next(numbers)}

    async with manual_clock_server() as front, subscriber_of(front) as subscriber:
        world = front.trax.world
        world.go_live(world.studios[STUDIO])
        front.clock.advance(60)
        front.trax.faults.add(Fault.patched(count_up), times=None)
        await subscriber.subscribe(STATUS)
        await front.clock.pass_by(120)
        assert poll_count(front, STATUS_PATH) > 10
        assert subscriber.updates == []
        world.go_offline(world.studios[STUDIO])
        await front.clock.pass_until(lambda: subscriber.updates)
        assert subscriber.updates == [STATUS]


async def test_chat_and_status_are_notified_separately() -> None:
    """With the URI of the changed one."""
    async with manual_clock_server() as front, subscriber_of(front) as subscriber:
        world = front.trax.world
        await subscriber.subscribe(CHAT, STATUS)
        say(front, "Hello")
        await front.clock.pass_until(lambda: subscriber.updates)
        await front.clock.pass_by(60)
        assert subscriber.updates == [CHAT]
        world.go_live(world.studios[STUDIO])
        await front.clock.pass_until(lambda: STATUS in subscriber.updates)
