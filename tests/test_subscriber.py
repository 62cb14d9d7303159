"""What the server does for those who subscribe: as little as it can, and for each by itself.

Over real sockets. A fault of ours while one is told of something is that one's trouble only.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import anyio
import pytest
from mcp import MCPError
from mcp.server.session import ServerSession

from tests.audience import CHAT, STATUS, STUDIO, moments, say, staging, viewer_of
from tests.hand import settled
from tests.jsonrpc import LEGACY, MODERN
from tests.meanwhile import Paused
from trax_mcp.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

AT_A_TIME: Final = 10
WRONG: Final = -32602


def chats(count: int) -> list[str]:
    """Addresses of so many studios that nobody has."""
    return [f"trax://studios/studio_9{number:03}/chat" for number in range(count)]


def telling() -> int:
    """How many sessions of the earlier era this process tells of changes, or means to."""
    return sum("_SessionSubscription._run" in task.get_name() for task in asyncio.all_tasks())


async def test_more_than_a_hundred_at_once_are_refused_before_anything_is_asked() -> None:
    """Not the first hundred of them either; the client may ask for fewer, one of them twice."""
    async with staging() as front, viewer_of(front, MODERN) as viewer:
        with pytest.raises(MCPError, match="Too many subscriptions: 100 at a time") as refused:
            await viewer.subscribe(CHAT, *chats(100))
        assert (refused.value.code, len(front.trax.requests)) == (WRONG, 0)
        assert await viewer.subscribe(CHAT, *chats(99), CHAT) == [CHAT]
        assert len(front.trax.requests) == 100


async def test_of_many_addresses_a_few_at_a_time_are_checked() -> None:
    """All at once would be a burst, and one after another would take long."""
    held = anyio.Event()
    accepted: list[list[str]] = []
    async with staging() as front, viewer_of(front, MODERN) as viewer:

        async def subscribe() -> None:
            accepted.append(await viewer.subscribe(*chats(25), CHAT))

        front.trax.faults.add(Fault.delay(held), times=None)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(subscribe)
            await front.clock.pass_until(lambda: front.trax.requests)
            await settled()
            assert (len(front.trax.requests), accepted) == (AT_A_TIME, [])
            held.set()
        assert (len(front.trax.requests), accepted) == (26, [[CHAT]])


async def test_who_is_refused_at_first_costs_no_task() -> None:
    """A session that may subscribe to nothing leaves nothing running; later it may."""
    async with staging() as front, viewer_of(front, LEGACY) as viewer:
        for uri in (*chats(1), "trax://nope"):
            with pytest.raises(MCPError):
                await viewer.subscribe(uri)
        await settled()
        assert telling() == 0
        await viewer.subscribe(CHAT, STATUS)
        await settled()
        assert telling() == 1
        say(front, "Hello")
        await front.clock.pass_until(lambda: viewer.told)


async def test_reading_a_status_often_slows_nobody_who_is_subscribed_to_it() -> None:
    """Twelve reads are not twelve looks that found nothing: the next two looks come in time."""
    async with staging() as front, viewer_of(front, MODERN) as viewer:
        await viewer.subscribe(STATUS)
        for _ in range(12):
            await viewer.read(STATUS)
        await settled()
        before = len(front.trax.requests)
        await front.clock.pass_by(10)
        assert len(front.trax.requests) >= before + 2


async def test_a_subscription_can_be_taken_back_while_it_is_checked() -> None:
    """Nobody is told of anything, and TRaX is asked no more."""
    held = Paused()
    async with staging() as front, viewer_of(front, LEGACY) as viewer:
        front.trax.faults.add(held.fault)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(viewer.subscribe, CHAT)
            await held.arrived()
            await viewer.unsubscribe(CHAT)
            held.release()
        say(front, "Hello")
        assert await moments(front, 40) == []
        assert viewer.told == []
        await viewer.subscribe(CHAT)
        say(front, "Hello again")
        await front.clock.pass_until(lambda: viewer.told)


@pytest.fixture
def fail_once(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Lets the next notification to a session of the earlier era fail, oddly."""
    faults: list[Exception] = []
    send = ServerSession.send_resource_updated

    async def odd(session: ServerSession, uri: str) -> None:
        if faults:
            raise faults.pop()
        await send(session, uri)

    monkeypatch.setattr(ServerSession, "send_resource_updated", odd)
    return lambda: faults.append(LookupError("odd"))


async def test_a_fault_while_one_session_is_told_is_logged_and_ends_only_that(
    fail_once: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is looked at for it any more; it may subscribe anew, and others notice nothing."""
    async with (
        staging() as front,
        viewer_of(front, LEGACY) as unlucky,
        viewer_of(front, LEGACY) as other,
        viewer_of(front, MODERN) as later,
    ):
        await unlucky.subscribe(CHAT)
        await other.subscribe(STATUS)
        await later.subscribe(STATUS)
        fail_once()
        say(front, "Hello")
        with caplog.at_level(logging.ERROR):
            await front.clock.pass_until(lambda: caplog.records)
        (logged,) = caplog.records
        assert logged.message == "a session can be told nothing any more"
        assert "LookupError('odd')" in repr(logged.exc_info)
        assert (await moments(front, 40), telling()) == ([], 1)
        front.trax.world.go_live(front.trax.world.studios[STUDIO])
        await front.clock.pass_until(lambda: other.told and later.told)
        await unlucky.subscribe(CHAT)
        await settled()
        assert telling() == 2
        say(front, "Hello again")
        await front.clock.pass_until(lambda: unlucky.told)
        assert (unlucky.told, other.told, later.told) == ([CHAT], [STATUS], [STATUS])
