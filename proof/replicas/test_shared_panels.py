"""A question in a panel, asked at one replica, and shown, approved and learnt of at another."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from mcp import MCPError

from proof.replicas.replicas import (
    NOT_KNOWN,
    READING_SECONDS,
    SOON_SECONDS,
    at_both,
    replicas_on,
    when_back,
)
from tests.support.concurrency import Paused
from tests.support.guarded_calls import DELETE_DESTINATION, DELETE_SOURCE, GO_LIVE, GO_OFFLINE
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.answers import approved_in, has_run
from tests.world.panel import Panel, open_panel
from tests.world.world import Over

if TYPE_CHECKING:
    from collections.abc import Callable

    from proof.replicas.throwaway_engine import ThrowawayEngine
    from tests.world.caller import Caller

_PAUSE_SECONDS = 0.05


async def approve(panel: Panel) -> dict[str, Any]:
    """Press until it counts, a second after the question is shown anywhere; returns the state."""
    await panel.look()
    return await _until(panel, lambda it: it["phase"] != "open", choice=panel.yes)


async def refuse(panel: Panel) -> dict[str, Any]:
    """Press until it counts, as above; returns the state."""
    return await _until(panel, lambda it: it["phase"] != "open", choice=panel.no)


async def said(panel: Panel) -> str:
    """What a panel says at the end."""
    state = await _until(panel, lambda it: it["phase"] not in {"open", "running"})
    return str(state["outcome"])


def _undated(state: dict[str, Any]) -> dict[str, Any]:
    return {**state, "secondsLeft": 0}


async def _until(
    panel: Panel, is_so: Callable[[dict[str, Any]], bool], **answer: str
) -> dict[str, Any]:
    with anyio.fail_after(PATIENCE_SECONDS):
        while not is_so(state := await (panel.press(**answer) if answer else panel.look())):  # noqa: ASYNC110  as a panel does
            await anyio.sleep(_PAUSE_SECONDS)
    return state


def there(panel: Panel, caller: Caller) -> Panel:
    """The same question in a panel of another client."""
    return Panel(caller, panel.ticket)


async def test_a_question_is_asked_once_and_approved_at_any_replica(
    engine: ThrowawayEngine,
) -> None:
    """The same call at both at once asks one question. Pressed at both at once, it is sent once.

    A press counts only when the question has been shown for a second anywhere, and one of the calls
    is told the outcome.
    """
    async with replicas_on(engine) as it:
        a, b = await at_both(it, apps=True)
        panels = await asyncio.gather(open_panel(a, DELETE_SOURCE), open_panel(b, DELETE_SOURCE))
        assert panels[0].ticket == panels[1].ticket
        assert _undated(await panels[0].look()) == _undated(await panels[1].look())
        assert (await panels[1].press(panels[1].yes))["phase"] == "open"
        await asyncio.gather(*map(approve, panels))
        outcomes = [await said(panel) for panel in panels]
        assert outcomes[0] == outcomes[1]
        assert outcomes[0].startswith("Done. Deleted ")
        assert approved_in(await b.call(DELETE_SOURCE)) == "panel"
        assert approved_in(await a.call(DELETE_SOURCE)) is None
        assert it.sent == [DELETE_SOURCE.sent]


async def test_a_question_that_changed_or_was_refused_at_one_replica_is_so_at_all(
    engine: ThrowawayEngine,
) -> None:
    """Each panel says that things have changed, and the next call asks again."""
    async with replicas_on(engine) as it:
        a, b = await at_both(it, apps=True)
        here = await open_panel(a, GO_LIVE)
        elsewhere = there(here, b)
        await asyncio.gather(here.look(), elsewhere.look())
        it.trax.change("studio_42", name="Rehearsal")
        ended = await approve(elsewhere)
        assert ended["phase"] == "ended"
        assert ended["outcome"] == "Things have changed. Nothing was sent. Ask for it again."
        assert _undated(await here.press(here.yes)) == _undated(ended)
        assert (await b.data(GO_LIVE))["reason"] == "changed"
        assert it.sent == []
        here = await open_panel(a, GO_LIVE)
        elsewhere = there(here, b)
        await asyncio.gather(here.look(), elsewhere.look())
        assert (await refuse(here))["outcome"] == "You said no. Nothing was sent."
        assert await said(elsewhere) == "You said no. Nothing was sent."
        assert (await b.data(GO_LIVE))["reason"] == "declined"


async def test_a_replica_that_dies_while_it_sends_leaves_no_question_open(
    engine: ThrowawayEngine,
) -> None:
    async with replicas_on(engine, over=Over.PROCESS) as it:
        a, b = await at_both(it, apps=True)
        panel = await open_panel(a, DELETE_SOURCE)
        held = Paused()
        it.trax.faults.add(held.fault, method="DELETE")

        async def approve_there() -> None:
            with suppress(Exception):  # its connection breaks
                await approve(there(panel, b))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(approve_there)
            await held.arrived()
            it.replicas[1].kill()
            tasks.cancel_scope.cancel()
        assert NOT_KNOWN in (await said(panel)).lower()
        held.release()
        assert it.sent == [DELETE_SOURCE.sent]


async def test_while_the_engine_hangs_panels_send_only_stops(engine: ThrowawayEngine) -> None:
    """Their button works at each replica, a no sends nothing, and so does a preview's approval.

    What else they asked is there again if the engine has only hung, and is over if it has
    forgotten.
    """
    async with replicas_on(engine) as it:
        a, b = await at_both(it, apps=True)
        deletion = await open_panel(a, DELETE_DESTINATION)
        stops = [await open_panel(caller, GO_OFFLINE) for caller in (a, b)]
        refused = await open_panel(await it.caller(apps=True), GO_OFFLINE, studioId="studio_43")
        for panel in (deletion, *stops, refused):
            await panel.look()
        await anyio.sleep(READING_SECONDS)
        engine.suspend()
        try:
            with anyio.fail_after(SOON_SECONDS):
                assert (await refused.press(refused.no))["phase"] == "ended"
            for sent, stop in enumerate(stops, 1):
                with anyio.fail_after(SOON_SECONDS):
                    told = (await stop.press(stop.yes))["outcome"]
                assert "is off air now, but a start may still come" in told
                assert it.sent == [GO_OFFLINE.sent] * sent
            with pytest.raises(MCPError, match=r"doesn't answer\. Nothing changed"):
                await deletion.press(deletion.yes)
            assert "confirmation" in await a.preview(GO_OFFLINE)
        finally:
            engine.resume()
        await when_back(partial(a.call, GO_LIVE))
        assert (await approve(deletion))["outcome"].startswith("Done. Deleted ")
        assert has_run(await a.call(DELETE_DESTINATION))
        forgotten = await open_panel(a, DELETE_SOURCE)
        await engine.restart()
        for caller in (a, b):
            await when_back(partial(caller.call, GO_LIVE))
        assert await said(there(forgotten, b)) == "This question isn't open here any more."
