"""A replica with too much to do hears the engine too late. A stop there is still the last word."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from proof.replicas.faulty_engine import (
    FaultyEngine,
    hanging,
    no_fault,
    nothing_said,
    replica_in_process,
)
from proof.replicas.presses import EXPIRED, RAN, answer, press, preview, until
from tests.support import store_steps
from tests.support.concurrency import Paused, afterwards
from tests.support.product.faults import Fault
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE
from tests.support.product.sandbox import Sandbox
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.shared_store import until_back
from trax_mcp.clock import Clock
from trax_mcp.consent.store import Started
from trax_mcp.replicas.consent_store import SharedStore
from trax_mcp.replicas.engine import Engine
from trax_mcp.replicas.records import OUTCOME_UNKNOWN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from anyio.abc import TaskGroup

    from proof.replicas.presses import Outcome
    from proof.replicas.throwaway_engine import ThrowawayEngine
    from tests.support.guarded_calls import GuardedOperation
    from tests.support.jsonrpc import HttpCaller

PAUSE_SECONDS: Final = 0.02
SCRIPTS_OF_A_CALL: Final = 10
"""More than a go-live runs before it is sent, unless it waits."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox is on air with its answer, and a stop hardly waits for a slow go-live."""
    monkeypatch.setattr("trax_mcp.sandbox.stream_run.GO_LIVE_SECONDS", 0.0)
    monkeypatch.setattr("trax_mcp.sandbox.stream_run.GO_OFFLINE_SECONDS", 0.0)
    monkeypatch.setattr("trax_mcp.consent.guard.QUICK_SECONDS", 0.1)


class Race:
    """A go-live at one replica, and a stop at another, which may be busy. Both have their yes."""

    def __init__(
        self, trax: Sandbox, engines: tuple[FaultyEngine, FaultyEngine], tasks: TaskGroup
    ) -> None:
        self.trax = trax
        self.idle, self.busy = engines
        self.results: dict[str, Outcome] = {}
        self._tasks = tasks
        self._yeses: dict[str, tuple[HttpCaller, str]] = {}

    async def get_yes(self, caller: HttpCaller, operation: GuardedOperation) -> None:
        """Preview a call."""
        self._yeses[operation.tool] = caller, await preview(caller, operation)

    def press(self, operation: GuardedOperation) -> None:
        """Press the yes to a call. `results` has what comes of it."""

        async def press_and_note() -> None:
            caller, confirmation = self._yeses[operation.tool]
            self.results[operation.tool] = await press(caller, operation, confirmation)

        self._tasks.start_soon(press_and_note)

    def hold(self, operation: GuardedOperation) -> Paused:
        """Let TRaX hold the next call, before it handles it."""
        held = Paused()
        self.trax.faults.add(held.fault, path=operation.sent.split()[1])
        return held

    def sent(self, operation: GuardedOperation) -> int:
        """How often a call has reached TRaX."""
        return [f"{it.method} {it.path}" for it in self.trax.mutations].count(operation.sent)

    async def busy_takes_idle_for_gone(self) -> None:
        """Wait until the busy replica takes the other, which is silent, for gone."""
        (_, confirmation), (caller, _) = self._yeses[GO_LIVE.tool], self._yeses[GO_OFFLINE.tool]
        with anyio.fail_after(PATIENCE_SECONDS):
            while OUTCOME_UNKNOWN not in str(await answer(caller, GO_LIVE, confirmation)):  # noqa: ASYNC110  it can only be asked
                await anyio.sleep(PAUSE_SECONDS)

    async def ended(self) -> None:
        """Wait until both calls have ended, and check that the stop was the last word."""
        await until(lambda: len(self.results) == len(self._yeses))
        assert self.results[GO_OFFLINE.tool] == RAN
        assert not any(it.running for it in self.trax.world.streams.values())


@asynccontextmanager
async def open_race(engine: ThrowawayEngine) -> AsyncIterator[Race]:
    """A race that is about to begin, on an empty engine."""
    trax, engines = Sandbox(rate_limit=None), (FaultyEngine(engine.url), FaultyEngine(engine.url))
    async with (
        replica_in_process(engines[0], trax) as host,
        replica_in_process(engines[1], trax) as other,
        anyio.create_task_group() as tasks,
    ):
        await engines[0].clear()
        race = Race(trax, engines, tasks)
        await race.get_yes(host, GO_LIVE)
        await race.get_yes(other, GO_OFFLINE)
        yield race


async def test_a_go_live_under_way_does_not_outlast_a_stop_whose_replica_is_busy_at_any_step(
    engine: ThrowawayEngine,
) -> None:
    """Once, it hears no answer of the engine in time."""
    for number in count(1):
        async with open_race(engine) as race:
            held = race.hold(GO_LIVE)
            race.press(GO_LIVE)
            await held.arrived()
            race.busy.start_counting(hanging(number, times=1))
            race.press(GO_OFFLINE)
            await until(partial(race.sent, GO_OFFLINE))
            held.release()
            await race.ended()
            if race.busy.scripts < number:
                break


async def test_no_go_live_begins_during_a_stop_whose_replica_was_busy_at_any_step(
    engine: ThrowawayEngine,
) -> None:
    """Its yes is older than the stop."""
    for number in count(1):
        async with open_race(engine) as race:
            held = race.hold(GO_OFFLINE)
            race.busy.start_counting(hanging(number, times=1))
            race.press(GO_OFFLINE)
            await held.arrived()
            scripts = race.busy.scripts
            race.idle.start_counting(no_fault)
            race.press(GO_LIVE)
            await until(lambda: race.idle.scripts > SCRIPTS_OF_A_CALL or race.sent(GO_LIVE))
            held.release()
            await race.ended()
            assert race.results[GO_LIVE.tool] == EXPIRED
            assert not race.sent(GO_LIVE)
            if scripts < number:
                break


async def test_a_stop_is_sent_again_if_its_replica_cannot_know_how_a_go_live_under_way_has_ended(
    engine: ThrowawayEngine,
) -> None:
    """The engine was there before the stop was sent, and is not after it."""
    async with open_race(engine) as race:
        held = race.hold(GO_LIVE)
        race.press(GO_LIVE)
        await held.arrived()

        def lose_the_engine() -> None:
            race.busy.start_counting(hanging(1))
            held.release()

        race.trax.faults.add(afterwards(lose_the_engine), path=GO_OFFLINE.sent.split()[1])
        race.press(GO_OFFLINE)
        await until(lambda: race.sent(GO_OFFLINE) == 2)
        race.busy.start_counting(no_fault)
        await race.ended()


@pytest.mark.parametrize("is_over", [True, False], ids=["has ended", "is being sent"])
async def test_a_go_live_whose_replica_was_taken_for_gone_does_not_outlast_a_stop(
    engine: ThrowawayEngine, monkeypatch: pytest.MonkeyPatch, *, is_over: bool
) -> None:
    """No heartbeat of it was heard in time. TRaX receives the go-live after the stop."""
    async with open_race(engine) as race:
        go_live, stop = race.hold(GO_LIVE), anyio.Event()
        race.press(GO_LIVE)
        await go_live.arrived()
        monkeypatch.setattr(race.idle, "announce", nothing_said)
        await race.busy_takes_idle_for_gone()
        if not is_over:
            held = Fault.delay(stop, when="after")
            race.trax.faults.add(held, path=GO_OFFLINE.sent.split()[1])
        race.press(GO_OFFLINE)
        await until(lambda: GO_OFFLINE.tool in race.results if is_over else race.sent(GO_OFFLINE))
        go_live.release()
        await until(lambda: GO_LIVE.tool in race.results or race.sent(GO_OFFLINE) == 2)
        stop.set()
        await race.ended()


async def test_a_stop_that_met_a_busy_engine_still_looks_for_a_go_live_under_way(
    engine: ThrowawayEngine,
) -> None:
    """A computer with too much to do makes each replica slow to hear the engine."""
    async with (
        SharedStore(Engine(engine.url), Clock()).running() as one,
        SharedStore(Engine(engine.url), Clock()).running() as other,
    ):
        go_live = await store_steps.begin(one, store_steps.GO_LIVE)
        confirmation = await store_steps.add(other, store_steps.GO_OFFLINE)
        engine.suspend()
        seen = await other.look(store_steps.ME, confirmation.id, store_steps.GO_OFFLINE)
        stop = await other.begin(store_steps.GO_OFFLINE, confirmation_id=confirmation.id, seen=seen)
        engine.resume()
        assert isinstance(stop, Started)
        stop = await other.note_overlap(stop)
        assert stop.overlapping_go_lives == (go_live.number,)
        await store_steps.finish(one, go_live)
        assert await other.go_live_may_follow(stop)


@pytest.mark.parametrize("is_over", [False, True], ids=["under way", "over"])
async def test_a_go_live_learns_that_a_stop_did_not_know_of_it(
    engine: ThrowawayEngine, *, is_over: bool
) -> None:
    """The stop began and was sent without the engine. A later go-live is not undone."""
    async with (
        SharedStore(Engine(engine.url), Clock()).running() as one,
        SharedStore(Engine(engine.url), Clock()).running() as other,
    ):
        go_live = await store_steps.begin(one, store_steps.GO_LIVE)
        engine.suspend()
        stop = await store_steps.begin_unheard(other)
        engine.resume()
        assert not await one.was_overtaken(go_live)
        await until_back(other)
        await store_steps.finish(other, stop)
        if is_over:
            await store_steps.finish(one, go_live)
            await store_steps.begin(one, store_steps.GO_LIVE)
        assert await one.was_overtaken(go_live) is not is_over


async def test_a_go_live_that_began_during_a_stop_without_the_engine_learns_of_it(
    engine: ThrowawayEngine,
) -> None:
    """The engine hears of the stop only when it has ended."""
    busy = FaultyEngine(engine.url)
    async with (
        SharedStore(Engine(engine.url), Clock()).running() as one,
        SharedStore(busy, Clock()).running() as other,
    ):
        busy.start_counting(hanging(1))
        stop = await store_steps.begin_unheard(other)
        go_live = await store_steps.begin(one, store_steps.GO_LIVE)
        busy.start_counting(no_fault)
        await until_back(other)
        await store_steps.finish(other, stop)
        assert await one.was_overtaken(go_live)


async def test_a_go_live_learns_of_a_stop_although_the_engine_was_busy_once(
    engine: ThrowawayEngine,
) -> None:
    busy = FaultyEngine(engine.url)
    async with SharedStore(busy, Clock()).running() as store:
        go_live = await store_steps.begin(store, store_steps.GO_LIVE)
        await store_steps.make(store, store_steps.GO_OFFLINE)
        busy.start_counting(hanging(1, times=1))
        assert await store.was_overtaken(go_live)


async def test_no_go_live_outlasts_a_stop_although_the_engine_was_restarted_meanwhile(
    engine: ThrowawayEngine,
) -> None:
    """It has forgotten the go-live that is being sent, so the stop does not know of it."""
    async with open_race(engine) as race:
        held = race.hold(GO_LIVE)
        race.press(GO_LIVE)
        await held.arrived()
        await engine.restart()
        race.press(GO_OFFLINE)
        await until(lambda: GO_OFFLINE.tool in race.results)
        held.release()
        await race.ended()


class EngineAhead(Engine):
    """An engine whose clock is some seconds ahead."""

    seconds = 0.0

    async def _run(self, script: Any, keys: Sequence[str], arguments: Sequence[Any]) -> Any:  # noqa: ANN401
        result = await super()._run(script, keys, arguments)
        if isinstance(result, list):  # of a read
            result[1] = int(result[1]) + int(self.seconds)
        return result


async def test_a_stop_undoes_no_later_go_live_although_the_clock_of_the_engine_is_set_back(
    engine: ThrowawayEngine,
) -> None:
    ahead = EngineAhead(engine.url)
    async with SharedStore(ahead, Clock()).running() as store:
        stop = await store_steps.begin(store, store_steps.GO_OFFLINE)
        ahead.seconds = 3600.0
        await store_steps.look(store)
        await store_steps.finish(store, stop)
        ahead.seconds = 0.0
        assert not await store.was_overtaken(await store_steps.begin(store, store_steps.GO_LIVE))
