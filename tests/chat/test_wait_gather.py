"""`wait_for_chat_messages` gathers: after the first new message it waits a while for more.

Through a real client, on a manual clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from tests.support.product.shared_clock import STEP_SECONDS, settled
from tests.support.wait_client import LONGEST_PAUSE, chat_of, expected_chat, waiting

if TYPE_CHECKING:
    from tests.support.wait_client import Json, Waiter

POLL: Final = 2.0


async def gather(
    waiter: Waiter,
    cursor: str,
    *texts: str,
    **arguments: Any,  # noqa: ANN401  of the tool
) -> tuple[list[Json], Json]:
    """Wait while one message arrives each second from now on. Returns them and the answer."""
    sent: list[Json] = []
    async with anyio.create_task_group() as tasks:
        results = waiter.begin(tasks, cursor, **arguments)
        await settled()
        for text in texts:
            if not results:
                sent += waiter.say(text)
                await waiter.clock.pass_by(1)
        await waiter.wait_for_result(results)
    return sent, chat_of(results[0])


def numbered(count: int) -> list[str]:
    """Different texts."""
    return [f"message {number}" for number in range(count)]


@pytest.mark.parametrize("seconds", [1, "10", 20])
async def test_messages_that_follow_the_first_are_returned_with_it(seconds: int | str) -> None:
    """For as long as `gatherSeconds` says, from when the first is known."""
    async with waiting() as waiter:
        cursor = await waiter.cursor()
        await waiter.clock.pass_by(POLL)
        sent, chat = await gather(
            waiter, cursor, *numbered(60), timeoutSeconds=55, gatherSeconds=seconds
        )
        assert int(seconds) <= chat["waitedSeconds"] <= LONGEST_PAUSE + int(seconds)
        assert chat["gatheredSeconds"] == int(seconds)
        received = chat["messages"]
        assert received == sent[: len(received)]
        assert len(received) >= int(seconds) - POLL
        rest = await waiter.chat(chat["cursor"], timeoutSeconds=0)
        assert (chat["missed"], rest["missed"]) == (False, False)


async def test_a_wait_gathers_for_three_seconds_by_default(era: str) -> None:
    """Counted from the first message, and only if there is one."""
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        await waiter.clock.pass_by(POLL)
        sent = waiter.say("one")
        await waiter.chat()
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, cursor, gatherSeconds=None)
            waited = await waiter.wait_for_result(results)
        chat = chat_of(results[0])
        assert waited == 3
        assert chat == expected_chat(chat["cursor"], *sent, waited=3, gathered=3)
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, chat["cursor"], gatherSeconds=None, timeoutSeconds=9)
            assert await waiter.wait_for_result(results) == 9
        assert chat_of(results[0]) == expected_chat(chat["cursor"], waited=9)


async def test_gathering_ends_with_the_time_out() -> None:
    """The whole call is never longer."""
    async with waiting() as waiter:
        cursor = await waiter.cursor()
        await waiter.clock.pass_by(POLL)
        _, chat = await gather(waiter, cursor, *numbered(30), timeoutSeconds=12.5, gatherSeconds=20)
        assert chat["waitedSeconds"] == 12.5
        assert 0 < chat["gatheredSeconds"] < 12.5
        assert len(chat["messages"]) >= 8


async def test_gathering_ends_early_with_a_full_answer() -> None:
    """As many messages as `limit`. The others follow at once."""
    async with waiting() as waiter:
        cursor = await waiter.cursor()
        await waiter.clock.pass_by(POLL)
        sent = waiter.say(*numbered(7))
        chat = await waiter.chat(cursor, gatherSeconds=20, limit=5)
        assert chat == expected_chat(chat["cursor"], *sent[:5])
        sent += waiter.say(*numbered(3))
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, chat["cursor"], gatherSeconds=20, limit=5)
            assert await waiter.wait_for_result(results) <= POLL + STEP_SECONDS
        assert chat_of(results[0])["messages"] == sent[5:]


async def test_nothing_is_gathered_without_a_cursor_or_without_a_wait() -> None:
    """The recent messages, or those that are there."""
    async with waiting() as waiter:
        cursor = await waiter.cursor()
        await waiter.clock.pass_by(POLL)
        sent = waiter.say("one")
        start = waiter.clock.seconds()
        recent = await waiter.chat(gatherSeconds=20)
        chat = await waiter.chat(cursor, gatherSeconds=20, timeoutSeconds=0)
        assert chat == expected_chat(recent["cursor"], *sent)
        assert waiter.clock.seconds() == start


async def test_a_loss_is_reported_without_gathering() -> None:
    """A cursor that is unknown, for example."""
    async with waiting() as waiter:
        await waiter.clock.pass_by(POLL)
        chat = await waiter.chat("never given", gatherSeconds=20)
        assert (chat["missed"], chat["waitedSeconds"]) == (True, 0)


async def test_a_busy_minute_of_chat_takes_four_calls() -> None:
    """With a message each second, and the arguments that the tool's description names."""
    async with waiting() as waiter:
        cursor, calls = await waiter.cursor(), 1
        sent: list[Json] = []
        received: list[Json] = []
        await waiter.clock.pass_by(POLL)
        end = waiter.clock.seconds() + 60
        while waiter.clock.seconds() < end:
            said, chat = await gather(waiter, cursor, *numbered(25), gatherSeconds=20, limit=200)
            sent, received = sent + said, received + chat["messages"]
            cursor, calls = chat["cursor"], calls + 1
            assert not chat["missed"]
        received += (await waiter.chat(cursor, timeoutSeconds=0))["messages"]
        assert received == sent[: len(received)]
        assert len(received) >= 60 - POLL
        assert calls <= 4
