"""`wait_for_chat_messages` while TRaX takes its time: who waits does so no longer than they said.

Through a real client in both eras, on a sandbox where time passes only when the test says so.
"""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from tests.meanwhile import Paused
from tests.person import Told
from tests.waits import failure, shown, told, waiting
from tests.witness import still
from trax_mcp.sandbox import SANDBOX_KEY


async def test_what_is_known_and_newer_comes_without_asking(era: str) -> None:
    """While somebody listens: a wait that has something to tell costs TRaX nothing."""
    async with waiting(era) as waiter, anyio.create_task_group() as tasks:
        cursor = await waiter.cursor()
        await waiter.clock.pass_by(2)
        said = waiter.say("one", "two")
        known = await waiter.chat()
        waiter.begin(tasks, known["cursor"], timeoutSeconds=55)
        await waiter.clock.pass_by(2)
        held = Paused()
        waiter.trax.faults.add(held.fault)
        looks = waiter.looks
        assert await waiter.chat(cursor) == shown(known["cursor"], *said)
        assert waiter.looks == looks
        tasks.cancel_scope.cancel()


async def test_what_is_remembered_is_not_given_to_a_key_that_is_refused_now(era: str) -> None:
    """Nobody has looked since; so TRaX is asked before anything is told."""
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        await waiter.clock.pass_by(2)
        waiter.say("one")
        await waiter.chat()
        await waiter.clock.pass_by(60)
        keys = waiter.trax.world.keys
        keys[SANDBOX_KEY] = replace(keys[SANDBOX_KEY], revoked=True)
        assert failure(await waiter.wait(cursor))["code"] == "invalid_key"


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_wait_ends_in_time_also_while_trax_does_not_answer(
    era: str, *, restarted: bool
) -> None:
    """With the cursor that it was given, also where nothing was ever seen; none is lost by it."""
    trax, progress = still(), Told()
    async with waiting(era, trax=trax) as waiter:
        cursor = await waiter.cursor()
    async with waiting(era, trax=trax) as waiter:
        if not restarted:
            await waiter.cursor()
            await waiter.clock.pass_by(2)
        held = Paused()
        trax.faults.add(held.fault)
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, cursor, timeoutSeconds=7, progress=progress)
            await held.arrived()
            assert await waiter.took(results) == 7
        assert told(results[0]) == shown(cursor)
        assert progress.all == [(float(gone), 7.0, "Waiting for chat.") for gone in (5, 7)]
        said = waiter.say("Hello")
        held.release()
        chat = await waiter.chat(cursor)
        assert chat == shown(chat["cursor"], *said)


async def test_who_does_not_wait_has_an_answer_of_trax(era: str) -> None:
    """One look takes as long as it takes: an answer without it would tell nothing."""
    async with waiting(era) as waiter:
        held = Paused()
        waiter.trax.faults.add(held.fault)
        async with anyio.create_task_group() as tasks:
            waits = [
                waiter.begin(tasks, timeoutSeconds=1),
                waiter.begin(tasks, "start", timeoutSeconds=0),
            ]
            await held.arrived()
            await waiter.clock.pass_by(60)
            assert waits == [[], []]
            held.release()
            await waiter.clock.pass_until(lambda: all(waits))
        assert [len(told(it[0])["messages"]) for it in waits] == [3, 3]
