"""The engine forgets, which is no stop. Or it misses a stop, which counts all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from proof.replicas.engine_proxy import engine_proxy, hanging
from proof.replicas.replicas import at_both, consent, replicas_on, until
from tests.support.concurrency import Paused
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE
from tests.world.answers import RAN, outcome, state_in
from tests.world.world import COLLEAGUE, MINE, open_world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from proof.replicas.throwaway_engine import ThrowawayEngine

pytestmark = pytest.mark.usefixtures("on_air_at_once", "read_at_once")


async def flush(engine: ThrowawayEngine) -> None:
    """Let it forget all, and go on."""
    async with engine.client() as client:
        await client.flushall()


async def restart(engine: ThrowawayEngine) -> None:
    """Start it again, empty."""
    await engine.restart()


FORGETTING: Final = {"flushed": flush, "restarted": restart}


@pytest.mark.parametrize("forget", FORGETTING.values(), ids=FORGETTING)
async def test_an_engine_that_forgets_while_a_go_live_is_sent_is_no_stop(
    engine: ThrowawayEngine, forget: Callable[[ThrowawayEngine], Awaitable[None]]
) -> None:
    """It forgets a stop of before, too. The show stays on air, as it is told."""
    held = Paused()
    async with replicas_on(engine) as it:
        a, b = await at_both(it)
        assert await consent(a, GO_LIVE) == RAN
        assert await consent(b, GO_OFFLINE) == RAN
        confirmation = await a.confirmation(GO_LIVE)
        it.trax.faults.add(held.fault, path="*/go-live")
        started = a.start(GO_LIVE, confirm=True, confirmation=confirmation)
        await held.arrived()
        await forget(engine)
        held.release()
        assert state_in(await started.result()) == "on_air"
        assert it.sent == [GO_LIVE.sent, GO_OFFLINE.sent, GO_LIVE.sent]
        assert it.is_live


@pytest.mark.parametrize("is_held", [False, True], ids=["has run", "is being sent"])
async def test_an_approval_from_before_a_stop_that_the_engine_missed_leaves_no_show_on_air(
    engine: ThrowawayEngine, *, is_held: bool
) -> None:
    """The engine hears of the stop when the call of the approval is being sent, or has run."""
    held = Paused()
    async with (
        open_world(MINE, engine=engine.url) as it,
        engine_proxy(engine) as proxy,
        open_world(COLLEAGUE, engine=proxy.url, trax=it.trax) as there,
    ):
        a, b = it[MINE], there[COLLEAGUE]
        start, stop = await a.confirmation(GO_LIVE), await b.confirmation(GO_OFFLINE)
        proxy.start_counting(hanging(lambda _number: False))
        assert outcome(await b.use(GO_OFFLINE, stop)) == RAN
        if is_held:
            it.trax.faults.add(held.fault, path="*/go-live")
        started = a.start(GO_LIVE, confirm=True, confirmation=start)
        await (held.arrived() if is_held else started.result())
        assert it.sent == [GO_OFFLINE.sent, GO_LIVE.sent]
        proxy.start_counting()
        if is_held:
            await until(lambda: proxy.scripts > 2)  # it has begun, and ended, its stop there
            held.release()
        await until(lambda: not it.is_live)
        await started.result()
        assert it.sent.count(GO_LIVE.sent) == 1
        assert not it.is_live
