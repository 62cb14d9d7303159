"""When TRaX is asked for chat: once for all who listen with a key, and never while nobody does.

`tests/units/chat/test_poll_interval` has the pauses, `tests/server` subscriptions over sockets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.chat.waits import begin, chat_of, end_of, open_chat, say
from tests.support.chat_polls import (
    CHAT_PATH,
    STATUS_PATH,
    cursor_of,
    intervals,
    poll_count,
    poll_times,
)
from tests.support.concurrency import Paused
from tests.support.fact_reads import narrow
from tests.support.product.faults import Fault
from tests.support.product.shared_clock import STEP_SECONDS, settled
from tests.support.resource_reads import CHAT, STATUS, refused
from tests.world.world import COLLEAGUE, MINE

if TYPE_CHECKING:
    from tests.world.caller import Caller

SHORTEST: Final = 2.0
LONGEST: Final = 10.0
"""Seconds between two polls, while people talk and while they do not."""

JITTER: Final = 1.2


async def texts(caller: Caller, after: str | None = None) -> list[str]:
    """What a client reads, after a cursor or at all."""
    return [it["text"] for it in (await caller.read(CHAT, after=after))["messages"]]


# How often


async def test_polls_are_frequent_while_people_talk_and_seldom_while_they_do_not() -> None:
    """Between the operator's shortest time and five times that."""
    async with open_chat() as it:
        await it[MINE].subscribe(CHAT)
        busy = await poll_times(it, 40, meanwhile=lambda: it.trax.say("Hello"))
        quiet = (await poll_times(it, 120))[5:]
        busy_again = (await poll_times(it, 40, meanwhile=lambda: it.trax.say("Hello")))[2:]
    fast = SHORTEST * JITTER + STEP_SECONDS
    assert all(SHORTEST <= pause <= fast for pause in intervals(busy) + intervals(busy_again))
    assert len(busy) > 13
    assert all(LONGEST / JITTER <= pause <= LONGEST + STEP_SECONDS for pause in intervals(quiet))
    assert len(quiet) > 5


async def test_trax_is_asked_only_while_somebody_listens() -> None:
    """A later subscription starts it again."""
    async with open_chat() as it:
        await texts(it[MINE])
        assert await poll_times(it, 60) == []
        for _ in range(2):
            await it[MINE].subscribe(CHAT)
            assert len(await poll_times(it, 20)) >= 2
            await it[MINE].unsubscribe(CHAT)
            assert await poll_times(it, 60) == []


async def test_frequent_reads_and_listeners_together_keep_the_shortest_interval() -> None:
    times: list[float] = []
    async with open_chat() as it:
        clocked = Fault.followed_by(lambda: times.append(it.hand_clock.seconds()))
        it.trax.faults.add(clocked, times=None, path=CHAT_PATH)
        await it[MINE].subscribe(CHAT)
        for _ in range(120):
            await texts(it[MINE])
            await it.hand_clock.pass_by(STEP_SECONDS)
    assert min(intervals(times)) >= SHORTEST
    assert len(times) >= 25


async def test_readers_at_the_same_moment_share_a_poll_that_outlives_those_who_leave() -> None:
    """Twenty leave, and twenty get the result."""
    held, chats = Paused(), list[list[str]]()

    async def keep(caller: Caller) -> None:
        chats.append(await texts(caller))

    async with open_chat() as it, anyio.create_task_group() as staying:
        it.trax.faults.add(held.fault)
        async with anyio.create_task_group() as leaving:
            for _ in range(20):
                leaving.start_soon(texts, it[MINE])
                staying.start_soon(keep, it[MINE])
            await held.arrived()
            await settled()
            leaving.cancel_scope.cancel()
        held.release()
        await it.hand_clock.pass_until(lambda: len(chats) == 20)
        assert poll_count(it) == 1
    assert chats[0]
    assert all(chat == chats[0] for chat in chats)


async def test_waits_and_subscriptions_share_one_loop() -> None:
    """All get the message. When the last has it, polling ends."""
    async with open_chat() as it:
        cursor = await cursor_of(it[MINE])
        waits = [begin(it, cursor) for _ in range(10)]
        await it[MINE].subscribe(CHAT)
        await settled()
        before = poll_count(it)
        await it.hand_clock.pass_by(8)
        assert not any(wait.has_ended for wait in waits)
        sent = say(it, "Hello")
        await end_of(it, *waits)
        assert poll_count(it) - before <= 6
        for wait in waits:
            assert chat_of(await wait.result())["messages"] == sent
        await it[MINE].unsubscribe(CHAT)
        assert await poll_times(it, 60) == []


async def test_each_key_asks_for_itself_and_gets_only_what_it_may_read() -> None:
    """Even keys of one account. One of them lacks the scope for chat."""
    async with open_chat(COLLEAGUE) as it:
        stranger = await it.caller(narrow(it.trax, "chat:read"))
        for caller in it.callers.values():
            await caller.subscribe(CHAT)
            assert await texts(caller)
        error = await refused(stranger.client, CHAT)
        assert error.data["error"]["code"] == "insufficient_scope"
        say(it, "Hello")
        await it.hand_clock.pass_by(LONGEST)
        for caller in it.callers.values():
            await caller.wait_for_updates()
        asked = {request.key_name for request in it.trax.requests if request.path == CHAT_PATH}
    assert asked == {"full", "colleague", "narrow"}


async def test_a_chat_that_nobody_uses_is_forgotten_and_one_that_is_heard_is_not() -> None:
    """Memory does not grow with every chat that was ever read: here, 600."""
    empty = Fault.status(200, {"data": []})
    async with open_chat() as it:
        ids = [it.trax.add_studio(f"Show {number}") for number in range(600)]
        await it[MINE].subscribe(CHAT)
        await texts(it[MINE])
        forgotten = f"trax://studios/{ids[0]}/chat"
        it.trax.say("Hello", studio=ids[0])
        assert len((await it[MINE].read(forgotten))["messages"]) == 1
        it.trax.faults.add(empty, times=None, path="*/chat/messages")
        await it.hand_clock.pass_by(SHORTEST)
        assert len((await it[MINE].read(forgotten))["messages"]) == 1
        for studio in ids[1:]:
            await it[MINE].read(f"trax://studios/{studio}/chat")
            it.hand_clock.advance(0.1)
        assert (await it[MINE].read(forgotten))["messages"] == []
        assert len(await texts(it[MINE])) == 3


@pytest.mark.parametrize(("uri", "path"), [(CHAT, CHAT_PATH), (STATUS, STATUS_PATH)])
async def test_what_changes_in_an_outage_is_news_once_after_it(uri: str, path: str) -> None:
    """It is compared with the last that was known."""
    async with open_chat() as it:
        await it[MINE].subscribe(uri)
        await it.hand_clock.pass_by(20)
        assert it[MINE].updates == []
        it.trax.faults.add(Fault.status(500), times=3, path=path)
        it.trax.say("Hello") if uri == CHAT else it.trax.go_live()
        await it.hand_clock.pass_until(lambda: it[MINE].updates)
        await it.hand_clock.pass_by(30)
        assert it[MINE].updates == [uri]
