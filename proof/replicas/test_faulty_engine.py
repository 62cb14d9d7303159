"""The engine fails at every step of a call: it runs once at most, and nothing stays blocked."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from operator import gt
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from proof.replicas.engine_proxy import (
    EngineFault,
    EngineProxy,
    engine_proxy,
    hanging,
    losing,
    restarting,
    slow,
)
from proof.replicas.replicas import (
    EXPIRED,
    ON_AIR,
    SOON_SECONDS,
    UNAVAILABLE,
    USED,
    ran_when_back,
    until,
    when_back,
)
from tests.support.concurrency import Paused
from tests.support.guarded_calls import DELETE_DESTINATION, GO_LIVE, GO_OFFLINE
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.answers import RAN, outcome
from tests.world.world import MINE, World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from proof.replicas.throwaway_engine import ThrowawayEngine
    from tests.support.guarded_calls import GuardedOperation

    FaultAt = Callable[[ThrowawayEngine, int], EngineFault]

FAULTS: Final[dict[str, FaultAt]] = {
    "an answer is lost": lambda _engine, number: losing(number),
    "two answers are lost": lambda _engine, number: losing(number, 2),
    "restarted empty before a step": lambda engine, number: restarting(engine, number, after=False),
    "restarted empty after a step": lambda engine, number: restarting(engine, number, after=True),
}
"""What happens at each step in turn."""
MISBEHAVIOURS: Final = {
    "it hangs": hanging(lambda _number: False),
    "each answer comes late": slow(0.3),
    "each answer comes just before it would count as lost": slow(0.9),
    "it answers now and then": hanging(lambda number: number % 3 == 1),
}

pytestmark = pytest.mark.usefixtures("on_air_at_once", "read_at_once")
every_misbehaviour = pytest.mark.parametrize("how", MISBEHAVIOURS)


@asynccontextmanager
async def replica_on(
    engine: ThrowawayEngine, number: int = 0, *, apps: bool = False
) -> AsyncIterator[tuple[World, EngineProxy]]:
    """A replica in this process, on an empty engine that can fail."""
    async with engine.client() as client:
        await client.flushall()
    async with (
        engine_proxy(engine, name=f"proxy_{number}") as proxy,
        open_world(MINE, engine=proxy.url, apps=apps) as it,
    ):
        yield it, proxy


@pytest.mark.nightly
@pytest.mark.parametrize("operation", [GO_LIVE, GO_OFFLINE], ids=lambda it: it.tool)
@pytest.mark.parametrize("what", FAULTS)
async def test_a_call_runs_once_at_most_whatever_happens_at_any_step(
    engine: ThrowawayEngine, operation: GuardedOperation, what: str
) -> None:
    """A stop runs in any case, and the studio is free soon."""
    for number in count(1):
        async with replica_on(engine, number) as (it, proxy):
            fault = FAULTS[what](engine, number)
            if await runs_once_at_most(it, proxy, operation, fault) < number:
                return


async def runs_once_at_most(
    it: World, proxy: EngineProxy, operation: GuardedOperation, fault: EngineFault
) -> int:
    """Use an approval with a fault, then again without. Returns how many scripts ran."""
    caller = it[MINE]
    confirmation = await caller.confirmation(operation)
    use = partial(caller.use, operation, confirmation)
    proxy.start_counting(fault)
    first = outcome(await use())
    scripts = proxy.scripts
    proxy.start_counting()
    assert first in ({RAN} if operation is GO_OFFLINE else {RAN, UNAVAILABLE, EXPIRED})
    assert it.sent.count(operation.sent) == (first == RAN)
    with anyio.fail_after(PATIENCE_SECONDS):
        while (again := await when_back(use)) == USED and first != RAN:
            pass  # it is given back soon
    await ran_when_back(caller, DELETE_DESTINATION)
    assert again in ({USED, EXPIRED, ON_AIR} if first == RAN else {RAN, EXPIRED})
    assert it.sent.count(operation.sent) <= 1
    return scripts


@pytest.mark.nightly
async def test_a_stop_is_sent_soon_if_the_engine_hangs_at_any_step(engine: ThrowawayEngine) -> None:
    for number in count(1):
        async with replica_on(engine, number) as (it, proxy):
            if await scripts_of_a_stop(it, proxy, hanging(partial(gt, number))) < number:
                return


@every_misbehaviour
async def test_a_stop_is_sent_soon_whatever_the_engine_does(
    engine: ThrowawayEngine, how: str
) -> None:
    """And by a client with panels: it does not wait to learn what a panel has asked about it."""
    for apps in (False, True):
        async with replica_on(engine, apps=apps) as (it, proxy):
            await scripts_of_a_stop(it, proxy, MISBEHAVIOURS[how])


@every_misbehaviour
async def test_a_stop_is_sent_soon_after_a_go_live_although_the_engine_misbehaves(
    engine: ThrowawayEngine, how: str
) -> None:
    """It waits for the go-live that is being sent, and for the engine, but not for each anew."""
    held = Paused()
    async with replica_on(engine) as (it, proxy):
        confirmation = await it[MINE].confirmation(GO_LIVE)
        it.trax.faults.add(held.fault, path="*/go-live")
        started = it[MINE].start(GO_LIVE, confirm=True, confirmation=confirmation)
        await held.arrived()
        await scripts_of_a_stop(it, proxy, MISBEHAVIOURS[how])
        held.release()
        await started.result()


async def scripts_of_a_stop(it: World, proxy: EngineProxy, fault: EngineFault) -> int:
    """Stop while the engine fails. Returns how many scripts ran until the stop was sent."""
    asked = await it[MINE].data(GO_OFFLINE)
    proxy.start_counting(fault)
    used = {"confirm": True, "confirmation": asked["confirmation"]}
    stopping = it[MINE].start(GO_OFFLINE, **used)
    await until(lambda: GO_OFFLINE.sent in it.sent, seconds=SOON_SECONDS)
    scripts = proxy.scripts
    proxy.start_counting()
    await stopping.result()
    return scripts
