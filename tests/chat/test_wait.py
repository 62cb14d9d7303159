"""`wait_for_chat_messages` returns new messages at once or when they arrive, and loses none.

Through a real client, on a manual clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from tests.support.product.shared_clock import settled
from tests.support.resource_reads import SILENT
from tests.support.simulated_person import ProgressLog
from tests.support.wait_client import LONGEST_PAUSE, NOTICE, chat_of, expected_chat, waiting

if TYPE_CHECKING:
    from tests.support.wait_client import Json


def texts(count: int, *, first: int = 1) -> list[str]:
    """Different texts."""
    return [f"message {number}" for number in range(first, first + count)]


# At once


async def test_a_call_without_a_cursor_returns_the_recent_messages_at_once() -> None:
    """The last fifty, oldest first and unchanged. TRaX receives one request."""
    async with waiting() as waiter:
        sent = waiter.say(*texts(60))
        start = waiter.clock.seconds()
        result = await waiter.wait(timeoutSeconds=55)
        assert waiter.clock.seconds() == start
        assert [dict(it.query) for it in waiter.trax.requests] == [{"limit": "200"}]
    chat = chat_of(result)
    assert list(chat.items()) == list(expected_chat(chat["cursor"], *sent[-50:]).items())
    assert result.content[0].model_dump()["text"].startswith(NOTICE)


@pytest.mark.parametrize("limit", [1, "7", 100])
async def test_a_limit_returns_the_last_messages(limit: int | str) -> None:
    """The next read continues after them."""
    async with waiting() as waiter:
        waiter.say(*texts(60))
        all_messages = waiter.trax.messages()
        chat = await waiter.chat(limit=limit)
        assert chat["messages"] == all_messages[-int(limit) :]
        assert await waiter.chat(chat["cursor"], timeoutSeconds=0) == expected_chat(chat["cursor"])


async def test_a_call_returns_at_most_two_hundred_messages() -> None:
    """The next calls return the rest, and nothing is missed."""
    async with waiting() as waiter:
        cursor, sent = await waiter.cursor(), []
        for number in range(2):
            sent += waiter.say(*texts(150, first=150 * number))
            await waiter.clock.pass_by(2)
            last = await waiter.chat(limit=200)
        first = await waiter.chat(cursor, limit=200)
        second = await waiter.chat(first["cursor"], limit=200)
        assert (last["messages"], last["missed"]) == (sent[-200:], False)
        assert (first["messages"], first["missed"]) == (sent[:200], False)
        assert (second["messages"], second["missed"]) == (sent[200:], False)


async def test_an_empty_chat_has_a_cursor() -> None:
    """The first message follows it."""
    async with waiting() as waiter:
        chat = await waiter.chat(studio=SILENT)
        assert (chat["messages"], chat["missed"]) == ([], False)
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, chat["cursor"], studio=SILENT)
            await settled()
            assert results == []
            (sent,) = waiter.say("First!", studio=SILENT)
            assert await waiter.wait_for_result(results) <= LONGEST_PAUSE
        assert chat_of(results[0])["messages"] == [sent]


async def test_messages_after_the_cursor_are_returned_at_once() -> None:
    """Exactly those."""
    async with waiting() as waiter:
        before = await waiter.cursor()
        await waiter.clock.pass_by(2)
        sent = waiter.say("one", "two")
        start = waiter.clock.seconds()
        chat = await waiter.chat(before)
        assert waiter.clock.seconds() == start
        assert chat == expected_chat(chat["cursor"], *sent)
        assert chat["cursor"] != before


async def test_reading_with_a_limit_returns_every_message_once() -> None:
    """Oldest first, from one poll."""
    async with waiting() as waiter:
        cursor = await waiter.cursor()
        await waiter.clock.pass_by(2)
        sent = waiter.say(*texts(10))
        pages = []
        for _ in range(5):
            chat = await waiter.chat(cursor, limit=3, timeoutSeconds=0)
            pages.append(chat["messages"])
            assert not chat["missed"]
            cursor = chat["cursor"]
        assert pages == [sent[0:3], sent[3:6], sent[6:9], sent[9:10], []]
        assert waiter.request_count == 2


# Waiting


async def test_a_wait_ends_when_a_message_arrives(era: str) -> None:
    """A wait from the new cursor does, too."""
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        for text in ("one", "two"):
            async with anyio.create_task_group() as tasks:
                results = waiter.begin(tasks, cursor)
                await waiter.clock.pass_by(5)
                assert results == []
                sent = waiter.say(text)
                assert await waiter.wait_for_result(results) <= LONGEST_PAUSE
            chat = chat_of(results[0])
            assert 5 < chat["waitedSeconds"] <= 5 + LONGEST_PAUSE
            assert chat == expected_chat(chat["cursor"], *sent, waited=chat["waitedSeconds"])
            cursor = chat["cursor"]


@pytest.mark.parametrize(
    ("arguments", "seconds"),
    [
        ({}, 25),
        ({"timeoutSeconds": 55}, 55),
        ({"timeoutSeconds": 2.5}, 2.5),
        ({"timeoutSeconds": "5"}, 5),
    ],
    ids=str,
)
async def test_a_wait_without_messages_ends_at_its_time_out_with_the_same_cursor(
    arguments: Json, seconds: float
) -> None:
    """After 25 s by default. Models send numbers as strings."""
    async with waiting() as waiter:
        cursor = await waiter.cursor()
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, cursor, **arguments)
            assert await waiter.wait_for_result(results) == seconds
        assert chat_of(results[0]) == expected_chat(cursor, waited=seconds)


async def test_a_time_out_of_zero_polls_once_and_returns() -> None:
    """No loop remains."""
    async with waiting() as waiter:
        cursor = await waiter.cursor()
        await waiter.clock.pass_by(2)
        start = waiter.clock.seconds()
        assert await waiter.chat(cursor, timeoutSeconds=0) == expected_chat(cursor)
        assert (waiter.clock.seconds(), waiter.request_count) == (start, 2)
        await waiter.clock.pass_by(60)
        assert waiter.request_count == 2


async def test_a_wait_reports_its_progress(era: str) -> None:
    """Every five seconds, and only while it waits."""
    progress, no_progress = ProgressLog(), ProgressLog()
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, cursor, timeoutSeconds=12, progress=progress)
            await waiter.wait_for_result(results)
        waiter.say("Hello")
        await waiter.chat(progress=no_progress)
        await waiter.chat(cursor, timeoutSeconds=0, progress=no_progress)
        await waiter.chat(cursor, progress=no_progress)
        await settled()
    expected = [(float(elapsed), 12.0, "Waiting for chat.") for elapsed in (5, 10, 12)]
    assert (progress.all, no_progress.all) == (expected, [])
