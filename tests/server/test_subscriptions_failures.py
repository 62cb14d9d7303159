"""Subscriptions while TRaX refuses, fails or asks to wait, and after restarts.

Over real sockets. Temporary errors lose nothing. Final errors are notified, and reads return them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from mcp import MCPError

from tests.support.product.faults import Fault
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.subscribers import (
    CHAT,
    CHAT_PATH,
    STATUS,
    STATUS_PATH,
    STUDIO,
    intervals,
    manual_clock_server,
    poll_times,
    say,
    subscriber_of,
)
from tests.world.wire import LEGACY, MODERN

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.product.sandbox import Sandbox
    from tests.support.subscribers import Subscriber

OUTAGES = {
    "no answer": Fault.dropped(),
    "no list": Fault.status(200, {"data": "no list"}),
}


def revoke(sandbox: Sandbox) -> None:
    """Revoke the key."""
    sandbox.remove_key()


def restore(sandbox: Sandbox) -> None:
    """Make the key valid again."""
    sandbox.add_key(SANDBOX_KEY)


def remove_access(sandbox: Sandbox) -> None:
    """Remove the account's access to the studio."""
    sandbox.change(STUDIO, _roles={})


def add_access(sandbox: Sandbox) -> None:
    """Give the account access to the studio again."""
    sandbox.change(STUDIO, _roles={"user_robin": "owner"})


def say_hello(sandbox: Sandbox) -> None:
    """Let a viewer write."""
    sandbox.say("Hello")


async def error_of(subscriber: Subscriber, uri: str, *, after: str | None = None) -> Any:  # noqa: ANN401  any JSON
    """The error of a read."""
    with pytest.raises(MCPError) as refused:
        await subscriber.read(uri, after=after)
    return refused.value.data["error"]


async def test_neither_polls_nor_reads_send_a_request_before_retry_after() -> None:
    """No message is missing afterwards."""
    async with manual_clock_server() as front, subscriber_of(front) as subscriber:
        await subscriber.subscribe(CHAT)
        cursor = await subscriber.cursor()
        front.trax.faults.add(Fault.error(429, "rate_limited", Retry_After="45"), path=CHAT_PATH)
        await front.clock.pass_until(lambda: not front.trax.faults.pending)
        say(front, "Meanwhile")
        assert await poll_times(front, 22) == []
        error = await error_of(subscriber, CHAT, after=cursor)
        assert (error["code"], error["retryAfterSeconds"]) == ("rate_limited", 45)
        assert await poll_times(front, 22) == []
        assert subscriber.updates == []
        await front.clock.pass_until(lambda: subscriber.updates, most=12)
        assert await subscriber.texts(after=cursor) == ["Meanwhile"]


@pytest.mark.parametrize("fault", OUTAGES.values(), ids=OUTAGES)
async def test_an_outage_of_half_a_minute_loses_nothing(fault: Fault) -> None:
    """Polls become less frequent. All messages follow the same cursor."""
    async with manual_clock_server() as front, subscriber_of(front) as subscriber:
        await subscriber.subscribe(CHAT)
        cursor = await subscriber.cursor()
        front.trax.faults.add(fault, times=None, path=CHAT_PATH)
        times = await poll_times(front, 10)
        say(front, "First")
        times += [10 + time for time in await poll_times(front, 20)]
        assert 2 <= len(times) <= 5
        assert intervals(times) == sorted(intervals(times))
        say(front, "Second")
        assert subscriber.updates == []
        front.trax.faults.clear()
        say(front, "Third")
        await front.clock.pass_until(lambda: subscriber.updates, most=36)
        assert await subscriber.texts(after=cursor) == ["First", "Second", "Third"]
        say(front, "Fourth")
        await front.clock.pass_until(lambda: len(subscriber.updates) > 1, most=10)
        assert subscriber.updates == [CHAT] * 2


@pytest.mark.parametrize(
    ("uri", "era", "end", "restart", "change", "code"),
    [
        pytest.param(CHAT, LEGACY, revoke, restore, say_hello, "invalid_key", id="key revoked"),
        pytest.param(
            STATUS,
            MODERN,
            remove_access,
            add_access,
            lambda it: it.go_live(),
            "not_found",
            id="gone",
        ),
    ],
)
async def test_a_final_error_is_notified_and_reads_return_it(
    *,
    uri: str,
    era: str,
    end: Callable[[Sandbox], None],
    restart: Callable[[Sandbox], None],
    change: Callable[[Sandbox], None],
    code: str,
) -> None:
    """Polling stops until a read succeeds."""
    async with manual_clock_server() as front, subscriber_of(front, era) as subscriber:
        path = CHAT_PATH if uri == CHAT else STATUS_PATH
        await subscriber.subscribe(uri)
        end(front.trax)
        await front.clock.pass_until(lambda: subscriber.updates)
        assert (await error_of(subscriber, uri))["code"] == code
        assert await poll_times(front, 120, path) == []
        assert subscriber.updates == [uri]
        restart(front.trax)
        assert await poll_times(front, 60, path) == []
        await subscriber.read(uri)
        await front.clock.pass_by(10)
        assert subscriber.updates == [uri]
        change(front.trax)
        await front.clock.pass_until(lambda: len(subscriber.updates) > 1)


async def test_a_cursor_is_valid_after_a_restart_if_trax_still_has_its_message() -> None:
    """Only later messages are returned."""
    async with manual_clock_server() as front, subscriber_of(front) as subscriber:
        say(front, "Before")
        cursor = await subscriber.cursor()
    for number in range(150):
        say(front, f"Message {number}")
    async with (
        manual_clock_server(trax=front.trax) as restarted,
        subscriber_of(restarted) as subscriber,
    ):
        await subscriber.subscribe(CHAT)
        assert await subscriber.texts(after=cursor) == [f"Message {it}" for it in range(150)]
        newest = await subscriber.cursor()
        say(restarted, "After")
        await restarted.clock.pass_until(lambda: subscriber.updates)
        assert await subscriber.texts(after=newest) == ["After"]


async def test_a_cursor_that_is_too_old_returns_all_as_missed_after_a_restart() -> None:
    """In order and without repeats."""
    async with manual_clock_server() as front, subscriber_of(front) as subscriber:
        cursor = await subscriber.cursor()
    messages = [say(front, f"Message {number}") for number in range(250)]
    async with (
        manual_clock_server(trax=front.trax) as restarted,
        subscriber_of(restarted) as subscriber,
    ):
        await subscriber.subscribe(CHAT)
        read = await subscriber.read(after=cursor)
        assert (read["messages"], read["missed"]) == (messages[-200:], True)
        assert await subscriber.texts(after=read["cursor"]) == []
