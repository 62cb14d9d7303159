"""The engine fails at every step of a call: a yes runs once at most, and nothing stays blocked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from proof.replicas.faulty_engine import (
    FaultyEngine,
    answering_every,
    hanging,
    losing,
    no_fault,
    replica_in_process,
    restarting,
    slow,
)
from proof.replicas.presses import (
    EXPIRED,
    ON_AIR,
    RAN,
    UNAVAILABLE,
    USED,
    consent,
    press,
    preview,
    until,
)
from tests.support import store_steps
from tests.support.guarded_calls import DELETE_DESTINATION, GO_LIVE, GO_OFFLINE
from tests.support.product.sandbox import Sandbox
from trax_mcp.clock import Clock
from trax_mcp.replicas.consent_store import SharedStore
from trax_mcp.replicas.engine import Engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proof.replicas.faulty_engine import EngineFault
    from proof.replicas.throwaway_engine import ThrowawayEngine
    from tests.support.guarded_calls import GuardedOperation
    from tests.support.jsonrpc import HttpCaller

FREE_SECONDS: Final = 3.0
STOP_SECONDS: Final = 2.5
STEP_SECONDS: Final = 0.8
"""Less than the engine has to answer a command."""
NEXT: Final = DELETE_DESTINATION
"""A call that waits for its turn in the same studio."""

every_operation = pytest.mark.parametrize(
    "operation", [GO_LIVE, GO_OFFLINE], ids=lambda it: it.tool
)


class Case:
    """A replica in this process on a sandbox of its own, and an engine that fails."""

    def __init__(self, engine: FaultyEngine, trax: Sandbox, caller: HttpCaller) -> None:
        self.engine = engine
        self.trax = trax
        self.caller = caller

    def sent(self, operation: GuardedOperation) -> int:
        """How often the call has reached TRaX."""
        return [f"{it.method} {it.path}" for it in self.trax.mutations].count(operation.sent)

    async def check(self, operation: GuardedOperation, fault: EngineFault) -> int:
        """Press a yes with a fault, then once more without. Return how many scripts ran."""
        confirmation = await preview(self.caller, operation)
        self.engine.start_counting(fault)
        first = await press(self.caller, operation, confirmation)
        scripts = self.engine.scripts
        self.engine.start_counting(no_fault)
        assert first in ({RAN} if operation is GO_OFFLINE else {RAN, UNAVAILABLE, EXPIRED})
        assert self.sent(operation) == (first == RAN)
        await until(lambda: not self.engine.is_away)
        with anyio.fail_after(FREE_SECONDS):
            while (again := await press(self.caller, operation, confirmation)) == USED:
                if first == RAN:
                    break  # else it is given back soon
            assert await consent(self.caller, NEXT) == RAN
        assert again in ({USED, EXPIRED, ON_AIR} if first == RAN else {RAN, EXPIRED})
        assert self.sent(operation) <= 1
        return scripts


OpenCase = Callable[[], AbstractAsyncContextManager[Case]]


@pytest.fixture
def open_case(engine: ThrowawayEngine, monkeypatch: pytest.MonkeyPatch) -> OpenCase:
    """Opens a case. The sandbox is on air at once, and the engine is away only for a moment."""
    monkeypatch.setattr("trax_mcp.sandbox.stream_run.GO_LIVE_SECONDS", 0.0)
    monkeypatch.setattr("trax_mcp.replicas.engine._RETRY_SECONDS", 0.05)

    @asynccontextmanager
    async def open_case() -> AsyncIterator[Case]:
        trax, faulty = Sandbox(rate_limit=None), FaultyEngine(engine.url)
        async with replica_in_process(faulty, trax) as caller:
            await faulty.clear()
            yield Case(faulty, trax, caller)

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
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_yes_runs_once_at_most_if_the_engine_restarts_empty_at_any_step(
    open_case: OpenCase, engine: ThrowawayEngine, operation: GuardedOperation, moment: str
) -> None:
    """A stop runs in any case, and the studio is free soon."""
    for number in count(1):
        async with open_case() as case:
            fault = restarting(engine, number, after=moment == "after")
            if await case.check(operation, fault) < number:
                break


async def test_a_stop_is_sent_in_time_if_the_engine_hangs_at_any_step(
    open_case: OpenCase,
) -> None:
    """Its confirmation is from before."""
    for number in count(1):
        async with open_case() as case, anyio.create_task_group() as tasks:
            confirmation = await preview(case.caller, GO_OFFLINE)
            case.engine.start_counting(hanging(number))
            tasks.start_soon(press, case.caller, GO_OFFLINE, confirmation)
            with anyio.fail_after(STOP_SECONDS):
                await until(partial(case.sent, GO_OFFLINE))
            scripts = case.engine.scripts
            case.engine.start_counting(no_fault)
        if scripts < number:
            break


async def test_a_stop_is_sent_in_time_if_the_engine_is_slow(open_case: OpenCase) -> None:
    """Each answer comes just before it would count as lost."""
    async with open_case() as case, anyio.create_task_group() as tasks:
        confirmation = await preview(case.caller, GO_OFFLINE)
        case.engine.start_counting(slow(0.9))
        tasks.start_soon(press, case.caller, GO_OFFLINE, confirmation)
        with anyio.fail_after(STOP_SECONDS):
            await until(partial(case.sent, GO_OFFLINE))
        case.engine.start_counting(no_fault)


async def test_a_stop_is_sent_in_time_if_the_engine_answers_only_now_and_then(
    open_case: OpenCase,
) -> None:
    """The stop never gets as far as to begin there."""
    async with open_case() as case, anyio.create_task_group() as tasks:
        confirmation = await preview(case.caller, GO_OFFLINE)
        case.engine.start_counting(answering_every(3))
        tasks.start_soon(press, case.caller, GO_OFFLINE, confirmation)
        with anyio.fail_after(STOP_SECONDS):
            await until(partial(case.sent, GO_OFFLINE))
        case.engine.start_counting(no_fault)


async def test_a_go_live_is_refused_if_the_engine_hangs(open_case: OpenCase) -> None:
    """Nothing is sent, and the same yes runs when the engine answers again."""
    async with open_case() as case:
        confirmation = await preview(case.caller, GO_LIVE)
        case.engine.start_counting(hanging(1))
        assert await press(case.caller, GO_LIVE, confirmation) == UNAVAILABLE
        assert case.sent(GO_LIVE) == 0
        case.engine.start_counting(no_fault)
        await until(lambda: not case.engine.is_away)
        assert await press(case.caller, GO_LIVE, confirmation) == RAN
        assert case.sent(GO_LIVE) == 1


async def test_a_go_live_that_is_seen_on_air_is_recorded_in_time_for_a_stop(
    engine: ThrowawayEngine,
) -> None:
    """The engine hangs. The stop that has read the status is still to be sent."""
    async with SharedStore(Engine(engine.url), Clock()).running() as store:
        await store_steps.make(store, store_steps.GO_LIVE)
        seen = await store_steps.look(store)
        assert seen.go_live_pending
        engine.suspend()
        began = anyio.current_time()
        await store.record_on_air(seen)
        assert anyio.current_time() - began < STEP_SECONDS
