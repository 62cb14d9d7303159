"""A stop reaches TRaX in time, whatever other callers do. In virtual time, to the second."""

from __future__ import annotations

from functools import partial
from typing import Final

import anyio
import pytest

from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT
from tests.support.product.virtual_time import in_virtual_time
from tests.world.answers import error_in
from tests.world.wire import MODERN, HttpWire
from tests.world.world import COLLEAGUE, CUSTOMER, MINE, NO_ACCESS, Over, World, open_world

LATEST_SECONDS: Final = 2.5
"""A stop is on the wire by then."""


async def stop_after(it: World, seconds: float, *, key: str = MINE) -> float:
    """Confirm a stop some seconds from now. Return how long it took to reach TRaX."""
    confirmation = await it[key].confirmation("go_offline")
    await anyio.sleep(seconds)
    pressed, before = anyio.current_time(), len(it.times_of("/go-offline"))
    await it[key].use("go_offline", confirmation)
    return it.times_of("/go-offline")[before] - pressed


@in_virtual_time
async def test_refused_stops_of_a_key_without_access_do_not_delay_a_stop() -> None:
    """32 of them, each answered after half a second, for the id of my studio."""
    async with open_world(MINE, NO_ACCESS, virtual=True) as it:
        it.trax.faults.slow(0.5)
        await it[MINE].confirmed("go_live")
        stops = [await it[NO_ACCESS].confirmation("go_offline") for _ in range(32)]
        mine = await it[MINE].confirmation("go_offline")
        async with anyio.create_task_group() as tasks:
            for confirmation in stops:
                tasks.start_soon(partial(it[NO_ACCESS].use, "go_offline", confirmation))
            await anyio.sleep(0.1)
            pressed, before = anyio.current_time(), len(it.arrived)
            await it[MINE].use("go_offline", mine)
        mine_arrived = [time for time, _ in it.arrived[before:]]
        assert mine_arrived[-1] - pressed < LATEST_SECONDS
        assert not it.is_live


@in_virtual_time
async def test_a_stop_never_waits_for_a_stop() -> None:
    """Eight of mine are on the wire at the same time, though TRaX answers none for nine seconds."""
    async with open_world(MINE, virtual=True) as it:
        it.trax.faults.slow(9, path="/go-offline")
        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(partial(it[MINE].confirmed, "go_offline"))
        times = it.times_of("/go-offline")
        assert len(times) == 8
        assert max(times) - min(times) < LATEST_SECONDS


@pytest.mark.parametrize("flooder", [CUSTOMER, COLLEAGUE], ids=["customer", "colleague"])
@in_virtual_time
async def test_many_changes_by_one_key_do_not_delay_the_stop_of_another(flooder: str) -> None:
    """A hundred messages are in flight to a TRaX that answers each after nine seconds."""
    async with open_world(MINE, flooder, virtual=True) as it:
        own = await it[flooder].data("create_studio", name="Mine")
        await it[MINE].confirmed("go_live")
        it.trax.faults.slow(9, path="/chat/messages")
        async with anyio.create_task_group() as tasks:
            for number in range(100):
                tasks.start_soon(
                    partial(
                        it[flooder].call,
                        "send_chat_message",
                        studioId=own["id"],
                        text=f"Hello {number}",
                    )
                )
            waited = await stop_after(it, 1)
            assert not it.is_live
            tasks.cancel_scope.cancel()
        assert waited < LATEST_SECONDS


@in_virtual_time
async def test_sixteen_requests_of_a_key_are_in_flight_and_the_others_wait_in_order() -> None:
    """A key of another caller is not affected."""
    async with open_world(MINE, COLLEAGUE, virtual=True) as it:
        for key in (MINE, COLLEAGUE):
            await it[key].call("get_studio")
        it.trax.faults.slow(3, path="/chat/messages")
        async with anyio.create_task_group() as tasks:
            for number in range(20):
                send = partial(it[MINE].call, "send_chat_message", text=f"{number}")
                tasks.start_soon(send)
            await anyio.sleep(1)
            assert len(it.arrived) == 16
            tasks.start_soon(partial(it[COLLEAGUE].call, "send_chat_message", text="Hi"))
            await anyio.sleep(1)
            assert len(it.arrived) == 17
        assert len(it.arrived) == 21
        assert [round(time - it.arrived[0][0]) for time, _ in it.arrived[-4:]] == [3] * 4


@in_virtual_time
async def test_keys_that_trax_has_not_accepted_share_64_requests() -> None:
    """70 invented keys, each with one request; a key that is accepted has its own sixteen."""
    keys = [f"sk_live_invented_{number}" for number in range(70)]
    async with open_world(MINE, virtual=True, over=Over.HTTP) as it:
        await it[MINE].call("get_studio")
        before = len(it.trax.requests)
        it.trax.faults.slow(3)
        async with anyio.create_task_group() as tasks:
            for key in keys:
                stranger = HttpWire(it.http, MODERN, x_api_key=key)
                tasks.start_soon(stranger.call, "list_studios")
            await anyio.sleep(1)
            assert len(it.trax.requests) - before == 64
            tasks.start_soon(partial(it[MINE].call, "send_chat_message", text="Hi"))
            await anyio.sleep(1)
            assert len(it.arrived) == 1


@in_virtual_time
async def test_many_reads_with_invented_keys_do_not_delay_a_stop() -> None:
    """TRaX answers none of them before the stop arrives, and knows none of the keys yet."""
    keys = [f"sk_live_invented_{number}" for number in range(20)]
    async with open_world(MINE, *keys, virtual=True) as it:
        confirmation = await it[MINE].confirmation("go_offline")
        it.trax.faults.slow(9, path="/chat/messages")
        async with anyio.create_task_group() as tasks:
            for key in keys * 5:
                tasks.start_soon(partial(it[key].call, "list_chat_messages"))
            await anyio.sleep(1)
            pressed = anyio.current_time()
            await it[MINE].use("go_offline", confirmation)
            assert it.times_of("/go-offline")[0] - pressed < LATEST_SECONDS
            tasks.cancel_scope.cancel()


@in_virtual_time
async def test_a_call_that_waits_too_long_for_its_turn_is_not_sent() -> None:
    """It says so, and that nothing was sent."""
    async with open_world(MINE, virtual=True) as it:
        await it[MINE].call("get_studio")
        it.trax.faults.slow(9, path="/chat/messages")
        async with anyio.create_task_group() as tasks:
            for number in range(16):
                send = partial(it[MINE].call, "send_chat_message", text=f"{number}")
                tasks.start_soon(send)
            await anyio.sleep(1)
            late = await it[MINE].call("send_chat_message", text="late")
            assert len(it.arrived) == 16
        error = error_in(late)
        assert (error["code"], error["outcome"]) == ("unreachable", "not_applied")
        assert "waiting for TRaX, so nothing was sent" in error["message"]


@pytest.mark.parametrize("act", ["update_source", "send_chat_message"])
@in_virtual_time
async def test_a_stop_does_not_wait_for_other_calls(act: str) -> None:
    """One that TRaX answers after nine seconds is being sent in the same studio."""
    arguments: dict[str, dict[str, object]] = {
        "update_source": {"sourceId": "source_1", "url": "rtmp://new.example/a"},
        "send_chat_message": {"text": "Hi"},
    }
    async with open_world(MINE, virtual=True) as it:
        await it[MINE].confirmed("go_live")
        it.trax.faults.slow(9, path="/source_1")
        it.trax.faults.slow(9, path="/chat/messages")
        async with anyio.create_task_group() as tasks:
            if act == "send_chat_message":
                tasks.start_soon(partial(it[MINE].call, act, **arguments[act]))
            else:
                tasks.start_soon(partial(it[MINE].confirmed, act, **arguments[act]))
            assert await stop_after(it, 1) < 0.1


@in_virtual_time
async def test_a_stop_whose_reads_hang_is_sent_after_two_seconds() -> None:
    """Its look and its waiting for a go-live run side by side."""
    async with open_world(MINE, COLLEAGUE, virtual=True) as it:
        await it[COLLEAGUE].call("get_studio")
        confirmation = await it[MINE].confirmation("go_offline")
        go_live = await it[COLLEAGUE].confirmation("go_live")
        it.trax.faults.slow(9, path="/go-live", key=COLLEAGUE)
        it.trax.faults.slow(9, key=MINE, path="/studio_42")
        it.trax.faults.slow(9, key=MINE, path="/stream-status")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(it[COLLEAGUE].use, "go_live", go_live))
            await anyio.sleep(1)
            pressed = anyio.current_time()
            await it[MINE].use("go_offline", confirmation)
        assert 2 <= it.times_of("/go-offline")[0] - pressed < LATEST_SECONDS


@in_virtual_time
async def test_stops_of_keys_without_access_do_not_evict_the_confirmation_of_a_new_key() -> None:
    """The server was just restarted, and knows nobody yet."""
    bots = [f"sk_live_sandbox_bot_{number}" for number in range(36)]
    async with open_world(MINE, *bots, virtual=True) as it:
        for bot in bots:
            it.add_bot(bot, account=ANOTHER_ACCOUNT)
        it.trax.faults.slow(3)
        async with anyio.create_task_group() as tasks:
            confirmation = await it[MINE].confirmation("go_offline")
            for bot in bots:
                tasks.start_soon(partial(it[bot].confirmed, "go_offline"))
            await anyio.sleep(1)
            before, pressed = len(it.arrived), anyio.current_time()
            await it[MINE].use("go_offline", confirmation)
            assert min(time for time, _ in it.arrived[before:]) - pressed < LATEST_SECONDS
