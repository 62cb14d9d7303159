"""A stop that crosses a go-live: the studio is off the air in the end. In virtual time."""

from __future__ import annotations

from functools import partial
from typing import Final

import anyio
import pytest

from tests.consent.test_stop_under_load import LATEST_SECONDS, stop_after
from tests.support.concurrency import begin
from tests.support.product.faults import Fault
from tests.support.product.virtual_time import in_virtual_time
from tests.world.answers import data_of, has_run, text_of
from tests.world.world import COLLEAGUE, MINE, open_world

BOT: Final = "sk_live_sandbox_bot"
"""A key that may go live and offline, and read nothing."""


@pytest.mark.parametrize(
    ("seconds", "starter", "stopper"),
    [
        (1, MINE, COLLEAGUE),
        (5, MINE, MINE),
        (5, MINE, COLLEAGUE),
        (9, MINE, COLLEAGUE),
        (5, MINE, BOT),
    ],
)
@in_virtual_time
async def test_after_a_stop_during_a_slow_go_live_the_studio_is_off_air(
    seconds: float, starter: str, stopper: str
) -> None:
    """The stop comes one second after the go-live, which TRaX handles after some seconds.

    A go-live that it did not wait for says that it was undone. TRaX shows that it knows a key that
    may read nothing only by its answer to the act itself.
    """
    async with open_world(MINE, COLLEAGUE, BOT, virtual=True) as it:
        it.add_bot(BOT)
        for key in (MINE, COLLEAGUE):
            await it[key].call("get_studio")
        it.trax.faults.slow(seconds, path="/go-live")
        go_live = await it[starter].confirmation("go_live")
        async with anyio.create_task_group() as tasks:
            started = begin(tasks, partial(it[starter].use, "go_live", go_live))
            assert await stop_after(it, 1, key=stopper) < LATEST_SECONDS
        undone = "then a request to go offline came, so it was taken off air again"
        assert seconds < 3 or undone in text_of(started[0])
        assert not it.is_live
        assert len(it.times_of("/go-offline")) == (1 if seconds < 3 else 2)


@in_virtual_time
async def test_a_stop_is_not_repeated_for_a_go_live_that_trax_refused() -> None:
    """Nothing can have started."""
    async with open_world(MINE, COLLEAGUE, virtual=True) as it:
        await it[COLLEAGUE].call("get_studio")
        it.trax.faults.slow(9, path="/go-live")
        go_live = await it[MINE].confirmation("go_live")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(it[MINE].use, "go_live", go_live))
            tasks.start_soon(partial(it[COLLEAGUE].confirmed, "go_offline"))
            await anyio.sleep(5)
            it.trax.write_enabled = False
        assert len(it.times_of("/go-offline")) == 1


@in_virtual_time
async def test_a_go_live_approved_after_the_stop_is_sent_after_it() -> None:
    """The stop is repeated before that, and the studio is on air in the end."""
    async with open_world(MINE, COLLEAGUE, virtual=True) as it:
        await it[COLLEAGUE].call("get_studio")
        it.trax.faults.slow(9, path="/go-live")
        go_live = await it[MINE].confirmation("go_live")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(it[MINE].use, "go_live", go_live))
            await anyio.sleep(1)
            await it[COLLEAGUE].confirmed("go_offline")
            assert not it.is_live
            assert has_run(await it[COLLEAGUE].confirmed("go_live"))
        assert it.is_live
        acts = [sent.rpartition("/")[2] for _, sent in it.arrived]
        assert acts == ["go-live", "go-offline", "go-offline", "go-live"]


@in_virtual_time
async def test_a_stop_is_repeated_if_trax_refused_it_before_the_go_live_was_done() -> None:
    """TRaX may say that the studio is not live, just before it is."""
    async with open_world(MINE, COLLEAGUE, virtual=True) as it:
        await it[COLLEAGUE].call("get_studio")
        it.trax.faults.slow(6, path="/go-live")
        it.trax.faults.add(Fault.error(409, "conflict"), path="*/go-offline")
        go_live = await it[MINE].confirmation("go_live")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(it[MINE].use, "go_live", go_live))
            await stop_after(it, 1, key=COLLEAGUE)
        assert len(it.times_of("/go-offline")) == 3  # it is tried again, and the go-live undone
        assert not it.is_live


@pytest.mark.parametrize("tool", ["go_live", "update_studio"])
@in_virtual_time
async def test_an_older_confirmation_is_not_taken_after_a_stop_was_confirmed(tool: str) -> None:
    """The stop is still on its way: a go-live that is being sent holds it for two seconds."""
    arguments: dict[str, object] = {"autoGoLive": True} if tool == "update_studio" else {}
    async with open_world(MINE, COLLEAGUE, virtual=True) as it:
        await it[COLLEAGUE].call("get_studio")
        older = await it[MINE].confirmation(tool, **arguments)
        stop = await it[COLLEAGUE].confirmation("go_offline")
        for path in ("/studio_42", "/stream-status", "/destinations"):
            it.trax.faults.slow(
                1.5, path=f"GET /v1/studios/studio_42{path.removeprefix('/studio_42')}"
            )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(it[COLLEAGUE].use, "go_offline", stop))
            await anyio.sleep(0.1)
            late = await it[MINE].use(tool, older, **arguments)
        assert data_of(late)["reason"] == "expired"
        assert [sent.rpartition("/")[2] for _, sent in it.arrived] == ["go-offline"]
