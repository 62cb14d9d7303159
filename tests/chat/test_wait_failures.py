"""`wait_for_chat_messages` in an outage, or while TRaX is slow.

No failure is reported as a chat without messages, and no wait is longer than its time-out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.chat.waits import (
    LONGEST_PAUSE,
    STUDIO,
    TOOL,
    begin,
    chat,
    chat_of,
    end_of,
    expected_chat,
    open_chat,
    say,
    wait,
)
from tests.support.chat_polls import cursor_of, open_polled, poll_count
from tests.support.concurrency import Paused
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import frozen_sandbox
from tests.support.product.shared_clock import settled
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.answers import error_in
from tests.world.wire import LEGACY
from tests.world.world import CUSTOMER, MINE, open_world

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.product.sandbox import Sandbox
    from tests.world.world import World

OUTAGES: Final = {
    "unreachable": Fault.dropped(),
    "bad_answer": Fault.status(200, '{"data": ['),
}
"""Ways in which a poll can fail, by the error code for the client."""


# Temporary errors


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_wait_continues_after_an_outage(*, restarted: bool) -> None:
    """It returns the messages of the outage, although after a restart no page is known yet."""
    trax = frozen_sandbox()
    async with open_chat(trax=trax) as it:
        cursor = await cursor_of(it[MINE])
    async with open_chat(trax=trax) as it:
        if not restarted:
            await cursor_of(it[MINE])
        trax.faults.add(Fault.dropped() if not restarted else Fault.status(503))
        waiting = begin(it, cursor, timeoutSeconds=55)
        await settled()
        assert not waiting.has_ended
        sent = say(it, "one", "two")
        waited = await end_of(it, waiting)
        assert trax.faults.pending == 0
        found = chat_of(await waiting.result())
        assert found == expected_chat(found["cursor"], *sent, waited=round(waited))


@pytest.mark.parametrize("code", OUTAGES)
async def test_an_outage_is_reported_at_once_or_at_the_end_of_a_wait(code: str) -> None:
    """At once to a call that doesn't wait. The cursor stays valid."""
    async with open_chat() as it:
        it.trax.faults.add(OUTAGES[code], times=None)
        start = it.hand_clock.seconds()
        for result in (
            await wait(it),
            await wait(it, "from before a restart", timeoutSeconds=0),
            await wait(it, "start", timeoutSeconds=0),
        ):
            assert error_in(result)["code"] == code
        assert (it.hand_clock.seconds(), len(it.trax.requests)) == (start, 1)
        it.trax.faults.clear()
        await it.hand_clock.pass_by(LONGEST_PAUSE)
        cursor = await cursor_of(it[MINE])
        waiting = begin(it, cursor, timeoutSeconds=20)
        it.trax.faults.add(OUTAGES[code], times=None)
        assert await end_of(it, waiting) == 20
        error = error_in(await waiting.result())
        assert (error["code"], error["retryable"], error["outcome"]) == (
            code,
            True,
            "not_applied",
        )
        it.trax.faults.clear()
        sent = say(it, "Hello")
        await it.hand_clock.pass_by(LONGEST_PAUSE)
        assert (await chat(it, cursor))["messages"] == sent


# Final errors


@pytest.mark.parametrize(
    ("end", "code"),
    [(lambda it: it.remove_key(), "invalid_key"), (lambda it: it.remove(STUDIO), "not_found")],
)
async def test_a_final_error_ends_a_wait(end: Callable[[Sandbox], None], code: str) -> None:
    """At the next poll. After that, only another call sends a request."""
    async with open_chat() as it:
        cursor = await cursor_of(it[MINE])
        waiting = begin(it, cursor, timeoutSeconds=55)
        await it.hand_clock.pass_by(4)
        end(it.trax)
        assert await end_of(it, waiting) <= LONGEST_PAUSE
        assert error_in(await waiting.result())["code"] == code
        before = len(it.trax.requests)
        await it.hand_clock.pass_by(60)
        assert len(it.trax.requests) == before
        assert error_in(await wait(it, cursor))["code"] == code
        assert len(it.trax.requests) == before + 1


@pytest.mark.parametrize(("key", "code"), [("", "no_key"), (CUSTOMER, "not_found")])
async def test_a_caller_without_access_is_refused_at_once(*, key: str, code: str) -> None:
    async with open_world(key, short_seconds=0) as it:
        start = it.hand_clock.seconds()
        for after in (None, "start"):
            refused = await it[key].call(TOOL, after=after, timeoutSeconds=55)
            assert error_in(refused)["code"] == code
        assert it.hand_clock.seconds() == start


# A slow TRaX


async def test_known_new_messages_are_returned_without_a_request_while_polling() -> None:
    """Another wait keeps the polling running."""
    async with open_chat() as it:
        cursor = await cursor_of(it[MINE])
        await it.hand_clock.pass_by(2)
        sent = say(it, "one", "two")
        known = await chat(it)
        begin(it, known["cursor"], timeoutSeconds=55)
        await it.hand_clock.pass_by(2)
        it.trax.faults.add(Paused().fault)
        before = len(it.trax.requests)
        assert await chat(it, cursor) == expected_chat(known["cursor"], *sent)
        assert len(it.trax.requests) == before


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_wait_ends_at_its_time_out_while_trax_does_not_answer(*, restarted: bool) -> None:
    """It returns its own cursor, also after a restart, and no message is lost."""
    trax = frozen_sandbox()
    async with open_chat(trax=trax) as it:
        cursor = await cursor_of(it[MINE])
    async with open_chat(trax=trax) as it:
        if not restarted:
            await cursor_of(it[MINE])
            await it.hand_clock.pass_by(2)
        held = Paused()
        trax.faults.add(held.fault)
        waiting = begin(it, cursor, timeoutSeconds=7)
        await held.arrived()
        assert await end_of(it, waiting) == 7
        assert chat_of(await waiting.result()) == expected_chat(cursor, waited=7)
        sent = say(it, "Hello")
        held.release()
        found = await chat(it, cursor)
        assert found == expected_chat(found["cursor"], *sent)


async def test_a_call_that_does_not_wait_needs_an_answer_of_trax() -> None:
    """Its time-out does not apply."""
    async with open_chat() as it:
        held = Paused()
        it.trax.faults.add(held.fault)
        calls = [begin(it, timeoutSeconds=1), begin(it, "start", timeoutSeconds=0)]
        await held.arrived()
        await it.hand_clock.pass_by(60)
        assert not any(each.has_ended for each in calls)
        held.release()
        await end_of(it, *calls)
        assert [len(chat_of(await each.result())["messages"]) for each in calls] == [3, 3]


# Cancelled calls


async def _in_flight(it: World, count: int) -> None:
    """Wait, in real time, until so many requests are under way."""
    with anyio.fail_after(PATIENCE_SECONDS):
        while it.product.requests_in_flight != count:  # noqa: ASYNC110  it can only be asked
            await anyio.sleep(0.002)


async def test_a_cancelled_wait_over_http_ends_the_polling(era: str) -> None:
    """The earlier era sends a notification, the later one closes the connection."""
    async with open_polled(MINE, era=era) as it:
        waiting = it[MINE].start(TOOL, after=await cursor_of(it[MINE]))
        streams = 1 if era == LEGACY else 0
        await _in_flight(it, streams + 1)
        await it.hand_clock.pass_by(6)
        await waiting.end()
        await _in_flight(it, streams)
        before = poll_count(it)
        await it.hand_clock.pass_by(60)
        assert poll_count(it) == before


async def test_a_stopping_server_ends_every_wait(era: str) -> None:
    """With an error message, and without further polls."""
    async with open_chat(era=era) as it:
        waiting = begin(it, await cursor_of(it[MINE]))
        await it.hand_clock.pass_by(2)
        await it.product.shut_down()
        assert (await waiting.failure()).startswith("The server is shutting down")
        before = len(it.trax.requests)
        await it.hand_clock.pass_by(60)
        assert len(it.trax.requests) == before
