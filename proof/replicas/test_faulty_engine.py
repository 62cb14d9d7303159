"""The engine fails at every step of a call: a yes runs once at most, and nothing stays blocked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from proof.replicas.engine_proxy import (
    EngineFault,
    EngineProxy,
    answering_every,
    engine_proxy,
    hanging,
    losing,
    restarting,
    slow,
)
from proof.replicas.panel_client import PanelClient
from proof.replicas.presses import (
    EXPIRED,
    ON_AIR,
    RAN,
    UNAVAILABLE,
    USED,
    Outcome,
    outcome,
    press,
    press_when_back,
    preview,
    until,
)
from proof.replicas.replica_in_process import replica_in_process
from tests.support.concurrency import Paused
from tests.support.guarded_calls import DELETE_DESTINATION, GO_LIVE, GO_OFFLINE
from tests.support.product.sandbox import Sandbox
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proof.replicas.throwaway_engine import ThrowawayEngine
    from tests.support.guarded_calls import GuardedOperation
    from tests.world.wire import HttpWire

STOP_SECONDS: Final = 2.5
PAUSE_SECONDS: Final = 0.02
NEXT: Final = DELETE_DESTINATION
"""A call that waits for its turn in the same studio."""

pytestmark = pytest.mark.usefixtures("on_air_at_once")
every_operation = pytest.mark.parametrize(
    "operation", [GO_LIVE, GO_OFFLINE], ids=lambda it: it.tool
)


class Case:
    """A replica in this process on a sandbox of its own, and an engine that fails."""

    def __init__(self, engine: EngineProxy, trax: Sandbox, caller: HttpWire) -> None:
        self.engine = engine
        self.trax = trax
        self.caller = caller

    def sent(self, operation: GuardedOperation) -> int:
        """How often the call has reached TRaX."""
        return self.trax.sent.count(operation.sent)

    async def check(self, operation: GuardedOperation, fault: EngineFault) -> int:
        """Press a yes with a fault, then once more without. Return how many scripts ran."""
        confirmation = await preview(self.caller, operation)
        self.engine.start_counting(fault)
        first = await press(self.caller, operation, confirmation)
        scripts = self.engine.scripts
        self.engine.start_counting()
        assert first in ({RAN} if operation is GO_OFFLINE else {RAN, UNAVAILABLE, EXPIRED})
        assert self.sent(operation) == (first == RAN)
        with anyio.fail_after(PATIENCE_SECONDS):
            while (again := await press_when_back(self.caller, operation, confirmation)) == USED:
                if first == RAN:
                    break  # else it is given back soon
            while (free := await consent_to_next(self.caller)) == UNAVAILABLE:  # noqa: ASYNC110  it can only be asked
                await anyio.sleep(PAUSE_SECONDS)
            assert free == RAN
        assert again in ({USED, EXPIRED, ON_AIR} if first == RAN else {RAN, EXPIRED})
        assert self.sent(operation) <= 1
        return scripts


async def consent_to_next(caller: HttpWire) -> Outcome:
    """Delete something in the same studio with a new yes, if the engine is back."""
    shown = await caller.call(NEXT.tool, **NEXT.arguments)
    confirmation = shown["structuredContent"].get("confirmation")
    return await press(caller, NEXT, confirmation) if confirmation else outcome(shown)


OpenCase = Callable[[], AbstractAsyncContextManager[Case]]


@pytest.fixture
def open_case(engine: ThrowawayEngine) -> OpenCase:
    """Opens a case on an empty engine."""
    numbers = count()

    @asynccontextmanager
    async def open_case() -> AsyncIterator[Case]:
        trax = Sandbox(rate_limit=None)
        async with engine.client() as client:
            await client.flushall()
        async with (
            engine_proxy(engine, name=f"proxy_{next(numbers)}") as proxy,
            replica_in_process(proxy.url, trax) as caller,
        ):
            yield Case(proxy, trax, caller)

    return open_case


@every_operation
@pytest.mark.parametrize("times", [1, 2])
async def test_a_yes_runs_once_at_most_if_any_answer_of_the_engine_is_lost(
    open_case: OpenCase, operation: GuardedOperation, times: int
) -> None:
    """Once or twice in a row. A stop runs in any case, and the studio is free soon."""
    for number in count(1):
        async with open_case() as case:
            if await case.check(operation, losing(number, times)) < number:
                break


@every_operation
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_yes_runs_once_at_most_if_the_engine_restarts_empty_at_any_step(
    open_case: OpenCase, engine: ThrowawayEngine, operation: GuardedOperation, *, after: bool
) -> None:
    """A stop runs in any case, and the studio is free soon."""
    for number in count(1):
        async with open_case() as case:
            if await case.check(operation, restarting(engine, number, after=after)) < number:
                break


async def test_a_stop_is_sent_in_time_if_the_engine_hangs_at_any_step(
    open_case: OpenCase,
) -> None:
    """Its confirmation is from before."""
    for number in count(1):
        async with open_case() as case:
            scripts = await stop_in_time(case, hanging(number))
        if scripts < number:
            break


@pytest.mark.parametrize(
    "fault", [slow(0.9), answering_every(3)], ids=["it is slow", "it answers now and then"]
)
async def test_a_stop_is_sent_in_time_whatever_the_engine_does(
    open_case: OpenCase, fault: EngineFault
) -> None:
    """Each answer comes just before it would count as lost, or most of them never come."""
    async with open_case() as case:
        await stop_in_time(case, fault)


@pytest.mark.parametrize("seconds", [0.2, 0.35, 0.9])
async def test_a_stop_is_sent_in_time_beside_a_go_live_although_the_engine_is_slow(
    open_case: OpenCase, seconds: float
) -> None:
    """It waits for the go-live that is being sent, and for the engine, but not for each anew."""
    held = Paused()
    async with open_case() as case, anyio.create_task_group() as tasks:
        case.trax.faults.add(held.fault, path="*/go-live")
        start = await preview(case.caller, GO_LIVE)
        tasks.start_soon(press, case.caller, GO_LIVE, start)
        await held.arrived()
        await stop_in_time(case, slow(seconds))
        held.release()


@pytest.mark.parametrize(
    "fault", [hanging(1), slow(0.3), slow(0.9)], ids=["it hangs", "it is slow", "it is very slow"]
)
async def test_a_stop_of_a_client_with_panels_is_sent_in_time_whatever_the_engine_does(
    open_case: OpenCase, fault: EngineFault
) -> None:
    """It does not wait to learn what a panel has asked about the same stop."""
    async with open_case() as case, anyio.create_task_group() as tasks:
        client = PanelClient(case.caller)
        asked = (await client.call(GO_OFFLINE.tool, **GO_OFFLINE.arguments))["structuredContent"]
        evidence = {"confirm": True, "confirmation": asked["confirmation"]}
        case.engine.start_counting(fault)
        tasks.start_soon(partial(client.call, GO_OFFLINE.tool, **GO_OFFLINE.arguments, **evidence))
        with anyio.fail_after(STOP_SECONDS):
            await until(partial(case.sent, GO_OFFLINE))
        case.engine.start_counting()


async def stop_in_time(case: Case, fault: EngineFault) -> int:
    """Press a stop with a fault, and return how many scripts ran until it was sent."""
    async with anyio.create_task_group() as tasks:
        confirmation = await preview(case.caller, GO_OFFLINE)
        case.engine.start_counting(fault)
        tasks.start_soon(press, case.caller, GO_OFFLINE, confirmation)
        with anyio.fail_after(STOP_SECONDS):
            await until(partial(case.sent, GO_OFFLINE))
        scripts = case.engine.scripts
        case.engine.start_counting()
    return scripts
