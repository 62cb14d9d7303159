"""Guarded calls in one studio take turns, and nobody's calls hold up or undo those of others."""

from __future__ import annotations

from functools import partial
from typing import Final

import anyio

from tests.support.product.faults import Fault
from tests.support.product.sandbox import SCOPES
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT
from tests.support.product.virtual_time import in_virtual_time
from tests.world.answers import has_run, outcome
from tests.world.world import COLLEAGUE, MINE, World, open_world

READER = "sk_live_sandbox_reader"
"""A key that may read the studio, and change nothing."""
BUSY: Final = Fault.error(429, "rate_limited")
EXPIRED: Final = ("confirmation_invalid", "expired")
RATE_LIMITED: Final = ("failed", "rate_limited")


@in_virtual_time
async def test_a_key_that_may_only_read_holds_up_nobody() -> None:
    """It calls a guarded tool three times a second, and TRaX refuses each call."""
    async with open_world(MINE, READER, virtual=True) as it:
        it.trax.add_key(READER, scopes={name for name in SCOPES if name.endswith(":read")})
        it.trax.faults.slow(0.2)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_call_on, it, READER)
            for _ in range(3):
                began = anyio.current_time()
                assert has_run(await it[MINE].confirmed("go_live"))
                assert has_run(await it[MINE].confirmed("go_offline"))
                assert anyio.current_time() - began < 15
            tasks.cancel_scope.cancel()


@in_virtual_time
async def test_a_key_with_many_calls_lets_others_have_their_turn() -> None:
    """An automation switches a source off, again and again, as fast as it can."""
    async with open_world(MINE, COLLEAGUE, virtual=True) as it:
        it.trax.faults.slow(0.3)
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(_call_on, it, COLLEAGUE, 0.0)
            await anyio.sleep(2)
            confirmation = await it[MINE].confirmation("go_live")
            began = anyio.current_time()
            assert has_run(await it[MINE].use("go_live", confirmation))
            assert it.times_of("/go-live")[0] - began < 4
            tasks.cancel_scope.cancel()


@in_virtual_time
async def test_a_key_that_was_removed_from_a_studio_takes_no_turn_there() -> None:
    """Nor does a key that lacks the scope. Each was told so once, and TRaX is slow to say it."""
    async with open_world(MINE, COLLEAGUE, READER, virtual=True) as it:
        it.trax.add_key(READER, scopes={name for name in SCOPES if name.endswith(":read")})
        it.trax.faults.slow(6, key=COLLEAGUE)
        it.trax.faults.slow(6, key=READER)
        assert has_run(await it[COLLEAGUE].call("get_studio"))
        it.trax.add_key(COLLEAGUE, account=ANOTHER_ACCOUNT)
        for key in (COLLEAGUE, READER):
            assert not has_run(await it[key].call("update_studio", autoGoOfflineOnDrop=True))
        yes, began = await it[MINE].confirmation("go_live"), anyio.current_time()
        async with anyio.create_task_group() as tasks:
            for key in (COLLEAGUE, READER):
                tasks.start_soon(partial(it[key].call, "update_studio", autoGoOfflineOnDrop=True))
            await anyio.sleep(0.5)
            assert has_run(await it[MINE].use("go_live", yes))
            assert it.times_of("/go-live")[0] - began < 1


@in_virtual_time
async def test_the_stops_of_a_key_that_was_removed_from_a_studio_hold_up_nobody() -> None:
    """TRaX has refused its stream status since, and is slow to refuse its stop."""
    async with open_world(MINE, COLLEAGUE, virtual=True) as it:
        stop = await it[COLLEAGUE].confirmation("go_offline")
        it.trax.add_key(COLLEAGUE, account=ANOTHER_ACCOUNT)
        assert not has_run(await it[COLLEAGUE].call("get_stream_status"))
        it.trax.faults.slow(6, key=COLLEAGUE)
        yes, began = await it[MINE].confirmation("go_live"), anyio.current_time()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(it[COLLEAGUE].use, "go_offline", stop)
            await anyio.sleep(0.5)
            assert has_run(await it[MINE].use("go_live", yes))
            assert it.times_of("/go-live")[0] - began < 1


async def _call_on(it: World, key: str, pause: float = 0.33) -> None:
    while True:
        await it[key].call("update_source", sourceId="source_1", active=False)
        await anyio.sleep(pause)


@in_virtual_time
async def test_a_stop_that_trax_refuses_voids_every_earlier_yes_too() -> None:
    """A person who pressed stop does not want the show that they agreed to before."""
    async with open_world(MINE, virtual=True) as it:
        confirmation = await it[MINE].confirmation("go_live")
        it.trax.faults.add(BUSY, path="*/go-offline", times=None)
        assert outcome(await it[MINE].confirmed("go_offline")) == RATE_LIMITED
        result = await it[MINE].use("go_live", confirmation)
        assert outcome(result) == EXPIRED
        assert it.times_of("/go-live") == []


@in_virtual_time
async def test_a_stop_that_waits_goes_out_at_once_when_the_server_ends() -> None:
    """It would wait two seconds for the go-live that is being sent."""
    async with open_world(MINE, COLLEAGUE, virtual=True) as it:
        it.trax.faults.slow(30, path="/go-live")
        yes, stop = await it[MINE].confirmation("go_live"), ""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: it[MINE].use("go_live", yes))
            await anyio.sleep(1)
            stop = await it[COLLEAGUE].confirmation("go_offline")
            tasks.start_soon(lambda: it[COLLEAGUE].use("go_offline", stop))
            await anyio.sleep(0.5)
            assert it.times_of("/go-offline") == []
            began = anyio.current_time()
            await it.product.shut_down()
            assert it.times_of("/go-offline")[0] == began
            tasks.cancel_scope.cancel()
        assert not it.is_live


@in_virtual_time
async def test_a_stop_is_tried_again_while_trax_has_too_many_requests() -> None:
    """Nothing was applied, so that this is no second stop. After two seconds it is given up."""
    async with open_world(MINE, virtual=True) as it:
        await it[MINE].confirmed("go_live")
        it.trax.faults.add(BUSY, path="*/go-offline")
        assert has_run(await it[MINE].confirmed("go_offline"))
        assert not it.is_live
        await it[MINE].confirmed("go_live")
        it.trax.faults.add(BUSY, path="*/go-offline", times=None)
        began = anyio.current_time()
        assert outcome(await it[MINE].confirmed("go_offline")) == RATE_LIMITED
        assert anyio.current_time() - began < 3


# A key that may not do all


@in_virtual_time
async def test_a_stop_voids_a_yes_though_its_caller_lacks_another_scope() -> None:
    """TRaX has refused them to write in the chat, and is busy when they stop."""
    async with open_world(MINE, COLLEAGUE, virtual=True) as it:
        it.trax.add_key(COLLEAGUE, scopes=set(SCOPES) - {"chat:send"})
        refused = await it[COLLEAGUE].call("send_chat_message", text="Hi")
        assert outcome(refused) == ("failed", "insufficient_scope")
        yes = await it[MINE].confirmation("go_live")
        stop = await it[COLLEAGUE].confirmation("go_offline")
        it.trax.faults.add(Fault.status(423), path="*/go-offline", times=None)
        await it[COLLEAGUE].use("go_offline", stop)
        assert outcome(await it[MINE].use("go_live", yes)) == EXPIRED
        assert it.times_of("/go-live") == []


@in_virtual_time
async def test_a_go_live_is_undone_for_a_caller_who_lacks_another_scope() -> None:
    """Their stop comes while it is sent, and its answer is lost."""
    async with open_world(MINE, COLLEAGUE, virtual=True) as it, anyio.create_task_group() as tasks:
        it.trax.add_key(COLLEAGUE, scopes=set(SCOPES) - {"chat:send"})
        await it[COLLEAGUE].call("send_chat_message", text="Hi")
        stop = await it[COLLEAGUE].confirmation("go_offline")
        yes = await it[MINE].confirmation("go_live")
        it.trax.faults.slow(3, path="/go-live")
        it.trax.faults.add(Fault.silence(), path="*/go-offline")
        tasks.start_soon(lambda: it[MINE].use("go_live", yes))
        await anyio.sleep(0.5)
        await it[COLLEAGUE].use("go_offline", stop)
        assert not it.is_live
