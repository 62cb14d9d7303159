"""`wait_for_chat_messages` while TRaX is slow: a wait is no longer than its time-out.

Through a real client, on a manual clock.
"""

from __future__ import annotations

import anyio
import pytest

from tests.support.concurrency import Paused
from tests.support.product.frozen_sandbox import still
from tests.support.simulated_person import ProgressLog
from tests.support.wait_client import chat_of, expected_chat, waiting


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
