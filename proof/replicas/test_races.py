"""Stops and starts race over two replicas, at random moments: a stop is the last word."""

from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from proof.replicas.presses import EXPIRED, ON_AIR, RAN, press, preview, until
from proof.replicas.studios import in_new_studio, in_studio
from tests.support.concurrency import Paused
from tests.support.consent_clients import SECOND_KEY
from tests.support.product.faults import Fault
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE

if TYPE_CHECKING:
    from proof.replicas.presses import Outcome
    from proof.replicas.replica_setup import Replicas

pytestmark = pytest.mark.asyncio(loop_scope="module")

RACES: Final = 100 if "REPLICAS_WHOLE" in os.environ else 10
AT_ONCE: Final = 4
MOST_SECONDS: Final = 0.1
SEED: Final = 16


async def race(replicas: Replicas, random: Random) -> None:
    """A start and a stop of one studio, each at a random replica and moment; TRaX is slow."""
    start = in_new_studio(replicas, GO_LIVE)
    studio = start.arguments["studioId"]
    stop = in_studio(GO_OFFLINE, studio)
    host = await replicas.caller(random.choice(replicas.both))
    other = await replicas.caller(random.choice(replicas.both), key=SECOND_KEY)
    yes_to_start, yes_to_stop = await preview(host, start), await preview(other, stop)
    delays = {it: random.uniform(0, MOST_SECONDS) for it in ("start", "stop", "TRaX")}
    replicas.trax.faults.add(Fault.delay(delays["TRaX"]), path=f"*/{studio}/go-live")
    results: dict[str, Outcome] = {}

    async def press_start() -> None:
        await anyio.sleep(delays["start"])
        results["start"] = await press(host, start, yes_to_start)

    async def press_stop() -> None:
        await anyio.sleep(delays["stop"])
        results["stop"] = await press(other, stop, yes_to_stop)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(press_start)
        tasks.start_soon(press_stop)
    stream = replicas.trax.world.streams.get(studio)
    assert stream is None or not stream.running, (delays, results)
    assert results["stop"] == RAN, delays
    assert results["start"] in {RAN, EXPIRED, ON_AIR}, delays
    assert await press(host, start, yes_to_start) != RAN
    assert replicas.changes[start.sent] == (results["start"] == RAN)


async def test_a_studio_is_never_live_after_a_stop_that_raced_with_its_start(
    shared_replicas: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No older yes starts it again."""
    monkeypatch.setattr("trax_mcp.sandbox.stream_run.GO_LIVE_SECONDS", 0.0)
    monkeypatch.setattr("trax_mcp.sandbox.stream_run.GO_OFFLINE_SECONDS", 0.0)
    random = Random(SEED)  # noqa: S311  moments, no secrets

    async def race_one_after_another() -> None:
        for _ in range(RACES // AT_ONCE + 1):
            await race(shared_replicas, random)

    async with anyio.create_task_group() as tasks:
        for _ in range(AT_ONCE):
            tasks.start_soon(race_one_after_another)


async def test_a_stop_that_a_slow_go_live_at_another_replica_may_follow_is_sent_again(
    shared_replicas: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not wait for it for long. TRaX receives the go-live after the first stop."""
    monkeypatch.setattr("trax_mcp.sandbox.stream_run.GO_LIVE_SECONDS", 0.0)
    monkeypatch.setattr("trax_mcp.sandbox.stream_run.GO_OFFLINE_SECONDS", 0.0)
    replicas, held = shared_replicas, Paused()
    start = in_new_studio(replicas, GO_LIVE)
    studio = start.arguments["studioId"]
    stop = in_studio(GO_OFFLINE, studio)
    host = await replicas.caller(replicas.a)
    other = await replicas.caller(replicas.b, key=SECOND_KEY)
    yes_to_start, yes_to_stop = await preview(host, start), await preview(other, stop)
    replicas.trax.faults.add(held.fault, path=f"*/{studio}/go-live")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(press, host, start, yes_to_start)
        await held.arrived()
        tasks.start_soon(press, other, stop, yes_to_stop)
        await until(lambda: replicas.changes[stop.sent])
        held.release()
    assert replicas.changes[stop.sent] == 2
    assert not replicas.trax.world.streams[studio].running
