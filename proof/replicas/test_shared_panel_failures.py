"""A question in a panel, where a replica dies or the engine is gone."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from proof.replicas.panel_client import PanelClient
from tests.support.concurrency import Paused
from tests.support.guarded_calls import GO_OFFLINE, STUDIO
from tests.support.product.frozen_sandbox import STUDIO as PLACE
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from proof.replicas.replica_setup import Replicas

NOT_KNOWN: Final = (
    "This was approved elsewhere already: whether the call ran is not known. Nothing more was sent."
)
pytestmark = pytest.mark.asyncio(loop_scope="module")

STOP_SECONDS: Final = 2.5


async def both(replicas: Replicas) -> tuple[PanelClient, PanelClient]:
    """A client of each replica, on an empty engine that answers, and a sandbox as it was seeded."""
    replicas.trax.reset()
    await replicas.engine.restart()
    a, b = [await PanelClient.of(replicas, it) for it in replicas.both]
    for it in (a, b):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "status" not in await it.preview():  # noqa: ASYNC110  another process: it can only be asked
                await asyncio.sleep(0.02)
    return a, b


async def test_a_replica_that_dies_while_it_sends_leaves_no_question_open(
    shared_replicas: Replicas,
) -> None:
    a, _ = await both(shared_replicas)
    before = shared_replicas.changes
    dying = await shared_replicas.start()
    b = await PanelClient.of(shared_replicas, dying)
    ticket = await a.asked("delete_source", **STUDIO, sourceId="source_1")
    yes = (await b.show(ticket))["yes"]
    held = Paused()
    shared_replicas.trax.faults.add(held.fault, method="DELETE")
    pressing = asyncio.create_task(b.say(ticket, yes))
    await held.arrived()
    dying.kill()
    with pytest.raises(httpx.TransportError):
        await pressing
    assert await a.outcome(ticket) == NOT_KNOWN
    held.release()
    assert shared_replicas.changes - before == {f"DELETE {PLACE}/sources/source_1": 1}


async def test_without_the_engine_a_panel_sends_nothing_until_it_is_back(
    shared_replicas: Replicas,
) -> None:
    """What it asked is there again if the engine has only hung."""
    a, b = await both(shared_replicas)
    before = shared_replicas.changes
    ticket = await a.asked("delete_source", **STUDIO, sourceId="source_2")
    yes = (await b.show(ticket))["yes"]
    shared_replicas.engine.suspend()
    try:
        for it in (a, b):
            assert await it.failure(ticket, question="1", choice=yes) == "store_unavailable"
        assert shared_replicas.changes == before
    finally:
        shared_replicas.engine.resume()
    assert (await a.say(ticket, yes))["outcome"] == "Done."
    assert shared_replicas.changes - before == {f"DELETE {PLACE}/sources/source_2": 1}


async def test_a_stop_is_sent_without_a_panel_although_the_engine_hangs(
    shared_replicas: Replicas,
) -> None:
    """By its preview, also where the client draws panels."""
    a, b = await both(shared_replicas)
    before = shared_replicas.changes
    asked = await a.call(GO_OFFLINE.tool, **STUDIO)
    shared_replicas.engine.suspend()
    try:
        for client in (a, b):
            shown = asked if client is a else await client.call(GO_OFFLINE.tool, **STUDIO)
            confirmation = shown["structuredContent"]["confirmation"]
            began = monotonic()
            pressing = asyncio.create_task(
                client.call(GO_OFFLINE.tool, **STUDIO, confirm=True, confirmation=confirmation)
            )
            now = shared_replicas.changes
            async with asyncio.timeout(PATIENCE_SECONDS):
                while shared_replicas.changes == now:  # noqa: ASYNC110  another process: it can only be watched
                    await asyncio.sleep(0.01)
            assert monotonic() - began < STOP_SECONDS
            await pressing
    finally:
        shared_replicas.engine.resume()
    assert shared_replicas.changes - before == {GO_OFFLINE.sent: 2}


async def test_a_stop_that_a_panel_shows_is_sent_although_the_engine_hangs(
    shared_replicas: Replicas,
) -> None:
    """Its button works at each replica, and a no sends nothing."""
    a, b = await both(shared_replicas)
    before = shared_replicas.changes
    shown = [await it.asked(GO_OFFLINE.tool, **STUDIO) for it in (a, b)]
    yes = (await a.show(shown[0]))["yes"]
    shared_replicas.engine.suspend()
    try:
        declined = await b.press(shown[1], question="1", choice="Do not")
        assert declined["outcome"] == "You said no. Nothing was sent."
        assert shared_replicas.changes == before
        for client, ticket in zip((a, b), shown, strict=True):
            began = monotonic()
            stopped = await client.press(ticket, question="1", choice=yes)
            assert stopped["outcome"] == "Done. It is off air."
            assert monotonic() - began < STOP_SECONDS
    finally:
        shared_replicas.engine.resume()
    assert shared_replicas.changes - before == {GO_OFFLINE.sent: 2}


async def test_a_question_is_no_longer_open_after_the_engine_has_forgotten_it(
    shared_replicas: Replicas,
) -> None:
    """The same call asks another one."""
    a, b = await both(shared_replicas)
    ticket = await a.asked("delete_destination", **STUDIO, destId="dest_2")
    await b.show(ticket)
    await shared_replicas.engine.restart()
    for it in (a, b):
        assert await it.outcome(ticket) == "This question is no longer open here."
    assert await a.asked("delete_destination", **STUDIO, destId="dest_2") != ticket
