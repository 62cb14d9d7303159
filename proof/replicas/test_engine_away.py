"""The engine is away, full, silent or hangs: reads and stops go on, and nothing else."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from proof.replicas.engine_proxy import engine_proxy
from proof.replicas.replicas import (
    EXPIRED,
    READING_SECONDS,
    SOON_SECONDS,
    UNAVAILABLE,
    USED,
    at_both,
    consent,
    in_new_studio,
    in_studio,
    ran_when_back,
    replicas_on,
    until,
    until_shown,
    when_back,
)
from proof.replicas.throwaway_engine import throwaway_engine
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE, GuardedOperation
from tests.support.simulated_person import Person, agreeing, refusing
from tests.world.answers import RAN, outcome
from tests.world.world import Over, World, open_world

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proof.replicas.throwaway_engine import ThrowawayEngine
    from tests.support.simulated_person import Form, FormAnswer
    from tests.world.caller import Caller

AWAY: Final = (
    "Valkey at TRAX_STORE_URL doesn't answer: guarded calls are refused, but not go_offline."
)
BACK: Final = "Valkey at TRAX_STORE_URL answers again."
UP: Final = "\ntrax_mcp_engine_up "
IDLE: Final = 12
"""Connections that wait in a replica's pool when the engine begins to hang."""
HANG_SECONDS: Final = 3.5

pytestmark = pytest.mark.usefixtures("on_air_at_once")


async def test_reads_and_stops_go_on_without_the_engine_and_nothing_else(
    engine: ThrowawayEngine,
) -> None:
    """A stop's approval from before works, given at one replica and used at the other.

    It works again until the engine is back, which is told of it. Then the approval is used.
    `GET /readyz`, the metrics and the log say so.
    """
    async with open_world(
        over=Over.PROCESS, replicas=2, engine=engine.url, TRAX_METRICS_PORT="0"
    ) as it:
        a, b = await at_both(it)
        process = it.replicas[0].process
        assert process is not None
        metrics = (await process.stderr.match(r"metrics at (http://[\d.]+:\d+)/metrics"))[1]
        await until_shown(metrics, "/metrics", f"{UP}1.0")
        assert await consent(a, GO_LIVE) == RAN
        stop = await a.confirmation(GO_OFFLINE)
        await engine.kill()
        for look in ("check_studio", "get_stream_status"):
            assert outcome(await b.call(look)) == RAN
        assert outcome(await b.call(GO_LIVE)) == UNAVAILABLE
        assert outcome(await b.use(GO_OFFLINE, stop)) == RAN
        assert outcome(await b.use(GO_OFFLINE, stop)) == RAN
        assert await consent(b, GO_OFFLINE) == RAN
        assert it.sent == [GO_LIVE.sent, *[GO_OFFLINE.sent] * 3]
        await until_shown(it.address, "/readyz", '"store":"away"')
        await until_shown(metrics, "/metrics", f"{UP}0.0")
        await engine.start()
        await until_shown(it.address, "/readyz", '"store":"ok"')
        await until_shown(metrics, "/metrics", f"{UP}1.0")
        assert await when_back(lambda: b.use(GO_LIVE, "of before")) == EXPIRED
        await ran_when_back(b, GO_LIVE)
        assert [outcome(await caller.use(GO_OFFLINE, stop)) for caller in (a, b)] == [USED] * 2
        assert it.is_live
        told = [text for text in (AWAY, BACK) for line in process.stderr.all if text in line]
        assert told == [AWAY, BACK]


async def reading(form: Form) -> FormAnswer:
    """Take the time in which a person reads, and refuse."""
    await anyio.sleep(READING_SECONDS)
    return await refusing(form)


async def test_a_form_asks_about_a_stop_without_the_engine(engine: ThrowawayEngine) -> None:
    async with replicas_on(engine) as it:
        person = Person(reading)
        asking = await it.caller(person=person)
        await engine.kill()
        assert outcome(await asking.call(GO_OFFLINE)) == ("declined", "declined")
        assert it.sent == []
        person.answer_with(agreeing)
        assert outcome(await asking.call(GO_OFFLINE)) == RAN
        assert it.sent == [GO_OFFLINE.sent]


async def test_an_engine_without_memory_keeps_no_approval_and_answers_when_it_has_some(
    engine: ThrowawayEngine,
) -> None:
    """Chat is read all the same."""
    async with replicas_on(engine) as it, engine.client() as client:
        a = await it.caller()
        await client.config_set("maxmemory", 1)
        with anyio.fail_after(SOON_SECONDS):
            while outcome(await a.call(GO_LIVE)) != UNAVAILABLE:  # noqa: ASYNC110  it can only be asked
                await anyio.sleep(0.02)
        assert outcome(await a.call("wait_for_chat_messages", timeoutSeconds=1)) == RAN
        await client.config_set("maxmemory", 0)
        await ran_when_back(a, GO_LIVE)


async def test_connections_that_fell_silent_are_given_up_together(engine: ThrowawayEngine) -> None:
    """As when the machine of the engine fails: nobody closes them."""
    async with engine_proxy(engine) as proxy, open_world(engine=proxy.url) as it:
        a = await it.caller()
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(a.call, GO_LIVE)
        proxy.silence()
        assert outcome(await a.call(GO_LIVE)) == UNAVAILABLE
        with anyio.fail_after(SOON_SECONDS):
            await when_back(partial(a.call, GO_LIVE))
        assert await consent(a, GO_LIVE) == RAN


@pytest.mark.parametrize(
    ("over_tls", "times"),
    [
        pytest.param(True, 2, id="TLS"),
        pytest.param(False, 2, id="no TLS", marks=pytest.mark.nightly),
        pytest.param(True, 9, id="TLS, again and again", marks=pytest.mark.nightly),
    ],
)
async def test_replicas_outlive_an_engine_that_hangs(*, over_tls: bool, times: int) -> None:
    """Guarded calls are refused meanwhile, stops go out, and all works again afterwards.

    Over TLS a connection to an engine that hangs cannot be closed, which once ended replicas.
    """
    async with (
        throwaway_engine(tls=over_tls) as engine,
        replicas_on(engine, over=Over.PROCESS) as it,
    ):
        both = await at_both(it)
        for _ in range(times):
            starts = [in_new_studio(it, GO_LIVE) for _ in both]
            for caller, start in zip(both, starts, strict=True):
                async with anyio.create_task_group() as tasks:
                    for _ in range(IDLE):  # one that is left of the last time is found dead now
                        tasks.start_soon(caller.call, start)
            await all_ran_when_back(both, starts)
            stops = [in_studio(GO_OFFLINE, start.arguments["studioId"]) for start in starts]
            earlier = [
                await caller.confirmation(stop) for caller, stop in zip(both, stops, strict=True)
            ]
            engine.suspend()
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(anyio.sleep, HANG_SECONDS)
                    for caller, start, stop, yes in zip(both, starts, stops, earlier, strict=True):
                        for late in (0.0, 0.3, 0.6, 2.0):
                            tasks.start_soon(refused, caller, start, late)
                        tasks.start_soon(stopped_twice, it, caller, stop, yes)
            finally:
                engine.resume()
            await all_ran_when_back(both, starts)
            for caller, stop in zip(both, stops, strict=True):
                assert await consent(caller, stop) == RAN
            for replica in it.replicas:
                assert replica.process is not None
                assert replica.process.process.returncode is None
                assert "Traceback" not in replica.process.stderr.text


async def all_ran_when_back(
    callers: Sequence[Caller], operations: Sequence[GuardedOperation]
) -> None:
    """Each caller's own, at once."""
    async with anyio.create_task_group() as tasks:
        for caller, operation in zip(callers, operations, strict=True):
            tasks.start_soon(ran_when_back, caller, operation)


async def refused(caller: Caller, operation: GuardedOperation, late: float) -> None:
    """A guarded call is refused."""
    await anyio.sleep(late)
    assert outcome(await caller.call(operation)) == UNAVAILABLE


async def stopped_twice(it: World, caller: Caller, stop: GuardedOperation, yes: str) -> None:
    """A stop that was approved before is on the wire soon, and so is one that is asked now."""
    for confirmation in (yes, None):
        sent = it.sent.count(stop.sent)
        used = confirmation or await caller.confirmation(stop)
        call = caller.start(stop, confirm=True, confirmation=used)
        await until(lambda sent=sent: it.sent.count(stop.sent) > sent, seconds=SOON_SECONDS)  # type: ignore[misc]
        await call.result()
