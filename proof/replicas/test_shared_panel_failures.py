"""A question in a panel, where a replica dies or the engine is gone."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from proof.replicas.panel_client import PanelClient
from tests.support.concurrency import Paused
from tests.support.guarded_calls import DELETE_SOURCE, GO_OFFLINE, STUDIO
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from proof.replicas.replica_setup import Replicas

NOT_KNOWN: Final = (
    "This was approved elsewhere already: whether the call ran is not known. Nothing more was sent."
)
STOP_SECONDS: Final = 2.5
LOST: Final = (
    "the replicas have lost the question, and whether it was answered elsewhere is not known."
)


async def both(replicas: Replicas) -> tuple[PanelClient, PanelClient]:
    """A client of each replica."""
    a, b = [await PanelClient.of(replicas, it) for it in replicas.both]
    return a, b


async def test_a_replica_that_dies_while_it_sends_leaves_no_question_open(
    replicas: Replicas,
) -> None:
    a, b = await both(replicas)
    ticket = await a.asked(DELETE_SOURCE.tool, **DELETE_SOURCE.arguments)
    yes = (await b.show(ticket))["yes"]
    held = Paused()
    replicas.trax.faults.add(held.fault, method="DELETE")
    pressing = asyncio.create_task(b.say(ticket, yes))
    await held.arrived()
    replicas.b.kill()
    with pytest.raises(httpx.TransportError):
        await pressing
    assert await a.outcome(ticket) == NOT_KNOWN
    held.release()
    assert replicas.changes == {DELETE_SOURCE.sent: 1}


async def test_without_the_engine_only_a_stop_is_sent_from_a_panel(replicas: Replicas) -> None:
    a, b = await both(replicas)
    stop = await a.asked("go_offline", **STUDIO)
    stop_state = await b.show(stop)
    ticket = await a.asked(DELETE_SOURCE.tool, **DELETE_SOURCE.arguments)
    yes = (await a.show(ticket))["yes"]
    await replicas.engine.kill()
    refused = await a.say(ticket, yes)
    assert refused["phase"] == "ended"
    assert "does not answer" in refused["outcome"], refused
    assert replicas.changes.total() == 0
    await b.press(stop, question=stop_state["question"], choice=stop_state["yes"])
    assert replicas.changes == {GO_OFFLINE.sent: 1}


async def test_a_call_that_ran_is_done_although_the_engine_is_gone(replicas: Replicas) -> None:
    a, b = await both(replicas)
    ticket = await a.asked(DELETE_SOURCE.tool, **DELETE_SOURCE.arguments)
    yes = (await b.show(ticket))["yes"]
    held = Paused()
    replicas.trax.faults.add(held.fault, method="DELETE")
    pressing = asyncio.create_task(b.say(ticket, yes))
    await held.arrived()
    await replicas.engine.kill()
    held.release()
    assert (await pressing)["outcome"] == "Done."
    assert replicas.changes == {DELETE_SOURCE.sent: 1}


async def test_an_outcome_is_told_elsewhere_although_the_engine_forgot_the_question(
    replicas: Replicas,
) -> None:
    a, b = await both(replicas)
    ticket = await a.asked(DELETE_SOURCE.tool, **DELETE_SOURCE.arguments)
    yes = (await b.show(ticket))["yes"]
    held = Paused()
    replicas.trax.faults.add(held.fault, method="DELETE")
    pressing = asyncio.create_task(b.say(ticket, yes))
    await held.arrived()
    await replicas.engine.restart()
    assert LOST in await a.outcome(ticket)
    held.release()
    assert (await pressing)["outcome"] == "Done."
    assert await a.outcome(ticket) == "Done."


async def test_a_stop_in_a_panel_is_sent_soon_although_the_engine_hangs(
    replicas: Replicas,
) -> None:
    a, _ = await both(replicas)
    ticket = await a.asked(GO_OFFLINE.tool, **STUDIO)
    state = await a.show(ticket)
    replicas.engine.suspend()
    began = monotonic()
    pressing = asyncio.create_task(a.press(ticket, question=state["question"], choice=state["yes"]))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not replicas.changes:  # noqa: ASYNC110  another process: it can only be watched
            await asyncio.sleep(0.01)
    assert monotonic() - began < STOP_SECONDS
    replicas.engine.resume()
    await pressing
    assert replicas.changes == {GO_OFFLINE.sent: 1}


async def test_reads_go_on_without_the_engine(replicas: Replicas) -> None:
    a, _ = await both(replicas)
    await replicas.engine.kill()
    checked = await a.call("check_studio", **STUDIO)
    assert not checked.get("isError"), checked


async def test_a_question_is_no_longer_open_after_the_engine_has_forgotten_it(
    replicas: Replicas,
) -> None:
    a, b = await both(replicas)
    ticket = await a.asked(DELETE_SOURCE.tool, **DELETE_SOURCE.arguments)
    await b.show(ticket)
    await replicas.engine.restart()
    for it in (a, b):
        assert await it.outcome(ticket) == f"This question is no longer open: {LOST}"
    told = await a.call(DELETE_SOURCE.tool, **DELETE_SOURCE.arguments)
    assert told["structuredContent"]["message"] == (
        f"Nothing was sent: {LOST} Call again if the person still wants it."
    )
    assert await a.asked(DELETE_SOURCE.tool, **DELETE_SOURCE.arguments) != ticket
