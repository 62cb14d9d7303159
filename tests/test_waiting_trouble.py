"""`wait_for_chat_messages` where something is wrong: silence is told only where there is silence.

Through a real client in both eras, on a sandbox where time passes only when the test says so.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

import anyio
import pytest

from tests.audience import CHAT, STUDIO, looks, staging, viewer_of, viewing
from tests.conftest import OWNER, client_on
from tests.hand import HandClock, settled
from tests.jsonrpc import LEGACY
from tests.meanwhile import Paused
from tests.waits import (
    LONGEST_PAUSE,
    Waiter,
    failure,
    on_the_wire,
    shown,
    told,
    under_way,
    wait_as,
    waiting,
)
from tests.witness import still
from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.errors import TraxError
from trax_mcp.chat.polled_source import Chat
from trax_mcp.sandbox import SANDBOX_KEY, STRANGER_KEY, Fault
from trax_mcp.server.app import ServerDeps, build_server

if TYPE_CHECKING:
    from collections.abc import Callable


OUTAGES: Final = {
    "no answer": (Fault.dropped(), "unreachable"),
    "an error page": (Fault.status(503, "<html>"), "bad_answer"),
    "nonsense": (Fault.status(200, {"data": {"id": "m"}}), "bad_answer"),
    "nothing": (Fault.status(200, {}), "bad_answer"),
}
"""What may become of a look, and the code under which a client is told."""

outages = pytest.mark.parametrize(("outage", "code"), OUTAGES.values(), ids=OUTAGES)


NOT_UNDERSTOOD: Final = {
    "code": "bad_answer",
    "message": "What TRaX answered was not understood; nothing was changed. Call again later.",
    "retryable": True,
    "outcome": "not_applied",
}


# Passing trouble


async def test_an_outage_during_a_wait_is_survived(era: str) -> None:
    """What was said meanwhile comes after it, from where the cursor was."""
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, cursor, timeoutSeconds=55)
            waiter.trax.faults.add(Fault.dropped(), times=3)
            said = waiter.say("one", "two")
            await waiter.took(results)
        assert waiter.trax.faults.pending == 0
        chat = told(results[0])
        assert chat == shown(chat["cursor"], *said)


@outages
async def test_an_outage_at_the_end_of_a_wait_is_told_as_one(
    era: str, outage: Fault, code: str
) -> None:
    """Nobody knows whether something was said; the cursor is still good afterwards."""
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, cursor, timeoutSeconds=20)
            waiter.trax.faults.add(outage, times=None)
            assert await waiter.took(results) == 20
        account = failure(results[0])
        assert (account["code"], account["retryable"], account["outcome"]) == (
            code,
            True,
            "not_applied",
        )
        waiter.trax.faults.clear()
        said = waiter.say("Hello")
        await waiter.clock.pass_by(2)
        assert (await waiter.chat(cursor))["messages"] == said


@outages
async def test_an_outage_at_the_start_is_told_at_once_to_who_does_not_wait(
    era: str, outage: Fault, code: str
) -> None:
    """Without a cursor, or with no time to wait."""
    async with waiting(era) as waiter:
        waiter.trax.faults.add(outage, times=None)
        began = waiter.clock.seconds()
        for result in (
            await waiter.wait(),
            await waiter.wait("from before a restart", timeoutSeconds=0),
            await waiter.wait("start", timeoutSeconds=0),
        ):
            assert failure(result)["code"] == code
        assert (waiter.clock.seconds(), waiter.looks) == (began, 1)


async def test_after_a_restart_a_wait_survives_an_outage_at_its_start(era: str) -> None:
    """Nothing has been seen yet, and its cursor is not known; what is said later is still heard."""
    trax = still()
    async with waiting(era, trax=trax) as stopped:
        cursor = await stopped.cursor()
    async with waiting(era, trax=trax) as waiter:
        trax.faults.add(Fault.status(503))
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, cursor, timeoutSeconds=55)
            await settled()
            assert (trax.faults.pending, results) == (0, [])
            said = waiter.say("Hello")
            await waiter.took(results)
        chat = told(results[0])
        assert chat == shown(chat["cursor"], *said)


@outages
async def test_a_wait_in_which_nothing_could_be_seen_tells_the_outage_at_its_end(
    era: str, outage: Fault, code: str
) -> None:
    """It may have passed any moment: not before, and not as silence."""
    async with waiting(era) as waiter:
        waiter.trax.faults.add(outage, times=None)
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, "from before a restart", timeoutSeconds=20)
            assert await waiter.took(results) == 20
        assert failure(results[0])["code"] == code


async def test_a_wait_that_starts_in_an_outage_goes_on_to_its_end(era: str) -> None:
    """It waits no shorter for it, and if nothing was said after all, it says so."""
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        await waiter.clock.pass_by(2)
        waiter.trax.faults.add(Fault.dropped(), times=2)
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, cursor)
            assert await waiter.took(results) == 25
        assert told(results[0]) == shown(cursor)


async def test_what_is_known_and_new_is_told_even_in_an_outage(era: str) -> None:
    """It was seen before TRaX went silent, and is nobody's to keep back."""
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        said = waiter.say("Hello")
        await waiter.clock.pass_by(2)
        await waiter.chat()
        waiter.trax.faults.add(Fault.dropped(), times=None)
        await waiter.clock.pass_by(2)
        assert (await waiter.chat(cursor))["messages"] == said


async def test_while_trax_wishes_to_be_left_alone_nobody_asks_it(era: str) -> None:
    """`Retry-After` holds for every wait of this caller, with a cursor and without."""
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        await waiter.clock.pass_by(2)
        waiter.trax.faults.add(Fault.error(429, "rate_limited", Retry_After="40"))
        refused = failure(await waiter.wait(cursor, timeoutSeconds=0))
        assert (refused["code"], refused["retryAfterSeconds"]) == ("rate_limited", 40)
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, cursor, timeoutSeconds=55)
            await waiter.clock.pass_by(39.5)
            assert failure(await waiter.wait())["code"] == "rate_limited"
            assert (waiter.looks, results) == (2, [])
            said = waiter.say("Hello")
            assert await waiter.took(results) <= 40 * 0.2 + 1
        assert told(results[0])["messages"] == said


# Trouble for good


def revoke(waiter: Waiter) -> None:
    """Take the key away."""
    keys = waiter.trax.world.keys
    keys[SANDBOX_KEY] = replace(keys[SANDBOX_KEY], revoked=True)


def remove(waiter: Waiter) -> None:
    """Take the studio away."""
    waiter.trax.world.studios.remove(waiter.trax.world.studios[STUDIO])


@pytest.mark.parametrize(("happens", "code"), [(revoke, "invalid_key"), (remove, "not_found")])
async def test_what_cannot_come_any_more_ends_the_wait_with_the_reason(
    era: str, happens: Callable[[Waiter], None], code: str
) -> None:
    """As soon as it is seen; after that TRaX is asked no more but by the next call."""
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, cursor, timeoutSeconds=55)
            await waiter.clock.pass_by(4)
            happens(waiter)
            assert await waiter.took(results) <= LONGEST_PAUSE
        assert failure(results[0])["code"] == code
        before = waiter.looks
        await waiter.clock.pass_by(60)
        assert waiter.looks == before
        assert failure(await waiter.wait(cursor))["code"] == code
        assert waiter.looks == before + 1


async def test_who_waits_asks_again_though_another_has_been_refused(era: str) -> None:
    """A subscriber keeps the watcher that has ended; what a key may read can have changed."""
    trax = still()
    clock = HandClock(trax, short_seconds=0)
    server = build_server(client_on(trax), own=OWNER, house=ServerDeps(clock=clock))
    async with viewing(server, era) as viewer:
        waiter = Waiter(viewer.client, trax, clock, ServerDeps())
        await viewer.subscribe(CHAT)
        before = await waiter.cursor()
        key = trax.world.keys[SANDBOX_KEY]
        revoke(waiter)
        await clock.pass_until(lambda: viewer.told)
        trax.world.keys[SANDBOX_KEY] = key
        said = waiter.say("Hello")
        await clock.pass_by(2)
        assert (await waiter.chat(before))["messages"] == said


async def test_after_a_first_look_that_failed_the_first_page_is_news() -> None:
    """Who listens meanwhile has seen nothing of it; what the very first look shows they have."""
    trax = still()
    seen, failed = (Chat(client_on(trax), OWNER, STUDIO) for _ in range(2))
    assert not await seen.look()
    trax.faults.add(Fault.dropped())
    with pytest.raises(TraxError):
        await failed.look()
    assert await failed.look()
    assert not await failed.look()


@pytest.mark.parametrize("after", [None, "x", "start"])
@pytest.mark.parametrize(
    ("caller", "code", "sent"),
    [(ANONYMOUS, "no_key", 0), (Caller(STRANGER_KEY), "not_found", 1)],
    ids=["nobody", "a stranger"],
)
async def test_who_may_not_read_is_told_so_at_once(
    era: str, *, after: str | None, caller: Caller, code: str, sent: int
) -> None:
    """There is nothing to wait for."""
    async with waiting(era, caller=caller) as waiter:
        began = waiter.clock.seconds()
        assert failure(await waiter.wait(after, timeoutSeconds=55))["code"] == code
        assert (waiter.clock.seconds(), waiter.looks) == (began, sent)


async def test_a_fault_of_ours_is_not_told_as_silence(
    era: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says what it was, the client only that it was; and who waits longer is told."""

    async def break_down(_chat: Chat) -> bool:
        raise RuntimeError("sk_live_secret")

    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        async with anyio.create_task_group() as tasks:
            goes_on = waiter.begin(tasks, cursor, timeoutSeconds=55)
            await waiter.clock.pass_by(2)
            with patch.object(Chat, "look", break_down), caplog.at_level(logging.ERROR):
                results = waiter.begin(tasks, cursor, timeoutSeconds=20)
                assert await waiter.took(results) == 20
            said = waiter.say("Hello")
            await waiter.took(goes_on)
        assert failure(results[0]) == NOT_UNDERSTOOD
        assert {"a look failed"} == {*caplog.messages}
        assert told(goes_on[0])["messages"] == said
        assert (await waiter.chat(cursor))["messages"] == said


# Giving up


async def test_a_client_that_gives_up_ends_its_wait_and_the_loop(era: str) -> None:
    """While others wait, only its own."""
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        async with anyio.create_task_group() as tasks:
            given_up = waiter.begin(tasks, cursor, timeoutSeconds=55)
            await waiter.clock.pass_by(6)
            tasks.cancel_scope.cancel()
        await settled()
        before = waiter.looks
        await waiter.clock.pass_by(60)
        assert (given_up, waiter.looks) == ([], before)
        assert await waiter.chat(cursor, timeoutSeconds=0) == shown(cursor)


async def test_one_who_gives_up_ends_nobody_else_s_wait(era: str) -> None:
    """The loop goes on for who is left."""
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, cursor)
            async with anyio.create_task_group() as others:
                waiter.begin(others, cursor)
                await waiter.clock.pass_by(6)
                others.cancel_scope.cancel()
            said = waiter.say("Hello")
            assert await waiter.took(results) <= LONGEST_PAUSE
        assert told(results[0])["messages"] == said


async def test_giving_up_while_trax_is_asked_leaves_the_look_to_others(era: str) -> None:
    """It goes on, and the next wait has its answer: who comes and goes makes no more looks."""
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        await waiter.clock.pass_by(2)
        held = Paused()
        waiter.trax.faults.add(held.fault)
        async with anyio.create_task_group() as tasks:
            waiter.begin(tasks, cursor)
            await held.arrived()
            tasks.cancel_scope.cancel()
        said = waiter.say("Hello")
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, cursor)
            await settled()
            held.release()
            assert await waiter.took(results) == 0
        assert told(results[0])["messages"] == said
        assert waiter.looks == 2


async def test_over_http_a_client_that_gives_up_ends_the_loop_too(era: str) -> None:
    """The earlier era says so, the later one hangs up."""
    async with staging() as front, viewer_of(front, era) as viewer:
        cursor = await viewer.cursor()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait_as, viewer, cursor)
            await under_way(front, 1)
            await front.clock.pass_by(6)
            tasks.cancel_scope.cancel()
        streams = 1 if era == LEGACY else 0
        await on_the_wire(lambda: len(front.house.in_flight._scopes) == streams)
        before = looks(front)
        await front.clock.pass_by(60)
        assert looks(front) == before


async def test_a_server_that_stops_ends_every_wait(era: str) -> None:
    """With a word, and with no loop left behind."""
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        async with anyio.create_task_group() as tasks:
            results = waiter.begin_in_vain(tasks, cursor)
            await waiter.clock.pass_by(2)
            await waiter.house.stop()
        assert results[0].startswith("The server is stopping")
        before = waiter.looks
        await waiter.clock.pass_by(60)
        assert waiter.looks == before
