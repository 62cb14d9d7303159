"""The cost of subscriptions, and a failure while the server notifies one client.

Over real sockets.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import anyio
import pytest
from mcp import MCPError
from mcp.server.session import ServerSession

from tests.support.concurrency import Paused
from tests.support.jsonrpc import LEGACY, MODERN
from tests.support.product.faults import Fault
from tests.support.product.shared_clock import settled
from tests.support.subscribers import (
    CHAT,
    STATUS,
    STUDIO,
    manual_clock_server,
    poll_times,
    say,
    subscriber_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

CONCURRENT_CHECKS: Final = 10
INVALID_PARAMS: Final = -32602


def chats(count: int) -> list[str]:
    """URIs of studios that do not exist."""
    return [f"trax://studios/studio_9{number:03}/chat" for number in range(count)]


def notifying_tasks() -> int:
    """The number of tasks that notify sessions of the earlier era."""
    return sum("_SessionSubscription._run" in task.get_name() for task in asyncio.all_tasks())


async def test_more_than_a_hundred_subscriptions_are_refused_without_a_request() -> None:
    """All of them. A repeated URI counts once."""
    async with manual_clock_server() as front, subscriber_of(front, MODERN) as subscriber:
        with pytest.raises(MCPError, match="Too many subscriptions: 100 at a time") as refused:
            await subscriber.subscribe(CHAT, *chats(100))
        assert (refused.value.code, len(front.trax.requests)) == (INVALID_PARAMS, 0)
        assert await subscriber.subscribe(CHAT, *chats(99), CHAT) == [CHAT]
        assert len(front.trax.requests) == 100


async def test_subscriptions_are_checked_ten_at_a_time() -> None:
    """Neither all at once nor one by one."""
    held = anyio.Event()
    accepted: list[list[str]] = []
    async with manual_clock_server() as front, subscriber_of(front, MODERN) as subscriber:

        async def subscribe() -> None:
            accepted.append(await subscriber.subscribe(*chats(25), CHAT))

        front.trax.faults.add(Fault.delay(held), times=None)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(subscribe)
            await front.clock.pass_until(lambda: front.trax.requests)
            await settled()
            assert (len(front.trax.requests), accepted) == (CONCURRENT_CHECKS, [])
            held.set()
        assert (len(front.trax.requests), accepted) == (26, [[CHAT]])


async def test_a_refused_subscription_starts_no_task() -> None:
    """A later one of the same session does."""
    async with manual_clock_server() as front, subscriber_of(front, LEGACY) as subscriber:
        for uri in (*chats(1), "trax://nope"):
            with pytest.raises(MCPError):
                await subscriber.subscribe(uri)
        await settled()
        assert notifying_tasks() == 0
        await subscriber.subscribe(CHAT, STATUS)
        await settled()
        assert notifying_tasks() == 1
        say(front, "Hello")
        await front.clock.pass_until(lambda: subscriber.updates)


async def test_frequent_reads_do_not_slow_the_polls_for_a_subscriber() -> None:
    """Twelve reads do not count as polls without a change."""
    async with manual_clock_server() as front, subscriber_of(front, MODERN) as subscriber:
        await subscriber.subscribe(STATUS)
        for _ in range(12):
            await subscriber.read(STATUS)
        await settled()
        before = len(front.trax.requests)
        await front.clock.pass_by(10)
        assert len(front.trax.requests) >= before + 2


async def test_a_client_can_unsubscribe_while_its_subscription_is_checked() -> None:
    """It is not notified, and polling stops."""
    held = Paused()
    async with manual_clock_server() as front, subscriber_of(front, LEGACY) as subscriber:
        front.trax.faults.add(held.fault)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(subscriber.subscribe, CHAT)
            await held.arrived()
            await subscriber.unsubscribe(CHAT)
            held.release()
        say(front, "Hello")
        assert await poll_times(front, 40) == []
        assert subscriber.updates == []
        await subscriber.subscribe(CHAT)
        say(front, "Hello again")
        await front.clock.pass_until(lambda: subscriber.updates)


@pytest.fixture
def fail_once(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Make the next notification to a session of the earlier era fail."""
    errors: list[Exception] = []
    send = ServerSession.send_resource_updated

    async def fail(session: ServerSession, uri: str) -> None:
        if errors:
            raise errors.pop()
        await send(session, uri)

    monkeypatch.setattr(ServerSession, "send_resource_updated", fail)
    return lambda: errors.append(LookupError("unexpected"))


async def test_a_failure_while_notifying_a_session_ends_only_its_subscriptions(
    fail_once: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and the session can subscribe again."""
    async with (
        manual_clock_server() as front,
        subscriber_of(front, LEGACY) as failing,
        subscriber_of(front, LEGACY) as other,
        subscriber_of(front, MODERN) as modern,
    ):
        await failing.subscribe(CHAT)
        await other.subscribe(STATUS)
        await modern.subscribe(STATUS)
        fail_once()
        say(front, "Hello")
        with caplog.at_level(logging.ERROR):
            await front.clock.pass_until(lambda: caplog.records)
        (logged,) = caplog.records
        assert logged.message == "notifying a session failed"
        assert "LookupError('unexpected')" in repr(logged.exc_info)
        assert (await poll_times(front, 40), notifying_tasks()) == ([], 1)
        front.trax.world.go_live(front.trax.world.studios[STUDIO])
        await front.clock.pass_until(lambda: other.updates and modern.updates)
        await failing.subscribe(CHAT)
        await settled()
        assert notifying_tasks() == 2
        say(front, "Hello again")
        await front.clock.pass_until(lambda: failing.updates)
        assert (failing.updates, other.updates, modern.updates) == ([CHAT], [STATUS], [STATUS])
