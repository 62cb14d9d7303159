"""Update notifications over real sockets, in both eras, and the polls that they cause.

On a manual clock.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from itertools import count
from typing import Any

from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY
from tests.support.subscribers import (
    CHAT,
    OTHER_CHAT,
    STATUS,
    STATUS_PATH,
    intervals,
    manual_clock_server,
    poll_count,
    poll_times,
    say,
    subscriber_of,
)
from tests.world.wire import ERAS, LEGACY, MODERN


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


async def test_a_message_between_a_read_and_the_subscription_is_notified() -> None:
    """The client need not read again."""
    async with manual_clock_server() as front, subscriber_of(front) as subscriber:
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
    async with manual_clock_server() as front, AsyncExitStack() as stack:
        subscribers = [
            await stack.enter_async_context(subscriber_of(front, era)) for era in [*ERAS] * 3
        ]
        for subscriber in subscribers:
            await subscriber.subscribe(CHAT)
        times = await poll_times(front, 60)
        say(front, "Hello")
        times += [60 + it for it in await poll_times(front, 60)]
        assert [it.updates for it in subscribers] == [[CHAT]] * len(subscribers)
    assert min(intervals(times)) >= 2
    assert max(intervals(times)) <= 12


async def test_accounts_are_notified_only_of_their_own_studios() -> None:
    """Each studio is polled with the key of its own account."""
    async with (
        manual_clock_server() as front,
        subscriber_of(front, LEGACY) as owner,
        subscriber_of(front, MODERN, key=ANOTHER_ACCOUNT_KEY) as other,
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


async def test_going_live_and_going_offline_are_notified_once_each() -> None:
    """Beside a chat that is notified separately."""
    async with manual_clock_server() as front, subscriber_of(front) as subscriber:
        await subscriber.subscribe(CHAT, STATUS)
        say(front, "Hello")
        await front.clock.pass_until(lambda: subscriber.updates)
        await front.clock.pass_by(60)
        assert subscriber.updates == [CHAT]
        await subscriber.unsubscribe(CHAT, STATUS)
        await subscriber.subscribe(STATUS)
        for live, act in ((True, front.trax.go_live), (False, front.trax.go_offline)):
            subscriber.updates.clear()
            act()
            await front.clock.pass_until(lambda: subscriber.updates)
            assert (await subscriber.read(STATUS))["live"] is live
            await front.clock.pass_by(60)
            assert subscriber.updates == [STATUS]


async def test_unknown_status_fields_that_always_change_are_not_notified() -> None:
    """Such as the number of viewers."""
    numbers = count(1)

    def count_up(answer: dict[str, Any]) -> None:
        answer |= {"viewers": next(numbers), "bitrate": 1 / next(numbers)}

    async with manual_clock_server() as front, subscriber_of(front) as subscriber:
        put_on_air(front.trax)
        front.trax.faults.add(Fault.patched(count_up), times=None)
        await subscriber.subscribe(STATUS)
        await front.clock.pass_by(120)
        assert poll_count(front, STATUS_PATH) > 10
        assert subscriber.updates == []
        front.trax.go_offline()
        await front.clock.pass_until(lambda: subscriber.updates)
        assert subscriber.updates == [STATUS]
