"""`wait_for_chat_messages` in an outage, or while TRaX is slow.

No failure is reported as a chat without messages, and no wait is longer than its time-out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.support.concurrency import Paused
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import still
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY
from tests.support.product.shared_clock import settled
from tests.support.simulated_person import ProgressLog
from tests.support.subscribers import STUDIO, manual_clock_server, poll_count, subscriber_of
from tests.support.wait_client import (
    LONGEST_PAUSE,
    Waiter,
    chat_of,
    expected_chat,
    failure,
    wait_as,
    wait_for_calls,
    wait_until,
    waiting,
)
from tests.world.wire import LEGACY

if TYPE_CHECKING:
    from collections.abc import Callable


OUTAGES: Final = {
    "no answer": (Fault.dropped(), "unreachable"),
    "an invalid page": (Fault.status(200, {"data": {"id": "m"}}), "bad_answer"),
}
"""Ways in which a poll can fail, and the error code for the client."""

outages = pytest.mark.parametrize(("outage", "code"), OUTAGES.values(), ids=OUTAGES)


# Temporary errors


async def test_a_wait_continues_after_an_outage() -> None:
    """It returns the messages of the outage."""
    async with waiting() as waiter:
        cursor = await waiter.cursor()
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, cursor, timeoutSeconds=55)
            waiter.trax.faults.add(Fault.dropped(), times=3)
            sent = waiter.say("one", "two")
            waited = await waiter.wait_for_result(results)
        assert waiter.trax.faults.pending == 0
        chat = chat_of(results[0])
        assert chat == expected_chat(chat["cursor"], *sent, waited=waited)


@outages
async def test_an_outage_at_the_end_of_a_wait_is_reported(outage: Fault, code: str) -> None:
    """The cursor stays valid."""
    async with waiting() as waiter:
        cursor = await waiter.cursor()
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, cursor, timeoutSeconds=20)
            waiter.trax.faults.add(outage, times=None)
            assert await waiter.wait_for_result(results) == 20
        error = failure(results[0])
        assert (error["code"], error["retryable"], error["outcome"]) == (
            code,
            True,
            "not_applied",
        )
        waiter.trax.faults.clear()
        sent = waiter.say("Hello")
        await waiter.clock.pass_by(2)
        assert (await waiter.chat(cursor))["messages"] == sent


@outages
async def test_an_outage_is_reported_at_once_to_a_call_that_does_not_wait(
    outage: Fault, code: str
) -> None:
    """Without a cursor, or with a time-out of zero."""
    async with waiting() as waiter:
        waiter.trax.faults.add(outage, times=None)
        start = waiter.clock.seconds()
        for result in (
            await waiter.wait(),
            await waiter.wait("from before a restart", timeoutSeconds=0),
            await waiter.wait("start", timeoutSeconds=0),
        ):
            assert failure(result)["code"] == code
        assert (waiter.clock.seconds(), waiter.request_count) == (start, 1)


async def test_a_wait_continues_after_an_outage_that_follows_a_restart() -> None:
    """Although no page and no cursor is known yet."""
    trax = still()
    async with waiting(trax=trax) as earlier:
        cursor = await earlier.cursor()
    async with waiting(trax=trax) as waiter:
        trax.faults.add(Fault.status(503))
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, cursor, timeoutSeconds=55)
            await settled()
            assert (trax.faults.pending, results) == (0, [])
            sent = waiter.say("Hello")
            waited = await waiter.wait_for_result(results)
        chat = chat_of(results[0])
        assert chat == expected_chat(chat["cursor"], *sent, waited=waited)


# Final errors


def revoke_key(waiter: Waiter) -> None:
    """Revoke the key."""
    waiter.trax.remove_key()


def remove_studio(waiter: Waiter) -> None:
    """Delete the studio."""
    waiter.trax.remove(STUDIO)


@pytest.mark.parametrize(
    ("end", "code"), [(revoke_key, "invalid_key"), (remove_studio, "not_found")]
)
async def test_a_final_error_ends_a_wait(end: Callable[[Waiter], None], code: str) -> None:
    """At the next poll. After that, only another call sends a request."""
    async with waiting() as waiter:
        cursor = await waiter.cursor()
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, cursor, timeoutSeconds=55)
            await waiter.clock.pass_by(4)
            end(waiter)
            assert await waiter.wait_for_result(results) <= LONGEST_PAUSE
        assert failure(results[0])["code"] == code
        before = waiter.request_count
        await waiter.clock.pass_by(60)
        assert waiter.request_count == before
        assert failure(await waiter.wait(cursor))["code"] == code
        assert waiter.request_count == before + 1


@pytest.mark.parametrize("after", [None, "start"])
@pytest.mark.parametrize(
    ("key", "code", "requests"),
    [(None, "no_key", 0), (ANOTHER_ACCOUNT_KEY, "not_found", 1)],
    ids=["no key", "another account"],
)
async def test_a_caller_without_access_is_refused_at_once(
    *, after: str | None, key: str | None, code: str, requests: int
) -> None:
    """The call does not wait."""
    async with waiting(key=key) as waiter:
        start = waiter.clock.seconds()
        assert failure(await waiter.wait(after, timeoutSeconds=55))["code"] == code
        assert (waiter.clock.seconds(), waiter.request_count) == (start, requests)


# A slow TRaX


async def test_known_new_messages_are_returned_without_a_request_while_polling() -> None:
    """Another wait keeps the polling running."""
    async with waiting() as waiter, anyio.create_task_group() as tasks:
        cursor = await waiter.cursor()
        await waiter.clock.pass_by(2)
        sent = waiter.say("one", "two")
        known = await waiter.chat()
        waiter.begin(tasks, known["cursor"], timeoutSeconds=55)
        await waiter.clock.pass_by(2)
        held = Paused()
        waiter.trax.faults.add(held.fault)
        before = waiter.request_count
        assert await waiter.chat(cursor) == expected_chat(known["cursor"], *sent)
        assert waiter.request_count == before
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_wait_ends_at_its_time_out_while_trax_does_not_answer(*, restarted: bool) -> None:
    """It returns its own cursor, also after a restart, and no message is lost."""
    trax, progress = still(), ProgressLog()
    async with waiting(trax=trax) as waiter:
        cursor = await waiter.cursor()
    async with waiting(trax=trax) as waiter:
        if not restarted:
            await waiter.cursor()
            await waiter.clock.pass_by(2)
        held = Paused()
        trax.faults.add(held.fault)
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, cursor, timeoutSeconds=7, progress=progress)
            await held.arrived()
            assert await waiter.wait_for_result(results) == 7
        assert chat_of(results[0]) == expected_chat(cursor, waited=7)
        assert progress.all == [(float(elapsed), 7.0, "Waiting for chat.") for elapsed in (5, 7)]
        sent = waiter.say("Hello")
        held.release()
        chat = await waiter.chat(cursor)
        assert chat == expected_chat(chat["cursor"], *sent)


async def test_a_call_that_does_not_wait_needs_an_answer_of_trax() -> None:
    """Its time-out does not apply."""
    async with waiting() as waiter:
        held = Paused()
        waiter.trax.faults.add(held.fault)
        async with anyio.create_task_group() as tasks:
            results = [
                waiter.begin(tasks, timeoutSeconds=1),
                waiter.begin(tasks, "start", timeoutSeconds=0),
            ]
            await held.arrived()
            await waiter.clock.pass_by(60)
            assert results == [[], []]
            held.release()
            await waiter.clock.pass_until(lambda: all(results))
        assert [len(chat_of(it[0])["messages"]) for it in results] == [3, 3]


# Cancelled calls


async def test_a_cancelled_wait_over_http_ends_the_polling(era: str) -> None:
    """The earlier era sends a notification, the later one closes the connection."""
    async with manual_clock_server() as front, subscriber_of(front, era) as subscriber:
        cursor = await subscriber.cursor()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait_as, subscriber, cursor)
            await wait_for_calls(front, 1)
            await front.clock.pass_by(6)
            tasks.cancel_scope.cancel()
        streams = 1 if era == LEGACY else 0
        await wait_until(lambda: front.product.requests_in_flight == streams)
        before = poll_count(front)
        await front.clock.pass_by(60)
        assert poll_count(front) == before


async def test_a_stopping_server_ends_every_wait(era: str) -> None:
    """With an error message, and without further polls."""
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        async with anyio.create_task_group() as tasks:
            results = waiter.begin_failing(tasks, cursor)
            await waiter.clock.pass_by(2)
            await waiter.product.shut_down()
        assert results[0].startswith("The server is shutting down")
        before = waiter.request_count
        await waiter.clock.pass_by(60)
        assert waiter.request_count == before
