"""`wait_for_chat_messages` returns new messages at once or when they arrive, and loses none.

`tests/units/chat` has the order, the cursors and the pauses between polls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.chat.waits import (
    LONGEST_PAUSE,
    TOOL,
    Json,
    begin,
    chat,
    chat_of,
    end_of,
    expected_chat,
    open_chat,
    say,
    wait,
)
from tests.support.chat_polls import cursor_of
from tests.support.hostile_texts import NOTICE
from tests.support.product.shared_clock import STEP_SECONDS, settled
from tests.support.simulated_person import ProgressLog
from tests.world.answers import error_in, text_of
from tests.world.world import MINE

if TYPE_CHECKING:
    from tests.world.world import World

WAITING: Final = "Waiting for chat."
POLL: Final = 2.0
"""The shortest pause between two polls, in seconds."""


def texts(count: int) -> list[str]:
    """Different texts."""
    return [f"message {number}" for number in range(count)]


# At once


async def test_a_call_without_a_cursor_returns_the_recent_messages_at_once() -> None:
    """The last fifty, oldest first and unchanged. TRaX receives one request."""
    async with open_chat() as it:
        sent = say(it, *texts(60))
        start = it.hand_clock.seconds()
        result = await wait(it, timeoutSeconds=55)
        assert it.hand_clock.seconds() == start
        assert [dict(request.query) for request in it.trax.requests] == [{"limit": "200"}]
    found = chat_of(result)
    assert found == {
        **expected_chat(found["cursor"], *sent[-50:]),
        "notice": f'{NOTICE} Older ones are left out: `after` "start" reads from the oldest on.',
        "more": True,
    }
    assert text_of(result).startswith(NOTICE)


async def test_messages_after_the_cursor_are_returned_at_once() -> None:
    async with open_chat() as it:
        before = await cursor_of(it[MINE])
        await it.hand_clock.pass_by(POLL)
        sent = say(it, "one", "two")
        start = it.hand_clock.seconds()
        found = await chat(it, before)
        assert it.hand_clock.seconds() == start
    assert found == expected_chat(found["cursor"], *sent)
    assert found["cursor"] != before


async def test_reading_with_a_limit_returns_every_message_once() -> None:
    """Oldest first, from one poll. Without a cursor the last ones are read."""
    async with open_chat() as it:
        cursor = await cursor_of(it[MINE])
        await it.hand_clock.pass_by(POLL)
        sent, pages = say(it, *texts(10)), []
        assert (await chat(it, limit="3"))["messages"] == sent[-3:]
        for _ in range(5):
            found = await chat(it, cursor, limit=3, timeoutSeconds=0)
            pages.append(found["messages"])
            assert not found["missed"]
            cursor = found["cursor"]
        assert len(it.trax.requests) == 2
    assert pages == [sent[0:3], sent[3:6], sent[6:9], sent[9:10], []]


# Waiting


async def test_a_wait_ends_when_a_message_arrives(era: str) -> None:
    """A wait from the new cursor does, too."""
    async with open_chat(era=era) as it:
        cursor = await cursor_of(it[MINE])
        for text in ("one", "two"):
            waiting = begin(it, cursor)
            await it.hand_clock.pass_by(5)
            assert not waiting.has_ended
            sent = say(it, text)
            assert await end_of(it, waiting) <= LONGEST_PAUSE
            found = chat_of(await waiting.result())
            assert 5 < found["waitedSeconds"] <= round(5 + LONGEST_PAUSE)
            assert found == expected_chat(found["cursor"], *sent, waited=found["waitedSeconds"])
            cursor = found["cursor"]


@pytest.mark.parametrize(
    ("arguments", "seconds"),
    [({}, 25), ({"timeoutSeconds": 55}, 55), ({"timeoutSeconds": "5"}, 5)],
    ids=str,
)
async def test_a_wait_without_messages_ends_at_its_time_out_with_the_same_cursor(
    arguments: Json, seconds: float
) -> None:
    """After 25 s by default. Models send numbers as strings."""
    async with open_chat() as it:
        cursor = await cursor_of(it[MINE])
        waiting = begin(it, cursor, **arguments)
        assert await end_of(it, waiting) == seconds
        assert chat_of(await waiting.result()) == expected_chat(cursor, waited=seconds)


async def test_a_time_out_of_zero_polls_once_and_returns() -> None:
    """No loop remains."""
    async with open_chat() as it:
        cursor = await cursor_of(it[MINE])
        await it.hand_clock.pass_by(POLL)
        start = it.hand_clock.seconds()
        assert await chat(it, cursor, timeoutSeconds=0) == expected_chat(cursor)
        assert (it.hand_clock.seconds(), len(it.trax.requests)) == (start, 2)
        await it.hand_clock.pass_by(60)
        assert len(it.trax.requests) == 2


async def test_a_wait_reports_its_progress(era: str) -> None:
    """Every five seconds in whole numbers, only while it waits, and never right before its answer.

    A client that reads the answer first may take the progress after it for a lost connection.
    """
    async with open_chat(era=era) as it:
        cursor = await cursor_of(it[MINE])
        it[MINE].progress = progress = ProgressLog()
        await end_of(it, begin(it, cursor, timeoutSeconds=12.5))
        await end_of(it, begin(it, cursor, timeoutSeconds=10))
        it[MINE].progress = no_progress = ProgressLog()
        await it.hand_clock.pass_by(POLL)
        say(it, "Hello")
        await chat(it)
        await chat(it, cursor, timeoutSeconds=0)
        await chat(it, cursor)
        await settled()
    expected = [(5, 13, WAITING), (10, 13, WAITING), (5, 10, WAITING)]
    assert (progress.all, no_progress.all) == (expected, [])


# Gathering: after the first new message it waits a while for more


async def gather(it: World, cursor: str, **arguments: object) -> tuple[list[Json], Json]:
    """Wait while one message arrives each second from now on. Returns them and the answer."""
    sent: list[Json] = []
    waiting = begin(it, cursor, **arguments)
    await settled()
    for text in texts(60):
        if not waiting.has_ended:
            sent += say(it, text)
            await it.hand_clock.pass_by(1)
    return sent, chat_of(await waiting.result())


@pytest.mark.parametrize("seconds", [1, "20"])
async def test_messages_that_follow_the_first_are_returned_with_it(seconds: int | str) -> None:
    """For as long as `gatherSeconds` says, from when the first is known."""
    async with open_chat() as it:
        cursor = await cursor_of(it[MINE])
        await it.hand_clock.pass_by(POLL)
        sent, found = await gather(it, cursor, timeoutSeconds=55, gatherSeconds=seconds)
        rest = await chat(it, found["cursor"], timeoutSeconds=0)
    assert int(seconds) <= found["waitedSeconds"] <= round(LONGEST_PAUSE + int(seconds))
    assert found["gatheredSeconds"] == int(seconds)
    assert found["messages"] == sent[: len(found["messages"])]
    assert len(found["messages"]) >= int(seconds) - POLL
    assert (found["missed"], rest["missed"]) == (False, False)


async def test_a_wait_gathers_for_three_seconds_by_default() -> None:
    """Counted from the first message, and only if there is one."""
    async with open_chat() as it:
        cursor = await cursor_of(it[MINE])
        await it.hand_clock.pass_by(POLL)
        sent = say(it, "one")
        await chat(it)
        waiting = begin(it, cursor, gatherSeconds=None)
        assert await end_of(it, waiting) == 3
        found = chat_of(await waiting.result())
        assert found == expected_chat(found["cursor"], *sent, waited=3, gathered=3)
        waiting = begin(it, found["cursor"], gatherSeconds=None, timeoutSeconds=9)
        assert await end_of(it, waiting) == 9
        assert chat_of(await waiting.result()) == expected_chat(found["cursor"], waited=9)


async def test_gathering_ends_with_the_time_out() -> None:
    """The whole call is never longer."""
    async with open_chat() as it:
        cursor = await cursor_of(it[MINE])
        await it.hand_clock.pass_by(POLL)
        _, found = await gather(it, cursor, timeoutSeconds=12.5, gatherSeconds=20)
    assert found["waitedSeconds"] == round(12.5)
    assert 0 < found["gatheredSeconds"] < 12.5
    assert len(found["messages"]) >= 8


async def test_gathering_ends_early_with_a_full_answer() -> None:
    """As many messages as `limit`. The others follow at once."""
    async with open_chat() as it:
        cursor = await cursor_of(it[MINE])
        await it.hand_clock.pass_by(POLL)
        sent = say(it, *texts(7))
        found = await chat(it, cursor, gatherSeconds=20, limit=5)
        assert found == {
            **expected_chat(found["cursor"], *sent[:5]),
            "notice": f"{NOTICE} There are more: call again with `cursor` as `after`.",
            "more": True,
        }
        sent += say(it, "one", "two", "three")
        waiting = begin(it, found["cursor"], gatherSeconds=20, limit=5)
        assert await end_of(it, waiting) <= POLL + STEP_SECONDS
        assert chat_of(await waiting.result())["messages"] == sent[5:]


async def test_nothing_is_gathered_without_a_cursor_without_a_wait_or_after_a_loss() -> None:
    """The recent messages, those that are there, or all that are remembered."""
    async with open_chat() as it:
        cursor = await cursor_of(it[MINE])
        await it.hand_clock.pass_by(POLL)
        sent, start = say(it, "one"), it.hand_clock.seconds()
        recent = await chat(it, gatherSeconds=20)
        found = await chat(it, cursor, gatherSeconds=20, timeoutSeconds=0)
        lost = await chat(it, "never given", gatherSeconds=20)
        assert it.hand_clock.seconds() == start
    assert found == expected_chat(recent["cursor"], *sent)
    assert lost["missed"]


# Arguments

SECONDS: Final = "`timeoutSeconds` must be"
TEXT: Final = "`after` must be a non-empty string"
GATHER: Final = "`gatherSeconds` must be"
LIMIT: Final = "`limit` must be at least 1"

INVALID: Final[list[tuple[Json, str]]] = [
    ({"timeoutSeconds": -0.1}, f"{SECONDS} at least 0"),
    ({"timeoutSeconds": 55.1}, f"{SECONDS} at most 55"),
    *(({"timeoutSeconds": it}, f"{SECONDS} a number") for it in (True, "5.5", "NaN")),
    ({"gatherSeconds": -1}, f"{GATHER} at least 0"),
    ({"gatherSeconds": "21"}, f"{GATHER} at most 20"),
    ({"after": 7}, TEXT),
    ({"limit": 0}, LIMIT),
    ({"after": 7, "limit": 0, "timeoutSeconds": 99}, f"{TEXT}; {SECONDS} at most 55; {LIMIT}"),
]


async def test_invalid_arguments_are_refused_by_name_and_null_counts_as_omitted() -> None:
    """So does an empty text: strict clients send every argument."""
    async with open_chat() as it:
        for arguments, problem in INVALID:
            assert error_in(await it[MINE].call(TOOL, **arguments)) == {
                "code": "invalid_arguments",
                "message": f"{problem}. Nothing was sent: correct the arguments and call again.",
                "retryable": False,
                "outcome": "not_applied",
            }
        await it.hand_clock.pass_by(20)
        assert len(it.trax.requests) == 0
        nulls = dict.fromkeys(("after", "timeoutSeconds", "gatherSeconds", "limit"))
        for absent in (nulls, {"after": "", "timeoutSeconds": ""}):
            assert len(chat_of(await it[MINE].call(TOOL, **absent))["messages"]) == 3
