"""Stops, starts and changes race over two replicas, at random moments."""

from __future__ import annotations

import os
import re
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from proof.replicas.presses import press, preview, until
from proof.replicas.studios import in_new_studio, in_studio
from proof.replicas.throwaway_engine import throwaway_engine
from tests.support.concurrency import Paused
from tests.support.consent_clients import SECOND_KEY
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE
from tests.support.product.memory import engine_memory
from tests.support.product.sandbox import Sandbox
from tests.support.product.server import Product
from tests.support.random_round import SEED, Round, chance, open_world
from tests.support.random_trax import Moments
from tests.support.round_judge import broken_in
from tests.support.round_judge import problems as problems_in
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from random import Random

    from proof.replicas.replica_setup import Replicas
    from proof.replicas.throwaway_engine import ThrowawayEngine
    from tests.support.random_round import World

_WHOLE: Final = "REPLICAS_WHOLE" in os.environ
ROUNDS: Final = 300 if _WHOLE else 8
HANGS: Final = ROUNDS // 4
AT_ONCE: Final = 2
"""How many rounds run at the same time, each on a sandbox, an engine and replicas of its own."""
PACE: Final = 0.1
"""A tenth of the time that TRaX takes in virtual time."""
BACK_SECONDS: Final = 1.5
"""After so long, an engine that hung has been told what it did not hear."""
GIVEN_UP: Final = re.compile(
    "go_offline (ran|says that it ran,) 2 times|on air after the last stop"
)
"""A stop's yes may work once more at another replica, and a go-live that crosses it may stay."""

pytestmark = pytest.mark.usefixtures("on_air_at_once")
over_tls_and_without = pytest.mark.parametrize("over_tls", [False, True], ids=["no TLS", "TLS"])


@over_tls_and_without
async def test_a_race_over_two_replicas_keeps_every_promise(
    monkeypatch: pytest.MonkeyPatch, *, over_tls: bool
) -> None:
    """As in one process: see `tests/consent/test_random_interleavings`. The engine is never away.

    On a busy machine it could seem so, since all replicas here are one process.
    """
    for limit in ("replicas.engine._TIMEOUT_SECONDS", "consent.stops._ENGINE_SECONDS"):
        monkeypatch.setattr(f"trax_mcp.{limit}", PATIENCE_SECONDS)
    found: list[str] = []

    async def race(first: int) -> None:
        async with (
            throwaway_engine(tls=over_tls) as engine,
            open_replicated_world(engine.url, chance(f"trax {first}")) as world,
        ):
            for number in range(first, ROUNDS, AT_ONCE):
                found.extend(await broken_in(Round(world, number, chance(number))))

    async with anyio.create_task_group() as tasks:
        for first in range(AT_ONCE):
            tasks.start_soon(race, first)
    assert not found, "\n".join([f"once more with RACES_SEED={SEED}:", *found])


@over_tls_and_without
async def test_a_race_keeps_every_promise_while_the_engine_hangs(*, over_tls: bool) -> None:
    """For a moment in each round: but for what `docs/replicas.md` gives up without the engine."""
    found: list[str] = []
    async with (
        throwaway_engine(tls=over_tls) as engine,
        open_replicated_world(engine.url, chance("trax")) as world,
    ):
        for number in range(HANGS):
            it = Round(world, number, chance(number))
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(hang_once, engine, chance(f"pause {number}"))
                with anyio.fail_after(PATIENCE_SECONDS):
                    await it.run()
            await anyio.sleep(BACK_SECONDS)
            problems = [problem for problem in problems_in(it) if not GIVEN_UP.search(problem)]
            if problems:
                found += [it.studio, *problems, it.story()]
    assert not found, "\n".join([f"once more with RACES_SEED={SEED}:", *found])


async def hang_once(engine: ThrowawayEngine, random: Random) -> None:
    """Stop the engine's process for a moment."""
    await anyio.sleep(random.random() * 0.8)
    engine.suspend()
    try:
        await anyio.sleep(random.choice((0.1, 0.6, 1.5, 3.0)))
    finally:
        engine.resume()


@asynccontextmanager
async def open_replicated_world(url: str, random: Random) -> AsyncIterator[World]:
    """Two replicas in this process on an engine, and a sandbox of their own."""
    trax, products = Sandbox(rate_limit=None), list[Product]()

    async def settle() -> None:
        for product in products:
            await product.calls_finished()

    async with AsyncExitStack() as stack:
        for _ in range(2):
            memory = await stack.enter_async_context(engine_memory(url))
            products.append(Product(trax, memory.clock, memory=memory))
        moments = Moments(random)
        yield await stack.enter_async_context(
            open_world(products, moments, random, settle=settle, pace=PACE)
        )


async def test_a_studio_is_off_air_after_a_stop_that_a_slow_go_live_at_another_replica_follows(
    replicas: Replicas,
) -> None:
    """The stop does not wait for it for long. TRaX receives the go-live after the first stop."""
    held = Paused()
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
    assert not replicas.trax.is_running(studio)
